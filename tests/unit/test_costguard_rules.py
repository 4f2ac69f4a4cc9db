"""The cost guard's rules: which stopped VMs are still billed, and what is due."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.capture.durations import is_under_way
from shared.costguard.rules import (
    Alert,
    Clear,
    Deallocate,
    Due,
    Mark,
    Nothing,
    Retract,
    Standing,
    Whose,
    Wish,
    judge,
    why_kept,
    wish_of,
)
from shared.costguard.words import Exempt, Invalid, Off, read_word
from shared.model.facts import ListedVm, PowerState, Provisioning
from shared.model.instants import write_instant
from shared.model.settings import GuardAction, Tell
from shared.model.tags import Status, Tag
from tests.unit.making import NOW, REF, settings

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


@pytest.mark.parametrize(
    ("tell", "days", "number"), [(Tell.DAILY, 7, 7), (Tell.WEEKLY, 99, None), (Tell.ONCE, 99, None)]
)
def test_it_is_told_once_by_choice(tell: Tell, days: int, number: int | None) -> None:
    """Weekly it is in the digest, with all others."""
    alerted = NOW - days * DAY
    since = alerted - GRACE
    tags = {
        Tag.BILLED_SINCE.value: write_instant(since),
        Tag.BILLED_ALERTED.value: write_instant(alerted),
    }
    expected = Nothing(since) if number is None else Alert(since, number)
    assert due(tags, {"guard_tell": tell}) == expected
    first = {Tag.BILLED_SINCE.value: write_instant(since)}
    assert isinstance(due(first, {"guard_tell": tell}), Alert)


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


def by_policy(hours: int) -> Wish:
    """Make the wish of a policy."""
    return Wish(Off(timedelta(hours=hours), "COST_GUARD_ACTION"), Whose.POLICY)


def test_the_policy_deallocates_after_its_time() -> None:
    """Alert first, deallocate after the time, to the second; never a VM with `kept`."""
    assert due(MARKED, DEALLOCATE) == Alert(SINCE, 0)
    assert due(TOLD, DEALLOCATE) == Deallocate(SINCE, by_policy(4))
    assert due(TOLD, DEALLOCATE, kept="it is locked") == Nothing(SINCE)
    after = timedelta(hours=5)
    policy = DEALLOCATE | {"guard_deallocate_after": after}
    assert due(TOLD, policy) == Deallocate(SINCE, by_policy(5))
    later = after + timedelta(seconds=1)
    assert due(TOLD, DEALLOCATE | {"guard_deallocate_after": later}) == Nothing(SINCE)


FLAG = DEALLOCATE | {"guard_action": GuardAction.FLAG}


def test_a_time_alone_is_no_policy() -> None:
    """If the action is `flag`, no VM is deallocated although a time is set."""
    assert due(TOLD, FLAG) == Nothing(SINCE)


WORDS = ["ignore", "ignore-until-2026-05-09", "never", "deallocate", "deallocate-after-PT5H"]
OWNED: dict[str, Any] = {"off_means_off": True}
OFF = {Tag.COST_GUARD.value: "deallocate"}
LATER = {Tag.COST_GUARD.value: "deallocate-after-PT6H"}


def test_an_owner_who_wants_it_off_waits_for_no_mark() -> None:
    """`deallocate` is due at the first sight of the stopped VM, whoever's tag it is."""
    own = Wish(Off(timedelta(0), "deallocate"), Whose.VM)
    assert due(OFF, OWNED) == Deallocate(None, own)
    groups = Wish(Off(timedelta(0), "deallocate"), Whose.GROUP)
    assert due({}, OWNED, group_tags=OFF) == Deallocate(None, groups)


