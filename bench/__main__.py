"""`make bench`: measure, show the tables, write `.bench/summary.json`."""

import logging
import sys
from pathlib import Path

from rich.console import Console

from bench import burst

ROOT = Path(__file__).parent.parent
OUT = ROOT / ".bench"
VMS = 200


def main() -> int:
    """Run every benchmark; return the process's status."""
    OUT.mkdir(exist_ok=True)
    logging.basicConfig(filename=OUT / "simulator.log", level=logging.WARNING)
    console = Console(width=110)
    measured = burst.run(ROOT, OUT, VMS)
    console.print(burst.show(measured))
    burst.write(measured, OUT)
    return 0


if __name__ == "__main__":
    sys.exit(main())
