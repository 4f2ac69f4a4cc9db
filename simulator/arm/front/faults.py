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
    """A member of an answer, `value.0.properties.osType`, to be made null or removed."""

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
    spec: Json = field(default_factory=dict)

    def fits(self, method: str, path: str, caller: str | None) -> bool:
        """Say whether a fault applies to a request."""
        if self.left == 0 or (self.method and self.method != method):
            return False
        if self.caller and self.caller != caller:
            return False
        return self.path is None or self.path.search(path) is not None

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
        if unknown or not set(spec) & _EFFECTS:
            msg = f"unknown: {sorted(unknown)}; one of {sorted(_EFFECTS)} is needed"
            raise ValueError(msg)
        fault = Fault(
            number=next(self._numbers),
            method=spec.get("method"),
            path=re.compile(spec["path"], re.IGNORECASE) if "path" in spec else None,
            caller=spec.get("caller"),
            left=spec.get("count", 1),
            error=_error(spec),
            latency=float(spec.get("latency", 0)),
            drop=bool(spec.get("drop")),
            operation=_failure(spec.get("operation")),
            spoil=_spoil(spec.get("spoil")),
            spec=spec,
        )
        self.all.append(fault)
        return fault

    def strike(self, method: str, path: str, caller: str | None) -> Fault | None:
        """Return the fault that applies to a request, and count it down."""
        for fault in self.all:
            if fault.fits(method, path, caller):
                if fault.left is not None:
                    fault.left -= 1
                return fault
        return None

    def remove(self, number: int) -> None:
        """Remove a fault."""
        self.all = [fault for fault in self.all if fault.number != number]

    def clear(self) -> None:
        """Remove all faults."""
        self.all.clear()


_EFFECTS = {"error", "latency", "drop", "throttle", "operation", "spoil"}
_MEMBERS = _EFFECTS | {"method", "path", "caller", "count"}


def _error(spec: Json) -> ArmError | None:
    if "throttle" in spec:
        return errors.throttled("FaultInjected", int(spec["throttle"]))
    if "error" not in spec:
        return None
    error = spec["error"]
    code, message = error["code"], error.get("message", "An injected fault.")
    return ArmError(error["status"], code, message, headers=error.get("headers"))


def _failure(spec: Json | None) -> Failure | None:
    return Failure(spec["code"], spec.get("message", "An injected fault.")) if spec else None


def _spoil(spec: Json | None) -> Spoil | None:
    if spec is None:
        return None
    if spec["as"] not in ("null", "missing"):
        msg = "spoil: `as` must be null or missing"
        raise ValueError(msg)
    return Spoil(tuple(spec["member"].split(".")), spec["as"] == "null")
