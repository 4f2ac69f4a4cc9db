"""`stillframe ledger`: what has ended in a month, from the app's own storage."""

import argparse
import json
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from rich.console import Console

from cli.ledger_page import ledger_page, read_month
from cli.tables import naming
from shared.model.ledger import line_of, read_ledger
from simulator.simulator import Simulator
from tests.cli.commands import run
from tests.unit.making import SUBSCRIPTION
from tests.unit.test_ledger import BILL


@pytest.fixture(scope="module")
def subscription(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Simulator]:
    """Give a subscription whose app has kept nothing yet."""
    with Simulator(speed=1, state_dir=tmp_path_factory.mktemp("cli")) as simulator:
        yield simulator


def shown(*lines: str) -> str:
    """Show a ledger with these lines."""
    console = Console(width=150)
    with console.capture() as captured:
        for part in ledger_page(read_ledger("2026-05", lines), naming([SUBSCRIPTION])):
            console.print(part)
    return captured.get()


def test_an_empty_month_says_so(subscription: Simulator) -> None:
    """There is no container yet: that is no error."""
    named = {"SUBSCRIPTIONS": subscription.subscription_id}
    page = run(subscription, "ledger", "--month", "2026-05", **named)
    assert (page.returncode, page.stderr) == (0, "")
    assert "2026-05: the ledger has no entry." in page.stdout
    body = json.loads(run(subscription, "ledger", "--json", **named).stdout)
    assert (body["month"], body["entries"]) == (f"{datetime.now(UTC):%Y-%m}", [])


def test_without_the_setting_it_says_what_to_do(subscription: Simulator) -> None:
    """The exit code of a wrong call."""
    page = run(subscription, "ledger", LEDGER="")
    assert page.returncode == 2
    assert "--app <its resource id>" in page.stderr


@pytest.mark.parametrize("month", ["2026-13", "2026-1", "november", "2026-11-01", ""])
def test_a_month_is_checked(month: str) -> None:
    """Before anything is asked."""
    with pytest.raises(argparse.ArgumentTypeError, match="is not a month"):
        read_month(month)


def test_strangers_values_break_nothing() -> None:
    """An entry whose members are of any other type is shown as unknown."""
    odd = {
        "id": "x",
        "time": "2026-05-04T10:00:00Z",
        "seconds": "many",
        "ContractedCost": "much",
        "vm": 7,
        "image": [],
        "ResourceId": "\x1b[31m",
    }
    lines = [
        json.dumps(odd | {"id": kind, "type": f"Stillframe.{kind}"})
        for kind in ("VmNoLongerBilled", "VmDeallocated", "ImageCaptured")
    ]
    page = shown(*lines, "rubbish")
    assert "unknown" in page
    assert "\x1b[31m" not in page
    assert "1 without a known price; 1 lines of the ledger are invalid." in page


def test_a_bill_is_a_row_and_a_total() -> None:
    """With hours and cost."""
    page = shown(line_of(BILL))
    assert "1.00 hours billed while stopped, 0.50 EUR in all" in page
