"""What lies above resources: subscriptions, tenants, resource groups, resource providers."""

from simulator.arm.compute.records import Disk, Vm
from simulator.arm.compute.vms import forget_vm
from simulator.arm.core import api_versions, errors, ids
from simulator.arm.core.answer import Answer
from simulator.arm.core.call import Call, need, tags_in
from simulator.arm.core.errors import Json
from simulator.arm.core.pages import page
from simulator.arm.core.resource import Group
from simulator.arm.core.routing import Route, of
from simulator.arm.core.world import World
from simulator.arm.resources.bodies import Location, ResourceGroup, Subscription
from simulator.arm.resources.filters import filter_of
from simulator.arm.resources.regions import location_body

_PROVIDERS = {
    "Microsoft.Compute": (
        "virtualMachines", "virtualMachines/runCommands", "images", "disks", "snapshots",
        "galleries", "galleries/images", "galleries/images/versions", "locations/operations",
    ),
    "Microsoft.Resources": ("subscriptions", "resourceGroups", "tags", "tenants"),
    "Microsoft.Authorization": ("permissions", "locks"),
    "Microsoft.EventGrid": ("systemTopics", "systemTopics/eventSubscriptions", "topics"),
    "Microsoft.Network": ("networkInterfaces",),
    "Microsoft.ResourceHealth": ("availabilityStatuses",),
    "Microsoft.Web": ("sites",),
}  # fmt: skip


def subscription_body(world: World) -> Json:
    """Return the one subscription; without tags where it has none, which is inferred."""
    body: Json = {
        "id": f"/subscriptions/{world.subscription}",
        "authorizationSource": "RoleBased",
        "managedByTenants": [],
        "subscriptionId": world.subscription,
        "tenantId": world.tenant,
        "displayName": "Simulated subscription",
        "state": "Enabled",
        "subscriptionPolicies": {
            "locationPlacementId": "Public_2014-09-01",
            "quotaId": "PayAsYouGo_2014-09-01",
            "spendingLimit": "Off",
        },
    }
    return body | ({"tags": world.itself.tags} if world.itself.tags else {})


def group_body(group: Group) -> Json:
    """Return a resource group as ARM shows it: without tags where none were ever sent, recorded."""
    body: Json = {
        "id": group.id,
        "name": group.name,
        "type": Group.kind,
        "location": group.location,
        "properties": {"provisioningState": group.provisioning},
    }
    sent = group.properties
    managed = {"managedBy": sent["managedBy"]} if "managedBy" in sent else {}
    return body | managed | ({"tags": group.tags} if group.tags or "tags" in sent else {})


def list_subscriptions(call: Call) -> Answer:
    """List the subscription to callers with any right in it."""
    seen = call.rbac.reaches_subscription(call.caller)
    value = [subscription_body(call.world)] if seen else []
    return Answer(body={"value": value, "count": {"type": "Total", "value": len(value)}})


def get_subscription(call: Call) -> Answer:
    """Show the subscription."""
    return Answer(body=subscription_body(call.world))


def list_locations(call: Call) -> Answer:
    """List the regions."""
    value = [location_body(call.world.subscription, region) for region in ids.REGIONS.values()]
    return Answer(body={"value": value})


def list_tenants(call: Call) -> Answer:
    """List the one tenant."""
    tenant = {
        "id": f"/tenants/{call.world.tenant}",
        "tenantId": call.world.tenant,
        "countryCode": "DE",
        "displayName": "Simulated tenant",
        "domains": ["simulated.onmicrosoft.com"],
        "tenantCategory": "Home",
        "defaultDomain": "simulated.onmicrosoft.com",
        "tenantType": "AAD",
    }
    return Answer(body={"value": [tenant]})


def list_providers(call: Call) -> Answer:
    """List the resource providers, all of them registered."""
    return Answer(body={"value": [_provider(call.world, name) for name in _PROVIDERS]})


def get_provider(call: Call) -> Answer:
    """Show a resource provider; also the answer to registering one."""
    return Answer(body=_provider(call.world, _known(call.names["namespace"])))


def get_group(call: Call) -> Answer:
    """Show a resource group."""
    return Answer(body=group_body(_existing(call)))


def head_group(call: Call) -> Answer:
    """Say whether a resource group exists."""
    found = call.world.find(Group, call.scope)
    return Answer(204 if found else 404)


def list_groups(call: Call) -> Answer:
    """List the resource groups by pages, or at once those with a tag."""
    if "$filter" in call.query:
        lets_through = filter_of(call, {}, "a list of resource groups")
        found = [group_body(group) for group in call.world.of(Group) if lets_through(group)]
        return Answer(body={"value": found})
    return page(call, Group, group_body, f"/subscriptions/{call.world.subscription}/")


