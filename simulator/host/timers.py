"""Timer triggers: when they fire, and what the function is given.

Takes the functions with a timer trigger and runs each by its schedule, one run at a time, by the
clock that the app uses. A timer's last run is kept in storage: a run that was missed while the
host was down happens at its start and is past due. Runs missed while an earlier one was running,
or while the simulated clock was advanced, become one ordinary run. A stopped clock fires nothing.
"""

import asyncio
import json
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Literal

from simulator.host import ncrontab
from simulator.host.invocations import Invocation, Invocations
from simulator.host.ncrontab import Schedule
from simulator.host.settings import SettingsError, resolved
from simulator.host.storage import NEVER, Status, Statuses
from simulator.host.time_source import TimeSource
from simulator.host.worker import Function

# The longest wait without a look at the clock, in real seconds: somebody may have moved it.
LOOK_SECONDS = 1.0

type First = Literal["missed", "startup"]


@dataclass
class Timer:
    """A function with a timer trigger, its schedule, and where its status is kept."""

    function: Function
    schedule: Schedule
    statuses: Statuses
    status: Status | None = None
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)

    @property
    def monitored(self) -> bool:
        """Whether a status is stored: not if the app disables it, nor if runs are seconds apart."""
        return bool(self.function.trigger.get("useMonitor", True)) and not self.schedule.is_frequent

    def open(self, now: datetime, *, restarted: bool) -> First | None:
        """Take over the status as a listener does at its start; return why to run at once, if so.

        If only the worker is restarted, the real host and its listeners continue.
        """
        kept = self.statuses.get(self.function.name) if self.monitored else None
        self.status = continued(kept, self.schedule, now)
        if self.monitored:
            self.statuses.put(self.function.name, self.status)
        if self.status.due is not None and now > self.status.due:
            return "missed"
        at_startup = bool(self.function.trigger.get("runOnStartup")) and not restarted
        return "startup" if at_startup else None

    def ran(self, at: datetime, *, planned: bool) -> None:
        """Record a run that the timer itself started at an instant, and the next due time.

        A planned run that came early counts as having come when it was due.
        """
        due = self.status.due if self.status and planned else None
        last = max(at, due) if due else at
        self.status = Status(last, self.schedule.after(last), last)
        if self.monitored:
            self.statuses.put(self.function.name, self.status)

    def request(self, *, past_due: bool = False, last: datetime | None = None) -> str:
        """Write the TimerRequest as the host hands it to the worker; `last` stands for its own."""
        known = self.status if self.status and self.monitored else None
        status = replace(known, last=last or known.last).content() if known else None
        return json.dumps(
            {
                "Schedule": {"AdjustForDST": True},
                "ScheduleStatus": status,
                "IsPastDue": past_due,
            }
        )


def continued(kept: Status | None, schedule: Schedule, now: datetime) -> Status:
    """Return the status that a timer starts with, from the stored one.

    If the schedule has changed since, the next run is computed anew, and none was missed.
    """
    if kept is None:
        return Status(NEVER, schedule.after(now), now)
    since = kept.last if kept.last != NEVER else kept.updated
    due = schedule.after(since)
    if due == kept.due:
        return kept
    if due is not None and now > due:
        return Status(NEVER, schedule.after(now), now)
    return Status(NEVER, due, since)


def timer_of(function: Function, statuses: Statuses) -> Timer:
    """Read the schedule; SettingsError says in the host's words why it is none."""
    given = function.trigger.get("schedule")
    text = resolved(str(given or ""))
    try:
        schedule = ncrontab.parse(text)
    except ValueError as error:
        # The host would take a TimeSpan too, which Microsoft supports in App Service plans alone.
        msg = (
            f"The schedule expression '{text}' was not recognized as a valid cron expression or "
            "timespan string."
        )
        raise SettingsError(msg) from error
    return Timer(function, schedule, statuses)


async def keep(
    timer: Timer,
    invocations: Invocations,
    time_source: TimeSource,
    now: datetime,
    *,
    first: First | None,
) -> None:
    """Run the timer by its schedule, from an instant on, until cancelled."""
    if first:
        await fire(timer, invocations, now, past_due=first == "missed")
        timer.ran(now, planned=False)
    while timer.status and timer.status.due:
        now = await _until(timer.status.due, time_source)
        await fire(timer, invocations, now)
        timer.ran(now, planned=True)


async def fire(  # noqa: PLR0913 how a run differs from another
    timer: Timer,
    invocations: Invocations,
    now: datetime,
    *,
    reason: str | None = None,
    past_due: bool = False,
    last: datetime | None = None,
) -> Invocation:
    """Run the function once, after a run that is under way; `last`: when it is told it ran last."""
    async with timer.turn:
        value = timer.request(past_due=past_due, last=last)
        said = reason or f"Timer fired at {now.isoformat()}"
        return await invocations.run(timer.function, value, said)


async def _until(due: datetime, time_source: TimeSource) -> datetime:
    while (now := await time_source.move()) < due or not time_source.speed:
        wait = LOOK_SECONDS
        if time_source.speed:
            wait = min(wait, (due - now).total_seconds() / time_source.speed)
        await asyncio.sleep(wait)
    return now
