"""What an error of Azure's SDKs means to us: `Transient`, come again, or `Refused`, tell people.

Azure words the same thing in more than one way and under more than one code, so both are looked at.
What is neither known to pass nor sent as an error of the caller's is taken to pass.
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

NO_TOKEN = "no token for Azure"  # noqa: S105 - words of an error
"""How an error begins that comes of nobody being signed in."""

_TRANSIENT_STATUSES = {
    HTTPStatus.UNAUTHORIZED,  # a token that ran out under way
    HTTPStatus.REQUEST_TIMEOUT,
    HTTPStatus.PRECONDITION_FAILED,
    HTTPStatus.TOO_MANY_REQUESTS,
}
_TRANSIENT_CODES = {
    "AnotherOperationInProgress",
    "Conflict",
    "OperationPreempted",
    "PropertyChangeNotAllowed",  # an image of that name came between look and PUT
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
"""People's names in a message: a VM may be called `next-generation`, or `in progress`."""

_FINAL_CODES = {"MissingSubscriptionRegistration", "ScopeLocked"}  # "remove the lock and try again"
_FINAL_WORDS = re.compile(r"quota|generation|exceed", re.IGNORECASE)


@contextmanager
def our_errors() -> Iterator[None]:
    """Let errors of the SDKs come out as ours."""
    try:
        yield
    except AzureError as error:
        raise our_error(error) from error


def our_error(error: AzureError) -> Transient | Refused:
    """Return what an error of the SDK's means to us."""
    if isinstance(error, ClientAuthenticationError) and error.status_code is None:
        return Transient(f"{NO_TOKEN}: {error.message}")
    if isinstance(error, ResourceNotFoundError) and error.status_code is None:
        return Refused("ResourceNotFound", error.message, HTTPStatus.NOT_FOUND)  # as of a topic
    if not isinstance(error, HttpResponseError) or error.status_code is None:
        return Transient(f"Azure could not be reached: {error.message}")
    code, message = _said(error)
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
    """Return the seconds after which Azure wants to be asked again, where it says so."""
    return seconds(getattr(error.response, "headers", {}).get("Retry-After"))


def seconds(said: str | None) -> float | None:
    """Return the seconds of a Retry-After; None where it is a date, or not there."""
    return float(said) if said and said.isdecimal() else None


def _said(error: HttpResponseError) -> tuple[str, str]:
    if error.error is not None and error.error.code:
        return error.error.code, error.error.message or ""
    return str(error.status_code), str(error.reason or "")
