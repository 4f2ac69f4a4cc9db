"""From a recording's names to the simulator's: subscriptions, and ids that Azure generated.

A name chosen by a client is the same on both sides. One chosen by the platform (an OS disk's, an
operation's) is learnt if both answers have it at the same place.
"""

import re
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from tests.conformance.compare import Answer

_SUBSCRIPTION = re.compile(r"(/?subscriptions/)([0-9a-fA-F-]{36})", re.IGNORECASE)
_GROUP = re.compile(
    r"/subscriptions/[^/]+/resourceGroups/(?P<group>[^/]+)(?P<below>/providers/.+)", re.IGNORECASE
)
_URLS = ("azure-asyncoperation", "location")


class Names:
    """The known names of one cassette."""

    def __init__(self, subscription: str) -> None:
        self._subscription = subscription
        self._ids: dict[str, str] = {}
        self._groups: dict[str, str] = {}
        self._operations: dict[tuple[str, bool], str] = {}

    def here(self, value: Any) -> Any:  # noqa: ANN401 JSON
        """Return a path, an id or a whole body with the simulator's names."""
        if isinstance(value, dict):
            return {name: self.here(each) for name, each in value.items()}
        if isinstance(value, list):
            return [self.here(each) for each in value]
        if not isinstance(value, str) or "subscriptions/" not in value.lower():
            return value
        return self._known(_SUBSCRIPTION.sub(rf"\g<1>{self._subscription}", value))

    def _known(self, resource_id: str) -> str:
        for azure, ours in self._groups.items():
            at = resource_id.lower().find(f"/resourcegroups/{azure}/")
            if at >= 0:
                start = at + len("/resourcegroups/")
                resource_id = resource_id[:start] + ours + resource_id[start + len(azure) :]
        for azure, ours in self._ids.items():
            if resource_id.lower() == azure or resource_id.lower().startswith(azure + "/"):
                return ours + resource_id[len(azure) :]
        return resource_id

    def operation(self, path: str, *, monitor: bool) -> str | None:
        """Return our URL of an operation in progress, given Azure's."""
        key = unquote(path).lower()
        return self._operations.get((key, monitor)) or self._operations.get((key, not monitor))

    def learn(self, azure: Answer, ours: Answer) -> None:
        """Learn names from two answers to the same request."""
        found = next((ours.headers[name] for name in _URLS if name in ours.headers), None)
        for name in reversed(_URLS):
            if name in azure.headers and found:
                real = urlsplit(azure.headers[name])
                key = (unquote(real.path).lower(), _monitors(real.query))
                self._operations[key] = ours.headers.get(name, found)
        self._learn_ids(self.here(azure.body), ours.body)

    def _learn_ids(self, azure: Any, ours: Any) -> None:  # noqa: ANN401 JSON
        if isinstance(azure, dict) and isinstance(ours, dict):
            for name in azure.keys() & ours.keys():
                self._learn_ids(azure[name], ours[name])
        elif isinstance(azure, list) and isinstance(ours, list) and len(azure) == len(ours):
            for real, made in zip(azure, ours, strict=True):
                self._learn_ids(real, made)
        elif isinstance(azure, str) and isinstance(ours, str):
            alias = _alias(azure, ours)
            if alias:
                self._groups[alias[0]] = alias[1]
            elif _made_up(azure, ours):
                self._ids[azure.lower()] = ours


def _made_up(azure: str, ours: str) -> bool:
    """Say whether two ids are of disks that the platform named, as it names those of VMs."""
    kind = "/microsoft.compute/disks/"
    return azure.lower() != ours.lower() and all(kind in each.lower() for each in (azure, ours))


def _alias(azure: str, ours: str) -> tuple[str, str] | None:
    """Return the groups of two ids that differ in nothing else: recordings have aliases."""
    real, made = _GROUP.match(azure), _GROUP.match(ours)
    if not real or not made or real["below"].lower() != made["below"].lower():
        return None
    groups = real["group"].lower(), made["group"].lower()
    return groups if groups[0] != groups[1] else None


def _monitors(query: str) -> bool:
    return dict(parse_qsl(query)).get("monitor", "").lower() == "true"
