"""The spine, the only module that combines the steps: look, decide, step, tell.

Takes a VM or an image and the current instant; returns a `Report` of what was seen and done. Events
and the timer both use it, with the same effect. A visit may take several steps if each completes
immediately (prove, generalize, start the image), and decides again between them. It never waits for
an Azure operation: the event of its completion causes the next visit.

Raises `Transient` if a retry may succeed. What Azure refuses is reported, not raised.
"""

import json
import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from shared.capture.decide import decide, is_pinned
from shared.capture.targets import later_names, made_from
from shared.capture.tell import (
    Telling,
    image_outcome,
    last_words,
    pin,
    telling,
    unanswerable,
    withdrawal,
)
from shared.costguard.enforce import NOTHING
from shared.costguard.off import at_event
from shared.model.cloud import Cloud
from shared.model.errors import Refused, Transient, Withheld
from shared.model.facts import (
    Look,
    Missing,
    ObservedDisk,
    ObservedImage,
    ObservedVm,
    Provisioning,
)
from shared.model.ids import CopyRef, ImageRef, VmRef, find_image
from shared.model.instants import read_instant, write_instant
from shared.model.memory import frozen
from shared.model.outcomes import Outcome
from shared.model.steps import (
    Assemble,
    BootImage,
    CloneStep,
    Copy,
    Create,
    Deallocate,
    Dispose,
    Generalize,
    Prove,
    ReadDisk,
    Rest,
    Say,
    Step,
    Take,
    Withdraw,
)
from shared.model.tags import CloneTag, Memory, SourceTag, Status, Tag, Words
from shared.workshop.boot import PREFIX as TRIALS
from shared.workshop.boot import is_due, trial_ref
from shared.workshop.clone import PREFIX as CLONES
from shared.workshop.clone import PowerOff, Prepare, clone_step, has_ended, is_needed, kept_vm
from shared.workshop.visit import visit_trial

STOP_SHOWS_WITHIN = timedelta(minutes=10)
"""How long to wait for an announced stop to show in the instance view."""

VERDICT_HOLDS = 60.0
"""Seconds after the disk was closed during which its verdict is valid for generalize."""

LONGEST_IMAGE_WAIT = 15.0
"""Total seconds a visit waits for Azure to accept an image; Event Grid times out after 30."""

ROUNDS = 20
"""More than any path through the rules needs; a longer visit is a bug."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """The result of one visit; `untold` is why its tags could not be written.

    `seen` is the power state, or why the VM could not be read. `image` and `as_of` are from the
    tags, like the status; `by` is the function app that wrote them, `again` is why another visit is
    needed before the next sweep. `bill` is what the cost guard did at an event.
    """

    vm: VmRef
    seen: str
    status: Status | None = None
    image: str | None = None
    as_of: datetime | None = None
    by: str | None = None
    steps: tuple[str, ...] = ()
    bill: str = NOTHING
    untold: str | None = None
    again: str | None = None

    def line(self, event: str | None = None) -> str:
        """Return the report for the log; `event` is the id of the event, None for a sweep."""
        fields = {
            "event": event,
            "vm": self.vm.id,
            "seen": self.seen,
            "status": self.status,
            "image": self.image,
            "asOf": self.as_of and write_instant(self.as_of),
            "by": self.by,
            "steps": self.steps,
            "bill": self.bill,
            "untold": self.untold,
        }
        return json.dumps(fields, ensure_ascii=False)


def reconcile(
    cloud: Cloud, ref: VmRef, now: datetime, *, stopping: datetime | None = None
) -> Report:
    """Visit a VM; `stopping` is when its stop was announced."""
    if not cloud.settings.watches(ref.subscription):
        return Report(vm=ref, seen="not watched")
    if cloud.settings.in_workshop(ref):
        return reconcile_temporary(cloud, ref, now, stopping=stopping)
    look = cloud.look(ref)
    if isinstance(look, Missing):
        return Report(vm=ref, seen=look.value)
    visit = Visit(cloud, look, now, stopping)
    report = visit.run()
    if not report.steps and not report.again:
        report = _guard(visit, report)
    if report.again:
        raise Transient(report.again)
    return report


def _guard(visit: "Visit", report: Report) -> Report:
    """Apply the cost guard's rules for events; return the report with the result."""
    enforced = at_event(visit.cloud, visit.look.vm, visit.now, stops=visit.stops)
    untold = [why for why in (report.untold, enforced.untold) if why]
    return replace(
        report, bill=enforced.what, untold="; ".join(untold) or None, again=enforced.again
    )


