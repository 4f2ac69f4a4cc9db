"""ARM's own lists of resources of any type, with the members that ARM stores."""

from datetime import datetime

from simulator.arm.authorization.locks import Lock
from simulator.arm.compute.disk_sizes import sku_body
from simulator.arm.compute.records import Disk, DiskPoint, Point, Snapshot, Vm
from simulator.arm.core import ids
from simulator.arm.core.answer import Answer
from simulator.arm.core.call import Call
from simulator.arm.core.errors import Json
from simulator.arm.core.resource import Group, Resource
from simulator.arm.core.routing import Route
from simulator.arm.core.specification import Listed
from simulator.arm.core.wire import stamp
from simulator.arm.core.world import World
from simulator.arm.resources.bodies import GenericResource
from simulator.arm.resources.filters import Member, by_tag, expanded, filter_of

_WHAT = "a list of resources"
_MEMBERS: dict[str, Member] = {
    "resourcegroup": lambda resource: resource.group,
    "resourcetype": lambda resource: resource.kind,
    "name": lambda resource: resource.name,
}
_ON_DEMAND = ("createdTime", "changedTime", "provisioningState")


def list_resources(call: Call) -> Answer:
    """List the resources of the subscription that match a filter."""
    return _listed(call, f"/subscriptions/{call.world.subscription}")


def list_group_resources(call: Call) -> Answer:
    """List the resources of a group that match a filter."""
    return _listed(
        call, call.world.get(Group, ids.group_id(call.world.subscription, call.group)).id
    )


def _listed(call: Call, scope: str) -> Answer:
    """List resources; a list filtered by a tag's name and value omits the tags: documented."""
    lets_through = filter_of(call, _MEMBERS, _WHAT)
    asked = expanded(call, _ON_DEMAND, _WHAT)
    rows = [
        _row(resource) | _more(call.world, resource, asked)
        for resource in call.world.under(scope)
        if not isinstance(resource, Group | Lock | Point | DiskPoint)
        and lets_through(resource)
        and call.rbac.allows(call.caller, f"{resource.kind}/read", resource.id)
    ]
    if by_tag(call):
        for row in rows:
            del row["tags"]
    return Answer(body={"value": rows})


def _row(resource: Resource) -> Json:
    named = ids.take_apart(resource.id)
    row: Json = {
        "id": resource.id,
        "name": "/".join(named.names) if named else resource.name,
        "type": resource.kind,
        "location": resource.location,
        "tags": resource.tags,
    }
    if isinstance(resource, Disk | Snapshot):
        row["sku"] = sku_body(resource.sku)
    if isinstance(resource, Disk) and resource.owner:
        row["managedBy"] = resource.owner.id
    return row


def _more(world: World, resource: Resource, asked: list[str]) -> Json:
    """Return the members that `$expand` requests; `changedTime` is not kept."""
    more: Json = {}
    if "createdTime" in asked:
        more["createdTime"] = stamp(_created(world, resource))
    if "provisioningState" in asked:
        more["provisioningState"] = resource.provisioning
    return more


def _created(world: World, resource: Resource) -> datetime:
    """Return when a resource was created; a VM created by steering can be older than its record."""
    if isinstance(resource, Vm | Disk | Snapshot):
        return resource.created
    return world.since(resource)


_SUBSCRIPTION = "/subscriptions/{subscription}"
_LISTED = Listed[GenericResource]
ROUTES = (
    Route("GET", _SUBSCRIPTION + "/resources", list_resources, front=True, gives=_LISTED),
    Route(
        "GET",
        _SUBSCRIPTION + "/resourceGroups/{group}/resources",
        list_group_resources,
        front=True,
        gives=_LISTED,
    ),
)
