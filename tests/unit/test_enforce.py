"""The cost guard on one VM, with a fake of Azure: what it publishes, writes and leaves alone."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from shared.costguard.alert import FIRST_SEEN, HEALTH
from shared.costguard.enforce import Enforced, enforce
from shared.costguard.rules import Standing
from shared.model.errors import Refused, Transient
from shared.model.facts import Missing, ObservedVm, PowerState, Price, Provisioning
from shared.model.instants import write_instant
from shared.model.outcomes import OutcomeType
from shared.model.settings import GuardAction
from shared.model.tags import Tag
from tests.unit.fake_cloud import FakeCloud
from tests.unit.making import NOW, REF, RELEASED, Facts, disk, settings, vm

SINCE = NOW - timedelta(hours=5)
MARKED = {Tag.BILLED_SINCE.value: write_instant(SINCE)}
TOLD = MARKED | {Tag.BILLED_ALERTED.value: write_instant(NOW - timedelta(hours=2))}
OFF = {Tag.COST_GUARD.value: "deallocate"}
OWNED = settings(off_means_off=True)
BY_POLICY = {Tag.DEALLOCATED_BY.value: "policy COST_GUARD_ACTION"}
DEALLOCATES = settings(
    guard_action=GuardAction.DEALLOCATE, guard_deallocate_after=timedelta(hours=4)
)


def stopped(tags: dict[str, str], **changes: Any) -> ObservedVm:  # noqa: ANN401 - fields
    """Make a stopped VM without an order."""
    return replace(vm(power=PowerState.STOPPED, **changes), tags=tags)


def enforced(cloud: FakeCloud, seen: ObservedVm, kept: str | None = None) -> Enforced:
    """Do what is due about a VM, with what the lists show of it."""
    standing = Standing(seen.tags, {}, seen.power, Provisioning.SUCCEEDED, kept)
    return enforce(cloud, seen, standing, NOW)


@pytest.mark.parametrize("known", [SINCE, None])
def test_a_stopped_vm_is_marked_with_when_it_stopped(known: datetime | None) -> None:
    """The instant from Resource Health if there is one, else that of this sweep."""
    cloud = FakeCloud(stopped=known)
    done = enforced(cloud, stopped({}))
    assert done.vm.tags == {Tag.BILLED_SINCE: write_instant(known or NOW)}
    assert (done.what, cloud.calls, cloud.published) == ("mark", [("write", REF.id)], [])


@pytest.mark.parametrize(
    ("graph", "since"),
    [
        (NOW - timedelta(minutes=15), NOW - timedelta(minutes=15)),
        (NOW - timedelta(minutes=14), SINCE),
        (None, SINCE),
    ],
)
def test_resource_graph_is_believed_after_a_quarter_of_an_hour(
    graph: datetime | None, since: datetime
) -> None:
    """What it shows of the last minutes may be an earlier stop: then Resource Health is asked."""
    cloud = FakeCloud(stopped=SINCE)
    seen = stopped({})
    standing = Standing(seen.tags, {}, seen.power, Provisioning.SUCCEEDED, stopped=graph)
    done = enforce(cloud, seen, standing, NOW)
    assert done.vm.tags == {Tag.BILLED_SINCE: write_instant(since)}


@pytest.mark.parametrize(("known", "source"), [(SINCE, HEALTH), (NOW, FIRST_SEEN)])
def test_an_alert_has_the_money_and_the_source(known: datetime, source: str) -> None:
    """Published first and noted then; the source is Resource Health's only where it agrees."""
    cloud = FakeCloud(stopped=known, costs=Price(0.2, 0.1), settings=DEALLOCATES)
    done = enforced(cloud, stopped(MARKED), kept="it is locked")
    assert [name for name, _ in cloud.calls] == ["publish", "write"]
    (alert,) = cloud.published
    assert alert.type is OutcomeType.STILL_BILLED
    told = {
        name: alert.data[name]
        for name in ("ListCost", "x_LicenseCost", "BillingCurrency", "sinceKnownBy")
    }
    assert told == {
        "ListCost": 1.0,
        "x_LicenseCost": 0.5,
        "BillingCurrency": "EUR",
        "sinceKnownBy": source,
    }
    assert alert.data["notDeallocatedBecause"] == "it is locked"
    assert done.vm.tags[Tag.BILLED_ALERTED] == write_instant(NOW)


def test_a_price_that_nobody_knows_is_no_zero() -> None:
    """The alert says that the price is unknown."""
    cloud = FakeCloud(stopped=SINCE)
    enforced(cloud, stopped(MARKED))
    assert cloud.published[0].data["ListCost"] is None


