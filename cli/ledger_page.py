"""A month's ledger -> what people see of it: bills, deallocations, captures, and the totals.

Pure. Entries are as they were written into the storage account, so any value may be invalid.
"""

import argparse
import re
from collections.abc import Mapping

from rich.console import RenderableType
from rich.text import Text

from cli.tables import UNKNOWN, Naming, filled, money_text, table_of, without_empty
from shared.costguard.bill import SECONDS_AN_HOUR
from shared.model.instants import read_instant
from shared.model.ledger import Entry, Ledger, amount
from shared.model.outcomes import OutcomeType
from shared.page.names import instant_text

_MONTH = re.compile(r"20\d\d-(0[1-9]|1[0-2])")


def read_month(text: str) -> str:
    """Return a month unchanged, `2026-11`; raise `ArgumentTypeError` if it is not one."""
    if not _MONTH.fullmatch(text):
        msg = f"{text!r} is not a month, for example 2026-11"
        raise argparse.ArgumentTypeError(msg)
    return text


def ledger_page(ledger: Ledger, name: Naming) -> list[RenderableType]:
    """Return the tables of what has ended, and a sentence with the totals."""
    bills = table_of(f"No longer billed, {ledger.month}", "VM", "since", "until")
    for column in ("hours", "cost", "licence"):
        bills.add_column(column, justify="right")
    over = ledger.of_type(OutcomeType.NO_LONGER_BILLED)
    filled(bills, (_bill_cells(entry, name) for entry in over))
    off = table_of("Deallocated by Stillframe", "VM", "at", "whose word", "word", "saves")
    filled(off, (_off_cells(entry, name) for entry in ledger.of_type(OutcomeType.DEALLOCATED)))
    images = table_of("Captured", "VM", "at", "image")
    filled(images, (_image_cells(entry, name) for entry in ledger.of_type(OutcomeType.CAPTURED)))
    return without_empty([bills, off, images, Text(_totals(ledger))])


def _bill_cells(entry: Entry, name: Naming) -> tuple[str, ...]:
    return (
        name(str(entry.get("ResourceId"))),
        _at(entry, "ChargePeriodStart"),
        _at(entry, "ChargePeriodEnd"),
        f"{(amount(entry, 'seconds') or 0) / SECONDS_AN_HOUR:.2f}",
        f"{money_text(amount(entry, 'ContractedCost'))} {entry.get('BillingCurrency')}",
        money_text(amount(entry, "x_LicenseCost")),
    )


def _off_cells(entry: Entry, name: Naming) -> tuple[str, ...]:
    told = (str(entry.get(member)) for member in ("whoseWord", "word", "savedPerHour"))
    return name(str(entry.get("ResourceId"))), _at(entry, "ChargePeriodEnd"), *told


def _image_cells(entry: Entry, name: Naming) -> tuple[str, ...]:
    vm, image = _member(entry, "vm", "id"), _member(entry, "image", "label")
    return name(vm), _at(entry, "time"), image


def _member(entry: Entry, outer: str, inner: str) -> str:
    within = entry.get(outer)
    return str(within.get(inner)) if isinstance(within, Mapping) else UNKNOWN


def _at(entry: Entry, member: str) -> str:
    at = read_instant(str(entry.get(member)))
    return instant_text(at) if at else UNKNOWN


def _totals(ledger: Ledger) -> str:
    """Return the totals of a month, and what they do not have."""
    if not ledger.entries and not ledger.unreadable:
        return f"{ledger.month}: the ledger has no entry."
    hours = f"{ledger.seconds() / SECONDS_AN_HOUR:.2f}"
    parts = [f"{ledger.month}: {hours} hours billed while stopped, {_sum(ledger.costs())} in all"]
    licences = ledger.costs("x_LicenseCost")
    if any(licences.values()):
        parts.append(f"{_sum(licences)} more if Azure billed Windows licences")
    if ledger.unpriced():
        parts.append(f"{ledger.unpriced()} without a known price")
    if ledger.unreadable:
        parts.append(f"{ledger.unreadable} lines of the ledger are invalid")
    return "; ".join(parts) + "."


def _sum(costs: Mapping[str, float]) -> str:
    return ", ".join(f"{cost:.2f} {currency}" for currency, cost in costs.items()) or "nothing"
