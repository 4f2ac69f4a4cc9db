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

PATIENCE = 60.0
"""Seconds until a burst counts as stuck."""

NOT_OURS = "stillframe-orders"
"""The event subscription that is not measured: it delivers tag writes, not stops."""


@dataclass(frozen=True)
class Burst:
    """Seconds from delivery to the deallocate request, one for each VM, smallest first."""

    delays: list[float]
    requests: int

    def row(self) -> dict[str, float]:
        """Return the figures."""
        return {
            "vms": len(self.delays),
            "median_seconds": round(statistics.median(self.delays), 3),
            "p95_seconds": round(self.delays[int(len(self.delays) * 0.95)], 3),
            "max_seconds": round(self.delays[-1], 3),
            "arm_requests_per_vm": round(self.requests / len(self.delays), 1),
        }


def run(root: Path, out: Path, vms: int) -> Burst:
    """Shut down that many ordered VMs at once; return when a deallocation of each is requested."""
    with Simulator(speed=1.0, state_dir=out / "simulator") as simulator:
        settings = {"SUBSCRIPTIONS": simulator.subscription_id, "PROOF": "off"}
        template = root / "infra" / "snapshots" / "usual.snapshot.json"
        log = out / "host.log"
        with Deployment(simulator, root, settings, template, log, timers=False):
            steering = simulator.client
            steering.ask("PUT", "eventgrid/latency", {"health": 0})
            ids = [_waiting_vm(steering, number) for number in range(vms)]
            steering.clear_requests()
            for vm_id in ids:
                steering.guest(vm_id, "shutdown")
            asked = _await_deallocations(steering, vms)
            return Burst(_delays(steering, asked), len(steering.requests(caller="app")))


def show(burst: Burst) -> Table:
    """Return the figures as a table."""
    title = f"{len(burst.delays)} VMs shut down at once ({os.cpu_count()} cores)"
    table = Table(title=title)
    row = burst.row()
    for name in row:
        table.add_column(name.replace("_", " "))
    table.add_row(*map(str, row.values()))
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
