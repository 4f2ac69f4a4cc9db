"""The timer's way: list once, look only where a look is due, by the same spine as every event.

Takes the subscriptions of the settings; gives a `SweepReport` and publishes it, the heartbeat.
What goes wrong with one VM, or one subscription, is counted and told, and the rest goes on. Looks
are paced, side by side, and end in time: what was not reached is told and comes first next time.
"""

import logging
import time
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextvars import Context, copy_context
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial

from shared.capture.targets import is_ordered, read_order
from shared.capture.tell import image_outcome
from shared.cloud.connect import Azure
from shared.cloud.images import list_images
from shared.cloud.lists import Listing, list_subscription
from shared.cloud.observe import first_look
from shared.costguard.enforce import Settled, settle
from shared.costguard.rules import (
    Clear,
    Due,
    Mark,
    Nothing,
    Standing,
    capture_under_way,
    judge,
    unreadable_exemption,
)
from shared.model.errors import Refused, StillframeError, Transient
from shared.model.facts import ListedVm, Missing, ObservedVm, PowerState
from shared.model.ids import ManagedImageTarget, Target, VersionRef
from shared.model.settings import GuardAction
from shared.model.steps import Order
from shared.model.tags import Status, Tag
from shared.reconcile import Report, reconcile_image, reconcile_look
from shared.sweep.due import look_is_due
from shared.sweep.pace import Pace
from shared.sweep.report import Flagged, SweepReport, sweep_outcome

WORKERS = 4
REQUESTS_A_LOOK = 4.0
"""What a look takes from the bucket: some make two requests, some ten."""

SECONDS = 420.0
"""How long looks may be begun; the function itself has ten minutes."""

PATIENCE = 20.0
"""Seconds that a look waits, once, for Azure to be ready again."""

HOUR = timedelta(hours=1)
_LOCKS = "/providers/microsoft.authorization/locks/"

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Looked:
    """What came of one VM's look; `vm` is how it stands now, None where it is gone."""

    vm: ListedVm | None = None
    report: Report | None = None
    settled: Settled | None = None
    failed: str | None = None
    reached: bool = True

    @property
    def gone(self) -> bool:
        """Whether the VM has been deleted since it was listed."""
        return self.reached and not self.vm and not self.failed


@dataclass(frozen=True, slots=True)
class Round:
    """One subscription in one sweep; looks are begun until `until`, of the monotonic clock."""

    azure: Azure
    listing: Listing
    locked: frozenset[str] | None
    now: datetime
    until: float

    def standing(self, vm: ListedVm) -> Standing:
        """Return how a VM stands, as the cost guard's rules want it."""
        settings = self.azure.settings
        group_tags, kept = self.listing.group_tags(vm.ref), self._kept(vm)
        ours = is_ordered(vm, settings) and settings.owns(vm.tags)
        return Standing(vm.tags, group_tags, vm.power, vm.provisioning, kept, ours)

    def _kept(self, vm: ListedVm) -> str | None:
        """Return why a VM must not be deallocated by policy."""
        if vm.ephemeral:
            return "its OS disk is ephemeral"
        if self.locked is None:
            return "the app may not read whether it is locked"
        if self.listing.groups is None:
            return "the app may not read whether its resource group opts out"
        locked = any(f"{vm.ref.key}/".startswith(scope) for scope in self.locked)
        return "it is locked" if locked else None

    def bill(self, vm: ListedVm) -> Due:
        """Return what is due about a VM's bill."""
        return judge(self.standing(vm), self.azure.settings, self.now)


