"""Stopped but billed VMs: found by the sweep, alerted once a day, cleared at the end."""

import math
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta

import pytest

from shared.cloud.prices import Prices
from shared.model.instants import read_instant, write_instant
from shared.model.settings import GuardAction
from shared.sweep.sweeper import Sweeper
from tests.stories.world import Json, Spine, Vm, kinds

HOUR = 3600
STILL, OVER = "Stillframe.VmStillBilled", "Stillframe.VmNoLongerBilled"


@pytest.fixture
def guarded(spine: Spine) -> Spine:
    """Return the world with a spine that has the price list, in euros."""
    endpoint = spine.simulator.environment()["PRICES_ENDPOINT"]
    spine.azure = replace(spine.azure, prices=Prices(endpoint, "EUR"))
    spine.restart()
    return spine


def forgotten(world: Spine, name: str = "web", hours: float = 5, **words: object) -> Vm:
    """Make a VM that was shut down so many hours ago."""
    return world.vm(name, power="stopped", stopped_since=hours * HOUR, **words)


def told(world: Spine) -> list[tuple[str, str]]:
    """Return the published cost guard events: type and VM."""
    return [(one["type"], one["subject"]) for one in world.outcomes]


def test_it_is_marked_then_told_with_since_when_and_money(guarded: Spine) -> None:
    """The first sweep marks the time that Azure knows, the second sends the full alert."""
    vm = forgotten(guarded, hours=5, tags={"Owner": "payments"})
    report = guarded.sweep()
    assert (vm.alerted, told(guarded), report.bills["mark"]) == (None, [], 1)
    since = read_instant(vm.since)
    assert since
    assert abs((guarded.client.now() - since).total_seconds() - 5 * HOUR) < HOUR / 60
    guarded.sweep()
    (outcome,) = guarded.outcomes
    data = outcome["data"]
    assert (outcome["type"], data["owner"], data["sinceKnownBy"]) == (
        STILL,
        "payments",
        "resource-graph",
    )
    assert (data["vm"]["size"], data["BillingCurrency"]) == ("Standard_D4s_v5", "EUR")
    assert data["ListCost"] == pytest.approx(data["ListUnitPrice"] * 5, rel=0.02)
    assert data["x_LicenseCost"] == pytest.approx(data["x_LicenseUnitPrice"] * 5, rel=0.02)
    assert "more if Azure bills the Windows licence" in data["price"]
    assert data["portal"].lower().endswith(vm.id.lower())
    assert "temporary disk" in data["whatIsLost"]


def test_one_query_knows_since_when_all_vms_are_stopped(guarded: Spine) -> None:
    """Resource Graph is asked once for ten VMs, and Resource Health for none of them."""
    vms = [forgotten(guarded, f"vm-{number}", hours=1 + number) for number in range(10)]
    guarded.sweep()
    asked = kinds(guarded.requests)
    assert (asked.count("resources"), asked.count("availabilityStatuses")) == (1, 0)
    for number, vm in enumerate(vms):
        since = read_instant(vm.since)
        assert since
        waited = (guarded.client.now() - since).total_seconds()
        assert waited == pytest.approx((1 + number) * HOUR, abs=60)


def test_a_stop_of_the_last_minutes_is_known_by_resource_health(guarded: Spine) -> None:
    """Resource Graph shows it later: what it shows of before may be another stop."""
    vm = guarded.vm()
    vm.power("powerOff")
    guarded.let(60)
    guarded.sweep()
    assert "availabilityStatuses" in kinds(guarded.requests)
    assert vm.since


def test_without_resource_graph_resource_health_is_asked(guarded: Spine) -> None:
    """A refusal is no error of the sweep."""
    guarded.refuse("POST", "ResourceGraph", 403, "AccessDenied", count=9)
    vm = forgotten(guarded, hours=5)
    assert guarded.sweep().failed == {}
    guarded.sweep()
    (outcome,) = guarded.outcomes
    assert (bool(vm.since), outcome["data"]["sinceKnownBy"]) == (True, "resource-health")


def test_where_nobody_knows_since_when_it_is_first_sight(guarded: Spine) -> None:
    """Without a time from Resource Health the mark is the sweep's time; the alert says so."""
    guarded.client.settings(health="none")
    vm = forgotten(guarded, hours=20)
    guarded.sweep()
    assert vm.since == write_instant(guarded.client.now())
    guarded.let(HOUR)
    guarded.sweep()
    (outcome,) = guarded.outcomes
    assert (outcome["data"]["sinceKnownBy"], outcome["data"]["seconds"]) == ("first-seen", HOUR)


