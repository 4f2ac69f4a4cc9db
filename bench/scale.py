"""How a sweep grows: calculated from what was measured for one large subscription.

Calls, seconds, the share of Azure's bucket of reads that they need, and a month on Flex Consumption
at list price: 0.000026 USD a GB-second beyond 100,000, instances of 2 GiB, a sweep every 5 minutes.
"""

import math
from dataclasses import dataclass

from rich.table import Table

from bench.stub import PAGE
from shared.cloud.pace import REFILL
from shared.sweep.sweeper import AHEAD

FLEETS = (
    (1_000, 1),
    (10_000, 4),
    (50_000, 1),
    (100_000, 40),
    (1_000_000, 400),
)
CALL = 0.05
"""Seconds of a call."""

BESIDES = 3
"""Calls of a subscription besides its lists: groups, locks, Resource Graph."""

BUCKET = 250
SWEEPS_A_MONTH = 30 * 24 * 12
MEMORY_GIB, FREE, PRICE = 2, 100_000, 0.000026


@dataclass(frozen=True)
class Scale:
    """A fleet and what a sweep of it takes; `bucket` is the share of reads that Azure allows."""

    vms: int
    subscriptions: int
    calls: int
    seconds: float
    cpu_seconds: float
    bucket: float
    usd_a_month: float


def run(cpu_a_vm: float) -> list[Scale]:
    """Return each fleet's figures; `cpu_a_vm` is what was measured, in seconds."""
    return [_scale(vms, subscriptions, cpu_a_vm) for vms, subscriptions in FLEETS]


def _scale(vms: int, subscriptions: int, cpu_a_vm: float) -> Scale:
    pages = math.ceil(vms / subscriptions / PAGE)
    calls_of_one = 2 * pages + BESIDES
    seconds_of_one = (pages + BESIDES) * CALL
    cpu = vms * cpu_a_vm
    seconds = max(seconds_of_one * subscriptions / min(AHEAD, subscriptions), cpu)
    gib_seconds = seconds * MEMORY_GIB * SWEEPS_A_MONTH
    return Scale(
        vms=vms,
        subscriptions=subscriptions,
        calls=calls_of_one * subscriptions,
        seconds=round(seconds, 1),
        cpu_seconds=round(cpu, 2),
        bucket=round(calls_of_one / (BUCKET + REFILL["reads"] * seconds_of_one), 2),
        usd_a_month=round(max(0.0, gib_seconds - FREE) * PRICE, 2),
    )


def show(scales: list[Scale]) -> Table:
    """Return the figures as a table."""
    names = ("VMs", "subscriptions", "calls", "seconds", "CPU s", "of the bucket", "USD a month")
    table = Table(title="A sweep in which nothing is new, calculated, 50 ms a call")
    for name in names:
        table.add_column(name, justify="right")
    for one in scales:
        table.add_row(
            *(f"{one.vms:,}", f"{one.subscriptions:,}", f"{one.calls:,}", f"{one.seconds:,.1f}"),
            *(f"{one.cpu_seconds:.1f}", f"{one.bucket:.0%}", f"{one.usd_a_month:.2f}"),
        )
    return table
