"""Invocations: started, timed, logged, recorded.

Takes a function and its trigger's JSON and gives a record of the run, with the log lines that the
app wrote during it. Lines are assigned to their invocation by the worker library's own context
variable, which is also set in its pool threads. A function that exceeds host.json's timeout ends
the worker, as in the real host: everything that runs in it at that time fails too.
"""

import asyncio
import json
import logging
import time
import uuid
from collections import Counter, deque
from dataclasses import asdict, dataclass, field
from datetime import timedelta
from typing import Any

from azure_functions_runtime import invocation_id_cv  # type: ignore[import-untyped]

from simulator.host import worker
from simulator.host.settings import HostJson
from simulator.host.time_source import TimeSource
from simulator.host.worker import Function, Outcome

REMEMBERED = 10_000

# What a function has left after its timeout, in which it may still end by itself.
GRACE_SECONDS = 2.0

WORKER_ENDED = "The worker process was restarted while the function ran in it."


@dataclass
class Invocation:
    """One run of a function; `ok` is None while it runs, `seconds` are real ones."""

    id: str
    function: str
    reason: str
    started: str
    ok: bool | None = None
    exception: str | None = None
    seconds: float = 0.0
    lines: list[str] = field(default_factory=list)


class Invocations:
    """Runs functions and keeps the last ten thousand records."""

    def __init__(self, time_source: TimeSource, host_json: HostJson) -> None:
        self._time = time_source
        self._host_json = host_json
        self._records: deque[Invocation] = deque(maxlen=REMEMBERED)
        self._running: dict[str, Invocation] = {}
        self._counts: dict[str, Counter[str]] = {}
        self._waiting: set[asyncio.Task[None]] = set()
        self.worker_ended = asyncio.Event()

    async def run(self, function: Function, trigger_value: str, reason: str) -> Invocation:
        """Invoke and wait for the end; a failure of the app is in the record, never raised."""
        now = await self._time.move()
        record = Invocation(str(uuid.uuid4()), function.name, reason, now.isoformat())
        self._records.append(record)
        self._running[record.id] = record
        print(f"Executing 'Functions.{function.name}' (Reason='{reason}', Id={record.id})")
        began = time.perf_counter()
        outcome = await self._outcome(function, record.id, trigger_value)
        record.seconds = round(time.perf_counter() - began, 6)
        self._end(record, outcome)
        return record

    async def _outcome(self, function: Function, invocation: str, value: str) -> Outcome:
        """Wait for the function's end, for its timeout or for the end of the worker."""
        limit = self._host_json.function_timeout
        work = asyncio.create_task(worker.invoke(function, invocation, value))
        ended = asyncio.create_task(self.worker_ended.wait())
        done, _ = await asyncio.wait(
            {work, ended},
            timeout=limit.total_seconds() if limit else None,
            return_when=asyncio.FIRST_COMPLETED,
        )
        ended.cancel()
        if work in done:
            return work.result()
        if done:
            return Outcome(ok=False, exception=WORKER_ENDED)
        text = _span(limit)
        print(
            f"Timeout value of {text} exceeded by function 'Functions.{function.name}' "
            f"(Id: '{invocation}'). Initiating cancellation."
        )
        self._waiting.add(asyncio.create_task(self._end_worker(work, invocation)))
        said = f"Timeout value of {text} was exceeded by function: Functions.{function.name}"
        return Outcome(ok=False, exception=said)

    async def _end_worker(self, work: asyncio.Task[Outcome], invocation: str) -> None:
        """Give a function that ran too long a last moment, then end the worker."""
        done, _ = await asyncio.wait({work}, timeout=GRACE_SECONDS)
        if not done:
            print(
                "A function timeout has occurred. Restarting worker process executing "
                f"invocationId '{invocation}'."
            )
            self.worker_ended.set()

    def _end(self, record: Invocation, outcome: Outcome) -> None:
        record.ok, record.exception = outcome.ok, outcome.exception
        del self._running[record.id]
        ended = "Succeeded" if outcome.ok else "Failed"
        self._counts.setdefault(record.function, Counter())[ended.lower()] += 1
        milliseconds = round(record.seconds * 1000)
        print(
            f"Executed 'Functions.{record.function}' "
            f"({ended}, Id={record.id}, Duration={milliseconds}ms)"
            f"{'' if outcome.ok else f': {outcome.exception}'}"
        )
        if not outcome.ok:
            # The library logs the traceback itself, but names no invocation.
            record.lines.append(f"Error: {outcome.trace or outcome.exception}")

    def line(self, invocation_id: str, text: str) -> str | None:
        """Add a log line to a running invocation; give its function's name, None when unknown."""
        record = self._running.get(invocation_id)
        if record is None:
            return None
        record.lines.append(text)
        return record.function

    def records(self, function: str | None = None) -> list[dict[str, Any]]:
        """Return the recorded invocations of one function or of all, oldest first."""
        wanted = (r for r in self._records if function is None or r.function == function)
        return [asdict(record) for record in wanted]

    def carried(self) -> str:
        """Return the records for the next host."""
        counts = {name: dict(counter) for name, counter in self._counts.items()}
        return json.dumps({"records": [asdict(one) for one in self._records], "counts": counts})

    def carry(self, text: str) -> None:
        """Take over what an earlier host wrote down."""
        given = json.loads(text)
        self._records.extend(Invocation(**one) for one in given["records"])
        self._counts = {name: Counter(counter) for name, counter in given["counts"].items()}

    def counts(self) -> dict[str, dict[str, int]]:
        """Count, for each function that ever ran, what succeeded, failed and still runs."""
        running = Counter(record.function for record in self._running.values())
        return {
            name: {
                "succeeded": self._counts.get(name, Counter())["succeeded"],
                "failed": self._counts.get(name, Counter())["failed"],
                "running": running[name],
            }
            for name in sorted({*self._counts, *running})
        }


def _span(span: timedelta | None) -> str:
    """Write a length of time as .NET does: `00:10:00`."""
    minutes, seconds = divmod(int(span.total_seconds() if span else 0), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02}:{minutes:02}:{seconds:02}"


class InvocationLog(logging.Handler):
    """Prints the app's log lines, and hands each to the invocation that wrote it."""

    def __init__(self, invocations: Invocations, host_json: HostJson) -> None:
        super().__init__()
        self._invocations = invocations
        self._host_json = host_json
        self.setFormatter(logging.Formatter("%(message)s"))

    def emit(self, record: logging.LogRecord) -> None:
        """Print `[level] invocation: text`, where host.json lets the level through."""
        invocation_id = invocation_id_cv.get()
        text = self.format(record)
        level = record.levelname.capitalize()
        function = self._invocations.line(invocation_id or "", f"{level}: {text}")
        category = f"Function.{function}.User" if function else f"Worker.{record.name}"
        if record.levelno >= self._host_json.level_of(category):
            print(f"[{level}] {invocation_id or '-'}: {text}")
