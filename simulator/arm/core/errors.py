"""Azure's refusals: status, code and message, one function for each.

A step that fails raises an `ArmError`; the pipeline sends it as Azure does. The message is Azure's
own if it is recorded or documented. Clients use the code, people the message, so both are defined
here and nowhere else.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

type Json = dict[str, Any]

UNAUTHORIZED = 401


@dataclass(frozen=True)
class Failure:
    """Why a long-running operation failed: what its poll shows as `error`."""

    code: str
    message: str

    def body(self) -> Json:
        """Return the `error` member."""
        return {"code": self.code, "message": self.message}


class ArmError(Exception):
    """A refusal; `gateway` if it comes from ARM's front door and not from a provider."""

    def __init__(  # noqa: PLR0913 the parts of Azure's refusals
        self,
        status: int,
        code: str,
        message: str,
        *,
        target: str | None = None,
        details: Sequence[Json] = (),
        headers: Mapping[str, str] | None = None,
        gateway: bool = False,
    ) -> None:
        super().__init__(f"{status} {code}: {message}")
        self.status, self.code, self.message = status, code, message
        self.target, self.details, self.gateway = target, details, gateway
        self.headers = dict(headers or {})

    def body(self) -> Json:
        """Return the body that Azure sends: `{"error": {...}}`."""
        error: Json = {"code": self.code, "message": self.message}
        if self.target is not None:
            error["target"] = self.target
        if self.details:
            error["details"] = list(self.details)
        return {"error": error}


# Not found


def resource_not_found(kind: str, name: str, group: str) -> ArmError:
    """Refuse an unknown resource at ARM's front door; `name` is `parent/child` if nested."""
    message = f"The Resource '{kind}/{name}' under resource group '{group}' was not found. "
    message += "For more details please go to https://aka.ms/ARMResourceNotFoundFix"
    return ArmError(404, "ResourceNotFound", message, gateway=True)


def group_not_found(group: str) -> ArmError:
    """Refuse a resource group that does not exist."""
    message = f"Resource group '{group}' could not be found."
    return ArmError(404, "ResourceGroupNotFound", message, gateway=True)


def subscription_not_found(subscription: str) -> ArmError:
    """Refuse a subscription other than the simulated one."""
    message = f"The subscription '{subscription}' could not be found."
    return ArmError(404, "SubscriptionNotFound", message, gateway=True)


def parent_not_found(action: str, kind: str, parent: str) -> ArmError:
    """Refuse a child whose parent does not exist."""
    message = (
        f"Failed to perform '{action}' on resource(s) of type '{kind}', because the parent "
        f"resource '{parent}' could not be found."
    )
    return ArmError(404, "ParentResourceNotFound", message, gateway=True)


def entity_not_found() -> ArmError:
    """Refuse an entity unknown to the compute provider: an operation, a resource just deleted."""
    return ArmError(404, "NotFound", "The entity was not found in this Azure location.")


# Malformed requests


def invalid_subscription(subscription: str) -> ArmError:
    """Refuse a subscription id that is not a GUID."""
    message = f"The provided subscription identifier '{subscription}' is malformed or invalid."
    return ArmError(400, "InvalidSubscriptionId", message, gateway=True)


def missing_api_version() -> ArmError:
    """Refuse a request without an api-version."""
    message = "The api-version query parameter (?api-version=) is required for all requests."
    return ArmError(400, "MissingApiVersionParameter", message, gateway=True)


def invalid_api_version(given: str, known: Sequence[str]) -> ArmError:
    """Refuse an api-version that ARM itself does not know, at one of its own routes."""
    message = (
        f"The api-version '{given}' is invalid. The supported versions are '{','.join(known)}'."
    )
    return ArmError(400, "InvalidApiVersionParameter", message, gateway=True)


