"""Status tags and outcome events, without repetitions."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.capture.tell import (
    Telling,
    image_outcome,
    last_words,
    pin,
    telling,
    unanswerable,
    withdrawal,
)
from shared.model.facts import ObservedImage, ObservedVm, Proof
from shared.model.ids import VersionRef, VmRef
from shared.model.instants import write_instant
from shared.model.memory import after
from shared.model.outcomes import OutcomeType, event_id
from shared.model.steps import Say
from shared.model.tags import ORDER_TAGS, SourceTag, Status, Tag, Words
from shared.model.text import VALUE_LIMIT, cut
from tests.unit.making import (
    GALLERY,
    NOW,
    REF,
    RELEASED,
    TO_GALLERY,
    VERSION,
    ago,
    disk,
    image,
    say,
    vm,
)

CAPTURED = say(status=Status.CAPTURED, detail="ready", of=image())
STATUSES = st.builds(
    say,
    status=st.sampled_from(Status),
    detail=st.text(),
    image=st.text(),
    as_of=st.sampled_from([None, RELEASED]),
    stuck=st.booleans(),
)
TAGS = st.dictionaries(
    st.sampled_from([*map(str, Tag), "cost-center", ""]), st.text(max_size=20), max_size=8
)


def news(what: Say, seen: ObservedVm | None = None) -> Telling:
    """Return what is written and published for a VM without status tags."""
    told = telling(seen or vm(), what, NOW)
    assert told is not None
    return told


def event(what: Say, **changes: Any) -> Any:  # noqa: ANN401 - fields of ObservedVm; an outcome
    """Return the outcome event of a status."""
    outcome = news(what, vm(**changes)).outcome
    assert outcome is not None
    return outcome


def tagged(seen: ObservedVm, told: Telling) -> ObservedVm:
    """Give the VM with the words of a telling that has come to its end."""
    return after(after(seen, told.before), told.after)


def test_what_is_said_is_in_the_tags() -> None:
    """Status, detail, image and instant are in their tags."""
    assert news(say()).before.tags == {
        "stillframe-status": "capturing",
        "stillframe-detail": "on its way",
        "stillframe-image": VERSION.label,
        "stillframe-as-of": write_instant(RELEASED),
    }


def test_only_what_changes_is_written() -> None:
    """A tag that says it already is not written again."""
    first = news(say())
    again = news(say(detail="nearly there"), tagged(vm(), first))
    assert again.before == Words({"stillframe-detail": "nearly there"}, {})


def test_an_instant_that_holds_no_longer_goes() -> None:
    """A tag that the new status does not have is removed."""
    tags = {**TO_GALLERY, Tag.AS_OF.value: "2026"}
    told = news(say(as_of=None), vm(tags=tags))
    assert told.before.removed == {"stillframe-as-of": "2026"}
    assert "stillframe-as-of" not in told.before.tags


def test_to_take_a_tag_away_is_no_event() -> None:
    """Where nothing new is said there is nothing to publish."""
    waiting = say(status=Status.REFUSED, as_of=None)
    seen = tagged(vm(), news(waiting))
    told = news(waiting, replace(seen, tags={**seen.tags, Tag.AS_OF.value: "2026"}))
    assert (told.before.tags, told.outcome) == ({}, None)


def test_to_take_a_tag_away_beside_a_refusal_with_other_ids_is_no_event() -> None:
    """Azure's message with a new request id is not news, although a tag is removed."""
    first = say(status=Status.REFUSED, detail=REFUSED_ONE, as_of=None)
    seen = after(tagged(vm(), news(first)), Words({Tag.AS_OF.value: "2026"}, {}))
    told = telling(seen, replace(first, detail=REFUSED_OTHER), NOW)
    assert told == Telling(Words({}, {Tag.AS_OF.value: "2026"}))


@given(TAGS, STATUSES)
def test_what_is_told_is_told_once(tags: dict[str, str], what: Say) -> None:
    """With the telling on the VM, whatever it had before, there is nothing to tell."""
    seen = vm(tags=tags)
    told = telling(seen, what, NOW)
    if told is not None:
        assert telling(tagged(seen, told), what, NOW + timedelta(days=1)) is None


