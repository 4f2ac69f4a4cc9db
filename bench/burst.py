"""A burst: many guests shut down at the same moment; measures how soon each VM is deallocated.

Runs the app in its host against the simulator, in real time, both on this machine's cores. Gives
for each VM the seconds from the event's delivery to the request that deallocates it.
"""

import os
import statistics
import time
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from rich.table import Table

from simulator.client import SimClient
from simulator.deployment import Deployment
from simulator.simulator import Simulator

PATIENCE = 600.0
"""Seconds until a burst counts as stuck."""

NOT_OURS = "stillframe-orders"
"""The event subscription that is not measured: it delivers tag writes, not stops."""


@dataclass(frozen=True)
class Burst:
    """Seconds from delivery to the deallocate request, one for each VM, smallest first.

    `throttled` are the requests that were answered 429, of all `requests`.
    """

    way: str
    delays: list[float]
    requests: int
    throttled: int

    def row(self) -> dict[str, float | str]:
        """Return the figures."""
        return {
            "way": self.way,
            "vms": len(self.delays),
            "median_seconds": round(statistics.median(self.delays), 3),
            "p95_seconds": round(self.delays[int(len(self.delays) * 0.95)], 3),
            "max_seconds": round(self.delays[-1], 3),
            "arm_requests_per_vm": round(self.requests / len(self.delays), 1),
            "answered_429": self.throttled,
        }


def run(root: Path, out: Path, vms: int) -> list[Burst]:
    """Shut down that many ordered VMs at once, with Azure's limits and without.

    Also with the app of the checkout of `BENCH_BEFORE`.
    """
    before = os.environ.get("BENCH_BEFORE")
    apps = {"": root} | ({" (before)": Path(before)} if before else {})
    return [
        _run(f"{'throttled' if throttling else 'no limits'}{name}", app, root, out, vms, throttling)
        for throttling in (False, True)
        for name, app in apps.items()
    ]


def _run(way: str, app: Path, root: Path, out: Path, vms: int, throttling: bool) -> Burst:  # noqa: FBT001, PLR0913, PLR0917
    with Simulator(speed=1.0, state_dir=out / "simulator") as simulator:
        settings = {"SUBSCRIPTIONS": simulator.subscription_id, "PROOF": "off"}
        template = root / "infra" / "snapshots" / "usual.snapshot.json"
        log = out / "host.log"
        with Deployment(simulator, app, settings, template, log, timers=False):
            steering = simulator.client
            steering.ask("PUT", "eventgrid/latency", {"health": 0})
            ids = [_waiting_vm(steering, number) for number in range(vms)]
            steering.settings(throttling=throttling)
            steering.clear_requests()
            for vm_id in ids:
                steering.guest(vm_id, "shutdown")
            asked = _await_deallocations(steering, vms)
            requests = steering.requests(caller="app")
            throttled = sum(request["status"] == 429 for request in requests)  # noqa: PLR2004
            return Burst(way, _delays(steering, asked), len(requests), throttled)


def show(bursts: list[Burst]) -> Table:
    """Return the figures as a table."""
    title = f"{len(bursts[0].delays)} VMs shut down at once ({os.cpu_count()} cores)"
    table = Table(title=title)
    for name in bursts[0].row():
        table.add_column(name.replace("_", " "))
    for burst in bursts:
        table.add_row(*map(str, burst.row().values()))
    return table


def _waiting_vm(steering: SimClient, number: int) -> str:
    """Create a VM whose order is already accepted, so that only its stop is measured."""
    tags = {
        "stillframe-capture": "managed-image",
        "stillframe-status": "waiting",
        "stillframe-image": "managed-image",
    }
    words = {"generation": "V1", "security_type": "Standard", "tags": tags}
    return steering.create_vm(f"vm-{number:03d}", group="burst", **words)


def _await_deallocations(steering: SimClient, vms: int) -> dict[str, datetime]:
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        asked = {
            request["path"].lower().removesuffix("/deallocate"): datetime.fromisoformat(
                request["time"]
            )
            for request in steering.requests(caller="app")
            if request["path"].endswith("/deallocate")
        }
        if len(asked) == vms:
            return asked
        time.sleep(0.5)
    msg = f"only {len(asked)} of {vms} deallocations were requested in {PATIENCE} seconds"
    raise TimeoutError(msg)


def _delays(steering: SimClient, asked: dict[str, datetime]) -> list[float]:
    rows: list[dict[str, Any]] = steering.ask("GET", "eventgrid/deliveries")
    sent = {
        row["subject"].lower(): datetime.fromisoformat(row["attempts"][0]["sent"])
        for row in reversed(rows)
        if row["eventSubscription"] != NOT_OURS and row["attempts"]
    }
    return sorted((when - sent[vm_id]).total_seconds() for vm_id, when in asked.items())
