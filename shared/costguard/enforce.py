"""Carry out the cost guard's rules: for a VM that was just visited, do what is due.

Takes the VM and its `Standing` (which has its group's tags and its locks); gives an `Enforced`. An
event is published before its tag is written, so that it is not lost if the process ends in between.
An event's id derives from the VM, the time since when it is billed, and the number of the alert, so
that a repeat can be dropped by its id.
"""

import logging
from dataclasses import dataclass
from datetime import datetime
from typing import assert_never

from shared.costguard.alert import Bill, no_longer_billed, still_billed
from shared.costguard.rules import (
    Alert,
    Clear,
    DeallocateByPolicy,
    Due,
    Mark,
    Nothing,
    Standing,
    judge,
)
from shared.model.cloud import Cloud
from shared.model.errors import Refused, Transient, Withheld
from shared.model.facts import ObservedVm
from shared.model.ids import VmRef
from shared.model.instants import write_instant
from shared.model.outcomes import Outcome
from shared.model.tags import BILLED_TAGS, Tag, Words

log = logging.getLogger(__name__)

HEALTH = "resource-health"
FIRST_SEEN = "first-seen"


@dataclass(frozen=True, slots=True)
class Enforced:
    """What was done about a VM's bill, and the VM after it; `untold`: why it was not completed."""

    vm: ObservedVm
    what: str
    untold: str | None = None


def enforce(cloud: Cloud, vm: ObservedVm, standing: Standing, now: datetime) -> Enforced:
    """Do what is due about a VM's bill."""
    due = judge(standing, cloud.settings, now)
    outcome, words = _to_tell(cloud, vm, due, standing.kept, now)
    try:
        if isinstance(due, DeallocateByPolicy):
            cloud.deallocate(vm.ref)
        if outcome:
            cloud.publish(outcome)
        return Enforced(cloud.write(vm, words) if words else vm, due.name)
    except Withheld:
        log.info("dry run: would %s %s", due.name, vm.ref.id)
        return Enforced(vm, f"would {due.name}", "dry run")
    except (Refused, Transient) as error:
        log.warning("not done: %s %s: %s", due.name, vm.ref.id, error)
        return Enforced(vm, due.name, str(error))


def _to_tell(
    cloud: Cloud, vm: ObservedVm, due: Due, kept: str | None, now: datetime
) -> tuple[Outcome | None, Words]:
    """Return the event to publish, and the change of tags that records it."""
    match due:
        case Nothing() | DeallocateByPolicy():
            return None, Words()
        case Mark():
            since, _ = stopped_since(cloud, vm.ref, now)
            return None, Words({Tag.BILLED_SINCE.value: write_instant(since)})
        case Alert():
            note = Words({Tag.BILLED_ALERTED.value: write_instant(now)})
            return _alert(cloud, vm, due, kept, now), note
        case Clear(since):
            marks = {tag.value: vm.tags[tag] for tag in BILLED_TAGS if tag in vm.tags}
            over = no_longer_billed(vm, _bill(cloud, vm, since, now)) if since else None
            return over, Words({}, marks)
        case _:
            assert_never(due)


def stopped_since(cloud: Cloud, ref: VmRef, now: datetime) -> tuple[datetime, str]:
    """Return when the VM stopped, and the source: Resource Health or first sighting."""
    stopped = cloud.stopped_at(ref, now)
    return (stopped, HEALTH) if stopped else (now, FIRST_SEEN)


def _alert(cloud: Cloud, vm: ObservedVm, due: Alert, kept: str | None, now: datetime) -> Outcome:
    stopped, source = stopped_since(cloud, vm.ref, now)
    known_by = source if write_instant(stopped) == write_instant(due.since) else FIRST_SEEN
    bill = _bill(cloud, vm, due.since, now)
    return still_billed(vm, bill, due.number, known_by=known_by, kept=kept)


def _bill(cloud: Cloud, vm: ObservedVm, since: datetime, until: datetime) -> Bill:
    return Bill(since, until, cloud.hourly(vm.machine, until), cloud.currency)
