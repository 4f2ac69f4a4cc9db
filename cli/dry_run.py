"""A sweep as a dry run, by the signed-in user: what it finds, and what is missing from it."""

import sys
from datetime import UTC, datetime, timedelta

from cli.advice import prices_unread
from cli.exit_codes import OK, TROUBLE
from cli.screen import explain, progress
from cli.words import in_the_apps_words
from shared.model.cloud import Cloud
from shared.sweep.report import SweepReport
from shared.sweep.sweeper import Sweeper

SINCE_LAST_SWEEP = timedelta(hours=1)
"""Assumed for every sweep, so that it also visits what is due once an hour."""


def swept(cloud: Cloud) -> tuple[SweepReport, datetime]:
    """Run a sweep as a dry run; return its report and its time."""
    now = datetime.now(UTC)
    with progress(cloud):
        return in_the_apps_words(Sweeper(cloud).sweep(now - SINCE_LAST_SWEEP, now)), now


def gaps(report: SweepReport) -> int:
    """Explain what could not be read; return `TROUBLE` if anything is missing."""
    explain(report.unlisted)
    if report.prices_unread:
        print(prices_unread(report.prices_unread), file=sys.stderr)
    missing = (
        *(report.unlisted, report.failed, report.unreached, report.strange),
        report.prices_unread,
    )
    return TROUBLE if any(missing) else OK
