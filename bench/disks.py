"""What a verdict costs: ranges and bytes read, and this process's own CPU time, by disk.

Reads simulated disks of real file systems, without https: the counts are the same for any
transport. CPU time is the median of several verdicts after a warm-up; the imports are shown
separately. The seconds are those of one verdict if each range takes 50 ms.
"""

import statistics
import time
from dataclasses import dataclass

from rich.table import Table

from shared.proof.ranges import Ranges
from simulator.contents.disk import Guest, contents
from simulator.contents.footer import LENGTH as FOOTER

TIMES = 7
MIB = 1024**2
GUESTS = (
    *(
        Guest("Windows", generation, size, sysprep)
        for size in (8, 127)
        for generation in ("V2", "V1")
        for sysprep in ("succeeded", "failed")
    ),
    Guest("Linux", "V2", 30, "succeeded"),
    Guest("Linux", "V2", 30, "succeeded", layout="linux-xfs"),
    Guest("Linux", "V2", 64, "succeeded", layout="linux-lvm-xfs"),
)
TABLES = {"V1": "MBR", "V2": "GPT"}


@dataclass(frozen=True)
class Measured:
    """What the verdict on one disk cost; `milliseconds` are CPU time of this process."""

    disk: str
    says: str
    rounds: int
    ranges: int
    mib: float
    milliseconds: float
    seconds_at_50_ms: float


def run() -> tuple[float, list[Measured]]:
    """Return the milliseconds of CPU that importing the readers takes, and each verdict's cost."""
    before = time.thread_time()
    from shared.proof import verdict  # noqa: F401, PLC0415 - the import is what is measured

    imported = (time.thread_time() - before) * 1000
    return imported, [measure(guest) for guest in GUESTS]


def measure(guest: Guest) -> Measured:
    """Return what the verdict on a guest's disk costs."""
    from shared.proof.verdict import judge  # noqa: PLC0415 - not before it is measured

    source = contents(guest)
    spent = []
    for _ in range(TIMES + 1):
        disk = Ranges(source.read, source.size - FOOTER)
        before = time.thread_time()
        says = judge(disk, guest.os_type)
        spent.append((time.thread_time() - before) * 1000)

    def slow(offset: int, length: int) -> bytes:
        time.sleep(0.05)
        return source.read(offset, length)

    began = time.monotonic()
    judge(Ranges(slow, source.size - FOOTER), guest.os_type)
    seconds = time.monotonic() - began
    name = guest.layout or guest.os_type
    return Measured(
        disk=f"{name}, {guest.size_gb} GiB, {TABLES[guest.generation]}",
        says=says.proof.value,
        rounds=disk.rounds,
        ranges=disk.ranges,
        mib=round(disk.fetched / MIB, 2),
        milliseconds=round(statistics.median(spent[1:]), 1),
        seconds_at_50_ms=round(seconds, 2),
    )


def show(imported: float, measured: list[Measured]) -> Table:
    """Return the table."""
    table = Table(
        "disk", "says", "rounds", "ranges", "MiB", "CPU ms", "s at 50 ms",
        title="The proof: what reading a disk costs",
        caption=f"and once for each process {imported:.0f} ms of imports",
    )  # fmt: skip
    for row in measured:
        table.add_row(
            row.disk,
            row.says,
            str(row.rounds),
            str(row.ranges),
            f"{row.mib:.2f}",
            f"{row.milliseconds:.0f}",
            f"{row.seconds_at_50_ms:.1f}",
        )
    return table
