"""Orders late, withdrawn, changed and repeated: the VM's state decides the next step."""

import pytest
from azure.core.exceptions import HttpResponseError

from tests.stories.world import OURS, Hosted, Vm, beyond_lists, kinds


@pytest.mark.parametrize("target", ["managed-image", "golden/windows"])
@pytest.mark.parametrize(
    ("power", "generalized"),
    [
        ("stopped", False),
        ("deallocated", False),
        ("stopped", True),
        ("deallocated", True),
    ],
)
def test_an_order_that_comes_late_is_carried_out(
    world: Hosted, target: str, power: str, *, generalized: bool
) -> None:
    """A VM stopped, deallocated or generalized by hand before its order is captured."""
    world.definition()
    vm = world.vm(power=power, sysprep="succeeded")
    world.forget_requests()
    world.events("lose")
    vm.order(target)
    if generalized:
        vm.power("generalize")
    world.sweep()
    world.settle()
    world.let(600)
    world.sweep()
    world.settle()
    world.let(600)
    world.sweep()
    assert (vm.status, len(vm.images)) == ("captured", 1)
    steps = kinds(vm.writes)
    assert steps.count("deallocate") == (power == "stopped")
    assert steps.count("generalize") == (not generalized)


def test_an_order_withdrawn_while_it_waits_leaves_no_trace(world: Hosted) -> None:
    """Our tags are removed at once, and a later shutdown has no effect."""
    vm = world.vm(tags={"team": "payments"})
    vm.order("managed-image")
    world.settle()
    vm.withdraw()
    world.settle()
    assert vm.tags == {"team": "payments"}
    vm.guest("sysprep")
    world.settle()
    assert vm.state == ("stopped", False)
    assert kinds(vm.writes) == ["tags", "tags"]


def test_an_order_withdrawn_before_the_stop_is_seen_stops_the_deallocation(world: Hosted) -> None:
    """Between the guest's shutdown and its event the order can still be withdrawn."""
    vm = world.vm()
    vm.order("managed-image")
    world.settle()
    vm.guest("shutdown")
    world.let(10)
    vm.withdraw()
    world.settle()
    assert vm.state == ("stopped", False)
    assert vm.told == {}


def test_an_order_withdrawn_while_it_deallocates_stops_generalize(world: Hosted) -> None:
    """The VM is not generalized and can be started again."""
    vm = world.vm()
    vm.order("managed-image")
    world.settle()
    vm.guest("sysprep")
    until(world, vm, "deallocating")
    vm.withdraw()
    world.settle()
    assert vm.state == ("deallocated", False)
    assert vm.told == {}
    assert "generalize" not in kinds(vm.writes)
    vm.power("start")
    world.settle()
    assert vm.state[0] == "running"


def test_an_order_cannot_be_withdrawn_once_its_vm_is_generalized(world: Hosted) -> None:
    """Azure allows no tag changes on such a VM; the capture completes and is reported."""
    world.definition()
    vm = world.vm()
    vm.order("golden/windows")
    world.settle()
    vm.guest("sysprep")
    until(world, vm, "capturing")
    with pytest.raises(HttpResponseError, match="OperationNotAllowedOnGeneralizedVM"):
        vm.withdraw()
    world.settle()
    assert vm.status == "captured"
    assert [one["state"] for one in vm.images] == ["Succeeded"]


@pytest.mark.parametrize("stage", ["waiting", "deallocating"])
def test_withdrawn_and_ordered_again_it_goes_on(world: Hosted, stage: str) -> None:
    """A repeated order continues from the state that the VM has by then."""
    world.definition()
    vm = world.vm()
    vm.order("golden/windows")
    world.settle()
    vm.guest("sysprep")
    until(world, vm, stage)
    vm.withdraw()
    world.settle()
    assert all(vm.said(what) is None for what in OURS)
    vm.order("golden/windows")
    world.settle()
    assert (vm.status, len(vm.images)) == ("captured", 1)


def test_sweeps_alone_take_the_tags_of_a_withdrawn_order_off(world: Hosted) -> None:
    """If the event of a withdrawal is lost, the sweep finds it in the lists."""
    vm = world.vm()
    vm.order("managed-image")
    world.settle()
    world.events("lose")
    vm.withdraw()
    world.sweep()
    assert vm.told == {}
    world.forget_requests()
    world.sweep()
    assert beyond_lists(world.requests) == []


@pytest.mark.parametrize("target", ["managed-image", "golden/windows"])
def test_an_image_deleted_after_it_was_captured_is_not_made_again(
    world: Hosted, target: str
) -> None:
    """The status stays: no event, sweep or tag write creates the image again."""
    world.definition()
    vm = world.vm()
    vm.order(target)
    vm.sysprep()
    (image,) = vm.images
    world.delete_image(image["id"])
    world.settle()
    world.forget_requests()
    vm.tag_disk({"team": "payments"})
    world.settle()
    world.sweep()
    assert (vm.status, vm.images) == ("captured", [])
    assert world.writes == []


def test_another_target_after_the_capture_makes_a_second_image(world: Hosted) -> None:
    """A new order is set on the OS disk of a captured VM; the next sweep finds it."""
    world.definition()
    vm = world.vm()
    vm.order("managed-image")
    vm.sysprep()
    vm.tag_disk({"stillframe-capture": "golden/windows"})
    world.sweep()
    world.settle()
    assert vm.status == "captured"
    assert str(vm.said("image")).startswith("golden/windows/")
    assert len(vm.images) == 2
    assert kinds(vm.writes).count("generalize") == 1


