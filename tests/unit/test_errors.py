"""Conversion of Azure's errors: `Transient` is retried, `Refused` is reported."""

import json
from pathlib import Path
from typing import Any

import pytest
import requests
from azure.core.exceptions import (
    AzureError,
    ClientAuthenticationError,
    HttpResponseError,
    ResourceNotFoundError,
    ServiceRequestError,
    ServiceResponseError,
)
from azure.core.pipeline.transport import HttpRequest, RequestsTransportResponse
from azure.identity import CredentialUnavailableError

from shared.cloud.errors import our_error
from shared.model.errors import Refused, Transient

RECORDED = Path(__file__).parents[3] / "shared/reference/recordings/errors_recorded.json"
NOT_ALLOWED = "OperationNotAllowed"


def answered(status: int, body: object) -> HttpResponseError:
    """Make the SDK's error for a response; a `str` is used as a body that is not JSON."""
    response = requests.Response()
    response.status_code = status
    response.reason = "Reason"
    response.headers["Content-Type"] = "application/json"
    response._content = (body if isinstance(body, str) else json.dumps(body)).encode()
    request = HttpRequest("POST", "https://management.azure.com/")
    return HttpResponseError(response=RequestsTransportResponse(request, response))


def arm_error(status: int, code: str, message: str) -> HttpResponseError:
    """Make the SDK's error for a response with ARM's error body."""
    return answered(status, {"error": {"code": code, "message": message}})


@pytest.mark.parametrize(
    ("status", "code", "message"),
    [
        (409, NOT_ALLOWED, "Cannot generalize VM 'web-01' because the VM is running."),
        (409, "Conflict", "The request failed due to conflict with a concurrent request."),
        (409, NOT_ALLOWED, "Another operation is in progress on VM 'web-01'."),
        (409, NOT_ALLOWED, "Operation 'start' is not allowed since the VM is marked for deletion."),
        (409, NOT_ALLOWED, "There is an active shared access signature outstanding for disk os."),
        (409, "PropertyChangeNotAllowed", "Changing property 'source' is not allowed."),
        (409, "OperationPreempted", "The operation was preempted by a more recent operation."),
        (412, "PreconditionFailed", "The etag does not match."),
        (429, NOT_ALLOWED, "The server rejected the request because too many were received."),
        (429, "TooManyRequests", "Too many requests."),
        (401, "ExpiredAuthenticationToken", "The access token expiry is earlier than now."),
        (500, "InternalExecutionError", "An internal execution error occurred."),
        (503, "ServiceUnavailable", ""),
        (504, "GatewayTimeout", "The gateway did not receive a response in time."),
    ],
)
def test_what_passes_is_transient(status: int, code: str, message: str) -> None:
    """Throttling, conflicts with running operations and server errors are retried."""
    assert isinstance(our_error(arm_error(status, code, message)), Transient)


@pytest.mark.parametrize("name", ["next-generation", "quota", "exceeding", "in progress"])
def test_a_name_in_a_message_decides_nothing(name: str) -> None:
    """Users choose the names of VMs, so a name must not match a known message."""
    busy = f"Another operation is in progress on VM '{name}'."
    assert isinstance(our_error(arm_error(409, NOT_ALLOWED, busy)), Transient)
    lasting = f"Cannot start VM '{name}' since the VM is generalized."
    assert isinstance(our_error(arm_error(409, NOT_ALLOWED, lasting)), Refused)


@pytest.mark.parametrize(
    ("status", "code", "message"),
    [
        (409, NOT_ALLOWED, "Cannot start VM 'web-01' since the VM is generalized."),
        (409, NOT_ALLOWED, "The operation 'Create Image' requires the VM to be Generalized."),
        (404, "ResourceNotFound", "The Resource was not found."),
        (404, "NotFound", "The entity was not found."),
        (404, "ResourceGroupNotFound", "Resource group 'golden' could not be found."),
        (409, NOT_ALLOWED, "The operation 'Create Image' is not supported on Trusted Launch VMs."),
        (400, "InvalidParameter", "The value of parameter hyperVGeneration is invalid."),
        (409, "Conflict", "The hyper V generation of the source does not match the image's."),
        (400, "BadRequest", "OS state mismatch."),
        (409, NOT_ALLOWED, "Operation results in exceeding quota limits of Core."),
        (403, "AuthorizationFailed", "If access was recently granted, refresh and try again."),
        (403, "LinkedAuthorizationFailed", "The client has no permission on the linked scope."),
        (409, "ScopeLocked", "scope(s) are locked. Please remove the lock and try again."),
        (403, "RequestDisallowedByPolicy", "Resource 'web-01' was disallowed by policy."),
        (409, "MissingSubscriptionRegistration", "Register the provider and try again."),
    ],
)
def test_what_stays_is_refused_in_azures_words(status: int, code: str, message: str) -> None:
    """Missing permission, policy, lock, quota and invalid requests are reported, not retried."""
    error = our_error(arm_error(status, code, message))
    assert isinstance(error, Refused)
    assert (error.code, error.message, error.status) == (code, message, status)
    assert str(error) == f"{code}: {message}"


@pytest.mark.parametrize(
    "error",
    [
        ServiceRequestError("no route to host"),
        ServiceResponseError("connection reset"),
        CredentialUnavailableError("no identity endpoint"),
        ClientAuthenticationError("the identity endpoint gave no token"),
    ],
)
def test_whom_nobody_reached_is_asked_again(error: AzureError) -> None:
    """A network or token error contains no response, and is retried."""
    assert isinstance(our_error(error), Transient)


@pytest.mark.parametrize("body", ["", "<html>", "[]", "{}", {"error": None}, {"error": "text"}])
def test_an_error_without_azures_body_is_told_by_its_status(body: Any) -> None:  # noqa: ANN401 - JSON
    """If a proxy replaces Azure's body the message is lost, but the status still decides."""
    refused, passing = our_error(answered(403, body)), our_error(answered(502, body))
    assert isinstance(refused, Refused)
    assert (refused.code, refused.status) == ("403", 403)
    assert isinstance(passing, Transient)


def recorded() -> list[Any]:
    """Return the error responses recorded from Azure."""
    return json.loads(RECORDED.read_text())["entries"] if RECORDED.exists() else []


@pytest.mark.skipif(not RECORDED.exists(), reason="no recordings here")
def test_recorded_errors_are_understood() -> None:
    """Of the recorded responses only 5xx are retried; the others are reported by their code."""
    for entry in recorded():
        status, body = entry["response"]["status"], entry["response"]["body"]
        if status < 400:
            continue
        error = our_error(answered(status, body))
        # the only 409: for an image it means that its name was taken a moment ago
        passes = status >= 500 or entry["what"] == "409 PropertyChangeNotAllowed"
        assert isinstance(error, Transient) is passes, entry["what"]


def test_a_topic_that_is_not_there_is_no_passing_trouble() -> None:
    """The SDK's error has no status; taken as an outage, it would be retried for ever."""
    error = our_error(ResourceNotFoundError("Resource not found. For Event Grid Namespaces, ..."))
    assert isinstance(error, Refused)
    assert error.status == 404
