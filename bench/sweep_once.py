"""One sweep of the subscription in the environment; prints its costs as JSON.

The fleet benchmark runs it as a process that has imported only what the app imports.
"""

import json
import os
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from shared.cloud.azure import connect
from shared.cloud.lists import list_subscription
from shared.model.settings import read_settings
from shared.sweep.sweeper import Sweeper


def measure() -> dict[str, float]:
    """List and sweep, and return the figures."""
    imported = _peak_mib()
    settings = read_settings(os.environ | {"OUTCOME_TOPIC": ""})
    azure = connect(settings)
    arm = azure.arm
    for _ in arm.locks(settings.subscriptions[0]):  # the first request pays for token and TLS
        pass
    before = time.process_time()
    listing = list_subscription(arm, settings.subscriptions[0])
    listed, requests = time.process_time() - before, arm.requests
    now, before = datetime.now(UTC), time.process_time()
    report = Sweeper(azure).sweep(now - timedelta(minutes=5), now)
    return {
        "vms": sum(listing.states.values()),
        "stopped": len(report.flagged),
        "list_cpu_seconds": round(listed, 3),
        "sweep_cpu_seconds": round(time.process_time() - before, 3),
        "imported_mib": imported,
        "peak_mib": _peak_mib(),
        "requests": arm.requests - requests,
        "looks": report.looked,
    }


def _peak_mib() -> float:
    """Return the most memory that this process has held; Linux counts it from exec."""
    status = Path("/proc/self/status").read_text()
    line = next(line for line in status.splitlines() if line.startswith("VmHWM:"))
    return round(int(line.split()[1]) / 1024, 1)


if __name__ == "__main__":
    print(json.dumps(measure()))  # noqa: T201 - what the benchmark reads
