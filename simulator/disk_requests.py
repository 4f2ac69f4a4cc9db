"""The request log of a caller that reads disks -> the requests that only proofs make.

Pure. For counting what a proof costs, in the stories and the demo.
"""

from collections.abc import Iterable
from typing import Any

type Request = dict[str, Any]
"""One row of the request log: method, path, number .."""

_PROOF = {"begingetaccess", "endgetaccess", "diskoperations", "disk permissions"}


def proof_requests(requests: Iterable[Request]) -> list[Request]:
    """Return the requests that only proofs make, from requests in their order.

    These open and close access to a disk, poll those operations, read the permissions on a disk,
    and read VM and disk again after access has ended.
    """
    found, again = [], set[tuple[str, str]]()
    for request in requests:
        path = request["path"].lower()
        kind, group = _kind(path), path.split("/")[4] if "/resourcegroups/" in path else ""
        if kind == "endgetaccess":
            again |= {("virtualmachines", group), ("disks", group)}
        if kind in _PROOF or (request["method"] == "GET" and (kind, group) in again):
            again.discard((kind, group))
            found.append(request)
    return found


def _kind(path: str) -> str:
    """Return what a path is about: an action that only proofs use, or its resource type."""
    parts = path.split("/")
    if "diskoperations" in parts:
        return "diskoperations"
    if parts[-1] == "permissions":
        return "disk permissions" if "disks" in parts else "permissions"
    return parts[-1] if parts[-1] in _PROOF else parts[-2]
