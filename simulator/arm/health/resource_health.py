"""Resource Health: the availability status of each VM, and when it began.

Takes calls, gives Azure's answers. The instant is spelt `occuredTime` in every api-version of these
routes; `occurredTime`, with two r, is the spelling of events and Resource Graph.
"""

from datetime import datetime

from simulator.arm.compute.conditions import CUSTOMER, UNKNOWN
from simulator.arm.compute.records import Vm
from simulator.arm.compute.vm_power import VM
from simulator.arm.core import errors, ids
from simulator.arm.core.answer import Answer
from simulator.arm.core.call import Call
from simulator.arm.core.errors import Json
from simulator.arm.core.pages import page
from simulator.arm.core.routing import Route
from simulator.eventgrid.events import azure_time

KIND = "Microsoft.ResourceHealth/availabilityStatuses"


def get_status(call: Call) -> Answer:
    """Show a VM's status."""
    _check(call)
    vm = call.world.get(Vm, call.resource_id(Vm.kind, "vm"))
    if call.world.settings.health == "none":
        raise errors.resource_not_found(KIND, "current", call.group)
    return Answer(body=_status(call, vm, ids.with_group(vm.id, call.group)))


def list_statuses(call: Call) -> Answer:
    """List the statuses of all VMs in the subscription or group."""
    _check(call)
    if call.world.settings.health == "none":
        return Answer(body={"value": []})
    return page(call, Vm, lambda vm: _status(call, vm, vm.id))


def _check(call: Call) -> None:
    for option in ("$filter", "$expand"):
        if option in call.query:
            msg = f"{option} on Resource Health"
            raise errors.not_simulated(msg)


def _status(call: Call, vm: Vm, vm_id: str) -> Json:
    now = call.world.clock.now()
    return {
        "id": f"{vm_id}/providers/{KIND}/current",
        "name": "current",
        "type": "Microsoft.ResourceHealth/AvailabilityStatuses",
        "location": vm.location,
        "properties": _properties(vm, now, known=call.world.settings.health == "known"),
    }


def _properties(vm: Vm, now: datetime, *, known: bool) -> Json:
    """Return the status; an Unknown one has the present time, as in Azure."""
    condition = vm.condition if known else UNKNOWN
    since = vm.condition_since if known and vm.condition_since else now
    properties: Json = {
        "availabilityState": condition.state,
        "title": condition.title,
        "summary": condition.summary,
        "reasonType": "",
        "occuredTime": azure_time(since),
        "reasonChronicity": "Persistent",
        "reportedTime": azure_time(now),
    }
    if condition.context:
        by_customer = condition.context == CUSTOMER
        properties["reasonType"] = "User Initiated" if by_customer else "Unplanned"
        properties["context"] = condition.context
        properties["category"] = "Not Applicable" if by_customer else "Unplanned"
    return properties


_SUBSCRIPTION = "/subscriptions/{subscription}"
ROUTES = (
    Route("GET", f"{VM}/providers/{KIND}/current", get_status),
    Route("GET", f"{_SUBSCRIPTION}/resourceGroups/{{group}}/providers/{KIND}", list_statuses),
    Route("GET", f"{_SUBSCRIPTION}/providers/{KIND}", list_statuses),
)
