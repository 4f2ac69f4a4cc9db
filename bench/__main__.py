"""`make bench`: measure, show the tables, write `.bench/results.json`.

`QUICK=1` takes less than two minutes: smaller fleets, one run of each. `BENCH_BEFORE=<a checkout>`
measures that one as well, in the same run.
"""

import json
import logging
import os
import sys
from dataclasses import asdict
from pathlib import Path

from rich.console import Console

from bench import burst, disks, events, fleet, package, scale
from bench.stubbed import rows_of

ROOT = Path(__file__).parent.parent
OUT = ROOT / ".bench"
QUICK = bool(os.environ.get("QUICK"))
BURST_VMS = 50 if QUICK else 200
TIMES = 1 if QUICK else 3
SIZES = [(1_000, 0.0), (10_000, 0.0)]
LARGE = [(50_000, 0.0), (50_000, 0.05)]
"""Numbers of VMs, and seconds that each answer takes."""


def main() -> int:
    """Run every benchmark; return the process's status."""
    OUT.mkdir(exist_ok=True)
    logging.basicConfig(filename=OUT / "simulator.log", level=logging.WARNING)
    console = Console(width=110)
    rows = rows_of(OUT)
    fleets = fleet.run(OUT, rows, SIZES if QUICK else SIZES + LARGE, TIMES)
    console.print(fleet.show(fleets))
    largest = [one for one in fleets if one.way == fleet.OURS][-1]
    scales = scale.run(largest.cpu_seconds / largest.vms)
    console.print(scale.show(scales))
    events_measured = events.run(OUT, rows, TIMES)
    console.print(events.show(events_measured))
    package_measured = package.run(ROOT, OUT)
    console.print(package.show_parts(package_measured))
    console.print(package.show(package_measured))
    imported, disks_measured = disks.run()
    console.print(disks.show(imported, disks_measured))
    bursts = burst.run(ROOT, OUT, BURST_VMS)
    console.print(burst.show(bursts))
    results = {
        "fleets": list(map(asdict, fleets)),
        "scales": list(map(asdict, scales)),
        "events": list(map(asdict, events_measured)),
        "package": asdict(package_measured),
        "disks": {"import_ms": imported, "verdicts": list(map(asdict, disks_measured))},
        "bursts": [one.row() for one in bursts],
    }
    (OUT / "results.json").write_text(json.dumps(results, indent=2) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