def test_no_sweep_tells_it_twice(guarded: Spine) -> None:
    """However often sweeps run, overlap or restart within a day, there is one alert."""
    forgotten(guarded)
    for _ in range(6):
        guarded.sweep()
        guarded.restart()
        guarded.let(HOUR)
    assert told(guarded) == [(STILL, "web")]


def test_a_generalized_vm_is_told_like_any_other(guarded: Spine) -> None:
    """It is billed while it is allocated; its marks are on its OS disk, and removed from there."""
    vm = forgotten(guarded, generalized=True, sysprep="succeeded")
    for _ in range(3):
        guarded.sweep()
    assert told(guarded) == [(STILL, vm.name)]
    assert (vm.frozen, bool(vm.since), bool(vm.alerted)) == ({}, True, True)
    guarded.forget_requests()
    assert guarded.sweep().looked == 0
    vm.power("deallocate")
    guarded.let(300)
    guarded.sweep()
    assert told(guarded) == [(STILL, vm.name), (OVER, vm.name)]
    assert (vm.since, vm.alerted) == (None, None)


def test_marks_go_along_when_a_vm_is_generalized(guarded: Spine) -> None:
    """The end of billing is reported although the marks were on a VM that takes no tags now."""
    vm = forgotten(guarded, sysprep="succeeded")
    guarded.sweep()
    guarded.sweep()
    assert (told(guarded), bool(vm.since)) == ([(STILL, vm.name)], True)
    vm.order("managed-image")
    guarded.carry(vm, 12)
    assert (vm.status, vm.state) == ("captured", ("deallocated", True))
    guarded.sweep()
    assert told(guarded)[-1] == (OVER, vm.name)
    assert [kind for kind, _ in told(guarded)].count(OVER) == 1
    assert (vm.since, vm.alerted) == (None, None)
    guarded.forget_requests()
    assert guarded.sweep().looked == 0


def test_an_event_alone_writes_nothing(guarded: Spine) -> None:
    """A look caused by an event does not mark a stopped VM."""
    vm = forgotten(guarded)
    guarded.look(vm)
    assert (guarded.writes, vm.since) == ([], None)


@pytest.mark.parametrize("act", ["start", "deallocate"])
def test_the_end_is_told_with_the_total(guarded: Spine, act: str) -> None:
    """When it runs or is deallocated the marks go, and the total is that of the time it stopped."""
    vm = forgotten(guarded, hours=9)
    guarded.sweep()
    vm.power(act)
    guarded.let(600)
    guarded.sweep()
    (outcome,) = guarded.outcomes
    assert (outcome["type"], vm.tags) == (OVER, {})
    assert outcome["data"]["seconds"] == pytest.approx(9 * HOUR, abs=60)
    assert guarded.sweep().looked == 0


def test_what_cannot_be_written_on_is_in_the_report_alone(guarded: Spine) -> None:
    """A VM with a read-only lock is only in the report, however often sweeps run."""
    vm = forgotten(guarded)
    guarded.lock(vm.id, "ReadOnly")
    for _ in range(3):
        report = guarded.sweep()
        assert list(map(str.lower, report.untold)) == [vm.id.lower()]
        assert [one.ref.key for one in report.flagged] == [vm.id.lower()]
    assert told(guarded) == []


def test_an_alert_that_cannot_be_published_is_told_by_the_next_sweep(guarded: Spine) -> None:
    """The alert's tag is removed again, so that the alert is not lost."""
    vm = forgotten(guarded)
    guarded.sweep()
    roles = guarded.client.roles()
    without = [
        one
        for one in roles["roleAssignments"]
        if "d5a91429" not in one["properties"]["roleDefinitionId"]
    ]
    guarded.client.set_roles(roles | {"roleAssignments": without})
    report = guarded.sweep()
    assert (vm.alerted, len(report.untold)) == (None, 1)
    guarded.client.set_roles(roles)
    guarded.sweep()
    assert told(guarded) == [(STILL, "web")]


@pytest.mark.parametrize("on", ["vm", "group"])
def test_the_opt_out_counts(guarded: Spine, on: str) -> None:
    """It may be on the VM or on its resource group, and is not changed."""
    ignore = {"stillframe-cost-guard": "ignore"}
    if on == "group":
        guarded.client.create_group("quiet", **ignore)
    vm = forgotten(guarded, group="quiet", tags=ignore if on == "vm" else {})
    other = forgotten(guarded, "other", group="loud")
    for _ in range(2):
        report = guarded.sweep()
        assert (report.failed, report.unlisted) == ({}, {})
    assert told(guarded) == [(STILL, "other")]
    assert (vm.since, other.since is not None) == (None, True)


