"""Invocations: started, timed, logged, remembered.

Takes a function and its trigger's JSON and gives a record of how it went, with the log lines that
the app wrote meanwhile. Lines find their invocation by the worker library's own context variable,
which is set in its pool threads too.
"""

import asyncio
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

    async def run(self, function: Function, trigger_value: str, reason: str) -> Invocation:
        """Invoke and wait for the end; a failure of the app is in the record, never raised."""
        now = await self._time.move()
        record = Invocation(str(uuid.uuid4()), function.name, reason, now.isoformat())
        self._records.append(record)
        self._running[record.id] = record
        print(f"Executing 'Functions.{function.name}' (Reason='{reason}', Id={record.id})")
        began = time.perf_counter()
        outcome = await self._within_timeout(function, record.id, trigger_value)
        record.seconds = round(time.perf_counter() - began, 6)
        self._end(record, outcome)
        return record

    async def _within_timeout(self, function: Function, invocation: str, value: str) -> Outcome:
        limit = self._host_json.function_timeout
        try:
            async with asyncio.timeout(limit.total_seconds() if limit else None):
                return await worker.invoke(function, invocation, value)
        except TimeoutError:
            return Outcome(ok=False, exception=_timed_out(function, limit))

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
        """List what is remembered, oldest first, of one function or of all."""
        wanted = (r for r in self._records if function is None or r.function == function)
        return [asdict(record) for record in wanted]

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


def _timed_out(function: Function, limit: timedelta | None) -> str:
    return f"Timeout value of {limit} was exceeded by function: Functions.{function.name}"


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
