"""What a sweep found and did: counted during the sweep, then one outcome event, the heartbeat.

Pure, except that a report is changed by counting. VMs are named by id.
"""

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from typing import Any

from shared.costguard.alert import described
from shared.costguard.bill import HOURS_A_DAY, Bill, Rate, resource_columns
from shared.model.facts import ListedVm, Machine, ObservedImage
from shared.model.ids import VmRef
from shared.model.outcomes import Outcome, OutcomeType, event_id
from shared.model.tags import Status
from shared.model.text import cut
from shared.model.version import VERSION
from shared.sweep.left import LeftVersions, LeftVm

SHOWN = 50
"""Flagged VMs that the event names, the most expensive first: an event holds at most 1 MB."""

LISTED = 100
"""VMs or subscriptions that the event names in each member; `counts` has the full numbers."""

LONGEST_OWNER = 40
"""Characters of an owner's name in the log line."""

_IN_LINE = (
    *("ResourceId", "RegionId", "ChargePeriodStart", "pastGrace", "size"),
    *("ContractedUnitPrice", "ContractedCost", "x_LicenseUnitPrice", "sinceKnownBy"),
)
_NAMED = ("steps", "untold", "failed", "unlisted", "unreached", "unreadable", "others", "strange")


@dataclass(frozen=True, slots=True)
class Flagged:
    """A VM that is stopped and still billed; None means unknown.

    `past_grace`: whether it is billed for longer than the grace period. `owner`: as its tags name.
    `known_by`: who says since when, if that was read.
    """

    ref: VmRef
    since: datetime | None
    machine: Machine | None
    rate: Rate
    past_grace: bool = False
    owner: str | None = None
    known_by: str | None = None

    def row(self, now: datetime) -> dict[str, Any]:
        """Return the row that the event and the tables show."""
        bill = Bill(self.since, now, self.rate) if self.since else None
        return {
            **resource_columns(self.ref, self.machine.region if self.machine else None),
            "owner": self.owner,
            "sinceKnownBy": self.known_by,
            "pastGrace": self.past_grace,
            **(described(self.machine) if self.machine else {}),
            **(bill.columns() if bill else self.rate.columns()),
        }


