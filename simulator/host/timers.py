"""Timer triggers: when they fire, and what the function is given.

Takes the functions with a timer trigger and runs each by its schedule, one run at a time, in the
time the app lives in. Runs missed while an earlier one lasted, or while the simulated clock leapt,
become one run that is past due. A clock that stands still fires nothing.
"""

import asyncio
import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime

from simulator.host import ncrontab
from simulator.host.invocations import Invocation, Invocations
from simulator.host.ncrontab import Schedule
from simulator.host.settings import SettingsError, resolved
from simulator.host.time_source import TimeSource
from simulator.host.worker import Function

# The longest wait without a look at the clock, in real seconds: somebody may have moved it.
LOOK_SECONDS = 1.0

# How .NET writes an instant that has not been.
NEVER = datetime(1, 1, 1, tzinfo=UTC)


@dataclass
class Timer:
    """A function with a timer trigger, its schedule and its last run."""

    function: Function
    schedule: Schedule
    last: datetime | None = None
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)

    def request(self, now: datetime, *, past_due: bool = False) -> str:
        """Write the TimerRequest as the host hands it to the worker."""
        last = (self.last or NEVER).isoformat()
        following = (self.schedule.after(now) or NEVER).isoformat()
        status = {"Last": last, "Next": following, "LastUpdated": last}
        monitored = self.function.trigger.get("useMonitor", True)
        return json.dumps(
            {
                "Schedule": {"AdjustForDST": True},
                "ScheduleStatus": status if monitored else None,
                "IsPastDue": past_due,
            }
        )


def timers_of(functions: Iterable[Function]) -> dict[str, Timer]:
    """Read the schedules; SettingsError names the function whose schedule is no schedule."""
    return {f.name: _timer(f) for f in functions if f.kind == "timerTrigger"}


def _timer(function: Function) -> Timer:
    try:
        schedule = ncrontab.parse(resolved(str(function.trigger["schedule"])))
    except (ValueError, SettingsError) as error:
        msg = f"the listener for function 'Functions.{function.name}' was unable to start: {error}"
        raise SettingsError(msg) from error
    return Timer(function, schedule)


async def keep(
    timer: Timer, invocations: Invocations, time_source: TimeSource, now: datetime
) -> None:
    """Run the timer by its schedule, from an instant on, until cancelled."""
    if timer.function.trigger.get("runOnStartup"):
        await fire(timer, invocations, now, reason="Timer fired at startup")
    while due := timer.schedule.after(now):
        now = await _until(due, time_source)
        missed = timer.schedule.after(due)
        past_due = missed is not None and missed <= now
        await fire(timer, invocations, now, reason="Timer fired", past_due=past_due)
        timer.last = now


async def fire(
    timer: Timer,
    invocations: Invocations,
    now: datetime,
    *,
    reason: str,
    past_due: bool = False,
) -> Invocation:
    """Run the function once, after a run that is under way."""
    async with timer.turn:
        value = timer.request(now, past_due=past_due)
        return await invocations.run(timer.function, value, reason)


async def _until(due: datetime, time_source: TimeSource) -> datetime:
    while (now := await time_source.move()) < due or not time_source.speed:
        wait = LOOK_SECONDS
        if time_source.speed:
            wait = min(wait, (due - now).total_seconds() / time_source.speed)
        await asyncio.sleep(wait)
    return now
