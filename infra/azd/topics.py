"""azd's hook before the events: system topics that a watched subscription has already are used.

Azure allows one topic of each kind a subscription. Where somebody else's is there, its id is
written into azd's environment (`STILLFRAME_SUBSCRIPTION_TOPICS`, `STILLFRAME_HEALTH_TOPICS`),
beside those that are written there, and the template subscribes to it instead of making one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from arm import Arm, keep, listed, run, say, setting

if TYPE_CHECKING:
    from collections.abc import Iterator

TOPICS = "2025-02-15"
SETTINGS = {
    "microsoft.resources.subscriptions": "STILLFRAME_SUBSCRIPTION_TOPICS",
    "microsoft.resourcenotifications.healthresources": "STILLFRAME_HEALTH_TOPICS",
}
"""Where the topics of a kind are written down."""


def theirs(arm: Arm, subscription: str, own_group: str) -> Iterator[tuple[str, str]]:
    """Yield the topics of a subscription that lie in no group of ours: the setting, the id."""
    path = f"/subscriptions/{subscription}"
    for topic in arm.list(f"{path}/providers/Microsoft.EventGrid/systemTopics", TOPICS):
        about: dict[str, Any] = topic["properties"]
        name = SETTINGS.get(str(about.get("topicType")).lower())
        ours = f"/resourcegroups/{own_group}/".lower() in topic["id"].lower()
        if name and not ours and str(about.get("source")).lower() == path.lower():
            yield name, topic["id"]


def write_down() -> None:
    """Write down the topics that are there and not yet known."""
    arm, own_group = Arm(), setting("AZURE_RESOURCE_GROUP")
    new: dict[str, list[str]] = {}
    for subscription in listed("STILLFRAME_SUBSCRIPTIONS") or [setting("AZURE_SUBSCRIPTION_ID")]:
        for name, topic in theirs(arm, subscription, own_group):
            if topic.lower() not in [known.lower() for known in listed(name)]:
                say(f"{topic} is there already: the events come from it")
                new.setdefault(name, []).append(topic)
    for name, topics in new.items():
        keep(name, ",".join(listed(name) + topics))


if __name__ == "__main__":
    run("topics", write_down)
