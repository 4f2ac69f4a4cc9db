"""The rules, row by row, and what must be true of them whatever is true of a VM."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import Phase, find, given
from hypothesis import settings as examples
from hypothesis import strategies as st

from shared.capture.decide import decide, is_pinned
from shared.capture.preflight import preflight
from shared.capture.rights import lacking
from shared.capture.targets import made_from, names, read_order
from shared.capture.tell import telling
from shared.model import memory
from shared.model.facts import (
    Definition,
    Doubt,
    Look,
    Missing,
    ObservedDisk,
    ObservedVm,
    PowerState,
    Proof,
    Refusal,
    Region,
    Unread,
    Verdict,
)
from shared.model.ids import ManagedImageRef, VersionRef, VmRef
from shared.model.instants import write_instant
from shared.model.settings import MachineId, ProofPolicy, Settings
from shared.model.steps import (
    Create,
    Deallocate,
    Decision,
    Generalize,
    Order,
    Prove,
    ReadImage,
    Rest,
    Say,
    Withdraw,
)
from shared.model.tags import SourceTag, Status, Tag
from tests.unit.any_facts import BUSY_POWER, ORDERED_TAGS, OUR_TAGS, SETTINGS, any_facts, looks
from tests.unit.making import (
    CANNOT_TELL,
    ELSEWHERE,
    GALLERY,
    GENERALIZED,
    MANAGED,
    NOT_GENERALIZED,
    NOT_READ,
    NOW,
    READS,
    REF,
    RELEASED,
    TO_GALLERY,
    TO_MANAGED,
    VERSION,
    Facts,
    ago,
    decide_fully,
    disk,
    image,
    rights,
    say,
    settings,
    vm,
)

STEPS = (Deallocate, Generalize, Create)
BUSY_PROVISIONING = ("Creating", "Updating", "Deleting", "Migrating")
FIRST, SECOND, THIRD = names(REF, GALLERY, RELEASED, None)
OWN = GALLERY.version("7.0.0")
PINNED: dict[str, str] = {
    Tag.STATUS: Status.CAPTURING,
    Tag.IMAGE: FIRST.label,
    Tag.AS_OF: write_instant(RELEASED),
}
UNTOLD: dict[str, str] = {
    **PINNED,
    Tag.STATUS: Status.CAPTURED,
    Tag.DETAIL: "it is ready",
    Tag.UNTOLD: write_instant(ago(hours=1)),
}


def decided(facts: Facts, now: datetime = NOW, **known: Any) -> Decision:  # noqa: ANN401 - fields of Settings
    """Give the decision once everything it needs has been read."""
    return decide_fully(facts, settings(**known), now)[1]


def said(decision: Decision) -> Say:
    """Give what a decision says."""
    assert isinstance(decision, Rest | Deallocate | Generalize | Create), decision
    assert decision.say is not None
    return decision.say


def ordered(**changes: Any) -> Facts:  # noqa: ANN401 - fields of ObservedVm, and tags
    """Make the facts of a VM that has an order for a gallery and these tags besides."""
    tags = {**TO_GALLERY, **changes.pop("tags", {})}
    return Facts(vm=vm(tags=tags, **changes))


def marked(**facts: Any) -> Facts:  # noqa: ANN401 - fields of Facts
    """Make the facts of a VM that is generalized and pinned."""
    return replace(ordered(generalized=True, tags=PINNED), **facts)


# --- row by row -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "known",
    [{"scopes": ("/subscriptions/other/",)}, {"subscriptions": (ELSEWHERE,)}],
)
def test_what_is_not_in_scope_is_left_alone(known: dict[str, Any]) -> None:
    """An order outside of scope or subscriptions costs nothing."""
    assert decided(ordered(), **known) == Rest()


def test_an_order_that_is_out_of_scope_now_is_taken_back() -> None:
    """If the scope was narrowed our tags are removed; a captured VM keeps them."""
    elsewhere = ("/subscriptions/other/",)
    waiting = {Tag.STATUS: Status.WAITING, Tag.IMAGE: GALLERY.label}
    assert decided(ordered(tags=waiting), scopes=elsewhere) == Withdraw()
    assert decided(ordered(tags=PINNED, generalized=True), scopes=elsewhere) == Rest()


@pytest.mark.parametrize("tags", [{}, TO_GALLERY])
@pytest.mark.parametrize("scopes", [(), ("/subscriptions/other/",)])
def test_an_order_is_of_the_app_that_answered_it(
    tags: dict[str, str], scopes: tuple[str, ...]
) -> None:
    """Another app touches nothing of it: no step, no word, and none of its words."""
    waiting = {Tag.STATUS: Status.WAITING, Tag.IMAGE: GALLERY.label, Tag.BY: "func-one"}
    facts = Facts(vm=vm(tags={**tags, **waiting}))
    assert decided(facts, app="func-two", scopes=scopes) == Rest()
    for app in ("FUNC-one", ""):
        assert decided(facts, app=app, scopes=scopes) != Rest()


def test_a_word_is_signed_and_says_where_its_images_lie() -> None:
    """Every status of an order has both; an unreadable order has no group of images."""
    for facts in (
        ordered(power=PowerState.RUNNING),
        ordered(power=PowerState.STOPPED),
        ordered(),
        ordered(generalized=True),
    ):
        say = said(decided(facts, app="func-one"))
        assert (say.by, say.image_group) == ("func-one", GALLERY.group_id)
    unread = said(decided(Facts(vm=vm(tags={Tag.CAPTURE: "nonsense"})), app="func-one"))
    assert (unread.by, unread.image_group) == ("func-one", "")


def test_a_namesake_in_another_group_is_another_image() -> None:
    """`captured` answers an order by the image's id: the same names elsewhere are made anew."""
    tags = {**PINNED, Tag.STATUS: Status.CAPTURED, Tag.IMAGE_GROUP: f"{REF.group_id}2"}
    step = decided(ordered(tags=tags, generalized=True))
    assert isinstance(step, Create)
    assert (step.ref, step.as_of) == (FIRST, RELEASED)
    here = {**tags, Tag.IMAGE_GROUP: REF.group_id.upper()}
    assert decided(ordered(tags=here, generalized=True)) == Rest()


def test_a_scope_may_be_a_single_vm() -> None:
    """Its own id as the scope takes it in."""
    assert isinstance(decided(ordered(), scopes=(f"{REF.key}/",)), Generalize)


def test_without_an_order_there_is_nothing_to_do() -> None:
    """Nothing is due on a VM without tags."""
    assert decided(Facts(vm=vm(tags={}))) == Rest()