def no_registered_provider(
    given: str, location: str, resource_type: str, known: Sequence[str], locations: Sequence[str]
) -> ArmError:
    """Refuse an api-version that a provider does not have for a type."""
    message = (
        f"No registered resource provider found for location '{location}' and API version "
        f"'{given}' for type '{resource_type}'. The supported api-versions are "
        f"'{', '.join(known)}'. The supported locations are '{', '.join(locations)}'."
    )
    return ArmError(400, "NoRegisteredProviderFound", message, gateway=True)


def invalid_resource_type(given: str, namespace: str) -> ArmError:
    """Refuse a type that is newer than the requested api-version."""
    message = (
        f"The resource type could not be found in the namespace '{namespace}' for api version "
        f"'{given}'."
    )
    return ArmError(404, "InvalidResourceType", message, gateway=True)


def no_such_extension(
    given: str, namespace: str, resource_type: str, known: Sequence[str]
) -> ArmError:
    """Refuse an api-version that an extension type (locks ..) does not have."""
    message = (
        f"The resource type '{resource_type}' could not be found in the namespace '{namespace}' "
        f"for api version '{given}'. The supported api-versions are '{','.join(known)}'."
    )
    return ArmError(404, "InvalidResourceType", message, gateway=True)


def invalid_content(why: str) -> ArmError:
    """Refuse a body that is not a JSON object."""
    message = f"The request content was invalid and could not be deserialized: '{why}'."
    return ArmError(400, "InvalidRequestContent", message, gateway=True)


# The members of a resource that ARM reads itself.
_ENVELOPE = frozenset(
    {"id", "name", "type", "location", "tags", "sku", "plan", "zones", "identity", "managedBy"}
)


def not_convertible(value: object, kind: str, at: str) -> ArmError:
    """Refuse a member of another type than Azure's, or an enumeration's unknown value.

    Recorded for a VM's properties, there with the .NET type name and the line in the body. Members
    outside of `properties` ARM reads itself, and refuses in its own way.
    """
    message = f"Error converting value {json.dumps(value)[:200]} to type '{kind}'. Path '{at}'."
    beside = at.partition("[")[0] in _ENVELOPE
    return invalid_content(message) if beside else bad_request(message)


def unknown_member(at: str, kind: str) -> ArmError:
    """Refuse a member that Azure's type does not have; recorded with line and position in the body.

    ARM reads members beside `properties` itself, the compute provider those inside.
    """
    name = at.rpartition(".")[2]
    message = f"Could not find member '{name}' on object of type '{kind}'. Path '{at}'."
    return bad_request(message) if "." in at else invalid_content(message)


def invalid_parameter(message: str, target: str | None = None) -> ArmError:
    """Refuse a member of the body, with its name."""
    return ArmError(400, "InvalidParameter", message, target=target)


def missing_parameter(name: str) -> ArmError:
    """Refuse a body that lacks a required member."""
    return invalid_parameter(f"Required parameter '{name}' is missing (null).", name)


def bad_request(message: str) -> ArmError:
    """Refuse with the gallery provider's general error."""
    return ArmError(400, "BadRequest", message)


def precondition_failed(given: str, known: str) -> ArmError:
    """Refuse a write whose If-Match condition is not met; recorded for a scale set."""
    message = f"Etag provided in if-match header {given} does not match etag {known} of resource."
    return ArmError(412, "PreconditionFailed", message)


def already_there(name: str) -> ArmError:
    """Refuse a write that may only create, because the resource exists: inferred."""
    message = f"The resource '{name}' already exists, and the If-None-Match header forbids it."
    return ArmError(412, "PreconditionFailed", message)


# The caller


def missing_token() -> ArmError:
    """Refuse a request without a bearer token."""
    message = "Authentication failed. The 'Authorization' header is missing."
    return ArmError(UNAUTHORIZED, "AuthenticationFailed", message, gateway=True)


def invalid_token(why: str) -> ArmError:
    """Refuse an Authorization header without a valid token of a known application."""
    return ArmError(UNAUTHORIZED, "InvalidAuthenticationToken", why, gateway=True)