class Sweeper:
    """Sweeps, and keeps from one sweep to the next whom the last one did not reach."""

    def __init__(self, azure: Azure) -> None:
        self._azure = azure
        self._pace = Pace()
        self._unreached: set[str] = set()

    def sweep(self, since: datetime, now: datetime) -> SweepReport:
        """List what is watched, look where it is due; `since`: the sweep before this one."""
        azure, started, before = self._azure, time.monotonic(), self._azure.arm.requests
        report = SweepReport(currency=azure.prices.currency)
        group = azure.settings.image_group
        targets: set[Target] = {ManagedImageTarget(*group)} if group else set()
        for subscription in azure.settings.subscriptions:
            try:
                listing = list_subscription(azure.arm, subscription)
                locked = _locked(azure, subscription)
            except StillframeError as error:
                log.exception("subscription %s could not be listed", subscription)
                report.unlisted[subscription] = str(error)
                continue
            one = Round(azure, listing, locked, now, started + SECONDS)
            told = self._look_around(one, since, report)
            _sum_up(one, told, report)
            targets |= _targets(one)
        if since.hour != now.hour or now - since >= HOUR:
            _look_at_images(azure, targets, now, report)
        self._unreached = set(report.unreached)
        report.seconds = round(time.monotonic() - started, 3)
        report.requests = azure.arm.requests - before
        _publish(azure, report, now)
        return report

    def _look_around(self, one: Round, since: datetime, report: SweepReport) -> dict[str, Status]:
        """Look at whom it is due, those first that the last sweep did not reach.

        Return the status of each VM that was looked at, by `VmRef.key`, as it is from now on.
        """
        told: dict[str, Status] = {}
        due = [vm for vm in one.listing.vms.values() if _is_due(one, vm, since)]
        due.sort(key=lambda vm: vm.ref.id not in self._unreached)
        with ThreadPoolExecutor(WORKERS, initializer=_adopt, initargs=(copy_context(),)) as pool:
            for vm, looked in zip(due, pool.map(partial(_look, one, self._pace), due), strict=True):
                _count(report, vm, looked)
                if looked.report and looked.report.status:
                    told[vm.ref.key] = looked.report.status
                if looked.vm:
                    one.listing.vms[vm.ref.key] = looked.vm
                elif looked.gone:
                    del one.listing.vms[vm.ref.key]
        return told


def _adopt(context: Context) -> None:
    """Let a thread log as part of the invocation: the host drops lines that name none."""
    for name, value in context.items():
        name.set(value)


def _locked(azure: Azure, subscription: str) -> frozenset[str] | None:
    """Return the scopes that are locked, where that matters; None where they may not be read."""
    if azure.settings.guard_action is not GuardAction.DEALLOCATE:
        return frozenset()
    try:
        ids = [lock.id or "" for lock in azure.arm.locks(subscription)]
    except Refused as refused:
        log.warning("locks in %s: %s", subscription, refused)
        return None
    return frozenset(f"{one.lower().partition(_LOCKS)[0]}/" for one in ids)


def _is_due(one: Round, vm: ListedVm, since: datetime) -> bool:
    ordered = look_is_due(vm, one.azure.settings, since, one.now)
    return ordered or not isinstance(one.bill(vm), Nothing)


def _look(one: Round, pace: Pace, vm: ListedVm) -> Looked:
    """Look at a VM; once more when Azure says when it will be ready, and that is soon."""
    if time.monotonic() > one.until:
        return Looked(reached=False)
    pace.take(REQUESTS_A_LOOK)
    try:
        return _look_patiently(one, vm)
    except Exception as error:
        expected = isinstance(error, StillframeError)
        log.warning("look at %s failed: %s", vm.ref.id, error, exc_info=not expected)
        return Looked(failed=str(error) or type(error).__name__)


def _look_patiently(one: Round, vm: ListedVm) -> Looked:
    try:
        return _look_once(one, vm)
    except Transient as busy:
        if busy.retry_after is None or busy.retry_after > PATIENCE:
            raise
        time.sleep(busy.retry_after)
        return _look_once(one, vm)


def _look_once(one: Round, vm: ListedVm) -> Looked:
    look = first_look(one.azure.arm, vm.ref)
    if isinstance(look, Missing):
        return Looked(failed=None if look is Missing.GONE else "it may not be read")
    report = reconcile_look(one.azure, look, one.now)
    seen = _relisted(look.vm)
    settled = None if report.steps else settle(one.azure, look.vm, one.standing(seen), one.now)
    dry = one.azure.settings.dry_run
    said = {Tag.STATUS.value: report.status.value} if report.status and not dry else {}
    marked = settled.tags if settled else {}
    return Looked(replace(seen, tags={**seen.tags, **said, **marked}), report, settled)


