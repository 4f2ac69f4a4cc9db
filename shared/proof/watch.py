"""An end to every loop: code that parses a stranger's disk gets a share of CPU time and no more.

A broken or hostile file system can send its parser round in circles without a single further read,
so bounds on reading do not hold it. Here the interpreter itself (`sys.monitoring`, PEP 669) looks
at the clock at backward jumps of the code that runs in the watched thread, and raises `Endless`.
It is the thread's own CPU time that counts: a slow network is no hostile disk.
"""

import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import CodeType

CPU_SECONDS = 1.0
"""Far more than any honest disk has taken."""

LOOK_EVERY = 256
"""Jumps between two looks at the clock, which cost more than a jump."""

_EVENTS = sys.monitoring.events
_local = threading.local()
_lock = threading.Lock()
_watched: set[int] = set()


class Endless(BaseException):
    """Reading must stop here; no `Exception`, because parsers catch those and go on."""


@contextmanager
def watched(seconds: float = CPU_SECONDS) -> Iterator[None]:
    """Give what runs inside so much CPU time; raise `Endless` when that is spent."""
    _local.until, _local.jumps = time.thread_time() + seconds, 0
    _turn(on=True)
    try:
        yield
    finally:
        _local.until = None
        _turn(on=False)


def _turn(*, on: bool) -> None:
    """Listen to jumps while any thread is watched: the events are the whole process's."""
    with _lock:
        before = bool(_watched)
        (_watched.add if on else _watched.discard)(threading.get_ident())
        if before is not bool(_watched):
            sys.monitoring.set_events(_TOOL, _EVENTS.JUMP if on else _EVENTS.NO_EVENTS)


def _on_jump(_code: CodeType, _at: int, _to: int) -> None:
    until = getattr(_local, "until", None)
    if until is None:
        return
    _local.jumps += 1
    if _local.jumps % LOOK_EVERY == 0 and time.thread_time() > until:
        _local.until = None
        msg = "its file system leads in circles"
        raise Endless(msg)


def _free_tool() -> int:
    """Return a tool id that no debugger, profiler or coverage measurement has taken."""
    return next(number for number in (4, 3, 5, 2) if sys.monitoring.get_tool(number) is None)


_TOOL = _free_tool()
sys.monitoring.use_tool_id(_TOOL, "stillframe")
sys.monitoring.register_callback(_TOOL, _EVENTS.JUMP, _on_jump)
