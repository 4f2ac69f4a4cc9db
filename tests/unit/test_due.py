"""Which VMs the sweep must visit, decided from the lists alone."""

from collections import Counter
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import assume, given
from hypothesis import settings as examples

from shared.capture.targets import read_target
from shared.capture.tell import telling
from shared.model.facts import ListedVm, PowerState, Refusal
from shared.model.ids import VmRef
from shared.model.instants import write_instant
from shared.model.memory import after
from shared.model.settings import Settings
from shared.model.steps import Rest
from shared.model.tags import Status, Tag
from shared.sweep.due import look_is_due
from tests.unit.any_facts import SETTINGS, any_facts
from tests.unit.making import (
    GALLERY,
    NOW,
    REF,
    TO_GALLERY,
    VERSION,
    Facts,
    ago,
    decide_fully,
    settings,
)

SWEEP = timedelta(minutes=5)
AN_HOUR = [NOW + SWEEP * n for n in range(12)]


def due(
    power: PowerState = PowerState.RUNNING, *, since: datetime | None = None, **tags: str
) -> bool:
    """Whether an order for the gallery with such tags is due a look."""
    told = {getattr(Tag, name.upper()).value: value for name, value in tags.items()}
    listed = ListedVm(REF, {**TO_GALLERY, **told}, power)
    return look_is_due(listed, settings(), since or ago(minutes=5), NOW)


def test_a_vm_without_tags_of_ours_is_never_due() -> None:
    """What does not concern us costs the lists alone."""
    assert not look_is_due(ListedVm(REF, {"cost-center": "7"}), settings(), ago(hours=2), NOW)


def test_a_withdrawn_order_is_due() -> None:
    """Where our tags are left without an order somebody must take them away."""
    tags = {Tag.DETAIL.value: "left"}
    assert look_is_due(ListedVm(REF, tags), settings(), ago(minutes=5), NOW)


def test_an_order_out_of_scope_is_due_until_our_words_are_gone() -> None:
    """Outside of scope an order costs nothing, nor does a VM that was captured before."""
    known = settings(scopes=("/subscriptions/other/",))
    assert not look_is_due(ListedVm(REF, TO_GALLERY), known, ago(hours=2), NOW)
    waiting = ListedVm(REF, {**TO_GALLERY, Tag.STATUS.value: "waiting"})
    assert look_is_due(waiting, known, NOW, NOW)
    assert not look_is_due(replace(waiting, generalized=True), known, ago(hours=2), NOW)


@pytest.mark.parametrize("tags", [{}, TO_GALLERY])
def test_an_order_of_another_app_is_never_due(tags: dict[str, str]) -> None:
    """Its status is left alone, with an order and without."""
    theirs = ListedVm(REF, {**tags, Tag.STATUS.value: "waiting", Tag.BY.value: "func-one"})
    assert look_is_due(theirs, settings(app="func-one"), NOW, NOW)
    assert not look_is_due(theirs, settings(app="func-two"), ago(hours=2), NOW)


@pytest.mark.parametrize("status", ["waiting", "refused", "captured"])
def test_an_answer_that_nobody_signed_is_due_until_it_is_signed(status: str) -> None:
    """The name was removed to hand the order over; a captured VM needs no new name."""
    tags = {**TO_GALLERY, Tag.STATUS.value: status, Tag.IMAGE.value: VERSION.label}
    power = PowerState.RUNNING if status == "waiting" else PowerState.DEALLOCATED
    listed = ListedVm(REF, tags, power, generalized=status == "captured")
    due_to = {app: look_is_due(listed, settings(app=app), NOW, NOW) for app in ("", "func-one")}
    assert due_to == {"": False, "func-one": status != "captured"}
    signed = replace(listed, tags={**tags, Tag.BY.value: "func-one"})
    assert not look_is_due(signed, settings(app="func-one"), NOW, NOW)


def test_an_answer_for_a_namesake_in_another_group_is_none() -> None:
    """An order is answered by the id of where its image goes."""
    tags = {**TO_GALLERY, Tag.STATUS.value: "captured", Tag.IMAGE.value: VERSION.label}
    for group, looks in ((GALLERY.group_id, False), (f"{GALLERY.group_id}2", True)):
        listed = ListedVm(REF, {**tags, Tag.IMAGE_GROUP.value: group}, PowerState.DEALLOCATED)
        assert look_is_due(listed, settings(), NOW, NOW) is looks


