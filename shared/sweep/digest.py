"""The week's digest: all VMs that are billed while stopped, and what ended in the week before.

Pure. One outcome event for each week (ISO 8601, UTC), by the first sweep after its beginning, if
`COST_GUARD_TELL` is `weekly`. Its id derives from the week, so that a repeat can be dropped.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from shared.model.instants import read_instant, write_instant
from shared.model.ledger import Ledger, month_of
from shared.model.outcomes import Outcome, OutcomeType, event_id
from shared.sweep.report import SHOWN, SweepReport

WEEK = timedelta(days=7)
DAYS_A_WEEK = 7


def week_turns(since: datetime, now: datetime) -> bool:
    """Whether a week has begun since the last sweep."""
    return _week(since) != _week(now)


def months_of_last_week(now: datetime) -> list[str]:
    """Return the months that the week before lies in."""
    begin = _begin(now) - WEEK
    return sorted({month_of(begin), month_of(begin + WEEK - timedelta(microseconds=1))})


def digest_outcome(
    report: SweepReport, ledgers: Iterable[Ledger] | None, subscription: str, now: datetime
) -> Outcome:
    """Return the digest; `ledgers` are those of the last week's months, None if there are none."""
    source = f"/subscriptions/{subscription}"
    body = report.body(now)
    named = ("flagged", "flaggedCount", "unpriced", "BillingCurrency", "x_PriceFactor", "version")
    data = {
        "week": _week(now),
        **{name: body[name] for name in named},
        "contractedCostPerWeek": round(report.per_day * report.factor * DAYS_A_WEEK, 2),
        "licenseCostPerWeek": round(report.licences_per_day * report.factor * DAYS_A_WEEK, 2),
        "shown": min(SHOWN, len(report.flagged)),
        "ended": None if ledgers is None else _ended(ledgers, now),
    }
    happened = event_id(OutcomeType.DIGEST, source, _week(now))
    return Outcome(happened, OutcomeType.DIGEST, source, "cost guard", now, data)


def _ended(ledgers: Iterable[Ledger], now: datetime) -> dict[str, Any]:
    """Return what ended in the week before: counts, seconds and costs."""
    end = _begin(now)
    week = Ledger(f"{_week(end - WEEK)}")
    for ledger in ledgers:
        for entry in ledger.entries:
            at = read_instant(str(entry["time"]))
            if at and end - WEEK <= at < end:
                week.entries.append(entry)
    return {
        "since": write_instant(end - WEEK),
        "until": write_instant(end),
        "counts": week.counts(),
        "seconds": week.seconds(),
        "costs": week.costs(),
        "licenseCosts": week.costs("x_LicenseCost"),
    }


def _begin(now: datetime) -> datetime:
    """Return when the week of an instant began: Monday, midnight UTC."""
    day = now.replace(hour=0, minute=0, second=0, microsecond=0)
    return day - timedelta(days=day.weekday())


def _week(now: datetime) -> str:
    """Return the week of an instant, `2026-W48`."""
    year, week, _ = now.isocalendar()
    return f"{year}-W{week:02}"
