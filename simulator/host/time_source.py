"""The time the app lives in: this machine's, or the simulator's.

Takes the URL of the simulator's clock (`GET` answers `{"now": iso, "speed": x}`) and moves
`datetime.now` and `time.time` of this whole process along with it, at the start of every
invocation. `time.monotonic` stays real, so asyncio, sockets and thread waits are not disturbed.
"""

import asyncio
import time
from datetime import UTC, datetime, timedelta
from typing import Protocol

import aiohttp
import time_machine

# How long a running clock's answer is carried forward before it is asked again; a clock that is
# moved by hand is asked every time.
FRESH_SECONDS = 1.0


class TimeSource(Protocol):
    """What invocations and timers ask of the time; `speed` is seconds a real second."""

    speed: float

    async def move(self) -> datetime:
        """Bring the process's time up to date and return it."""


class RealTime:
    """This machine's own clock."""

    speed = 1.0

    async def move(self) -> datetime:
        """Return the machine's time."""
        return datetime.now(UTC)


class SimulatedTime:
    """The simulator's clock, followed; `start` before use, `close` after."""

    def __init__(self, url: str) -> None:
        self._url = url
        self.speed = 0.0
        self._asked_at = float("-inf")
        self._answered = datetime.now(UTC)
        self._travel_machine: time_machine.travel | None = None
        self._travel: time_machine.Traveller | None = None
        self._lock = asyncio.Lock()
        self._session: aiohttp.ClientSession | None = None

    async def start(self) -> None:
        """Ask for the time once; raises aiohttp.ClientError when the simulator cannot be asked."""
        self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=10))
        await self.move()

    async def move(self) -> datetime:
        """Bring the process's time up to date and return it."""
        fresh_since = time.monotonic() - (FRESH_SECONDS if self.speed else 0)
        async with self._lock:
            # Invocations that begin at once share one answer: whoever comes first asks.
            if self._asked_at < fresh_since:
                await self._ask()
            elapsed = (time.monotonic() - self._asked_at) * self.speed
            now = self._answered + timedelta(seconds=elapsed)
            self._travel_to(now)
            return now

    async def close(self) -> None:
        """Give the process its own time back."""
        if self._travel_machine is not None:
            self._travel_machine.stop()
        if self._session is not None:
            await self._session.close()

    async def _ask(self) -> None:
        if self._session is None:
            msg = "the time source was not started"
            raise RuntimeError(msg)
        asked_at = time.monotonic()
        async with self._session.get(self._url) as response:
            response.raise_for_status()
            answer = await response.json()
        self._asked_at = asked_at
        self._answered = datetime.fromisoformat(answer["now"])
        self.speed = float(answer["speed"])

    def _travel_to(self, now: datetime) -> None:
        ticking = bool(self.speed)
        if self._travel is None:
            self._travel_machine = time_machine.travel(now, tick=ticking)
            self._travel = self._travel_machine.start()
        else:
            self._travel.move_to(now, tick=ticking)