def test_the_policy_deallocates_but_never_what_is_kept(guarded: Spine) -> None:
    """After the delay a VM is deallocated, unless it has an ephemeral disk or a lock."""
    policy = {
        "guard_action": GuardAction.DEALLOCATE,
        "guard_deallocate_after": timedelta(hours=2),
    }
    guarded.under(**policy)
    guarded.deploy_roles("guarding")
    vms = [
        forgotten(guarded, "plain"),
        forgotten(guarded, "locked"),
        forgotten(guarded, "ephemeral", ephemeral=True),
    ]
    guarded.lock(vms[1].id, "CanNotDelete")
    for _ in range(4):
        guarded.sweep()
        guarded.let(300)
    assert [vm.state[0] for vm in vms] == ["deallocated", "stopped", "stopped"]
    why = {one["subject"]: one["data"].get("notDeallocatedBecause") for one in guarded.outcomes}
    assert (why["locked"], why["ephemeral"]) == ("it is locked", "its OS disk is ephemeral")


@pytest.mark.parametrize(
    "right",
    ["Microsoft.Resources/subscriptions/resourceGroups/read", "Microsoft.Authorization/locks/read"],
)
def test_a_right_that_is_lacking_stops_no_sweep(guarded: Spine, right: str) -> None:
    """VMs are still flagged; none is deallocated which may be locked or opted out."""
    policy = {
        "guard_action": GuardAction.DEALLOCATE,
        "guard_deallocate_after": timedelta(hours=2),
    }
    guarded.under(**policy)
    guarded.deploy_roles("guarding")
    vm = forgotten(guarded)
    guarded.forbid(right)
    for _ in range(3):
        assert guarded.sweep().unlisted == {}
        guarded.let(300)
    assert told(guarded)[0] == (STILL, "web")
    assert vm.state[0] == "stopped"
    (outcome,) = guarded.outcomes
    assert "no permission to read" in outcome["data"]["notDeallocatedBecause"]


def test_a_dry_run_marks_nothing_and_counts_what_it_would(guarded: Spine) -> None:
    """Nothing is written or published; the report counts what would be."""
    forgotten(guarded)
    report = guarded.under(dry_run=True).sweep()
    assert (guarded.writes, told(guarded)) == ([], [])
    assert report.bills["would mark"] == 1
    assert [one.rate.price is not None for one in report.flagged] == [True]


def test_a_price_list_that_fails_delays_nobody(guarded: Spine) -> None:
    """The alert is sent with an unknown price, and the list is not requested for each VM."""
    for name in ("one", "two", "three"):
        forgotten(guarded, name)
    error = {"status": 503, "code": "Busy", "message": "No."}
    guarded.client.fault(path="/api/retail/prices", count=99, error=error)
    guarded.sweep()
    guarded.sweep()
    assert sorted(told(guarded)) == [(STILL, name) for name in ("one", "three", "two")]
    assert {one["data"]["ListUnitPrice"] for one in guarded.outcomes} == {None}
    asked = [one for one in guarded.client.requests() if "retail" in one["path"]]
    assert len(asked) == 1


def test_ten_vms_at_rest_cost_the_lists(guarded: Spine) -> None:
    """Marked and alerted VMs cost no look until the day is over."""
    for number in range(10):
        forgotten(guarded, f"vm-{number}")
    guarded.sweep()
    guarded.sweep()
    guarded.forget_requests()
    report = guarded.sweep()
    assert (report.looked, len(report.flagged)) == (0, 10)
    assert set(kinds(guarded.requests)) == {"virtualMachines", "resourceGroups"}