def test_a_scope_may_be_a_single_vm() -> None:
    """Its own id as the scope takes it in, and no VM whose name begins alike."""
    known = settings(scopes=(f"{REF.key}/",))
    beside = VmRef(REF.subscription, REF.group, REF.name + "0")
    looks = [look_is_due(ListedVm(one, TO_GALLERY), known, NOW, NOW) for one in (REF, beside)]
    assert looks == [True, False]


def test_an_order_without_an_answer_is_due() -> None:
    """A new order, and one whose answer speaks of another target, are due while the VM runs."""
    assert due()
    assert due(status="waiting")
    assert due(status="waiting", image="managed-image")
    assert due(image=GALLERY.label)
    assert due(status="captured", image=GALLERY.label)
    assert due(status="captured", image="other/windows/1.0.0")


@pytest.mark.parametrize("power", list(PowerState))
def test_an_order_that_waits_is_due_once_its_vm_stops(power: PowerState) -> None:
    """A VM that runs and is answered costs nothing; in any other state its events were lost."""
    waiting = due(power, status="waiting", image=GALLERY.label.upper())
    assert waiting is (power is not PowerState.RUNNING)


@pytest.mark.parametrize("power", list(PowerState))
def test_what_is_captured_is_due_only_if_it_runs(power: PowerState) -> None:
    """A captured VM never runs; one that runs is another VM with copied tags."""
    again = due(power, status="captured", image=VERSION.label)
    assert again is (power is PowerState.RUNNING)


def test_captured_without_an_image_is_no_answer() -> None:
    """The status alone, with only the order's target as image, was not written by Stillframe."""
    assert due(PowerState.DEALLOCATED, status="captured", image=GALLERY.label)


@pytest.mark.parametrize("power", list(PowerState))
def test_what_was_not_generalized_is_due_once_it_runs_again(power: PowerState) -> None:
    """A disk that said no is asked again only when the VM has been started."""
    again = due(power, status="not-generalized", image=GALLERY.label)
    assert again is (power is not PowerState.DEALLOCATED)


@pytest.mark.parametrize("status", ["deallocating", "capturing", "nonsense"])
def test_what_is_under_way_is_due(status: str) -> None:
    """What has begun and not ended is looked at by every sweep, and so is a word not ours."""
    label = VERSION.label if status == "capturing" else GALLERY.label
    assert due(status=status, image=label)


@pytest.mark.parametrize(
    ("age", "expected"),
    [
        (timedelta(0), False),
        (timedelta(minutes=9, seconds=59), False),
        (timedelta(minutes=10), True),
    ],
)
def test_an_image_has_its_time(age: timedelta, expected: bool) -> None:  # noqa: FBT001
    """No image is finished so soon after its VM was released; from then on each sweep looks."""
    as_of = write_instant(NOW - age)
    assert due(status="capturing", image=VERSION.label, as_of=as_of) is expected


@pytest.mark.parametrize("status", ["refused", "failed", "not-generalized"])
def test_what_was_refused_is_due_once_an_hour(status: str) -> None:
    """Of twelve sweeps in an hour one looks; after a longer pause the first one does."""
    tags = {**TO_GALLERY, Tag.STATUS.value: status, Tag.IMAGE.value: GALLERY.label}
    listed = ListedVm(REF, tags, PowerState.DEALLOCATED)
    assert sum(look_is_due(listed, settings(), at - SWEEP, at) for at in AN_HOUR) == 1
    assert look_is_due(listed, settings(), ago(hours=1), NOW)


def test_what_was_refused_is_due_an_hour_later_to_the_second() -> None:
    """Its minute of the hour is its own and stays, however long it is refused."""
    tags = {**TO_GALLERY, Tag.STATUS.value: "refused", Tag.IMAGE.value: GALLERY.label}
    listed = ListedVm(REF, tags, PowerState.DEALLOCATED)
    seconds = [NOW + timedelta(seconds=n) for n in range(2 * 3600)]
    first, second = [
        at for at in seconds if look_is_due(listed, settings(), at - timedelta(seconds=1), at)
    ]
    assert second - first == timedelta(hours=1)


def test_refused_orders_are_spread_over_the_hour() -> None:
    """Many refused orders are not visited all at once."""
    tags = {**TO_GALLERY, Tag.STATUS.value: "refused", Tag.IMAGE.value: GALLERY.label}
    fleet = [ListedVm(VmRef("s", "g", f"vm{n}"), tags) for n in range(240)]
    looks = Counter(
        at for at in AN_HOUR for vm in fleet if look_is_due(vm, settings(), at - SWEEP, at)
    )
    assert len(looks) == 12
    assert max(looks.values()) < 60


