"""The sweep: list each subscription once, visit the VMs that are due as events do.

The next subscriptions are listed while the VMs of one are visited.

Takes the subscriptions of the settings; gives a `SweepReport` and publishes it as the heartbeat.
An error of one VM or one subscription is reported, and the sweep continues. Visits run in parallel,
at a limited rate and for a limited time: the VMs that were not reached are reported, and are
visited first in the next sweep.
"""

import logging
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import Context, copy_context
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from http import HTTPStatus

from shared.capture.tell import image_outcome
from shared.costguard.enforce import enforce, locked_scopes
from shared.model.cloud import Cloud
from shared.model.errors import Refused, StillframeError, Transient, Withheld
from shared.model.facts import ListedVm, Missing
from shared.model.ids import ManagedImageTarget, Target
from shared.model.instants import write_instant
from shared.model.ledger import Ledger
from shared.model.settings import Tell
from shared.model.tags import Status, Tag
from shared.reconcile import reconcile_image
from shared.sweep.digest import digest_outcome, months_of_last_week, week_turns
from shared.sweep.left import left_versions
from shared.sweep.pace import Pace
from shared.sweep.report import SweepReport, sweep_outcome
from shared.sweep.scan import Scan
from shared.sweep.tally import Visited, count, sum_up
from shared.sweep.tidy import tidy
from shared.visit import Visit
from shared.workshop.boot import is_due

WORKERS = 4
AHEAD = 4
"""Subscriptions that are listed ahead; Azure's limits are of each subscription."""

REQUESTS_A_VISIT = 4.0
"""What a visit takes from the token bucket: a visit makes two to ten requests."""

REQUESTS_A_MARK = 2.4
"""What a mark takes: one request, but Azure allows ten writes a second, and 24 reads."""

VISITS_START_WITHIN = 420.0
"""Seconds after the start in which visits may start; the function times out after ten minutes."""

RETRY_PATIENCE = 20.0
"""The longest Retry-After, in seconds, that a visit waits for; it retries once."""

IMAGES_EVERY = timedelta(hours=1)
"""Images are listed by the first sweep of each hour, and if the last sweep is this long ago.

The report shows them; so that sweep also reads who says since when VMs are stopped.
"""

log = logging.getLogger(__name__)


class Sweeper:
    """Sweeps, and remembers the VMs that the last sweep did not reach."""

    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud
        self._pace = Pace()
        self._unreached: set[str] = set()

    def sweep(self, since: datetime, now: datetime) -> SweepReport:
        """List the subscriptions, visit the VMs that are due; `since`: when the last sweep ran."""
        cloud, started, before = self._cloud, time.monotonic(), self._cloud.requests
        report = SweepReport(currency=cloud.currency, factor=cloud.settings.guard_price_factor)
        group = cloud.settings.image_group
        targets: set[Target] = {ManagedImageTarget(*group)} if group else set()
        hourly = since.hour != now.hour or now - since >= IMAGES_EVERY
        scanning = partial(self._scan, since, now, started + VISITS_START_WITHIN, hourly=hourly)
        for subscription, scanned in _ahead(scanning, cloud.settings.subscriptions):
            try:
                scan = scanned.result()
            except StillframeError as error:
                log.exception("subscription %s could not be listed", subscription)
                report.unlisted[subscription] = str(error)
                continue
            told = self._visit_all(scan, report)
            sum_up(scan, told, cloud, report)
            tidy(cloud, subscription, now, report)
            targets |= scan.targets()
        if hourly:
            _look_at_images(cloud, targets, now, report)
        report.prices_unread = cloud.prices_unread(now)
        self._unreached = set(report.unreached)
        report.seconds = round(time.monotonic() - started, 3)
        report.requests = cloud.requests - before
        if cloud.settings.guard_tell is Tell.WEEKLY and week_turns(since, now):
            _publish_digest(cloud, report, now)
        _publish(cloud, report, now)
        return report

    def _scan(
        self, since: datetime, now: datetime, until: float, subscription: str, *, hourly: bool
    ) -> Scan:
        """List a subscription; its locks, and since when VMs are stopped, only if that matters."""
        cloud = self._cloud
        listing = cloud.vms(subscription)
        ours = [key for key, vm in listing.vms.items() if cloud.settings.in_workshop(vm.ref)]
        for key in ours:
            del listing.vms[key]
        scan = Scan(listing, frozenset(), cloud.settings, since, now, until)
        if scan.wants_any_off():
            scan = replace(scan, locked=locked_scopes(cloud, subscription))
        if scan.wants_since(reported=hourly):
            scan = replace(scan, stops=cloud.stops(subscription))
        return scan

    def _visit_all(self, scan: Scan, report: SweepReport) -> dict[str, Status]:
        """Visit the VMs that are due, first those that the last sweep did not reach.

        Return the new status of each order that was visited, by `VmRef.key`. The scan's list has
        the visited VMs as they are after their visits.
        """
        told: dict[str, Status] = {}
        vms = scan.listing.vms
        due = sorted(scan.due(), key=lambda vm: vm.ref.id not in self._unreached)
        visit = partial(_visit, self._cloud, scan, self._pace)
        with ThreadPoolExecutor(WORKERS, initializer=_adopt, initargs=(copy_context(),)) as pool:
            for vm, visited in zip(due, pool.map(visit, due), strict=True):
                count(report, vm, visited)
                if visited.report and visited.report.status:
                    told[vm.ref.key] = visited.report.status
                if visited.vm:
                    vms[vm.ref.key] = visited.vm
                elif visited.gone:
                    del vms[vm.ref.key]
        return told