def test_a_fortnight(guarded: Spine) -> None:
    """VMs stop, start, are snoozed, deallocated, captured: the events follow the rules."""
    start = guarded.client.now()
    friday = datetime.combine(start.date() + timedelta(days=4), time.min, UTC)
    snooze = {"stillframe-cost-guard": f"ignore-until-{friday.date()}"}
    awake = math.ceil((friday - start).total_seconds() / HOUR)
    usual = {
        "waste": {}, "short": {}, "lunch": {}, "golden": {},
        "exempt": {"stillframe-cost-guard": "ignore"}, "snoozed": snooze,
    }  # fmt: skip
    vms = {name: guarded.vm(name, tags=tags) for name, tags in usual.items()}
    vms["refused"] = guarded.vm("refused", security_type="TrustedLaunch")
    for name in ("golden", "refused"):
        vms[name].order("managed-image")
    acts = [
        (0.5, "waste", "powerOff"), (5.5, "exempt", "powerOff"), (5.5, "snoozed", "powerOff"),
        (10.2, "short", "powerOff"), (10.7, "short", "start"), (20.5, "golden", "sysprep"),
        (30.5, "lunch", "powerOff"), (33.5, "lunch", "start"), (40.5, "refused", "powerOff"),
        (60.5, "waste", "deallocate"), (100.5, "refused", "deallocate"),
        (awake + 30.5, "snoozed", "start"),
    ]  # fmt: skip
    expected = [
        (0, "refused", "Stillframe.CaptureRefused"),
        *((hour, "waste", STILL) for hour in (2, 26, 50)),
        (61, "waste", OVER),
        (23, "golden", "Stillframe.ImageCaptured"),
        (32, "lunch", STILL), (34, "lunch", OVER),
        *((hour, "refused", STILL) for hour in (42, 66, 90)), (101, "refused", OVER),
        (awake + 1, "snoozed", STILL), (awake + 25, "snoozed", STILL),
        (awake + 31, "snoozed", OVER),
    ]  # fmt: skip
    seen = play(guarded, vms, acts, hours=14 * 24)
    assert sorted((hour, one["subject"], one["type"]) for hour, one in seen) == sorted(expected)
    assert len({one["id"] for _, one in seen}) == len(seen)
    totals = {one["subject"]: one["data"]["seconds"] for _, one in seen if one["type"] == OVER}
    assert totals["waste"] == pytest.approx(60 * HOUR, abs=60)
    assert totals["lunch"] == pytest.approx(3 * HOUR, abs=60)


def play(
    world: Spine, vms: dict[str, Vm], acts: list[tuple[float, str, str]], hours: int
) -> list[tuple[int, Json]]:
    """Let users and guests act each hour, then sweep; return the events by hour."""
    seen: list[tuple[int, Json]] = []
    start, left = world.client.now(), sorted(acts)
    for hour in range(hours):
        due = start + timedelta(hours=hour)
        while left and left[0][0] <= hour:
            at, name, act = left.pop(0)
            instant = start + timedelta(hours=at)
            world.let((instant - world.client.now()).total_seconds())
            if act == "sysprep":
                vms[name].guest(act)
            else:
                vms[name].power(act)
        world.let((due - world.client.now()).total_seconds())
        world.sweep()
        seen += [(hour, one) for one in world.outcomes[len(seen) :]]
    return seen


def test_a_throttled_look_is_waited_out_once(guarded: Spine) -> None:
    """A 429 with a short Retry-After is waited out; with a long Retry-After it is reported."""
    vm = forgotten(guarded)
    path = f"{vm.id}$"
    throttled: Json = {"status": 429, "code": "TooManyRequests", "message": "Slow down."}
    soon = throttled | {"headers": {"Retry-After": "4"}}
    guarded.fault("GET", path, error=soon, count=1)
    assert (guarded.sweep().failed, vm.since is not None) == ({}, True)
    guarded.let(HOUR)
    guarded.fault("GET", path, error=throttled | {"headers": {"Retry-After": "1200"}}, count=1)
    failed = guarded.sweep().failed
    assert [why[:3] for why in failed.values()] == ["429"]


def test_what_was_not_reached_comes_first_next_time(
    guarded: Spine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A sweep that runs out of time reports which VMs it missed; the next begins with them."""
    vms = [forgotten(guarded, f"vm-{number}") for number in range(3)]
    sweeper = Sweeper(guarded.azure)
    now = guarded.client.now()
    with monkeypatch.context() as hurried:
        hurried.setattr("shared.sweep.sweeper.VISITS_START_WITHIN", -1.0)
        report = sweeper.sweep(now, now)
    assert (len(report.unreached), report.looked) == (3, 0)
    assert [vm.since for vm in vms] == [None] * 3
    report = sweeper.sweep(now, now)
    assert (report.unreached, report.failed, report.untold) == ([], {}, {})
    assert None not in [vm.since for vm in vms]


def test_what_a_capture_leaves_behind_is_named_and_priced(guarded: Spine) -> None:
    """The source VM with its disks, by their list price; nothing of it is deleted."""
    vm = guarded.vm("golden")
    vm.order("managed-image")
    guarded.look(vm)
    vm.guest("sysprep")
    guarded.carry(vm, 8)
    guarded.forget_requests()
    left = guarded.sweep().body(guarded.client.now())["leftBehind"]
    (row,) = left["vms"]
    assert (row["ResourceId"].lower(), row["disks"]) == (vm.id.lower(), 1)
    assert row["x_ListCostPerMonth"] == left["listCostPerMonth"] > 0
    assert left["unpriced"] == 0
    assert set(kinds(guarded.requests)) == {"virtualMachines", "disks"}