@given(TAGS, STATUSES)
def test_peoples_tags_are_theirs(tags: dict[str, str], what: Say) -> None:
    """Only our own tags are ever written or taken away, and values fit Azure's limit."""
    ours = {str(name) for name in ORDER_TAGS}
    seen = vm(tags=tags)
    told = telling(seen, what, NOW)
    for words in (told.before, told.after) if told else (withdrawal(seen),):
        assert {*words.tags, *words.removed} <= ours
        assert all(len(value) <= 256 for value in words.tags.values())
        assert all(seen.tags[name] == value for name, value in words.removed.items())
        seen = after(seen, words)


def test_a_withdrawn_order_leaves_nothing_of_ours() -> None:
    """A withdrawal removes all our tags, also for an unpublished outcome, and writes none."""
    seen = after(vm(), news(say(status=Status.REFUSED)).before)
    assert Tag.UNTOLD in seen.tags
    words = withdrawal(seen)
    assert after(seen, words).tags == TO_GALLERY
    assert words.tags == {}


REFUSED_ONE = (
    "Azure refused to create: QuotaExceeded: request 11111111-2222-4333-8444-555555555555 at "
    "2026-01-02T03:04:05.678Z was over the quota of Images"
)
REFUSED_OTHER = REFUSED_ONE.replace("1111", "abcd").replace("03:04", "04:59")


@pytest.mark.parametrize(
    ("again", "is_news"),
    [
        (REFUSED_OTHER, False),
        (REFUSED_ONE.replace("Images", "Galleries"), True),
    ],
)
def test_the_same_refusal_with_other_ids_is_no_news(again: str, *, is_news: bool) -> None:
    """Azure's ids and times differ in each message; only other text is published again."""
    first = say(status=Status.REFUSED, detail=REFUSED_ONE)
    seen = tagged(vm(), news(first))
    told = telling(seen, replace(first, detail=again), NOW)
    assert (told is not None) is is_news


@given(st.text(max_size=600))
def test_a_detail_is_one_line_that_fits(text: str) -> None:
    """UTF-16 units are counted, as Azure does; cutting a cut text changes nothing."""
    line = cut(text)
    assert len(line.encode("utf-16-le", "surrogatepass")) // 2 <= VALUE_LIMIT
    assert not line or line.isprintable()
    assert line.splitlines() in ([], [line])
    assert cut(line) == line


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ""),
        (" \t\n ", ""),
        ("one\r\n  two\u2028three", "one two three"),
        ("x" * 256, "x" * 256),
        ("x" * 257, "x" * 255 + "…"),
        ("💾" * 300, "💾" * 127 + "…"),
        ("a\x1b[31mb\u202ec\u2066d\x00e", "a [31mb c d e"),
        ("é" * 256, "é" * 256),
    ],
)
def test_a_long_text_ends_in_an_ellipsis(text: str, expected: str) -> None:
    """What fits stays whole, what does not is cut and shows it."""
    assert cut(text) == expected


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (Status.WAITING, None),
        (Status.DEALLOCATING, None),
        (Status.CAPTURING, None),
        (Status.CAPTURED, OutcomeType.CAPTURED),
        (Status.REFUSED, OutcomeType.REFUSED),
        (Status.NOT_GENERALIZED, OutcomeType.FAILED),
        (Status.FAILED, OutcomeType.FAILED),
    ],
)
def test_what_ends_a_story_is_published(status: Status, kind: OutcomeType | None) -> None:
    """A status in progress is only on the VM; a final one is an event with it as reason."""
    outcome = news(say(status=status)).outcome
    assert (outcome and outcome.type) == kind
    assert outcome is None or outcome.data["reason"] == status.value


@pytest.mark.parametrize("status", [Status.CAPTURING, Status.DEALLOCATING])
def test_what_is_stuck_is_published(status: Status) -> None:
    """A step that takes too long is a failure whose reason is that it is stuck."""
    outcome = event(say(status=status, stuck=True))
    assert (outcome.type, outcome.data["reason"]) == ("Stillframe.CaptureFailed", "stuck")


