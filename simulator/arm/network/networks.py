"""Virtual networks and their subnets: created, shown, listed, deleted; no traffic, no addresses."""

from uuid import NAMESPACE_URL, uuid5

from simulator.arm.core import errors, ids
from simulator.arm.core.answer import Answer
from simulator.arm.core.call import Call, member, need, tags_in
from simulator.arm.core.errors import Json
from simulator.arm.core.pages import page
from simulator.arm.core.routing import Route
from simulator.arm.network.errors import network_in_use
from simulator.arm.network.records import Interface, Network

SUBNET = "Microsoft.Network/virtualNetworks/subnets"


def put_network(call: Call) -> Answer:
    """Create a network, or replace its subnets."""
    world, network_id = call.world, call.resource_id(Network.kind, "network")
    world.need_group(network_id)
    need(call.body, "properties", "addressSpace")
    existing = world.find(Network, network_id)
    network = existing or world.add(Network(id=network_id))
    network.location = ids.region_name(need(call.body, "location"))
    network.properties = dict(call.body["properties"])
    network.tags = tags_in(call.body)
    return Answer(200 if existing else 201, _body(network))


def get_network(call: Call) -> Answer:
    """Show a network."""
    return Answer(body=_body(call.world.get(Network, call.resource_id(Network.kind, "network"))))


def list_networks(call: Call) -> Answer:
    """List the networks of a group."""
    return page(call, Network, _body)


def delete_network(call: Call) -> Answer:
    """Delete a network without interfaces."""
    network = call.world.find(Network, call.resource_id(Network.kind, "network"))
    if network is None:
        return Answer(204)
    for interface in call.world.of(Interface):
        if any(f"{network.key}/subnets/" in subnet.lower() for subnet in subnets_of(interface)):
            raise network_in_use(network.id, interface.id)
    call.world.remove(network)
    return Answer(200)


def get_subnet(call: Call) -> Answer:
    """Show a subnet."""
    network = call.world.get(Network, call.resource_id(Network.kind, "network"))
    subnet = network.subnet(call.names["subnet"])
    if subnet is None:
        name = f"{network.name}/{call.names['subnet']}"
        raise errors.resource_not_found(SUBNET, name, call.group)
    return Answer(body=_subnet(network, subnet))


def subnets_of(interface: Interface) -> list[str]:
    """Return the ids of the subnets of an interface."""
    configurations = interface.properties.get("ipConfigurations") or []
    named = (member(one, "properties", "subnet", "id") for one in configurations)
    return [str(subnet) for subnet in named if subnet]


def _body(network: Network) -> Json:
    own = {"subnets": [_subnet(network, one) for one in network.subnets]}
    return {
        "name": network.name,
        "id": network.id,
        "type": Network.kind,
        "location": network.location,
        "tags": network.tags,
        "etag": _etag(network.id),
        "properties": {"provisioningState": "Succeeded"} | network.properties | own,
    }


def _subnet(network: Network, subnet: Json) -> Json:
    subnet_id = f"{network.id}/subnets/{subnet['name']}"
    properties = {"provisioningState": "Succeeded"} | (subnet.get("properties") or {})
    shown = {"name": subnet["name"], "id": subnet_id, "type": SUBNET, "etag": _etag(subnet_id)}
    return shown | {"properties": properties}


def _etag(resource_id: str) -> str:
    return f'W/"{uuid5(NAMESPACE_URL, resource_id)}"'


_NETWORKS = (
    "/subscriptions/{subscription}/resourceGroups/{group}/providers/"
    "Microsoft.Network/virtualNetworks"
)
_NETWORK = _NETWORKS + "/{network}"
ROUTES = (
    Route("PUT", _NETWORK, put_network),
    Route("GET", _NETWORK, get_network),
    Route("GET", _NETWORKS, list_networks),
    Route("DELETE", _NETWORK, delete_network),
    Route("GET", _NETWORK + "/subnets/{subnet}", get_subnet),
)
