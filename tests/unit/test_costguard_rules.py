"""The cost guard's rules: which stopped VMs are still billed, and what is due."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.capture.durations import is_under_way
from shared.costguard.rules import (
    Alert,
    Clear,
    DeallocateByPolicy,
    Due,
    Mark,
    Nothing,
    Standing,
    is_exempt,
    judge,
    unreadable_exemption,
)
from shared.model.facts import PowerState, Provisioning
from shared.model.instants import write_instant
from shared.model.settings import GuardAction
from shared.model.tags import Status, Tag
from tests.unit.making import NOW, settings

GRACE = timedelta(hours=1)
DAY = timedelta(days=1)
SINCE = NOW - timedelta(hours=5)
MARKED = {Tag.BILLED_SINCE.value: write_instant(SINCE)}
TOLD = MARKED | {Tag.BILLED_ALERTED.value: write_instant(NOW - timedelta(hours=2))}
STOPPED = Standing(
    tags={}, group_tags={}, power=PowerState.STOPPED, provisioning=Provisioning.SUCCEEDED
)


def due(tags: dict[str, str], policy: dict[str, Any] | None = None, **changes: Any) -> Due:  # noqa: ANN401 - fields of Standing
    """Judge a stopped VM with these tags now."""
    return judge(replace(STOPPED, tags=tags, **changes), settings(**policy or {}), NOW)


def test_a_stopped_vm_is_marked_before_all_else() -> None:
    """There is no alert for a VM on its first sighting."""
    assert due({}) == Mark()


def test_a_mark_is_told_of_after_the_grace() -> None:
    """Nothing is due within the grace period; an alert is due from its end."""
    young = {Tag.BILLED_SINCE.value: write_instant(NOW - GRACE + timedelta(seconds=1))}
    assert due(young) == Nothing(NOW - GRACE + timedelta(seconds=1))
    old = {Tag.BILLED_SINCE.value: write_instant(NOW - GRACE)}
    assert due(old) == Alert(NOW - GRACE, 0)


def test_it_is_told_daily() -> None:
    """After an alert nothing is due for a day, then an alert with the next number."""
    assert due(TOLD) == Nothing(SINCE)
    since, alerted = NOW - GRACE - 3 * DAY, NOW - DAY
    tags = {
        Tag.BILLED_SINCE.value: write_instant(since),
        Tag.BILLED_ALERTED.value: write_instant(alerted),
    }
    assert due(tags) == Alert(since, 3)


def test_an_alert_that_comes_late_has_its_own_days_number() -> None:
    """If sweeps were missed, the number counts days since the grace period, not alerts."""
    since = NOW - 4 * DAY
    assert due({Tag.BILLED_SINCE.value: write_instant(since)}) == Alert(since, 3)


@pytest.mark.parametrize("power", [PowerState.RUNNING, PowerState.DEALLOCATED])
def test_what_is_over_is_cleared(power: PowerState) -> None:
    """The mark of a running or deallocated VM is removed; without a mark nothing is due."""
    assert due(TOLD, power=power) == Clear(SINCE)
    assert due({}, power=power) == Nothing()


@pytest.mark.parametrize(
    "power",
    [PowerState.STARTING, PowerState.STOPPING, PowerState.DEALLOCATING, PowerState.UNKNOWN],
)
def test_what_is_in_transition_stays_as_it_was(power: PowerState) -> None:
    """In starting, stopping, deallocating and unknown nothing is due."""
    assert due(TOLD, power=power) == Nothing(SINCE)
    assert due({}, power=power) == Nothing()


def test_a_failed_extension_does_not_stop_the_bill() -> None:
    """Failed and Canceled are settled provisioning states; Updating and unknown are not."""
    assert (
        due({}, provisioning=Provisioning("Failed"))
        == due({}, provisioning=Provisioning("Canceled"))
        == Mark()
    )
    assert due({}, provisioning=Provisioning("Updating")) == Nothing()
    assert due({}, provisioning=Provisioning("")) == Nothing()


@pytest.mark.parametrize("written", ["yesterday", "", write_instant(NOW + DAY), "2026-01-01"])
def test_a_mark_that_cannot_be_meant_is_written_anew(written: str) -> None:
    """A mark that is not an instant, has no offset or is in the future is replaced."""
    assert due({Tag.BILLED_SINCE.value: written}) == Mark(unreadable=written)


def test_a_clock_a_little_ahead_is_forgiven() -> None:
    """A mark up to five minutes in the future counts as now; a later mark is replaced."""
    ahead = write_instant(NOW + timedelta(minutes=5))
    assert due({Tag.BILLED_SINCE.value: ahead}) == Nothing(NOW)
    further = write_instant(NOW + timedelta(minutes=5, seconds=1))
    assert due({Tag.BILLED_SINCE.value: further}) == Mark(unreadable=further)


def test_the_opt_out_counts_on_the_vm_and_on_its_group() -> None:
    """Neither is flagged; an existing mark is removed without an event."""
    ignore = {Tag.COST_GUARD.value: "Ignore"}
    assert due(ignore) == Nothing()
    assert due(ignore | TOLD) == Clear(None)
    assert due(TOLD, group_tags=ignore) == Clear(None)


def test_a_snooze_ends_with_its_day() -> None:
    """`ignore-until` with a date exempts until that day begins in UTC."""
    tags = {Tag.COST_GUARD.value: "ignore-until-2026-05-05"}
    midnight = datetime(2026, 5, 5, tzinfo=UTC)
    assert is_exempt(tags, midnight - timedelta(seconds=1))
    assert not is_exempt(tags, midnight)


@pytest.mark.parametrize(
    "said", ["please", "2026-05-05", "ignore-until-tomorrow", "ignore-until-2026-02-30"]
)
def test_an_opt_out_that_means_nothing_exempts_nothing(said: str) -> None:
    """It is reported with its value."""
    tags = {Tag.COST_GUARD.value: said}
    assert not is_exempt(tags, NOW)
    assert unreadable_exemption(tags) == said


@pytest.mark.parametrize("said", ["ignore", "Ignore", "ignore-until-2026-05-05", "  ", None])
def test_an_opt_out_that_means_something_is_not_told_as_unreadable(said: str | None) -> None:
    """`ignore-until` is valid even if its date has passed; an empty or missing tag is valid too."""
    tags = {} if said is None else {Tag.COST_GUARD.value: said}
    assert unreadable_exemption(tags) is None


@pytest.mark.parametrize(
    ("status", "image", "lasts"),
    [
        (Status.DEALLOCATING, "g/d", timedelta(minutes=30)),
        (Status.CAPTURING, "vm-20260504", timedelta(minutes=30)),
        (Status.CAPTURING, "g/d/1.0.0", timedelta(hours=6)),
    ],
)
def test_a_capture_under_way_is_not_flagged_until_it_is_stuck(
    status: Status, image: str, lasts: timedelta
) -> None:
    """Nothing is due for as long as the step may take; then the VM is flagged."""
    order = {Tag.CAPTURE.value: "yes", Tag.STATUS.value: status.value, Tag.IMAGE.value: image}
    assert due(order | {Tag.AS_OF.value: write_instant(NOW - lasts)}) == Nothing()
    assert due(order | MARKED | {Tag.AS_OF.value: write_instant(NOW)}) == Nothing(SINCE)
    late = order | {Tag.AS_OF.value: write_instant(NOW - lasts - timedelta(seconds=1))}
    assert due(late) == Mark()


@pytest.mark.parametrize("status", [Status.REFUSED, Status.NOT_GENERALIZED, Status.FAILED])
def test_a_capture_that_has_ended_protects_nobody(status: Status) -> None:
    """A stopped VM whose order is refused, failed or not generalized is flagged like any other."""
    order = {Tag.CAPTURE.value: "yes", Tag.STATUS.value: status.value}
    assert due(order) == due(order | {Tag.AS_OF.value: write_instant(NOW)}) == Mark()
    assert due(order | {Tag.AS_OF.value: write_instant(NOW + 7 * DAY)}) == Mark()


def test_what_waits_is_captured_soon_where_it_is_ours() -> None:
    """Without an order, or with another app's order, it is flagged."""
    waits = {Tag.STATUS.value: Status.WAITING.value}
    order = {Tag.CAPTURE.value: "yes", **waits}
    assert due(waits) == due(order, ours=False) == Mark()
    assert due(order) == Nothing()


