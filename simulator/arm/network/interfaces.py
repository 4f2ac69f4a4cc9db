"""Network interfaces: created, shown, listed, deleted; without addresses.

An interface that a VM has cannot be deleted. After its VM has failed or was deleted it is held for
180 seconds, in which it can be neither deleted nor given to another VM.
"""

from uuid import NAMESPACE_URL, uuid5

from simulator.arm.core import ids
from simulator.arm.core.answer import Answer
from simulator.arm.core.call import Call, member, need, tags_in
from simulator.arm.core.errors import Json
from simulator.arm.core.pages import page
from simulator.arm.core.routing import Route
from simulator.arm.network import errors
from simulator.arm.network.networks import SUBNET
from simulator.arm.network.records import Interface, Network


def put_interface(call: Call) -> Answer:
    """Create an interface in a subnet that the caller may join, or change its tags."""
    world, interface_id = call.world, _id(call)
    world.need_group(interface_id)
    location = ids.region_name(need(call.body, "location"))
    for configuration in need(call.body, "properties", "ipConfigurations"):
        subnet = need(configuration, "properties", "subnet", "id")
        call.allowed_on(f"{SUBNET}/join/action", subnet)
        _check_subnet(call, interface_id, subnet, location)
    existing = world.find(Interface, interface_id)
    interface = existing or world.add(Interface(id=interface_id, location=location))
    interface.properties = dict(call.body["properties"])
    interface.tags = tags_in(call.body)
    return Answer(200 if existing else 201, _body(interface))


def get_interface(call: Call) -> Answer:
    """Show an interface."""
    return Answer(body=_body(call.world.get(Interface, _id(call))))


def list_interfaces(call: Call) -> Answer:
    """List the interfaces of a group."""
    return page(call, Interface, _body)


def delete_interface(call: Call) -> Answer:
    """Delete an interface that no VM has, and that is not held for one."""
    interface = call.world.find(Interface, _id(call))
    if interface is None:
        return Answer(204)
    if interface.owner:
        raise errors.in_use(interface.id, interface.owner.id)
    if errors.is_held(interface.held, call.world.clock.now()):
        raise errors.reserved(interface.held_by)
    call.world.remove(interface)
    return Answer(202)


def _check_subnet(call: Call, interface_id: str, subnet_id: str, location: str) -> None:
    network = call.world.find(Network, ids.parent(subnet_id))
    subnet = network.subnet(subnet_id.rsplit("/", 1)[1]) if network else None
    if network is None or subnet is None or network.location != location:
        raise errors.not_found(subnet_id, interface_id)


def _body(interface: Interface) -> Json:
    etag = f'W/"{uuid5(NAMESPACE_URL, interface.id)}"'
    properties = {"provisioningState": "Succeeded", "enableAcceleratedNetworking": False}
    properties |= interface.properties
    properties["ipConfigurations"] = [
        _configuration(interface.id, etag, one)
        for one in interface.properties.get("ipConfigurations") or []
    ]
    if interface.owner:
        owner = interface.owner
        properties |= {
            "primary": True,
            "virtualMachine": {"id": ids.with_group(owner.id, owner.group)},
        }
    return {
        "name": interface.name,
        "id": interface.id,
        "etag": etag,
        "type": Interface.kind,
        "location": interface.location,
        "tags": interface.tags,
        "properties": properties,
    }


def _configuration(interface_id: str, etag: str, given: Json) -> Json:
    name = given.get("name", "ipconfig1")
    own = {
        "provisioningState": "Succeeded",
        "primary": True,
        "privateIPAllocationMethod": "Dynamic",
    }
    shown = {"name": name, "id": f"{interface_id}/ipConfigurations/{name}", "etag": etag}
    return shown | {"properties": own | (member(given, "properties") or {})}


def _id(call: Call) -> str:
    return call.resource_id(Interface.kind, "interface")


_INTERFACES = (
    "/subscriptions/{subscription}/resourceGroups/{group}/providers/"
    "Microsoft.Network/networkInterfaces"
)
_INTERFACE = _INTERFACES + "/{interface}"
ROUTES = (
    Route("PUT", _INTERFACE, put_interface),
    Route("GET", _INTERFACE, get_interface),
    Route("GET", _INTERFACES, list_interfaces),
    Route("DELETE", _INTERFACE, delete_interface),
)