def test_a_withdrawn_order_takes_our_tags_with_it() -> None:
    """If the order is gone but our tags are not, they are removed."""
    assert decided(Facts(vm=vm(tags=PINNED))) == Withdraw()


def test_an_order_that_cannot_be_read_is_refused() -> None:
    """Nonsense in the tag is answered on the tag."""
    say = said(decided(Facts(vm=vm(tags={Tag.CAPTURE: "nonsense"}))))
    assert (say.status, say.image, say.as_of) == (Status.REFUSED, "nonsense", None)
    assert "'nonsense' is not a valid target" in say.detail


@pytest.mark.parametrize(
    ("changes", "words"), [({"hibernated": True}, "hibernated"), ({"in_scale_set": True}, "scale")]
)
def test_what_is_never_captured(changes: dict[str, Any], words: str) -> None:
    """A hibernated VM and a scale set's member are refused, whatever else they are."""
    say = said(decided(ordered(**changes)))
    assert (say.status, say.image) == (Status.REFUSED, GALLERY.label)
    assert words in say.detail


@pytest.mark.parametrize(
    ("seen", "facts"),
    [
        ({"hibernated": True}, {}),
        ({}, {"definition": Missing.GONE}),
        ({"power": PowerState.STOPPED}, {"disk": Missing.GONE}),
        ({}, {"disk": disk(released=None)}),
        ({}, {"verdict": Refusal("Azure does not open it")}),
        ({"generalized": True}, {"verdict": Refusal("Azure does not open it")}),
    ],
)
def test_a_refusal_names_the_target_as_it_was_read(
    seen: dict[str, Any], facts: dict[str, Any]
) -> None:
    """Whatever is refused, `yes` is answered by the target that it means, whose answer it is."""
    tags = {Tag.CAPTURE: "yes", Tag.IMAGE: GALLERY.label, Tag.STATUS: Status.WAITING}
    seen_so = replace(ordered(tags=tags, **seen), **facts)
    say = said(decided(seen_so, capture_target=GALLERY.label))
    assert (say.status, say.image) == (Status.REFUSED, GALLERY.label)


@pytest.mark.parametrize(
    "facts",
    [
        {"verdict": CANNOT_TELL},
        {"verdict": Unread("no answer")},
        {"images": {names(REF, MANAGED, RELEASED, None)[0].key: Missing.DENIED}},
    ],
)
def test_a_refusal_under_a_pin_names_the_order_that_it_answers(facts: dict[str, Any]) -> None:
    """If the pinned name is an earlier order's, the answer does not use it; the instant stays."""
    tags = {**PINNED, **TO_MANAGED}
    pinned = Facts(vm=vm(tags=tags, generalized=True, security_type=None))
    say = said(decided(replace(pinned, **facts), NOW + timedelta(hours=1)))
    assert (say.status, say.image, say.as_of) == (Status.REFUSED, MANAGED.label, RELEASED)


def test_captured_stands() -> None:
    """An image that somebody deletes later is not made again: it is not even looked for."""
    tags = {**PINNED, Tag.STATUS: Status.CAPTURED}
    assert decide(ordered(generalized=True, tags=tags).look(), settings(), NOW) == Rest()


@pytest.mark.parametrize(
    ("ref", "version"),
    [(FIRST, {}), (SECOND, {}), (OWN, {Tag.VERSION: OWN.version})],
    ids=["first", "second", "own"],
)
def test_captured_is_told_with_its_image_until_the_topic_takes_it(
    ref: VersionRef, version: dict[str, str]
) -> None:
    """A late outcome is published with the image that answered the order."""
    tags = {**UNTOLD, **version, Tag.IMAGE: ref.label.upper()}
    facts = replace(ordered(generalized=True, tags=tags), images={ref.key: image(ref)})
    say = said(decided(facts))
    assert (say.status, say.of, say.as_of) == (Status.CAPTURED, image(ref), RELEASED)


@pytest.mark.parametrize("state", ["Updating", "Failed", "Deleting"])
def test_captured_is_told_whatever_its_image_has_come_to_since(state: str) -> None:
    """A finished version that is being replicated, even in vain, is not created again."""
    changed = image(FIRST, provisioning=state)
    facts = replace(ordered(generalized=True, tags=UNTOLD), images={FIRST.key: changed})
    say = said(decided(facts))
    assert (say.status, say.stuck, say.of) == (Status.CAPTURED, False, changed)
    assert_told(facts, say, settings())


@pytest.mark.parametrize(
    "tags", [{}, {Tag.IMAGE: OWN.label}], ids=["deleted", "its number is asked for no more"]
)
def test_captured_is_told_of_an_image_that_is_not_found(tags: dict[str, str]) -> None:
    """The outcome has what is on the VM's tags; the image is not created again."""
    said_before = {**UNTOLD, **tags}
    say = said(decided(ordered(generalized=True, tags=said_before)))
    assert (say.status, say.as_of, say.of) == (Status.CAPTURED, RELEASED, None)
    assert (say.image, say.detail) == (said_before[Tag.IMAGE], "it is ready")


def test_captured_stands_for_its_own_order_alone() -> None:
    """Another target, ordered later, gets its own image of the same instant."""
    tags = {**TO_MANAGED, Tag.STATUS: Status.CAPTURED, Tag.IMAGE: FIRST.label}
    tags[Tag.AS_OF] = write_instant(RELEASED)
    facts = Facts(vm=vm(tags=tags, generalized=True, security_type=None))
    step = decided(facts)
    assert isinstance(step, Create)
    assert step.ref == names(REF, MANAGED, RELEASED, None)[0]


@pytest.mark.parametrize("power", [PowerState.RUNNING, PowerState.STOPPED])
def test_captured_does_not_stand_for_a_vm_that_is_not_generalized(power: PowerState) -> None:
    """Tags copied to a VM that was created again are another VM's: its own order continues."""
    tags = {**PINNED, Tag.STATUS: Status.CAPTURED}
    assert said(decided(ordered(power=power, tags=tags))).status in {
        Status.WAITING,
        Status.DEALLOCATING,
    }


def test_an_order_given_again_finds_its_image() -> None:
    """Tags taken off and set again lead to the image that there is, an owner's number included."""
    again = vm(tags={**TO_GALLERY, Tag.VERSION: "7.0.0"}, generalized=True)
    say = said(decided(Facts(vm=again, images={OWN.key: image(OWN)})))
    assert (say.status, say.image) == (Status.CAPTURED, OWN.label)


