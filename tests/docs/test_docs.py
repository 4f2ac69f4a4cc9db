"""The docs list what the code has: a setting, tag, event or file that they miss fails here."""

import inspect
import json
import re
from itertools import takewhile
from pathlib import Path
from types import ModuleType

import pytest

from shared.capture import decide, keep
from shared.costguard import rules as costguard
from shared.model import errors
from shared.model.outcomes import OutcomeType
from shared.model.settings import Name
from shared.model.tags import CloneTag, SourceTag, Status, Tag
from shared.workshop import boot

ROOT = Path(__file__).parents[2]
OPERATIONS = (ROOT / "docs" / "operations.md").read_text()
ARCHITECTURE = (ROOT / "docs" / "architecture.md").read_text()
PAGES = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md"))]
LINK = re.compile(r"\]\((?!https?:)([^)#]+)(#[^)]*)?\)")


@pytest.mark.parametrize("name", [*Name, *Tag, *SourceTag, *CloneTag, *Status, *OutcomeType])
def test_operations_names_it(name: str) -> None:
    """Each setting, tag, status and outcome event is in the operations page."""
    assert f"`{name}`" in OPERATIONS


def test_no_invented_names() -> None:
    """The operations page names no tag that the code does not know."""
    known = {*Tag, *SourceTag, *CloneTag}
    said = set(re.findall(r"`(stillframe-[a-z-]+)`", OPERATIONS))
    assert said <= known


@pytest.mark.parametrize(
    "module",
    [str(one.relative_to(ROOT / "shared")) for one in (ROOT / "shared").rglob("[a-z]*.py")],
)
def test_architecture_places_it(module: str) -> None:
    """Each module has its place in the architecture page."""
    assert f"`{module}`" in ARCHITECTURE


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    """Each relative link leads to a file that is there."""
    targets = [match[1] for match in LINK.finditer(page.read_text())]
    assert [target for target in targets if not (page.parent / target).exists()] == []


def test_every_decision_is_in_the_index() -> None:
    """The index links each decision, and says of each number that is missing that it is."""
    folder = ROOT / "docs" / "decisions"
    index = (folder / "README.md").read_text()
    found = sorted(folder.glob("[0-9]*.md"))
    assert [one.name for one in found if f"]({one.name})" not in index] == []
    numbers = {int(one.name[:4]) for one in found}
    missing = set(range(1, max(numbers))) - numbers
    assert [one for one in missing if f"The number {one} was never used" not in index] == []


def test_operations_names_what_wakes_it() -> None:
    """Each function with events, and each event type, is in the operations page."""
    snapshot = json.loads((ROOT / "infra" / "snapshots" / "workshop.snapshot.json").read_text())
    subscribed = [
        one["properties"]
        for one in snapshot["predictedResources"]
        if one["type"].endswith("/eventSubscriptions")
    ]
    types = {kind for one in subscribed for kind in one["filter"]["includedEventTypes"]}
    sent = [one["destination"]["properties"]["resourceId"] for one in subscribed]
    app = (ROOT / "function_app.py").read_text()
    functions = {one.rpartition("/")[2] for one in sent}
    functions |= set(re.findall(r'@app\.function_name\("(\w+)"\)', app))
    assert types
    assert [name for name in types | functions if f"`{name}`" not in OPERATIONS] == []


def test_operations_names_each_alert() -> None:
    """Each alert rule of the template is in the operations page."""
    modules = (ROOT / "infra" / "modules").glob("*.bicep")
    template = "".join(module.read_text() for module in modules)
    rules = set(re.findall(r"queries/([a-z-]+)\.kql'\)\n +each:", template))
    rules |= set(re.findall(r"name: '([a-z-]+)'\n +metric:", template))
    assert {"no-heartbeat", "captured"} <= rules
    assert [rule for rule in rules if f"| `{rule}` |" not in OPERATIONS] == []


def test_error_tree_is_drawn() -> None:
    """The picture in the errors' module shows every error there is, and no other."""
    kinds = {
        name
        for name, kind in inspect.getmembers(errors, inspect.isclass)
        if kind.__module__ == errors.__name__
    }
    drawn = set(re.findall(r"^[ │├└─]+([A-Z]\w+)", errors.__doc__ or "", re.MULTILINE))
    assert drawn == kinds


def test_the_demo_page_shows_the_present_cast() -> None:
    """The output on the demo's page is that of a demo with the present cast."""
    page = (ROOT / "docs" / "demo.md").read_text()
    names = re.findall(
        r'^    Actor\(\s*"(\w+)"', (ROOT / "demo" / "cast.py").read_text(), re.MULTILINE
    )
    assert names
    assert all(re.search(rf"│ {name} ", page) for name in names)


def table(text: str, heading: str) -> list[list[str]]:
    """Return the rows of the Markdown table that begins with a heading row, without blanks."""
    lines = text[text.index(heading) :].splitlines()
    rows = takewhile(lambda line: line.startswith("|"), lines)
    return [[cell.strip() for cell in row.strip("|").split("|")] for row in list(rows)[2:]]


@pytest.mark.parametrize(
    ("rules", "columns"),
    [
        (decide, ("the VM", "next step", "status")),
        (costguard, ("the VM", "due")),
        (boot, ("the test VM", "next")),
        (keep, ("the order", "next step", "status")),
    ],
    ids=["orders", "cost guard", "boot test", "keep"],
)
def test_the_rules_stand_in_the_architecture_page(rules: ModuleType, columns: list[str]) -> None:
    """Row by row and word by word as the code has them, in the order in which they are tried."""
    assert rules.__doc__
    heading = re.compile(r"\| *" + r" *\| *".join(columns) + r" *\|")
    found = [heading.search(text) for text in (rules.__doc__, ARCHITECTURE)]
    in_code, in_page = (table(match.string, match[0]) for match in found if match)
    assert in_code
    assert in_page == in_code