DEALLOCATE = {
    "guard_action": GuardAction.DEALLOCATE,
    "guard_deallocate_after": timedelta(hours=4),
}


def test_the_policy_deallocates_after_its_time() -> None:
    """Alert first, deallocate after the time, to the second; never a VM with `kept`."""
    assert due(MARKED, DEALLOCATE) == Alert(SINCE, 0)
    assert due(TOLD, DEALLOCATE) == DeallocateByPolicy(SINCE)
    assert due(TOLD, DEALLOCATE, kept="it is locked") == Nothing(SINCE)
    after = timedelta(hours=5)
    assert due(TOLD, DEALLOCATE | {"guard_deallocate_after": after}) == DeallocateByPolicy(SINCE)
    later = after + timedelta(seconds=1)
    assert due(TOLD, DEALLOCATE | {"guard_deallocate_after": later}) == Nothing(SINCE)


FLAG = DEALLOCATE | {"guard_action": GuardAction.FLAG}


def test_a_time_alone_is_no_policy() -> None:
    """If the action is `flag`, no VM is deallocated although a time is set."""
    assert due(TOLD, FLAG) == Nothing(SINCE)


TAGS = st.fixed_dictionaries(
    {},
    optional={
        Tag.CAPTURE.value: st.just("yes"),
        Tag.STATUS.value: st.sampled_from(list(Status)),
        Tag.COST_GUARD.value: st.sampled_from(["ignore", "ignore-until-2026-05-09", "never"]),
        Tag.BILLED_SINCE.value: st.sampled_from(["x", write_instant(SINCE), write_instant(NOW)]),
        Tag.BILLED_ALERTED.value: st.sampled_from(["x", write_instant(NOW - 2 * DAY)]),
    },
)
STANDINGS = st.builds(
    Standing,
    tags=TAGS,
    group_tags=st.sampled_from([{}, {Tag.COST_GUARD.value: "ignore"}]),
    power=st.sampled_from(PowerState),
    provisioning=st.sampled_from([*Provisioning]),
    kept=st.sampled_from([None, "it is locked"]),
)