def test_an_outcome_says_whose_and_what() -> None:
    """A captured event has the VM, the image, the proof and the time line."""
    tags = {
        SourceTag.PROOF.value: "generalized",
        SourceTag.PROOF_DETAIL.value: "the disk says so",
        SourceTag.PROOF_WARNINGS.value: "azureuser stays in the image",
        SourceTag.STARTED.value: "2026-05-04T09:50:00Z",
    }
    outcome = event(replace(CAPTURED, of=image(tags=tags)))
    assert (outcome.source, outcome.subject, outcome.time) == (REF.id, "web-01", NOW)
    assert outcome.data == {
        "vm": {"id": REF.id, "vmId": vm().vm_id, "location": "westeurope"},
        "reason": "captured",
        "detail": "ready",
        "image": {"id": VERSION.id, "label": VERSION.label},
        "asOf": write_instant(RELEASED),
        "proof": "generalized",
        "proofDetail": "the disk says so",
        "proofWarnings": "azureuser stays in the image",
        "timeline": {
            "released": write_instant(RELEASED),
            "started": "2026-05-04T09:50:00Z",
            "told": write_instant(NOW),
        },
    }


def test_what_the_disk_said_is_whole_in_the_event() -> None:
    """A tag holds a line of it; the event has all of Sysprep's words, and the verdict."""
    why = "Sysprep failed: " + "\n".join(f"line {n} of its log" for n in range(40))
    no = say(status=Status.NOT_GENERALIZED, detail=why, proof=Proof.NOT_GENERALIZED)
    told = telling(vm(), no, NOW)
    assert told is not None
    assert told.outcome is not None
    assert len(told.before.tags[Tag.DETAIL]) <= VALUE_LIMIT < len(why)
    assert told.outcome.data["detail"] == told.outcome.data["proofDetail"] == why
    assert told.outcome.data["proof"] == "not-generalized"


def test_an_outcome_without_an_image_names_what_was_asked_for() -> None:
    """A refusal has no image and no instant: it names the target."""
    outcome = event(say(status=Status.REFUSED, image="gallery/windows", as_of=None))
    assert outcome.data["image"] == {"label": "gallery/windows"}
    assert (outcome.data["asOf"], outcome.data["proof"]) == (None, None)
    assert outcome.data["timeline"] == {"told": write_instant(NOW)}


def test_the_whole_detail_is_in_the_event() -> None:
    """A detail that is cut in the tag is complete in the event."""
    assert event(say(status=Status.FAILED, detail="x" * 999)).data["detail"] == "x" * 999


def test_one_event_told_twice_has_one_id() -> None:
    """An id derives from what happened, not from when, or in what case, it was looked at."""
    first = telling(vm(), CAPTURED, ago(hours=1))
    shouted = VmRef(REF.subscription, "GOLDEN", "WEB-01")
    version = VersionRef(REF.subscription, "GOLDEN", "gallery", "windows", VERSION.version)
    assert first is not None
    assert first.outcome is not None
    again = event(replace(CAPTURED, of=image(version)), ref=shouted)
    assert again.id == first.outcome.id


def test_an_id_stays_through_an_update() -> None:
    """An event published before an update and again after it has the same id."""
    swept = event_id(OutcomeType.SWEPT, "golden", "2026-05-04T10:00:00+00:00")
    assert swept == "cb644778-b890-5b4d-b538-2bd9bb35b135"
    billed, over = OutcomeType.STILL_BILLED, OutcomeType.NO_LONGER_BILLED
    assert event_id(billed, REF.key) != event_id(over, REF.key)


@pytest.mark.parametrize(
    "other",
    [
        replace(CAPTURED, status=Status.FAILED),
        replace(CAPTURED, stuck=True),
        replace(CAPTURED, of=None),
        replace(CAPTURED, of=image(GALLERY.version("1.0.0"))),
        replace(CAPTURED, of=image(tags={SourceTag.STARTED.value: "2026-05-04T09:50:00Z"})),
    ],
)
def test_two_events_have_two_ids(other: Say) -> None:
    """Another end, another image, or one made later under the same name, is another event."""
    assert event(other).id != event(CAPTURED).id