@dataclass(slots=True)
class SweepReport:
    """The result of one sweep.

    By VM id: `steps` taken, invalid opt-out tags (`unreadable`), the other app that an order
    belongs to (`others`), and why a visit's writes were not completed (`untold`), a visit failed
    (`failed`, by image id too), or the VM's entry in Azure's list is malformed (`strange`).
    By subscription id: why it could not be listed (`unlisted`). `unreached`: VMs for which there
    was no time. `unsaid`: by VM id, an order's status on its tags, and the status of this sweep,
    if it is another. `ordered`: the VMs with an order, as they are after the sweep.
    `images`: those where captures go, if this sweep has listed them. `prices_unread`: why the price
    list could not be read, empty if it could.
    """

    currency: str = "USD"
    factor: float = 1.0
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
    ordered: list[ListedVm] = field(default_factory=list)
    images: list[ObservedImage] = field(default_factory=list)
    left_vms: list[LeftVm] = field(default_factory=list)
    left_versions: LeftVersions | None = None
    prices_unread: str = ""
    seconds: float = 0.0
    requests: int = 0

    @property
    def per_day(self) -> float:
        """What the flagged VMs cost a day at list price, as far as their prices are known."""
        prices = [vm.rate.price for vm in self.flagged if vm.rate.price]
        return round(sum(price.compute for price in prices) * HOURS_A_DAY, 2)

    @property
    def cost_of_a_day(self) -> str:
        """What the flagged VMs cost a day, as text: a lower bound if some prices are unknown."""
        if self.flagged and self.unpriced == len(self.flagged):
            return "an unknown amount"
        least = "at least " if self.unpriced else ""
        return f"{least}{self.per_day * self.factor:,.2f} {self.currency}"

    @property
    def licences_per_day(self) -> float:
        """What they cost more at list price if Azure bills their Windows licences."""
        prices = [vm.rate.price for vm in self.flagged if vm.rate.price]
        return round(sum(price.windows or 0.0 for price in prices) * HOURS_A_DAY, 2)

    @property
    def dearest(self) -> list[Flagged]:
        """The flagged VMs, the most expensive first."""
        return sorted(self.flagged, key=lambda vm: -(vm.rate.hourly or 0.0))

    @property
    def unpriced(self) -> int:
        """How many flagged VMs have no known price."""
        return sum(vm.rate.price is None for vm in self.flagged)

    def body(self, now: datetime) -> dict[str, Any]:
        """Return the data of the event, as JSON members."""
        return {
            "version": VERSION,
            "vms": sum(self.states.values()),
            "states": dict(self.states),
            "orders": sum(self.statuses.values()),
            "statuses": dict(self.statuses),
            "looked": self.looked,
            "steps": {vm: list(steps) for vm, steps in islice(self.steps.items(), LISTED)},
            "bills": dict(self.bills),
            "flagged": [vm.row(now) for vm in self.dearest[:SHOWN]],
            "flaggedCount": len(self.flagged),
            "listCostPerDay": self.per_day,
            "contractedCostPerDay": round(self.per_day * self.factor, 2),
            "licenseCostPerDay": round(self.licences_per_day * self.factor, 2),
            "unpriced": self.unpriced,
            "pricesUnread": self.prices_unread,
            "BillingCurrency": self.currency,
            "x_PriceFactor": self.factor,
            "leftBehind": self._left(),
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

    def _left(self) -> dict[str, Any]:
        """Return what captures have left behind; of versions None, if this sweep did not list."""
        versions = self.left_versions
        dearest = sorted(self.left_vms, key=lambda vm: -(vm.month or 0.0))
        return {
            "capturedVms": self.statuses[Status.CAPTURED],
            "vms": [vm.row() for vm in dearest[:SHOWN]],
            "listCostPerMonth": round(sum(vm.month or 0.0 for vm in self.left_vms), 2),
            "unpriced": sum(vm.month is None for vm in self.left_vms),
            "failedVersions": versions and len(versions.failed),
            "versions": list(versions.failed[:LISTED]) if versions else None,
            "supersededVersions": versions and versions.superseded,
            "supersededReplicas": versions and versions.replicas,
        }

    def line(self, now: datetime, *, dry_run: bool) -> str:
        """Return the log line, without members that name VMs: `counts` has their numbers.

        Application Insights truncates a line after 32,768 characters, which breaks its JSON.
        """
        body = {name: told for name, told in self.body(now).items() if name not in _NAMED}
        body["flagged"] = [_in_line(row) for row in body["flagged"]]
        left = body["leftBehind"]
        body["leftBehind"] = {name: left[name] for name in left if name not in ("vms", "versions")}
        return json.dumps({**body, "dryRun": dry_run}, ensure_ascii=False)


def _in_line(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return the columns of a flagged VM that the queries read, with a short owner."""
    named = {name: row.get(name) for name in _IN_LINE}
    return named | {"owner": cut(row["owner"], LONGEST_OWNER) if row["owner"] else None}


def _some(why: Mapping[str, str]) -> dict[str, str]:
    """Return the first `LISTED` reasons, each cut to the length of a tag."""
    return {name: cut(reason) for name, reason in islice(why.items(), LISTED)}


def sweep_outcome(report: SweepReport, subscription: str, now: datetime, **more: bool) -> Outcome:
    """Return the heartbeat; `more` is added to its data."""
    source = f"/subscriptions/{subscription}"
    happened = event_id(OutcomeType.SWEPT, source, now.isoformat())
    data = {**report.body(now), **more}
    return Outcome(happened, OutcomeType.SWEPT, source, "sweep", now, data)
