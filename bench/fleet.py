"""Fleets: finding the stopped VMs of a large subscription, by Stillframe and in other ways.

A stub of Azure (`bench/stub.py`) serves the lists; each way runs in a process of its own
(`bench/ways.py`), so that CPU time and memory are its own. `BENCH_BEFORE` names another checkout,
which is measured in the same run.
"""

import os
import statistics
from dataclasses import dataclass
from pathlib import Path

from rich.table import Table

from bench import rivals
from bench.stubbed import measure, stubbed

OURS, BEFORE = "stillframe", "stillframe before"
FLOOR = "floor: http.client, msgspec, one list"
BOTH = "floor: http.client, msgspec, both lists"
WAYS = {
    OURS: "stillframe",
    BEFORE: "stillframe",
    "SDK pipeline, msgspec, one list": "pipeline",
    FLOOR: "floor",
    BOTH: "floor-of-both",
    "SDK models, status only": "models",
}

LARGEST_OF_MODELS = 10_000
"""VMs; with more, the SDK's models take minutes."""


@dataclass(frozen=True)
class Measured:
    """What a way took: requests, seconds of CPU and of the clock, MiB at its peak (medians)."""

    way: str
    vms: int
    delay_ms: int
    found: int
    requests: int
    cpu_seconds: float
    wall_seconds: float
    peak_mib: float


def run(
    out: Path, rows: dict[str, str], sizes: list[tuple[int, float]], times: int
) -> list[Measured]:
    """Measure each way for each number of VMs and delay; two in a hundred are stopped."""
    before = os.environ.get("BENCH_BEFORE")
    ways = [way for way in WAYS if way != BEFORE or before]
    found = []
    for vms, delay in sizes:
        with stubbed(out, rows, vms, delay) as environment:
            runs: dict[str, list[dict[str, float]]] = {way: [] for way in ways}
            for _ in range(times):
                for way in ways:
                    if vms > LARGEST_OF_MODELS and WAYS[way] == "models":
                        continue
                    home = Path(before) if way == BEFORE and before else Path.cwd()
                    runs[way].append(measure(WAYS[way], environment, home))
            if not delay:
                took = rivals.measure(environment, vms)
                runs |= {name: [once] for name, once in took.items()}
        found += [_median(way, vms, delay, ran) for way, ran in runs.items() if ran]
    return found


def show(measured: list[Measured]) -> Table:
    """Return the figures as a table; ratios are to the floor of the same size."""
    table = Table(title="Find the stopped VMs, 2 in 100 (medians)")
    for name in ("way", "VMs", "delay ms", "requests", "CPU s", "of floor", "wall s", "MiB"):
        table.add_column(name, justify="left" if name == "way" else "right")
    floors = {(one.vms, one.delay_ms): one.cpu_seconds for one in measured if one.way == FLOOR}
    for one in measured:
        ratio = one.cpu_seconds / floors[one.vms, one.delay_ms]
        table.add_row(
            *(one.way, f"{one.vms:,}", str(one.delay_ms), str(one.requests)),
            *(f"{one.cpu_seconds:.2f}", f"{ratio:.1f}", f"{one.wall_seconds:.1f}"),
            f"{one.peak_mib:.0f}",
        )
    return table


def _median(way: str, vms: int, delay: float, ran: list[dict[str, float]]) -> Measured:
    def middle(name: str) -> float:
        return statistics.median(one[name] for one in ran)

    return Measured(
        way, vms, round(delay * 1000), int(middle("found")), int(middle("requests")),
        round(middle("cpu"), 3), round(middle("wall"), 3), round(middle("peak"), 1),
    )  # fmt: skip
