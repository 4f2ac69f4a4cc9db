"""Injected faults in reads of a disk.

Takes faults (which disk, from which read on, how many, what happens), gives the first that matches
a read and counts it down. Separate from ARM's faults, because here a response can fail halfway: it
can be cut, late, slow, too short, or report a wrong size.
"""

import itertools
import re
from dataclasses import dataclass, field

from simulator.arm.core.errors import Json
from simulator.blob.refusals import StorageError


@dataclass(kw_only=True)
class Fault:
    """One fault; `wait` reads pass before it applies, `left` None means until it is removed.

    `cut`: the number of bytes of the body after which the connection is closed. `short`: the number
    of bytes missing from a complete response. `size`: the reported size. `drip`: real seconds of
    delay before every 4 KiB.
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
    spec: Json = field(default_factory=dict)

    def strikes(self, disk: str) -> bool:
        """Say whether this fault applies to a read, and count the read."""
        if self.left == 0 or (self.disk and not self.disk.search(disk)):
            return False
        if self.wait:
            self.wait -= 1
            return False
        if self.left is not None:
            self.left -= 1
        return True

    def body(self) -> Json:
        """Return it as steering shows it."""
        return self.spec | {"number": self.number, "left": self.left}


class Faults:
    """The faults in force, oldest first."""

    def __init__(self) -> None:
        self._numbers = itertools.count(1)
        self.all: list[Fault] = []

    def add(self, spec: Json) -> Fault:
        """Add a fault from a steering request; KeyError or ValueError if it is invalid."""
        unknown = set(spec) - _MEMBERS
        if unknown or not set(spec) & EFFECTS:
            msg = f"unknown: {sorted(unknown)}; one of {sorted(EFFECTS)} is needed"
            raise ValueError(msg)
        fault = Fault(
            number=next(self._numbers),
            disk=re.compile(spec["disk"], re.IGNORECASE) if "disk" in spec else None,
            wait=int(spec.get("nth", 1)) - 1,
            left=spec.get("count", 1),
            error=_error(spec.get("error")),
            latency=float(spec.get("latency", 0)),
            drop=bool(spec.get("drop")),
            cut=spec.get("cut"),
            short=int(spec.get("short", 0)),
            size=spec.get("size"),
            drip=float(spec.get("drip", 0)),
            spec=spec,
        )
        self.all.append(fault)
        return fault

    def strike(self, disk: str) -> Fault | None:
        """Return the fault that applies to a read of a disk, and count it down."""
        return next((fault for fault in self.all if fault.strikes(disk)), None)

    def clear(self) -> None:
        """Remove all faults."""
        self.all.clear()


EFFECTS = {"error", "latency", "drop", "cut", "short", "size", "drip"}
_MEMBERS = EFFECTS | {"disk", "nth", "count"}


def _error(spec: Json | None) -> StorageError | None:
    if spec is None:
        return None
    message = spec.get("message", "An injected fault.")
    return StorageError(spec["status"], spec["code"], message, headers=spec.get("headers"))
