"""How Event Grid refuses: an HTTP status and ARM's error body.

Takes a status, a code and a message, gives something to raise in an aiohttp route.
"""

import json
from collections.abc import Sequence
from typing import Any, NoReturn

from aiohttp import web


class Refused(web.HTTPException):
    """An answer of any status with `{"error": {code, message, details?}}`."""

    def __init__(
        self, status: int, code: str, message: str, details: Sequence[dict[str, Any]] = ()
    ) -> None:
        self.status_code = status
        self.code = code
        error: dict[str, Any] = {"code": code, "message": message}
        if details:
            error["details"] = list(details)
        super().__init__(text=json.dumps({"error": error}), content_type="application/json")


def refuse_invalid(message: str) -> NoReturn:
    """Refuse a request that Azure calls invalid."""
    raise Refused(400, "InvalidRequest", message)


def refuse_not_simulated(what: str) -> NoReturn:
    """Refuse what Azure has and the simulator has not, naming it."""
    raise Refused(501, "NotSimulated", f"The simulator has no {what}.")


def refuse_not_found(resource_id: str) -> NoReturn:
    """Refuse a resource that does not exist."""
    raise Refused(404, "ResourceNotFound", f"The Resource '{resource_id}' was not found.")


def refuse_handshake(url: str, why: str) -> NoReturn:
    """Refuse an event subscription whose webhook did not answer the validation.

    In Azure this is how the creation's operation ends; here the request itself fails with it. The
    query is left out of the message: it holds the function's key.
    """
    outcome = "The resource operation completed with terminal provisioning state 'Failed'."
    message = (
        f"Webhook validation handshake failed for {url.partition('?')[0]}. {why} "
        "For troubleshooting, visit https://aka.ms/esvalidation."
    )
    details = [{"code": "Url validation", "message": message}]
    raise Refused(400, "ResourceOperationFailure", outcome, details)
