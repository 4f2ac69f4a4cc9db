"""What Azure refuses, fails or drops: told in its own words, or carried out at a later try."""

import pytest

from tests.stories.world import Hosted, Json, Vm, kinds

RELEASED: Json = {"power": "deallocated", "sysprep": "succeeded"}
BROKEN: Json = {"code": "InternalExecutionError", "message": "An internal execution error."}
DEALLOCATE, GENERALIZE, IMAGE = "/deallocate$", "/generalize$", "/Microsoft.Compute/images/"
VERSION, TAGS = "/versions/", "/Microsoft.Resources/tags/default$"


def stopped(world: Hosted, order: str = "managed-image", **others: str) -> Vm:
    """Make a VM whose order is answered and whose guest is about to stop."""
    world.definition()
    vm = world.vm()
    vm.order(order, **others)
    world.settle()
    world.forget_requests()
    vm.guest("sysprep")
    return vm


@pytest.mark.parametrize(("order", "path"), [("managed-image", IMAGE), ("golden/windows", VERSION)])
def test_an_image_that_fails_is_tried_again_under_the_next_name(
    world: Hosted, order: str, path: str
) -> None:
    """The second attempt adds one to the last part of the name; the failed one stays."""
    vm = stopped(world, order)
    world.fault("PUT", path, operation=BROKEN)
    world.settle()
    first, second = vm.images
    assert [first["state"], second["state"]] == ["Failed", "Succeeded"]
    assert last_part(second) == last_part(first) + 1
    assert vm.status == "captured"
    assert second["id"].endswith(str(vm.said("image")).rpartition("/")[2])
    assert [one["type"] for one in world.outcomes] == ["Stillframe.ImageCaptured"]


@pytest.mark.parametrize(("order", "path"), [("managed-image", IMAGE), ("golden/windows", VERSION)])
def test_after_three_failed_images_it_has_failed(world: Hosted, order: str, path: str) -> None:
    """Three names, three attempts, then the word `failed` and an event, once."""
    vm = stopped(world, order)
    world.fault("PUT", path, operation=BROKEN, count=None)
    world.settle()
    world.sweep()
    assert [one["state"] for one in vm.images] == ["Failed"] * 3
    assert vm.status == "failed"
    assert "could not make" in str(vm.said("detail"))
    (outcome,) = world.outcomes
    assert (outcome["type"], outcome["data"]["reason"]) == ("Stillframe.CaptureFailed", "failed")


def test_an_owners_number_is_never_changed(world: Hosted) -> None:
    """Where the version that its owner numbered fails, there is no other name to try."""
    vm = stopped(world, "golden/windows", version="3.0.0")
    world.fault("PUT", VERSION, operation=BROKEN)
    world.settle()
    world.sweep()
    assert [(one["state"], one["id"].endswith("/3.0.0")) for one in vm.images] == [("Failed", True)]
    assert (vm.status, vm.said("image")) == ("failed", "golden/windows/3.0.0")


def last_part(image: Json) -> int:
    """Return the number that an image's name ends in."""
    return int(str(image["id"]).replace("-", ".").rpartition(".")[2])


def test_a_name_that_another_vms_image_has_is_passed_over(world: Hosted) -> None:
    """Two VMs released at one instant have one number in mind; each gets its own image.

    A sweep looks at both at once: either may be first, or lose the number after it has pinned it.
    """
    world.definition()
    first, second = (world.vm(name, **RELEASED) for name in ("first", "second"))
    world.events("lose")
    for vm in (first, second):
        vm.order("golden/windows")
    for _ in range(3):
        world.sweep()
        world.let(300)
    assert (first.status, second.status) == ("captured", "captured")
    (one,), (other,) = first.images, second.images
    assert first.said("as-of") == second.said("as-of")
    assert abs(last_part(other) - last_part(one)) == 1


def test_an_owners_number_taken_before_generalize_saves_the_vm(world: Hosted) -> None:
    """Of two VMs ordered under one number the second is refused and stays as it is."""
    world.definition()
    first, second = (world.vm(name, **RELEASED) for name in ("first", "second"))
    first.order("golden/windows", version="1.0.0")
    world.settle()
    second.order("golden/windows", version="1.0.0")
    world.settle()
    assert (first.status, second.status) == ("captured", "refused")
    assert second.state == ("deallocated", False)


