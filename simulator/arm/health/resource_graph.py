"""Resource Graph: the one query that is simulated, of the table `healthresources`.

Takes a query's body, gives the statuses of VMs that Resource Health calls unavailable. A row shows
a state some minutes after it began, as documented; each caller sees the VMs whose status it may
read, which is inferred. Any other query is not simulated.
Source: https://learn.microsoft.com/azure/virtual-machines/resource-graph-availability
"""

import re
from datetime import timedelta

from simulator.arm.compute.records import Vm
from simulator.arm.core import errors
from simulator.arm.core.answer import Answer
from simulator.arm.core.call import Call
from simulator.arm.core.errors import ArmError, Json
from simulator.arm.core.routing import Route
from simulator.eventgrid.events import azure_time

PATH = "/providers/Microsoft.ResourceGraph/resources"
SHOWS_AFTER = timedelta(minutes=5)
MOST = 1000

_READ = "Microsoft.ResourceHealth/availabilityStatuses/read"
_UNAVAILABLE = re.compile(
    r"healthresources\s*"
    r"\| where type =~ 'microsoft\.resourcehealth/availabilitystatuses'\s*"
    r"\| where tostring\(properties\.availabilityState\) =~ 'Unavailable'\s*"
    r"\| project id = tolower\(tostring\(properties\.targetResourceId\)\), "
    r"occurred = tostring\(properties\.occurredTime\)\s*\| order by id asc",
    re.IGNORECASE,
)


def query(call: Call) -> Answer:
    """Answer a query, page by page."""
    world, body = call.world, call.body
    named = [str(one).lower() for one in body.get("subscriptions") or ()]
    seen = call.rbac.reaches_subscription(call.caller)
    if not seen or world.subscription.lower() not in named:
        raise _no_subscription()
    if not _UNAVAILABLE.fullmatch(str(body.get("query", "")).strip()):
        msg = f"the query {body.get('query')!r} of Resource Graph"
        raise errors.not_simulated(msg)
    options = body.get("options") or {}
    first = int(options.get("$skipToken") or 0)
    most = min(int(options.get("$top") or 100), MOST)
    rows = _rows(call)
    page = rows[first : first + most]
    more = first + most < len(rows)
    answer: Json = {
        "totalRecords": len(rows),
        "count": len(page),
        "data": page,
        "facets": [],
        "resultTruncated": "false",
    }
    return Answer(body=answer | ({"$skipToken": str(first + most)} if more else {}))


def _rows(call: Call) -> list[Json]:
    world = call.world
    if world.settings.health != "known":
        return []
    now = world.clock.now()
    return [
        {"id": vm.id.lower(), "occurred": azure_time(vm.condition_since)}
        for vm in sorted(world.of(Vm), key=lambda one: one.key)
        if vm.condition.state == "Unavailable"
        and vm.condition_since
        and now - vm.condition_since >= SHOWS_AFTER
        and call.rbac.allows(call.caller, _READ, vm.id)
    ]


def _no_subscription() -> ArmError:
    return ArmError(
        400,
        "BadRequest",
        "Please provide below info when asking for support: no valid subscription in the query.",
    )


ROUTES = (Route("POST", PATH, query),)