def reconcile_image(cloud: Cloud, ref: ImageRef, now: datetime) -> Report | None:
    """Visit the VM that an image was made from; if the VM is gone, report the image alone."""
    made = cloud.image(ref)
    if isinstance(made, Missing) or made.source is None:
        return None
    if not cloud.settings.watches(made.source.subscription):
        return None  # another app's image, in the same resource group as ours
    if cloud.settings.in_workshop(made.source) and (report := _clone_of(cloud, made, now)):
        return report
    look = cloud.look(made.source)
    if look is Missing.DENIED:
        return Report(vm=made.source, seen=look.value)
    if isinstance(look, Look) and made_from(made, look.vm):
        return Visit(cloud, replace(look, images={ref.key: made}), now).run()
    _end_image(cloud, made, made.source, now)
    return Report(vm=made.source, seen=Missing.GONE.value)


def _clone_of(cloud: Cloud, made: ObservedImage, now: datetime) -> Report | None:
    """Visit the copied VM that an image was made from; None if it is gone."""
    assert made.source  # noqa: S101 the caller has checked it
    report = reconcile_clone(cloud, made.source, now, images={made.ref.key: made})
    return None if report.seen == Missing.GONE else report


def reconcile_copy(cloud: Cloud, ref: CopyRef, now: datetime) -> Report | None:
    """Visit the VM that a disk, snapshot or restore point is part of a copy of."""
    if not cloud.settings.watches(ref.subscription):
        return None
    source = cloud.copied_vm(ref)
    return reconcile(cloud, source, now) if source else None


def reconcile_temporary(
    cloud: Cloud, ref: VmRef, now: datetime, *, stopping: datetime | None = None
) -> Report:
    """Visit a VM in the workshop: a test VM, or a copied VM; others are left alone."""
    if ref.name.startswith(TRIALS):
        return reconcile_trial(cloud, ref, now)
    if ref.name.startswith(CLONES):
        return reconcile_clone(cloud, ref, now, stopping=stopping)
    return Report(vm=ref, seen="not ours")


def reconcile_clone(
    cloud: Cloud,
    ref: VmRef,
    now: datetime,
    *,
    stopping: datetime | None = None,
    images: Mapping[str, ObservedImage] | None = None,
) -> Report:
    """Visit a copied VM: prepare it, capture it, tell the VM that it is a copy of, delete it.

    Its own order publishes nothing: the outcome is that of the VM which is kept.
    """
    look = cloud.look(ref)
    if isinstance(look, Missing):
        return Report(vm=ref, seen=look.value)
    source = kept_vm(ref, look.vm.tags)
    kept = cloud.look(source) if source else Missing.GONE
    if source is None or (isinstance(kept, Look) and not is_needed(kept, look.vm)):
        return _discard(cloud, look.vm)
    report, clone = _advance(cloud, replace(look, images=images or {}), now, stopping)
    if not has_ended(clone, now) and clone.provisioning is not Provisioning.FAILED:
        if report.again:
            raise Transient(report.again)
        return report
    if isinstance(kept, Look):
        reconcile(cloud, source, now)
        kept = cloud.look(source)
        if isinstance(kept, Look) and is_needed(kept, clone):
            return report
    elif kept is Missing.GONE:
        _tell_of_clone(cloud, clone, source, now)
    return _discard(cloud, clone)


