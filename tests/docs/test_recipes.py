"""The chat messages of docs/recipes, filled from an event as the app publishes it."""

import json
import re
import shutil
import subprocess
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from shared.costguard.alert import still_billed
from shared.costguard.bill import Bill, Rate
from shared.model.facts import Price
from tests.unit.making import NOW, vm

RECIPES = Path(__file__).parents[2] / "docs" / "recipes"
READER = Path(__file__).parent / "cards"
EXPRESSION = re.compile(r"@\{([^}]+)\}")
MEMBER = re.compile(r"outputs\('event'\)((?:\?\['\w+'\])+)")


def event(**data: Any) -> dict[str, Any]:  # noqa: ANN401 - members of the data
    """Return an alert as CloudEvents carries it."""
    bill = Bill(NOW - timedelta(hours=5), NOW, Rate(price=Price(0.2, 0.1), currency="EUR"))
    alert = still_billed(vm(), bill, 0, known_by="resource-health", kept=None)
    return {"subject": alert.subject, "data": {**alert.data, **data}}


def value(expression: str, of: dict[str, Any]) -> str:
    """Evaluate the few forms of workflow expressions that the recipes use."""
    fallback = re.fullmatch(r"coalesce\((.+), '(.+)'\)", expression)
    member = MEMBER.fullmatch(fallback[1] if fallback else expression)
    assert member, f"not a form that is used here: {expression}"
    found: Any = of
    for name in re.findall(r"'(\w+)'", member[1]):
        assert name in found, f"the event has no {member[1]}"
        found = found[name]
    if found is None:
        assert fallback, f"{expression} may be null, and has no fallback"
        return fallback[2]
    return str(found)


def filled(name: str, of: dict[str, Any]) -> Any:  # noqa: ANN401 - JSON
    """Fill a message: the texts of an event become parts of JSON strings."""
    text = (RECIPES / name).read_text()
    return json.loads(EXPRESSION.sub(lambda found: json.dumps(value(found[1], of))[1:-1], text))


@pytest.mark.parametrize("name", ["still-billed.card.json", "still-billed.slack.json"])
def test_a_message_is_filled_from_an_event(name: str) -> None:
    """Every member that it names is there, also where the owner and the price are unknown."""
    text = json.dumps(filled(name, event(owner="payments")))
    assert "payments" in text
    assert "0.200 EUR an hour, list price; 0.100 more if Azure bills the Windows licence" in text
    unknown = json.dumps(filled(name, event(ContractedCost=None)))
    assert "nobody named" in unknown
    assert "unknown EUR" in unknown


@pytest.mark.parametrize("owner", ["payments", 'a "b" \\ c', "<script>", "x" * 256, "\u202e\n"])
def test_microsofts_reader_takes_the_card(owner: str) -> None:
    """Whatever a tag says."""
    node = shutil.which("node")
    if node is None or not (READER / "node_modules").exists():
        pytest.skip("no reader (npm ci --prefix tests/docs/cards): the card is NOT checked")
    card = json.dumps(filled("still-billed.card.json", event(owner=owner)))
    read = subprocess.run(  # noqa: S603 - our own script
        [node, "check.js"], cwd=READER, input=card, capture_output=True, text=True, check=True
    )
    assert json.loads(read.stdout) == []
