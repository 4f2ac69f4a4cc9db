"""Two answers to the same request -> how they differ.

Takes Azure's answer and ours as `Answer`s. Gives `Difference`s: status, error code, message, the
headers that clients use, and for each member of the body whether it is missing, extra, of another
type, of another value or in another case. Values that no two machines share (ids' names, GUIDs,
times) are compared by their kind.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

HEADERS = ("azure-asyncoperation", "location", "etag", "retry-after")
REFUSED = 400
_LONGEST = 60
_FEW = 3

# Members whose values are not compared: random, of the moment, or of the machine.
_RANDOM = (
    "vmId", "uniqueId", "uniqueName", "sourceUniqueId", "incrementalSnapshotFamilyId",
    "diskSizeBytes", r"time\w*", "startTime", "endTime", r"\w*UpdateTime", "burstingEnabledTime",
    "exactVersion", "etag", "publishedDate", "osName", "osVersion", "vmAgentVersion", "skipToken",
    "nextLink", "principalId", "tenantId", "clientId", "createdAt", "lastModifiedAt",
    "completionPercent", "accessSAS", "securityDataAccessSAS", r"osDisk\.name",
    r"dataDisks\[\]\.name", "createdTime", "changedTime", "regionalDisplayName",
)  # fmt: skip
RANDOM = re.compile(rf"(^|\.)({'|'.join(_RANDOM)})$")
# What identifies a row of a list, the best first.
_KEYS = ("id", "resourceType", "lun", "name", "region", "key")
_GUID = re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}", re.IGNORECASE)
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)?")
_ID = re.compile(r"/?subscriptions/[^\s'\"]+", re.IGNORECASE)
# What the platform appends to a VM's name to name its disks.
_DISK_NAME = re.compile(
    r"_(OsDisk_\d|DataDisk_\d+|disk\d+|lun_\d+_\d+)_[0-9a-f]{32}", re.IGNORECASE
)
_QUOTED = re.compile(r"'[^']*'|\"[^\"]*\"")
_NUMBER = re.compile(r"\d+")


@dataclass(frozen=True)
class Answer:
    """A response: header names are lowered, the body is parsed."""

    status: int
    headers: Mapping[str, str]
    body: Any


@dataclass(frozen=True, order=True)
class Difference:
    """One difference between two answers; `at` is a member's path, `[]` is any item."""

    kind: str
    at: str
    azure: str = ""
    ours: str = ""


def differences(azure: Answer, ours: Answer, *, bodies: bool = True) -> list[Difference]:
    """List all differences; of answers with different statuses only that, and our refusal."""
    if azure.status != ours.status:
        return [Difference("status", "", outcome(azure), outcome(ours))]
    found = list(_headers(azure.headers, ours.headers))
    if azure.status >= REFUSED:
        return found + list(_refusals(azure.body, ours.body))
    return found + (list(_values(azure.body, ours.body, "")) if bodies else [])


def outcome(answer: Answer) -> str:
    """Return a status, and the code of a refusal."""
    code = _error(answer.body).get("code") if answer.status >= REFUSED else None
    return f"{answer.status} {code}" if code else str(answer.status)


def _headers(azure: Mapping[str, str], ours: Mapping[str, str]) -> Iterator[Difference]:
    for name in HEADERS:
        if (name in azure) != (name in ours):
            yield Difference("missing" if name in azure else "extra", f"header {name}")


def _refusals(azure: object, ours: object) -> Iterator[Difference]:
    real, made = _error(azure), _error(ours)
    if real.get("code") != made.get("code"):
        yield Difference("code", "error", str(real.get("code")), str(made.get("code")))
        return
    words = wording(str(real.get("message"))), wording(str(made.get("message")))
    if words[0] != words[1]:
        yield Difference("message", f"error {real.get('code')}", *words)
    for name in ("target", "details"):
        if (name in real) != (name in made):
            kind = "missing" if name in real else "extra"
            yield Difference(kind, f"error.{name} of {real.get('code')}")


def _error(body: object) -> dict[str, Any]:
    """Return the error in a refusal's body; some providers send it without a wrapper."""
    if not isinstance(body, dict):
        return {}
    inner = body.get("error", body)
    return inner if isinstance(inner, dict) else {}


def wording(message: str) -> str:
    """Return a message without the names in it."""
    for pattern in (_ID, _QUOTED, _GUID, _TIME, _NUMBER):
        message = pattern.sub("*", message)
    return " ".join(message.split())


