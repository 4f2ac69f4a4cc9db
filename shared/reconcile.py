"""The spine, the only place where the steps meet: look, decide, act, tell.

Takes what to look at and the instant of the look; gives a `Report` of what was seen and done.
Every wake-up, by event or by timer, comes through here and does the same. It may take several
steps as long as each completes at once (generalize, then start the image), looking again between
them, and it never waits for Azure: what has been started wakes it again.

Raises `Transient` when a later try may do better. What Azure refuses is told, not raised.
"""

import json
import logging
import time
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

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
from shared.cloud.act import act, remember
from shared.cloud.connect import Azure
from shared.cloud.observe import first_look, image, proven, read
from shared.model.errors import Refused, Transient
from shared.model.facts import Look, Missing, ObservedDisk, ObservedImage, ObservedVm
from shared.model.ids import ImageRef, VmRef
from shared.model.instants import read_instant, write_instant
from shared.model.memory import frozen
from shared.model.outcomes import Outcome
from shared.model.steps import (
    Create,
    Deallocate,
    Generalize,
    Prove,
    ReadDisk,
    Rest,
    Say,
    Step,
    Withdraw,
)
from shared.model.tags import Memory, SourceTag, Status, Tag, Words
from shared.proof.examine import examine

BELIEVED_AFTER = timedelta(minutes=10)
"""An announced stop that has not shown by then is no longer waited for."""

VERDICT_HOLDS = 60.0
"""Seconds after the disk was closed in which its word is good enough for generalize."""

PATIENCE = 15.0
"""Seconds that a look waits in all for Azure to take an image; Event Grid gives up after 30."""

ROUNDS = 20
"""More than any way through the rules takes; what goes on longer is an error of ours."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What one look came to; `untold` is why its tags could not be written.

    `image` and `as_of` are what the tags say beside the status, `by` is the function app that said
    it, `again` is why another look should come before the next sweep's.
    """

    vm: VmRef
    seen: str
    status: Status | None = None
    image: str | None = None
    as_of: datetime | None = None
    by: str | None = None
    steps: tuple[str, ...] = ()
    untold: str | None = None
    again: str | None = None

    def line(self, event: str | None = None) -> str:
        """Return it for the log; `event` is what woke us, None for a sweep."""
        said = {
            "event": event,
            "vm": self.vm.id,
            "seen": self.seen,
            "status": self.status,
            "image": self.image,
            "asOf": self.as_of and write_instant(self.as_of),
            "by": self.by,
            "steps": self.steps,
            "untold": self.untold,
        }
        return json.dumps(said, ensure_ascii=False)


def reconcile(
    azure: Azure, ref: VmRef, now: datetime, *, stopping: datetime | None = None
) -> Report:
    """Look at a VM and take its order's next step; `stopping`: when its stop was announced."""
    if not azure.settings.watches(ref.subscription):
        return Report(vm=ref, seen="not watched")
    look = first_look(azure.arm, ref)
    if isinstance(look, Missing):
        return Report(vm=ref, seen=look.value)
    report = reconcile_look(azure, look, now, stopping=stopping)
    if report.again:
        raise Transient(report.again)
    return report


def reconcile_look(
    azure: Azure, look: Look, now: datetime, *, stopping: datetime | None = None
) -> Report:
    """Decide, read what the rules ask for, take steps until there is none to take."""
    report = Report(vm=look.vm.ref, seen=look.vm.power.value)
    for _ in range(ROUNDS):
        decision = decide(look, azure.settings, now)
        match decision:
            case Rest(say, unseen, again):
                if unseen and stopping and now - stopping < BELIEVED_AFTER:
                    again = f"{report.vm.id} was said to stop at {stopping} and is {report.seen}"
                return _tell(azure, look.vm, say, now, replace(report, again=again))
            case Withdraw():
                return replace(report, untold=_write(azure, look.vm, withdrawal(look.vm))[1])
            case Prove(say):
                look, ended = _prove(azure, look, say, now, report)
                if ended:
                    return ended
            case Generalize():
                look, report = _generalize(azure, look, decision, now, report)
                if report.status is not Status.CAPTURING:
                    return report
            case Deallocate() | Create():
                return _step(azure, look.vm, decision, now, report)
            case _:
                look = read(azure.arm, look, decision)
    msg = f"{look.vm.ref.id} came to no rest in {ROUNDS} rounds"
    raise RuntimeError(msg)


def reconcile_image(azure: Azure, ref: ImageRef, now: datetime) -> Report | None:
    """Look at the VM that an image was made from; where that is gone, let the image tell."""
    made = image(azure.arm, ref)
    if isinstance(made, Missing) or made.source is None:
        return None
    if not azure.settings.watches(made.source.subscription):
        return None  # somebody else's image, in a group where ours lie too
    look = first_look(azure.arm, made.source)
    if look is Missing.DENIED:
        return Report(vm=made.source, seen=look.value)
    if isinstance(look, Look) and made_from(made, look.vm):
        return reconcile_look(azure, replace(look, images={ref.key: made}), now)
    _tell_of_image(azure, made, made.source, now)
    return Report(vm=made.source, seen=Missing.GONE.value)


