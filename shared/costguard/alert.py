"""The cost guard's outcome events: facts of a VM's bill -> `Outcome`.

Pure. Its money is a `Bill` (`bill.py`). An event's id derives from the VM, the time
since when it is billed, and the number of the alert, so that a repeat can be dropped by its id.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from shared.costguard.bill import NOT_COUNTED, Bill, resource_columns
from shared.model.facts import Machine, ObservedVm
from shared.model.instants import write_instant
from shared.model.outcomes import Outcome, OutcomeType, event_id

PORTAL = "https://portal.azure.com/#resource"
WHAT_TO_DO = (
    "start it if it is needed; else deallocate it (az vm deallocate, or Stop in the portal), "
    "or set the tag stillframe-cost-guard to ignore, or ignore-until-YYYY-MM-DD"
)
WHAT_IS_LOST = (
    "deallocation empties the temporary disk, releases a dynamic public address and gives back the "
    "claim on capacity; a guest that has hibernated itself loses its session"
)
HEALTH = "resource-health"
GRAPH = "resource-graph"
FIRST_SEEN = "first-seen"
"""Who says since when a VM is stopped: the last is a sweep, and it may be stopped for longer."""

OWNER_TAGS = ("owner", "contact", "created-by", "createdby")


def who_says(since: datetime, stopped: datetime, source: str) -> str:
    """Return who says since when a VM is billed: the source of its stop, if that is the instant."""
    same = write_instant(since) == write_instant(stopped)
    return source if same else FIRST_SEEN


def still_billed(
    vm: ObservedVm, bill: Bill, number: int, *, known_by: str, kept: str | None
) -> Outcome:
    """Return the alert of a VM that is stopped and still billed."""
    data = {
        "owner": owner(vm.tags),
        "sinceKnownBy": known_by,
        "price": str(bill.rate),
        "whatIsNotCounted": NOT_COUNTED,
        "whatToDo": WHAT_TO_DO,
        "whatIsLost": WHAT_IS_LOST,
        "notDeallocatedBecause": kept,
        "portal": f"{PORTAL}{vm.ref.id}",
    }
    return _outcome(OutcomeType.STILL_BILLED, vm, bill, str(number), data)


def no_longer_billed(vm: ObservedVm, bill: Bill) -> Outcome:
    """Return the event that billing has ended, with the total."""
    data = {"owner": owner(vm.tags), "powerState": vm.power.value}
    return _outcome(OutcomeType.NO_LONGER_BILLED, vm, bill, "over", data)


def deallocated(vm: ObservedVm, bill: Bill, wish: str) -> Outcome:
    """Return the event that Stillframe has deallocated a VM; `wish` is its `DEALLOCATED_BY` tag."""
    whose, _, word = wish.partition(" ")
    data = {
        "owner": owner(vm.tags),
        "whoseWord": whose,
        "word": word,
        "savedPerHour": str(bill.rate),
        "whatIsLost": WHAT_IS_LOST,
        "portal": f"{PORTAL}{vm.ref.id}",
    }
    return _outcome(OutcomeType.DEALLOCATED, vm, bill, "deallocated", data)


def owner(tags: Mapping[str, str]) -> str | None:
    """Return the owner that a VM's tags name: the first of `OWNER_TAGS`."""
    return next((tags[name] for name in OWNER_TAGS if name in tags), None)


def described(machine: Machine) -> dict[str, Any]:
    """Return what a VM's price depends on, as events and reports show it."""
    return {
        "size": machine.size,
        "region": machine.region,
        "osType": machine.os_type,
        "hybridBenefit": machine.hybrid,
        "spot": machine.spot,
    }


def _outcome(
    kind: OutcomeType, vm: ObservedVm, bill: Bill, which: str, more: Mapping[str, Any]
) -> Outcome:
    data = {
        "vm": {"id": vm.ref.id, "vmId": vm.vm_id, **described(vm.machine)},
        **resource_columns(vm.ref, vm.machine.region),
        **bill.columns(),
        "seconds": bill.seconds,
        **more,
    }
    happened = event_id(kind, vm.ref.key, write_instant(bill.since), which)
    return Outcome(happened, kind, vm.ref.id, vm.ref.name, bill.until, data)
