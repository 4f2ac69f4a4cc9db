"""One request to ARM, as the routes see it: caller, action, body, world."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from simulator.arm.core import errors, ids
from simulator.arm.core.answer import Answer
from simulator.arm.core.errors import ArmError, Failure, Json
from simulator.arm.core.operations import Family, Operation
from simulator.arm.core.rbac import Principal, Rbac
from simulator.arm.core.resource import Resource
from simulator.arm.core.world import World

ACCEPTED = 202
MOST_TAGS, LONGEST_NAME, LONGEST_VALUE = 50, 512, 256


@dataclass(slots=True)
class Call:
    """An authenticated request; `doomed` is the failure injected into the operation it starts."""

    world: World
    rbac: Rbac
    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: Json
    caller: Principal
    base: str
    action: str
    scope: str
    names: dict[str, str] = field(default_factory=dict)
    doomed: Failure | None = None

    @property
    def api_version(self) -> str:
        """The api-version in lower case: dates compare as text."""
        return self.query["api-version"].lower()

    @property
    def group(self) -> str:
        """The resource group as the caller wrote it."""
        return self.names["group"]

    def resource_id(self, kind: str, *names: str) -> str:
        """Return the id of a resource in the path's group: `names` pair with the kind's types."""
        namespace, *types = kind.split("/")
        tail = "/".join(f"{a}/{self.names[b]}" for a, b in zip(types, names, strict=True))
        return f"{ids.group_id(self.world.subscription, self.group)}/providers/{namespace}/{tail}"

    def allowed_on(self, action: str, scope: str) -> None:
        """Refuse unless the caller has a permission on another resource that the body names."""
        if not self.rbac.allows(self.caller, action, scope):
            caller = self.caller
            raise errors.linked_authorization_failed(
                caller.app_id, caller.object_id, self.action, self.scope, (action, scope)
            )

    def accepted(self, operation: Operation, status: int, body: Json | None = None) -> Answer:
        """Answer with an operation's polling URLs; `Location` too with status 202, as in Azure."""
        url = f"{self.base}/subscriptions/{self.world.subscription}/providers/Microsoft.Compute"
        url += f"/locations/{operation.location}/{operation.family}/{operation.id}"
        version = self.query["api-version"]
        headers = {"Azure-AsyncOperation": f"{url}?api-version={version}"}
        if status == ACCEPTED:
            headers["Location"] = f"{url}?monitor=true&api-version={version}"
        operation.retry_after = self.world.settings.retry_after
        if operation.retry_after is not None:
            headers["Retry-After"] = str(operation.retry_after)
        headers["Azure-AsyncNotification"] = "Enabled"
        headers["x-ms-request-id"] = operation.id
        return Answer(status, body, headers, operation)


def delete(call: Call, resource: Resource, act: str, family: Family = Family.COMPUTE) -> Answer:
    """Answer 202, remove a resource after the duration of `act`; if doomed, it stays: Failed."""
    world = call.world

    def stay() -> None:
        resource.provisioning, resource.operation = "Failed", None

    if resource.operation:
        world.operations.preempt(resource.operation)
    resource.provisioning = "Deleting"
    resource.operation = world.operations.start(
        "delete",
        resource.location,
        world.seconds(act),
        lambda: world.remove(resource),
        fail=stay,
        family=family,
        doomed=call.doomed,
    )
    return call.accepted(resource.operation, 202)


def member(body: Json, *path: str) -> Any:  # noqa: ANN401 JSON
    """Return the value at a path of members, or None if one of them is missing."""
    found: Any = body
    for name in path:
        if not isinstance(found, dict):
            return None
        found = next((v for k, v in found.items() if k.lower() == name.lower()), None)
    return found


def need(body: Json, *path: str) -> Any:  # noqa: ANN401 JSON
    """Return the value at a path of members, or refuse as Azure does for a missing one."""
    found = member(body, *path)
    if found is None:
        raise errors.missing_parameter(path[-1] if path[0] != "properties" else ".".join(path[1:]))
    return found


def tags_in(body: Json) -> dict[str, str]:
    """Return the `tags` of a body; refuse those beyond Azure's limits."""
    return checked_tags(body.get("tags") or {})


def checked_tags(tags: object) -> dict[str, str]:
    """Return tags as text; refuse what Azure refuses: count, length, characters."""
    if not isinstance(tags, dict):
        msg = "tags must be an object"
        raise errors.invalid_content(msg)
    if len(tags) > MOST_TAGS:
        msg = "The number of tags exceeds the maximum of '50'."
        raise _bad_tag(msg, "TooManyTags")
    for name, value in tags.items():
        _check_tag(name, value)
    return {name: "" if value is None else str(value) for name, value in tags.items()}


def _check_tag(name: str, value: object) -> None:
    if len(name) > LONGEST_NAME:
        msg = f"Tag name too large: '{name[:40]}..'. The limit is '512'."
        raise _bad_tag(msg)
    if set(name) & set("<>%&\\?/") or not name.strip():
        characters = "The following characters are not supported: '<>%&\\?/'."
        msg = f"The tag name '{name}' is invalid. {characters}"
        raise _bad_tag(msg, "InvalidTagNameCharacters")
    if len(str(value)) > LONGEST_VALUE:
        msg = f"Tag value too large for tag '{name}'. The limit is '256'."
        raise _bad_tag(msg)


def _bad_tag(message: str, code: str = "InvalidTag") -> ArmError:
    return ArmError(400, code, message, gateway=True)


def check_etag(call: Call, existing: Resource | None, etag: int | None) -> None:
    """Refuse a write whose If-Match or If-None-Match condition is not met."""
    wanted, unwanted = call.headers.get("If-Match"), call.headers.get("If-None-Match")
    if wanted and (existing is None or wanted not in ("*", f'"{etag}"', str(etag))):
        raise errors.precondition_failed(wanted, f'"{etag}"' if existing else '""')
    if unwanted == "*" and existing is not None:
        raise errors.already_there(existing.name)