def a_cloud_of(seen: ObservedVm, released: datetime | None = RELEASED, **more: Any) -> FakeCloud:  # noqa: ANN401 - fields
    """Make a cloud that shows this VM again, and its OS disk."""
    return FakeCloud(Facts(vm=seen, disk=disk(released=released)), **more)


def test_the_policy_deallocates_what_was_told() -> None:
    """After the time that the policy gives, once it is noted, and never what must be kept."""
    cloud = a_cloud_of(stopped(TOLD | BY_POLICY), settings=DEALLOCATES)
    done = enforced(cloud, stopped(TOLD))
    assert (done.what, done.untold) == ("deallocate", None)
    assert cloud.calls == [("write", REF.id), ("deallocate", REF.id)]
    assert done.vm.tags == TOLD | BY_POLICY
    kept = a_cloud_of(stopped(TOLD), settings=DEALLOCATES)
    assert enforced(kept, stopped(TOLD), kept="its OS disk is ephemeral").what == "nothing"
    assert kept.calls == []


def test_a_deallocation_that_was_noted_is_requested_again() -> None:
    """Where the process ended between the note and the request, or Azure preempted it."""
    noted = stopped(TOLD | BY_POLICY)
    cloud = a_cloud_of(noted, settings=DEALLOCATES)
    assert enforced(cloud, noted).what == "deallocate"
    assert cloud.calls == [("deallocate", REF.id)]


def test_an_owner_who_wants_it_off_gets_it_off_at_once() -> None:
    """Without a mark from before, with the instant that Resource Health knows."""
    cloud = a_cloud_of(stopped(OFF), settings=OWNED, stopped=SINCE)
    assert enforced(cloud, stopped(OFF)).what == "deallocate"
    assert cloud.calls == [("write", REF.id), ("deallocate", REF.id)]


def test_a_vm_that_may_be_starting_is_left_alone_for_two_minutes() -> None:
    """It reads `stopped` for a moment; its OS disk shows that it was just started."""
    cloud = a_cloud_of(stopped(OFF), NOW - timedelta(seconds=119), settings=OWNED)
    done = enforced(cloud, stopped(OFF))
    assert (done.what, cloud.calls) == ("nothing", [])
    assert "may be starting" in (done.again or "")
    later = a_cloud_of(stopped(OFF), NOW - timedelta(seconds=120), settings=OWNED)
    assert enforced(later, stopped(OFF)).what == "deallocate"


def test_a_disk_that_cannot_be_read_keeps_its_vm() -> None:
    """Nobody could say whether the VM is starting."""
    cloud = FakeCloud(Facts(vm=stopped(OFF), disk=Missing.DENIED), settings=OWNED)
    done = enforced(cloud, stopped(OFF))
    assert (done.what, cloud.calls) == ("nothing", [])
    assert "cannot be read" in (done.untold or "")


@pytest.mark.parametrize(
    "then",
    [
        {"power": PowerState.RUNNING},
        {"power": PowerState.STARTING},
        {"provisioning": Provisioning.UPDATING},
        {"tags": {Tag.COST_GUARD.value: "ignore"}},
        {"tags": OFF | {Tag.CAPTURE.value: "yes"}},
    ],
)
def test_a_vm_that_changed_meanwhile_is_not_deallocated(then: dict[str, Any]) -> None:
    """It is read once more directly before the request."""
    cloud = a_cloud_of(replace(stopped(OFF), **then), settings=OWNED)
    assert enforced(cloud, stopped(OFF)).what == "nothing"
    assert cloud.calls == [("write", REF.id)]


def test_a_vm_that_is_gone_meanwhile_is_not_deallocated(monkeypatch: pytest.MonkeyPatch) -> None:
    """There is nothing left to do."""
    cloud = a_cloud_of(stopped(OFF), settings=OWNED)
    monkeypatch.setattr(cloud, "look", lambda _: Missing.GONE)
    assert enforced(cloud, stopped(OFF)).what == "nothing"
    assert cloud.calls == [("write", REF.id)]


@pytest.mark.parametrize(
    "refused",
    [
        Refused("ScopeLocked", "The scope is locked.", 409),
        Transient("ScopeLocked: The scope is locked."),
    ],
)
def test_a_deallocation_that_fails_is_told_to_the_owner(refused: Exception) -> None:
    """As an alert with Azure's words, once a day; before the grace period in the report alone."""
    tags = OFF | MARKED
    cloud = a_cloud_of(stopped(tags), settings=OWNED, raises={"deallocate": refused})
    done = enforced(cloud, stopped(tags))
    assert (done.what, "ScopeLocked" in (done.untold or "")) == ("alert", True)
    (alert,) = cloud.published
    assert "The scope is locked." in alert.data["notDeallocatedBecause"]
    young = a_cloud_of(stopped(OFF), settings=OWNED, raises={"deallocate": refused})
    done = enforced(young, stopped(OFF))
    assert (done.what, done.untold, young.published) == ("deallocate", str(refused), [])


