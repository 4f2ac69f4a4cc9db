"""Long-running operations: the work in Azure that continues after the answer to a request.

Takes an operation's duration and the function to call at its end, gives the polling URLs and the
body of a poll. A resource has at most one operation at a time; a newer one may preempt it.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import uuid4

from simulator.arm.core.errors import Failure, Json
from simulator.arm.core.wire import stamp
from simulator.clock import Appointment, Clock

type Finish = Callable[[], Failure | None]
type Report = Callable[["Operation"], None]

PREEMPTED = Failure(
    "OperationPreempted", "The operation has been preempted by a more recent operation."
)


class Family(StrEnum):
    """The last part of the polling path of a kind of operation."""

    COMPUTE = "operations"
    GALLERY = "capsOperations"
    DISK = "DiskOperations"


@dataclass(kw_only=True, eq=False)
class Operation:
    """One operation: InProgress until its end, then permanently Succeeded or Failed."""

    id: str
    family: Family
    location: str
    act: str
    started: datetime
    finish: Finish
    fail: Callable[[], None]
    ended: datetime | None = None
    failure: Failure | None = None
    output: Json | None = None
    appointment: Appointment | None = None
    report: Report | None = None
    retry_after: int | None = None

    @property
    def status(self) -> str:
        """The status, as a poll shows it."""
        if self.ended is None:
            return "InProgress"
        return "Failed" if self.failure else "Succeeded"

    def body(self) -> Json:
        """Return the body of a poll."""
        body: Json = {"startTime": stamp(self.started)}
        if self.ended:
            body["endTime"] = stamp(self.ended)
        body["status"] = self.status
        if self.failure:
            body["error"] = self.failure.body()
        elif self.ended and self.output is not None:
            body["properties"] = {"output": self.output}
        body["name"] = self.id
        return body


class Operations:
    """All operations, by id, for as long as the simulated subscription lives."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._by_id: dict[str, Operation] = {}

    def find(self, operation_id: str) -> Operation | None:
        """Return an operation by the last segment of its polling URL."""
        return self._by_id.get(operation_id.lower())

    def start(  # noqa: PLR0913 all parts of an operation
        self,
        act: str,
        location: str,
        seconds: float,
        finish: Finish,
        *,
        fail: Callable[[], None] = lambda: None,
        family: Family = Family.COMPUTE,
        doomed: Failure | None = None,
    ) -> Operation:
        """Start one; after `seconds` call `finish`, and `fail` if it is `doomed` or finish fails.

        With 0 seconds it ends before it can be polled, even if the clock is stopped.
        """
        operation = Operation(
            id=str(uuid4()),
            family=family,
            location=location,
            act=act,
            started=self._clock.now(),
            finish=finish if doomed is None else lambda: doomed,
            fail=fail,
        )
        self._by_id[operation.id] = operation

        async def end() -> None:
            self._finish(operation)

        if seconds > 0:
            operation.appointment = self._clock.after(seconds, end)
        else:
            # Before it can be polled, even if the clock is stopped.
            asyncio.get_running_loop().call_soon(self._finish, operation)
        return operation

    def preempt(self, operation: Operation) -> None:
        """End an operation early because a newer one preempts it."""
        if operation.appointment:
            operation.appointment.cancelled = True
        self._end(operation, PREEMPTED)

    def clear(self) -> None:
        """Remove all operations."""
        self._by_id.clear()

    def _finish(self, operation: Operation) -> None:
        if operation.ended is None:
            self._end(operation, operation.finish())

    def _end(self, operation: Operation, failure: Failure | None) -> None:
        operation.ended, operation.failure = self._clock.now(), failure
        if failure and failure is not PREEMPTED:
            operation.fail()
        if operation.report:
            operation.report(operation)