def _tell_of_image(azure: Azure, made: ObservedImage, source: VmRef, now: datetime) -> None:
    """Tell of an image whose VM is gone, or was made anew; of failed attempts only of the last."""
    outcome = image_outcome(made, source, now)
    if outcome is None or azure.settings.dry_run or not azure.settings.owns(made.tags):
        return
    if made.provisioning == "Failed":
        later = (image(azure.arm, ref) for ref in later_names(made, source))
        if any(isinstance(one, ObservedImage) for one in later):
            _note_on_image(azure, made, now)
            return
    if _publish(azure, outcome):
        _note_on_image(azure, made, now)


def _prove(
    azure: Azure, look: Look, say: Say, now: datetime, report: Report
) -> tuple[Look, Report | None]:
    """Read the disk; return how the look ends where it is not opened.

    Opening it is a write to Azure, and nothing is begun on a VM that takes no word of ours.
    """
    if azure.settings.dry_run:
        return look, replace(report, steps=(*report.steps, "would prove"))
    vm, untold = look.vm, None
    if Tag.STATUS not in vm.tags:
        vm, untold = _say_first(azure, vm, say, now)
    if untold:
        return look, _tell(azure, vm, unanswerable(say, untold), now, report)
    look = replace(look, vm=vm)
    return proven(azure.arm, look, examine(azure.arm, look)), None


def _generalize(
    azure: Azure, look: Look, step: Generalize, now: datetime, report: Report
) -> tuple[Look, Report]:
    """Pin the image's name, mark the VM generalized, and look at it as it is then."""
    if azure.settings.dry_run:
        return look, _would(step, look.vm, report)
    look, untold = _pin(azure, look, step.say, now)
    if untold:
        return look, replace(report, status=None, untold=untold)
    if look.proven is not None and time.monotonic() - look.proven > VERDICT_HOLDS:
        msg = f"{look.vm.ref.id}: what its disk said is older than {VERDICT_HOLDS:.0f} s"
        raise Transient(msg)
    try:
        act(azure.arm, look.vm, step, now)
    except Refused as refused:
        _check_access(azure, look.vm, step)
        return look, _tell(azure, look.vm, _refusal(step, look.vm, refused), now, report)
    report = replace(report, status=step.say.status, steps=(*report.steps, "generalize"))
    assert isinstance(look.disk, ObservedDisk)  # noqa: S101 the name is pinned on it
    marked = frozen(replace(look.vm, generalized=True), look.disk)
    return replace(look, vm=marked), report


def _pin(azure: Azure, look: Look, say: Say, now: datetime) -> tuple[Look, str | None]:
    """Write the image's name on the OS disk, and on the VM its last words; return why not.

    Nothing goes on without both: from generalize on nothing can be written on the VM.
    """
    vm, disk = look.vm, look.disk
    assert isinstance(disk, ObservedDisk)  # noqa: S101 the rules have read it before this step
    on_disk = replace(vm, tags=disk.tags, memory=Memory(disk.id))
    said, untold = _write(azure, on_disk, pin(vm, disk, say), must=True)
    if not untold:
        vm, untold = _say_first(azure, vm, last_words(say, disk.id), now)
    return replace(look, vm=vm, disk=replace(disk, tags=said.tags)), untold


def _step(
    azure: Azure, vm: ObservedVm, step: Deallocate | Create, now: datetime, report: Report
) -> Report:
    """Take a step. The name of an image that is created must be pinned before."""
    name = type(step).__name__.lower()
    if azure.settings.dry_run:
        return _would(step, vm, report)
    if not _is_said(vm, step):
        vm, untold = _say_first(azure, vm, step.say, now)
        if untold and isinstance(step, Create):
            return replace(report, status=None, untold=untold)
        if untold:
            return _tell(azure, vm, unanswerable(step.say, untold), now, report)
    try:
        _act_patiently(azure, vm, step, now)
    except Refused as refused:
        _check_access(azure, vm, step)
        return _tell(azure, vm, _refusal(step, vm, refused), now, report)
    return _tell(azure, vm, step.say, now, replace(report, steps=(*report.steps, name)))


def _act_patiently(azure: Azure, vm: ObservedVm, step: Deallocate | Create, now: datetime) -> None:
    """Take a step; where Azure will soon have time for an image, wait with the proof at hand.

    Coming again would be cheaper but for the proof, which would have to be made again.
    """
    patience = PATIENCE if isinstance(step, Create) else 0.0
    while True:
        try:
            return act(azure.arm, vm, step, now)
        except Transient as busy:
            if busy.retry_after is None:
                raise
            wait = max(busy.retry_after, 1.0)
            patience -= wait
            if patience < 0:
                raise
            time.sleep(wait)


