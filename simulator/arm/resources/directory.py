"""Subscriptions, tenants, regions, resource providers."""

from simulator.arm.core import api_versions, errors, ids
from simulator.arm.core.answer import Answer
from simulator.arm.core.call import Call
from simulator.arm.core.errors import Json
from simulator.arm.core.routing import Route, of
from simulator.arm.core.world import World
from simulator.arm.resources.bodies import Location, Subscription
from simulator.arm.resources.regions import location_body

_PROVIDERS = {
    "Microsoft.Compute": (
        "virtualMachines", "virtualMachines/runCommands", "images", "disks", "snapshots",
        "restorePointCollections", "restorePointCollections/restorePoints",
        "galleries", "galleries/images", "galleries/images/versions", "locations/operations",
    ),
    "Microsoft.Resources": ("subscriptions", "resourceGroups", "tags", "tenants"),
    "Microsoft.Authorization": ("permissions", "locks"),
    "Microsoft.EventGrid": ("systemTopics", "systemTopics/eventSubscriptions", "topics"),
    "Microsoft.Network": ("networkInterfaces", "virtualNetworks", "virtualNetworks/subnets"),
    "Microsoft.ResourceHealth": ("availabilityStatuses",),
    "Microsoft.Web": ("sites",),
}  # fmt: skip


def subscription_body(world: World) -> Json:
    """Return the subscription; without `tags` if it has none, which is inferred."""
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


def list_subscriptions(call: Call) -> Answer:
    """List the subscription, for a caller with any permission in it."""
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
    """List the tenant."""
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
    """Show a resource provider; also the answer to its registration."""
    return Answer(body=_provider(call.world, _known(call.names["namespace"])))


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
)
