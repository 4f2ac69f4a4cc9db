"""Off means off: a VM that its owner wants off is deallocated minutes after its guest shut down."""

from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

import pytest
from azure.core.exceptions import HttpResponseError
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from shared.model.errors import Transient
from simulator.client import SteeringError
from tests.stories.test_crashes import Process, handled, swept
from tests.stories.world import Hosted, Json, Spine, Vm, empty

MINUTE, HOUR = 60, 3600
OFF = {"stillframe-cost-guard": "deallocate"}
LATER = {"stillframe-cost-guard": "deallocate-after-PT6H"}
IGNORE = {"stillframe-cost-guard": "ignore"}
DEALLOCATED, OVER = "Stillframe.VmDeallocated", "Stillframe.VmNoLongerBilled"
STILL = "Stillframe.VmStillBilled"


@pytest.fixture
def owners(spine: Spine) -> Spine:
    """Return the world with a spine that goes by owners' words."""
    spine.deploy_roles("owned")
    return spine.under(off_means_off=True)


def told(world: Hosted | Spine) -> list[tuple[str, str]]:
    """Return the outcome events, as consumers see them: type and VM."""
    own = {one["id"]: (one["type"], one["subject"]) for one in world.outcomes}
    return list(own.values())


@pytest.mark.parametrize("act", ["shutdown", "powerOff"])
@pytest.mark.parametrize("on", ["vm", "group"])
def test_three_minutes_after_a_stop_it_is_deallocated(owned: Hosted, on: str, act: str) -> None:
    """By the event of the stop, whoever stopped it; then it is told whose word that was."""
    if on == "group":
        owned.client.create_group("dev", **OFF)
    vm = owned.vm(group="dev", tags=OFF if on == "vm" else {})
    owned.let(HOUR)
    if act == "shutdown":
        vm.guest(act)
    else:
        vm.power(act)
    owned.let(3 * MINUTE)
    assert vm.state[0] == "deallocated"
    owned.settle()
    assert told(owned) == [(DEALLOCATED, "web"), (OVER, "web")]
    data = owned.outcomes[0]["data"]
    assert (data["whoseWord"], data["word"]) == (on, "deallocate")
    assert data["seconds"] < 3 * MINUTE
    assert vm.tags == (OFF if on == "vm" else {})
    assert owned.failures == []


def test_with_its_events_lost_the_sweep_deallocates_it(owned: Hosted) -> None:
    """And tells it, too; in a second sweep, because the deallocation takes its time."""
    vm = owned.vm(tags=OFF)
    owned.let(HOUR)
    owned.events("lose")
    vm.guest("shutdown")
    owned.let(3 * MINUTE)
    assert vm.state[0] == "stopped"
    assert owned.sweep()["bills"] == {"deallocate": 1}
    owned.let(MINUTE)
    assert vm.state[0] == "deallocated"
    owned.sweep()
    assert told(owned) == [(DEALLOCATED, "web"), (OVER, "web")]
    assert vm.tags == OFF


def test_a_vm_that_was_just_started_is_not_taken_for_a_stopped_one(owners: Spine) -> None:
    """Within two minutes of a start from deallocated it may read stopped for a moment."""
    vm = owners.vm(tags=OFF, power="deallocated")
    vm.power("start")
    owners.let(MINUTE)
    vm.guest("shutdown")
    owners.let(30)
    assert vm.state[0] == "stopped"
    with pytest.raises(Transient, match="may be starting"):
        owners.look(vm)
    owners.let(MINUTE)
    assert owners.look(vm).bill == "deallocate"


@pytest.mark.parametrize(
    ("words", "why"),
    [
        ({"tags": OFF | {"stillframe-capture": "yes"}, "security_type": "TrustedLaunch"}, "order"),
        ({"tags": OFF, "ephemeral": True}, "ephemeral"),
        ({"tags": {"stillframe-cost-guard": "deallocate-after-tomorrow"}}, "is invalid"),
        ({"tags": {"stillframe-cost-guard": "deallocate ignore"}}, "is invalid"),
        ({"tags": OFF, "lock": "CanNotDelete"}, "locked"),
    ],
)
def test_what_is_kept_is_alerted_with_the_reason(
    owners: Spine, words: dict[str, Any], why: str
) -> None:
    """It stays as it is, at events and in sweeps; after the grace period its owner hears why."""
    lock = words.pop("lock", None) if "lock" in words else None
    vm = owners.vm(power="stopped", stopped_since=5 * HOUR, **words)
    if lock:
        owners.lock(vm.id, lock)
        words["lock"] = lock  # the cases are shared
    with suppress(Transient):
        owners.look(vm)
    for _ in range(3):
        owners.sweep()
        owners.let(5 * MINUTE)
    assert vm.state[0] == "stopped"
    alerts = [one for one in owners.outcomes if one["type"] == STILL]
    assert [why in one["data"]["notDeallocatedBecause"] for one in alerts] == [True]


