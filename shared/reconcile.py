"""The spine, the only place where the steps meet: look, decide, act, tell.

Takes what to look at and the instant of the look; gives a `Report` of what was seen and done.
Every wake-up, by event or by timer, comes through here and does the same. It may take several
steps as long as each completes at once (generalize, then start the image), looking again between
them, and it never waits for Azure: what has been started wakes it again.

Raises `Transient` when a later try may do better. What Azure refuses is told, not raised.
"""

import json
import logging
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from shared.act import act, remember
from shared.clients import Azure
from shared.decide import decide
from shared.errors import Refused, Transient
from shared.memory import kept
from shared.model import (
    Create,
    Deallocate,
    Generalize,
    ImageRef,
    Look,
    Memory,
    Missing,
    ObservedDisk,
    ObservedVm,
    ReadProof,
    Rest,
    Say,
    Status,
    Step,
    Tag,
    VmRef,
    Withdraw,
    read_instant,
    write_instant,
)
from shared.observe import first_look, image, look_again, read
from shared.tell import (
    Outcome,
    Telling,
    image_outcome,
    last_words,
    pinned,
    telling,
    withdrawal,
)
from shared.topic import Topic

BELIEVED_AFTER = timedelta(minutes=10)
"""An announced stop that has not shown by then is no longer waited for."""

