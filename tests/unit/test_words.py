"""The tag `stillframe-cost-guard`: what each value means."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.costguard.words import Exempt, Invalid, Off, Word, read_word
from shared.model.tags import Tag
from tests.unit.making import NOW


def word(text: str, now: datetime = NOW) -> Word | None:
    """Read one value of the tag."""
    return read_word({Tag.COST_GUARD.value: text}, now)


@pytest.mark.parametrize("text", ["ignore", "Ignore", " IGNORE ", "ignore-until-2026-05-05"])
def test_ignore_exempts(text: str) -> None:
    """In any case, for good or until a day."""
    assert word(text) == Exempt()


def test_a_snooze_ends_with_its_day() -> None:
    """`ignore-until` with a date exempts until that day begins in UTC, and is no word then."""
    midnight = datetime(2026, 5, 5, tzinfo=UTC)
    assert word("ignore-until-2026-05-05", midnight - timedelta(seconds=1)) == Exempt()
    assert word("ignore-until-2026-05-05", midnight) is None


@pytest.mark.parametrize(
    ("text", "after"),
    [
        ("deallocate", timedelta(0)),
        ("Deallocate-After-PT15M", timedelta(minutes=15)),
        ("deallocate-after-p1dt2h", timedelta(days=1, hours=2)),
        ("deallocate-after-PT0M", timedelta(0)),
    ],
)
def test_deallocate_has_a_time(text: str, after: timedelta) -> None:
    """At once, or after an ISO 8601 duration."""
    assert word(text) == Off(after, text.lower())


@pytest.mark.parametrize("text", ["", "  "])
def test_an_empty_tag_is_no_word(text: str) -> None:
    """Like a tag that is not there."""
    assert word(text) is None
    assert read_word({}, NOW) is None


@pytest.mark.parametrize(
    "text",
    [
        *("please", "2026-05-05", "ignore-until-tomorrow", "ignore-until-2026-02-30"),
        *("deallocate-after-", "deallocate-after-soon", "deallocate-after-15", "deallocated"),
        *(
            "deallocate-after-PT",
            "deallocate-after--PT5M",
            "ignore deallocate",
            "ignore,deallocate",
        ),
    ],
)
def test_anything_else_is_invalid(text: str) -> None:
    """Two words at once included: nobody knows which is meant."""
    assert word(text) == Invalid(text.lower())


@given(st.text(max_size=256))
def test_no_value_raises(text: str) -> None:
    """Whatever people write, it is a word, no word, or invalid."""
    assert isinstance(word(text), Exempt | Off | Invalid | None)
