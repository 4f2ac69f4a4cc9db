"""azd's hook after `azd down`: what the deployment made outside its own resource group goes too.

`azd down` deletes resource groups and nothing else. Left are the roles in the watched subscriptions
and in the groups of images with their assignments, event subscriptions and alerts on topics that
were there before, and our topics in other subscriptions. Deletes those, each by its own id, and
nothing of any other kind. What Azure does not let go is named, and left to be removed by hand.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from arm import MISSING, Arm, listed, run, say, setting, words
from image_group import SETTING as IMAGE_GROUP
from image_group import named_group

if TYPE_CHECKING:
    from collections.abc import Iterator

ROLES = "2022-04-01"
TOPICS = "2025-02-15"
ALERTS = "2018-03-01"
WANTED = ("orders", "steps", "health")
LOST = ("dead-lettered", "dropped")
NOTHING_THERE = 204
REFUSED = 400


def deployment_name() -> str:
    """Return the name that everything was named after."""
    return os.environ.get("STILLFRAME_NAME", "").strip() or setting("AZURE_ENV_NAME")


def role_scopes() -> list[str]:
    """Return the ids of what roles were made in: subscriptions, groups of images."""
    home = setting("AZURE_SUBSCRIPTION_ID")
    watched = [f"/subscriptions/{one}" for one in listed("STILLFRAME_SUBSCRIPTIONS") or [home]]
    groups = [*listed(IMAGE_GROUP), *listed("STILLFRAME_MORE_IMAGE_RESOURCE_GROUPS")]
    return watched + [named_group(one, home) for one in groups]


def roles(arm: Arm, scope: str, name: str) -> Iterator[tuple[str, str]]:
    """Yield the roles of a deployment that live in a scope, what they were granted first."""
    provider = f"{scope}/providers/Microsoft.Authorization"
    ours = [
        one["id"]
        for one in arm.list(f"{provider}/roleDefinitions", ROLES)
        if _is_role_of(one["properties"], name, scope)
    ]
    known = [role.lower() for role in ours]
    for one in arm.list(f"{provider}/roleAssignments", ROLES) if ours else ():
        if one["properties"]["roleDefinitionId"].lower() in known:
            yield one["id"], ROLES
    for role in ours:
        yield role, ROLES


def _is_role_of(role: dict[str, Any], name: str, scope: str) -> bool:
    """Tell whether a role is one of a deployment's: by how the template names and scopes it."""
    named = role["roleName"].startswith("Stillframe ") and f" ({name} in " in role["roleName"]
    scopes = [one.lower() for one in role["assignableScopes"]]
    return bool(role["type"] == "CustomRole" and named and scopes == [scope.lower()])


def on_topics(name: str) -> Iterator[tuple[str, str]]:
    """Yield event subscriptions and alerts on topics that were somebody else's."""
    for kind, setting_name in (
        ("subscription", "STILLFRAME_SUBSCRIPTION_TOPICS"),
        ("health", "STILLFRAME_HEALTH_TOPICS"),
    ):
        for topic in listed(setting_name):
            for wanted in WANTED:
                yield f"{topic}/eventSubscriptions/{name}-{wanted}", TOPICS
            group = topic.partition("/providers/")[0]
            for lost in LOST:
                alert = f"{name}-{kind}-{lost}"
                yield f"{group}/providers/Microsoft.Insights/metricAlerts/{alert}", ALERTS


def elsewhere(name: str) -> Iterator[tuple[str, str]]:
    """Yield our own topics in other subscriptions; in the home one they went with the group."""
    group = os.environ.get("STILLFRAME_RESOURCE_GROUP", "").strip() or name
    home = setting("AZURE_SUBSCRIPTION_ID").lower()
    for subscription in listed("STILLFRAME_SUBSCRIPTIONS"):
        if subscription.lower() != home:
            provider = f"{named_group(group, subscription)}/providers/Microsoft.EventGrid"
            yield f"{provider}/systemTopics/{name}-subscription", TOPICS
            yield f"{provider}/systemTopics/{name}-health", TOPICS


def remove(arm: Arm, resource: str, api: str) -> None:
    """Delete one resource, and say so; what is not there needs no word."""
    status, body = arm.ask("DELETE", resource, api)
    if status < REFUSED and status != NOTHING_THERE:
        say(f"removed {resource}")
    elif status not in (NOTHING_THERE, MISSING):
        say(f"NOT removed, do it by hand: {resource}: {words(body)}")


def clear_up() -> None:
    """Remove what is left of the deployment."""
    arm, name = Arm(), deployment_name()
    for resource, api in [*on_topics(name), *elsewhere(name)]:
        remove(arm, resource, api)
    for scope in role_scopes():
        for resource, api in list(roles(arm, scope, name)):
            remove(arm, resource, api)
    say("left as they are: the groups of images with their images, and the tags on VMs")


if __name__ == "__main__":
    run("leftovers", clear_up)
