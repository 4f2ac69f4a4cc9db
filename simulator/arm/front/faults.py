"""Faults on request: what may go wrong between a client and Azure.

Takes faults (which requests, how many of them, what is to happen), gives the first that fits a
request and counts it down. Kinds: an error answer, latency in real seconds, a dropped connection,
throttling, and an operation that is accepted and ends Failed.
"""

import itertools
import re
from dataclasses import dataclass, field

from simulator.arm.core import errors
from simulator.arm.core.errors import ArmError, Failure, Json


@dataclass(kw_only=True)
class Fault:
    """One fault; `caller` is an application id; `left` None means until it is removed."""

    number: int
    method: str | None = None
    path: re.Pattern[str] | None = None
    caller: str | None = None
    left: int | None = 1
    error: ArmError | None = None
    latency: float = 0.0
    drop: bool = False
    operation: Failure | None = None
    said: Json = field(default_factory=dict)

    def fits(self, method: str, path: str, caller: str | None) -> bool:
        """Say whether a request is one that this fault is for."""
        if self.left == 0 or (self.method and self.method != method):
            return False
        if self.caller and self.caller != caller:
            return False
        return self.path is None or self.path.search(path) is not None

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
        if unknown or not set(said) & _EFFECTS:
            msg = f"unknown: {sorted(unknown)}; one of {sorted(_EFFECTS)} is needed"
            raise ValueError(msg)
        fault = Fault(
            number=next(self._numbers),
            method=said.get("method"),
            path=re.compile(said["path"], re.IGNORECASE) if "path" in said else None,
            caller=said.get("caller"),
            left=said.get("count", 1),
            error=_error(said),
            latency=float(said.get("latency", 0)),
            drop=bool(said.get("drop")),
            operation=_failure(said.get("operation")),
            said=said,
        )
        self.all.append(fault)
        return fault

    def strike(self, method: str, path: str, caller: str | None) -> Fault | None:
        """Return the fault that a request meets, and count it down."""
        for fault in self.all:
            if fault.fits(method, path, caller):
                if fault.left is not None:
                    fault.left -= 1
                return fault
        return None

    def remove(self, number: int) -> None:
        """End a fault."""
        self.all = [fault for fault in self.all if fault.number != number]

    def clear(self) -> None:
        """End them all."""
        self.all.clear()


_EFFECTS = {"error", "latency", "drop", "throttle", "operation"}
_MEMBERS = _EFFECTS | {"method", "path", "caller", "count"}


def _error(said: Json) -> ArmError | None:
    if "throttle" in said:
        return errors.throttled("FaultInjected", int(said["throttle"]))
    if "error" not in said:
        return None
    error = said["error"]
    code, message = error["code"], error.get("message", "An injected fault.")
    return ArmError(error["status"], code, message, headers=error.get("headers"))


def _failure(said: Json | None) -> Failure | None:
    return Failure(said["code"], said.get("message", "An injected fault.")) if said else None
