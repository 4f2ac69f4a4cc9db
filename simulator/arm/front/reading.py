"""What a request says before any provider sees it: action, api-version, subscription, body."""

import re
from functools import lru_cache

import msgspec

from simulator.arm.core import errors, ids
from simulator.arm.core.errors import Json
from simulator.arm.core.rbac import action_of
from simulator.arm.core.routing import Route
from simulator.arm.front.shapes import shaped

_API_VERSION = re.compile(
    r"\d{4}-\d{2}-\d{2}(-preview|-alpha|-beta|-privatepreview)?", re.IGNORECASE
)
_SUBSCRIPTION = re.compile(r"/subscriptions/([^/]+)", re.IGNORECASE)


def action_and_scope(method: str, path: str, route: Route | None) -> tuple[str, str]:
    """Return the action in Azure's casing, where the route is known, and the path's own scope."""
    asked, scope = action_of(method, path)
    return (route and _template_action(route)) or asked, scope


def check_api_version(given: str | None) -> None:
    """Refuse a request that does not say which api-version it speaks, or says it oddly."""
    if not given:
        raise errors.missing_api_version()
    if not _API_VERSION.fullmatch(given):
        raise errors.invalid_api_version(given)


def check_subscription(known: str, path: str) -> None:
    """Refuse a path in any subscription but the known one."""
    found = _SUBSCRIPTION.match(path)
    if found and found[1].lower() != known:
        if not ids.GUID.fullmatch(found[1]):
            raise errors.invalid_subscription(found[1])
        raise errors.subscription_not_found(found[1])


def json_object(raw: bytes) -> Json:
    """Return a body, `{}` for an empty one; refuse what is no JSON object, or not Azure's."""
    try:
        body = msgspec.json.decode(raw) if raw.strip() else {}
    except msgspec.DecodeError as error:
        raise errors.invalid_content(str(error)) from error
    if not isinstance(body, dict):
        msg = "the body must be a JSON object"
        raise errors.invalid_content(msg)
    return shaped(body)


@lru_cache(maxsize=512)
def _template_action(route: Route) -> str | None:
    """Return the route's action; None where the namespace is a name in the path."""
    action = action_of(route.method, route.template)[0]
    return None if "{" in action else action
