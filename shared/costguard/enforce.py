"""The cost guard at work: a VM that was just looked at -> what is due about its bill, done.

Takes the look's VM and what the lists show of its group and locks; gives a `Settled`. What there is
to tell is published first and noted then, so that it is told whatever ends in between. An alert's
id is by its VM, since when that is billed, and the day, so one told twice can be dropped.
"""

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from typing import assert_never

from shared.cloud.act import remember
from shared.cloud.connect import Azure
from shared.costguard.alert import Bill, no_longer_billed, still_billed
from shared.costguard.rules import Alert, Clear, Deallocate, Due, Mark, Nothing, Standing, judge
from shared.model.errors import Refused, Transient
from shared.model.facts import Missing, ObservedVm
from shared.model.ids import VmRef
from shared.model.instants import write_instant
from shared.model.outcomes import Outcome
from shared.model.tags import BILLED_TAGS, Tag, Words

log = logging.getLogger(__name__)

HEALTH = "resource-health"
FIRST_SEEN = "first-seen"


@dataclass(frozen=True, slots=True)
class Settled:
    """What was done about a VM's bill; `untold`: why the mark, `tags`, could not be written."""

    what: str
    untold: str | None = None
    tags: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))


def settle(azure: Azure, vm: ObservedVm, standing: Standing, now: datetime) -> Settled:
    """Do what is due about a VM's bill."""
    due = judge(standing, azure.settings, now)
    if azure.settings.dry_run and not isinstance(due, Nothing):
        log.info("dry run: would %s %s", _named(due), vm.ref.id)
        return Settled(f"would {_named(due)}", "dry run")
    match due:
        case Nothing():
            return Settled("nothing")
        case Mark():
            since = since_when(azure, vm.ref, now)[0]
            mark = {Tag.BILLED_SINCE.value: write_instant(since)}
            return Settled("mark", _write(azure, vm, Words(mark)), mark)
        case Alert():
            return Settled("alert", _alert(azure, vm, due, standing.kept, now))
        case Deallocate():
            return _deallocate(azure, vm)
        case Clear():
            return Settled("clear", _clear(azure, vm, due.since, now))
        case _:
            assert_never(due)


def since_when(azure: Azure, ref: VmRef, now: datetime) -> tuple[datetime, str]:
    """Return since when a stopped VM stands stopped, and who says so: Resource Health, or we."""
    health = azure.arm.health(ref)
    if isinstance(health, Missing) or health.properties.availability_state != "Unavailable":
        return now, FIRST_SEEN
    occurred = health.properties.occurred_time or health.properties.occured_time
    if occurred is None or occurred.tzinfo is None or occurred > now:
        return now, FIRST_SEEN
    return occurred, HEALTH


def _alert(azure: Azure, vm: ObservedVm, due: Alert, kept: str | None, now: datetime) -> str | None:
    said, who = since_when(azure, vm.ref, now)
    known_by = who if write_instant(said) == write_instant(due.since) else FIRST_SEEN
    bill = _bill(azure, vm, due.since, now)
    told = still_billed(vm, bill, due.number, known_by=known_by, kept=kept)
    note = Words({Tag.BILLED_ALERTED.value: write_instant(now)})
    return _publish(azure, told) or _write(azure, vm, note)


def _clear(azure: Azure, vm: ObservedVm, since: datetime | None, now: datetime) -> str | None:
    if since is not None:
        untold = _publish(azure, no_longer_billed(vm, _bill(azure, vm, since, now)))
        if untold:
            return untold
    marks = {tag.value: vm.tags[tag] for tag in BILLED_TAGS if tag in vm.tags}
    return _write(azure, vm, Words({}, marks))


def _deallocate(azure: Azure, vm: ObservedVm) -> Settled:
    try:
        azure.arm.deallocate(vm.ref)
    except (Refused, Transient) as error:
        return Settled("deallocate", str(error))
    return Settled("deallocate")


def _bill(azure: Azure, vm: ObservedVm, since: datetime, until: datetime) -> Bill:
    prices = azure.prices
    return Bill(since, until, prices.hourly(vm.machine, until), prices.currency)


def _write(azure: Azure, vm: ObservedVm, words: Words) -> str | None:
    """Change what is remembered of a VM; return why that cannot be done, if so."""
    try:
        remember(azure.arm, vm, words)
    except (Refused, Transient) as error:
        return _not_done(error)
    return None


def _publish(azure: Azure, outcome: Outcome) -> str | None:
    try:
        azure.topic.publish(outcome)
    except (Refused, Transient) as error:
        return _not_done(error)
    return None


def _not_done(error: Refused | Transient) -> str:
    log.warning("not done: %s", error)
    return str(error)


def _named(due: Due) -> str:
    return type(due).__name__.lower()
