"""The Makefile: its help, and its message if Python 3.13 is missing."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MAKEFILE = (ROOT / "Makefile").read_text()
TOOLS = ("sh", "sed", "test", "echo", "touch")
UV = """#!/bin/sh
echo "uv $*"
exit 3
"""


@pytest.fixture
def bare(tmp_path: Path) -> Path:
    """Give a folder of commands without any Python."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for tool in TOOLS:
        found = shutil.which(tool)
        assert found
        (folder / tool).symlink_to(found)
    return folder


def make(bare: Path, *said: str) -> subprocess.CompletedProcess[str]:
    """Run make in an empty checkout with only some commands on PATH."""
    checkout = bare.parent / "checkout"
    checkout.mkdir(exist_ok=True)
    for name in ("Makefile", "requirements-dev.txt"):
        shutil.copyfile(ROOT / name, checkout / name)
    command = shutil.which("make")
    assert command
    return subprocess.run(  # noqa: S603 our own Makefile
        [command, "-C", str(checkout), "--no-print-directory", *said],
        env={"PATH": str(bare), "HOME": os.environ.get("HOME", "/")},
        capture_output=True,
        text=True,
        check=False,
    )


def test_make_alone_lists_what_there_is(bare: Path) -> None:
    """Every target has one line of help, and nothing is run."""
    shown = make(bare)
    assert (shown.returncode, shown.stderr) == (0, "")
    listed = {line.split()[0] for line in shown.stdout.splitlines()}
    targets = set(" ".join(re.findall(r"^\.PHONY:(.+)$", MAKEFILE, re.MULTILINE)).split())
    assert listed == targets - {"help"}


@pytest.mark.parametrize("named", ["", "PYTHON=/usr/bin/false"])
def test_a_missing_python_is_said_in_one_sentence(bare: Path, named: str) -> None:
    """The sentence has three solutions, and the command to repeat."""
    shown = make(bare, "demo", *named.split())
    assert shown.returncode != 0
    sentence = shown.stderr.splitlines()[0]
    assert sentence.startswith("Stillframe needs Python 3.13: install it, or uv (https://")
    assert sentence.endswith("make PYTHON=/path/to/python3.13 demo")


def test_uv_serves_where_python_is_missing(bare: Path) -> None:
    """If uv is there, it creates an environment with the right Python and pip."""
    (bare / "uv").write_text(UV)
    (bare / "uv").chmod(0o755)
    shown = make(bare, "demo")
    assert "uv venv --quiet --seed --python 3.13 .venv" in shown.stdout
    assert "Stillframe needs" not in shown.stderr
