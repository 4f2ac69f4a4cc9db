"""A separate environment for each client, in `.clients`, with pinned versions.

It is created once, and again if its pins change. Nothing in it is patched.
"""

import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

from simulator.simulator import Simulator
from tests.clients.steps import Wrong, say

HERE = Path(__file__).parent
KEPT = HERE.parent.parent / ".clients"


def python(name: str) -> Path:
    """Return the folder of a Python environment with what `requirements-NAME.txt` pins."""
    folder, pins = KEPT / name, HERE / f"requirements-{name}.txt"

    def make() -> None:
        _run(sys.executable, "-m", "venv", "--clear", str(folder))
        pip = (str(folder / "bin" / "python"), "-m", "pip", "--disable-pip-version-check")
        _run(*pip, "install", "--quiet", "--no-deps", "-r", str(pins))

    return _made_once(folder, [pins], make)


def node(name: str) -> Path:
    """Return the folder of a Node environment with what `package-lock.json` pins."""
    folder, pins = KEPT / name, [HERE / "package.json", HERE / "package-lock.json"]

    def make() -> None:
        folder.mkdir(parents=True, exist_ok=True)
        for file in pins:
            shutil.copy(file, folder)
        quiet = ("--ignore-scripts", "--no-audit", "--no-fund", "--silent")
        _run("npm", "ci", "--prefix", str(folder), *quiet)

    return _made_once(folder, pins, make)


def pinned(name: str, package: str) -> str:
    """Return the version of a package in `requirements-NAME.txt`."""
    for line in (HERE / f"requirements-{name}.txt").read_text().splitlines():
        name_pinned, _, version = line.partition("==")
        if name_pinned.replace("_", "-") == package:
            return version
    msg = f"requirements-{name}.txt does not pin {package}"
    raise Wrong(msg)


def bare(simulator: Simulator, home: Path) -> dict[str, str]:
    """Return the environment variables of a client that is the owner, with its own home.

    Other variables of this process are left out, so that this machine's settings have no effect.
    """
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "LANG": "C.UTF-8",
        **simulator.environment("owner"),
    }


def _made_once(folder: Path, pins: Iterable[Path], make: Callable[[], None]) -> Path:
    digest = hashlib.sha256(b"".join(file.read_bytes() for file in pins)).hexdigest()
    stamp = folder / "installed"
    if not stamp.exists() or stamp.read_text() != digest:
        say(f"making {folder} (once)")
        make()
        stamp.write_text(digest)
    return folder


def _run(*command: str) -> None:
    done = subprocess.run(  # noqa: S603 - pip and npm, with our own pins
        command, capture_output=True, text=True, check=False
    )
    if done.returncode:
        msg = f"{' '.join(command)} ended with {done.returncode}: {done.stdout}{done.stderr}"
        raise Wrong(msg)
