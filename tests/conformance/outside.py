"""What a recording presupposes: groups and resources that existed before it began.

Takes a cassette's exchanges, gives the groups to create first, and for a resource that was never
created in it the body that it is shown with. Pure.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from tests.conformance.recordings import Exchange

type Json = dict[str, Any]

_GROUP = re.compile(r"/subscriptions/[^/]+/resourceGroups/([^/?]+)", re.IGNORECASE)
_RESOURCE = re.compile(
    r"(/subscriptions/[^/]+/resourceGroups/[^/]+/providers/Microsoft\.Compute/"
    r"(?:virtualMachines|disks|snapshots|images|galleries)/[^/]+"
    r"(?:/images/[^/]+(?:/versions/[^/]+)?)?)",
    re.IGNORECASE,
)
_READ_ONLY = ("provisioningState", "vmId", "timeCreated", "instanceView", "uniqueId", "identifier")
NOT_FOUND = 404


@dataclass(frozen=True)
class Group:
    """A resource group that existed before."""

    name: str
    location: str
    tags: dict[str, str] = field(default_factory=dict)


def groups(exchanges: Iterable[Exchange]) -> Iterator[Group]:
    """Give the groups that the recording uses and did not create."""
    first: dict[str, tuple[str, Exchange]] = {}
    shown: dict[str, Json] = {}
    for each in exchanges:
        for name in _GROUP.findall(each.path):
            first.setdefault(name.lower(), (name, each))
            if is_group(each) and isinstance(each.answer, dict) and each.method == "GET":
                shown.setdefault(name.lower(), each.answer)
    for key, (name, each) in first.items():
        if is_group(each) and (each.method == "PUT" or each.status == NOT_FOUND):
            continue
        body = shown.get(key) or {}
        yield Group(
            str(body.get("name", name)), body.get("location", "westus"), body.get("tags") or {}
        )


def is_group(exchange: Exchange) -> bool:
    """Say whether a request is for a resource group itself."""
    return bool(_GROUP.fullmatch(exchange.path))


def group_of(path: str) -> str:
    """Return the group in a path, or nothing."""
    found = _GROUP.search(path)
    return found[1] if found else ""


def resource_of(path: str) -> str | None:
    """Return the id of the compute resource that a path is at or below."""
    found = _RESOURCE.match(path)
    return found[1] if found else None


def shown_as(resource_id: str, exchanges: Iterable[Exchange]) -> Exchange | None:
    """Return the first exchange in which Azure shows a complete resource."""
    for each in exchanges:
        whole = each.ok and isinstance(each.answer, dict) and "properties" in each.answer
        if whole and each.path.lower() == resource_id.lower() and each.method in ("GET", "PUT"):
            return each
    return None


def as_sent(shown: Json) -> Json:
    """Return the body with which a resource that Azure shows could have been created."""
    properties = {k: v for k, v in shown["properties"].items() if k not in _READ_ONLY}
    kept = ("location", "tags", "sku", "zones", "plan", "identity")
    return {k: shown[k] for k in kept if shown.get(k)} | {"properties": properties}


def states(answer: object) -> set[str]:
    """Return the provisioning states that an answer shows at its top."""
    rows = answer.get("value", [answer]) if isinstance(answer, dict) else []
    found = set()
    for row in rows if isinstance(rows, list) else []:
        properties = row.get("properties") if isinstance(row, dict) else None
        if isinstance(properties, dict) and "provisioningState" in properties:
            found.add(str(properties["provisioningState"]))
    return found
