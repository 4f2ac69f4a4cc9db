"""The refusals of blob storage: status, code and message, as XML.

Of the request it takes only the id and the method; gives the error and its response. The messages
are those of Azure Storage for all blobs, so that clients know them.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from xml.sax.saxutils import escape

from aiohttp import web

_FAILED = (
    "Server failed to authenticate the request. Make sure the value of Authorization header is "
    "formed correctly including the signature."
)


class StorageError(Exception):
    """A refusal of blob storage; `detail` is its text about a failed authentication."""

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        *,
        detail: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(f"{status} {code}: {message}")
        self.status, self.code, self.message, self.detail = status, code, message, detail
        self.headers = dict(headers or {})


def not_found() -> StorageError:
    """Refuse a path at which no disk is served."""
    return StorageError(404, "BlobNotFound", "The specified blob does not exist.")


def no_container() -> StorageError:
    """Refuse a path whose container does not exist."""
    return StorageError(404, "ContainerNotFound", "The specified container does not exist.")


def bad_name() -> StorageError:
    """Refuse a container's name that storage does not allow."""
    message = "The specified resource name contains invalid characters."
    return StorageError(400, "InvalidResourceName", message)


def container_exists() -> StorageError:
    """Refuse to create a container that exists."""
    return StorageError(409, "ContainerAlreadyExists", "The specified container already exists.")


def blob_exists() -> StorageError:
    """Refuse to create a blob that exists."""
    return StorageError(409, "BlobAlreadyExists", "The specified blob already exists.")


def other_type() -> StorageError:
    """Refuse an operation on a blob of another type."""
    return StorageError(409, "InvalidBlobType", "The blob type is invalid for this operation.")


def too_many_blocks() -> StorageError:
    """Refuse one more block of an append blob."""
    message = "The committed block count cannot exceed the maximum limit of 50,000 blocks."
    return StorageError(409, "BlockCountExceedsLimit", message)


def leased() -> StorageError:
    """Refuse a write without the id of the active lease."""
    message = "There is currently a lease on the blob and no lease ID was specified in the request."
    return StorageError(412, "LeaseIdMissing", message)


def not_signed() -> StorageError:
    """Refuse a request without the signature, or with a wrong one."""
    return _unauthenticated("Signature did not match.")


def revoked() -> StorageError:
    """Refuse a signature whose stored access policy is gone."""
    return _unauthenticated("SAS identifier cannot be found for specified signed identifier")


def out_of_time(begins: datetime, ends: datetime, now: datetime) -> StorageError:
    """Refuse a signature that has expired or is not valid yet."""
    frame = f"Start [{_gmt(begins)}] - Expiry [{_gmt(ends)}] - Current [{_gmt(now)}]"
    return _unauthenticated(f"Signature not valid in the specified time frame: {frame}")


def no_token(authority: str) -> StorageError:
    """Refuse a request without a token for a disk that requires Entra sign-in."""
    challenge = f"Bearer authorization_uri={authority} resource_id=https://disk.azure.com"
    return StorageError(
        401,
        "NoAuthenticationInformation",
        "Server failed to authenticate the request. Please refer to the information in the "
        "www-authenticate header.",
        headers={"WWW-Authenticate": challenge},
    )


def bad_token(why: str) -> StorageError:
    """Refuse a token that is invalid, or for another audience."""
    return StorageError(401, "InvalidAuthenticationInfo", _FAILED, detail=why)


def not_permitted() -> StorageError:
    """Refuse a caller without the data action."""
    message = "This request is not authorized to perform this operation using this permission."
    return StorageError(403, "AuthorizationPermissionMismatch", message)


def bad_range(size: int) -> StorageError:
    """Refuse a range outside the blob."""
    message = "The range specified is invalid for the current size of the resource."
    return StorageError(416, "InvalidRange", message, headers={"Content-Range": f"bytes */{size}"})


def bad_header(name: str, value: str) -> StorageError:
    """Refuse a malformed header."""
    message = (
        f"The value for one of the HTTP headers is not in the correct format: {name} '{value}'."
    )
    return StorageError(400, "InvalidHeaderValue", message)


def changed() -> StorageError:
    """Refuse a condition that is not met."""
    message = "The condition specified using HTTP conditional header(s) is not met."
    return StorageError(412, "ConditionNotMet", message)


def response(error: StorageError, request_id: str, now: datetime, method: str) -> web.Response:
    """Return a refusal as a response; for a HEAD without a body."""
    headers = error.headers | {"x-ms-error-code": error.code, "x-ms-request-id": request_id}
    if method == "HEAD":
        return web.Response(status=error.status, headers=headers)
    text = f"{error.message}\nRequestId:{request_id}\nTime:{now.astimezone(UTC):%FT%T.%f}0Z"
    detail = error.detail and f"<AuthenticationErrorDetail>{escape(error.detail)}"
    body = '\ufeff<?xml version="1.0" encoding="utf-8"?><Error>'
    body += f"<Code>{error.code}</Code><Message>{escape(text)}</Message>"
    body += f"{detail}</AuthenticationErrorDetail></Error>" if detail else "</Error>"
    headers["Content-Type"] = "application/xml"
    return web.Response(status=error.status, body=body.encode(), headers=headers)


def _unauthenticated(detail: str) -> StorageError:
    return StorageError(403, "AuthenticationFailed", _FAILED, detail=detail)


def _gmt(instant: datetime) -> str:
    return f"{instant.astimezone(UTC):%a, %d %b %Y %H:%M:%S} GMT"
