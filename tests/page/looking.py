"""A browser without a network looks at reports, axe judges them, and pictures are taken."""

import json
import os
import shutil
import subprocess
from collections.abc import Iterable
from pathlib import Path
from typing import Any

BROWSER = Path(__file__).parent / "browser"
VALIDATOR = BROWSER / "node_modules" / "vnu-jar" / "build" / "dist" / "vnu.jar"
_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")


def find_browser() -> str | None:
    """Return the browser: that of `CHROME`, else the first on PATH."""
    named = os.environ.get("CHROME")
    return named or next((found for name in _NAMES if (found := shutil.which(name))), None)


def look(reports: Iterable[Path], pictures: Path) -> dict[str, Any]:
    """Return what is found in each report, by its file's name; pictures go into a folder."""
    browser = find_browser()
    assert browser
    said = subprocess.run(  # noqa: S603 our own script
        ["node", BROWSER / "look.js", browser, pictures, *reports],  # noqa: S607 PATH
        capture_output=True,
        text=True,
        check=True,
    )
    found: dict[str, Any] = json.loads(said.stdout)
    return found