def test_an_unreadable_order_is_answered_in_its_own_words() -> None:
    """Nonsense is answered once; other nonsense in its place, or a target that is set, is new."""
    why = read_target("nonsense", settings(), REF)
    assert isinstance(why, Refusal)
    just_now = ago(seconds=1)

    def again(capture: str, status: str) -> bool:
        return due(since=just_now, capture=capture, status=status, detail=why.why, image="nonsense")

    assert not again("nonsense", "refused")
    assert again("rubbish", "refused")
    assert again("nonsense", "waiting")


@pytest.mark.parametrize(
    ("power", "minutes", "looks"),
    [
        (PowerState.DEALLOCATED, 1, False),
        (PowerState.DEALLOCATED, 5, True),
        (PowerState.DEALLOCATED, -1, True),
        (PowerState.STOPPED, 1, True),
    ],
)
def test_a_vm_just_deallocated_is_left_to_its_event(
    power: PowerState,
    minutes: float,
    looks: bool,  # noqa: FBT001 - a row of a table
) -> None:
    """Its disk is probably being read; a stopped VM, or a longer wait, is visited."""
    tags = {
        **TO_GALLERY,
        Tag.STATUS.value: "deallocating",
        Tag.IMAGE.value: GALLERY.label,
        Tag.AS_OF.value: write_instant(ago(minutes=minutes)),
    }
    assert look_is_due(ListedVm(REF, tags, power), settings(), ago(minutes=5), NOW) is looks


@pytest.mark.parametrize(
    ("age", "looks"), [(0, False), (60, False), (61, True), (3599, True), (3600, False)]
)
def test_what_is_not_told_yet_is_tried_for_an_hour_and_then_hourly(
    age: int,
    looks: bool,  # noqa: FBT001 - a row of a table
) -> None:
    """For a minute the look that noted it is likely telling it; then each sweep does."""
    noted = write_instant(ago(seconds=age))
    tags = {"status": "captured", "image": VERSION.label, "untold": noted}
    assert due(PowerState.DEALLOCATED, since=NOW, **tags) is looks
    assert due(PowerState.DEALLOCATED, since=ago(hours=1), **tags)


@pytest.mark.parametrize(
    ("age", "looks"),
    [(-1, True), (0, False), (299, False), (300, True), (7199, True), (7200, False)],
)
def test_a_disk_that_could_not_be_read_is_tried_for_two_hours_and_then_hourly(
    age: int,
    looks: bool,  # noqa: FBT001 - a row of a table
) -> None:
    """Its first minutes are its event's; a future instant, or none, does not prevent a visit."""
    tags = {"status": "deallocating", "image": GALLERY.label}
    since = write_instant(ago(seconds=age))
    assert due(PowerState.DEALLOCATED, since=NOW, as_of=since, **tags) is looks
    assert due(PowerState.DEALLOCATED, since=ago(hours=1), as_of=write_instant(ago(days=1)), **tags)
    assert due(PowerState.DEALLOCATED, since=NOW, **tags)


@given(any_facts(), SETTINGS)
@examples(max_examples=300)
def test_a_sweep_of_what_is_at_rest_costs_the_lists_alone(facts: Facts, known: Settings) -> None:
    """Once its answer is in the tags, what waits for people is looked at hourly at most."""
    assume(not (facts.vm.generalized and facts.vm.power is PowerState.RUNNING))  # it never runs
    decision = decide_fully(facts, known)[1]
    if not isinstance(decision, Rest) or decision.say is None:
        return
    told = telling(facts.vm, decision.say, NOW)
    ended = after(after(facts.vm, told.before), told.after) if told else facts.vm
    tags = ended.tags
    at_rest = {Status.WAITING, Status.CAPTURED}
    listed = ListedVm(REF, tags, facts.vm.power)
    if decision.say.status in at_rest:
        assert not look_is_due(listed, known, ago(hours=2), NOW)
    hourly = {Status.REFUSED, Status.FAILED, Status.NOT_GENERALIZED}
    if decision.say.status in hourly and facts.vm.power is PowerState.DEALLOCATED:
        assert sum(look_is_due(listed, known, at - SWEEP, at) for at in AN_HOUR) == 1
