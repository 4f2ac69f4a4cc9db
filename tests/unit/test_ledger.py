"""The ledger's lines: what is kept, what is read again, and what it comes to."""

import json
from dataclasses import replace
from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from shared.model.ledger import KEPT, line_of, month_of, read_ledger
from shared.model.outcomes import Outcome, OutcomeType
from tests.unit.making import NOW, REF

BILL = Outcome(
    id="a",
    type=OutcomeType.NO_LONGER_BILLED,
    source=REF.id,
    subject=REF.name,
    time=NOW,
    data={"seconds": 3600, "ContractedCost": 0.5, "BillingCurrency": "EUR", "owner": "é\n\u2028"},
)


def test_a_line_is_read_as_it_was_written() -> None:
    """One line of JSON, whatever its texts contain."""
    line = line_of(BILL)
    assert (line.count("\n"), line[-1]) == (1, "\n")
    (entry,) = read_ledger("2026-05", [line]).entries
    assert entry == {
        "id": "a",
        "type": "Stillframe.VmNoLongerBilled",
        "time": "2026-05-04T10:00:00.000Z",
        "subject": REF.name,
        "source": REF.id,
        **BILL.data,
    }


def test_a_month_is_utc() -> None:
    """Of the instant of the outcome."""
    assert month_of(datetime(2026, 12, 31, 23, 59, tzinfo=UTC)) == "2026-12"


def test_a_repetition_counts_once() -> None:
    """Outcomes are published at least once; their id tells them apart."""
    again = line_of(replace(BILL, data={**BILL.data, "seconds": 1}))
    ledger = read_ledger("2026-05", [line_of(BILL), again])
    assert (len(ledger.entries), ledger.seconds(), ledger.unreadable) == (1, 3600, 0)


def test_totals_are_by_currency() -> None:
    """An unknown price is no zero: it is counted beside them."""
    others = [
        replace(BILL, id="b", data={**BILL.data, "BillingCurrency": "USD"}),
        replace(BILL, id="c"),
        replace(BILL, id="d", data={**BILL.data, "ContractedCost": None}),
        replace(BILL, id="e", type=OutcomeType.DEALLOCATED),
    ]
    ledger = read_ledger("2026-05", [line_of(one) for one in (BILL, *others)])
    assert ledger.costs() == {"EUR": 1.0, "USD": 0.5}
    assert (ledger.seconds(), ledger.unpriced()) == (4 * 3600, 1)
    assert ledger.counts() == {"Stillframe.VmNoLongerBilled": 4, "Stillframe.VmDeallocated": 1}


def test_rubbish_is_counted_and_harms_nothing() -> None:
    """Somebody may write into the blob: no JSON, no entry, another type, no time, no number."""
    rubbish = [
        "rubbish",
        "[]",
        "7",
        '{"id": 7}',
        json.dumps({"id": "x", "type": "Other", "time": "2026-05-04T10:00:00Z"}),
        json.dumps({"id": "x", "type": "Stillframe.ImageCaptured", "time": "noon"}),
        json.dumps({"id": "x", "type": [], "time": "2026-05-04T10:00:00Z"}),
        *(line_of(BILL).replace("0.5", f"{many}") for many in ("Infinity", "NaN", "1e999")),
        line_of(BILL).replace("3600", "9" * 400),
        "",
    ]
    ledger = read_ledger("2026-05", [*rubbish, line_of(BILL)])
    assert (len(ledger.entries), ledger.unreadable) == (1, 11)
    assert (ledger.seconds(), ledger.costs()) == (3600, {"EUR": 0.5})


@given(st.lists(st.text(max_size=80), max_size=20))
def test_no_content_makes_reading_fail(lines: list[str]) -> None:
    """Whatever is in the blob."""
    ledger = read_ledger("2026-05", lines)
    assert len(ledger.entries) + ledger.unreadable <= len(lines)
    assert ledger.costs() == {}


def test_what_ends_something_is_kept() -> None:
    """Neither alerts nor heartbeats nor refusals."""
    assert {kind.value for kind in KEPT} == {
        "Stillframe.VmNoLongerBilled",
        "Stillframe.VmDeallocated",
        "Stillframe.ImageCaptured",
    }