def test_an_owner_who_gives_time_is_not_alerted_before_it_is_over() -> None:
    """The VM is marked, then nothing is due, then the deallocation: to the second."""
    assert due(LATER, OWNED) == Mark()
    assert due(LATER | MARKED, OWNED) == Nothing(SINCE)
    sooner = {Tag.COST_GUARD.value: "deallocate-after-PT5H"}
    wish = Wish(Off(timedelta(hours=5), "deallocate-after-pt5h"), Whose.VM)
    assert due(sooner | TOLD, OWNED) == Deallocate(SINCE, wish)
    assert due(sooner | MARKED, OWNED) == Deallocate(SINCE, wish, Alert(SINCE, 0))


@pytest.mark.parametrize(
    ("tags", "changes", "kept"),
    [
        (OFF, {"kept": "it is locked"}, "it is locked"),
        (OFF | {Tag.CAPTURE.value: "yes", Tag.STATUS.value: "refused"}, {}, "it has an order"),
        ({Tag.COST_GUARD.value: "deallocate-after-soon"}, {}, "of the vm is invalid"),
        ({Tag.COST_GUARD.value: "ignore, deallocate"}, {}, "of the vm is invalid"),
        ({}, {"group_tags": {Tag.COST_GUARD.value: "off"}}, "of the group is invalid"),
    ],
)
def test_what_is_kept_is_alerted_with_the_reason(
    tags: dict[str, str], changes: dict[str, Any], kept: str
) -> None:
    """It is not deallocated, by its owner's word or by the policy."""
    for policy in (OWNED, OWNED | DEALLOCATE):
        alert = due(tags | MARKED, policy, **changes)
        assert isinstance(alert, Alert)
        assert kept in (alert.kept or "")
        assert due(tags | TOLD, policy, **changes) == Nothing(SINCE)


NOTED = {Tag.DEALLOCATED_BY.value: "vm deallocate"}


@pytest.mark.parametrize(
    ("tags", "changes"),
    [
        ({}, {}),
        (OFF, {"kept": "it is locked"}),
        (OFF | {Tag.CAPTURE.value: "yes", Tag.STATUS.value: "refused"}, {}),
        ({Tag.CAPTURE.value: "yes", Tag.STATUS.value: "waiting"}, {}),
        (LATER, {}),
    ],
)
def test_a_note_of_a_deallocation_that_is_not_due_is_removed(
    tags: dict[str, str], changes: dict[str, Any]
) -> None:
    """Otherwise somebody else's deallocation would be published as ours."""
    assert due(tags | MARKED | NOTED, OWNED, **changes) == Retract()
    assert isinstance(due(OFF | MARKED | NOTED, OWNED), Deallocate)
    assert due(tags | MARKED | NOTED, OWNED, power=PowerState.DEALLOCATED) == Clear(SINCE)


def test_words_need_a_deployment_that_allows_them() -> None:
    """Without COST_GUARD_OFF_MEANS_OFF the VM is flagged, and the alert says why."""
    assert due(OFF) == Mark()
    assert due(OFF | MARKED) == Alert(SINCE, 0, "COST_GUARD_OFF_MEANS_OFF is not true")


def test_group_tags_that_cannot_be_read_protect_unless_the_vm_has_its_own_word() -> None:
    """The group may be exempt."""
    assert due(TOLD, DEALLOCATE, group_tags=None) == Nothing(SINCE)
    assert isinstance(due(OFF, OWNED, group_tags=None), Deallocate)


IGNORE = {Tag.COST_GUARD.value: "ignore"}
NONSENSE = {Tag.COST_GUARD.value: "nonsense"}


