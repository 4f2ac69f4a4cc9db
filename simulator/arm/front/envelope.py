"""The envelope of ARM's answers: the headers that all have, and the format of refusals.

Takes an `Answer` or an `ArmError`, gives the response. The compute provider and ARM's front door
format JSON differently; a header also shows which of them refused.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from aiohttp import web

from simulator.arm.core.answer import Answer
from simulator.arm.core.errors import UNAUTHORIZED, ArmError
from simulator.arm.core.wire import CONTENT_TYPE, compact, indented

_ALWAYS = {
    "Cache-Control": "no-cache",
    "Pragma": "no-cache",
    "Strict-Transport-Security": "max-age=31536000; includeSubDomains",
    "X-Content-Type-Options": "nosniff",
}


@dataclass(slots=True)
class Envelope:
    """The envelope of one request; `remaining` are the headers with the caller's rate limits."""

    request: web.Request
    tenant: str
    id: str
    correlation: str

    def given(self, answer: Answer, remaining: Mapping[str, str], *, front: bool) -> web.Response:
        """Return the response for an answer; a `front` one is from ARM itself, not a provider."""
        body = None if answer.body is None else (compact if front else indented)(answer.body)
        return _response(answer.status, body, {**remaining, **answer.headers})

    def refused(self, error: ArmError, remaining: Mapping[str, str]) -> web.Response:
        """Return the response for a refusal."""
        headers = {**remaining, **error.headers}
        if error.gateway:
            headers["x-ms-failure-cause"] = "gateway"
        if error.status == UNAUTHORIZED:
            headers["WWW-Authenticate"] = self._challenge(error)
        encode = compact if error.gateway else indented
        return _response(error.status, encode(error.body()), headers)

    def _challenge(self, error: ArmError) -> str:
        authority = f"https://{self.request.host}/{self.tenant}"
        kind = "invalid_token" if self.request.headers.get("Authorization") else "missing_token"
        return (
            f'Bearer authorization_uri="{authority}", error="{kind}", '
            f'error_description="{error.message}"'
        )

    def seal(self, response: web.StreamResponse) -> None:
        """Add the headers that every answer has, also on Event Grid's own routes."""
        headers = _ALWAYS | {
            "x-ms-request-id": self.id,
            "x-ms-correlation-request-id": self.correlation,
            "x-ms-routing-request-id": f"SIMULATED:{self.id}",
        }
        client_id = self.request.headers.get("x-ms-client-request-id")
        if client_id and self.request.headers.get("x-ms-return-client-request-id") == "true":
            headers["x-ms-client-request-id"] = client_id
        for name, value in headers.items():
            response.headers.setdefault(name, value)


def _response(status: int, body: bytes | None, headers: Mapping[str, str]) -> web.Response:
    kind = {} if body is None else {"Content-Type": CONTENT_TYPE}
    return web.Response(status=status, body=body, headers={**headers, **kind})


def plain(error: ArmError) -> web.Response:
    """Return the response for a refusal by steering or a topic, which is not ARM's."""
    body = compact(error.body())
    return web.Response(status=error.status, body=body, content_type="application/json")