@pytest.mark.parametrize("power", list(PowerState))
def test_a_finished_image_is_captured(power: PowerState) -> None:
    """The pinned image Succeeded: captured, whatever else the VM is."""
    facts = marked(images={FIRST.key: image(FIRST)})
    say = said(decided(replace(facts, vm=replace(facts.vm, power=power))))
    assert (say.status, say.image, say.as_of) == (Status.CAPTURED, FIRST.label, RELEASED)
    assert say.of == image(FIRST)


@pytest.mark.parametrize("state", ["Creating", "Updating", "Deleting", "Canceled", ""])
def test_an_image_in_any_other_state_is_waited_for(state: str) -> None:
    """Only Succeeded is captured and only Failed is failed."""
    facts = marked(images={FIRST.key: image(FIRST, provisioning=state)})
    say = said(decided(facts))
    assert (say.status, say.stuck, say.image) == (Status.CAPTURING, False, FIRST.label)


@pytest.mark.parametrize(
    ("target", "limit"), [(GALLERY, timedelta(hours=6)), (MANAGED, timedelta(minutes=30))]
)
def test_an_image_may_take_so_long(target: Any, limit: timedelta) -> None:  # noqa: ANN401 - a target
    """After six hours, or half an hour for a managed image, it is said to be stuck."""
    ref, *_ = names(REF, target, RELEASED, None)
    tags = {**PINNED, Tag.CAPTURE: target.label, Tag.IMAGE: ref.label}
    started = {SourceTag.STARTED.value: write_instant(NOW)}
    under_way = image(ref, provisioning="Creating", tags=started)
    facts = Facts(vm=vm(tags=tags, generalized=True), images={ref.key: under_way})
    at, after = said(decided(facts, NOW + limit)), said(decided(facts, NOW + limit * 1.01))
    assert (at.status, at.stuck) == (Status.CAPTURING, False)
    assert (after.status, after.stuck) == (Status.CAPTURING, True)
    assert "has been Creating since 2026-05-04T10:00:00.000Z, too long" in after.detail


def test_a_failed_image_is_tried_again_under_the_next_name() -> None:
    """A failed version stays and blocks its number, so that the next attempt has another."""
    failed = image(FIRST, provisioning="Failed")
    step = decided(marked(images={FIRST.key: failed}))
    assert isinstance(step, Create)
    assert (step.ref, step.say.image) == (SECOND, SECOND.label)


def test_the_third_failure_is_the_last() -> None:
    """After three failed attempts it is failed, in Azure's words, under the last name."""
    refs = (FIRST, SECOND, THIRD)
    shown = {ref.key: image(ref, provisioning="Failed", why="no capacity") for ref in refs}
    say = said(decided(marked(images=shown)))
    assert (say.status, say.image, say.as_of) == (Status.FAILED, THIRD.label, RELEASED)
    assert "could not create" in say.detail
    assert "no capacity" in say.detail


def test_azure_may_give_no_reason() -> None:
    """A failure without a message is reported as such."""
    shown = {OWN.key: image(OWN, provisioning="Failed")}
    tags = {**PINNED, Tag.VERSION: "7.0.0", Tag.IMAGE: OWN.label}
    say = said(decided(marked(vm=vm(tags={**TO_GALLERY, **tags}, generalized=True), images=shown)))
    assert say.detail == f"Azure could not create {OWN.label}: no reason given"


def test_an_owners_number_has_one_attempt() -> None:
    """A number of the owner's is never changed: its failure is the last."""
    tags = {**PINNED, Tag.VERSION: "7.0.0", Tag.IMAGE: OWN.label}
    facts = Facts(
        vm=vm(tags={**TO_GALLERY, **tags}, generalized=True),
        images={OWN.key: image(OWN, provisioning="Failed")},
    )
    assert said(decided(facts)).status is Status.FAILED


def test_a_name_that_another_vms_image_has_is_passed_over() -> None:
    """An image of another source costs a name, not the capture."""
    other = image(FIRST, source=VmRef("s", "g", "other"))
    step = decided(marked(images={FIRST.key: other}))
    assert isinstance(step, Create)
    assert step.ref == SECOND


@pytest.mark.parametrize("last", [{"provisioning": "Failed"}, {"source": None}])
def test_names_may_run_out(last: dict[str, Any]) -> None:
    """Where every name is taken it is failed, and the same is said when it is looked at again."""
    shown = {ref.key: image(ref, provisioning="Failed") for ref in (FIRST, SECOND)}
    facts = marked(images={**shown, THIRD.key: image(THIRD, **last)})
    say = said(decided(facts))
    assert say.status is Status.FAILED
    assert say.of == (None if "source" in last else facts.images[THIRD.key])
    assert_told(facts, say, settings())


def test_the_pinned_attempt_is_where_it_goes_on() -> None:
    """Attempts before the pinned name are not read again."""
    facts = ordered(generalized=True, tags={**PINNED, Tag.IMAGE: SECOND.label.upper()})
    step = decided(replace(facts, images={FIRST.key: image(FIRST)}))
    assert isinstance(step, Create)
    assert step.ref == SECOND


def test_an_image_that_may_not_be_read_is_refused_and_stays_pinned() -> None:
    """Without the right to read the image nothing is done, and its name is not lost."""
    say = said(decided(marked(images={FIRST.key: Missing.DENIED})))
    assert (say.status, say.image, say.as_of) == (Status.REFUSED, FIRST.label, RELEASED)


def test_the_source_is_told_by_the_vms_own_id() -> None:
    """An image of a VM that had the same name before is not this VM's image."""
    assert made_from(image(tags={SourceTag.VM_ID.value: vm().vm_id.upper()}), vm())
    assert not made_from(image(tags={SourceTag.VM_ID.value: "another"}), vm())
    assert made_from(image(source=VmRef(REF.subscription.upper(), "GOLDEN", "WEB-01")), vm())
    assert not made_from(image(source=None), vm())


@pytest.mark.parametrize("provisioning", BUSY_PROVISIONING)
@pytest.mark.parametrize("power", [PowerState.RUNNING, PowerState.STOPPED, PowerState.DEALLOCATED])
def test_azure_is_not_disturbed(provisioning: str, power: PowerState) -> None:
    """While Azure changes a VM nothing is read, done or said, and its stop may not show yet."""
    busy = ordered(provisioning=provisioning, power=power)
    assert decide(Look(vm=busy.vm), settings(), NOW) == Rest(unseen=True)


@pytest.mark.parametrize("power", BUSY_POWER)
def test_a_power_state_in_transition_is_waited_out(power: PowerState) -> None:
    """A stop that was announced does not show yet, unless the VM is being deallocated."""
    unseen = power is not PowerState.DEALLOCATING
    assert decide(Look(vm=vm(power=power)), settings(), NOW) == Rest(unseen=unseen)