@pytest.mark.parametrize(
    ("own", "groups", "whose", "after"),
    [
        (IGNORE, OFF, Whose.VM, None),
        (OFF, IGNORE, Whose.VM, timedelta(0)),
        (LATER, OFF, Whose.VM, timedelta(hours=6)),
        ({Tag.COST_GUARD.value: "ignore-until-2026-05-04"}, OFF, Whose.GROUP, timedelta(0)),
        ({}, LATER, Whose.GROUP, timedelta(hours=6)),
        ({}, {}, Whose.POLICY, timedelta(hours=4)),
        (NONSENSE, OFF, Whose.VM, None),
        (NONSENSE, IGNORE, Whose.GROUP, None),
        ({}, NONSENSE, Whose.GROUP, None),
    ],
)
def test_the_vms_word_beats_its_groups_and_that_the_policy(
    own: dict[str, str], groups: dict[str, str], whose: Whose, after: timedelta | None
) -> None:
    """An invalid word on the VM gives way only to a group that is exempt."""
    standing = replace(STOPPED, tags=own, group_tags=groups)
    wish = wish_of(standing, settings(**DEALLOCATE), NOW)
    assert wish
    assert (wish.whose, wish.after) == (whose, after)


@pytest.mark.parametrize(
    ("changes", "kept"),
    [
        ({}, None),
        ({"ephemeral": True}, "ephemeral"),
        ({"hibernated": True}, "hibernated"),
        ({"hibernates": True}, "hibernation is enabled"),
    ],
)
def test_what_would_lose_something_is_kept(changes: dict[str, Any], kept: str | None) -> None:
    """An ephemeral OS disk and a hibernated guest do not survive a deallocation."""
    listed = ListedVm(REF, {}, **changes)
    found = why_kept(listed, frozenset())
    assert (found is None) if kept is None else (kept in (found or ""))


def test_locks_keep_what_lies_below_them() -> None:
    """On the VM, its group or subscription; not on a VM whose name begins alike."""
    listed = ListedVm(REF, {})
    assert why_kept(listed, frozenset({f"{REF.key}2/"})) is None
    for scope in (REF.key, REF.group_id.lower(), f"/subscriptions/{REF.subscription}"):
        assert why_kept(listed, frozenset({f"{scope}/"})) == "it is locked"
    assert "no permission" in (why_kept(listed, None) or "")


TAGS = st.fixed_dictionaries(
    {},
    optional={
        Tag.CAPTURE.value: st.just("yes"),
        Tag.STATUS.value: st.sampled_from(list(Status)),
        Tag.COST_GUARD.value: st.sampled_from(WORDS),
        Tag.BILLED_SINCE.value: st.sampled_from(["x", write_instant(SINCE), write_instant(NOW)]),
        Tag.BILLED_ALERTED.value: st.sampled_from(["x", write_instant(NOW - 2 * DAY)]),
    },
)
STANDINGS = st.builds(
    Standing,
    tags=TAGS,
    group_tags=st.sampled_from([None, {}, *({Tag.COST_GUARD.value: word} for word in WORDS)]),
    power=st.sampled_from(PowerState),
    provisioning=st.sampled_from([*Provisioning]),
    kept=st.sampled_from([None, "it is locked"]),
)


@given(STANDINGS, st.sampled_from([{}, FLAG, DEALLOCATE, OWNED, OWNED | DEALLOCATE]))
def test_only_what_is_stopped_settled_and_not_exempt_is_acted_on(
    standing: Standing, policy: dict[str, Any]
) -> None:
    """For any tags: no mark, alert or deallocation for any other VM; never what is kept."""
    decided = judge(standing, settings(**policy), NOW)
    if isinstance(decided, Mark | Alert | Deallocate):
        assert standing.power is PowerState.STOPPED
        assert standing.provisioning in ("Succeeded", "Failed", "Canceled")
        assert read_word(standing.tags, NOW) != Exempt()
        own = read_word(standing.tags, NOW)
        assert read_word(standing.group_tags or {}, NOW) != Exempt() or isinstance(own, Off)
        assert not is_under_way(standing.tags, NOW, ours=standing.ours)
    if isinstance(decided, Deallocate):
        allowed = "off_means_off" if decided.wish.whose is not Whose.POLICY else "guard_action"
        assert policy.get(allowed)
        assert standing.kept is None
        assert Tag.CAPTURE not in standing.tags
        assert not isinstance(read_word(standing.tags, NOW), Invalid)


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
