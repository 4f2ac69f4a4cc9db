"""Requests that Azure refuses, fails or drops: reported in Azure's words, or retried later."""

import pytest

from tests.stories.world import Hosted, Json, Vm, kinds

RELEASED: Json = {"power": "deallocated", "sysprep": "succeeded"}
BROKEN: Json = {"code": "InternalExecutionError", "message": "An internal execution error."}
DEALLOCATE, GENERALIZE, IMAGE = "/deallocate$", "/generalize$", "/Microsoft.Compute/images/"
VERSION, TAGS = "/versions/", "/Microsoft.Resources/tags/default$"


def stopped(world: Hosted, order: str = "managed-image", **others: str) -> Vm:
    """Make a VM whose order is accepted and whose guest is about to stop."""
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
    """The second attempt adds 1 to the last part of the name; the failed image is kept."""
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
    """After three names and attempts the status is `failed`, and one event is published."""
    vm = stopped(world, order)
    world.fault("PUT", path, operation=BROKEN, count=None)
    world.settle()
    world.sweep()
    assert [one["state"] for one in vm.images] == ["Failed"] * 3
    assert vm.status == "failed"
    assert "could not create" in str(vm.said("detail"))
    (outcome,) = world.outcomes
    assert (outcome["type"], outcome["data"]["reason"]) == ("Stillframe.CaptureFailed", "failed")


def test_an_owners_number_is_never_changed(world: Hosted) -> None:
    """If a version fails whose number the owner chose, no other number is tried."""
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
    """Two VMs released at the same time compute the same number; each gets its own image.

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
    """Of two VMs ordered with the same number the second is refused and not changed."""
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
    """Code and message are on the VM; nothing is raised; an hour after the fix it continues."""
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
    """With a Retry-After of 20 minutes the run fails at once, and the event is redelivered."""
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
    """There are more errors than one run retries: redelivery continues the capture."""
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
    """The result of the request is unknown; the next look reads it, and there is one image."""
    vm = stopped(world)
    world.fault(method, path, drop=True, count=2)
    world.settle()
    world.sweep()
    world.settle()
    assert (vm.status, len(vm.images)) == ("captured", 1)


def test_sweeps_outlive_errors_too(world: Hosted) -> None:
    """A look that fails in a sweep is in its report, and the next sweep continues."""
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
    """A CanNotDelete lock does not matter, because the app deletes nothing."""
    vm = stopped(world)
    world.lock(f"/subscriptions/{vm.id.split('/')[2]}", "CanNotDelete")
    world.settle()
    assert vm.status == "captured"
    assert {one["method"] for one in world.requests} <= {"GET", "POST", "PUT", "PATCH"}


def test_a_read_only_lock_is_told_by_the_sweep(world: Hosted) -> None:
    """Steps and tags are refused: the heartbeat names the VM, and other VMs are captured."""
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
    """If the image cannot be written, the VM's tags report it."""
    vm = stopped(world)
    world.lock(world.group("images"), "ReadOnly")
    world.settle()
    assert vm.status == "refused"
    assert "ScopeLocked" in str(vm.said("detail"))


def test_without_its_pin_nothing_is_generalized(world: Hosted) -> None:
    """If Azure refuses tags a VM is deallocated, but not generalized without its pinned name."""
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
    """Azure may refuse tags while an operation runs: the capture does not fail."""
    world.client.settings(busy_tags="refuse")
    vm = stopped(world)
    world.settle()
    assert vm.status == "captured"
    assert len(vm.images) == 1
