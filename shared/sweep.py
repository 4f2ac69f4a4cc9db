"""The timer's way: list once, look only where a look is due, by the same spine as every event.

Takes the subscriptions of the settings; gives a `SweepReport` and publishes it, the heartbeat.
What goes wrong with one VM, or one subscription, is counted and told, and the rest goes on.
"""

import logging
import time
import uuid
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from shared.arm import Arm
from shared.due import ListedVm, concerns_us, look_is_due
from shared.errors import Refused, StillframeError
from shared.model import VmRef
from shared.observe import lower_names, power_state
from shared.reconcile import Azure, Report, reconcile
from shared.tell import Outcome, OutcomeType
from shared.wire import InstanceView

log = logging.getLogger(__name__)


@dataclass(slots=True)
class SweepReport:
    """What a sweep found and did; lists name VMs by id."""

    vms: int = 0
    orders: int = 0
    looked: int = 0
    statuses: Counter[str] = field(default_factory=Counter)
    steps: dict[str, tuple[str, ...]] = field(default_factory=dict)
    untold: dict[str, str] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)
    unlisted: dict[str, str] = field(default_factory=dict)
    seconds: float = 0.0

    def add(self, report: Report) -> None:
        """Count one look."""
        self.looked += 1
        self.statuses[report.status or "none"] += 1
        if report.steps:
            self.steps[report.vm.id] = report.steps
        if report.untold:
            self.untold[report.vm.id] = report.untold


def sweep(azure: Azure, since: datetime, now: datetime) -> SweepReport:
    """List every watched subscription, look where it is due; `since`: the sweep before this one."""
    started, report = time.monotonic(), SweepReport()
    for subscription in azure.settings.subscriptions:
        try:
            due = _list_due(azure, subscription, since, now, report)
        except StillframeError as error:
            log.exception("subscription %s could not be listed", subscription)
            report.unlisted[subscription] = str(error)
            continue
        for ref in due:
            _look(azure, ref, now, report)
    report.seconds = round(time.monotonic() - started, 3)
    _publish(azure, report, now)
    return report


def _list_due(
    azure: Azure, subscription: str, since: datetime, now: datetime, report: SweepReport
) -> list[VmRef]:
    """Return whom to look at: the models' tags joined with the run states, by id."""
    orders = {vm.ref.key: vm for vm in _listed_orders(azure.arm, subscription, report)}
    report.orders += len(orders)
    due = {key: vm for key, vm in orders.items() if look_is_due(vm, azure.settings, since, now)}
    if not orders:
        return []
    for page in azure.arm.vm_pages(subscription, status_only=True):
        for vm in page:
            known = orders.get(vm.id.lower())
            if known is None:
                continue
            view = vm.properties.instance_view or InstanceView()
            power = power_state(code.code for code in view.statuses)
            seen = ListedVm(known.ref, known.tags, power)
            if not look_is_due(seen, azure.settings, since, now):
                due.pop(known.ref.key, None)
    return [vm.ref for vm in due.values()]


def _listed_orders(arm: Arm, subscription: str, report: SweepReport) -> Iterator[ListedVm]:
    for page in arm.vm_pages(subscription, status_only=False):
        report.vms += len(page)
        for vm in page:
            tags = lower_names(vm.tags)
            ref = VmRef.find(vm.id)
            if ref and concerns_us(tags):
                yield ListedVm(ref, tags)


def _look(azure: Azure, ref: VmRef, now: datetime, report: SweepReport) -> None:
    try:
        report.add(reconcile(azure, ref, now))
    except Exception as error:
        log.warning("look at %s failed: %s", ref.id, error, exc_info=not _expected(error))
        report.failed[ref.id] = str(error)


def _expected(error: Exception) -> bool:
    return isinstance(error, StillframeError)


def _publish(azure: Azure, report: SweepReport, now: datetime) -> None:
    data: dict[str, Any] = {
        "vms": report.vms,
        "orders": report.orders,
        "looked": report.looked,
        "statuses": dict(report.statuses),
        "steps": {vm: list(steps) for vm, steps in report.steps.items()},
        "untold": report.untold,
        "failed": report.failed,
        "unlisted": report.unlisted,
        "seconds": report.seconds,
        "dryRun": azure.settings.dry_run,
    }
    source = f"/subscriptions/{azure.settings.subscriptions[0]}"
    event_id = str(uuid.uuid5(uuid.NAMESPACE_URL, f"{source}/sweep/{now.isoformat()}"))
    outcome = Outcome(event_id, OutcomeType.SWEPT, source, "sweep", now, data)
    try:
        azure.topic.publish(outcome)
    except Refused:
        log.exception("the outcome topic refused the sweep's report")
