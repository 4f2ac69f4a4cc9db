"""azd's hook after `azd down`: removes what the deployment created outside its resource group.

`azd down` deletes resource groups and nothing else. What is left are the roles in the watched
subscriptions and in the groups of images with their assignments, event subscriptions and alerts on
topics of others, our topics in other subscriptions, and the networks of the workshops. Identifies
them by the deployment that they belong to, not by their names alone, and deletes each by its id,
and no other kind of resource. What Azure does not delete is printed, to be removed by hand. Does
nothing while the platform exists.
"""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from arm import MISSING, OK, Arm, HookError, listed, run, say, setting, words
from image_group import GROUPS, deployment_name, named_group
from image_group import wanted as wanted_image_group
from topics import OWNER, TOPICS, is_ours, topics_of, watched
from workshops import workshops

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ROLES = "2022-04-01"
ALERTS = "2018-03-01"
NETWORKS = "2025-05-01"
NOTHING_THERE = 204
REFUSED = 400
STILL_ASSIGNED = "RoleDefinitionHasAssignments"
PATIENCE = 12
PAUSE = 5.0
"""Attempts to delete a role, and seconds between: its assignments disappear with a delay."""


@dataclass(frozen=True)
class Deployment:
    """What identifies the resources of a deployment."""

    name: str
    home: str
    group: str

    @property
    def platform(self) -> str:
        """Return the id of its resource group."""
        return named_group(self.group, self.home)


def this() -> Deployment:
    """Return the deployment of azd's environment."""
    name = deployment_name()
    group = os.environ.get("STILLFRAME_RESOURCE_GROUP", "").strip() or name
    return Deployment(name, setting("AZURE_SUBSCRIPTION_ID"), group)


def roles(arm: Arm, scope: str, of: Deployment) -> Iterator[tuple[str, str]]:
    """Yield the roles of a deployment that are defined in a scope, their assignments first."""
    provider = f"{scope}/providers/Microsoft.Authorization"
    ours = [
        role["id"]
        for role in arm.list(f"{provider}/roleDefinitions", ROLES)
        if _is_role_of(role["properties"], of, scope)
    ]
    known = [_last(role) for role in ours]
    for assignment in arm.list(f"{provider}/roleAssignments", ROLES) if ours else ():
        if _last(assignment["properties"]["roleDefinitionId"]) in known:
            yield assignment["id"], ROLES
    for role in ours:
        yield role, ROLES


def _is_role_of(role: dict[str, Any], of: Deployment, scope: str) -> bool:
    """Return whether a role belongs to a deployment, by the template's names and scopes."""
    name = role["roleName"].lower()
    named = name.startswith("stillframe ") and f" ({of.name} of {of.home} in ".lower() in name
    scopes = [scope.lower() for scope in role["assignableScopes"]]
    return bool(role["type"] == "CustomRole" and named and scopes == [scope.lower()])


def on_topics(arm: Arm, subscription: str, of: Deployment) -> Iterator[tuple[str, str]]:
    """Yield what is left on a subscription's topics: alerts, event subscriptions; or our topics."""
    for _, topic in list(topics_of(arm, subscription)):
        group = topic["id"].partition("/providers/")[0]
        for alert in arm.list(f"{group}/providers/Microsoft.Insights/metricAlerts", ALERTS):
            if _belongs(alert, of):
                yield alert["id"], ALERTS
        if is_ours(topic, of.platform):
            yield topic["id"], TOPICS
        else:
            for subscribed in arm.list(f"{topic['id']}/eventSubscriptions", TOPICS):
                if _delivers_to(subscribed, of.platform):
                    yield subscribed["id"], TOPICS


def in_workshop(arm: Arm, group: str) -> Iterator[tuple[str, str]]:
    """Yield the networks in a workshop, then the security groups that they use."""
    for kind in ("virtualNetworks", "networkSecurityGroups"):
        for one in arm.list(f"{group}/providers/Microsoft.Network/{kind}", NETWORKS):
            if _last(one["id"]).startswith(f"{_last(group)}-"):
                yield one["id"], NETWORKS


def _belongs(resource: dict[str, Any], of: Deployment) -> bool:
    return str((resource.get("tags") or {}).get(OWNER)).lower() == of.platform.lower()


def _delivers_to(subscription: dict[str, Any], platform: str) -> bool:
    properties = subscription.get("properties") or {}
    to = (properties.get("destination") or {}).get("properties") or {}
    return str(to.get("resourceId")).lower().startswith(f"{platform}/".lower())


def _last(resource: str) -> str:
    return resource.rpartition("/")[2].lower()


def remove(arm: Arm, resource: str, api: str) -> bool:
    """Delete a resource and print that, unless it does not exist; return False if it remains."""
    for _ in range(PATIENCE):
        status, body = arm.ask("DELETE", resource, api)
        if STILL_ASSIGNED not in words(status, body):
            break
        time.sleep(PAUSE)
    if status < REFUSED and status != NOTHING_THERE:
        say(f"removed {resource}")
    elif status not in (NOTHING_THERE, MISSING):
        say(f"NOT removed, do this by hand: {resource}: {words(status, body)}")
        return False
    return True


def places(arm: Arm, of: Deployment) -> Iterator[Callable[[], Iterator[tuple[str, str]]]]:
    """Yield each place to check: topics and roles of each subscription, roles of each group."""
    groups = [wanted_image_group()[0]]
    groups += [
        named_group(group, of.home) for group in listed("STILLFRAME_MORE_IMAGE_RESOURCE_GROUPS")
    ]
    for subscription in watched():
        yield partial(on_topics, arm, subscription, of)
        yield partial(roles, arm, f"/subscriptions/{subscription}", of)
    for workshop in workshops():
        if arm.ask("GET", workshop, GROUPS)[0] != MISSING:
            yield partial(in_workshop, arm, workshop)
    for group in dict.fromkeys(groups):
        if arm.ask("GET", group, GROUPS)[0] != MISSING:
            yield partial(roles, arm, group, of)


def _emptied(arm: Arm, place: Callable[[], Iterator[tuple[str, str]]]) -> bool:
    """Remove what is in a place; return False if something remains there, or may remain."""
    try:
        removed = [remove(arm, resource, api) for resource, api in list(place())]
    except HookError as error:
        say(f"NOT checked: {error}")
        return False
    return all(removed)


def clear_up() -> None:
    """Remove what is left of the deployment; raise `HookError` if something remains."""
    arm, of = Arm(), this()
    if arm.ask("GET", of.platform, GROUPS)[0] == OK:
        say(f"{of.platform} still exists: nothing is removed outside of it")
        return
    whole = [_emptied(arm, place) for place in places(arm, of)]
    say("kept: the resource groups of images with their images, and the tags on VMs")
    if not all(whole):
        msg = "not everything was removed, see above: remove it by hand, or run `azd down` again"
        raise HookError(msg)


if __name__ == "__main__":
    run("leftovers", clear_up)
