"""azd's treatment of a deployment as a model: where it deploys to, and what it deletes.

Based on azd's own sources (Azure/azure-dev, cli/azd): `pkg/project/resource_manager.go` and
`pkg/infra/azure_resource_manager.go` for the group that a service is deployed to,
`pkg/azapi/standard_deployments.go` for the groups that `azd down` deletes. Takes what a layer would
deploy, as a snapshot has it, and azd's environment.
"""

import re
from collections.abc import Iterable
from typing import Any

type Json = dict[str, Any]

GROUP = "Microsoft.Resources/resourceGroups"
HOSTS = {"Microsoft.Web/sites"}
"""Of the types that azd deploys services to, the one that is used here."""


def deploys_to(resources: Iterable[Json], environment: dict[str, str]) -> list[str]:
    """Return the groups that a service may be deployed to; azd stops unless there is exactly one.

    The group in the environment counts first, then the groups of the subscription with the tag.
    """
    if named := environment.get("AZURE_RESOURCE_GROUP"):
        return [named]
    return tagged_groups(resources, environment)


def tagged_groups(resources: Iterable[Json], environment: dict[str, str]) -> list[str]:
    """Return the groups of the subscription that have the environment's tag."""
    home = f"/subscriptions/{environment['AZURE_SUBSCRIPTION_ID']}/"
    return [
        one["name"]
        for one in resources
        if one["type"] == GROUP
        and one["id"].startswith(home)
        and (one.get("tags") or {}).get("azd-env-name") == environment["AZURE_ENV_NAME"]
    ]


def hosts(resources: Iterable[Json], group: str, service: str) -> list[str]:
    """Return a group's resources for a service to be deployed to; azd needs exactly one."""
    return [
        one["id"]
        for one in resources
        if one["type"] in HOSTS
        and f"/resourceGroups/{group}/" in one["id"]
        and (one.get("tags") or {}).get("azd-service-name") == service
    ]


def deletes(resources: Iterable[Json]) -> set[str]:
    """Return the groups that `azd down` deletes, from 1.24.1 on: those that a deployment made.

    By name alone, in the environment's own subscription, whichever subscription they were made in.
    """
    return {one["name"] for one in resources if one["type"] == GROUP}


def down(layers: Iterable[Iterable[Json]], subscription: str) -> str | None:
    """Return why `azd down` never ends, if so: layers are deleted last first, groups by name alone.

    Before it deletes, azd lists each group in the environment's own subscription; a missing group,
    because another layer's group had the same name, is an error that azd does not tolerate
    (`cmd/down.go`, and `ListResourceGroupResources` in the provider).
    """
    of_each = [list(layer) for layer in layers]
    home = f"/subscriptions/{subscription}/"
    there = {one["name"] for layer in of_each for one in layer if one["id"].startswith(home)}
    for layer in reversed(of_each):
        for name in deletes(layer):
            if name not in there:
                return f"{name} is not there"
            there.discard(name)
    return None


def deleted_before(resources: Iterable[Json]) -> set[str]:
    """Return the groups that azd deleted before 1.24.1: that of every resource of a deployment."""
    found = (re.search(r"/resourceGroups/([^/']+)", one["id"]) for one in resources)
    return {one[1] for one in found if one}