def test_a_captured_vm_ordered_again_has_its_one_image(world: Hosted) -> None:
    """If its tags were deleted from the disk, the same order finds the existing image."""
    world.definition()
    vm = world.vm()
    vm.order("golden/windows")
    vm.sysprep()
    before, said = vm.images, vm.facts["osDiskTags"]
    vm.tag_disk({"stillframe-status": said["stillframe-status"]}, "Delete")
    world.sweep()
    world.settle()
    assert (vm.status, vm.images) == ("captured", before)


def test_the_last_words_of_a_vm_stay_true(world: Hosted) -> None:
    """They name its image and its OS disk, whose tags have the result and the VM's id."""
    vm = world.vm()
    vm.order("managed-image")
    vm.sysprep()
    own, disk = vm.frozen, vm.facts["osDiskTags"]
    assert own["stillframe-status"] == "capturing"
    assert (
        own["stillframe-image"] == disk["stillframe-image"] == vm.images[0]["id"].rsplit("/", 1)[1]
    )
    assert vm.facts["osDisk"].rsplit("/", 1)[1] in own["stillframe-detail"]
    assert disk["stillframe-status"] == "captured"
    assert disk["stillframe-source-id"] == vm.facts["vmId"]
    assert (disk["stillframe-source-group"], disk["stillframe-source-vm"]) == ("rg-vms", "web")


@pytest.mark.parametrize("target", ["managed-image", "golden/windows"])
def test_an_order_at_rest_costs_the_lists_alone(world: Hosted, target: str) -> None:
    """The VM's tag stays `capturing`; the sweep uses the disk's tags, from a list of disks."""
    world.definition()
    vm = world.vm()
    vm.order(target)
    vm.sysprep()
    assert (vm.frozen["stillframe-status"], vm.status) == ("capturing", "captured")
    world.forget_requests()
    for _ in range(3):
        world.let(4000)
        report = world.sweep()
        assert report["statuses"] == {"captured": 1}
    assert beyond_lists(world.requests) == []


def test_an_image_that_its_owner_deletes_stays_deleted(world: Hosted) -> None:
    """A hundred sweeps, hours apart, create no second image and write nothing."""
    world.definition()
    vm = world.vm()
    vm.order("golden/windows")
    vm.sysprep()
    world.delete_image(vm.images[0]["id"])
    world.settle()
    world.forget_requests()
    for _ in range(100):
        world.let(4000)
        world.sweep()
    assert world.writes == []
    assert vm.status == "captured"


def test_an_order_changed_while_it_waits_is_answered_anew(world: Hosted) -> None:
    """The image tag follows the order, and the last order is carried out."""
    world.definition()
    vm = world.vm()
    vm.order("managed-image")
    world.settle()
    assert vm.said("image") == "managed-image"
    vm.order("golden/windows")
    world.settle()
    assert (vm.status, vm.said("image")) == ("waiting", "golden/windows")
    vm.sysprep()
    assert ["/galleries/golden/" in one["id"] for one in vm.images] == [True]


def test_an_order_changed_on_a_stopped_vm_under_way_goes_where_it_says_now(world: Hosted) -> None:
    """An order can change its target until the image's name is pinned."""
    world.definition()
    vm = world.vm()
    vm.order("managed-image")
    world.settle()
    vm.guest("sysprep")
    until(world, vm, "deallocating")
    vm.order("golden/windows")
    world.settle()
    assert vm.status == "captured"
    assert str(vm.said("image")).startswith("golden/windows/")
    assert len(vm.images) == 1


@pytest.mark.parametrize("power", ["running", "stopped", "deallocated"])
def test_a_vm_without_an_order_is_only_ever_marked_by_the_cost_guard(
    world: Hosted, power: str
) -> None:
    """Events only remove the cost guard's tags when a bill ends, a sweep only writes them."""
    vm = world.vm(power=power, sysprep="succeeded", tags={"team": "payments"})
    states = {"start": "running", "powerOff": "stopped", "deallocate": "deallocated"}
    for act in ("start", "powerOff", "start", "deallocate"):
        before, billed = len(world.writes), bool(vm.since)
        vm.power(act)
        world.settle()
        assert len(world.writes) == before + billed
        world.sweep()
        assert (vm.state, vm.own_tags) == ((states[act], False), {"team": "payments"})
        assert bool(vm.since) == (act == "powerOff")
    before = len(world.writes)
    vm.tag({"stillframe-latest": "no"})
    world.settle()
    assert len(world.writes) == before
    assert set(kinds(world.writes)) == {"tags"}
    assert vm.images == []


def test_an_unordered_vm_beside_an_ordered_one_is_left_alone(world: Hosted) -> None:
    """Both shut down after Sysprep; the first is captured, the sweep marks the other."""
    ordered, other = world.vm("ordered"), world.vm("other")
    ordered.order("managed-image")
    world.settle()
    for vm in (ordered, other):
        vm.guest("sysprep")
    world.settle()
    assert (ordered.status, other.tags, other.writes) == ("captured", {}, [])
    world.sweep()
    assert (other.state, other.own_tags) == (("stopped", False), {})
    assert (set(other.tags), kinds(other.writes)) == ({"stillframe-billed-since"}, ["tags"])


def until(world: Hosted, vm: Vm, word: str) -> None:
    """Let time pass, second by second, until a VM has a given status."""
    for _ in range(200):
        if vm.status == word:
            return
        world.let(1)
    msg = f"{vm.name} never came to {word}: {vm.told}"
    raise AssertionError(msg)
