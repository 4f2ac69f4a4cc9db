"""DRY_RUN, PROOF and CAPTURE_SCOPE: what the app then does, and above all what it does not."""

import pytest

from tests.stories.conftest import SCOPE, Play
from tests.stories.world import Hosted, beyond_lists, kinds


def test_a_dry_run_writes_nothing_and_says_what_it_would(rehearsing: Hosted) -> None:
    """Not even tags, and no disk is opened; what is due stands in the sweep's report."""
    world = rehearsing
    world.definition()
    stopped = world.vm("stopped", power="stopped", sysprep="succeeded")
    released = world.vm("released", power="deallocated", sysprep="succeeded")
    ordered = {"stillframe-capture": "managed-image"}
    marked = world.vm(
        "marked", power="deallocated", sysprep="succeeded", generalized=True, tags=ordered
    )
    refused = world.vm("refused", security_type="TrustedLaunch")
    for vm in (stopped, released, refused):
        vm.order("managed-image")
    world.settle()
    report = world.sweep()
    assert world.writes == []
    assert world.outcomes == []
    assert [vm.told for vm in (stopped, released, marked, refused)] == [{}] * 4
    assert report["dryRun"] is True
    assert {one.rsplit("/", 1)[1]: steps for one, steps in report["steps"].items()} == {
        "stopped": ["would deallocate"],
        "released": ["would prove"],
        "marked": ["would prove"],
    }
    assert report["statuses"]["refused"] == 1
    assert {one["method"] for one in world.proofs} == {"GET"}
    assert world.disk_reads == []
    assert world.failures == []


def test_with_proof_off_the_disk_is_not_opened(trusting: Hosted) -> None:
    """`PROOF=off` takes the owner's word: no disk is opened, and the image says that none was."""
    vm = trusting.vm()
    vm.order("managed-image")
    trusting.settle()
    trusting.forget_requests()
    vm.guest("shutdown")
    trusting.settle()
    assert vm.status == "captured"
    assert trusting.proofs == trusting.disk_reads == []
    (image,) = vm.images
    assert image["tags"]["stillframe-proof"] == "not-read"


def test_when_readable_a_disk_that_cannot_be_read_goes_on(believing: Hosted) -> None:
    """`PROOF=when-readable` captures it and says on the image what nobody could tell."""
    vm = believing.vm(sysprep="succeeded", disk_properties={"networkAccessPolicy": "DenyAll"})
    vm.order("managed-image")
    believing.settle()
    vm.guest("shutdown")
    believing.settle()
    assert vm.status == "captured"
    (image,) = vm.images
    assert image["tags"]["stillframe-proof"] == "cannot-tell"
    assert "networkAccessPolicy is DenyAll" in image["tags"]["stillframe-proof-detail"]
    assert believing.disk_reads == []


def test_when_readable_a_no_is_a_no(believing: Hosted) -> None:
    """A disk that can be read and says no is not captured by that policy either."""
    vm = believing.vm()
    vm.order("managed-image")
    believing.settle()
    vm.guest("shutdown")
    believing.settle()
    assert (vm.status, vm.state, vm.images) == ("not-generalized", ("deallocated", False), [])


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


@pytest.mark.parametrize("profile", ["usual", "trusting", "rehearsing", "fenced"])
def test_unordered_vms_cost_the_lists_alone(play: Play, profile: str) -> None:
    """By no settings does a sweep look at a VM without an order, unless it stands stopped.

    One that Resource Graph knows as stopped is only marked, and a dry run does not even send that.
    """
    world = play(profile)
    for power in ("running", "stopped", "deallocated"):
        for generalized in (False, True):
            mark = "m" if generalized else "u"
            world.vm(f"{power}-{mark}", power=power, generalized=generalized, group="in-scope")
    world.sweep()
    looked = {one["path"].split("/")[8] for one in beyond_lists(world.requests)}
    marked = set() if profile == "rehearsing" else {"stopped-u"}
    assert {one.partition("_")[0] for one in looked} == {"stopped-m"} | marked
    assert set(kinds(world.writes)) <= {"tags"}
