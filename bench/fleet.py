"""A fleet: one sweep of a large subscription in which nothing is new.

Ten thousand VMs, two hundred of them stopped and reported; the sweep must find those two hundred
and do nothing. It runs in a separate process (`bench/sweep_once.py`), so that its CPU and memory
are not the simulator's. Gives seconds of CPU, memory, and requests.
"""

import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from rich.table import Table

from shared.model.instants import write_instant
from simulator.client import SimClient
from simulator.simulator import Simulator


@dataclass(frozen=True)
class Fleet:
    """What a sweep took: CPU seconds for the lists and in total; MiB after import and at peak."""

    vms: int
    stopped: int
    list_cpu_seconds: float
    sweep_cpu_seconds: float
    imported_mib: float
    peak_mib: float
    requests: int
    looks: int


def run(out: Path, vms: int, stopped: int) -> Fleet:
    """Create that fleet, and measure one sweep of it."""
    with Simulator(state_dir=out / "simulator") as simulator:
        _make(simulator.client, vms, stopped)
        environment = {
            **{name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ},
            **simulator.environment(),
            "SUBSCRIPTIONS": simulator.subscription_id,
            "PRICES_ENDPOINT": "",
        }
        measured = subprocess.run(
            [sys.executable, "-m", "bench.sweep_once"],
            env=environment,
            capture_output=True,
            text=True,
            check=True,
        )
    return Fleet(**json.loads(measured.stdout))


def show(fleet: Fleet) -> Table:
    """Return the figures as a table."""
    table = Table(title=f"A sweep of {fleet.vms} VMs, {fleet.stopped} stopped and reported")
    row = asdict(fleet)
    for name in row:
        table.add_column(name.replace("_", " "))
    table.add_row(*map(str, row.values()))
    return table


def _make(steering: SimClient, vms: int, stopped: int) -> None:
    now = datetime.now(UTC)
    told = {
        "stillframe-billed-since": write_instant(now - timedelta(hours=5)),
        "stillframe-billed-alerted": write_instant(now - timedelta(hours=4)),
    }

    def make(number: int) -> None:
        words: dict[str, object] = {"group": f"rg-{number % 50}", "age": 9 * 3600.0}
        if number < stopped:
            words |= {"power": "stopped", "tags": told}
        steering.create_vm(f"vm-{number:05d}", **words)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(make, range(vms)))
