"""azd's hook before the events: uses system topics that a watched subscription already has.

Azure allows one topic of each kind per subscription. If somebody else's exists, its id is
written to azd's environment (`STILLFRAME_SUBSCRIPTION_TOPICS`, `STILLFRAME_HEALTH_TOPICS`), and
the template subscribes to it instead of creating a topic; if it was deleted, its id is removed
again. Our topics outside the home subscription are in a resource group that is created here:
`azd down` would mistake a group created by the template for one of the home subscription, by name.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from arm import Arm, keep, listed, run, say, setting
from image_group import is_there, make_group, named_group

if TYPE_CHECKING:
    from collections.abc import Iterator

TOPICS = "2025-02-15"
OWNER = "stillframe-platform"
"""The tag on our topics: the id of the platform's resource group. The template writes it."""

SETTINGS = {
    "microsoft.resources.subscriptions": "STILLFRAME_SUBSCRIPTION_TOPICS",
    "microsoft.resourcenotifications.healthresources": "STILLFRAME_HEALTH_TOPICS",
}
"""The setting that has the ids of the topics, by topic type."""


def watched() -> list[str]:
    """Return the ids of the subscriptions that are watched."""
    return listed("STILLFRAME_SUBSCRIPTIONS") or [setting("AZURE_SUBSCRIPTION_ID")]


def topics_of(arm: Arm, subscription: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield a subscription's topics of the types that are needed, each with its setting."""
    path = f"/subscriptions/{subscription}"
    for topic in arm.list(f"{path}/providers/Microsoft.EventGrid/systemTopics", TOPICS):
        about: dict[str, Any] = topic.get("properties") or {}
        name = SETTINGS.get(str(about.get("topicType")).lower())
        if name and str(about.get("source")).lower() == path.lower():
            yield name, topic


def is_ours(topic: dict[str, Any], platform: str) -> bool:
    """Return whether the deployment of that resource group created a topic."""
    tagged = str((topic.get("tags") or {}).get(OWNER)).lower() == platform.lower()
    return tagged or topic["id"].lower().startswith(f"{platform}/".lower())


def write_down() -> None:
    """Store the ids of existing topics, and create resource groups for those to be created."""
    arm, home, group = Arm(), setting("AZURE_SUBSCRIPTION_ID"), setting("AZURE_RESOURCE_GROUP")
    platform = named_group(group, home)
    found: dict[str, list[str]] = {name: [] for name in SETTINGS.values()}
    for subscription in watched():
        theirs = [
            (name, topic["id"])
            for name, topic in topics_of(arm, subscription)
            if not is_ours(topic, platform)
        ]
        for name, topic in theirs:
            say(f"{topic} exists already: the events come from it")
            found[name].append(topic)
        if subscription.lower() != home.lower() and len(theirs) < len(SETTINGS):
            elsewhere = named_group(f"{group}-events", subscription)
            if not is_there(arm, elsewhere):
                make_group(arm, elsewhere, "events")
                say(f"created {elsewhere} for the topics of that subscription")
    for name, topics in found.items():
        if sorted(map(str.lower, topics)) != sorted(map(str.lower, listed(name))):
            keep(name, ",".join(topics))


if __name__ == "__main__":
    run("topics", write_down)