@given(STANDINGS, st.sampled_from([{}, FLAG, DEALLOCATE]))
def test_only_what_is_stopped_settled_and_wanted_otherwise_is_flagged(
    standing: Standing, policy: dict[str, Any]
) -> None:
    """For any tags: no mark, alert or deallocation for any other VM."""
    decided = judge(standing, settings(**policy), NOW)
    if isinstance(decided, Mark | Alert | DeallocateByPolicy):
        assert standing.power is PowerState.STOPPED
        assert standing.provisioning in ("Succeeded", "Failed", "Canceled")
        assert not is_exempt(standing.tags, NOW)
        assert not is_exempt(standing.group_tags, NOW)
        assert not is_under_way(standing.tags, NOW, ours=standing.ours)
    if isinstance(decided, DeallocateByPolicy):
        assert policy == DEALLOCATE
        assert standing.kept is None


STATES = st.lists(
    st.sampled_from(
        [PowerState.RUNNING, PowerState.STOPPED, PowerState.DEALLOCATED, PowerState.UNKNOWN]
    ),
    max_size=400,
)
STEP = timedelta(minutes=20)


def swept(states: Iterable[PowerState]) -> tuple[list[timedelta], list[timedelta], list[Alert]]:
    """Sweep a VM that has these states; return durations published, durations seen, alerts."""
    tags: dict[str, str] = {}
    told: list[timedelta] = []
    seen: list[timedelta] = []
    alerts: list[Alert] = []
    now, first = NOW, None
    for power in states:
        now += STEP
        decided = judge(replace(STOPPED, tags=dict(tags), power=power), settings(), now)
        if power is PowerState.STOPPED:
            first = first or now
        elif power is not PowerState.UNKNOWN and first:
            seen.append(now - first)
            first = None
        match decided:
            case Mark():
                tags = {Tag.BILLED_SINCE.value: write_instant(now)}
            case Alert():
                alerts.append(decided)
                tags[Tag.BILLED_ALERTED.value] = write_instant(now)
            case Clear(since) if since:
                told.append(now - since)
                tags = {}
    return told, seen, alerts


@given(STATES)
def test_what_is_told_is_what_was_seen(states: list[PowerState]) -> None:
    """For any sequence of states, the published time is the time the VM was seen stopped."""
    told, seen, _ = swept(states)
    assert told == seen


@given(st.integers(0, 300))
def test_alerts_are_as_many_as_days(sweeps: int) -> None:
    """A VM that stays stopped gets an alert after the grace period, then one a day, no repeat."""
    _, _, alerts = swept([PowerState.STOPPED] * sweeps)
    stood = STEP * max(0, sweeps - 1)
    assert len(alerts) == (0 if stood < GRACE else (stood - GRACE) // DAY + 1)
    assert [alert.number for alert in alerts] == list(range(len(alerts)))
