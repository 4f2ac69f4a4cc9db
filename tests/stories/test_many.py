"""Concurrency and size: several workers at a VM, paged lists, unreadable subscriptions."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest

from shared.model.errors import Transient
from shared.visit import Report
from tests.stories.conftest import Play
from tests.stories.world import Spine, Vm, kinds

ELSEWHERE = "99999999-8888-4777-8666-555555555555"
WORKERS = 4


def looks_at_once(spine: Spine, vm: Vm) -> list[Report | None]:
    """Let several workers look at a VM at the same time; None for a look to be retried."""

    def look(_: int) -> Report | None:
        try:
            return spine.look(vm)
        except Transient:
            return None

    with ThreadPoolExecutor(WORKERS) as workers:
        return list(workers.map(look, range(WORKERS)))


@pytest.mark.parametrize("order", ["managed-image", "golden/windows"])
@pytest.mark.parametrize("power", ["running", "stopped", "deallocated"])
def test_workers_at_the_same_vm_make_one_image(spine: Spine, order: str, power: str) -> None:
    """They name the same image; a worker that is second finds it or is retried."""
    spine.definition()
    vm = spine.vm(power=power, sysprep="succeeded")
    vm.order(order)
    spine.forget_requests()
    looks_at_once(spine, vm)
    if power == "running":
        vm.guest("sysprep")
        spine.let(300)
    for _ in range(4):
        looks_at_once(spine, vm)
        spine.let(130)
    assert (vm.status, len(vm.images)) == ("captured", 1)
    made = [one for one in spine.requests if one["method"] == "PUT" and one["status"] == 201]
    assert len(made) == 1
    captured = {one["id"] for one in spine.outcomes if one["type"] == "Stillframe.ImageCaptured"}
    assert len(captured) == 1
    written = len(spine.writes)
    looks_at_once(spine, vm)
    assert len(spine.writes) == written


@pytest.mark.parametrize("profile", ["usual", "crowded"])
def test_vms_that_end_at_once_are_all_captured(play: Play, profile: str) -> None:
    """With five threads, as on one processor, and with 1000, which Azure's host may allow."""
    world = play(profile)
    vms = [world.vm(f"vm-{n}") for n in range(12)]
    for vm in vms:
        vm.order("managed-image")
    world.settle()
    for vm in vms:
        vm.guest("sysprep")
    world.settle()
    assert {(vm.status, len(vm.images)) for vm in vms} == {("captured", 1)}
    assert world.failures == []


def test_orders_on_every_page_are_found(spine: Spine) -> None:
    """The lists are paged, and their ids have resource groups in upper case."""
    spine.client.settings(page_size=2)
    vms = [spine.vm(f"vm-{n}", power="stopped", sysprep="succeeded") for n in range(7)]
    for vm in vms[::2]:
        vm.order("managed-image")
    for _ in range(4):
        report = spine.sweep()
        spine.let(900)
    assert (sum(report.states.values()), sum(report.statuses.values())) == (7, 4)
    assert Counter(vm.status for vm in vms) == {"captured": 4, None: 3}


def test_a_subscription_that_cannot_be_listed_is_named(spine: Spine) -> None:
    """The subscriptions after it are still swept."""
    vm = spine.vm()
    vm.order("managed-image")
    mine = spine.azure.settings.subscriptions
    report = spine.under(subscriptions=(ELSEWHERE, *mine)).sweep()
    assert list(report.unlisted) == [ELSEWHERE]
    assert "SubscriptionNotFound" in report.unlisted[ELSEWHERE]
    assert vm.status == "waiting"
    assert spine.heartbeats[-1]["unlisted"] == report.unlisted


def test_a_vm_that_is_listed_strangely_is_named_and_skipped(spine: Spine) -> None:
    """An unexpected null drops only that VM; the report has its id and the reason."""
    odd = spine.vm("odd", tags={"stillframe-capture": "managed-image", "note": None})
    vm = spine.vm()
    vm.order("managed-image")
    report = spine.sweep()
    ((named, why),) = report.strange.items()
    assert named.lower() == odd.id.lower()
    assert "got `null`" in why
    assert (vm.status, report.unlisted, report.failed) == ("waiting", {}, {})


def test_waiting_vms_cost_a_sweep_its_lists(spine: Spine) -> None:
    """Running VMs whose order is accepted cost no request of their own."""
    vms = [spine.vm(f"vm-{n}") for n in range(40)]
    for vm in vms:
        vm.order("managed-image")
    assert spine.sweep().looked == 40
    spine.forget_requests()
    assert spine.sweep().looked == 0
    assert kinds(spine.requests) == ["virtualMachines"] * 2


def test_a_topic_that_refuses_stops_no_capture(spine: Spine) -> None:
    """Outcomes that cannot be published are logged; the tags have the same information."""
    roles = spine.client.roles()
    roles["roleAssignments"] = [
        one
        for one in roles["roleAssignments"]
        if not one["properties"]["roleDefinitionId"].endswith(
            "d5a91429-5739-47e2-a06b-3470a27159e7"
        )
    ]
    spine.client.set_roles(roles)
    vm = spine.vm(power="deallocated", sysprep="succeeded")
    vm.order("managed-image")
    spine.carry(vm)
    spine.sweep()
    assert vm.status == "captured"
    assert spine.outcomes == []