def _advance(
    cloud: Cloud, look: Look, now: datetime, stopping: datetime | None
) -> tuple[Report, ObservedVm]:
    """Take a copied VM's next step; return the report, and the VM as it is then."""
    vm = look.vm
    try:
        match clone_step(vm, now):
            case Prepare():
                cloud.prepare(vm)
                note = Words({CloneTag.PREPARED.value: write_instant(now)})
                vm = cloud.write(vm, note)
                return Report(vm=vm.ref, seen=vm.power.value, steps=("prepare",)), vm
            case PowerOff():
                cloud.deallocate(vm.ref)
                return Report(vm=vm.ref, seen=vm.power.value, steps=("deallocate",)), vm
    except Withheld as withheld:
        log.info("dry run: would %s", withheld)
        return Report(vm=vm.ref, seen=vm.power.value), vm
    visit = Visit(cloud, look, now, stopping)
    return visit.run(), visit.look.vm


def _tell_of_clone(cloud: Cloud, clone: ObservedVm, source: VmRef, now: datetime) -> None:
    """Report the image of a copied VM whose own VM was deleted meanwhile."""
    image = find_image(f"{clone.tags.get(Tag.IMAGE_GROUP, '')}{_image_path(clone)}")
    made = cloud.image(image) if image else Missing.GONE
    if isinstance(made, ObservedImage):
        _tell_of_image(cloud, made, source, now)


def _image_path(clone: ObservedVm) -> str:
    """Return the end of the id of the image that a copied VM's tags name."""
    parts = clone.tags.get(Tag.IMAGE, "").split("/")
    compute = "/providers/Microsoft.Compute"
    if len(parts) == 1:
        return f"{compute}/images/{parts[0]}"
    gallery, definition, version = (*parts, "", "")[:3]
    return f"{compute}/galleries/{gallery}/images/{definition}/versions/{version}"


def _discard(cloud: Cloud, clone: ObservedVm) -> Report:
    """Delete a copied VM that no order needs any more."""
    report = Report(vm=clone.ref, seen=clone.power.value)
    if clone.provisioning is Provisioning.DELETING:
        return report
    try:
        cloud.discard(clone)
    except Withheld as withheld:
        log.info("dry run: would %s", withheld)
        return report
    return replace(report, steps=("delete",))


def reconcile_trial(cloud: Cloud, ref: VmRef, now: datetime) -> Report:
    """Visit a test VM: go on with its image's boot test, or delete it if no image needs it."""
    vm = cloud.trial_vm(ref)
    if isinstance(vm, Missing):
        return Report(vm=ref, seen=vm.value)
    report = Report(vm=ref, seen=vm.provisioning.value)
    image = cloud.image(vm.image) if vm.image else Missing.GONE
    if image is Missing.DENIED or vm.provisioning is Provisioning.DELETING:
        return report
    try:
        if not isinstance(image, ObservedImage) or not _needs(image, ref, cloud):
            cloud.delete(ref)
            return replace(report, steps=("delete",))
        tested, _ = visit_trial(cloud, image, now, vm=vm)
    except Withheld as withheld:
        log.info("dry run: would %s", withheld)
        return report
    if tested is image:
        return report
    if tested.provisioning is not Provisioning.UPDATING:  # else its own event tells the end
        reconcile_image(cloud, tested.ref, now)
    return replace(report, steps=(str(tested.boot),))


def _needs(image: ObservedImage, ref: VmRef, cloud: Cloud) -> bool:
    """Whether a test VM is that of an image's current attempt."""
    current = trial_ref(image, cloud.settings.workshop)
    return is_due(image) and current is not None and current.key == ref.key


