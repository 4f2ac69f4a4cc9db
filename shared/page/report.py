"""A sweep's report -> the HTML file that people see, and its place in the app's own storage.

Reads what the file shows besides: this month's ledger, and the screenshots of boot tests. What
cannot be read is told in the file, or left out, and never an error.
"""

import logging
from collections import Counter
from collections.abc import Iterable
from datetime import datetime

from shared.model.cloud import Cloud
from shared.model.errors import StillframeError, Withheld
from shared.model.facts import Boot, ObservedImage
from shared.model.ledger import Ledger, month_of
from shared.model.tags import SourceTag
from shared.page.html import report_html
from shared.page.lanes import PICTURES_LARGEST
from shared.page.names import Names
from shared.page.orders import Row, orders
from shared.page.thumbnail import thumbnail
from shared.page.view import view
from shared.sweep.report import SweepReport

SCREENSHOTS = 12
"""How many are read for one report."""

log = logging.getLogger(__name__)


def keep_page(cloud: Cloud, report: SweepReport, now: datetime) -> None:
    """Keep the report of a sweep that has listed the images, which one does each hour."""
    if not cloud.settings.report or report.left_versions is None:
        return
    try:
        cloud.keep_page(report_page(cloud, report, now, now, Names()))
    except Withheld:
        log.info("dry run: would keep the report")
    except StillframeError as error:
        log.warning("the report could not be kept: %s", error)
    except Exception:
        log.exception("the report could not be made")  # the sweep is done, whatever this is


def report_page(
    cloud: Cloud, report: SweepReport, now: datetime, reported: datetime | None, names: Names
) -> bytes:
    """Return the file; `reported` is when the app last kept a report, None if not known."""
    rows = orders(report.ordered)
    pictures = {} if names.masked else _pictures(cloud, rows, report.images)
    seen = view(
        report,
        rows,
        _ledger(cloud, now),
        cloud.settings,
        now,
        reported=reported,
        pictures=pictures,
        names=names,
    )
    return report_html(seen)


def _ledger(cloud: Cloud, now: datetime) -> Ledger | str:
    """Return this month's ledger, or why there is none."""
    if not cloud.settings.ledger:
        return "This app keeps no ledger (LEDGER)."
    try:
        return cloud.ledger_of(month_of(now))
    except StillframeError as error:
        return f"The ledger could not be read: {error}"


def _pictures(
    cloud: Cloud, rows: Iterable[Row], images: Iterable[ObservedImage]
) -> dict[str, bytes]:
    """Return small screenshots by URL, as long as the file stays small enough to mail.

    First those of images that do not boot.
    """
    shown = Counter(row["image"] for row in rows)
    of_orders = [image for image in images if image.ref.label in shown]
    urls = {
        image.tags[SourceTag.BOOT_PICTURE]: shown[image.ref.label]
        for image in sorted(of_orders, key=lambda image: image.boot is Boot.BOOTED)
        if SourceTag.BOOT_PICTURE in image.tags
    }
    found: dict[str, bytes] = {}
    left = PICTURES_LARGEST
    for url, times in list(urls.items())[:SCREENSHOTS]:
        small = thumbnail(_picture(cloud, url))
        if small and len(small) * times <= left:
            found[url] = small
            left -= len(small) * times
    return found


def _picture(cloud: Cloud, url: str) -> bytes:
    try:
        return cloud.picture(url)
    except StillframeError as error:
        log.info("the screenshot %s could not be read: %s", url, error)
        return b""
