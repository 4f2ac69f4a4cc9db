"""The workshop in a sweep: go on with each temporary VM, delete what is left without one.

Only what has the name of a temporary resource is deleted. Interfaces and disks go with their VM;
they are left if its creation was refused, or if Azure did not delete them with it.
"""

import logging
from collections.abc import Iterable
from datetime import datetime, timedelta

from shared.model.cloud import Cloud
from shared.model.errors import StillframeError, Withheld
from shared.model.facts import LeftOver
from shared.model.ids import VmRef
from shared.model.instants import read_instant
from shared.model.tags import CloneTag, Tag
from shared.sweep.report import SweepReport
from shared.temporary import reconcile_temporary
from shared.workshop.boot import PREFIX as TRIALS
from shared.workshop.clone import LASTS
from shared.workshop.clone import PREFIX as CLONES

BEING_MADE = timedelta(minutes=10)
"""A younger interface is left: its VM is probably being created by an event."""

LEFT_TO_EVENTS = timedelta(minutes=5)
"""A VM that was touched so shortly ago is left to its events; its disk may just be read."""

BEING_COPIED = LASTS
"""So are the parts of a copy: its VM is created when all disks are copied."""

OURS = (TRIALS, CLONES)

log = logging.getLogger(__name__)


def tidy(cloud: Cloud, subscription: str, now: datetime, report: SweepReport) -> None:
    """Visit the workshop of a subscription; errors are reported, and the sweep continues."""
    if not cloud.settings.workshop:
        return
    try:
        found = [left for left in cloud.workshop(subscription) if left.name.startswith(OURS)]
    except StillframeError as error:
        report.failed[f"/subscriptions/{subscription}/resourceGroups/{cloud.settings.workshop}"] = (
            str(error)
        )
        return
    for left in found:
        try:
            _visit(cloud, left, found, now)
        except Withheld as withheld:
            log.info("dry run: would %s", withheld)
        except StillframeError as error:
            report.failed[left.id] = str(error)


def _visit(cloud: Cloud, left: LeftOver, found: Iterable[LeftOver], now: datetime) -> None:
    ref = VmRef.find(left.id)
    if ref and _is_young(left, now):
        return
    if ref:
        log.info("look %s", reconcile_temporary(cloud, ref, now).line())
    elif not _is_used(left, found) and _is_old(left, now):
        cloud.delete(left)


def _is_young(left: LeftOver, now: datetime) -> bool:
    """Whether a VM is left to its events: it was created, or its order went on, a moment ago."""
    told = (read_instant(left.tags.get(tag)) for tag in (CloneTag.PREPARED, Tag.AS_OF))
    return any(at and now - at < LEFT_TO_EVENTS for at in (left.created, *told))


def _is_old(left: LeftOver, now: datetime) -> bool:
    """Whether something without a VM has been there longer than the creation of one takes."""
    takes = BEING_COPIED if left.name.startswith(CLONES) else BEING_MADE
    return left.created is None or now - left.created > takes


def _is_used(left: LeftOver, found: Iterable[LeftOver]) -> bool:
    """Whether something belongs to a VM that is there."""
    return any(vm.is_vm and left.name.startswith(f"{vm.name}-") for vm in found)
