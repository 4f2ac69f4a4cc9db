"""What a sweep found and did: counted during the sweep, then one outcome event, the heartbeat.

Pure, except that a report is changed by counting. VMs are named by id; money is list price.
"""

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from typing import Any

from shared.costguard.alert import SECONDS_AN_HOUR, described
from shared.model.facts import Machine
from shared.model.instants import write_instant
from shared.model.outcomes import Outcome, OutcomeType, event_id
from shared.model.tags import Status
from shared.model.text import cut
from shared.model.version import VERSION

SHOWN = 50
"""Flagged VMs that the event names, the most expensive first: an event holds at most 1 MB."""

HOURS_A_DAY = 24

LISTED = 100
"""VMs or subscriptions that the event names in each member; `counts` has the full numbers."""

_NAMED = ("steps", "untold", "failed", "unlisted", "unreached", "unreadable", "others", "strange")


@dataclass(frozen=True, slots=True)
class Flagged:
    """A VM that is stopped and still billed; None means unknown.

    `past_grace`: whether it is billed for longer than the grace period.
    """

    vm: str
    since: datetime | None
    machine: Machine | None
    hourly: float | None
    past_grace: bool = False

    def row(self, now: datetime) -> dict[str, Any]:
        """Return the row that the event and the tables show."""
        hours = (now - self.since).total_seconds() / SECONDS_AN_HOUR if self.since else None
        known = self.hourly is not None and hours is not None
        return {
            "vm": self.vm,
            "since": self.since and write_instant(self.since),
            "pastGrace": self.past_grace,
            **(described(self.machine) if self.machine else {}),
            "listPricePerHour": self.hourly,
            "listPriceSoFar": round((self.hourly or 0) * (hours or 0), 2) if known else None,
        }


@dataclass(slots=True)
class SweepReport:
    """The result of one sweep.

    By VM id: `steps` taken, invalid opt-out tags (`unreadable`), the other app that an order
    belongs to (`others`), and why a visit's writes were not completed (`untold`), a visit failed
    (`failed`, by image id too), or the VM's entry in Azure's list is malformed (`strange`).
    By subscription id: why it could not be listed (`unlisted`). `unreached`: VMs for which there
    was no time. `unsaid`: by VM id, an order's status on its tags, and the status of this sweep,
    if it is another.
    """

    currency: str = "USD"
    states: Counter[str] = field(default_factory=Counter)
    statuses: Counter[str] = field(default_factory=Counter)
    unsaid: dict[str, tuple[str, str]] = field(default_factory=dict)
    bills: Counter[str] = field(default_factory=Counter)
    looked: int = 0
    steps: dict[str, tuple[str, ...]] = field(default_factory=dict)
    untold: dict[str, str] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)
    unlisted: dict[str, str] = field(default_factory=dict)
    unreached: list[str] = field(default_factory=list)
    unreadable: dict[str, str] = field(default_factory=dict)
    others: dict[str, str] = field(default_factory=dict)
    strange: dict[str, str] = field(default_factory=dict)
    flagged: list[Flagged] = field(default_factory=list)
    failed_versions: int | None = None
    seconds: float = 0.0
    requests: int = 0

    @property
    def per_day(self) -> float:
        """What the flagged VMs cost a day, as far as their prices are known."""
        return round(sum(vm.hourly or 0.0 for vm in self.flagged) * HOURS_A_DAY, 2)

    def body(self, now: datetime) -> dict[str, Any]:
        """Return the data of the event, as JSON members."""
        dearest = sorted(self.flagged, key=lambda vm: -(vm.hourly or 0.0))
        return {
            "version": VERSION,
            "vms": sum(self.states.values()),
            "states": dict(self.states),
            "orders": sum(self.statuses.values()),
            "statuses": dict(self.statuses),
            "looked": self.looked,
            "steps": {vm: list(steps) for vm, steps in islice(self.steps.items(), LISTED)},
            "bills": dict(self.bills),
            "flagged": [vm.row(now) for vm in dearest[:SHOWN]],
            "flaggedCount": len(self.flagged),
            "listPricePerDay": self.per_day,
            "unpriced": sum(vm.hourly is None for vm in self.flagged),
            "currency": self.currency,
            "leftBehind": {
                "capturedVms": self.statuses[Status.CAPTURED],
                "failedVersions": self.failed_versions,
            },
            "untold": _some(self.untold),
            "failed": _some(self.failed),
            "unlisted": _some(self.unlisted),
            "unreached": self.unreached[:LISTED],
            "unreadable": _some(self.unreadable),
            "others": _some(self.others),
            "strange": _some(self.strange),
            "counts": {name: len(getattr(self, name)) for name in _NAMED},
            "seconds": self.seconds,
            "requests": self.requests,
        }

    def line(self, now: datetime, *, dry_run: bool) -> str:
        """Return the log line, without members that name VMs: `counts` has their numbers.

        Application Insights truncates a line after 32,768 characters, which breaks its JSON.
        """
        body = {name: told for name, told in self.body(now).items() if name not in _NAMED}
        return json.dumps({**body, "dryRun": dry_run}, ensure_ascii=False)


def _some(why: Mapping[str, str]) -> dict[str, str]:
    """Return the first `LISTED` reasons, each cut to the length of a tag."""
    return {name: cut(reason) for name, reason in islice(why.items(), LISTED)}


def sweep_outcome(report: SweepReport, subscription: str, now: datetime, **more: bool) -> Outcome:
    """Return the heartbeat; `more` is added to its data."""
    source = f"/subscriptions/{subscription}"
    happened = event_id(OutcomeType.SWEPT, source, now.isoformat())
    data = {**report.body(now), **more}
    return Outcome(happened, OutcomeType.SWEPT, source, "sweep", now, data)