def _values(azure: Any, ours: Any, at: str) -> Iterator[Difference]:  # noqa: ANN401 JSON
    if isinstance(azure, dict) and isinstance(ours, dict):
        yield from _members(azure, ours, at)
    elif isinstance(azure, list) and isinstance(ours, list):
        yield from _items(azure, ours, at)
    elif _kind(azure) != _kind(ours):
        yield Difference("type", at, _kind(azure), _kind(ours))
    elif not RANDOM.search(at):
        yield from _scalars(azure, ours, at)


def _members(azure: dict[str, Any], ours: dict[str, Any], at: str) -> Iterator[Difference]:
    folded = {name.lower(): name for name in ours}
    for name, value in azure.items():
        below = _below(at, name)
        here = folded.pop(name.lower(), None)
        if here is None:
            yield Difference("missing", below, _kind(value))
            continue
        if here != name:
            yield Difference("spelling", below, name, here)
        yield from _values(value, ours[here], below)
    for name in folded.values():
        yield Difference("extra", _below(at, name), "", _kind(ours[name]))


def _below(at: str, name: str) -> str:
    """Return a member's path; members named by the user, such as tags, all get the same path."""
    if name.startswith("/"):
        name = "{id}"
    elif at == "tags" or at.endswith(".tags"):
        name = "{tag}"
    return f"{at}.{name}".lstrip(".")


def _items(azure: list[Any], ours: list[Any], at: str) -> Iterator[Difference]:
    below = f"{at}[]"
    if not any(isinstance(row, (dict, list)) for row in (*azure, *ours)):
        if sorted(map(str, azure)) != sorted(map(str, ours)):
            yield Difference("value", below, _row_names(azure), _row_names(ours))
        return
    key = _key(azure, ours)
    if key is None:
        if len(azure) != len(ours):
            yield Difference("length", at, str(len(azure)), str(len(ours)))
        for real, made in zip(azure, ours, strict=False):
            yield from _values(real, made, below)
        return
    rows = {str(row[key]).lower(): row for row in ours}
    lacking = [row[key] for row in azure if str(row[key]).lower() not in rows]
    for row in azure:
        made = rows.pop(str(row[key]).lower(), None)
        if made is not None:
            yield from _values(row, made, below)
    if lacking:
        yield Difference("missing", below, _row_names(lacking))
    if rows:
        yield Difference("extra", below, "", _row_names(list(rows)))


def _row_names(names: list[Any]) -> str:
    """Return the names of a few rows; of more rows, that there are many."""
    return ", ".join(sorted({brief(name) for name in names})) if len(names) <= _FEW else "rows"


def _key(azure: list[Any], ours: list[Any]) -> str | None:
    """Return the member by which the rows of two lists can be distinguished and matched."""
    for key in _KEYS:
        if not all(isinstance(row, dict) and key in row for row in (*azure, *ours)):
            continue
        real, made = ([str(row[key]).lower() for row in rows] for rows in (azure, ours))
        told_apart = len(set(real)) == len(real) and len(set(made)) == len(made)
        if told_apart and set(real) & set(made):
            return key
    return None


def _kind(value: object) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "boolean"
    return {int: "number", float: "number", str: "text", dict: "object", list: "list"}[type(value)]


def _scalars(azure: object, ours: object, at: str) -> Iterator[Difference]:
    real, made = _plain(azure), _plain(ours)
    if real == made:
        return
    if isinstance(real, str) and isinstance(made, str) and real.lower() == made.lower():
        yield Difference("spelling", at, brief(real), brief(made))
    else:
        yield Difference("value", at, brief(real), brief(made))


def _plain(value: object) -> object:
    """Return a value without its random parts; of an id only its types."""
    if not isinstance(value, str):
        return value
    if value.lower().startswith(("/subscriptions/", "https://")):
        return _types(value)
    return _DISK_NAME.sub("<disk>", _TIME.sub("<time>", _GUID.sub("<guid>", value)))


def _types(resource_id: str) -> str:
    """Return an id with `*` for the names in it."""
    parts = resource_id.split("?", maxsplit=1)[0].strip("/").split("/")
    keeps = {"providers"}
    return "/".join(
        part if at % 2 == 0 or parts[at - 1].lower() in keeps else "*"
        for at, part in enumerate(parts)
    )


def brief(value: object) -> str:
    """Return a short form of a value: objects by their members, lists by their length."""
    if isinstance(value, dict):
        return "{" + ", ".join(sorted(value))[:_LONGEST] + "}"
    if isinstance(value, list):
        return f"list of {len(value)}"
    text = _plain(value)
    return (text if isinstance(text, str) else json.dumps(text))[:_LONGEST]
