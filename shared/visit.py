"""The spine: one visit of one VM, which combines the steps: look, decide, step, tell.

Takes what was read of a VM and the current instant; gives a `Report` of what was seen and done. A
visit may take several steps if each completes immediately (prove, generalize, start the image), and
decides again between them. It never waits for an Azure operation: the event of its completion
causes the next visit.

Raises `Transient` if a retry may succeed. What Azure refuses is reported, not raised.
"""

import json
import logging
import time
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from shared.capture.decide import decide, is_pinned
from shared.capture.tell import (
    Telling,
    last_words,
    pin,
    telling,
    unanswerable,
    withdrawal,
)
from shared.costguard.enforce import NOTHING
from shared.model.cloud import Cloud
from shared.model.errors import Refused, Transient, Withheld
from shared.model.facts import (
    Look,
    ObservedDisk,
    ObservedImage,
)
from shared.model.ids import VmRef
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
from shared.model.tags import Memory, SourceTag, Status, Tag, Words
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
            published = publish(self.cloud, news.outcome.unnoted() if untold else news.outcome)
            if published and news.of:
                note_on_image(self.cloud, news.of, self.now)
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


def publish(cloud: Cloud, outcome: Outcome) -> bool:
    """Publish an outcome; return whether the topic accepted it."""
    try:
        cloud.publish(outcome)
    except Refused:
        log.exception("the outcome topic refused %s of %s", outcome.type, outcome.subject)
        return False
    return True


def note_on_image(cloud: Cloud, made: ObservedImage, now: datetime) -> None:
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