def test_an_image_is_one_event_whoever_tells_of_it() -> None:
    """Its VM in other words, or the image itself once its VM is gone: the id is the same."""
    tags = {SourceTag.VM_ID.value: vm().vm_id.upper(), SourceTag.AS_OF.value: "2026"}
    alone = image_outcome(image(tags=tags), REF, NOW)
    assert alone
    assert alone.id == event(replace(CAPTURED, detail="in other words", of=image(tags=tags))).id


@given(TAGS, STATUSES, st.sampled_from([None, image()]))
def test_a_telling_that_breaks_off_is_gone_on_with(
    tags: dict[str, str], what: Say, of: ObservedImage | None
) -> None:
    """Broken off between two steps, the next look publishes the same event, under the same id."""
    what, seen = replace(what, of=of), vm(tags=tags)
    told = telling(seen, what, NOW)
    if told is None or told.outcome is None:
        return
    again = telling(after(seen, told.before), what, NOW + timedelta(hours=1))
    assert again
    assert again.outcome
    assert again.outcome.id == told.outcome.id
    assert telling(tagged(seen, told), what, NOW) is None


@given(STATUSES, st.sampled_from([None, image()]))
def test_what_the_topic_refuses_is_told_later(what: Say, of: ObservedImage | None) -> None:
    """The status is written, and a tag that it is unpublished; later it is published once."""
    what = replace(what, of=of)
    told = telling(vm(), what, NOW)
    assert told
    if told.outcome is None:
        return
    seen = after(after(vm(), told.before), told.refused)
    assert Tag.UNTOLD in seen.tags
    assert seen.tags[Tag.STATUS] == what.status
    again = telling(seen, what, NOW + timedelta(days=1))
    assert again
    assert again.outcome
    assert again.before == again.refused == Words()
    assert again.outcome.id == told.outcome.id
    assert telling(tagged(seen, again), what, NOW) is None


def test_the_same_refusal_on_another_day_is_another_event() -> None:
    """Fixed, and refused again: consumers that know the first event's id get the second."""
    no = say(status=Status.REFUSED, as_of=None)
    seen = tagged(vm(), news(no))
    seen = tagged(seen, news(say(status=Status.WAITING, as_of=None), seen))
    later = telling(seen, no, NOW + timedelta(days=2))
    assert later
    assert later.outcome
    assert later.outcome.id != event(no).id


def test_what_cannot_be_noted_is_known_by_what_it_says() -> None:
    """If no tag can be written each look has the same outcome, except for Azure's ids."""
    first = event(say(status=Status.REFUSED, detail=REFUSED_ONE))
    later = telling(vm(), say(status=Status.REFUSED, detail=REFUSED_OTHER), NOW + timedelta(days=1))
    assert later
    assert later.outcome
    assert later.outcome.unnoted().id == first.unnoted().id != first.id
    other = event(say(status=Status.REFUSED, detail="it is hibernated"))
    assert other.unnoted().id != first.unnoted().id


def test_two_vms_have_two_ids() -> None:
    """The same outcome of another VM, or of a VM made again, is another event."""
    ids = {
        event(CAPTURED).id,
        event(CAPTURED, ref=replace(REF, name="web-02")).id,
        event(CAPTURED, vm_id="made again").id,
    }
    assert len(ids) == 3


@pytest.mark.parametrize(
    ("provisioning", "kind", "reason"),
    [
        ("Succeeded", OutcomeType.CAPTURED, "captured"),
        ("Failed", OutcomeType.FAILED, "failed"),
    ],
)
def test_the_image_of_a_vm_that_is_gone_tells_the_end(
    provisioning: str, kind: OutcomeType, reason: str
) -> None:
    """Its own tags say whose it was, as of when and on what proof."""
    tags = {
        SourceTag.VM_ID.value: "0f0e",
        SourceTag.AS_OF.value: write_instant(RELEASED),
        SourceTag.PROOF.value: "generalized",
        SourceTag.PROOF_DETAIL.value: "the disk says so",
    }
    outcome = image_outcome(image(provisioning=provisioning, tags=tags), REF, NOW)
    assert outcome is not None
    assert (outcome.type, outcome.data["reason"]) == (kind, reason)
    assert outcome.data == {
        "vm": {"id": REF.id, "vmId": "0f0e", "gone": True},
        "reason": reason,
        "image": {"id": VERSION.id, "label": VERSION.label},
        "asOf": write_instant(RELEASED),
        "proof": "generalized",
        "proofDetail": "the disk says so",
        "proofWarnings": None,
        "detail": "the VM was deleted",
    }