def _check_access(azure: Azure, vm: ObservedVm, step: Step) -> None:
    """Let a refusal pass for a while where somebody, another look of ours too, reads the disk."""
    disk = read(azure.arm, Look(vm=vm), ReadDisk()).disk
    if isinstance(disk, ObservedDisk) and disk.access_open:
        msg = f"Azure refused to {type(step).__name__.lower()} {vm.ref.id}: its disk is being read"
        raise Transient(msg)


def _is_said(vm: ObservedVm, step: Deallocate | Create) -> bool:
    """Whether what must stand on a VM before a step does: a name pinned, or any word at all."""
    return is_pinned(vm, step.say) if isinstance(step, Create) else Tag.STATUS in vm.tags


def _say_first(
    azure: Azure, vm: ObservedVm, say: Say, now: datetime
) -> tuple[ObservedVm, str | None]:
    """Write what a step must not begin without; return the VM then, and why it is not written."""
    news = telling(vm, say, now)
    return _write(azure, vm, news.before, must=True) if news else (vm, None)


def _would(step: Step, vm: ObservedVm, report: Report) -> Report:
    name = type(step).__name__.lower()
    log.info("dry run: would %s %s", name, vm.ref.id)
    return replace(report, steps=(*report.steps, f"would {name}"))


def _refusal(step: Step, vm: ObservedVm, refused: Refused) -> Say:
    """Return Azure's no in its own words; a pin on a generalized VM stays."""
    name = type(step).__name__.lower()
    return replace(
        step.say,
        status=Status.REFUSED,
        detail=f"Azure refused to {name}: {refused.code}: {refused.message}",
        as_of=step.say.as_of if vm.generalized else None,
    )


def _tell(azure: Azure, vm: ObservedVm, say: Say | None, now: datetime, report: Report) -> Report:
    """Tell people, where it is new to them."""
    if say is None:
        return report if report.status else _as_before(vm, report)
    news = telling(vm, say, now)
    untold = _publish_and_write(azure, vm, news, now) if news else None
    return replace(
        report,
        status=say.status,
        image=say.image,
        as_of=say.as_of,
        by=say.by or None,
        untold=untold,
    )


def _as_before(vm: ObservedVm, report: Report) -> Report:
    """Report what the tags say, where there is nothing to add to it."""
    status = vm.tags.get(Tag.STATUS, "")
    return replace(
        report,
        status=Status(status) if status in Status else None,
        image=vm.tags.get(Tag.IMAGE),
        as_of=read_instant(vm.tags.get(Tag.AS_OF)),
        by=vm.tags.get(Tag.BY),
    )


def _publish_and_write(azure: Azure, vm: ObservedVm, news: Telling, now: datetime) -> str | None:
    """Publish what is new, with the words before it and after it; return why those are missing.

    Words that Azure refuses for good do not keep the outcome from being told. While Azure is only
    busy, an outcome whose occasion must be noted first waits for the next look.
    """
    vm, untold = _write(azure, vm, news.before, must=news.outcome is not None)
    if news.outcome is None or azure.settings.dry_run:
        return untold
    published = _publish(azure, news.outcome.unnoted() if untold else news.outcome)
    if published and news.of:
        _note_on_image(azure, news.of, now)
    return untold or _write(azure, vm, news.after if published else news.refused)[1]


def _write(
    azure: Azure, vm: ObservedVm, words: Words, *, must: bool = False
) -> tuple[ObservedVm, str | None]:
    """Write words; return the VM as they are now, and why they could not be written.

    That Azure refuses them, because it is busy or for good, is no error of the capture: the next
    look writes them. `must`: what comes next needs them, so when Azure is busy it comes again soon.
    """
    if azure.settings.dry_run and words:
        log.info("dry run: would tag %s %s", vm.memory.id, dict(words.tags))
        return vm, None
    try:
        return (remember(azure.arm, vm, words) if words else vm), None
    except (Refused, Transient) as error:
        if must and isinstance(error, Transient):
            raise
        log.warning("tags of %s not written: %s", vm.memory.id, error)
        return vm, str(error)


def _publish(azure: Azure, outcome: Outcome) -> bool:
    """Publish an outcome; return whether the topic took it."""
    try:
        azure.topic.publish(outcome)
    except Refused:
        log.exception("the outcome topic refused %s of %s", outcome.type, outcome.subject)
        return False
    return True


def _note_on_image(azure: Azure, made: ObservedImage, now: datetime) -> None:
    """Note on an image that it has been told of; without the note it is told again, under its id.

    It outlives its VM, so that nobody tells of it once more when it is edited.
    """
    if SourceTag.TOLD in made.tags:
        return
    try:
        azure.arm.merge_tags(made.ref.id, {SourceTag.TOLD.value: write_instant(now)})
    except (Refused, Transient) as error:
        log.warning("not noted on %s that it was told: %s", made.ref.id, error)