@pytest.mark.parametrize(
    ("path", "method", "status", "code", "message"),
    [
        (IMAGE, "PUT", 403, "RequestDisallowedByPolicy", "Resource was disallowed by policy."),
        (IMAGE, "PUT", 409, "OperationNotAllowed", "exceeding quota limits of Images"),
        (IMAGE, "PUT", 409, "MissingSubscriptionRegistration", "The subscription is not.."),
        (DEALLOCATE, "POST", 403, "AuthorizationFailed", "The client does not have.."),
        (DEALLOCATE, "POST", 403, "RequestDisallowedByPolicy", "Disallowed by policy."),
        (GENERALIZE, "POST", 403, "RequestDisallowedByPolicy", "Disallowed by policy."),
        (GENERALIZE, "POST", 409, "ScopeLocked", "The scope cannot perform write operation."),
    ],
)
def test_a_refusal_is_told_in_azures_own_words(  # noqa: PLR0913 what a refusal is
    world: Hosted, path: str, method: str, *, status: int, code: str, message: str
) -> None:
    """Code and words stand on the VM; nothing is raised; mended, an hour later it goes on."""
    vm = stopped(world)
    world.refuse(method, path, status, code, message=message, count=None)
    world.settle()
    assert vm.status == "refused"
    assert code in str(vm.said("detail"))
    assert message in str(vm.said("detail"))
    assert world.failures == []
    assert vm.state[1] == (path == IMAGE)
    assert [one["type"] for one in world.outcomes] == ["Stillframe.CaptureRefused"]
    world.client.clear_faults()
    for _ in range(3):
        world.let(3600)
        world.sweep()
    world.settle()
    assert (vm.status, len(vm.images)) == ("captured", 1)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", DEALLOCATE),
        ("POST", GENERALIZE),
        ("PUT", IMAGE),
        ("GET", "/virtualMachines/web$"),
        ("GET", "/disks/"),
        ("GET", "/permissions$"),
    ],
)
def test_what_is_throttled_for_long_comes_again_by_redelivery(
    world: Hosted, method: str, path: str
) -> None:
    """A Retry-After of twenty minutes is not slept on: the run fails at once and comes again."""
    vm = stopped(world)
    world.fault(method, path, throttle=1200)
    world.settle()
    assert (vm.status, len(vm.images)) == ("captured", 1)
    assert len(world.failures) == 1
    throttled = [one for one in world.requests if one["status"] == 429]
    assert len(throttled) == 1


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", DEALLOCATE),
        ("POST", GENERALIZE),
        ("PUT", IMAGE),
        ("GET", "/virtualMachines/web$"),
    ],
)
def test_servers_errors_are_outlived(world: Hosted, method: str, path: str) -> None:
    """More of them than one run tries again: redelivery goes on."""
    vm = stopped(world)
    world.refuse(method, path, 500, "InternalExecutionError", count=4)
    world.settle()
    assert (vm.status, len(vm.images)) == ("captured", 1)
    assert world.failures


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", DEALLOCATE),
        ("POST", GENERALIZE),
        ("PUT", IMAGE),
        ("PATCH", TAGS),
        ("GET", "/virtualMachines/web$"),
    ],
)
def test_dropped_connections_are_outlived(world: Hosted, method: str, path: str) -> None:
    """Nobody knows what became of the request; the next look sees it, and makes one image."""
    vm = stopped(world)
    world.fault(method, path, drop=True, count=2)
    world.settle()
    world.sweep()
    world.settle()
    assert (vm.status, len(vm.images)) == ("captured", 1)


def test_sweeps_outlive_errors_too(world: Hosted) -> None:
    """A look that fails in a sweep is named in its report, and the next sweep goes on."""
    world.events("lose")
    vm, other = world.vm(), world.vm("other")
    for one in (vm, other):
        one.order("managed-image")
        one.guest("sysprep")
    world.let(300)
    world.refuse("POST", f"web{DEALLOCATE}", 503, "ServerBusy", count=3)
    report = world.sweep()
    assert [one.rsplit("/", 1)[1] for one in report["failed"]] == ["web"]
    assert (vm.state[0], other.state[0]) == ("stopped", "deallocating")
    for _ in range(4):
        world.let(300)
        world.sweep()
    assert (vm.status, other.status) == ("captured", "captured")


def test_a_lock_against_deletion_is_no_hindrance(world: Hosted) -> None:
    """Nothing is ever deleted."""
    vm = stopped(world)
    world.lock(f"/subscriptions/{vm.id.split('/')[2]}", "CanNotDelete")
    world.settle()
    assert vm.status == "captured"
    assert {one["method"] for one in world.requests} <= {"GET", "POST", "PUT", "PATCH"}


def test_a_read_only_lock_is_told_by_the_sweep(world: Hosted) -> None:
    """Neither step nor tag gets through: the heartbeat names the VM, and the rest goes on."""
    locked, free = world.vm("locked", group="locked"), world.vm("free")
    for vm in (locked, free):
        vm.order("managed-image")
    world.settle()
    world.lock(world.group("locked"), "ReadOnly")
    for vm in (locked, free):
        vm.guest("sysprep")
    world.settle()
    assert free.status == "captured"
    assert (locked.state, locked.status) == (("stopped", False), "waiting")
    report = world.sweep()
    assert [one.rsplit("/", 1)[1] for one in report["untold"]] == ["locked"]
    assert "ScopeLocked" in next(iter(report["untold"].values()))
    assert world.failures == []
    told = [one for one in world.outcomes if one["type"] == "Stillframe.CaptureRefused"]
    assert len(told) == 1


def test_a_lock_on_the_images_group_is_told_on_the_vm(world: Hosted) -> None:
    """Where the image cannot be written, its VM says so."""
    vm = stopped(world)
    world.lock(world.group("images"), "ReadOnly")
    world.settle()
    assert vm.status == "refused"
    assert "ScopeLocked" in str(vm.said("detail"))


def test_without_its_pin_nothing_is_generalized(world: Hosted) -> None:
    """Tags that Azure refuses stop no deallocation, but nobody loses a VM whose name is unkept."""
    vm = stopped(world)
    world.refuse("PATCH", TAGS, 403, "RequestDisallowedByPolicy", count=None)
    world.settle()
    assert vm.state == ("deallocated", False)
    assert "generalize" not in kinds(vm.writes)
    report = world.sweep()
    assert [one.rsplit("/", 1)[1] for one in report["untold"]] == ["web"]
    world.client.clear_faults()
    world.sweep()
    world.settle()
    assert (vm.status, len(vm.images)) == ("captured", 1)


def test_tags_refused_for_a_moment_are_written_by_the_next_look(world: Hosted) -> None:
    """While an operation runs Azure may refuse tags: no error of the capture."""
    world.client.settings(busy_tags="refuse")
    vm = stopped(world)
    world.settle()
    assert vm.status == "captured"
    assert len(vm.images) == 1
