"""Carry out the cost guard's rules: for a VM that was just visited, do what is due.

Takes the VM and its `Standing` (which has its group's tags and its locks); gives an `Enforced`. An
event is published before its tag is written, so that it is not lost if the process ends in between.
An event's id derives from the VM, the time since when it is billed, and the number of the alert, so
that a repeat can be dropped by its id. A deallocation is noted in a tag before it is requested, and
published once the VM is deallocated: by the visit that its event causes, or by the sweep.
"""

import logging
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import assert_never

from shared.capture.durations import START_LASTS
from shared.costguard.alert import (
    FIRST_SEEN,
    GRAPH,
    HEALTH,
    deallocated,
    no_longer_billed,
    still_billed,
    who_says,
)
from shared.costguard.bill import Bill, Rate
from shared.costguard.rules import (
    Alert,
    Clear,
    Deallocate,
    Mark,
    Nothing,
    Retract,
    Standing,
    judge,
)
from shared.model.cloud import Cloud
from shared.model.errors import Refused, Transient, Withheld
from shared.model.facts import Look, Machine, Missing, ObservedVm, PowerState
from shared.model.ids import VmRef
from shared.model.instants import write_instant
from shared.model.outcomes import Outcome
from shared.model.steps import ReadDisk
from shared.model.tags import GUARD_TAGS, Tag, Words

log = logging.getLogger(__name__)

GRAPH_LAGS = timedelta(minutes=15)
"""Resource Graph shows a change after five minutes in general."""

NOTHING = "nothing"


@dataclass(frozen=True, slots=True)
class Enforced:
    """What was done about a VM's bill, and the VM after it; `untold`: why it was not completed.

    `again` is why it should be visited again within minutes.
    """

    vm: ObservedVm
    what: str
    untold: str | None = None
    again: str | None = None


def enforce(cloud: Cloud, vm: ObservedVm, standing: Standing, now: datetime) -> Enforced:
    """Do what is due about a VM's bill."""
    due = judge(standing, cloud.settings, now)
    try:
        match due:
            case Nothing():
                return Enforced(vm, due.name)
            case Mark():
                since, _ = stopped_since(cloud, vm.ref, standing, now)
                marked = cloud.write(vm, Words({Tag.BILLED_SINCE.value: write_instant(since)}))
                return Enforced(marked, due.name)
            case Alert():
                return Enforced(_alert(cloud, vm, standing, due, now), due.name)
            case Deallocate():
                return _deallocate(cloud, vm, standing, due, now)
            case Retract():
                return Enforced(_retract(cloud, vm), due.name)
            case Clear():
                return Enforced(_clear(cloud, vm, due, now), due.name)
            case _:
                assert_never(due)
    except Withheld:
        log.info("dry run: would %s %s", due.name, vm.ref.id)
        return Enforced(vm, f"would {due.name}", "dry run")
    except (Refused, Transient) as error:
        log.warning("not done: %s %s: %s", due.name, vm.ref.id, error)
        return Enforced(vm, due.name, str(error))


def _alert(
    cloud: Cloud, vm: ObservedVm, standing: Standing, due: Alert, now: datetime
) -> ObservedVm:
    stopped, source = stopped_since(cloud, vm.ref, standing, now)
    known_by = who_says(due.since, stopped, source)
    bill = _bill(cloud, vm, due.since, now)
    cloud.publish(still_billed(vm, bill, due.number, known_by=known_by, kept=due.kept))
    return cloud.write(vm, Words({Tag.BILLED_ALERTED.value: write_instant(now)}))


def _retract(cloud: Cloud, vm: ObservedVm) -> ObservedVm:
    """Remove the note of a deallocation that did not happen, so that none is published."""
    note = {Tag.DEALLOCATED_BY.value: vm.tags[Tag.DEALLOCATED_BY]}
    return cloud.write(vm, Words({}, note))


def _clear(cloud: Cloud, vm: ObservedVm, due: Clear, now: datetime) -> ObservedVm:
    for outcome in _ended(cloud, vm, due.since, now) if due.since else ():
        cloud.publish(outcome)
    return cloud.write(vm, Words({}, {tag.value: vm.tags[tag] for tag in _noted(vm)}))


def _noted(vm: ObservedVm) -> list[Tag]:
    return [tag for tag in GUARD_TAGS if tag in vm.tags]


