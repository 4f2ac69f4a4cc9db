"""Count the results of a sweep's visits in its report.

Changes only the report that it is given.
"""

import logging
from collections.abc import Mapping
from dataclasses import dataclass

from shared.capture.durations import is_under_way
from shared.capture.targets import is_ordered
from shared.costguard.alert import GRAPH, owner, who_says
from shared.costguard.enforce import NOTHING, rate_of
from shared.costguard.rules import Clear, Mark, Nothing, Retract, invalid_word
from shared.model.cloud import Cloud
from shared.model.facts import ListedVm, PowerState
from shared.model.tags import Status, Tag
from shared.sweep.left import LeftVm
from shared.sweep.report import Flagged, SweepReport
from shared.sweep.scan import Scan
from shared.visit import Report

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Visited:
    """The result of one visit; `vm` is the VM after it, None if it is gone or the visit failed.

    `bill` is what was done about its bill, `unwritten` why that was not completed.
    """

    vm: ListedVm | None = None
    report: Report | None = None
    bill: str = NOTHING
    unwritten: str | None = None
    failed: str | None = None
    reached: bool = True

    @property
    def gone(self) -> bool:
        """Whether the VM has been deleted since it was listed."""
        return self.reached and not self.vm and not self.failed


def count(report: SweepReport, vm: ListedVm, visited: Visited) -> None:
    """Count one visit."""
    if not visited.reached:
        report.unreached.append(vm.ref.id)
        return
    report.looked += 1
    if visited.report:
        log.info("look %s", visited.report.line())
    if visited.failed:
        report.failed[vm.ref.id] = visited.failed
    of_order = visited.report.untold if visited.report else None
    if untold := [why for why in (of_order, visited.unwritten) if why]:
        report.untold[vm.ref.id] = "; ".join(untold)
    if visited.report and visited.report.steps:
        report.steps[vm.ref.id] = visited.report.steps
    if visited.bill != NOTHING:
        report.bills[visited.bill] += 1


def sum_up(scan: Scan, told: Mapping[str, Status], cloud: Cloud, report: SweepReport) -> None:
    """Count the VMs of a subscription as they are after all visits.

    `told` has the new status of each visited order, by `VmRef.key`.
    """
    report.states.update(scan.listing.states)
    report.strange |= scan.listing.strange
    for vm in scan.listing.vms.values():
        if is_ordered(vm, scan.settings) and not scan.settings.owns(vm.tags):
            report.others[vm.ref.id] = vm.tags[Tag.BY]
        if Tag.CAPTURE in vm.tags:
            tagged = vm.tags.get(Tag.STATUS, "unanswered")
            status = told.get(vm.ref.key, tagged)
            report.statuses[status] += 1
            report.ordered.append(vm)
            if status != tagged:
                report.unsaid[vm.ref.id] = (tagged, status)
            if Status.CAPTURED in (tagged, status) and vm.generalized:
                report.left_vms.append(_left(scan, vm, cloud))
        for tags in (vm.tags, scan.listing.group_tags(vm.ref) or {}):
            if value := invalid_word(tags, scan.now):
                report.unreadable[vm.ref.id] = f"{Tag.COST_GUARD}: {value}"
        if vm.ref.id not in report.steps and (flagged := _flagged(scan, vm, cloud)):
            report.flagged.append(flagged)


def _left(scan: Scan, vm: ListedVm, cloud: Cloud) -> LeftVm:
    """Return a captured VM with its disks and their list price, None if one is unknown."""
    disks = scan.listing.disks.get(vm.ref.key, [])
    months = [cloud.disk_price(disk, scan.now) for disk in disks]
    known = [month for month in months if month is not None]
    month = round(sum(known), 2) if disks and len(known) == len(months) else None
    return LeftVm(vm.ref, len(disks), sum(disk.size_gb or 0 for disk in disks), month)


def _flagged(scan: Scan, vm: ListedVm, cloud: Cloud) -> Flagged | None:
    """Return a VM's row in the report if it is billed while stopped, not exempt, not in capture."""
    due = scan.bill(vm)
    since = None if isinstance(due, Mark | Clear | Retract) else due.since
    if vm.power is not PowerState.STOPPED or (since is None and not isinstance(due, Mark)):
        return None
    if isinstance(due, Nothing) and is_under_way(vm.tags, scan.now, ours=scan.standing(vm).ours):
        return None
    rate = rate_of(cloud, vm.machine, scan.now)
    past_grace = since is not None and scan.now - since >= scan.settings.guard_grace
    stopped = scan.stops.get(vm.ref.key)
    known_by = who_says(since, stopped, GRAPH) if since and stopped else None
    return Flagged(vm.ref, since, vm.machine, rate, past_grace, owner(vm.tags), known_by)
