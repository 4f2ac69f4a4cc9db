"""The report in a browser without a network: what people see, and what axe and a validator find.

The pictures that are taken are those of `make pictures` (tests/page/__main__.py).
"""

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.page.looking import BROWSER, VALIDATOR, find_browser, look
from tests.page.making import HOSTILE, empty, hostile, large
from tests.page.test_report import INERT

PAGES = {"empty": empty, "large": large, "hostile": hostile}
ON_WHICH = pytest.mark.parametrize("name", PAGES)


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Write the pages as files; return them by name."""
    folder = tmp_path_factory.mktemp("pages")
    for name, page in PAGES.items():
        (folder / f"{name}.html").write_bytes(page())
    return {name: folder / f"{name}.html" for name in PAGES}


@pytest.fixture(scope="module")
def seen(files: dict[str, Path]) -> dict[str, Any]:
    """Return what a browser and axe find in each page."""
    if not find_browser():
        pytest.skip("no chromium or chrome: how the report looks is NOT checked")
    if not shutil.which("node") or not (BROWSER / "node_modules").exists():
        pytest.skip("no axe (npm ci --prefix tests/page/browser): the report is NOT checked")
    found: dict[str, Any] = look([*files.values()], files["empty"].parent)
    return found


@ON_WHICH
def test_it_asks_for_nothing_and_runs_nothing(seen: dict[str, Any], name: str) -> None:
    """No request, no message, no dialog, no animation; its own style applies, pictures show."""
    page = seen[name]
    assert (page["requests"], page["said"], page["moving"], page["broken"]) == ([], [], 0, 0)
    assert page["styled"]
    assert set(page["tags"]) <= INERT | {"img", "figure", "figcaption"}


@ON_WHICH
def test_it_fits_its_screen(seen: dict[str, Any], name: str) -> None:
    """At 1280 pixels, at 390, and as printed on A4: nothing is beyond the right edge."""
    assert seen[name]["beyond"] == {"1280": 0, "390": 0, "print": 0}


@ON_WHICH
def test_axe_finds_no_violation(seen: dict[str, Any], name: str) -> None:
    """In the light and in the dark, with all details open: contrast, headings, tables, names."""
    assert seen[name]["axe"] == []


def test_texts_of_strangers_are_read_as_text(seen: dict[str, Any]) -> None:
    """Markup is shown as it stands, also where a browser would have run it."""
    for text in HOSTILE[:4]:
        assert text in seen["hostile"]["text"]
    assert "{{ 7 * 7 }}" in seen["hostile"]["text"]


def test_the_validator_finds_no_error(files: dict[str, Path]) -> None:
    """The Nu HTML checker. It computes no hashes, so what it says of the policy is not counted."""
    if not shutil.which("java") or not VALIDATOR.exists():
        pytest.skip("no validator (Java, npm ci --prefix tests/page/browser): NOT checked")
    said = subprocess.run(  # noqa: S603 our own arguments
        ["java", "-jar", VALIDATOR, "--format", "json", *files.values()],  # noqa: S607 PATH
        capture_output=True,
        text=True,
        check=False,
    )
    messages = json.loads(said.stderr)["messages"]
    policy = "violates Content Security Policy"
    assert [one["message"] for one in messages if policy not in one["message"]] == []