@dataclass(slots=True)
class Visit:
    """One visit of one VM; `look` and `report` are replaced as more is read and done."""

    cloud: Cloud
    look: Look
    now: datetime
    stopping: datetime | None = None
    report: Report = field(init=False)

    def __post_init__(self) -> None:
        """Begin the report with the power state."""
        self.report = Report(vm=self.look.vm.ref, seen=self.look.vm.power.value)

    @property
    def stops(self) -> bool:
        """Whether the platform has announced a stop that may not show yet."""
        return self.stopping is not None and self.now - self.stopping < STOP_SHOWS_WITHIN

    def run(self) -> Report:
        """Decide, read the facts that the rules ask for, and take steps until none is due."""
        for _ in range(ROUNDS):
            decision = decide(self.look, self.cloud.settings, self.now)
            match decision:
                case Rest():
                    self._rest(decision)
                    return self.report
                case Withdraw():
                    self._report(untold=self._write(withdrawal(self.look.vm)))
                    return self.report
                case Prove():
                    if not self._prove(decision):
                        return self.report
                case BootImage():
                    if not self._boot(decision):
                        return self.report
                case (
                    Deallocate()
                    | Generalize()
                    | Create()
                    | Take()
                    | Copy()
                    | Assemble()
                    | Dispose()
                ):
                    if not self._take(decision):
                        return self.report
                case _:
                    self.look = self.cloud.read(self.look, decision)
        msg = f"{self.look.vm.ref.id}: the rules did not finish in {ROUNDS} rounds"
        raise RuntimeError(msg)

    def _rest(self, rest: Rest) -> None:
        again = rest.again
        if rest.unseen and self.stops:
            again = (
                f"{self.report.vm.id} should have stopped at {self.stopping} "
                f"and is {self.report.seen}"
            )
        self._report(again=again)
        if rest.say:
            self._tell(rest.say)
        elif not self.report.status:
            self._report_as_before()

    def _prove(self, step: Prove) -> bool:
        """Read the disk and judge it; return whether the visit continues."""
        if not self._say_or_refuse(step):
            return False
        try:
            self.look = self.cloud.prove(self.look)
        except Withheld:
            self._report_withheld(step)
            return False
        return True

    def _boot(self, step: BootImage) -> bool:
        """Go on with an image's boot test; return whether the visit continues."""
        try:
            image, awaited = visit_trial(self.cloud, step.image, self.now, tags=self.look.vm.tags)
        except Withheld:
            self._report_withheld(step)
            return False
        except Refused as refused:
            self._tell(_refusal(step, self.look, refused))
            return False
        images = {**self.look.images, image.ref.key: image}
        self.look = replace(self.look, images=images, awaited=awaited)
        return True

    def _take(self, step: Deallocate | Generalize | Create | CloneStep | Dispose) -> bool:
        """Take a step; return whether the visit continues."""
        if not self._prepare(step):
            return False
        try:
            self._carry_out(step)
        except Withheld:
            self._report_withheld(step)
            return False
        except Refused as refused:
            self._check_access(step)
            self._tell(_refusal(step, self.look, refused))
            return False
        self._report(steps=(*self.report.steps, step.name))
        if isinstance(step, Dispose):
            return False
        if not isinstance(step, Generalize):
            self._tell(step.say)
            return False
        self._mark_generalized(step)
        return True

    def _prepare(self, step: Deallocate | Generalize | Create | CloneStep | Dispose) -> bool:
        """Write the tags that the step requires; return whether they are written."""
        match step:
            case Deallocate():
                return self._say_or_refuse(step)
            case Generalize():
                untold = self._pin(step.say)
            case Create():
                pinned = is_pinned(self.look.vm, step.say)
                untold = None if pinned else self._say_first(step.say)
            case Dispose():
                untold = None  # it is told as captured, which is all that there is to tell
            case _:
                untold = self._say_first(step.say)
        if untold:
            self._report(status=None, untold=untold)
        return not untold

    def _carry_out(self, step: Deallocate | Generalize | Create | CloneStep | Dispose) -> None:
        match step:
            case Deallocate():
                self.cloud.deallocate(self.look.vm.ref)
            case Generalize():
                self._check_verdict()
                self.cloud.generalize(self.look.vm.ref)
            case Create():
                self._create_patiently(step)
            case Dispose():
                self.cloud.dispose(self.look.vm)
            case _:
                self.cloud.make_clone(self.look, step)

    def _create_patiently(self, step: Create) -> None:
        """Start the image; if Azure is busy for a few seconds only, wait.

        A redelivered event would have to prove the disk again, which costs more than waiting.
        """
        left = LONGEST_IMAGE_WAIT
        while True:
            try:
                return self.cloud.create(self.look.vm, step, self.now)
            except Transient as busy:
                wait = max(busy.retry_after or 0.0, 1.0)
                left -= wait
                if busy.retry_after is None or left < 0:
                    raise
                time.sleep(wait)

    def _pin(self, say: Say) -> str | None:
        """Write the image's name on the OS disk and the last tags on the VM; return why not.

        Both must be written first, because a generalized VM takes no tags.
        """
        look, disk = self.look, self._os_disk()
        self.look = replace(look, vm=replace(look.vm, tags=disk.tags, memory=Memory(disk.id)))
        untold = self._write(pin(look.vm, disk, say), must=True)
        self.look = replace(look, disk=replace(disk, tags=self.look.vm.tags))
        return untold or self._say_first(last_words(say, disk.id))

    def _check_verdict(self) -> None:
        """Raise `Transient` if the verdict is too old for a step that cannot be undone."""
        proven = self.look.proven
        if proven is not None and time.monotonic() - proven > VERDICT_HOLDS:
            msg = f"{self.report.vm.id}: its disk's verdict is older than {VERDICT_HOLDS:.0f} s"
            raise Transient(msg)

    def _mark_generalized(self, step: Generalize) -> None:
        """Continue with the VM as generalized, because Azure has just marked it."""
        marked = frozen(replace(self.look.vm, generalized=True), self._os_disk())
        self.look = replace(self.look, vm=marked)
        self._report(status=step.say.status)

    def _check_access(self, step: Step) -> None:
        """Raise `Transient` if a refusal may be temporary: another reader has the disk open."""
        disk = self.cloud.read(Look(vm=self.look.vm), ReadDisk()).disk
        if isinstance(disk, ObservedDisk) and disk.access_open:
            msg = f"Azure refused to {step.name} {self.look.vm.ref.id}: its disk is being read"
            raise Transient(msg)

    def _os_disk(self) -> ObservedDisk:
        assert isinstance(self.look.disk, ObservedDisk)  # noqa: S101 the rules have read it by now
        return self.look.disk

    def _tell(self, say: Say) -> None:
        """Write tags and publish the outcome, if they say something new."""
        news = telling(self.look.vm, say, self.now)
        self._report(
            status=say.status,
            image=say.image,
            as_of=say.as_of,
            by=say.by or None,
            untold=self._publish_and_write(news) if news else None,
        )

    def _say_or_refuse(self, step: Prove | Deallocate) -> bool:
        """Write a first status on a VM that has none; refuse the order if it takes no tags."""
        if Tag.STATUS in self.look.vm.tags:
            return True
        untold = self._say_first(step.say)
        if untold:
            self._tell(unanswerable(step.say, untold))
        return not untold

    def _say_first(self, say: Say) -> str | None:
        """Write the tags that a step requires; return why they are not written."""
        news = telling(self.look.vm, say, self.now)
        return self._write(news.before, must=True) if news else None

    def _publish_and_write(self, news: Telling) -> str | None:
        """Write tags, publish the outcome, write tags; return why tags are missing.

        The outcome is published even if Azure refuses the tags for good. If Azure is only busy, an
        outcome that must be noted on the VM first waits for the next visit.
        """
        untold = self._write(news.before, must=news.outcome is not None)
        if news.outcome is None:
            return untold
        if self.cloud.settings.in_workshop(self.look.vm.ref):  # its kept VM's order tells it
            return untold or self._write(news.after)
        try:
            published = _publish(self.cloud, news.outcome.unnoted() if untold else news.outcome)
            if published and news.of:
                _note_on_image(self.cloud, news.of, self.now)
        except Withheld:
            return untold
        return untold or self._write(news.after if published else news.refused)

    def _write(self, words: Words, *, must: bool = False) -> str | None:
        """Write tags on the VM, or on its OS disk once generalized; return why they are missing.

        A refusal does not fail the capture: the next visit writes the tags. `must`: the next step
        needs them, so `Transient` is raised if Azure is busy.
        """
        if not words:
            return None
        vm = self.look.vm
        try:
            self.look = replace(self.look, vm=self.cloud.write(vm, words))
        except Withheld:
            log.info("dry run: would tag %s %s", vm.memory.id, dict(words.tags))
        except (Refused, Transient) as error:
            if must and isinstance(error, Transient):
                raise
            log.warning("tags of %s not written: %s", vm.memory.id, error)
            return str(error)
        return None

    def _report_as_before(self) -> None:
        """Report the status that the tags already have."""
        tags = self.look.vm.tags
        status = tags.get(Tag.STATUS, "")
        self._report(
            status=Status(status) if status in Status else None,
            image=tags.get(Tag.IMAGE),
            as_of=read_instant(tags.get(Tag.AS_OF)),
            by=tags.get(Tag.BY),
        )

    def _report_withheld(self, step: Step) -> None:
        """Report a step that a dry run has not taken."""
        log.info("dry run: would %s %s", step.name, self.look.vm.ref.id)
        self._report(steps=(*self.report.steps, f"would {step.name}"))

    def _report(self, **changes: Any) -> None:  # noqa: ANN401 - fields of Report
        self.report = replace(self.report, **changes)