@pytest.mark.parametrize("tag", [SourceTag.VM_ID, SourceTag.AS_OF])
def test_an_image_of_somebody_else_tells_nothing(tag: SourceTag) -> None:
    """Only what bears our tags was an order's; others keep their images in the same group."""
    ours = {SourceTag.VM_ID.value: "0f0e", SourceTag.AS_OF.value: write_instant(RELEASED)}
    assert image_outcome(image(provisioning="Succeeded", tags=ours), REF, NOW)
    theirs = {name: value for name, value in ours.items() if name != tag}
    assert image_outcome(image(provisioning="Succeeded", tags=theirs), REF, NOW) is None


@pytest.mark.parametrize("provisioning", ["Creating", "Updating", "Deleting", ""])
def test_an_image_under_way_ends_nothing(provisioning: str) -> None:
    """Before it is finished an image of a VM that is gone tells nothing."""
    ours = {SourceTag.VM_ID.value: "0f0e", SourceTag.AS_OF.value: write_instant(RELEASED)}
    assert image_outcome(image(provisioning=provisioning, tags=ours), REF, NOW) is None


def test_the_same_words_under_another_status_are_news() -> None:
    """Ids and times are ignored only if nothing but the detail differs."""
    first = say(status=Status.REFUSED, as_of=None)
    told = telling(tagged(vm(), news(first)), replace(first, status=Status.FAILED), NOW)
    assert told is not None
    assert told.outcome is not None


def test_ids_in_capitals_are_no_news() -> None:
    """Azure writes an id in any case."""
    first = say(status=Status.REFUSED, detail="request abcdabcd-2222-4333-8444-555555555555 failed")
    again = replace(first, detail="request 9999CDEF-2222-4333-8444-55555555FFFF failed")
    assert telling(tagged(vm(), news(first)), again, NOW) is None


def test_a_time_that_was_cut_is_no_news() -> None:
    """A longer fraction of a second may be cut where a shorter one is not."""
    long, short = "2026-01-02T03:04:05.678123Z", "2026-01-02T05:00:00Z"
    first = say(status=Status.REFUSED, detail=f"{'x' * 230} {long}")
    seen = tagged(vm(), news(first))
    assert seen.tags[Tag.DETAIL].endswith("05.6781…")
    assert telling(seen, replace(first, detail=f"{'x' * 230} {short}"), NOW) is None


def test_a_pin_is_whose_it_is_and_what_is_said_and_billed() -> None:
    """Before generalize the OS disk takes the VM's name and id, the words, and the bill's marks."""
    billed = {Tag.BILLED_SINCE.value: write_instant(ago(days=1))}
    others = {Tag.STATUS.value: "waiting", Tag.UNTOLD.value: "2026", "team": "images"}
    seen = vm(tags={**TO_GALLERY, **billed, **others})
    written = {
        SourceTag.GROUP.value: REF.group,
        SourceTag.VM.value: REF.name,
        SourceTag.VM_ID.value: seen.vm_id,
        **billed,
        **news(say()).before.tags,
    }
    assert pin(seen, disk(), say()) == Words(written, {})
    assert Tag.BILLED_SINCE not in pin(vm(tags=TO_GALLERY), disk(), say()).tags


def test_a_pin_takes_the_place_of_anothers_words() -> None:
    """Tags of another VM on the disk are replaced or removed; people's tags are kept."""
    theirs = {Tag.STATUS.value: "refused", Tag.BILLED_SINCE.value: "2026", "team": "images"}
    right = {Tag.IMAGE.value: VERSION.label}
    words = pin(vm(), disk(tags={**theirs, **right}), say())
    assert words.removed == {Tag.BILLED_SINCE.value: "2026"}
    assert words.tags[Tag.STATUS] == "capturing"
    assert not words.tags.keys() & {Tag.IMAGE, "team"}