ROUNDS = 20
"""More than any way through the rules takes; what goes on longer is an error of ours."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What one look came to; `untold` is why its tags could not be written.

    `image` and `as_of` are what the tags say beside the status.
    """

    vm: VmRef
    seen: str
    status: Status | None = None
    image: str | None = None
    as_of: datetime | None = None
    steps: tuple[str, ...] = ()
    untold: str | None = None

    def line(self, event: str | None = None) -> str:
        """Return it for the log; `event` is what woke us, None for a sweep."""
        said = {
            "event": event,
            "vm": self.vm.id,
            "seen": self.seen,
            "status": self.status,
            "image": self.image,
            "asOf": self.as_of and write_instant(self.as_of),
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
    return _go(azure, look, now, stopping)


def reconcile_look(azure: Azure, look: Look, now: datetime) -> Report:
    """Take the next step of the order of a VM that was just looked at."""
    return _go(azure, look, now, None)


def reconcile_image(azure: Azure, ref: ImageRef, now: datetime) -> Report | None:
    """Look at the VM that an image was made from; where that is gone, let the image tell."""
    made = image(azure.arm, ref)
    if isinstance(made, Missing) or made.source is None:
        return None
    if not azure.settings.watches(made.source.subscription):
        return None  # somebody else's image, in a group where ours lie too
    look = first_look(azure.arm, made.source)
    if isinstance(look, Look):
        return _go(azure, replace(look, images={ref.key: made}), now, None)
    outcome = image_outcome(made, made.source, now)
    if look is Missing.GONE and outcome and not azure.settings.dry_run:
        _publish(azure.topic, outcome)
    return Report(vm=made.source, seen=look.value)


def _go(azure: Azure, look: Look, now: datetime, stopping: datetime | None) -> Report:
    """Decide, read what the rules ask for, take steps until there is none to take."""
    report = Report(vm=look.vm.ref, seen=look.vm.power.value)
    for _ in range(ROUNDS):
        decision = decide(look, azure.settings, now)
        match decision:
            case Rest(say, unseen):
                if unseen and stopping and now - stopping < BELIEVED_AFTER:
                    msg = f"{report.vm.id} was said to stop at {stopping} and is {report.seen}"
                    raise Transient(msg)
                return _tell(azure, look.vm, say, now, report)
            case Withdraw():
                return replace(report, untold=_write(azure, look.vm, withdrawal(look.vm))[1])
            case ReadProof() if azure.settings.dry_run:  # opening a disk is a write to Azure
                return replace(report, steps=(*report.steps, "would prove"))
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


def _generalize(
    azure: Azure, look: Look, step: Generalize, now: datetime, report: Report
) -> tuple[Look, Report]:
    """Pin the image's name, mark the VM generalized, and look at it as it is then."""
    if azure.settings.dry_run:
        return look, _would(step, look.vm, report)
    look, untold = _pin(azure, look, step.say, now)
    if untold:
        return look, replace(report, status=None, untold=untold)
    try:
        act(azure.arm, look.vm, step, now)
    except Refused as refused:
        return look, _tell(azure, look.vm, _refusal(step, look.vm, refused), now, report)
    report = replace(report, status=step.say.status, steps=(*report.steps, "generalize"))
    again = look_again(azure.arm, look)
    return (again, report) if isinstance(again, Look) else (look, replace(report, status=None))


def _pin(azure: Azure, look: Look, say: Say, now: datetime) -> tuple[Look, str | None]:
    """Write the image's name on the OS disk, and on the VM its last words; return why not.

    Nothing goes on without both: from generalize on nothing can be written on the VM.
    """
    vm, disk = look.vm, look.disk
    assert isinstance(disk, ObservedDisk)  # noqa: S101 the rules have read it before this step
    words = pinned(vm, say)
    disk_memory = replace(vm, tags=disk.tags, memory=Memory(disk.id))
    on_disk = Telling(
        {name: value for name, value in words.items() if disk.tags.get(name) != value},
        {name: disk.tags[name] for name in kept(disk.tags) if name not in words},
    )
    said, untold = _write(azure, disk_memory, on_disk, pin=True)
    last = telling(vm, last_words(say, disk.id), now)
    if last and not untold:
        vm, untold = _write(azure, vm, last, pin=True)
    return replace(look, vm=vm, disk=replace(disk, tags=said.tags)), untold


def _step(
    azure: Azure, vm: ObservedVm, step: Deallocate | Create, now: datetime, report: Report
) -> Report:
    """Take a step. The name of an image that is created must be pinned before."""
    name = type(step).__name__.lower()
    if azure.settings.dry_run:
        return _would(step, vm, report)
    if isinstance(step, Create) and (news := telling(vm, step.say, now)):
        vm, untold = _write(azure, vm, news, pin=True)
        if untold:
            return replace(report, status=None, untold=untold)
    try:
        act(azure.arm, vm, step, now)
    except Refused as refused:
        return _tell(azure, vm, _refusal(step, vm, refused), now, report)
    return _tell(azure, vm, step.say, now, replace(report, steps=(*report.steps, name)))


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
    untold = _write(azure, vm, news)[1] if news else None
    return replace(report, status=say.status, image=say.image, as_of=say.as_of, untold=untold)


def _as_before(vm: ObservedVm, report: Report) -> Report:
    """Report what the tags say, where there is nothing to add to it."""
    status = vm.tags.get(Tag.STATUS, "")
    return replace(
        report,
        status=Status(status) if status in Status else None,
        image=vm.tags.get(Tag.IMAGE),
        as_of=read_instant(vm.tags.get(Tag.AS_OF)),
    )


def _write(
    azure: Azure, vm: ObservedVm, news: Telling, *, pin: bool = False
) -> tuple[ObservedVm, str | None]:
    """Publish, then tag; return the VM as its words are now, and why they could not be written.

    In this order a crash between the two repeats an event rather than losing it. Tags that Azure
    refuses, because it is busy or for good, are no error of the capture: the next look writes them.
    A pin is different: nothing goes on without it, so when Azure is busy it is tried again soon.
    """
    if azure.settings.dry_run:
        log.info("dry run: would tag %s %s", vm.memory.id, dict(news.tags))
        return vm, None
    if news.outcome:
        _publish(azure.topic, news.outcome)
    try:
        return remember(azure.arm, vm, news.tags, news.removed), None
    except (Refused, Transient) as error:
        if pin and isinstance(error, Transient):
            raise
        log.warning("tags of %s not written: %s", vm.memory.id, error)
        return vm, str(error)


def _publish(topic: Topic, outcome: Outcome) -> None:
    try:
        topic.publish(outcome)
    except Refused:
        log.exception("the outcome topic refused %s of %s", outcome.type, outcome.subject)
