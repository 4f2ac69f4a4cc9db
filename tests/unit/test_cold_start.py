"""A cold start: the modules that the first event waits for."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
IMPORTS = "import sys, function_app; print(*sys.modules)"
NOT_NEEDED = (
    "azure.mgmt.compute",
    "azure.eventgrid",
    "jinja2",
    "dissect",
    "shared.page",
)


@pytest.fixture(scope="module")
def imported() -> set[str]:
    """Return the modules that importing the app imports, in a process of its own."""
    environment = {"SUBSCRIPTIONS": "11111111-2222-3333-4444-555555555555", "PATH": os.defpath}
    done = subprocess.run(  # noqa: S603 our own interpreter
        [sys.executable, "-c", IMPORTS],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    return set(done.stdout.split())


@pytest.mark.parametrize("name", NOT_NEEDED)
def test_the_first_event_does_not_wait_for(imported: set[str], name: str) -> None:
    """What only a capture, an outcome, a report or a proof needs is imported when it is used."""
    assert not [module for module in imported if module == name or module.startswith(f"{name}.")]


def test_the_app_imports_few_modules(imported: set[str]) -> None:
    """Each is a part of the cold start; 753 were imported when this was written."""
    assert len(imported) < 800
