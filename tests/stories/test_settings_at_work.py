"""DRY_RUN, PROOF and CAPTURE_SCOPE: what the app then does, and above all what it does not."""

import pytest

from tests.stories.conftest import SCOPE, Play
from tests.stories.world import Hosted, beyond_lists, kinds


def test_a_dry_run_writes_nothing_and_says_what_it_would(rehearsing: Hosted) -> None:
    """Not even tags; each step that is due stands in the sweep's report."""
    world = rehearsing
    world.definition()
    stopped = world.vm("stopped", power="stopped", sysprep="succeeded")
    released = world.vm("released", power="deallocated", sysprep="succeeded")
    marked = world.vm("marked", power="deallocated", sysprep="succeeded", generalized=True)
    refused = world.vm("refused", security_type="TrustedLaunch")
    for vm in (stopped, released, marked, refused):
        vm.order("managed-image")
    world.settle()
    report = world.sweep()
    assert world.writes == []
    assert world.outcomes == []
    assert [vm.told for vm in (stopped, released, marked, refused)] == [{}] * 4
    assert report["dryRun"] is True
    assert {one.rsplit("/", 1)[1]: steps for one, steps in report["steps"].items()} == {
        "stopped": ["would deallocate"],
        "released": ["would generalize"],
        "marked": ["would create"],
    }
    assert report["statuses"]["refused"] == 1
    assert world.failures == []


@pytest.mark.parametrize("target", ["managed-image", "golden/windows"])
def test_without_proof_nothing_is_generalized(proving: Hosted, target: str) -> None:
    """The disk cannot be read yet, so the VM stays deallocated, unmarked, able to start."""
    world = proving
    world.definition()
    vm = world.vm()
    vm.order(target)
    world.settle()
    vm.guest("sysprep")
    world.settle()
    assert (vm.status, vm.state, vm.images) == ("not-generalized", ("deallocated", False), [])
    assert "cannot be read" in str(vm.said("detail"))
    (outcome,) = world.outcomes
    assert outcome["type"] == "Stillframe.CaptureFailed"
    assert outcome["data"]["reason"] == "not-generalized"
    world.forget_requests()
    assert world.sweep()["looked"] == 0
    assert beyond_lists(world.requests) == []


def test_after_a_restart_it_goes_again(proving: Hosted) -> None:
    """A VM that has run anew gets a new verdict for a new instant."""
    world = proving
    vm = world.vm()
    vm.order("managed-image")
    vm.sysprep()
    first = vm.said("as-of")
    vm.power("start")
    world.settle()
    assert (vm.state[0], vm.status) == ("running", "waiting")
    vm.sysprep()
    assert (vm.status, vm.state) == ("not-generalized", ("deallocated", False))
    assert str(vm.said("as-of")) > str(first)
    assert [one["type"] for one in world.outcomes] == ["Stillframe.CaptureFailed"] * 2
    assert len({one["id"] for one in world.outcomes}) == 2


def test_a_verdict_stands_whatever_is_looked_at_again(proving: Hosted) -> None:
    """Doubled events and tag writes of people do not have a disk judged twice."""
    world = proving
    vm = world.vm()
    vm.order("managed-image")
    vm.sysprep()
    world.forget_requests()
    for word in ("one", "two"):
        vm.tag({"team": word})
        world.settle()
    assert world.writes == []
    assert vm.status == "not-generalized"


def test_a_vm_marked_by_somebody_else_is_not_captured_without_proof(proving: Hosted) -> None:
    """The mark proves nothing of the disk; that it cannot start again is said too."""
    vm = proving.vm(power="deallocated", generalized=True)
    vm.order("managed-image")
    proving.settle()
    assert (vm.status, vm.images) == ("not-generalized", [])
    assert "marked it generalized" in str(vm.said("detail"))


def test_an_order_outside_the_scope_is_not_touched(fenced: Hosted) -> None:
    """Nor is it answered, in any state, by events or by sweeps; the scope ends at its group."""
    world = fenced
    world.definition()
    outside = [
        world.vm(f"vm-{n}", group=group, power=power, sysprep="succeeded")
        for n, (group, power) in enumerate(
            [("out", "running"), ("out", "stopped"), ("in-scope-2", "deallocated")]
        )
    ]
    for vm in outside:
        vm.order("managed-image")
    world.settle()
    assert world.writes == []
    world.sweep()
    assert set(kinds(world.writes)) <= {"tags"}
    assert [vm.told for vm in outside] == [{}] * 3


def test_an_order_in_scope_is_carried_out(fenced: Hosted) -> None:
    """The scope is compared without case."""
    group = SCOPE.rsplit("/", 1)[1]
    vm = fenced.vm(group=group.upper())
    vm.order("managed-image")
    vm.sysprep()
    assert vm.status == "captured"


@pytest.mark.parametrize("profile", ["trusting", "proving", "rehearsing", "fenced"])
def test_unordered_vms_cost_the_lists_alone(play: Play, profile: str) -> None:
    """By no settings does a sweep look at a VM without an order, unless it stands stopped."""
    world = play(profile)
    for power in ("running", "stopped", "deallocated"):
        for generalized in (False, True):
            mark = "m" if generalized else "u"
            world.vm(f"{power}-{mark}", power=power, generalized=generalized, group="in-scope")
    world.sweep()
    looked = {one["path"].split("/")[8] for one in beyond_lists(world.requests)}
    assert looked == {"stopped-m", "stopped-u"}
    assert set(kinds(world.writes)) <= {"tags"}
