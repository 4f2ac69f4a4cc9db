"""NCRONTAB as the Functions host reads it: six fields, all of which must match.

Takes an expression like `0 */5 * * * 1-5` and gives its instants. Written here because the cron
libraries implement Vixie's rule (day of month OR weekday); the host's own library requires both,
and supports neither `L` nor `W` nor `#` nor a Sunday written as 7.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

MONTHS = (
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
)
DAYS = ("sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday")

# Eight years hold every 29 February, also across 2100.
HORIZON_DAYS = 8 * 366


@dataclass(frozen=True)
class Schedule:
    """The allowed values of each field; weekdays count from Sunday = 0."""

    seconds: tuple[int, ...]
    minutes: tuple[int, ...]
    hours: tuple[int, ...]
    days: tuple[int, ...]
    months: tuple[int, ...]
    weekdays: tuple[int, ...]

    def after(self, instant: datetime) -> datetime | None:
        """Return the first occurrence later than `instant`; None when there never is one."""
        for day in _days_from(instant.date()):
            if not self._names(day):
                continue
            for at in self._times():
                occurrence = datetime.combine(day, at, tzinfo=instant.tzinfo)
                if occurrence > instant:
                    return occurrence
        return None

    @property
    def is_frequent(self) -> bool:
        """Whether it comes more than once a minute: the host keeps no status of such a one."""
        everywhere = all(
            len(values) == full
            for values, full in (
                (self.minutes, 60),
                (self.hours, 24),
                (self.days, 31),
                (self.months, 12),
                (self.weekdays, 7),
            )
        )
        return everywhere and len(self.seconds) > 1

    def _names(self, day: date) -> bool:
        return (
            day.month in self.months
            and day.day in self.days
            and day.isoweekday() % 7 in self.weekdays
        )

    def _times(self) -> Iterator[time]:
        for hour in self.hours:
            for minute in self.minutes:
                for second in self.seconds:
                    yield time(hour, minute, second)


def _days_from(first: date) -> Iterator[date]:
    return (first + timedelta(days=ahead) for ahead in range(HORIZON_DAYS))


def parse(expression: str) -> Schedule:
    """Read an expression of six fields, or of five with the seconds at 0; else ValueError.

    Only spaces part the fields, as to the host's library; tabs and line ends do not.
    """
    fields = [field for field in expression.split(" ") if field]
    if len(fields) == 5:  # noqa: PLR2004 - a crontab of the classic form, which the host takes too
        fields.insert(0, "0")
    try:
        second, minute, hour, day, month, weekday = fields
        return Schedule(
            _values(second, 0, 59),
            _values(minute, 0, 59),
            _values(hour, 0, 23),
            _values(day, 1, 31),
            _values(month, 1, 12, MONTHS),
            _values(weekday, 0, 6, DAYS),
        )
    except ValueError as error:
        msg = f"'{expression}' is not an NCRONTAB expression of six fields: {error}"
        raise ValueError(msg) from error


def _values(field: str, low: int, high: int, names: tuple[str, ...] = ()) -> tuple[int, ...]:
    allowed: set[int] = set()
    for part in field.split(","):
        span, slash, step = part.partition("/")
        every = _number(step) if slash else 1
        first, last = _span(span, low, high, names)
        if slash and span != "*" and "-" not in span:
            last = high
        # A step of 0 counts as 1.
        allowed.update(range(first, last + 1, every or 1))
    return tuple(sorted(allowed))


def _span(span: str, low: int, high: int, names: tuple[str, ...]) -> tuple[int, int]:
    """Read `*`, a value or a range; a range told backwards is turned round, as by the host."""
    if span == "*":
        return low, high
    first, dash, last = span.partition("-")
    bounds = sorted([_value(first, low, names), _value(last if dash else first, low, names)])
    if not low <= bounds[0] <= bounds[1] <= high:
        msg = f"{span} is not within {low}-{high}"
        raise ValueError(msg)
    return bounds[0], bounds[1]


def _value(word: str, low: int, names: tuple[str, ...]) -> int:
    """Read a number, or a name by any beginning of it: the first name that begins so is meant."""
    if word[:1].isdecimal() or not word:
        return _number(word)
    for number, name in enumerate(names, start=low):
        if name.startswith(word.lower()):
            return number
    msg = f"{word} is not a value of this field"
    raise ValueError(msg)


def _number(word: str) -> int:
    """Read digits alone: `int` also takes underscores, signs, spaces and the digits of others."""
    if not re.fullmatch(r"[0-9]{1,9}", word):
        msg = f"'{word}' is not a number"
        raise ValueError(msg)
    return int(word)
