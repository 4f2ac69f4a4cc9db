"""azd's hook before it packages: `infra/package.py`, run by a Python 3.13 of this machine.

azd runs a hook with any `python3`. What is deployed is compiled, and only Python 3.13 compiles for
the function app's Python, so it is searched: this one, those on PATH, Windows' launcher, uv's.
Runs on Python 3.8 and newer. Exits with 1 and a message if there is no Python 3.13.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

WANTED = "3.13"
PACKAGE = Path(__file__).resolve().parent.parent / "package.py"
NONE_FOUND = (
    "package: the function app runs Python 3.13, and none with pip was found here (tried: {}). "
    "Install it, or install uv (https://docs.astral.sh/uv), which fetches one, and run azd again."
)
CAPABLE = "import sys, pip; sys.exit(sys.version_info[:2] != (3, 13))"


def candidates() -> Iterator[list[str]]:
    """Yield the commands that may be a Python 3.13, the cheapest to try first."""
    yield [sys.executable]
    yield ["python" + WANTED]
    yield ["python3"]
    yield ["python"]
    yield ["py", "-" + WANTED]
    yield ["uv", "run", "--no-project", "--python", WANTED, "--with", "pip", "python"]


def serves(command: list[str]) -> bool:
    """Return whether a command exists and is a Python 3.13 with pip."""
    if not shutil.which(command[0]):
        return False
    asked = [*command, "-c", CAPABLE]
    return subprocess.run(asked, capture_output=True, check=False).returncode == 0  # noqa: S603 commands of our own


def main() -> int:
    """Build the package; return the exit status."""
    tried = []
    for command in candidates():
        if serves(command):
            return subprocess.run([*command, str(PACKAGE)], check=False).returncode  # noqa: S603 commands of our own
        tried.append(command[0])
    print(NONE_FOUND.format(", ".join(dict.fromkeys(tried))), file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
