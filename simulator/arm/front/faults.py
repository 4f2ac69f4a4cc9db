"""Injected faults between a client and Azure.

Takes faults (which requests, how many, what happens), gives the first that matches a
request and counts it down. Kinds: an error answer, latency in real seconds, a dropped connection,
throttling, an operation that is accepted and ends Failed, and a member of the answer that is null
or missing.
"""

import copy
import itertools
import re
from dataclasses import dataclass, field
from typing import Any

from simulator.arm.core import errors
from simulator.arm.core.errors import ArmError, Failure, Json


@dataclass(frozen=True)
class Spoil:
    """A member of an answer, `value.0.properties.osType`, that is to be null, or missing."""

    member: tuple[str, ...]
    null: bool

    def spoiled(self, body: Json) -> Json:
        """Return the changed body; unchanged if it has no such member."""
        spoiled = copy.deepcopy(body)
        *above, last = self.member
        holder: Any = spoiled
        for step in above:
            holder = _below(holder, step)
        if isinstance(holder, list) and last.isdecimal() and int(last) < len(holder):
            holder[int(last)] = None
        elif isinstance(holder, dict) and last in holder:
            holder[last] = None
            if not self.null:
                del holder[last]
        return spoiled


def _below(holder: Any, step: str) -> Any:  # noqa: ANN401 JSON
    if isinstance(holder, list):
        return holder[int(step)] if step.isdecimal() and int(step) < len(holder) else None
    return holder.get(step) if isinstance(holder, dict) else None


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
    spoil: Spoil | None = None
    said: Json = field(default_factory=dict)

    def fits(self, method: str, path: str, caller: str | None) -> bool:
        """Whether a fault applies to a request."""
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
            spoil=_spoil(said.get("spoil")),
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


_EFFECTS = {"error", "latency", "drop", "throttle", "operation", "spoil"}
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


def _spoil(said: Json | None) -> Spoil | None:
    if said is None:
        return None
    if said["as"] not in ("null", "missing"):
        msg = "spoil: as null or missing"
        raise ValueError(msg)
    return Spoil(tuple(said["member"].split(".")), said["as"] == "null")
