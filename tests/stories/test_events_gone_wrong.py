"""Events lost, doubled, late and out of order: one image per VM, and no unneeded write."""

from collections import Counter

import pytest

from tests.stories.world import Hosted, Vm, kinds

ORDERS = {
    "web": ("golden/windows", "Standard"),
    "vault": ("golden/guarded", "TrustedLaunch"),
    "old": ("managed-image", "Standard"),
}
NEEDED = {"deallocate": 1, "generalize": 1, "tags": 5}
"""The writes about one VM, besides that of its image, however its events come: its pin is two."""


def ordered(world: Hosted) -> list[Vm]:
    """Make a VM with an order for each target."""
    world.definition()
    world.definition("guarded", "TrustedLaunch")
    world.forget_requests()
    vms = [world.vm(name, security_type=security) for name, (_, security) in ORDERS.items()]
    for vm in vms:
        vm.order(ORDERS[vm.name][0])
    return vms


def captured_once(world: Hosted, vms: list[Vm]) -> None:
    """Assert that each VM has one image, and that nothing was written twice."""
    for vm in vms:
        assert (vm.status, len(vm.images)) == ("captured", 1)
        assert Counter(kinds(vm.writes)) == NEEDED
    images = [one["path"] for one in world.writes if one["method"] == "PUT"]
    assert len(images) == len(set(images)) == len(vms)
    assert world.polls == []
    captured = [one for one in world.outcomes if one["type"] == "Stillframe.ImageCaptured"]
    assert len({one["id"] for one in captured}) == len(captured) == len(vms)


def test_undisturbed_events_need_just_these_writes(world: Hosted) -> None:
    """These writes are the reference for the stories below."""
    vms = ordered(world)
    world.settle()
    for vm in vms:
        vm.guest("sysprep")
    world.settle()
    captured_once(world, vms)
    assert world.failures == []


def test_sweeps_alone_complete_every_capture(world: Hosted) -> None:
    """If every event is lost, the sweep accepts the orders and takes each step."""
    world.events("lose")
    vms = ordered(world)
    world.sweep()
    assert [vm.status for vm in vms] == ["waiting"] * 3
    for vm in vms:
        vm.guest("sysprep")
    world.let(900)
    steps = world.sweep()["steps"]
    assert {vm.lower(): taken for vm, taken in steps.items()} == {
        vm.id.lower(): ["deallocate"] for vm in vms
    }
    world.let(900)
    world.sweep()
    world.let(900)
    world.sweep()
    captured_once(world, vms)
    assert {one["function"] for one in world.invocations} == {"sweep"}


@pytest.mark.parametrize("seed", range(6))
def test_doubled_late_and_shuffled_events_change_nothing(world: Hosted, seed: int) -> None:
    """The writes are the same, whatever the order and number of the events."""
    vms = ordered(world)
    world.settle()
    world.events("double", seconds=(1, 12, 40)[seed % 3], match={"type": "*Health*"})
    world.events("double", seconds=seed, match={"eventSubscription": "stillframe-orders"})
    world.events("delay", seconds=30 * seed, match={"operationName": "*images*"}, count=2)
    world.events("shuffle", window=2 + seed % 4, seed=seed)
    for vm in vms:
        vm.guest("sysprep")
    world.let(300)
    world.client.ask("DELETE", "eventgrid/faults")
    world.settle()
    world.sweep()
    captured_once(world, vms)


def test_events_and_sweeps_side_by_side_do_no_more(world: Hosted) -> None:
    """A sweep every few seconds does not repeat what an event has done."""
    world.events("double", seconds=3)
    vms = ordered(world)
    world.settle()
    for vm in vms:
        vm.guest("sysprep")
    for _ in range(40):
        world.let(5)
        world.sweep()
    world.settle()
    captured_once(world, vms)


def test_a_stop_seen_late_is_delivered_again_and_works(world: Hosted) -> None:
    """An annotation fails while the VM is shown as running; its redelivery continues."""
    world.client.settings(durations={"shutdownLag": 90})
    vm = world.vm()
    vm.order("managed-image")
    vm.sysprep()
    assert vm.status == "captured"
    assert world.failures
    assert all("should have stopped" in one["exception"] for one in world.failures)
    assert Counter(kinds(vm.writes)) == NEEDED


def test_after_ten_minutes_a_vm_that_runs_is_believed(world: Hosted) -> None:
    """An event of a stop that never becomes visible is not redelivered for ever."""
    world.client.settings(durations={"shutdownLag": 86400})
    vm = world.vm()
    vm.order("managed-image")
    world.settle()
    vm.guest("shutdown")
    world.settle()
    assert 3 <= len(world.failures) <= 8
    counts = world.client.ask("GET", "eventgrid/counts")
    assert (counts["pending"], counts["dropped"], counts["deadLettered"]) == (0, 0, 0)
    assert (vm.status, kinds(vm.writes)) == ("waiting", ["tags"])


def test_a_vm_that_starts_is_not_deallocated(world: Hosted) -> None:
    """A VM started from deallocated is briefly shown as `stopped`, which is not a stop."""
    vm = world.vm(power="deallocated")
    world.client.settings(durations={"stoppedWhileStarting": 50, "start": 60})
    world.events("lose")
    vm.power("start")
    world.let(10)
    vm.order("managed-image")
    assert vm.state[0] == "stopped"
    for _ in range(4):
        world.sweep()
        world.let(8)
    assert vm.state[0] == "stopped"
    assert kinds(vm.writes) == []
    world.settle()
    world.sweep()
    assert (vm.state[0], vm.status) == ("running", "waiting")


def test_our_own_writes_cost_a_look_and_no_write_without_the_filter(world: Hosted) -> None:
    """A subscription without the filter on the caller causes no loop."""
    orders = world.app.deployed.event_subscriptions[0]
    wanted = orders["properties"]["filter"]
    filters = [one for one in wanted["advancedFilters"] if one["key"] != "data.claims.appid"]
    assert filters != wanted["advancedFilters"]
    properties = orders["properties"] | {"filter": wanted | {"advancedFilters": filters}}
    path = f"{orders['id']}?api-version={orders['apiVersion']}"
    world.owner("PUT", path, {"properties": properties})
    vm = world.vm()
    world.forget_requests()
    vm.order("managed-image")
    vm.sysprep()
    assert vm.status == "captured"
    assert Counter(kinds(vm.writes)) == NEEDED
    deliveries = world.client.ask("GET", "eventgrid/deliveries")
    ours = [one for one in deliveries if one["operationName"] == "Microsoft.Resources/tags/write"]
    of_the_disk = 2  # the pin and the last word: no event of a disk's tags is subscribed
    assert len(ours) == 1 + NEEDED["tags"] - of_the_disk
    assert len(world.invocations) == len(deliveries)
