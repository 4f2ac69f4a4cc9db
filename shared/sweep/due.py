"""Which orders the sweep must visit, decided from the lists alone.

Pure. An order at rest costs no request: it is answered and its VM runs, or it was captured, or its
disk is not generalized. A visit is due if something may have happened without an event.
"""

import zlib
from datetime import datetime, timedelta

from shared.capture.targets import fits, is_left_over, is_ordered, read_order, speaks_of
from shared.model.facts import ListedVm, PowerState, Refusal
from shared.model.ids import VmRef
from shared.model.instants import read_instant
from shared.model.settings import Settings
from shared.model.steps import Order
from shared.model.tags import Status, Tag
from shared.model.text import cut

SECONDS_AN_HOUR = 3600
IMAGE_TAKES = timedelta(minutes=10)
"""A younger capture is left to its events: the image would not be ready anyway."""

COPY_TAKES = timedelta(minutes=5)
"""A younger copy of a VM is left to its events."""

PROOF_TAKES = timedelta(minutes=5)
"""So is a VM that was just deallocated: its disk is probably being read by another visit."""

BEING_TOLD = timedelta(minutes=1)
"""A younger note of an unpublished outcome: the visit that wrote it is probably publishing it."""

TRIED_OFTEN = timedelta(hours=1)
"""For how long every sweep retries to publish an outcome; after that one sweep an hour."""

READ_OFTEN = timedelta(hours=2)
"""For how long every sweep retries to read a disk; sweeps may be an hour apart."""


def look_is_due(vm: ListedVm, settings: Settings, since: datetime, now: datetime) -> bool:
    """Whether the sweep must visit a VM for its order; `since` is when the last sweep ran."""
    if not settings.owns(vm.tags):
        return False
    if not is_ordered(vm, settings):
        return is_left_over(vm, settings)
    if not _answered(vm, settings, now):
        return True
    if noted := read_instant(vm.tags.get(Tag.UNTOLD)):
        return BEING_TOLD < now - noted < TRIED_OFTEN or _hour_turns(vm.ref, since, now)
    if _is_kept(vm, settings, now):
        return _copy_goes_on(vm, since, now)
    return _goes_on(vm, since, now)


def _is_kept(vm: ListedVm, settings: Settings, now: datetime) -> bool:
    """Whether an order captures a copy."""
    order = read_order(vm.tags, settings, vm.ref, now)
    return isinstance(order, Order) and order.keep


def _copy_goes_on(vm: ListedVm, since: datetime, now: datetime) -> bool:
    """Whether an order that captures a copy may have changed without an event.

    Whatever the VM itself does: its power state says nothing about its copy.
    """
    match vm.tags[Tag.STATUS]:
        case Status.CAPTURED | Status.NOT_GENERALIZED | Status.FAILED:
            return False
        case Status.CAPTURING:
            age = _age(vm, now)
            return age is None or age >= COPY_TAKES
        case _:
            return _hour_turns(vm.ref, since, now) or vm.tags[Tag.STATUS] != Status.REFUSED


def _goes_on(vm: ListedVm, since: datetime, now: datetime) -> bool:
    """Whether an answered order may have changed without an event, judged by its status."""
    match vm.tags[Tag.STATUS]:
        case Status.CAPTURED:
            # A VM that runs is not the one that was captured; that one may have to be deleted.
            return vm.power is PowerState.RUNNING or vm.tags.get(Tag.AFTER, "").lower() == "delete"
        case Status.WAITING:
            return vm.power is not PowerState.RUNNING
        case Status.NOT_GENERALIZED:
            # Between two sweeps it may have run, and be deallocated as before.
            return vm.power is not PowerState.DEALLOCATED or _hour_turns(vm.ref, since, now)
        case Status.REFUSED | Status.FAILED:
            return _hour_turns(vm.ref, since, now)
        case Status.CAPTURING:
            age = _age(vm, now)
            return age is None or age >= IMAGE_TAKES
        case Status.DEALLOCATING:
            if vm.power is not PowerState.DEALLOCATED:
                return True
            age = _age(vm, now)
            if age is None or age >= READ_OFTEN:
                return age is None or _hour_turns(vm.ref, since, now)
            return age >= PROOF_TAKES
        case _:
            return True


def _age(vm: ListedVm, now: datetime) -> timedelta | None:
    """Return how long ago the step in progress began, by the tags.

    None if they have no time, or one in the future: written by a clock ahead of ours, or by hand.
    """
    as_of = read_instant(vm.tags.get(Tag.AS_OF))
    return now - as_of if as_of and as_of <= now else None


def _answered(vm: ListedVm, settings: Settings, now: datetime) -> bool:
    """Whether the tags answer this order, not an earlier order."""
    status = vm.tags.get(Tag.STATUS)
    if settings.app and Tag.BY not in vm.tags and status != Status.CAPTURED:
        return False  # handed over: the next app that visits it writes its name in the tag
    order = read_order(vm.tags, settings, vm.ref, now)
    if isinstance(order, Refusal):
        return status == Status.REFUSED and vm.tags.get(Tag.DETAIL) == cut(order.why)
    waits = speaks_of(vm.tags, order) and status != Status.CAPTURED
    return status is not None and (waits or fits(vm.tags, order))


def _hour_turns(ref: VmRef, since: datetime, now: datetime) -> bool:
    """Whether this VM's own minute of the hour lies between two sweeps.

    Derived from the VM's id: so the retries of many refused orders are spread over the hour, and
    every worker computes the same minute without stored state.
    """
    phase = zlib.crc32(ref.key.encode()) % SECONDS_AN_HOUR
    return int((since.timestamp() - phase) // SECONDS_AN_HOUR) != int(
        (now.timestamp() - phase) // SECONDS_AN_HOUR
    )
