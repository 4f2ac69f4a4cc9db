"""The spine: one visit of one VM, with a fake of Azure: its steps, their order, its tags."""

import json
import time
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from shared.capture.tell import last_words, pin, telling
from shared.model.errors import Refused, Transient
from shared.model.facts import Look, Missing, ObservedVm, PowerState, Refusal
from shared.model.ids import VmRef
from shared.model.instants import read_instant, write_instant
from shared.model.outcomes import OutcomeType
from shared.model.settings import ProofPolicy
from shared.model.steps import Generalize
from shared.model.tags import SourceTag, Status, Tag
from shared.reconcile import reconcile, reconcile_image
from shared.visit import Report, Visit
from tests.unit.fake_cloud import FakeCloud
from tests.unit.making import (
    CANNOT_TELL,
    DISKS,
    ELSEWHERE,
    GALLERY,
    NOT_GENERALIZED,
    NOW,
    REF,
    RELEASED,
    TO_GALLERY,
    VERSION,
    Facts,
    decide_fully,
    disk,
    image,
    rights,
    settings,
    vm,
)

BUSY = Transient("409 Conflict: another operation is in progress")
NO = Refused("ScopeLocked", "the scope is locked", 409)
DISK = f"{DISKS}/os"
ANSWERED = {Tag.STATUS.value: Status.WAITING.value}


def waiting() -> ObservedVm:
    """Make a running VM whose order is answered, as its tags say."""
    detail = (
        "ready; run Sysprep with /generalize /oobe /shutdown; the capture then starts automatically"
    )
    tags = {Tag.STATUS: Status.WAITING, Tag.DETAIL: detail, Tag.IMAGE: GALLERY.label}
    tags[Tag.IMAGE_GROUP] = GALLERY.group_id
    return vm(power=PowerState.RUNNING, tags={**TO_GALLERY, **tags})


def visited(cloud: FakeCloud, **seen: Any) -> Report:  # noqa: ANN401 - fields of ObservedVm
    """Visit a VM that Azure shows like this."""
    cloud.facts = Facts(vm=vm(**seen))
    return reconcile(cloud, REF, NOW)


def writes(cloud: FakeCloud) -> list[str]:
    """Return the names of the writes."""
    return [name for name, _ in cloud.calls]


def test_a_report_is_a_line_of_json() -> None:
    """Queries read these names from the log; non-ASCII characters are not escaped."""
    report = Report(
        vm=REF,
        seen="PowerState/deallocated",
        status=Status.CAPTURING,
        image=VERSION.label,
        as_of=RELEASED,
        by="func-one",
        steps=("generalize", "create"),
        untold="gesperrt für Tags",
    )
    line = report.line("0a0b")
    assert json.loads(line) == {
        "event": "0a0b",
        "vm": REF.id,
        "seen": "PowerState/deallocated",
        "status": "capturing",
        "image": VERSION.label,
        "asOf": write_instant(RELEASED),
        "by": "func-one",
        "steps": ["generalize", "create"],
        "bill": "nothing",
        "untold": "gesperrt für Tags",
    }
    assert "für" in line
    bare = json.loads(Report(vm=REF, seen="gone").line())
    assert (bare["event"], bare["status"], bare["asOf"], bare["steps"]) == (None, None, None, [])


@pytest.mark.parametrize(("seconds", "waits"), [(599, True), (600, False)])
def test_an_announced_stop_is_waited_for_ten_minutes(seconds: int, *, waits: bool) -> None:
    """A VM that still reads running is delivered again soon, and later left to the sweep."""
    cloud = FakeCloud(Facts(vm=waiting()))
    stopping = NOW - timedelta(seconds=seconds)
    if waits:
        with pytest.raises(Transient, match="should have stopped"):
            reconcile(cloud, REF, NOW, stopping=stopping)
    else:
        report = reconcile(cloud, REF, NOW, stopping=stopping)
        assert (report.status, report.image) == (Status.WAITING, GALLERY.label)
    assert reconcile(cloud, REF, NOW).again is None