def _ended(cloud: Cloud, vm: ObservedVm, since: datetime, now: datetime) -> list[Outcome]:
    """Return the events of a bill that has ended."""
    bill = _bill(cloud, vm, since, _ended_at(cloud, vm, since, now))
    ended = no_longer_billed(vm, bill)
    if vm.power is PowerState.DEALLOCATED and (wish := vm.tags.get(Tag.DEALLOCATED_BY)):
        return [deallocated(vm, bill, wish), ended]
    return [ended]


def _ended_at(cloud: Cloud, vm: ObservedVm, since: datetime, now: datetime) -> datetime:
    """Return when a stopped VM was started or deallocated; now if Azure does not know.

    Azure notes on the OS disk when its VM was last started or deallocated.
    """
    disk = cloud.read(Look(vm=vm), ReadDisk()).disk
    released = None if disk is None or isinstance(disk, Missing) else disk.released
    return released if released and since < released <= now else now


def _deallocate(
    cloud: Cloud, vm: ObservedVm, standing: Standing, due: Deallocate, now: datetime
) -> Enforced:
    """Deallocate a VM: note whose word it is, check once more that it is stopped, request it.

    A VM that is being started reads `stopped` for a moment, and Azure would preempt the start.
    """
    disk = cloud.read(Look(vm=vm), ReadDisk()).disk
    if disk is None or isinstance(disk, Missing):
        return Enforced(vm, NOTHING, "its OS disk cannot be read: it may be starting")
    if disk.released and now - disk.released < START_LASTS:
        return Enforced(vm, NOTHING, again=f"{vm.ref.id} may be starting")
    seen = _note(cloud, vm, standing, due, now)
    look = cloud.look(vm.ref)
    if isinstance(look, Missing):
        return Enforced(seen, NOTHING, f"it could not be read again: {look}")
    seen = look.vm
    latest = replace(standing, tags=seen.tags, power=seen.power, provisioning=seen.provisioning)
    if not isinstance(judge(latest, cloud.settings, now), Deallocate):
        return Enforced(seen, NOTHING)
    try:
        cloud.deallocate(vm.ref)
    except (Refused, Transient) as error:
        if due.alert is None:
            raise
        why = f"Azure has not deallocated it: {error}"
        told = replace(due.alert, kept=why)
        return Enforced(_alert(cloud, seen, latest, told, now), "alert", why)
    return Enforced(seen, due.name)


def _note(
    cloud: Cloud, vm: ObservedVm, standing: Standing, due: Deallocate, now: datetime
) -> ObservedVm:
    """Note on a VM since when it is stopped, and whose word it is that it is deallocated."""
    since = due.since or stopped_since(cloud, vm.ref, standing, now)[0]
    note = {
        Tag.BILLED_SINCE.value: write_instant(since),
        Tag.DEALLOCATED_BY.value: due.wish.text,
    }
    noted = all(vm.tags.get(name) == value for name, value in note.items())
    return vm if noted else cloud.write(vm, Words(note))


def locked_scopes(cloud: Cloud, subscription: str) -> frozenset[str] | None:
    """Return the scopes with a management lock; None if they may not be read."""
    try:
        return cloud.locks(subscription)
    except Refused as refused:
        log.warning("locks in %s: %s", subscription, refused)
        return None


def stopped_since(
    cloud: Cloud, ref: VmRef, standing: Standing, now: datetime
) -> tuple[datetime, str]:
    """Return when the VM stopped, and the source.

    Resource Graph if it was read and the stop is not of the last minutes, which it does not show
    yet; else Resource Health; else now, the first sighting.
    """
    if settled := settled_since(standing, now):
        return settled, GRAPH
    stopped = cloud.stopped_at(ref, now)
    return (stopped, HEALTH) if stopped else (now, FIRST_SEEN)


def settled_since(standing: Standing, now: datetime) -> datetime | None:
    """Return when a VM stopped by Resource Graph; None if unknown, or of the last minutes."""
    known = standing.stopped and now - standing.stopped >= GRAPH_LAGS
    return standing.stopped if known else None


def _bill(cloud: Cloud, vm: ObservedVm, since: datetime, until: datetime) -> Bill:
    return Bill(since, until, rate_of(cloud, vm.machine, until))


def rate_of(cloud: Cloud, machine: Machine | None, now: datetime) -> Rate:
    """Return what an hour of a VM costs."""
    price = cloud.price(machine, now) if machine else None
    return Rate(price=price, currency=cloud.currency, factor=cloud.settings.guard_price_factor)