def wrong_audience(audience: str, allowed: Iterable[str]) -> ArmError:
    """Refuse a token for another audience."""
    message = (
        f"The access token has been obtained for wrong audience or resource '{audience}'. It "
        f"should exactly match with one of the allowed audiences '{"','".join(allowed)}'."
    )
    return ArmError(UNAUTHORIZED, "InvalidAuthenticationTokenAudience", message, gateway=True)


def expired_token() -> ArmError:
    """Refuse an expired token."""
    message = "The access token expiry UTC time is earlier than current UTC time."
    return ArmError(UNAUTHORIZED, "ExpiredAuthenticationToken", message, gateway=True)


def authorization_failed(app_id: str, object_id: str, action: str, scope: str) -> ArmError:
    """Refuse a caller without permission for the action."""
    message = (
        f"The client '{app_id}' with object id '{object_id}' does not have authorization to "
        f"perform action '{action}' over scope '{scope}' or the scope is invalid. If access was "
        "recently granted, please refresh your credentials."
    )
    return ArmError(403, "AuthorizationFailed", message, gateway=True)


def linked_authorization_failed(  # the message names all five
    app_id: str, object_id: str, action: str, scope: str, linked: tuple[str, str]
) -> ArmError:
    """Refuse a caller that may write the resource, but lacks permission on a linked one."""
    message = (
        f"The client '{app_id}' with object id '{object_id}' has permission to perform action "
        f"'{action}' on scope '{scope}'; however, it does not have permission to perform "
        f"action(s) '{linked[0]}' on the linked scope(s) '{linked[1]}' (respectively) or the "
        "linked scope(s) are invalid."
    )
    return ArmError(403, "LinkedAuthorizationFailed", message, gateway=True)


def scope_locked(scope: str, verb: str, locked: Sequence[str]) -> ArmError:
    """Refuse a write under a lock; `verb` is `write` or `delete`."""
    scopes = ",".join(f"'{lock}'" for lock in locked)
    message = (
        f"The scope '{scope}' cannot perform {verb} operation because following scope(s) are "
        f"locked: {scopes}. Please remove the lock and try again."
    )
    return ArmError(409, "ScopeLocked", message, gateway=True)


# Conflicts with the present state


def operation_not_allowed(message: str, target: str | None = None) -> ArmError:
    """Refuse with the compute provider's most common error."""
    return ArmError(409, "OperationNotAllowed", message, target=target)


def concurrent_operation() -> ArmError:
    """Refuse a write while another one is in progress."""
    message = (
        "The request failed due to conflict with a concurrent request. To resolve it, please "
        "refer to https://aka.ms/activitylog to get more details on the conflicting requests."
    )
    return ArmError(409, "Conflict", message)


def property_change_not_allowed(name: str) -> ArmError:
    """Refuse to change a property that is fixed at creation."""
    message = f"Changing property '{name}' is not allowed."
    return ArmError(409, "PropertyChangeNotAllowed", message, target=name)


def conflict(message: str) -> ArmError:
    """Refuse with the gallery provider's error for conflicts."""
    return ArmError(409, "Conflict", message)


# The service itself


def throttled(operation: str, seconds: int) -> ArmError:
    """Refuse with 429: the caller, VM or subscription has reached its limit."""
    message = (
        "The server rejected the request because too many requests have been received for this "
        "subscription."
    )
    detail = {
        "code": "TooManyRequests",
        "target": operation,
        "message": f"Please retry after {seconds} seconds.",
    }
    headers = {"Retry-After": str(seconds)}
    return ArmError(429, "OperationNotAllowed", message, details=[detail], headers=headers)


def not_simulated(what: str) -> ArmError:
    """Refuse a feature of Azure that is not simulated, so that no client mistakes the answer."""
    return ArmError(501, "NotSimulated", f"Not simulated: {what}")
