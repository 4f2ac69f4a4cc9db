"""An event: the CPU time that the app takes for one, beside that of the SDK's GET of a VM."""

import os
import statistics
from dataclasses import dataclass
from pathlib import Path

from rich.table import Table

from bench.stubbed import measure, stubbed

WAYS = {
    "no order": "event",
    "it waits for Sysprep": "waiting-event",
    "it deallocates": "deallocating-event",
}
SDK = "the SDK's own GET of a VM"


@dataclass(frozen=True)
class Measured:
    """Milliseconds of CPU and requests of one event (medians)."""

    way: str
    cpu_ms: float
    requests: float


def run(out: Path, rows: dict[str, str], times: int) -> list[Measured]:
    """Measure each kind of event, here and in the checkout of `BENCH_BEFORE`."""
    before = os.environ.get("BENCH_BEFORE")
    runs: dict[str, list[dict[str, float]]] = {}
    with stubbed(out, rows, 1, 0.0) as environment:
        for _ in range(times):
            for name, way in WAYS.items():
                runs.setdefault(name, []).append(measure(way, environment, Path.cwd()))
                if before:
                    took = measure(way, environment, Path(before))
                    runs.setdefault(f"{name} (before)", []).append(took)
            runs.setdefault(SDK, []).append(measure("get-by-models", environment, Path.cwd()))
    return [_median(way, ran) for way, ran in runs.items()]


def show(measured: list[Measured]) -> Table:
    """Return the figures as a table."""
    table = Table("event", "CPU ms", "requests", title="One event (medians)")
    for one in measured:
        table.add_row(one.way, f"{one.cpu_ms:.2f}", f"{one.requests:g}")
    return table


def _median(way: str, ran: list[dict[str, float]]) -> Measured:
    cpu, requests = (
        statistics.median(one[name] / one["found"] for one in ran) for name in ("cpu", "requests")
    )
    return Measured(way, round(cpu * 1000, 2), round(requests, 1))