@pytest.mark.parametrize(("minutes", "stuck"), [(29, False), (30, False), (31, True)])
def test_a_deallocation_may_take_half_an_hour(minutes: int, stuck: bool) -> None:  # noqa: FBT001
    """After that it is reported as stuck, with the time of the request."""
    tags = {Tag.STATUS: Status.DEALLOCATING, Tag.AS_OF: write_instant(ago(minutes=minutes))}
    decision = decided(ordered(power=PowerState.DEALLOCATING, tags=tags))
    assert isinstance(decision, Rest)
    assert (decision.say is not None) is stuck
    if decision.say:
        assert (decision.say.status, decision.say.stuck) == (Status.DEALLOCATING, True)


@pytest.mark.parametrize(("minutes", "stuck"), [(29, False), (31, True)])
def test_a_deallocation_is_asked_for_again(minutes: int, stuck: bool) -> None:  # noqa: FBT001
    """A VM that still reads stopped is asked again; since when stays, so that it gets stuck."""
    since = ago(minutes=minutes)
    tags = {Tag.STATUS: Status.DEALLOCATING, Tag.AS_OF: write_instant(since)}
    facts = replace(ordered(power=PowerState.STOPPED, tags=tags), disk=disk(released=ago(hours=9)))
    step = decided(facts)
    assert isinstance(step, Deallocate)
    assert (step.say.as_of, step.say.stuck) == (since, stuck)


def test_what_stands_in_the_way_is_told_while_the_vm_runs() -> None:
    """Preflight refuses a running VM, before anything is done with it."""
    say = said(decided(replace(ordered(power=PowerState.RUNNING), definition=Missing.GONE)))
    assert (say.status, say.image) == (Status.REFUSED, GALLERY.label)
    assert "image definition" in say.detail


def test_a_running_vm_is_waited_for() -> None:
    """With nothing in its way it waits; a stop that was announced does not show yet."""
    decision = decided(ordered(power=PowerState.RUNNING))
    assert isinstance(decision, Rest)
    assert decision.unseen
    assert (said(decision).status, said(decision).image) == (Status.WAITING, GALLERY.label)


@pytest.mark.parametrize(
    ("os_type", "words"),
    [("Windows", "Sysprep with /generalize /oobe /shutdown"), ("Linux", "waagent -deprovision")],
)
def test_who_waits_is_told_what_to_run(os_type: str, words: str) -> None:
    """In the tag on the VM, which is all that its owner sees, and which holds it whole."""
    facts = ordered(power=PowerState.RUNNING, os_type=os_type)
    assert isinstance(facts.definition, Definition)
    say = said(decided(replace(facts, definition=replace(facts.definition, os_type=os_type))))
    assert (say.status, words in say.detail) == (Status.WAITING, True)
    assert len(say.detail) <= 256


@pytest.mark.parametrize(("seconds", "stopped"), [(119, False), (120, True)])
def test_a_vm_that_starts_is_not_taken_for_stopped(seconds: int, stopped: bool) -> None:  # noqa: FBT001
    """A VM reads stopped for a moment while it starts: its disk changed hands just then."""
    seen = disk(released=ago(seconds=seconds))
    decision = decided(replace(ordered(power=PowerState.STOPPED), disk=seen))
    if stopped:
        assert isinstance(decision, Deallocate)
        assert said(decision).status is Status.DEALLOCATING
    else:
        assert decision == Rest(unseen=True)


def test_an_answered_order_is_deallocated_without_asking_again() -> None:
    """What passed preflight while it ran needs its disk alone before it is deallocated."""
    tags = {Tag.STATUS: Status.WAITING, Tag.IMAGE: GALLERY.label.upper()}
    facts = ordered(power=PowerState.STOPPED, tags=tags)
    look, step = decide_fully(facts, settings())
    assert isinstance(step, Deallocate)
    assert (look.rights, look.definition) == (None, None)


@pytest.mark.parametrize(
    "tags",
    [
        {},
        {Tag.STATUS: Status.REFUSED, Tag.IMAGE: GALLERY.label},
        {Tag.STATUS: Status.WAITING, Tag.IMAGE: "managed-image"},
    ],
)
def test_a_stopped_vm_without_an_answer_is_asked_about_first(tags: dict[str, str]) -> None:
    """An order that has not passed preflight, or another one's answer, deallocates nothing."""
    facts = replace(ordered(power=PowerState.STOPPED, tags=tags), definition=Missing.GONE)
    assert said(decided(facts)).status is Status.REFUSED


@pytest.mark.parametrize("status", [Status.WAITING, Status.REFUSED])
def test_a_deallocation_begins_when_it_is_asked_for(status: Status) -> None:
    """An instant of another status is not the time of the request, so it is not stuck at once."""
    tags = {Tag.STATUS: status, Tag.AS_OF: write_instant(ago(days=1)), Tag.IMAGE: GALLERY.label}
    step = decided(ordered(power=PowerState.STOPPED, tags=tags))
    assert isinstance(step, Deallocate)
    assert (step.say.as_of, step.say.stuck) == (NOW, False)


@pytest.mark.parametrize("power", [PowerState.RUNNING, PowerState.STOPPED])
def test_an_instant_may_still_come_until_the_vm_is_deallocated(power: PowerState) -> None:
    """A disk that never changed hands has none; deallocation gives it one."""
    look = replace(ordered(power=power), disk=disk(released=None))
    assert said(decided(look)).status in (Status.WAITING, Status.DEALLOCATING)
    free = replace(look, vm=replace(look.vm, power=PowerState.DEALLOCATED))
    assert said(decided(free)).status is Status.REFUSED


@pytest.mark.parametrize("seen", [Missing.GONE, Missing.DENIED])
def test_an_answered_order_still_needs_its_disk(seen: Any) -> None:  # noqa: ANN401 - a disk or none
    """Without the disk nothing is deallocated."""
    tags = {Tag.STATUS: Status.WAITING, Tag.IMAGE: GALLERY.label}
    say = said(decided(replace(ordered(power=PowerState.STOPPED, tags=tags), disk=seen)))
    assert say.status is Status.REFUSED


def test_open_access_is_waited_for() -> None:
    """Access of others is not closed; the time since when it waits is kept."""
    since = ago(hours=1)
    tags = {Tag.STATUS: Status.DEALLOCATING, Tag.AS_OF: write_instant(since)}
    facts = replace(ordered(tags=tags), disk=disk(access_open=True))
    say = said(decided(facts))
    assert (say.status, say.as_of) == (Status.DEALLOCATING, since)
    assert said(decided(replace(facts, vm=ordered().vm))).as_of == NOW