@pytest.mark.parametrize(
    ("said", "status"), [("capturing", Status.CAPTURING), ("nonsense", None), ("", None)]
)
def test_where_there_is_nothing_to_say_the_report_has_the_tags(
    said: str, status: Status | None
) -> None:
    """A VM that Azure is busy with keeps its tags, and its report gives them."""
    tags = {Tag.STATUS: said, Tag.IMAGE: VERSION.label, Tag.AS_OF: write_instant(RELEASED)}
    cloud = FakeCloud()
    report = visited(cloud, provisioning="Updating", tags={**TO_GALLERY, **tags})
    assert (report.status, report.image, report.as_of) == (status, VERSION.label, RELEASED)
    assert cloud.calls == []


def test_a_stopped_vm_is_told_so_and_deallocated() -> None:
    """Its first word is written before the step that follows from it."""
    cloud = FakeCloud()
    report = visited(cloud, power=PowerState.STOPPED)
    assert cloud.calls == [("write", REF.id), ("deallocate", REF.id)]
    assert (report.steps, report.status) == (("deallocate",), Status.DEALLOCATING)


def test_a_generalized_disk_becomes_an_image_in_one_visit() -> None:
    """It is proved, named on its disk, generalized, and the image is started: in this order."""
    cloud = FakeCloud()
    report = visited(cloud)
    assert cloud.calls == [
        ("write", REF.id),
        ("prove", REF.id),
        ("write", DISK),
        ("write", REF.id),
        ("generalize", REF.id),
        ("create", VERSION.id),
    ]
    assert (report.steps, report.status) == (("generalize", "create"), Status.CAPTURING)
    assert report.as_of == RELEASED


@pytest.mark.parametrize("verdict", [NOT_GENERALIZED, CANNOT_TELL, Refusal("denied")])
def test_nothing_is_generalized_without_a_proof(verdict: Any) -> None:  # noqa: ANN401
    """Whatever else the disk says, or Azure says of it, the VM can be started again."""
    cloud = FakeCloud(Facts(verdict=verdict))
    report = reconcile(cloud, REF, NOW)
    assert not {"generalize", "create"} & set(writes(cloud))
    assert report.status in (Status.NOT_GENERALIZED, Status.REFUSED)
    assert cloud.published


@pytest.mark.parametrize("power", [PowerState.STOPPED, PowerState.DEALLOCATED])
def test_nothing_is_begun_on_a_vm_that_takes_no_tags(power: PowerState) -> None:
    """There would be no place for a status; the order is refused, by the event alone."""
    cloud = FakeCloud(raises={"write": NO})
    report = visited(cloud, power=power)
    assert writes(cloud) == ["publish"]
    assert (report.status, report.steps) == (Status.REFUSED, ())
    assert "the order is refused" in cloud.published[0].data["detail"]


def test_nothing_is_generalized_that_is_not_named_on_its_disk() -> None:
    """A disk that takes no tag ends the visit before the step that cannot be undone."""
    cloud = FakeCloud(Facts(vm=vm(tags={**TO_GALLERY, **ANSWERED})), raises={"write": NO})
    report = reconcile(cloud, REF, NOW)
    assert writes(cloud) == ["prove"]
    assert (report.status, report.untold) == (None, str(NO))


def test_a_busy_azure_before_a_step_brings_the_event_again() -> None:
    """The tags that a step must not begin without are not left to the next sweep."""
    cloud = FakeCloud(raises={"write": BUSY})
    with pytest.raises(Transient, match="another operation"):
        visited(cloud, power=PowerState.STOPPED)
    assert cloud.calls == []


def test_an_image_that_is_not_named_is_not_started() -> None:
    """A generalized VM whose disk takes no tag is left to the next visit."""
    answered = vm(generalized=True, tags={**TO_GALLERY, **ANSWERED})
    cloud = FakeCloud(Facts(vm=answered), raises={"write": NO})
    report = reconcile(cloud, REF, NOW)
    assert writes(cloud) == ["prove"]
    assert (report.status, report.untold) == (None, str(NO))


@pytest.mark.parametrize(
    ("seen", "call"),
    [
        ({"power": PowerState.STOPPED}, "deallocate"),
        ({}, "generalize"),
        ({"generalized": True}, "create"),
    ],
)
def test_a_refusal_is_told_in_azures_words(seen: dict[str, Any], call: str) -> None:
    """The status is refused, the detail has code and message, and an event is published."""
    cloud = FakeCloud(raises={call: NO})
    report = visited(cloud, **seen)
    assert (report.status, call in writes(cloud)) == (Status.REFUSED, False)
    (outcome,) = cloud.published
    assert outcome.type is OutcomeType.REFUSED
    assert outcome.data["detail"] == f"Azure refused to {call}: ScopeLocked: the scope is locked"