def test_the_last_words_say_where_to_read_on() -> None:
    """A generalized VM takes no more tags, so it says as the last which disk does."""
    last = last_words(say(), "/subscriptions/s/resourceGroups/g/providers/x/disks/web-01_OsDisk")
    assert last.detail.endswith("is now on its OS disk, web-01_OsDisk")
    assert replace(last, detail=say().detail) == say()


def test_the_names_of_the_events_are_a_promise() -> None:
    """Subscriptions filter by them."""
    assert [kind.value for kind in OutcomeType] == [
        "Stillframe.ImageCaptured",
        "Stillframe.CaptureRefused",
        "Stillframe.CaptureFailed",
        "Stillframe.VmStillBilled",
        "Stillframe.VmNoLongerBilled",
        "Stillframe.VmDeallocated",
        "Stillframe.CostGuardDigest",
        "Stillframe.SweepCompleted",
    ]


def test_an_images_end_is_published_first_and_noted_then() -> None:
    """Its id derives from the image, which is then noted; a stuck image has not ended."""
    told = news(CAPTURED)
    assert (told.before, told.of) == (Words(), image())
    assert told.after.tags[Tag.STATUS] == "captured"
    again = telling(after(vm(), told.refused), CAPTURED, NOW)
    assert again is not None
    assert again.of == image()
    assert news(replace(CAPTURED, stuck=True)).of is None


def test_a_note_goes_with_what_it_was_of() -> None:
    """If the status has no outcome nothing is left to publish; a stale note is removed."""
    word, left = say(status=Status.WAITING, as_of=None), {Tag.UNTOLD.value: "2026"}
    seen = after(tagged(vm(), news(word)), Words(left, {}))
    assert telling(seen, word, NOW) == Telling(Words({}, left))
    no, stale = say(status=Status.REFUSED, as_of=None), {Tag.AS_OF.value: "2026"}
    told = news(no, after(tagged(vm(), news(no)), Words({**left, **stale}, {})))
    assert (told.before, told.after) == (Words({}, stale), Words({}, left))


def test_a_vm_that_takes_no_tag_is_refused() -> None:
    """The order cannot be answered on it; the event says why."""
    no = unanswerable(say(), "it is locked")
    assert (no.status, no.as_of, no.image) == (Status.REFUSED, None, VERSION.label)
    assert no.detail.endswith("it is locked")


def test_an_image_is_told_of_once() -> None:
    """The note on it outlives its VM."""
    ours = {SourceTag.VM_ID.value: "0f0e", SourceTag.AS_OF.value: write_instant(RELEASED)}
    told = {**ours, SourceTag.TOLD.value: write_instant(NOW)}
    assert image_outcome(image(tags=told), REF, NOW) is None


def test_what_the_disk_said_is_a_tag_of_its_own() -> None:
    """It is written with its status, and removed with it."""
    no = say(status=Status.NOT_GENERALIZED, proof=Proof.NOT_GENERALIZED)
    seen = after(vm(), news(no).before)
    assert seen.tags[Tag.PROOF] == "not-generalized"
    assert Tag.PROOF in news(say(), seen).before.removed


def test_an_image_that_is_stuck_and_then_fails_is_two_events() -> None:
    """Of one type and one image; the reason tells them apart."""
    failed = replace(CAPTURED, status=Status.FAILED)
    assert event(failed).id != event(replace(failed, stuck=True)).id


def test_what_cannot_be_noted_is_told_apart_by_vm_and_reason() -> None:
    """The same words of another VM, or as another end, are another event."""
    no = say(status=Status.FAILED, detail="no capacity")
    ids = {
        event(no).unnoted().id,
        event(no, ref=VmRef(REF.subscription, REF.group, "web-02")).unnoted().id,
        event(replace(no, status=Status.NOT_GENERALIZED)).unnoted().id,
    }
    assert len(ids) == 3