def put_group(call: Call) -> Answer:
    """Create a resource group, or replace its tags."""
    existing = call.world.find(Group, call.scope)
    location = ids.region_name(need(call.body, "location"))
    if existing and existing.location != location:
        message = (
            f"Invalid resource group location '{location}'. The Resource group already exists "
            f"in location '{existing.location}'."
        )
        raise errors.ArmError(409, "InvalidResourceGroupLocation", message, gateway=True)
    if existing:
        existing.tags = tags_in(call.body)
        existing.properties |= _sent(call)
        return Answer(200, group_body(existing))
    group_id = ids.group_id(call.world.subscription, call.group)
    tags, sent = tags_in(call.body), _sent(call)
    group = Group(id=group_id, location=location, tags=tags, properties=sent)
    return Answer(201, group_body(call.world.add(group)))


def patch_group(call: Call) -> Answer:
    """Replace a resource group's tags."""
    group = _existing(call)
    if "tags" in call.body:
        group.tags = tags_in(call.body)
    group.properties |= _sent(call)
    return Answer(body=group_body(group))


def delete_group(call: Call) -> Answer:
    """Delete a resource group and all that is in it."""
    world, group = call.world, _existing(call)
    group.provisioning = "Deleting"
    operation = world.operations.start(
        "delete", group.location, world.seconds("group"), lambda: _forget(world, group),
        doomed=call.doomed,
    )  # fmt: skip
    path = f"/subscriptions/{world.subscription}/operationresults/{operation.id}"
    return Answer(202, None, _come_again(call, path), operation)


def get_operation_result(call: Call) -> Answer:
    """Answer 202 for as long as a group's deletion lasts, then 200."""
    operation = call.world.operations.find(call.names["operation"])
    if operation is None:
        raise errors.entity_not_found()
    if operation.ended:
        return Answer(200)
    return Answer(202, None, _come_again(call, call.path))


def _come_again(call: Call, path: str) -> dict[str, str]:
    """Return where to ask how a deletion is going, and when, where the settings say it."""
    after = call.world.settings.retry_after
    when = {} if after is None else {"Retry-After": str(after)}
    return {"Location": f"{call.base}{path}?api-version={call.query['api-version']}"} | when


def _forget(world: World, group: Group) -> None:
    for resource in world.under(group.id):
        if isinstance(resource, Vm):
            if resource.operation:
                world.operations.preempt(resource.operation)
            forget_vm(world, resource)
        if isinstance(resource, Disk) and resource.owner:
            resource.owner = None
        world.remove(resource)
    world.remove(group)


def _sent(call: Call) -> Json:
    """Return what of a request a group keeps beside its place and its tags' present values."""
    return {name: call.body[name] for name in ("managedBy", "tags") if name in call.body}


def _existing(call: Call) -> Group:
    return call.world.get(Group, ids.group_id(call.world.subscription, call.group))


def _known(namespace: str) -> str:
    for name in _PROVIDERS:
        if name.lower() == namespace.lower():
            return name
    message = f"The resource namespace '{namespace}' is invalid."
    raise errors.ArmError(404, "InvalidResourceNamespace", message, gateway=True)


def _provider(world: World, namespace: str) -> Json:
    locations = [region.display for region in ids.REGIONS.values()]
    types = [
        {
            "resourceType": name,
            "locations": locations,
            "apiVersions": sorted(api_versions.known(namespace, name), reverse=True),
        }
        for name in _PROVIDERS[namespace]
    ]
    return {
        "id": f"/subscriptions/{world.subscription}/providers/{namespace}",
        "namespace": namespace,
        "resourceTypes": types,
        "registrationState": "Registered",
        "registrationPolicy": "RegistrationRequired",
    }


_SUBSCRIPTION = "/subscriptions/{subscription}"
_GROUPS = _SUBSCRIPTION + "/resourceGroups"
_GROUP = _GROUPS + "/{group}"
ROUTES = (
    *of(
        Subscription,
        Route("GET", "/subscriptions", list_subscriptions, front=True),
        Route("GET", _SUBSCRIPTION, get_subscription, front=True),
    ),
    *of(Location, Route("GET", _SUBSCRIPTION + "/locations", list_locations, front=True)),
    Route("GET", "/tenants", list_tenants, front=True),
    Route("GET", _SUBSCRIPTION + "/providers", list_providers, front=True),
    Route("GET", _SUBSCRIPTION + "/providers/{namespace}", get_provider, front=True),
    Route("POST", _SUBSCRIPTION + "/providers/{namespace}/register", get_provider, front=True),
    *of(
        ResourceGroup,
        Route("GET", _GROUPS, list_groups, front=True),
        Route("GET", _GROUP, get_group, front=True),
        Route("HEAD", _GROUP, head_group, front=True),
        Route("PUT", _GROUP, put_group, front=True),
        Route("PATCH", _GROUP, patch_group, front=True),
        Route("DELETE", _GROUP, delete_group, front=True),
    ),
    Route("GET", _SUBSCRIPTION + "/operationresults/{operation}", get_operation_result, front=True),
)
