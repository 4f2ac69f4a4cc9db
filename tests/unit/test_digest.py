"""The week's digest: once a week, with what is billed and what ended."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from shared.costguard.bill import Rate
from shared.model.errors import Transient
from shared.model.facts import Machine, Price
from shared.model.ledger import line_of, read_ledger
from shared.model.outcomes import Outcome, OutcomeType
from shared.model.settings import Tell
from shared.sweep.digest import digest_outcome, months_of_last_week, week_turns
from shared.sweep.report import Flagged, SweepReport
from shared.sweep.sweeper import Sweeper
from tests.unit.fake_cloud import FakeCloud
from tests.unit.making import REF, SUBSCRIPTION, settings

MONDAY = datetime(2026, 11, 30, tzinfo=UTC)
MACHINE = Machine("Standard_D4s_v5", "westeurope", "Windows")
RATE = Rate(price=Price(0.5, 0.25), currency="EUR", factor=0.5)


def ended(at: datetime, number: str) -> str:
    """Make the line of a bill that ended."""
    data = {"seconds": 3600, "ContractedCost": 1.5, "BillingCurrency": "EUR"}
    kind = OutcomeType.NO_LONGER_BILLED
    return line_of(Outcome(number, kind, REF.id, REF.name, at, data))


def digest(lines: list[str] | None = None) -> dict[str, Any]:
    """Return the data of a digest with one flagged VM."""
    report = SweepReport(currency="EUR", factor=0.5)
    report.flagged = [Flagged(REF, MONDAY - timedelta(days=2), MACHINE, RATE, past_grace=True)]
    ledgers = None if lines is None else [read_ledger("2026-11", lines)]
    return dict(digest_outcome(report, ledgers, SUBSCRIPTION, MONDAY).data)


def test_it_has_what_is_billed_and_what_a_week_of_it_costs() -> None:
    """The licence beside it, the discount in it."""
    data = digest([])
    assert (data["week"], data["flaggedCount"]) == ("2026-W49", 1)
    assert (data["contractedCostPerWeek"], data["licenseCostPerWeek"]) == (42.0, 21.0)
    assert [row["ResourceId"] for row in data["flagged"]] == [REF.id]


def test_it_has_what_ended_in_the_week_before() -> None:
    """From Monday to Monday, UTC; unknown where the ledger cannot be read."""
    instants = [
        MONDAY - timedelta(days=7, seconds=1),
        MONDAY - timedelta(days=7),
        MONDAY - timedelta(seconds=1),
        MONDAY,
    ]
    data = digest([ended(at, str(number)) for number, at in enumerate(instants)])["ended"]
    assert (data["seconds"], data["costs"]) == (7200, {"EUR": 3.0})
    assert data["since"] == "2026-11-23T00:00:00.000Z"
    assert digest(None)["ended"] is None


def test_a_week_has_one_id() -> None:
    """A sweep that runs twice publishes nothing new."""
    first, again, next_week = (
        digest_outcome(SweepReport(), [], SUBSCRIPTION, MONDAY + timedelta(days=days)).id
        for days in (0, 6, 7)
    )
    assert first == again != next_week


@pytest.mark.parametrize(
    ("since", "now", "turns"),
    [
        (MONDAY - timedelta(minutes=5), MONDAY, True),
        (MONDAY, MONDAY + timedelta(minutes=5), False),
        (MONDAY - timedelta(days=2), MONDAY + timedelta(days=2), True),
    ],
)
def test_it_comes_with_the_first_sweep_of_a_week(
    since: datetime, now: datetime, *, turns: bool
) -> None:
    """Whenever that runs."""
    assert week_turns(since, now) is turns


def test_a_week_may_lie_in_two_months() -> None:
    """Both ledgers are read."""
    assert months_of_last_week(datetime(2026, 12, 7, tzinfo=UTC)) == ["2026-11", "2026-12"]
    assert months_of_last_week(MONDAY) == ["2026-11"]


@pytest.mark.parametrize("tell", list(Tell))
def test_it_comes_by_choice(tell: Tell) -> None:
    """Beside the heartbeat; an error of the topic ends no sweep."""
    cloud = FakeCloud(settings=settings(guard_tell=tell))
    Sweeper(cloud).sweep(MONDAY - timedelta(minutes=5), MONDAY)
    kinds = [outcome.type for outcome in cloud.published]
    expected = [OutcomeType.DIGEST] if tell is Tell.WEEKLY else []
    assert kinds == [*expected, OutcomeType.SWEPT]
    failing = FakeCloud(settings=settings(guard_tell=tell), raises={"publish": Transient("no")})
    Sweeper(failing).sweep(MONDAY - timedelta(minutes=5), MONDAY)


def test_a_dry_run_publishes_none() -> None:
    """Its heartbeat alone."""
    cloud = FakeCloud(settings=settings(guard_tell=Tell.WEEKLY, dry_run=True))
    Sweeper(cloud).sweep(MONDAY - timedelta(minutes=5), MONDAY)
    assert [outcome.type for outcome in cloud.published] == [OutcomeType.SWEPT]
