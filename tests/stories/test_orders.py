"""Orders late, withdrawn, changed and repeated: the next step follows from how the VM stands."""

import pytest

from tests.stories.world import OURS, Hosted, Vm, beyond_lists, kinds


def prepared(world: Hosted, power: str, *, generalized: bool) -> Vm:
    """Make a VM whose Sysprep has finished, long ago, in a power state."""
    return world.vm(power=power, generalized=generalized, sysprep="succeeded")


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
    """A VM stopped, deallocated or generalized by hand before its order is captured as well."""
    world.definition()
    vm = prepared(world, power, generalized=generalized)
    world.forget_requests()
    vm.order(target)
    world.settle()
    assert (vm.status, len(vm.images)) == ("captured", 1)
    steps = kinds(vm.writes)
    assert steps.count("deallocate") == (power == "stopped")
    assert steps.count("generalize") == (not generalized)


def test_an_order_withdrawn_while_it_waits_leaves_no_trace(world: Hosted) -> None:
    """Our tags go at once, and a shutdown is then the owner's own affair."""
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
    """Between the guest's shutdown and its event the order can still be taken back."""
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
    """The VM can be started again."""
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


def test_an_order_withdrawn_while_its_image_is_made_takes_the_tags_off(world: Hosted) -> None:
    """What Azure has begun it ends; nothing more is said on the VM."""
    world.definition()
    vm = world.vm()
    vm.order("golden/windows")
    world.settle()
    vm.guest("sysprep")
    until(world, vm, "capturing")
    vm.withdraw()
    world.settle()
    assert vm.told == {}
    assert [one["state"] for one in vm.images] == ["Succeeded"]


@pytest.mark.parametrize("stage", ["waiting", "deallocating", "capturing"])
def test_withdrawn_and_ordered_again_it_goes_on(world: Hosted, stage: str) -> None:
    """An order given again is carried out from where the VM stands by then."""
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
    """A withdrawal whose event was lost is found in the lists."""
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
    """What was said stays said: no event, sweep or write of a tag brings the image back."""
    world.definition()
    vm = world.vm()
    vm.order(target)
    vm.sysprep()
    (image,) = vm.images
    world.owner("DELETE", f"{image['id']}?api-version=2026-03-03")
    world.settle()
    world.forget_requests()
    vm.tag({"team": "payments"})
    world.settle()
    world.sweep()
    assert (vm.status, vm.images) == ("captured", [])
    assert world.writes == []


def test_another_target_after_the_capture_makes_a_second_image(world: Hosted) -> None:
    """A captured VM whose order names something else is captured into that as well."""
    world.definition()
    vm = world.vm()
    vm.order("managed-image")
    vm.sysprep()
    vm.order("golden/windows")
    world.settle()
    assert vm.status == "captured"
    assert str(vm.said("image")).startswith("golden/windows/")
    assert len(vm.images) == 2
    assert kinds(vm.writes).count("generalize") == 1


def test_a_captured_vm_ordered_again_has_its_one_image(world: Hosted) -> None:
    """The same order on the same disk names the same image, which is there already."""
    world.definition()
    vm = world.vm()
    vm.order("golden/windows")
    vm.sysprep()
    before = vm.images
    vm.withdraw()
    world.settle()
    assert vm.told == {}
    vm.order("golden/windows")
    world.settle()
    assert (vm.status, vm.images) == ("captured", before)


def test_an_order_changed_while_it_waits_is_answered_anew(world: Hosted) -> None:
    """The image tag follows the order, and what is captured is what was asked for last."""
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
    """Until its image's name is pinned, an order can still change its target."""
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
    """No event writes to it, a sweep the cost guard's two tags; what it is stays its owner's."""
    vm = world.vm(power=power, sysprep="succeeded", tags={"team": "payments"})
    states = {"start": "running", "powerOff": "stopped", "deallocate": "deallocated"}
    for act in ("start", "powerOff", "start", "deallocate"):
        before = len(world.writes)
        vm.power(act)
        world.settle()
        assert len(world.writes) == before
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
    """Both shut down after Sysprep; one is captured, the other marked as billed, by the sweep."""
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
    """Let time pass, second by second, until a VM's status is a word."""
    for _ in range(200):
        if vm.status == word:
            return
        world.let(1)
    msg = f"{vm.name} never came to {word}: {vm.told}"
    raise AssertionError(msg)
