"""Limit the CPU time of code that parses an untrusted disk.

A damaged or hostile file system can make its parser loop forever without any further read, so
limits on reading do not stop it. Here the interpreter itself (`sys.monitoring`, PEP 669) checks the
clock at jumps of the code that runs in the watched thread, and raises `Endless`. The limit is
on the thread's CPU time, not on elapsed time: a slow network does not make a disk hostile.

A `finally` of the function that jumps may be skipped: cleaning up is left to a caller without a
loop of its own.
"""

import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import CodeType

CPU_SECONDS = 1.0
"""Far more than any valid disk has taken."""

JUMPS_PER_CHECK = 256
"""Jumps between two readings of the clock, which costs more than a jump."""

_EVENTS = sys.monitoring.events
_local = threading.local()
_lock = threading.Lock()
_watched: set[int] = set()


class Endless(BaseException):
    """Reading must stop here; no `Exception`, because parsers catch those and continue."""


@contextmanager
def watched(seconds: float = CPU_SECONDS) -> Iterator[None]:
    """Limit the CPU time of the code inside; raise `Endless` when it is used up."""
    _local.until, _local.jumps = time.thread_time() + seconds, 0
    _turn(on=True)
    try:
        yield
    finally:
        _local.until = None
        _turn(on=False)


def _turn(*, on: bool) -> None:
    """Monitor jumps while any thread is watched: the events are set for the whole process."""
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
    if _local.jumps % JUMPS_PER_CHECK == 0 and time.thread_time() > until:
        _local.until = None
        msg = "parsing its file system takes too long"
        raise Endless(msg)


def _free_tool() -> int:
    """Return a tool id that is not used by a debugger, profiler or coverage tool."""
    return next(number for number in (4, 3, 5, 2) if sys.monitoring.get_tool(number) is None)


_TOOL = _free_tool()
sys.monitoring.use_tool_id(_TOOL, "stillframe")
sys.monitoring.register_callback(_TOOL, _EVENTS.JUMP, _on_jump)