def test_a_refusal_while_another_reads_the_disk_may_pass() -> None:
    """A backup, or another visit of ours, has access to the disk: the event is redelivered."""
    open_disk = disk(access_open=True)
    stopped = vm(power=PowerState.STOPPED, tags={**TO_GALLERY, **ANSWERED})
    cloud = FakeCloud(Facts(vm=stopped, disk=open_disk), raises={"deallocate": NO})
    with pytest.raises(Transient, match="its disk is being read"):
        reconcile(cloud, REF, NOW)
    assert cloud.published == []


def test_azure_is_waited_for_where_the_proof_would_be_lost(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """An image is asked for again, within seconds, as often as Azure says when."""
    waits: list[float] = []
    monkeypatch.setattr(time, "sleep", waits.append)
    cloud = FakeCloud(raises={"create": Transient("429", retry_after=6)})
    with pytest.raises(Transient, match="429"):
        visited(cloud)
    assert waits == [6, 6]
    cloud.raises["create"] = Transient("503")
    with pytest.raises(Transient, match="503"):
        visited(cloud)
    assert len(waits) == 2


def test_a_topic_that_refuses_does_not_stop_the_capture() -> None:
    """The word stays noted as untold on the VM, for the next visit."""
    cloud = FakeCloud(raises={"publish": NO})
    report = visited(cloud, power=PowerState.RUNNING, hibernated=True)
    assert (report.status, writes(cloud)) == (Status.REFUSED, ["write"])


def test_an_image_that_is_ready_is_told_once() -> None:
    """The event first, then the note on the image, then the tags on the disk."""
    tags = {Tag.STATUS: Status.CAPTURING, Tag.AS_OF: write_instant(RELEASED)}
    tags |= {Tag.IMAGE: VERSION.label, Tag.IMAGE_GROUP: GALLERY.group_id}
    ready = image(tags={SourceTag.VM_ID.value: vm().vm_id})
    facts = Facts(vm=vm(generalized=True, tags={**TO_GALLERY, **tags}), images={VERSION.key: ready})
    cloud = FakeCloud(facts)
    report = reconcile(cloud, REF, NOW)
    assert report.status is Status.CAPTURED
    assert writes(cloud) == ["publish", "tag_image", "write"]
    told = replace(ready, tags={**ready.tags, SourceTag.TOLD.value: write_instant(NOW)})
    again = FakeCloud(replace(facts, images={VERSION.key: told}), raises={"tag_image": NO})
    reconcile(again, REF, NOW)
    assert writes(again) == ["publish", "write"]


def test_a_note_that_an_image_does_not_take_is_left_out() -> None:
    """The outcome is published again then, with the same id."""
    tags = {Tag.STATUS: Status.CAPTURING, Tag.AS_OF: write_instant(RELEASED)}
    tags |= {Tag.IMAGE: VERSION.label, Tag.IMAGE_GROUP: GALLERY.group_id}
    facts = Facts(
        vm=vm(generalized=True, tags={**TO_GALLERY, **tags}), images={VERSION.key: image()}
    )
    cloud = FakeCloud(facts, raises={"tag_image": NO})
    assert reconcile(cloud, REF, NOW).status is Status.CAPTURED
    assert writes(cloud) == ["publish", "write"]


def test_a_withdrawn_order_takes_its_tags_along() -> None:
    """What Stillframe has written goes, and nothing else happens."""
    cloud = FakeCloud()
    report = visited(cloud, tags={Tag.STATUS.value: Status.WAITING.value})
    assert cloud.calls == [("write", REF.id)]
    assert report.steps == ()


@pytest.mark.parametrize(
    ("seen", "step"),
    [
        ({"power": PowerState.STOPPED}, "would deallocate"),
        ({}, "would generalize"),
        ({"generalized": True}, "would create"),
        ({"tags": {**TO_GALLERY, **ANSWERED}}, "would generalize"),
    ],
)
def test_a_dry_run_ends_before_its_first_step(
    seen: dict[str, Any], step: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Nothing is written; the step is logged and reported, and no status that would not be true."""
    caplog.set_level("INFO")
    dry = settings(dry_run=True, proof=ProofPolicy.OFF)
    cloud = FakeCloud(settings=dry)
    report = visited(cloud, **seen)
    assert (report.steps, report.status, report.untold) == ((step,), None, None)
    assert cloud.calls == []
    assert caplog.messages[-1] == f"dry run: {step} {REF.id}"


def test_a_dry_run_opens_no_disk() -> None:
    """To open one is a write: where its proof is all that is missing the visit ends there."""
    cloud = FakeCloud(Facts(), settings(dry_run=True))
    report = reconcile(cloud, REF, NOW)
    assert (report.steps, report.status, report.untold) == (("would prove",), None, None)
    assert cloud.calls == []


@pytest.mark.parametrize(
    ("seen", "status"),
    [
        ({"power": PowerState.RUNNING}, Status.WAITING),
        ({"power": PowerState.RUNNING, "hibernated": True}, Status.REFUSED),
    ],
)
def test_a_dry_run_logs_the_tags_and_writes_none(
    seen: dict[str, Any], status: Status, caplog: pytest.LogCaptureFixture
) -> None:
    """What would be written is in the log; neither the VM nor the topic hears of it."""
    caplog.set_level("INFO")
    cloud = FakeCloud(settings=settings(dry_run=True))
    report = visited(cloud, **seen)
    assert (report.status, report.untold, cloud.calls) == (status, None, [])
    (line,) = caplog.messages
    assert line.startswith(f"dry run: would tag {REF.id} {{'stillframe-status': '{status}'")


def test_a_dry_run_logs_nothing_where_all_is_said(caplog: pytest.LogCaptureFixture) -> None:
    """Tags that are there already are no change."""
    caplog.set_level("INFO")
    reconcile(FakeCloud(Facts(vm=waiting()), settings(dry_run=True)), REF, NOW)
    assert caplog.messages == []


def test_a_subscription_that_is_not_watched_is_left_alone() -> None:
    """An event of a VM there asks Azure for nothing."""
    elsewhere, cloud = VmRef(ELSEWHERE, REF.group, REF.name), FakeCloud()
    assert reconcile(cloud, elsewhere, NOW) == Report(vm=elsewhere, seen="not watched")
    assert cloud.requests == 0


def test_a_vm_that_is_gone_is_reported_gone() -> None:
    """An event that comes after its VM was deleted ends with that."""
    assert reconcile(FakeCloud(), REF, NOW) == Report(vm=REF, seen="gone")


def test_rules_that_never_come_to_rest_are_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """A bug in the rules must not become an endless loop of requests."""
    cloud = FakeCloud(Facts(vm=waiting(), rights=rights("*/read")))
    monkeypatch.setattr("shared.visit.ROUNDS", 1)
    cloud.facts = Facts(vm=vm())
    with pytest.raises(RuntimeError, match="did not finish"):
        reconcile(cloud, REF, NOW)


def pinned() -> Look:
    """Make a look at a VM that is about to be generalized, with all said that is said before."""
    os_disk = disk()
    look, step = decide_fully(Facts(), settings())
    assert isinstance(step, Generalize)
    last = telling(look.vm, last_words(step.say, os_disk.id), NOW)
    assert last
    seen = replace(look.vm, tags={**look.vm.tags, **last.before.tags})
    named = replace(os_disk, tags=pin(look.vm, os_disk, step.say).tags)
    return replace(look, vm=seen, disk=named)


def test_a_verdict_holds_for_a_minute() -> None:
    """Later the disk must be read again, for the VM could have been started in between."""
    cloud = FakeCloud(Facts())
    late = replace(pinned(), proven=time.monotonic() - 61)
    with pytest.raises(Transient, match="is older than 60 s"):
        Visit(cloud, late, NOW).run()
    assert "generalize" not in writes(cloud)
    Visit(cloud, replace(late, proven=time.monotonic() - 30), NOW).run()
    assert ("generalize", REF.id) in cloud.calls


def of_ours(**changes: Any) -> FakeCloud:  # noqa: ANN401 - fields of ObservedImage
    """Make the cloud of a version that was captured, whose VM has been deleted."""
    tags = {
        SourceTag.VM_ID.value: vm().vm_id,
        SourceTag.AS_OF.value: write_instant(RELEASED),
        SourceTag.STARTED.value: write_instant(NOW),
    }
    return FakeCloud(made=[image(**{"tags": tags, **changes})])


def test_an_image_whose_vm_is_gone_tells_of_itself() -> None:
    """It is published, and noted on the image so that it is published once."""
    cloud = of_ours()
    report = reconcile_image(cloud, VERSION, NOW)
    assert report == Report(vm=REF, seen="gone")
    assert cloud.calls == [("publish", OutcomeType.CAPTURED), ("tag_image", VERSION.id)]
    assert cloud.published[0].data["detail"] == "the VM was deleted"


def test_of_failed_attempts_the_last_is_told() -> None:
    """An earlier attempt is only noted, because a later one was made."""
    cloud = of_ours(provisioning="Failed")
    later = GALLERY.version("2026.504.94807251")
    cloud.made.append(image(later, provisioning="Failed"))
    reconcile_image(cloud, VERSION, NOW)
    assert cloud.calls == [("tag_image", VERSION.id)]
    alone = of_ours(provisioning="Failed")
    reconcile_image(alone, VERSION, NOW)
    assert alone.calls == [("publish", OutcomeType.FAILED), ("tag_image", VERSION.id)]


def test_an_image_of_others_tells_nothing() -> None:
    """One without our tags, one of another app, and one of a subscription that is not watched."""
    foreign = of_ours(tags={})
    reconcile_image(foreign, VERSION, NOW)
    others = of_ours()
    others.settings = settings(app="mine")
    others.made[0] = replace(
        others.made[0], tags={**others.made[0].tags, SourceTag.BY.value: "theirs"}
    )
    reconcile_image(others, VERSION, NOW)
    elsewhere = of_ours(source=VmRef(ELSEWHERE, "g", "vm"))
    assert reconcile_image(elsewhere, VERSION, NOW) is None
    assert reconcile_image(of_ours(source=None), VERSION, NOW) is None
    assert reconcile_image(FakeCloud(), VERSION, NOW) is None
    assert foreign.calls == others.calls == elsewhere.calls == []


def test_a_dry_run_tells_of_no_image() -> None:
    """Nothing is published of an image whose VM is gone, and nothing noted on it."""
    cloud = of_ours()
    cloud.settings = settings(dry_run=True)
    reconcile_image(cloud, VERSION, NOW)
    assert cloud.calls == []


def test_an_image_whose_vm_may_not_be_read_waits() -> None:
    """Whether the VM is gone is not known, so nothing is said."""
    cloud = of_ours()
    cloud.facts = Missing.DENIED
    report = reconcile_image(cloud, VERSION, NOW)
    assert (report, cloud.calls) == (Report(vm=REF, seen="denied"), [])


def test_an_image_of_a_vm_that_is_there_is_its_vms_to_tell() -> None:
    """The VM is visited with the image at hand; of another VM of that name it tells alone."""
    tags = {Tag.STATUS: Status.CAPTURING, Tag.AS_OF: write_instant(RELEASED)}
    tags |= {Tag.IMAGE: VERSION.label, Tag.IMAGE_GROUP: GALLERY.group_id}
    cloud = of_ours()
    cloud.facts = Facts(vm=vm(generalized=True, tags={**TO_GALLERY, **tags}))
    report = reconcile_image(cloud, VERSION, NOW)
    assert report
    assert report.status is Status.CAPTURED
    anew = of_ours()
    anew.facts = Facts(vm=vm(vm_id="another"))
    reconcile_image(anew, VERSION, NOW)
    assert anew.calls == [("publish", OutcomeType.CAPTURED), ("tag_image", VERSION.id)]


def test_what_a_dry_run_would_write_is_not_taken_for_written() -> None:
    """The VM after the visit is the VM as Azure has it."""
    cloud = FakeCloud(settings=settings(dry_run=True))
    visit = Visit(cloud, Look(vm=vm(power=PowerState.RUNNING)), NOW)
    cloud.facts = Facts()
    visit.run()
    assert visit.look.vm.tags == TO_GALLERY
    assert read_instant(visit.look.vm.tags.get(Tag.AS_OF)) is None
