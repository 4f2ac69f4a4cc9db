"""Reads a request before it reaches a provider: action, api-version, subscription, body."""

import re
from collections.abc import Callable
from functools import lru_cache
from typing import Any

import msgspec

from simulator.arm.core import api_versions, errors, ids
from simulator.arm.core.bodies import Reading, check_envelope, read
from simulator.arm.core.rbac import action_of, extends
from simulator.arm.core.routing import Route
from simulator.arm.core.specification import shape_of

_SUBSCRIPTION = re.compile(r"/subscriptions/([^/]+)", re.IGNORECASE)


def action_and_scope(method: str, path: str, route: Route | None) -> tuple[str, str]:
    """Return the action in Azure's casing, if the route is known, and the path's own scope."""
    asked, scope = action_of(method, path)
    return (route and _template_action(route)) or asked, scope


def check_api_version(
    method: str, path: str, given: str, route: Route | None, locate: Callable[[], str]
) -> None:
    """Refuse an api-version that the type in a path does not have; `locate` gives its location.

    Which refusal a list gets, and the location in it, is inferred. A type that is not simulated
    passes here, and is refused later as not simulated.
    """
    namespace, kind, known = _versions(method, route.template if route else path)
    if known and given.lower() not in known:
        if known is api_versions.ARM:
            raise errors.invalid_api_version(given, known)
        if extends(namespace):
            raise errors.no_such_extension(given, namespace, kind, known)
        raise errors.no_registered_provider(given, locate(), kind, known, tuple(ids.REGIONS))
    if known and route and given.lower() < route.since:
        raise errors.invalid_resource_type(given, namespace)


@lru_cache(maxsize=512)
def _versions(method: str, path: str) -> tuple[str, str, tuple[str, ...]]:
    """Return the namespace and type of a path, and their api-versions."""
    named = ids.take_apart(path) or ids.NOTHING
    namespace = "" if "{" in named.namespace else named.namespace
    types = named.types[: len(named.names)] if method == "POST" else named.types
    kind = "/".join(types)
    return namespace, kind, api_versions.known(namespace, kind)


def check_subscription(known: str, path: str) -> None:
    """Refuse a path in a subscription other than the known one."""
    found = _SUBSCRIPTION.match(path)
    if found and found[1].lower() != known:
        if not ids.GUID.fullmatch(found[1]):
            raise errors.invalid_subscription(found[1])
        raise errors.subscription_not_found(found[1])


def read_body(raw: bytes, method: str, takes: Any) -> Reading:  # noqa: ANN401 a model
    """Read a body, `{}` for an empty one; refuse it if it is not a JSON object, or invalid.

    ARM refuses unknown members beside `properties`.
    """
    try:
        body = msgspec.json.decode(raw) if raw.strip() else {}
    except msgspec.DecodeError as error:
        raise errors.invalid_content(str(error)) from error
    if not isinstance(body, dict):
        msg = "the body must be a JSON object"
        raise errors.invalid_content(msg)
    if takes is None:
        return Reading(body)
    shape = shape_of(takes)
    if method in ("PUT", "PATCH"):
        check_envelope(body, shape)
    return read(body, shape)


@lru_cache(maxsize=512)
def _template_action(route: Route) -> str | None:
    """Return the route's action; None if the path has the namespace as a variable."""
    action = action_of(route.method, route.template)[0]
    return None if "{" in action else action