def test_open_access_does_not_unpin_a_name() -> None:
    """A marked VM keeps its image's name while others read its disk, though that moves its instant.

    Another worker may be making the image of that name.
    """
    assert decided(marked(disk=disk(access_open=True))) == Rest()
    step = decided(marked(disk=disk(released=ago(minutes=3))))
    assert isinstance(step, Create)
    assert (step.ref, step.as_of) == (FIRST, RELEASED)


@pytest.mark.parametrize("generalized", [False, True])
@pytest.mark.parametrize(("seconds", "again"), [(599, True), (600, False)])
def test_access_that_may_be_ours_brings_the_event_again(
    seconds: int,
    again: bool,  # noqa: FBT001 - a row of a table
    generalized: bool,  # noqa: FBT001 - a row of a table
) -> None:
    """A look of ours that broke off has closed the disk in ten minutes; a backup takes its time."""
    status = Status.CAPTURING if generalized else Status.DEALLOCATING
    tags = {Tag.STATUS: status, Tag.AS_OF: write_instant(ago(seconds=seconds))}
    facts = ordered(generalized=generalized, tags=tags)
    decision = decided(replace(facts, disk=disk(access_open=True)))
    assert isinstance(decision, Rest)
    assert (decision.again is not None) is again
    assert (decision.say is None) is generalized


@pytest.mark.parametrize(
    ("seconds", "again", "stuck"),
    [(599, True, False), (600, False, False), (1800, False, False), (1801, False, True)],
)
def test_a_disk_out_of_reach_is_tried_soon_then_by_sweeps_then_it_is_stuck(
    seconds: int,
    again: bool,  # noqa: FBT001 - a row of a table
    stuck: bool,  # noqa: FBT001 - a row of a table
) -> None:
    """For ten minutes its event is redelivered; after half an hour the detail says since when."""
    since = ago(seconds=seconds)
    tags = {Tag.STATUS: Status.DEALLOCATING, Tag.AS_OF: write_instant(since)}
    decision = decided(replace(ordered(tags=tags), verdict=Unread("no answer")))
    assert isinstance(decision, Rest)
    assert decision.again == ("no answer" if again else None)
    say = said(decision)
    assert (say.status, say.image, say.as_of) == (Status.DEALLOCATING, GALLERY.label, since)
    assert (say.stuck, write_instant(since) in say.detail) == (stuck, stuck)
    when = f" since {write_instant(since)}" if stuck else ""
    assert say.detail.startswith(f"its OS disk cannot be read{when}: no answer; let the app reach ")


def test_a_disk_out_of_reach_waits_from_now_on_where_nothing_says_since_when() -> None:
    """The first look that does not reach it begins the half hour."""
    decision = decided(replace(ordered(), verdict=Unread("no answer")))
    assert isinstance(decision, Rest)
    assert decision.again == "no answer"
    assert (said(decision).as_of, said(decision).stuck) == (NOW, False)


@pytest.mark.parametrize(
    ("seconds", "again", "refused"),
    [(599, True, False), (600, False, False), (1800, False, False), (1801, False, True)],
)
def test_a_disk_out_of_reach_does_not_unpin_a_name(
    seconds: int,
    again: bool,  # noqa: FBT001 - a row of a table
    refused: bool,  # noqa: FBT001 - a row of a table
) -> None:
    """A marked VM says nothing new for half an hour, then a refusal, which keeps the pin."""
    as_of = ago(seconds=seconds)
    pinned, *_ = names(REF, GALLERY, as_of, None)
    tags = {**PINNED, Tag.IMAGE: pinned.label, Tag.AS_OF: write_instant(as_of)}
    facts = ordered(generalized=True, tags=tags)
    decision = decided(replace(facts, verdict=Unread("no answer")))
    assert isinstance(decision, Rest)
    assert decision.again == ("no answer" if again else None)
    assert (decision.say is not None) is refused
    if decision.say:
        assert decision.say.status is Status.REFUSED
        assert (decision.say.image, decision.say.as_of) == (pinned.label, as_of)
        assert "let the app reach *.blob.storage.azure.net" in decision.say.detail


def test_a_pin_holds_on_a_generalized_vm_alone() -> None:
    """A VM that may still run is named after its last release, whatever its tags say of another."""
    tags = {**PINNED, Tag.AS_OF: write_instant(ago(days=1))}
    say = said(decided(ordered(tags=tags)))
    assert (say.status, say.as_of) == (Status.CAPTURING, RELEASED)
    running = replace(ordered(power=PowerState.RUNNING, tags=PINNED), images={FIRST.key: image()})
    assert said(decided(running)).status is Status.WAITING
    say = said(decided(replace(running, rights=rights("*/read"))))
    assert (say.status, say.as_of, say.image) == (Status.REFUSED, None, GALLERY.label)


@pytest.mark.parametrize(
    ("changes", "stands"),
    [
        ({}, True),
        ({Tag.IMAGE: FIRST.label.upper(), Tag.IMAGE_GROUP: GALLERY.group_id.upper()}, True),
        ({Tag.IMAGE: SECOND.label}, False),
        ({Tag.IMAGE: ""}, False),
        ({Tag.IMAGE_GROUP: f"{GALLERY.group_id}2"}, False),
        ({Tag.IMAGE_GROUP: ""}, False),
        ({Tag.AS_OF: write_instant(ago(days=1))}, False),
        ({Tag.AS_OF: ""}, False),
        ({Tag.STATUS: Status.NOT_GENERALIZED}, False),
    ],
)
def test_a_name_is_pinned_once_all_that_it_is_made_of_is_written(
    changes: dict[str, str],
    stands: bool,  # noqa: FBT001 - a row of a table
) -> None:
    """Image, resource group and instant; in any case, but nothing else in their place."""
    wanted = say(image=FIRST.label, as_of=RELEASED, image_group=GALLERY.group_id)
    tags = {**PINNED, Tag.IMAGE_GROUP: GALLERY.group_id, **changes}
    assert is_pinned(vm(tags=tags, generalized=True), wanted) is stands
    assert not is_pinned(vm(tags=tags), wanted)


@pytest.mark.parametrize("status", list(Status))
def test_the_word_tells_whether_an_instant_is_a_pin(status: Status) -> None:
    """An image under way, done, failed or refused has pinned it; the other words' is of a wait."""
    pins = {Status.CAPTURING, Status.CAPTURED, Status.FAILED, Status.REFUSED}
    tags = {**TO_MANAGED, Tag.STATUS: status, Tag.AS_OF: write_instant(ago(days=1))}
    step = decided(Facts(vm=vm(tags=tags, generalized=True, security_type=None)))
    assert isinstance(step, Create)
    assert step.as_of == (ago(days=1) if status in pins else RELEASED)