def _refusal(step: Step, look: Look, refused: Refused) -> Say:
    """Return Azure's refusal in its own words; a pin on a generalized VM stays."""
    return replace(
        step.say,
        status=Status.REFUSED,
        detail=f"Azure refused to {step.name}: {refused.code}: {refused.message}",
        as_of=step.say.as_of if look.vm.generalized else None,
    )


def _end_image(cloud: Cloud, made: ObservedImage, source: VmRef, now: datetime) -> None:
    """Go on with the boot test of an image whose VM is gone, then report the image."""
    if (
        is_due(made)
        and made.provisioning is Provisioning.SUCCEEDED
        and cloud.settings.owns(made.tags)
    ):
        try:
            made, _ = visit_trial(cloud, made, now)
        except Withheld as withheld:
            log.info("dry run: would %s", withheld)
            return
    _tell_of_image(cloud, made, source, now)


def _tell_of_image(cloud: Cloud, made: ObservedImage, source: VmRef, now: datetime) -> None:
    """Report an image whose VM is gone or was re-created; of failed attempts only the last."""
    outcome = image_outcome(made, source, now)
    if outcome is None or not cloud.settings.owns(made.tags):
        return
    try:
        if _was_tried_again(cloud, made, source) or _publish(cloud, outcome):
            _note_on_image(cloud, made, now)
    except Withheld as withheld:
        log.info("dry run: would %s", withheld)


def _was_tried_again(cloud: Cloud, made: ObservedImage, source: VmRef) -> bool:
    """Whether a failed image has a later attempt, which is reported instead."""
    if made.provisioning is not Provisioning.FAILED:
        return False
    return any(isinstance(cloud.image(ref), ObservedImage) for ref in later_names(made, source))


def _publish(cloud: Cloud, outcome: Outcome) -> bool:
    """Publish an outcome; return whether the topic accepted it."""
    try:
        cloud.publish(outcome)
    except Refused:
        log.exception("the outcome topic refused %s of %s", outcome.type, outcome.subject)
        return False
    return True


def _note_on_image(cloud: Cloud, made: ObservedImage, now: datetime) -> None:
    """Note on an image that its outcome is published.

    The image outlives its VM, and must not be reported again when it is edited. Without the note,
    the outcome is published again with the same id.
    """
    if SourceTag.TOLD in made.tags:
        return
    try:
        cloud.tag_image(made.ref, {SourceTag.TOLD.value: write_instant(now)})
    except (Refused, Transient) as error:
        log.warning("could not note on %s that it is published: %s", made.ref.id, error)