def _ahead(
    scan: Callable[[str], Scan], subscriptions: Iterable[str]
) -> Iterator[tuple[str, Future[Scan]]]:
    """Yield the scan of each subscription; the next ones are listed while it is worked on."""
    waiting: deque[tuple[str, Future[Scan]]] = deque()
    pool = ThreadPoolExecutor(AHEAD, initializer=_adopt, initargs=(copy_context(),))
    try:
        for subscription in subscriptions:
            waiting.append((subscription, pool.submit(scan, subscription)))
            if len(waiting) > AHEAD:
                yield waiting.popleft()
        while waiting:
            yield waiting.popleft()
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def _adopt(context: Context) -> None:
    """Give a thread the invocation's context: the host drops log lines without an invocation."""
    for name, value in context.items():
        name.set(value)


def _visit(cloud: Cloud, scan: Scan, pace: Pace, vm: ListedVm) -> Visited:
    """Visit a VM; retry once if Azure sends a short Retry-After (`RETRY_PATIENCE`)."""
    if time.monotonic() > scan.until:
        return Visited(reached=False)
    since = scan.known_since(vm)
    pace.take(REQUESTS_A_MARK if since else REQUESTS_A_VISIT)
    try:
        if since:
            return _mark(cloud, vm, since)
        return _visit_patiently(cloud, scan, vm)
    except Exception as error:
        expected = isinstance(error, StillframeError)
        log.warning("look at %s failed: %s", vm.ref.id, error, exc_info=not expected)
        return Visited(failed=str(error) or type(error).__name__)


def _mark(cloud: Cloud, vm: ListedVm, since: datetime) -> Visited:
    """Mark a VM without a look: what marks it is in the lists, and the next sweep looks again."""
    words = {Tag.BILLED_SINCE.value: write_instant(since)}
    try:
        cloud.tag_vm(vm.ref, words)
    except Withheld:
        log.info("dry run: would mark %s", vm.ref.id)
        return Visited(vm, bill="would mark", unwritten="dry run")
    except (Refused, Transient) as error:
        if isinstance(error, Refused) and error.status == HTTPStatus.NOT_FOUND:
            return Visited()
        log.warning("not done: mark %s: %s", vm.ref.id, error)
        return Visited(vm, bill="mark", unwritten=str(error))
    return Visited(replace(vm, tags={**vm.tags, **words}), bill="mark")


def _visit_patiently(cloud: Cloud, scan: Scan, vm: ListedVm) -> Visited:
    try:
        return _visit_once(cloud, scan, vm)
    except Transient as busy:
        if busy.retry_after is None or busy.retry_after > RETRY_PATIENCE:
            raise
        time.sleep(busy.retry_after)
        return _visit_once(cloud, scan, vm)


def _visit_once(cloud: Cloud, scan: Scan, vm: ListedVm) -> Visited:
    look = cloud.look(vm.ref)
    if isinstance(look, Missing):
        return Visited(failed=None if look is Missing.GONE else "no permission to read the VM")
    visit = Visit(cloud, look, scan.now)
    report = visit.run()
    seen = visit.look.vm
    if report.steps:
        return Visited(seen.listed, report)
    enforced = enforce(cloud, seen, scan.standing(seen.listed), scan.now)
    return Visited(enforced.vm.listed, report, enforced.what, enforced.untold)


def _look_at_images(
    cloud: Cloud, targets: Iterable[Target], now: datetime, report: SweepReport
) -> None:
    """Note the versions that are left behind; publish outcomes that are not published."""
    images = cloud.images(targets)
    report.left_versions = left_versions(images)
    report.images = [replace(image, body=b"") for image in images]
    for image in images:
        ours = cloud.settings.owns(image.tags)
        if ours and image.source and (is_due(image) or image_outcome(image, image.source, now)):
            try:
                reconcile_image(cloud, image.ref, now)
            except StillframeError as error:
                report.failed[image.ref.id] = str(error)


def _publish_digest(cloud: Cloud, report: SweepReport, now: datetime) -> None:
    ledgers = _ledgers_of_last_week(cloud, now)
    try:
        cloud.publish(digest_outcome(report, ledgers, cloud.settings.subscriptions[0], now))
    except Withheld:
        log.info("dry run: would publish the week's digest")
    except StillframeError:
        log.exception("the week's digest could not be published")


def _ledgers_of_last_week(cloud: Cloud, now: datetime) -> list[Ledger] | None:
    """Return the ledgers of the last week's months; None if there are none to read."""
    if not cloud.settings.ledger:
        return None
    try:
        return [cloud.ledger_of(month) for month in months_of_last_week(now)]
    except StillframeError as error:
        log.warning("the digest is without what ended: the ledger cannot be read: %s", error)
        return None


def _publish(cloud: Cloud, report: SweepReport, now: datetime) -> None:
    dry_run = cloud.settings.dry_run
    try:
        cloud.publish(sweep_outcome(report, cloud.settings.subscriptions[0], now, dryRun=dry_run))
    except StillframeError:
        log.exception("the sweep's report could not be published")
