"""Errors of the Azure SDKs -> ours: `Transient` is retried, `Refused` is reported.

Azure uses several codes and messages for the same error, so code and message are both compared.
An error is `Transient` if it is known to be temporary, or if its status is not 4xx.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus

from azure.core.exceptions import (
    AzureError,
    ClientAuthenticationError,
    HttpResponseError,
    ResourceNotFoundError,
)

from shared.model.errors import Refused, Transient

NO_TOKEN = "no token for Azure"  # noqa: S105 - part of a message
"""The first words of the error raised if the caller is not signed in."""

_TRANSIENT_STATUSES = {
    HTTPStatus.UNAUTHORIZED,  # the token expired during the request
    HTTPStatus.REQUEST_TIMEOUT,
    HTTPStatus.PRECONDITION_FAILED,
    HTTPStatus.TOO_MANY_REQUESTS,
}
_TRANSIENT_CODES = {
    "AnotherOperationInProgress",
    "Conflict",
    "OperationPreempted",
    "PropertyChangeNotAllowed",  # an image with that name was created between look and PUT
    "ResourceGroupBeingDeleted",
    "RetryableError",
    "TooManyRequests",
}
_TRANSIENT_WORDS = re.compile(
    r"another operation|in progress|is running|currently running|being (deleted|updated)"
    r"|marked for deletion|shared access signature|try again|retry later",
    re.IGNORECASE,
)
_NAMES = re.compile(r"'[^']*'|\"[^\"]*\"|/subscriptions/\S+", re.IGNORECASE)
"""Resource names in a message: a VM may be named `next-generation`, or `in progress`."""

_FINAL_CODES = {"MissingSubscriptionRegistration", "ScopeLocked"}  # "remove the lock and try again"
_FINAL_WORDS = re.compile(r"quota|generation|exceed", re.IGNORECASE)


@contextmanager
def our_errors() -> Iterator[None]:
    """Convert errors of the SDKs to ours."""
    try:
        yield
    except AzureError as error:
        raise our_error(error) from error


def our_error(error: AzureError) -> Transient | Refused:
    """Return our error for an error of the SDK."""
    if isinstance(error, ClientAuthenticationError) and error.status_code is None:
        return Transient(f"{NO_TOKEN}: {error.message}")
    if isinstance(error, ResourceNotFoundError) and error.status_code is None:
        return Refused("ResourceNotFound", error.message, HTTPStatus.NOT_FOUND)  # a topic's 404
    if not isinstance(error, HttpResponseError) or error.status_code is None:
        return Transient(f"Azure could not be reached: {error.message}")
    code, message = _code_and_message(error)
    status = error.status_code
    refused = HTTPStatus.BAD_REQUEST <= status < HTTPStatus.INTERNAL_SERVER_ERROR
    words = _NAMES.sub("''", message)
    final = code in _FINAL_CODES or _FINAL_WORDS.search(words)
    busy = code in _TRANSIENT_CODES or _TRANSIENT_WORDS.search(words)
    conflict = status == HTTPStatus.CONFLICT and busy and not final
    if status in _TRANSIENT_STATUSES or conflict or not refused:
        return Transient(f"{status} {code}: {message}", retry_after=_retry_after(error))
    return Refused(code, message, status)


def _retry_after(error: HttpResponseError) -> float | None:
    """Return the Retry-After of a response in seconds; None if it has none."""
    return seconds(getattr(error.response, "headers", {}).get("Retry-After"))


def seconds(header: str | None) -> float | None:
    """Return the seconds of a Retry-After header; None if it is a date or missing."""
    return float(header) if header and header.isdecimal() else None


def _code_and_message(error: HttpResponseError) -> tuple[str, str]:
    if error.error is not None and error.error.code:
        return error.error.code, error.error.message or ""
    return str(error.status_code), str(error.reason or "")
