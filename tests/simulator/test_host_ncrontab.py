"""NCRONTAB expressions as the Functions host reads them."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.host.ncrontab import parse

# A Monday.
NOW = datetime(2026, 11, 23, 8, 1, 2, 500_000, tzinfo=UTC)


@pytest.mark.parametrize(
    ("expression", "following"),
    [
        ("0 */5 * * * *", "2026-11-23T08:05:00"),
        ("*/30 * * * * *", "2026-11-23T08:01:30"),
        ("2 1 8 * * *", "2026-11-24T08:01:02"),
        ("0 5/20 8 * * 1-5", "2026-11-23T08:05:00"),
        ("0 0 9-17/4 * * *", "2026-11-23T09:00:00"),
        ("0 0 9,10 * Dec *", "2026-12-01T09:00:00"),
        ("30 8 * * mon", "2026-11-23T08:30:00"),
        ("0 0 0 29 2 *", "2028-02-29T00:00:00"),
        ("0 0 9 * Ja m", "2027-01-04T09:00:00"),
        ("0 0 9 * ju *", "2027-06-01T09:00:00"),
        ("0 0 9 * * thursday", "2026-11-26T09:00:00"),
        ("0 59-57 8 * * *", "2026-11-23T08:57:00"),
        ("0 0 0 * * fri-mon", "2026-11-24T00:00:00"),
        ("*/0 2 8 * * *", "2026-11-23T08:02:00"),
        ("0   2 8 * * * ", "2026-11-23T08:02:00"),
    ],
)
def test_the_next_occurrence(expression: str, following: str) -> None:
    """Steps, ranges, lists, names and five fields mean what they mean to the host.

    A name may be any beginning of the word, of which the first counts; a reversed range is
    swapped, so that from Friday to Monday is from Monday to Friday; a step of 0 is one of 1.
    """
    assert parse(expression).after(NOW) == datetime.fromisoformat(following).replace(tzinfo=UTC)


def test_day_and_weekday_must_both_match() -> None:
    """A Friday the 13th, although other crons would take every Friday and every 13th."""
    following = parse("0 0 9 13 * FRI").after(NOW)
    assert following == datetime(2027, 8, 13, 9, tzinfo=UTC)


def test_a_day_that_never_comes_has_no_occurrence() -> None:
    """31 February is not an error, it never fires."""
    assert parse("0 0 0 31 2 *").after(NOW) is None


@pytest.mark.parametrize(
    "expression",
    [
        "",
        "* * * *",
        "* * * * * * *",
        "60 * * * * *",
        "* * * * * 7",
        "* * * 0 * *",
        "0 0 0 32 * *",
        "0 0 24 * * *",
        "a * * * * *",
        "? * * * * *",
        "0 0 0 ? * *",
        "0 0 0 L * *",
        "0 0 0 15W * *",
        "0 0 0 * * 5#2",
        "0 0 0 * * monkey",
        "0 0 0 * dex *",
        "1,,2 * * * * *",
        "1, * * * * *",
        ",1 * * * * *",
        "*/ * * * * *",
        "/5 * * * * *",
        "*/5/2 * * * * *",
        "*-5 * * * * *",
        "5- * * * * *",
        "-5 * * * * *",
        "+5 * * * * *",
        "1_0 * * * * *",
        "\u0663 * * * * *",
        "0\t0 9 * * *",
        "0\t0\t9\t*\t*\t*",
        "0 0 9 * * *\n",
        "@daily",
        "00:05:00",
    ],
)
def test_what_is_no_expression_is_refused(expression: str) -> None:
    """The host's library refuses these; other cron libraries or Python's `int` may not."""
    with pytest.raises(ValueError, match="NCRONTAB"):
        parse(expression)


@pytest.mark.parametrize(
    ("expression", "frequent"),
    [
        ("* * * * * *", True),
        ("*/30 * * * * *", True),
        ("5,10 * * * * *", True),
        ("0 * * * * *", False),
        ("*/30 */2 * * * *", False),
        ("* * * * * 1-5", False),
        ("* * * * *", False),
    ],
)
def test_schedules_of_less_than_a_minute(expression: str, *, frequent: bool) -> None:
    """Only runs that are always seconds apart have no status in the host."""
    assert parse(expression).is_frequent is frequent


@given(
    seconds=st.integers(1, 59),
    instant=st.datetimes(datetime(2020, 1, 1), datetime(2090, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001 - Hypothesis wants them naive
)
def test_occurrences_are_later_and_fit(seconds: int, instant: datetime) -> None:
    """The next occurrence is after the given time, within the minute, at an allowed second."""
    following = parse(f"*/{seconds} * * * * *").after(instant)
    assert following is not None
    assert following > instant
    assert (following - instant).total_seconds() <= 60
    assert following.second % seconds == 0
