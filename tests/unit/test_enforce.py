"""The cost guard on one VM, with a fake of Azure: what it publishes, writes and leaves alone."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from shared.costguard.enforce import FIRST_SEEN, HEALTH, Enforced, enforce
from shared.costguard.rules import Standing
from shared.model.errors import Refused, Transient
from shared.model.facts import ObservedVm, PowerState, Provisioning
from shared.model.instants import write_instant
from shared.model.outcomes import OutcomeType
from shared.model.settings import GuardAction
from shared.model.tags import Tag
from tests.unit.fake_cloud import FakeCloud
from tests.unit.making import NOW, REF, settings, vm

SINCE = NOW - timedelta(hours=5)
MARKED = {Tag.BILLED_SINCE.value: write_instant(SINCE)}
TOLD = MARKED | {Tag.BILLED_ALERTED.value: write_instant(NOW - timedelta(hours=2))}
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


@pytest.mark.parametrize(("known", "source"), [(SINCE, HEALTH), (NOW, FIRST_SEEN)])
def test_an_alert_has_the_money_and_the_source(known: datetime, source: str) -> None:
    """Published first, then noted; the source is Resource Health only if its instant is equal."""
    cloud = FakeCloud(stopped=known, price=0.2)
    done = enforced(cloud, stopped(MARKED), kept="it is locked")
    assert [name for name, _ in cloud.calls] == ["publish", "write"]
    (alert,) = cloud.published
    assert alert.type is OutcomeType.STILL_BILLED
    told = {name: alert.data[name] for name in ("listPriceSoFar", "currency", "sinceKnownBy")}
    assert told == {"listPriceSoFar": 1.0, "currency": "EUR", "sinceKnownBy": source}
    assert alert.data["notDeallocatedBecause"] == "it is locked"
    assert done.vm.tags[Tag.BILLED_ALERTED] == write_instant(NOW)


def test_a_price_that_nobody_knows_is_no_zero() -> None:
    """The alert says that the price is unknown."""
    cloud = FakeCloud(stopped=SINCE)
    enforced(cloud, stopped(MARKED))
    assert cloud.published[0].data["listPriceSoFar"] is None


def test_the_policy_deallocates_what_was_told() -> None:
    """After the time that the policy gives, and never what must be kept."""
    cloud = FakeCloud(settings=DEALLOCATES)
    assert enforced(cloud, stopped(TOLD)).what == "deallocate"
    assert cloud.calls == [("deallocate", REF.id)]
    kept = FakeCloud(settings=DEALLOCATES)
    assert enforced(kept, stopped(TOLD), kept="its OS disk is ephemeral").what == "nothing"
    assert kept.calls == []


def test_the_end_is_told_and_the_marks_go() -> None:
    """Once the VM runs or is deallocated; without a readable mark they go without a word."""
    cloud = FakeCloud(price=0.2)
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
    cloud = FakeCloud(settings=replace(DEALLOCATES, dry_run=True))
    done = enforced(cloud, replace(stopped(tags), power=power))
    assert (done.what, done.vm.tags, cloud.calls) == (what, tags, [])


def test_at_rest_nothing_is_asked() -> None:
    """A VM that runs and has no mark costs no request."""
    cloud = FakeCloud()
    assert enforced(cloud, replace(stopped({}), power=PowerState.RUNNING)).what == "nothing"
    assert cloud.requests == 0
