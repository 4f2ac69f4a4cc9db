"""Captures in which the VM is deleted or recreated, or Azure takes too long."""

import pytest

from tests.stories.world import Hosted, Vm, kinds

HOUR = 3600


def making(world: Hosted, order: str) -> Vm:
    """Bring a VM to the point where its image is being created, for a set time."""
    world.definition()
    vm = world.vm()
    vm.order(order)
    world.settle()
    vm.guest("sysprep")
    world.let(53 + 20 + 11 + 2 + 1)
    assert vm.status == "capturing"
    return vm


@pytest.mark.parametrize("order", ["managed-image", "golden/windows"])
def test_a_vm_deleted_while_its_image_is_made_has_its_outcome_told(
    world: Hosted, order: str
) -> None:
    """The image's tags name its source, so its event still leads to the outcome."""
    world.client.settings(durations={"image": 60})
    vm = making(world, order)
    vm.delete()
    world.settle()
    (outcome,) = world.outcomes
    assert (outcome["type"], outcome["subject"]) == ("Stillframe.ImageCaptured", "web")
    assert outcome["data"]["vm"]["gone"] is True
    assert outcome["source"].lower() == vm.id.lower()
    assert world.failures == []


def test_a_failed_image_of_a_deleted_vm_is_told_too(world: Hosted) -> None:
    """Without the VM there is no retry, so the failure is reported."""
    failure = {"code": "InternalExecutionError", "message": "No."}
    world.client.settings(durations={"image": 60})
    world.fault("PUT", "/images/", operation=failure)
    vm = making(world, "managed-image")
    vm.delete()
    world.settle()
    assert [one["type"] for one in world.outcomes] == ["Stillframe.CaptureFailed"]
    assert kinds(world.writes).count("images") == 1


def test_an_image_that_somebody_makes_is_no_outcome(world: Hosted) -> None:
    """An image created by hand, from a VM without an order that is then deleted."""
    vm = world.vm()
    vm.guest("sysprep")
    world.settle()
    vm.power("deallocate")
    world.settle()
    vm.power("generalize")
    said = {"sourceVirtualMachine": {"id": vm.id}, "hyperVGeneration": "V2"}
    body = {"location": "westeurope", "properties": said}
    path = f"{world.group('images')}/providers/Microsoft.Compute/images/by-hand"
    world.client.settings(durations={"image": 60})
    world.owner("PUT", f"{path}?api-version=2026-04-01", body)
    vm.delete()
    world.settle()
    assert world.outcomes == []
    assert world.failures == []


@pytest.mark.parametrize("stage", ["tagged", "waiting", "stopping", "deallocating"])
def test_a_vm_deleted_earlier_raises_nothing(world: Hosted, stage: str) -> None:
    """Events of a deleted VM cause a look that finds nothing.

    While it is being deleted its stop event may be redelivered once: a deletion can fail.
    """
    vm = world.vm()
    vm.order("managed-image")
    if stage != "tagged":
        world.settle()
    if stage in ("stopping", "deallocating"):
        vm.guest("sysprep")
        world.let(60 if stage == "stopping" else 75)
    vm.delete()
    world.settle()
    world.sweep()
    assert len(world.failures) == (stage == "stopping")
    assert world.outcomes == []
    assert world.client.captures() == []


def test_a_vm_made_again_with_its_old_tags_is_another_vm(world: Hosted) -> None:
    """`captured` on a VM that can run is another VM's status: the order is processed again."""
    vm = world.vm()
    vm.order("managed-image")
    vm.sysprep()
    old, tags = vm.images, vm.tags
    vm.delete()
    world.settle()
    world.vm(tags=tags)
    vm.tag({"team": "payments"})
    world.settle()
    assert vm.status == "waiting"
    vm.sysprep()
    assert vm.status == "captured"
    assert len(vm.images) == len(old) + 1


@pytest.mark.parametrize(
    ("order", "what", "lasts", "patience"),
    [
        ("golden/windows", "version", 8 * HOUR, 6 * HOUR),
        ("managed-image", "image", 2 * HOUR, HOUR // 2),
    ],
)
def test_an_image_that_takes_too_long_is_told_once(
    world: Hosted, order: str, what: str, lasts: int, patience: int
) -> None:
    """It is stuck after half an hour, or six; sweeps go on, and it is finally captured."""
    world.client.settings(durations={what: lasts})
    vm = making(world, order)
    for _ in range(patience // 900 - 1):
        world.let(900)
        world.sweep()
    assert world.reasons == []
    writes = len(world.writes)
    for _ in range(4):
        world.let(900)
        world.sweep()
    assert world.reasons == ["stuck"]
    assert world.outcomes[0]["type"] == "Stillframe.CaptureFailed"
    assert len(world.writes) == writes + 1
    assert (vm.status, "too long" in str(vm.said("detail"))) == ("capturing", True)
    world.settle()
    assert world.reasons == ["stuck", "captured"]
    assert (vm.status, len(vm.images)) == ("captured", 1)


def test_a_deallocation_that_takes_too_long_is_told_once(world: Hosted) -> None:
    """There is one request to Azure, and one report that it takes too long."""
    world.client.settings(durations={"deallocate": 2 * HOUR})
    vm = world.vm()
    vm.order("managed-image")
    world.settle()
    vm.guest("sysprep")
    for _ in range(6):
        world.let(900)
        world.sweep()
    assert world.reasons == ["stuck"]
    assert vm.status == "deallocating"
    assert kinds(vm.writes).count("deallocate") == 1
    world.settle()
    assert world.reasons == ["stuck", "captured"]


def test_a_deallocation_that_fails_is_asked_for_again(world: Hosted) -> None:
    """Subscriptions for success get no event of the failure; the sweep finds the VM."""
    failure = {"code": "InternalExecutionError", "message": "No."}
    world.fault("POST", "/deallocate$", operation=failure)
    vm = world.vm()
    vm.order("managed-image")
    vm.sysprep()
    assert vm.state[0] == "stopped"
    world.sweep()
    world.settle()
    assert (vm.status, vm.state) == ("captured", ("deallocated", True))
    assert kinds(vm.writes).count("deallocate") == 2
