"""The simulator's time: real, fast, or moved by hand.

Takes appointments (an instant and a coroutine function to call then) and runs them in the order of
their instants; those of the same instant in the order of their creation. Everything that takes time
in the simulated Azure (operations, event delivery, guests) is an appointment, so a test can stop
the clock between two of them, and two weeks take only as long as the work that falls due in them.
"""

import asyncio
import contextlib
import heapq
import itertools
import logging
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

type Act = Callable[[], Awaitable[None]]

log = logging.getLogger(__name__)


@dataclass(order=True)
class Appointment:
    """A call that is due at an instant; skipped if `cancelled`."""

    when: datetime
    number: int
    act: Act = field(compare=False)
    cancelled: bool = field(default=False, compare=False)


class Clock:
    """`speed` is simulated seconds per real second; 0 means that only `advance` moves the time."""

    def __init__(self, *, speed: float = 1.0, start: datetime | None = None) -> None:
        self._speed = speed
        self._anchor = start or datetime.now(UTC)
        self._anchored_at = time.monotonic()
        self._numbers = itertools.count()
        self._appointments: list[Appointment] = []
        self._changed = asyncio.Event()
        self._under_way: set[asyncio.Task[None]] = set()

    @property
    def speed(self) -> float:
        """Simulated seconds per real second."""
        return self._speed

    def now(self) -> datetime:
        """Return the simulated instant, aware, UTC."""
        elapsed = (time.monotonic() - self._anchored_at) * self._speed
        return self._anchor + timedelta(seconds=elapsed)

    def set_speed(self, speed: float) -> None:
        """Continue from the present instant at another speed."""
        self._anchor, self._anchored_at = self.now(), time.monotonic()
        self._speed = speed
        self._changed.set()

    def after(self, seconds: float, act: Act) -> Appointment:
        """Call `act` when that many simulated seconds have passed."""
        appointment = Appointment(self.now() + timedelta(seconds=seconds), next(self._numbers), act)
        heapq.heappush(self._appointments, appointment)
        self._changed.set()
        return appointment

    def clear(self) -> None:
        """Remove all appointments."""
        self._appointments.clear()

    async def advance(self, seconds: float) -> None:
        """Move a clock of speed 0; each appointment that falls due ends before the next starts."""
        if self._speed:
            msg = f"the clock runs by itself (speed {self._speed}); set speed 0 to advance it"
            raise ValueError(msg)
        until = self._anchor + timedelta(seconds=seconds)
        while self._appointments and self._appointments[0].when <= until:
            appointment = heapq.heappop(self._appointments)
            self._anchor = max(self._anchor, appointment.when)
            await _carry_out(appointment)
        self._anchor = until

    async def run(self) -> None:
        """Run appointments as they fall due, concurrently, until cancelled."""
        while True:
            self._changed.clear()
            while self._speed and self._appointments and self._appointments[0].when <= self.now():
                task = asyncio.create_task(_carry_out(heapq.heappop(self._appointments)))
                self._under_way.add(task)
                task.add_done_callback(self._under_way.discard)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._changed.wait(), self._real_seconds_to_next())

    def _real_seconds_to_next(self) -> float | None:
        if not self._speed or not self._appointments:
            return None
        return max(0.0, (self._appointments[0].when - self.now()).total_seconds() / self._speed)


async def _carry_out(appointment: Appointment) -> None:
    if appointment.cancelled:
        return
    try:
        await appointment.act()
    except Exception:
        log.exception("an appointment failed: %r", appointment.act)
