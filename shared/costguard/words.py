"""The tag `stillframe-cost-guard` on a VM or its resource group: its value -> a `Word`.

Pure. Values are read in any case:

| value                     | word                                                      |
|---------------------------|-----------------------------------------------------------|
| `ignore`                  | `Exempt`: neither flagged nor deallocated                 |
| `ignore-until-2026-12-31` | the same until that day begins (UTC), then no word        |
| `deallocate`              | `Off`: deallocate it as soon as it is stopped             |
| `deallocate-after-PT15M`  | the same, after it was stopped for that long              |
| empty, or no tag          | no word                                                   |
| anything else             | `Invalid`: reported, and the VM is not deallocated        |
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from shared.model.errors import Misconfigured
from shared.model.tags import Tag
from shared.model.values import read_duration

IGNORE = "ignore"
IGNORE_UNTIL = "ignore-until-"
DEALLOCATE = "deallocate"
DEALLOCATE_AFTER = "deallocate-after-"


@dataclass(frozen=True, slots=True)
class Exempt:
    """The cost guard leaves the VM alone."""


@dataclass(frozen=True, slots=True)
class Off:
    """A stopped VM is to be deallocated, `after` it was stopped that long."""

    after: timedelta
    text: str


@dataclass(frozen=True, slots=True)
class Invalid:
    """A value that means nothing."""

    text: str


type Word = Exempt | Off | Invalid


def read_word(tags: Mapping[str, str], now: datetime) -> Word | None:
    """Return the word of these tags; None without one, or if its day has come."""
    text = tags.get(Tag.COST_GUARD, "").strip().lower()
    if not text:
        return None
    if text == IGNORE:
        return Exempt()
    if text == DEALLOCATE:
        return Off(timedelta(0), text)
    if text.startswith(IGNORE_UNTIL):
        return _until(text, now)
    if text.startswith(DEALLOCATE_AFTER):
        return _after(text)
    return Invalid(text)


def _until(text: str, now: datetime) -> Word | None:
    try:
        day = date.fromisoformat(text.removeprefix(IGNORE_UNTIL))
    except ValueError:
        return Invalid(text)
    return Exempt() if now < datetime.combine(day, time.min, UTC) else None


def _after(text: str) -> Word:
    try:
        return Off(read_duration(Tag.COST_GUARD, text.removeprefix(DEALLOCATE_AFTER).upper()), text)
    except Misconfigured:
        return Invalid(text)