def test_ignore_on_the_vm_beats_its_group(owners: Spine) -> None:
    """Neither deallocated nor flagged; its neighbour is deallocated."""
    owners.client.create_group("dev", **OFF)
    exempt = owners.vm("kept", group="dev", tags=IGNORE, power="stopped", stopped_since=HOUR)
    other = owners.vm("other", group="dev", power="stopped", stopped_since=HOUR)
    for vm in (exempt, other):
        owners.look(vm)
    owners.let(MINUTE)
    report = owners.sweep()
    assert (exempt.state[0], other.state[0]) == ("stopped", "deallocated")
    assert report.flagged == []


def test_a_group_whose_tags_cannot_be_read_protects_its_vms(owners: Spine) -> None:
    """It may be exempt; a VM with a word of its own is deallocated all the same."""
    owners.client.create_group("dev", **OFF)
    own = owners.vm("own", group="dev", tags=OFF, power="stopped", stopped_since=HOUR)
    groups = owners.vm("groups", group="dev", power="stopped", stopped_since=HOUR)
    owners.forbid("Microsoft.Resources/subscriptions/resourceGroups/read")
    for vm in (own, groups):
        owners.look(vm)
    owners.sweep()
    owners.let(MINUTE)
    assert (own.state[0], groups.state[0]) == ("deallocated", "stopped")


def test_what_azure_refuses_is_told_to_the_owner(owners: Spine) -> None:
    """As an alert in Azure's words, once; every sweep tries again, and succeeds in the end."""
    vm = owners.vm(tags=OFF, power="stopped", stopped_since=2 * HOUR)
    owners.refuse("POST", "/deallocate$", 409, "Conflict", message="A policy forbids it.", count=5)
    owners.look(vm)
    for _ in range(3):
        owners.let(5 * MINUTE)
        report = owners.sweep()
        assert "A policy forbids it." in " ".join(report.untold.values())
    (alert,) = owners.outcomes
    assert "A policy forbids it." in alert["data"]["notDeallocatedBecause"]
    owners.let(5 * MINUTE)
    owners.sweep()
    owners.sweep_for(10 * MINUTE)
    assert vm.state[0] == "deallocated"
    assert told(owners) == [(STILL, "web"), (DEALLOCATED, "web"), (OVER, "web")]


def test_a_dry_run_deallocates_nothing(owners: Spine) -> None:
    """It says what it would do, at events and in sweeps."""
    vm = owners.vm(tags=OFF, power="stopped", stopped_since=HOUR)
    owners.under(dry_run=True)
    assert owners.look(vm).bill == "would deallocate"
    assert owners.sweep().bills == {"would deallocate": 1}
    assert (owners.writes, vm.state[0]) == ([], "stopped")


def test_a_fortnight(owned: Hosted) -> None:
    """Exactly the right VMs are deallocated; what is told are the seconds that they were stopped.

    Events tell of most stops; those of the second Monday are lost. Sweeps follow.
    """
    owned.client.create_group("dev", **OFF)
    owned.client.create_group("in-scope")
    vms = {
        "off": owned.vm("off", tags=OFF),
        "later": owned.vm("later", tags=LATER),
        "groups": owned.vm("groups", group="dev"),
        "exempt": owned.vm("exempt", group="dev", tags=IGNORE),
        "plain": owned.vm("plain"),
        "typo": owned.vm("typo", tags={"stillframe-cost-guard": "dealocate"}),
        "locked": owned.vm("locked", tags=OFF),
        "ordered": owned.vm("ordered", group="in-scope", tags=OFF, security_type="TrustedLaunch"),
    }
    vms["ordered"].order("managed-image")  # refused: a managed image has no Trusted Launch
    owned.lock(vms["locked"].id, "ReadOnly")
    acts = [
        *((10.5 + number / 20, name, "shutdown") for number, name in enumerate(vms)),
        (30.2, "off", "start"), (30.2, "groups", "start"), (31.0, "later", "start"),
        (40.5, "later", "powerOff"), (43.5, "later", "start"),
        (50.5, "off", "powerOff"), (50.7, "groups", "shutdown"),
        (170.2, "off", "start"), (175.5, "off", "lost shutdown"),
    ]  # fmt: skip
    expected = {
        ("off", 10.5): "minutes", ("groups", 10.6): "minutes", ("later", 10.55): "6 h, next sweep",
        ("off", 50.5): "minutes", ("groups", 50.7): "minutes", ("off", 175.5): "next sweep",
    }  # fmt: skip
    stops = play(owned, vms, acts, hours=14 * 24)
    took = {key: span for key, span in stops.items() if span is not None}
    assert {key: _word(span) for key, span in took.items()} == expected
    states = {name: vm.state[0] for name, vm in vms.items()}
    kept = {"exempt", "plain", "typo", "locked", "ordered"}
    assert {name for name, state in states.items() if state == "stopped"} == kept
    ended = {
        (one["subject"], one["data"]["ChargePeriodStart"]): one["data"]["seconds"]
        for one in owned.outcomes
        if one["type"] == DEALLOCATED
    }
    assert sorted(ended.values()) == pytest.approx(sorted(took.values()), abs=10)
    assert len(ended) == len(expected)
    assert owned.failures == []