def test_a_pinned_vm_whose_disk_cannot_tell_keeps_its_pin() -> None:
    """After generalize a disk that cannot be read is refused, not final: the name stays pinned."""
    say = said(decided(marked(verdict=Verdict(Proof.CANNOT_TELL, "no way in"))))
    assert (say.status, say.as_of, say.image) == (Status.REFUSED, RELEASED, FIRST.label)


def test_a_pinned_vm_whose_disk_says_no_is_not_generalized() -> None:
    """What the disk itself denies is final, pinned or not."""
    say = said(decided(marked(verdict=NOT_GENERALIZED)))
    assert (say.status, say.as_of) == (Status.NOT_GENERALIZED, RELEASED)


@pytest.mark.parametrize("provisioning", ["Succeeded", "failed", "Failed", "Canceled"])
def test_what_ended_badly_is_settled_too(provisioning: str) -> None:
    """An extension that failed, or an update that was canceled, does not keep an order waiting."""
    assert isinstance(decided(ordered(provisioning=provisioning)), Generalize)


def test_a_state_of_provisioning_that_nobody_knows_is_busy() -> None:
    """Only a state known as settled is acted on; an empty or new value is waited for."""
    for provisioning in ("", "Reticulating"):
        assert decided(ordered(provisioning=provisioning)) == Rest(unseen=True)


def test_a_negative_verdict_stands_for_its_instant() -> None:
    """A disk that was read and said no is not read again until the VM has run."""
    tags = {
        Tag.STATUS: Status.NOT_GENERALIZED,
        Tag.AS_OF: write_instant(RELEASED),
        Tag.DETAIL: "Sysprep failed",
    }
    facts = ordered(tags=tags)
    look, decision = decide_fully(facts, settings())
    assert look.verdict is None
    assert (said(decision).status, said(decision).detail) == (
        Status.NOT_GENERALIZED,
        "Sysprep failed",
    )
    later = replace(facts, disk=disk(released=RELEASED + timedelta(seconds=1)))
    assert isinstance(decided(later), Generalize)


@pytest.mark.parametrize(
    ("verdict", "policy", "goes_on"),
    [
        (GENERALIZED, ProofPolicy.REQUIRED, True),
        (GENERALIZED, ProofPolicy.WHEN_READABLE, True),
        (NOT_GENERALIZED, ProofPolicy.REQUIRED, False),
        (NOT_GENERALIZED, ProofPolicy.WHEN_READABLE, False),
        (NOT_GENERALIZED, ProofPolicy.OFF, True),
        (CANNOT_TELL, ProofPolicy.REQUIRED, False),
        (CANNOT_TELL, ProofPolicy.WHEN_READABLE, True),
        (CANNOT_TELL, ProofPolicy.OFF, True),
        (Verdict(Proof.NOT_READ, ""), ProofPolicy.REQUIRED, False),
        (Verdict(Proof.NOT_READ, ""), ProofPolicy.WHEN_READABLE, False),
    ],
)
def test_what_the_disk_says_counts_as_the_policy_wants(
    verdict: Verdict,
    policy: ProofPolicy,
    goes_on: bool,  # noqa: FBT001 - a row of a table
) -> None:
    """Each verdict under each policy leads to generalize or to not-generalized."""
    decision = decided(replace(ordered(), verdict=verdict), proof=policy)
    assert isinstance(decision, Generalize) is goes_on
    if not goes_on:
        say = said(decision)
        assert (say.status, say.detail) == (Status.NOT_GENERALIZED, verdict.why)
        assert (say.as_of, say.proof) == (RELEASED, verdict.proof)


DOUBTED = replace(GENERALIZED, warnings={Doubt.MACHINE_ID: "one id", Doubt.USER: "ada stays"})


@pytest.mark.parametrize(
    ("verdict", "machine_id", "captured"),
    [
        (DOUBTED, MachineId.WARN, True),
        (DOUBTED, MachineId.REQUIRED, False),
        (replace(DOUBTED, warnings={Doubt.USER: "ada stays"}), MachineId.REQUIRED, True),
        (GENERALIZED, MachineId.REQUIRED, True),
    ],
)
def test_a_machines_id_is_a_warning_unless_it_must_be_gone(
    verdict: Verdict,
    machine_id: MachineId,
    captured: bool,  # noqa: FBT001 - a row of a table
) -> None:
    """By the operator's setting alone; other warnings never stop a capture."""
    decision = decided(replace(ordered(), verdict=verdict), machine_id=machine_id)
    if captured:
        assert isinstance(decision, Generalize)
        return
    say = said(decision)
    assert (say.status, say.detail, say.proof) == (Status.NOT_GENERALIZED, "one id", verdict.proof)


def test_a_no_says_all_that_was_seen() -> None:
    """Warnings are beside the reason, because there is no image to carry them."""
    doubted = replace(NOT_GENERALIZED, warnings={Doubt.VOLUME: "partition 4 cannot be read"})
    say = said(decided(replace(ordered(), verdict=doubted)))
    assert say.detail == f"{NOT_GENERALIZED.why}; partition 4 cannot be read"


@pytest.mark.parametrize("policy", list(ProofPolicy))
def test_a_disk_that_azure_does_not_open_says_nothing(policy: ProofPolicy) -> None:
    """It is refused where proof is required, not remembered as a no; else the image says why."""
    closed = Refusal("its policy forbids it")
    facts = replace(ordered(generalized=True), verdict=closed)
    decision = decided(facts, proof=policy)
    if policy is ProofPolicy.REQUIRED:
        assert (said(decision).status, said(decision).detail) == (Status.REFUSED, closed.why)
        return
    assert isinstance(decision, Create)
    not_asked = policy is ProofPolicy.OFF
    unread = Verdict(Proof.NOT_READ, "PROOF is off")
    assert decision.verdict == (unread if not_asked else Verdict(Proof.CANNOT_TELL, closed.why))


def test_preflight_is_asked_again_right_before_generalize() -> None:
    """What the tags say was answered while the VM ran does not count once it is deallocated."""
    tags = {Tag.STATUS: Status.WAITING, Tag.IMAGE: GALLERY.label}
    say = said(decided(replace(ordered(tags=tags), rights=rights("*/read"))))
    assert say.status is Status.REFUSED


def test_a_no_holds_for_the_instant_that_was_read() -> None:
    """It holds for the disk's instant after reading, and is read once."""
    facts = replace(ordered(), verdict=NOT_GENERALIZED, disk=disk(released=ago(seconds=5)))
    say = said(decided(facts))
    assert say.as_of == ago(seconds=5)
    assert decide_fully(told(facts, say), settings())[0].verdict is None


