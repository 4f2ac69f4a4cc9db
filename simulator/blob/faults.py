"""Faults of reads of a disk, on request.

Takes faults (whose disk, from which read on, how many, what happens), gives the first
that matches a read and counts it down. Separate from ARM's faults, because here a response can fail
half way: it can be cut, late, slow, too short, or report a wrong size.
"""

import itertools
import re
from dataclasses import dataclass, field

from simulator.arm.core.errors import Json
from simulator.blob.refusals import StorageError


@dataclass(kw_only=True)
class Fault:
    """One fault; `wait` reads pass before it applies, `left` None means until it is removed.

    `cut`: so many bytes of the body are sent, then the connection ends. `short`: a complete
    response lacks so many bytes. `size`: the reported size. `drip`: real seconds before 4 KiB.
    """

    number: int
    disk: re.Pattern[str] | None
    wait: int
    left: int | None
    error: StorageError | None
    latency: float
    drop: bool
    cut: int | None
    short: int
    size: int | None
    drip: float
    said: Json = field(default_factory=dict)

    def strikes(self, disk: str) -> bool:
        """Say whether a read meets this fault, and count the read."""
        if self.left == 0 or (self.disk and not self.disk.search(disk)):
            return False
        if self.wait:
            self.wait -= 1
            return False
        if self.left is not None:
            self.left -= 1
        return True

    def body(self) -> Json:
        """Return it as the steering surface shows it."""
        return self.said | {"number": self.number, "left": self.left}


class Faults:
    """The faults in force, oldest first."""

    def __init__(self) -> None:
        self._numbers = itertools.count(1)
        self.all: list[Fault] = []

    def add(self, said: Json) -> Fault:
        """Take a fault as steering words it; KeyError or ValueError for nonsense."""
        unknown = set(said) - _MEMBERS
        if unknown or not set(said) & EFFECTS:
            msg = f"unknown: {sorted(unknown)}; one of {sorted(EFFECTS)} is needed"
            raise ValueError(msg)
        fault = Fault(
            number=next(self._numbers),
            disk=re.compile(said["disk"], re.IGNORECASE) if "disk" in said else None,
            wait=int(said.get("nth", 1)) - 1,
            left=said.get("count", 1),
            error=_error(said.get("error")),
            latency=float(said.get("latency", 0)),
            drop=bool(said.get("drop")),
            cut=said.get("cut"),
            short=int(said.get("short", 0)),
            size=said.get("size"),
            drip=float(said.get("drip", 0)),
            said=said,
        )
        self.all.append(fault)
        return fault

    def strike(self, disk: str) -> Fault | None:
        """Return the fault that a read of a disk meets, and count it down."""
        return next((fault for fault in self.all if fault.strikes(disk)), None)

    def clear(self) -> None:
        """End them all."""
        self.all.clear()


EFFECTS = {"error", "latency", "drop", "cut", "short", "size", "drip"}
_MEMBERS = EFFECTS | {"disk", "nth", "count"}


def _error(said: Json | None) -> StorageError | None:
    if said is None:
        return None
    message = said.get("message", "An injected fault.")
    return StorageError(said["status"], said["code"], message, headers=said.get("headers"))
