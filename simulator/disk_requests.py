"""The request log of a caller that reads disks from outside -> the requests that this takes.

Pure. For whoever counts what a proof costs: a story, the demo.
"""

from collections.abc import Iterable
from typing import Any

type Request = dict[str, Any]
"""One row of the request log: method, path, number .."""

_PROOF = {"begingetaccess", "endgetaccess", "diskoperations", "disk permissions"}


def proof_requests(requests: Iterable[Request]) -> list[Request]:
    """Return the requests that only proofs make, of requests in their order.

    They open and close a disk and ask how far that is, ask what may be done with a disk, and look
    at VM and disk again once it is closed.
    """
    found, again = [], set[tuple[str, str]]()
    for one in requests:
        path = one["path"].lower()
        kind, group = _kind(path), path.split("/")[4] if "/resourcegroups/" in path else ""
        if kind == "endgetaccess":
            again |= {("virtualmachines", group), ("disks", group)}
        if kind in _PROOF or (one["method"] == "GET" and (kind, group) in again):
            again.discard((kind, group))
            found.append(one)
    return found


def _kind(path: str) -> str:
    """Return what a path asks for: a proof's own act, or the type of the resource it names."""
    parts = path.split("/")
    if "diskoperations" in parts:
        return "diskoperations"
    if parts[-1] == "permissions":
        return "disk permissions" if "disks" in parts else "permissions"
    return parts[-1] if parts[-1] in _PROOF else parts[-2]