def test_without_proof_an_old_no_does_not_stand() -> None:
    """With `PROOF=off` every disk counts as generalized, also after a negative verdict."""
    tags = {Tag.STATUS: Status.NOT_GENERALIZED, Tag.AS_OF: write_instant(RELEASED)}
    assert isinstance(decided(ordered(tags=tags), proof=ProofPolicy.OFF), Generalize)


@pytest.mark.parametrize(
    ("proof", "policy", "stands"),
    [
        (Proof.CANNOT_TELL, ProofPolicy.REQUIRED, True),
        (Proof.CANNOT_TELL, ProofPolicy.WHEN_READABLE, False),
        (Proof.NOT_GENERALIZED, ProofPolicy.WHEN_READABLE, True),
        ("nonsense", ProofPolicy.WHEN_READABLE, True),
    ],
)
def test_an_old_no_stands_as_far_as_the_policy_would_say_it_again(
    proof: str,
    policy: ProofPolicy,
    stands: bool,  # noqa: FBT001 - a row of a table
) -> None:
    """`cannot-tell` is read again if the policy now allows it; a plain negative verdict is not."""
    as_of = write_instant(RELEASED)
    tags = {Tag.STATUS: Status.NOT_GENERALIZED, Tag.AS_OF: as_of, Tag.PROOF: proof}
    look, decision = decide_fully(ordered(tags=tags), settings(proof=policy))
    assert (look.verdict is None) is stands
    assert isinstance(decision, Rest if stands else Generalize)


@pytest.mark.parametrize("machine_id", list(MachineId))
def test_an_old_no_to_a_machines_id_stands_as_long_as_it_must_be_gone(
    machine_id: MachineId,
) -> None:
    """The disk itself was generalized; with another setting it is read again."""
    as_of = write_instant(RELEASED)
    tags = {Tag.STATUS: Status.NOT_GENERALIZED, Tag.AS_OF: as_of, Tag.PROOF: Proof.GENERALIZED}
    look, decision = decide_fully(ordered(tags=tags), settings(machine_id=machine_id))
    stands = machine_id is MachineId.REQUIRED
    assert (look.verdict is None) is stands
    assert isinstance(decision, Rest if stands else Generalize)


def test_without_proof_the_disk_is_not_read() -> None:
    """With `PROOF=off` the disk is not opened, and the image says so."""
    look, step = decide_fully(ordered(generalized=True), settings(proof=ProofPolicy.OFF))
    assert look.verdict is None
    assert isinstance(step, Create)
    assert step.verdict.proof is Proof.NOT_READ


def test_a_vm_that_was_marked_and_is_not_generalized_is_told_so() -> None:
    """If somebody marked a VM whose disk is not generalized, that is reported once."""
    facts = replace(ordered(generalized=True), verdict=NOT_GENERALIZED)
    say = said(decided(facts))
    assert say.detail == (
        "it is marked generalized, so it cannot start again; Sysprep failed: 0x80073cf2"
    )
    assert_told(facts, say, settings())


def test_the_name_is_pinned_before_generalize() -> None:
    """Generalize says the image's name and instant, which are written before it is done."""
    say = said(decided(ordered()))
    assert (say.status, say.image, say.as_of) == (Status.CAPTURING, VERSION.label, RELEASED)


@pytest.mark.parametrize("regions", [(), (Region("northeurope", 2, "Standard_ZRS"),)])
def test_a_marked_vm_becomes_a_gallery_version(regions: tuple[Region, ...]) -> None:
    """The version gets the target regions of the definition's newest version."""
    step = decided(marked(regions=regions))
    assert isinstance(step, Create)
    assert (step.ref, step.as_of, step.verdict) == (FIRST, RELEASED, GENERALIZED)
    assert (step.regions, step.generation, step.order) == (regions, "V2", Order(GALLERY))


def test_a_marked_vm_becomes_a_managed_image() -> None:
    """A managed image needs no regions, and is named after the pinned instant."""
    tags = {**PINNED, **TO_MANAGED, Tag.AS_OF: write_instant(ago(days=1))}
    facts = Facts(vm=vm(tags=tags, generalized=True, security_type=None))
    look, step = decide_fully(facts, settings())
    assert isinstance(step, Create)
    assert look.regions is None
    assert isinstance(step.ref, ManagedImageRef)
    assert step.ref.name == "web-01-20260503-100000000"


def test_a_vm_that_others_generalized_is_captured_too() -> None:
    """The tag set late, on a VM marked by hand: its disk is asked, then it is captured."""
    assert isinstance(decided(ordered(generalized=True)), Create)
    unread = replace(ordered(generalized=True).look(), verdict=None)
    assert isinstance(decide(unread, settings(), NOW), Prove)


# --- whatever is true -------------------------------------------------------------------------


@given(looks(OUR_TAGS), SETTINGS)
def test_a_vm_without_an_order_is_never_touched(look: Look, known: Settings) -> None:
    """Without the tag nothing is read, done or said; our own tags may go."""
    ours = {Tag.STATUS, Tag.DETAIL, Tag.IMAGE, Tag.AS_OF} & set(look.vm.tags)
    assert decide(look, known, NOW) == (Withdraw() if ours else Rest())


@given(looks(), SETTINGS)
def test_an_order_elsewhere_is_never_touched(look: Look, known: Settings) -> None:
    """Outside of `CAPTURE_SCOPE` and of the subscriptions watched nothing is read, done or said."""
    unscoped = replace(known, scopes=(f"{REF.group_id}2/".lower(),))
    unwatched = replace(known, subscriptions=(ELSEWHERE,))
    assert decide(look, unscoped, NOW) in (Rest(), Withdraw())
    assert decide(look, unwatched, NOW) == Rest()


@given(looks(), SETTINGS)
def test_nothing_is_started_while_azure_is_busy(look: Look, known: Settings) -> None:
    """No step while provisioning or power are in transition, or disk access is open."""
    opened = isinstance(look.disk, ObservedDisk) and look.disk.access_open
    busy = look.vm.provisioning.title() in BUSY_PROVISIONING or look.vm.power in BUSY_POWER
    if busy or (opened and look.vm.power is not PowerState.STOPPED):
        assert not isinstance(decide(look, known, NOW), STEPS)


