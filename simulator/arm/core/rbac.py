"""Permissions: role definitions and role assignments in Azure's own format.

Takes a role file (principals, roleDefinitions, roleAssignments), says whether a principal may do an
action at a scope, and gives the list that the permissions API shows. The action is derived from a
request's method and path alone, so that no route can be left unchecked.
"""

import json
import re
from dataclasses import dataclass, field
from pathlib import Path

from simulator.arm.core import ids
from simulator.arm.core.errors import Json

DEFAULT_ROLES = Path(__file__).with_name("roles.json")

_VERBS = {"GET": "read", "HEAD": "read", "PUT": "write", "PATCH": "write", "DELETE": "delete"}
_GROUPS = "Microsoft.Resources/subscriptions/resourceGroups"


@dataclass(frozen=True, slots=True)
class Principal:
    """An identity that can send requests: an application with its service principal."""

    name: str
    app_id: str
    object_id: str
    secret: str


@dataclass(frozen=True)
class Grant:
    """A role assignment, compiled: what its role allows at a scope."""

    principal: str
    scope: str
    permissions: tuple[Json, ...]
    allowed: re.Pattern[str]
    denied: re.Pattern[str]
    data: re.Pattern[str]

    def covers(self, action: str, scope: str) -> bool:
        """Say whether the role applies at a scope and allows the action (both in lower case)."""
        return bool(
            within(scope, self.scope)
            and self.allowed.fullmatch(action)
            and not self.denied.fullmatch(action)
        )


@dataclass
class Rbac:
    """All principals and grants; results are cached until `replace`."""

    subscription: str
    started_with: Json
    file: Json = field(default_factory=dict)
    principals: dict[str, Principal] = field(default_factory=dict)
    grants: list[Grant] = field(default_factory=list)
    _known: dict[tuple[str, str, str], bool] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.replace(self.started_with)

    def replace(self, file: Json) -> None:
        """Replace the role file."""
        principals = [_principal(entry) for entry in file["principals"]]
        roles = {_last(role["id"]): role for role in file["roleDefinitions"]}
        self.grants = [self._grant(entry, roles) for entry in file["roleAssignments"]]
        self.principals = {p.app_id.lower(): p for p in principals}
        self.file = file
        self._known.clear()

    def named(self, name: str) -> Principal:
        """Return a principal by its name, client id or object id; KeyError for none."""
        for principal in self.principals.values():
            if name.lower() in (principal.name, principal.app_id.lower(), principal.object_id):
                return principal
        raise KeyError(name)

    def allows(self, principal: Principal, action: str, scope: str) -> bool:
        """Say whether a principal may do an action at a scope."""
        asked = (principal.object_id, action.lower(), scope.lower())
        if asked not in self._known:
            self._known[asked] = any(
                grant.covers(asked[1], asked[2])
                for grant in self.grants
                if grant.principal == principal.object_id
            )
        return self._known[asked]

    def allows_data(self, principal: Principal, action: str, scope: str) -> bool:
        """Say whether a principal may do a data action (send events, read a disk) at a scope."""
        return any(
            grant.data.fullmatch(action.lower()) is not None
            for grant in self.grants
            if grant.principal == principal.object_id and within(scope.lower(), grant.scope)
        )

    def permissions(self, principal: Principal, scope: str) -> list[Json]:
        """Return what the permissions API lists for a principal at a scope."""
        found: list[Json] = []
        for grant in self.grants:
            if grant.principal == principal.object_id and within(scope.lower(), grant.scope):
                found.extend(grant.permissions)
        return found

    def reaches_subscription(self, principal: Principal) -> bool:
        """Say whether a principal sees the subscription at all: any grant within it suffices."""
        return any(grant.principal == principal.object_id for grant in self.grants)

    def _grant(self, entry: Json, roles: dict[str, Json]) -> Grant:
        assignment = entry["properties"]
        role = roles[_last(assignment["roleDefinitionId"])]
        permissions = tuple(_permission(p) for p in role["properties"]["permissions"])
        scope = assignment["scope"].replace("{subscription}", self.subscription)
        return Grant(
            principal=assignment["principalId"].lower(),
            scope=scope.lower().rstrip("/"),
            permissions=permissions,
            allowed=_pattern([a for p in permissions for a in p["actions"]]),
            denied=_pattern([a for p in permissions for a in p["notActions"]]),
            data=_pattern([a for p in permissions for a in p["dataActions"]]),
        )


def read_roles(path: Path) -> Json:
    """Read a role file."""
    roles: Json = json.loads(path.read_text())
    return roles


def within(scope: str, outer: str) -> bool:
    """Say whether a scope (in lower case) equals another or is below it."""
    return scope == outer or scope.startswith(outer + "/") or not outer


def action_of(method: str, path: str) -> tuple[str, str]:
    """Return the action that a request requires, and its scope."""
    named = ids.take_apart(path)
    if named is None:
        return _container_action(method, path)
    if method == "POST":
        return f"{named.kind}/action", _without_last(path)
    verb = _VERBS[method]
    if named.kind.lower() == "microsoft.resources/tags":
        return f"{named.kind}/{verb}", named.scope
    if len(named.types) == len(named.names):
        return f"{named.kind}/{verb}", named.scope if extends(named.namespace) else path
    return f"{named.kind}/{verb}", _without_last(path) if len(named.types) > 1 else named.scope


def _container_action(method: str, path: str) -> tuple[str, str]:
    """Return the action for a path without a provider: subscriptions and groups."""
    first, subscription, *rest = [*path.strip("/").split("/"), ""]
    above = f"/{first}/{subscription}".rstrip("/")
    if method == "POST":
        return f"Microsoft.Resources/subscriptions/{rest[0]}/action", above
    verb, kind = _VERBS[method], rest[0] if rest else ""
    if kind.lower() == "resourcegroups" and "resources" in rest[2:]:
        return f"{_GROUPS}/resources/{verb}", _without_last(path)
    if kind.lower() == "resourcegroups":
        named = len(rest) > len(("resourceGroups", ""))
        return f"{_GROUPS}/{verb}", path if named else above
    extra = f"/{kind}" if kind else ""
    return f"Microsoft.Resources/subscriptions{extra}/{verb}", above


def extends(namespace: str) -> bool:
    """Say whether a provider's types extend resources of other providers."""
    return namespace.lower() in ("microsoft.authorization", "microsoft.resourcehealth")


def _without_last(path: str) -> str:
    return path.rstrip("/").rsplit("/", 1)[0]


def _principal(entry: Json) -> Principal:
    return Principal(entry["name"], entry["appId"], entry["objectId"].lower(), entry["secret"])


def _permission(entry: Json) -> Json:
    empty: Json = {"actions": [], "notActions": [], "dataActions": [], "notDataActions": []}
    return empty | entry


def _last(resource_id: str) -> str:
    return resource_id.rsplit("/", 1)[-1].lower()


def _pattern(actions: list[str]) -> re.Pattern[str]:
    wildcards = (re.escape(action.lower()).replace(r"\*", ".*") for action in actions)
    return re.compile("|".join(wildcards) or "(?!)")
