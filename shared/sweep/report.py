"""What a sweep found and did: counted as it goes, then one outcome event, the heartbeat.

Pure but for its own counting. Ids name VMs; money is list price.
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
"""Flagged VMs that the event names, dearest first: an event has room for 1 MB."""

HOURS_A_DAY = 24

LISTED = 100
"""VMs or subscriptions of a kind that the event names; `counts` has how many there are."""

_NAMED = ("steps", "untold", "failed", "unlisted", "unreached", "unreadable", "others", "strange")


@dataclass(frozen=True, slots=True)
class Flagged:
    """A VM that is stopped and still billed; what is None nobody knows.

    `past_grace`: for long enough that people are told.
    """

    vm: str
    since: datetime | None
    machine: Machine | None
    hourly: float | None
    past_grace: bool = False

    def row(self, now: datetime) -> dict[str, Any]:
        """Return it as the event and the tables show it."""
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
    """One sweep. `untold`, `failed`, `unlisted`, `strange`: why, by VM or subscription id.

    `others`: by VM id, the other app whose order it is, and which is left to it.
    `unsaid`: by VM id, what the tags say of an order and what a dry run would say in its place.
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
        return round(sum(one.hourly or 0.0 for one in self.flagged) * HOURS_A_DAY, 2)

    def body(self, now: datetime) -> dict[str, Any]:
        """Return it for machines."""
        dearest = sorted(self.flagged, key=lambda one: -(one.hourly or 0.0))
        return {
            "version": VERSION,
            "vms": sum(self.states.values()),
            "states": dict(self.states),
            "orders": sum(self.statuses.values()),
            "statuses": dict(self.statuses),
            "looked": self.looked,
            "steps": {vm: list(steps) for vm, steps in islice(self.steps.items(), LISTED)},
            "bills": dict(self.bills),
            "flagged": [one.row(now) for one in dearest[:SHOWN]],
            "flaggedCount": len(self.flagged),
            "listPricePerDay": self.per_day,
            "unpriced": sum(one.hourly is None for one in self.flagged),
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
        """Return it for the log: what the event names by VM is only counted here.

        Application Insights cuts a line after 32,768 characters, and half a line is no JSON.
        """
        body = {name: told for name, told in self.body(now).items() if name not in _NAMED}
        return json.dumps({**body, "dryRun": dry_run}, ensure_ascii=False)


def _some(why: Mapping[str, str]) -> dict[str, str]:
    """Return the first of some reasons, each short."""
    return {one: cut(reason) for one, reason in islice(why.items(), LISTED)}


def sweep_outcome(report: SweepReport, subscription: str, now: datetime, **more: bool) -> Outcome:
    """Return the heartbeat; `more` joins its data."""
    source = f"/subscriptions/{subscription}"
    happened = event_id(OutcomeType.SWEPT, source, now.isoformat())
    data = {**report.body(now), **more}
    return Outcome(happened, OutcomeType.SWEPT, source, "sweep", now, data)
