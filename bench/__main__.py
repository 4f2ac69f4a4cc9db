"""`make bench`: measure, show the tables, write `.bench/summary.json`."""

import json
import logging
import sys
from dataclasses import asdict
from pathlib import Path

from rich.console import Console

from bench import burst, disks, fleet, package

ROOT = Path(__file__).parent.parent
OUT = ROOT / ".bench"
BURST_VMS = 200
FLEET_VMS, FLEET_STOPPED = 10_000, 200


def main() -> int:
    """Run every benchmark; return the process's status."""
    OUT.mkdir(exist_ok=True)
    logging.basicConfig(filename=OUT / "simulator.log", level=logging.WARNING)
    console = Console(width=110)
    package_measured = package.run(ROOT, OUT)
    console.print(package.show_parts(package_measured))
    console.print(package.show(package_measured))
    imported, disks_measured = disks.run()
    console.print(disks.show(imported, disks_measured))
    burst_measured = burst.run(ROOT, OUT, BURST_VMS)
    console.print(burst.show(burst_measured))
    fleet_measured = fleet.run(OUT, FLEET_VMS, FLEET_STOPPED)
    console.print(fleet.show(fleet_measured))
    summary = {
        "package": asdict(package_measured),
        "disks": {"import_ms": imported, "verdicts": list(map(asdict, disks_measured))},
        "burst": burst_measured.row(),
        "fleet": asdict(fleet_measured),
    }
    (OUT / "summary.json").write_text(json.dumps(summary, indent=2) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