def test_a_deallocation_of_ours_is_told_with_whose_word_it_was() -> None:
    """Once the VM is deallocated: the bill up to the instant that its OS disk has."""
    off = OFF | MARKED | {Tag.DEALLOCATED_BY.value: "group deallocate-after-pt15m"}
    over = replace(stopped(off), power=PowerState.DEALLOCATED)
    cloud = a_cloud_of(over, RELEASED, costs=Price(0.2, 0.1))
    done = enforced(cloud, over)
    assert (done.what, done.vm.tags) == ("clear", OFF)
    ours, ended = cloud.published
    assert [ours.type, ended.type] == [OutcomeType.DEALLOCATED, OutcomeType.NO_LONGER_BILLED]
    told = {
        name: ours.data[name] for name in ("whoseWord", "word", "ListUnitPrice", "ChargePeriodEnd")
    }
    assert told == {
        "whoseWord": "group",
        "word": "deallocate-after-pt15m",
        "ListUnitPrice": 0.2,
        "ChargePeriodEnd": write_instant(RELEASED),
    }
    assert (
        ended.data["seconds"] == ours.data["seconds"] == round((RELEASED - SINCE).total_seconds())
    )


def test_a_note_that_holds_no_longer_is_removed_and_nothing_is_told() -> None:
    """Its owner has changed the tag before Azure was asked."""
    noted = MARKED | {Tag.DEALLOCATED_BY.value: "vm deallocate"}
    cloud = a_cloud_of(stopped(noted), settings=OWNED)
    done = enforced(cloud, stopped(noted))
    assert (done.what, done.vm.tags, cloud.published) == ("retract", MARKED, [])


def test_a_vm_that_was_started_before_its_deallocation_is_not_told_as_deallocated() -> None:
    """The note goes, and the bill ends with the VM running."""
    off = OFF | MARKED | {Tag.DEALLOCATED_BY.value: "vm deallocate"}
    running = replace(stopped(off), power=PowerState.RUNNING)
    cloud = a_cloud_of(running)
    done = enforced(cloud, running)
    assert [outcome.type for outcome in cloud.published] == [OutcomeType.NO_LONGER_BILLED]
    assert done.vm.tags == OFF


def test_the_end_is_told_and_the_marks_go() -> None:
    """Once the VM runs or is deallocated; without a readable mark they go without a word."""
    cloud = a_cloud_of(stopped(TOLD), None, costs=Price(0.2, 0.1))
    done = enforced(cloud, replace(stopped(TOLD), power=PowerState.RUNNING))
    assert (done.what, done.vm.tags) == ("clear", {})
    assert [outcome.type for outcome in cloud.published] == [OutcomeType.NO_LONGER_BILLED]
    unread = FakeCloud()
    marks = {Tag.BILLED_SINCE.value: "yesterday"}
    enforced(unread, replace(stopped(marks), power=PowerState.RUNNING))
    assert unread.calls == [("write", REF.id)]


@pytest.mark.parametrize("error", [Refused("ScopeLocked", "locked", 409), Transient("busy")])
@pytest.mark.parametrize(("call", "seen"), [("write", {}), ("publish", MARKED)])
def test_what_azure_does_not_take_is_no_error(
    error: Exception, call: str, seen: dict[str, str]
) -> None:
    """It is reported and tried again by the next sweep; nothing is noted that was not told."""
    cloud = FakeCloud(raises={call: error})
    done = enforced(cloud, stopped(seen))
    assert (done.untold, done.vm.tags, cloud.calls) == (str(error), seen, [])


@pytest.mark.parametrize(
    ("tags", "power", "what"),
    [
        ({}, PowerState.STOPPED, "would mark"),
        (MARKED, PowerState.STOPPED, "would alert"),
        (TOLD, PowerState.STOPPED, "would deallocate"),
        (TOLD, PowerState.RUNNING, "would clear"),
    ],
)
def test_a_dry_run_says_what_is_due_and_does_nothing(
    tags: dict[str, str], power: PowerState, what: str
) -> None:
    """Neither Azure nor the topic hears of it."""
    cloud = a_cloud_of(stopped(tags), settings=replace(DEALLOCATES, dry_run=True))
    done = enforced(cloud, replace(stopped(tags), power=power))
    assert (done.what, done.vm.tags, cloud.calls) == (what, tags, [])


def test_at_rest_nothing_is_asked() -> None:
    """A VM that runs and has no mark costs no request."""
    cloud = FakeCloud()
    assert enforced(cloud, replace(stopped({}), power=PowerState.RUNNING)).what == "nothing"
    assert cloud.requests == 0