@given(any_facts(), SETTINGS)
@examples(max_examples=400)
def test_what_cannot_be_undone_rests_on_what_was_read(facts: Facts, known: Settings) -> None:
    """Generalize and Create: each condition holds and was read in this look, whatever tags say."""
    look, decision = decide_fully(facts, known)
    if not isinstance(decision, Generalize | Create):
        return
    order = read_order(look.vm.tags, known, look.vm.ref, NOW)
    assert isinstance(order, Order)
    assert look.vm.generalized is isinstance(decision, Create)
    assert look.vm.power is PowerState.DEALLOCATED
    assert not any((look.vm.hibernated, look.vm.in_scale_set))
    assert_proven(look, known)
    assert preflight(look, order, known.proof) is None
    assert look.rights is not None
    assert lacking(look.rights, order.target) == []
    assert any(
        look.images.get(ref.key) is Missing.GONE and ref.label == decision.say.image
        for ref in names(REF, order.target, decision.say.as_of or NOW, order.version)
    )


@given(any_facts(), SETTINGS)
@examples(max_examples=200)
def test_nothing_is_decided_on_less(facts: Facts, known: Settings) -> None:
    """A step that cannot be undone is not taken while one of its facts is missing."""
    look, decision = decide_fully(facts, known)
    if not isinstance(decision, Generalize | Create):
        return
    for fact in ("disk", "data_disks", "definition", "regions", "rights", "verdict"):
        if getattr(look, fact) is not None:
            less: dict[str, Any] = {fact: None}
            assert isinstance(decide(replace(look, **less), known, NOW), READS)
    assert isinstance(decide(replace(look, images={}), known, NOW), ReadImage)


@given(any_facts(), st.sampled_from([NOT_GENERALIZED, CANNOT_TELL, NOT_READ]))
@examples(max_examples=200)
def test_no_tag_makes_a_yes_of_a_no(facts: Facts, verdict: Verdict) -> None:
    """Where proof is required and the disk does not give it, no tags lead to a mark or an image."""
    decision = decide_fully(replace(facts, verdict=verdict), settings())[1]
    assert not isinstance(decision, Generalize | Create)


@pytest.mark.parametrize("kind", [*STEPS, Withdraw, *Status])
def test_the_properties_here_speak_of_every_case(kind: Any) -> None:  # noqa: ANN401 - a type or word
    """Among the facts drawn there are some for each step and each word."""

    def shows(case: tuple[Facts, Settings]) -> bool:
        decision = decide_fully(*case)[1]
        if isinstance(kind, Status):
            return (
                isinstance(decision, Rest) and bool(decision.say) and said(decision).status is kind
            )
        return isinstance(decision, kind)

    cases = st.tuples(any_facts(OUR_TAGS if kind is Withdraw else ORDERED_TAGS), SETTINGS)
    find(cases, shows, settings=examples(phases=[Phase.generate], max_examples=500, database=None))


@given(looks(), SETTINGS)
def test_only_a_vm_that_is_stopped_is_deallocated(look: Look, known: Settings) -> None:
    """Deallocate is decided for a settled VM that has been stopped for two minutes."""
    decision = decide(look, known, NOW)
    if isinstance(decision, Deallocate):
        assert look.vm.power is PowerState.STOPPED
        assert isinstance(look.disk, ObservedDisk)
        assert look.disk.released is not None
        assert NOW - look.disk.released >= timedelta(minutes=2)


@given(any_facts(), SETTINGS)
@examples(max_examples=300)
def test_the_rules_ask_once_and_come_to_an_end(facts: Facts, known: Settings) -> None:
    """They never ask for a fact twice, and soon return a step."""
    decide_fully(facts, known)


@given(any_facts(), SETTINGS)
@examples(max_examples=300)
def test_what_is_said_is_said_once(facts: Facts, known: Settings) -> None:
    """With the status on the VM, the next look gives the same status and nothing is written."""
    decision = decide_fully(facts, known)[1]
    if isinstance(decision, Rest) and decision.say:
        assert_told(facts, decision.say, known)


@given(any_facts(), SETTINGS)
@examples(max_examples=300)
def test_from_any_state_it_comes_to_rest(facts: Facts, known: Settings) -> None:
    """Each step brings the next, each is taken once, and then there is none."""
    taken = []
    while isinstance(decision := decide_fully(facts, known)[1], STEPS):
        taken.append(type(decision))
        facts = after(facts, decision)
    assert taken in ([], *(sequence[n:] for n in range(3) for sequence in ENDINGS))


ENDINGS = ([Deallocate, Generalize, Create], [Deallocate, Create], [Deallocate])


def after(facts: Facts, step: Decision) -> Facts:
    """Give the facts as Azure shows them after a step that was told and taken."""
    facts = told(facts, said(step))
    match step:
        case Deallocate():
            stopped = replace(facts.vm, power=PowerState.DEALLOCATED)
            return replace(facts, vm=stopped, disk=replace_disk(facts, released=NOW))
        case Generalize():
            return replace(facts, vm=replace(facts.vm, generalized=True))
        case Create():
            made = image(step.ref, provisioning="Creating")
            return replace(facts, images={**facts.images, step.ref.key: made})
        case _:
            pytest.fail(f"{step} is no step")


def replace_disk(facts: Facts, **changes: Any) -> ObservedDisk:  # noqa: ANN401 - fields of ObservedDisk
    """Give the disk with changes."""
    assert isinstance(facts.disk, ObservedDisk)
    return replace(facts.disk, **changes)


def told(facts: Facts, say: Say) -> Facts:
    """Return the facts with the status in the VM's tags."""
    return replace(facts, vm=tagged(facts.vm, say))


def tagged(seen: ObservedVm, say: Say) -> ObservedVm:
    """Return the VM with the status in its tags."""
    news = telling(seen, say, NOW)
    if news is None:
        return seen
    return memory.after(memory.after(seen, news.before), news.after)


def assert_told(facts: Facts, say: Say, known: Settings) -> None:
    """Fail unless the same status is due again, and is not news."""
    again = decide_fully(told(facts, say), known)[1]
    assert isinstance(again, Rest)
    if say.status is Status.CAPTURED and again.say is None:
        return
    assert again.say is not None
    assert again.say.status is say.status
    assert telling(tagged(facts.vm, say), again.say, NOW) is None


def assert_proven(look: Look, known: Settings) -> None:
    """Fail unless the verdict of this look permits what cannot be undone."""
    if known.proof is ProofPolicy.OFF:
        return
    assert look.verdict is not None
    if isinstance(look.verdict, Refusal):
        assert known.proof is ProofPolicy.WHEN_READABLE
        return
    assert isinstance(look.verdict, Verdict)
    permitted = {Proof.GENERALIZED}
    if known.proof is ProofPolicy.WHEN_READABLE:
        permitted.add(Proof.CANNOT_TELL)
    assert look.verdict.proof in permitted