def _relisted(vm: ObservedVm) -> ListedVm:
    ephemeral = vm.os_disk.ephemeral
    return ListedVm(vm.ref, vm.tags, vm.power, vm.provisioning, vm.machine, ephemeral)


def _count(report: SweepReport, vm: ListedVm, looked: Looked) -> None:
    if not looked.reached:
        report.unreached.append(vm.ref.id)
        return
    report.looked += 1
    if looked.report:
        log.info("look %s", looked.report.line())
    if looked.failed:
        report.failed[vm.ref.id] = looked.failed
    untold = [one.untold for one in (looked.report, looked.settled) if one and one.untold]
    if untold:
        report.untold[vm.ref.id] = "; ".join(untold)
    if looked.report and looked.report.steps:
        report.steps[vm.ref.id] = looked.report.steps
    if looked.settled and looked.settled.what != "nothing":
        report.bills[looked.settled.what] += 1


def _sum_up(one: Round, told: Mapping[str, Status], report: SweepReport) -> None:
    """Count how the subscription stands, now that all looks are done."""
    report.states.update(one.listing.states)
    report.strange |= one.listing.strange
    for vm in one.listing.vms.values():
        if is_ordered(vm, one.azure.settings) and not one.azure.settings.owns(vm.tags):
            report.others[vm.ref.id] = vm.tags[Tag.BY]
        if Tag.CAPTURE in vm.tags:
            stands = vm.tags.get(Tag.STATUS, "unanswered")
            status = told.get(vm.ref.key, stands)
            report.statuses[status] += 1
            if status != stands:
                report.unsaid[vm.ref.id] = (stands, status)
        for tags in (vm.tags, one.listing.group_tags(vm.ref)):
            if said := unreadable_exemption(tags):
                report.unreadable[vm.ref.id] = f"{Tag.COST_GUARD}: {said}"
        if vm.ref.id not in report.steps and (flagged := _flagged(one, vm)):
            report.flagged.append(flagged)


def _flagged(one: Round, vm: ListedVm) -> Flagged | None:
    """Return a VM's row in the report if it is billed while stopped, and nobody wants it so."""
    due = one.bill(vm)
    since = None if isinstance(due, Mark | Clear) else due.since
    if vm.power is not PowerState.STOPPED or (since is None and not isinstance(due, Mark)):
        return None
    if isinstance(due, Nothing) and capture_under_way(one.standing(vm), one.now):
        return None
    price = one.azure.prices.hourly(vm.machine, one.now) if vm.machine else None
    past_grace = since is not None and one.now - since >= one.azure.settings.guard_grace
    return Flagged(vm.ref.id, since, vm.machine, price, past_grace)


def _targets(one: Round) -> set[Target]:
    """Return what is ordered for in a subscription."""
    orders = (
        read_order(vm.tags, one.azure.settings, vm.ref, one.now)
        for vm in one.listing.vms.values()
        if Tag.CAPTURE in vm.tags
    )
    return {order.target for order in orders if isinstance(order, Order)}


def _look_at_images(
    azure: Azure, targets: Iterable[Target], now: datetime, report: SweepReport
) -> None:
    """Count the failed versions, each of which blocks its number; look at what nobody has told."""
    images = list_images(azure.arm, targets)
    versions = [one for one in images if isinstance(one.ref, VersionRef)]
    report.failed_versions = sum(one.provisioning == "Failed" for one in versions)
    for one in images:
        if one.source and azure.settings.owns(one.tags) and image_outcome(one, one.source, now):
            try:
                reconcile_image(azure, one.ref, now)
            except StillframeError as error:
                report.failed[one.ref.id] = str(error)


def _publish(azure: Azure, report: SweepReport, now: datetime) -> None:
    dry_run = azure.settings.dry_run
    try:
        azure.topic.publish(
            sweep_outcome(report, azure.settings.subscriptions[0], now, dryRun=dry_run)
        )
    except StillframeError:
        log.exception("the sweep's report could not be published")
