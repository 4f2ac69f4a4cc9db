"""The ledger: what has ended, and what it came to, one line of JSON for each outcome.

Pure. Takes an outcome, gives a line; takes lines, gives entries and totals. A line may be there
twice, because an outcome is published at least once: entries are told apart by their id. Lines that
cannot be read are counted, never an error: the ledger is in a storage account of the operator's.
"""

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from shared.model.instants import read_instant, write_instant
from shared.model.outcomes import Outcome, OutcomeType

type Entry = Mapping[str, Any]
"""id, type, time, subject, source, and the data of the outcome."""

KEPT = (OutcomeType.NO_LONGER_BILLED, OutcomeType.DEALLOCATED, OutcomeType.CAPTURED)
"""The outcomes that end something: a bill, a stop, a capture."""


LARGEST = 1e15
"""Numbers of entries are less: seconds and costs of one bill."""


def month_of(instant: datetime) -> str:
    """Return the month of an instant (UTC), `2026-11`."""
    return write_instant(instant)[:7]


def line_of(outcome: Outcome) -> str:
    """Return the line of an outcome, with its line end."""
    entry = {
        "id": outcome.id,
        "type": outcome.type,
        "time": write_instant(outcome.time),
        "subject": outcome.subject,
        "source": outcome.source,
        **outcome.data,
    }
    return json.dumps(entry, ensure_ascii=False) + "\n"


@dataclass(slots=True)
class Ledger:
    """The entries of a month, in the order of their times; `unreadable` counts invalid lines."""

    month: str
    entries: list[Entry] = field(default_factory=list)
    unreadable: int = 0

    def body(self) -> dict[str, Any]:
        """Return totals and entries, as JSON members."""
        return {
            "month": self.month,
            "counts": self.counts(),
            "seconds": self.seconds(),
            "costs": self.costs(),
            "licenseCosts": self.costs("x_LicenseCost"),
            "unpriced": self.unpriced(),
            "unreadable": self.unreadable,
            "entries": self.entries,
        }

    def of_type(self, kind: OutcomeType) -> list[Entry]:
        """Return the entries of one type."""
        return [entry for entry in self.entries if entry["type"] == kind]

    def counts(self) -> dict[str, int]:
        """Return how many entries there are of each type."""
        return dict(Counter(str(entry["type"]) for entry in self.entries))

    def seconds(self) -> int:
        """Return for how long VMs were billed while stopped."""
        return sum(
            round(amount(one, "seconds") or 0) for one in self.of_type(OutcomeType.NO_LONGER_BILLED)
        )

    def costs(self, column: str = "ContractedCost") -> dict[str, float]:
        """Return what that came to, by currency; without bills whose price was unknown."""
        totals: dict[str, float] = {}
        for entry in self.of_type(OutcomeType.NO_LONGER_BILLED):
            currency = str(entry.get("BillingCurrency"))
            totals[currency] = totals.get(currency, 0.0) + (amount(entry, column) or 0.0)
        return {currency: round(total, 4) for currency, total in sorted(totals.items())}

    def unpriced(self) -> int:
        """Return how many bills have no known price."""
        bills = self.of_type(OutcomeType.NO_LONGER_BILLED)
        return sum(amount(entry, "ContractedCost") is None for entry in bills)


def read_ledger(month: str, lines: Iterable[str]) -> Ledger:
    """Return the ledger of a month from its lines."""
    found: dict[str, Entry] = {}
    unreadable = 0
    for line in lines:
        entry = _entry(line)
        if entry is None:
            unreadable += bool(line.strip())
        else:
            found.setdefault(entry["id"], entry)
    return Ledger(month, sorted(found.values(), key=lambda one: str(one["time"])), unreadable)


def _entry(line: str) -> Entry | None:
    try:
        entry = json.loads(line, parse_constant=_number, parse_float=_number, parse_int=_number)
    except ValueError:
        return None
    if not isinstance(entry, dict) or not isinstance(entry.get("id"), str):
        return None
    known = any(entry.get("type") == kind for kind in OutcomeType)
    return entry if known and read_instant(str(entry.get("time"))) else None


def _number(text: str) -> float:
    """Return a number that can be added to others; raise ValueError for infinity and the like."""
    number = float(text)
    if not abs(number) < LARGEST:
        msg = f"{text:.20} is not below {LARGEST}"
        raise ValueError(msg)
    return number if "." in text or "e" in text.lower() else int(text)


def amount(entry: Entry, name: str) -> float | None:
    """Return a number of an entry; None if it is missing or not a number."""
    value = entry.get(name)
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None