def _word(seconds: float) -> str:
    if seconds < 3 * MINUTE:
        return "minutes"
    if seconds <= HOUR:
        return "next sweep"
    return "6 h, next sweep" if 6 * HOUR <= seconds <= 7 * HOUR else f"{seconds} s"


def play(
    world: Hosted, vms: dict[str, Vm], acts: list[tuple[float, str, str]], hours: int
) -> dict[tuple[str, float], float | None]:
    """Let owners and guests act, and a sweep run each hour; each twelfth where nothing happens.

    Return for each stop, by VM and hour, after how many seconds the VM was deallocated.
    """
    start, left = world.client.now(), sorted(acts)
    stopped: dict[str, tuple[float, datetime]] = {}
    took: dict[tuple[str, float], float | None] = {}

    def watch(seconds: float) -> None:
        for _ in range(int(seconds) // 5):
            world.let(5)
            now, powers = world.client.now(), {name: vms[name].state[0] for name in stopped}
            for name, power in powers.items():
                hour, since = stopped[name]
                if power in ("running", "stopping"):
                    stopped[name] = (hour, now)  # not yet
                elif power == "deallocated":
                    took[name, hour] = (now - since).total_seconds()
                    del stopped[name]

    for hour in range(hours):
        while left and left[0][0] <= hour:
            at, name, act = left.pop(0)
            let_until(world, start + timedelta(hours=at))
            stopped.pop(name, None)
            if act != "start":
                stopped[name] = (at, world.client.now())
            act_on(world, vms[name], act)
            watch(0 if act == "start" else 2 * MINUTE)
        let_until(world, start + timedelta(hours=hour))
        if hour % 12 and all(not at <= hour <= at + 8 for at, _, _ in acts):
            continue
        watch(MINUTE if "deallocate" in world.sweep()["bills"] else 0)
    return took


def let_until(world: Hosted, until: datetime) -> None:
    """Let time pass until an instant, if it is not over."""
    world.let(max(0.0, (until - world.client.now()).total_seconds()))


def act_on(world: Hosted, vm: Vm, act: str) -> None:
    """Let an owner or a guest act, perhaps with its events lost."""
    if act.startswith("lost"):
        world.events("lose")
    if act.endswith("shutdown"):
        vm.guest("shutdown")
    else:
        vm.power(act)


WORDS = {
    "off": "deallocate",
    "later": "deallocate-after-PT1H",
    "ignore": "ignore",
    "typo": "deallocated",
    "no word": "",
}
"""What an owner's tag says."""

ACTS = (
    *("shutdown", "powerOff", "start", "deallocate", "hibernate", "order", "withdraw", "lock"),
    *("unlock", *WORDS, "group off", "group no word"),
    *("minute", "hours", "sweep", "lost shutdown"),
)
fortnights = st.lists(st.sampled_from(ACTS), max_size=14)
LOCKED = ["off", "lock", "shutdown", "hours", "sweep", "unlock", "sweep", "minute"]
STARTED = ["off", "deallocate", "minute", "start", "lost shutdown", "sweep", "start", "minute"]


@given(acts=fortnights)
@example(acts=LOCKED)
@example(acts=STARTED)
@example(acts=["group off", "ignore", "shutdown", "sweep", "no word", "sweep"])
@settings(max_examples=80, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_never_a_vm_that_is_not_to_be_deallocated(owners: Spine, acts: list[str]) -> None:
    """Over any history: never an ordered, locked, exempt, running or starting VM."""
    vm = emptied(owners)
    locked, groups = False, ""
    for act in acts:
        happen(owners, vm, act)
        locked = act == "lock" or (locked and act != "unlock")
        if act.startswith("group"):
            groups = "deallocate" if act == "group off" else ""
        before, tags = vm.facts, vm.tags
        owners.forget_requests()
        if not act.startswith("lost"):
            with suppress(Transient):
                owners.look(vm)
        if act == "sweep":
            owners.sweep()
        asked = [one for one in owners.writes if one["path"].lower().endswith("/deallocate")]
        if asked:
            word = tags.get("stillframe-cost-guard") or groups
            assert before["power"] == "stopped"
            assert before["provisioning"] == "Succeeded"
            assert not locked
            assert "stillframe-capture" not in tags
            assert word in ("deallocate", "deallocate-after-PT1H")


def emptied(owners: Spine, **words: Any) -> Vm:  # noqa: ANN401 - words of a VM
    """Begin anew, with a VM in a group of its own."""
    empty(owners.client)
    owners.deploy_roles("owned")
    owners.client.create_group("dev")
    return owners.vm(group="dev", **words)


def happen(owners: Spine, vm: Vm, act: str) -> None:
    """Let something happen, if the VM's state allows it."""
    lock = f"{vm.id}/providers/Microsoft.Authorization/locks/kept?api-version=2016-09-01"
    with suppress(HttpResponseError, SteeringError, KeyError):
        match act:
            case "shutdown" | "hibernate" | "lost shutdown":
                vm.guest(act.rpartition(" ")[2])
            case "start" | "powerOff" | "deallocate":
                vm.power(act)
            case "order":
                vm.order("managed-image")
            case "withdraw":
                vm.withdraw()
            case "lock":
                owners.lock(vm.id, "CanNotDelete")
            case "unlock":
                owners.owner("DELETE", lock)
            case _ if act in WORDS:
                vm.tag({"stillframe-cost-guard": WORDS[act]})
            case "group off" | "group no word":
                owners.client.create_group("dev", **(OFF if act == "group off" else {}))
    owners.let(3 * HOUR if act == "hours" else 45)


def ended(owners: Spine, most: float, *, again: bool) -> tuple[int, list[tuple[str, str]], Vm]:
    """Let a guest shut down, and the first process that hears of it end after so many calls.

    Return the calls, the outcomes and the VM, after other processes have swept.
    """
    vm = emptied(owners, tags=OFF)
    owners.let(HOUR)
    vm.guest("shutdown")
    owners.let(MINUTE)
    process = Process(most)
    if again:
        handled(owners, 1, vm, process, owners.client.now())
        calls = process.calls
    else:
        calls = swept(owners, process)
    owners.let(MINUTE)
    for _ in range(4):
        swept(owners, Process())
    return calls, told(owners), vm


@pytest.mark.parametrize("again", [False, True], ids=["sweep", "event"])
def test_wherever_a_process_ends_it_is_deallocated_and_told_once(
    owners: Spine, *, again: bool
) -> None:
    """Whether it ends before or after any call."""
    calls, both, _ = ended(owners, float("inf"), again=again)
    assert both == [(DEALLOCATED, "web"), (OVER, "web")]
    for made in range(calls + 1):
        _, events, vm = ended(owners, made, again=again)
        assert (made, events, vm.state[0], vm.tags) == (made, both, "deallocated", OFF)


def test_ten_vms_at_rest_cost_the_lists_alone(owners: Spine) -> None:
    """A word costs no request where nothing is due; locks are listed where one is stopped."""
    for number in range(10):
        owners.vm(f"on-{number}", tags=OFF)
    owners.sweep()
    owners.forget_requests()
    report = owners.sweep()
    assert report.looked == 0
    assert {_kind(one) for one in owners.requests} == {"virtualMachines"}
    owners.vm("slow", tags=LATER, power="stopped", stopped_since=HOUR)
    owners.sweep()
    owners.forget_requests()
    report = owners.sweep()
    assert (report.looked, len(report.flagged)) == (0, 1)
    assert {_kind(one) for one in owners.requests} == {"virtualMachines", "resourcegroups", "locks"}


def _kind(request: Json) -> str:
    path: str = request["path"]
    return path.partition("?")[0].rpartition("/")[2]
