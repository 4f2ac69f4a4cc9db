"""A fake HTTP transport without sockets: the clients are real, the responses come from a test.

Replaces `HTTPAdapter.send` of `requests`, which all clients of the app use: the SDK's pipeline, the
price list, the reading of a disk. A test sets responses by method and the end of the path; other
requests get a 404.
"""

import io
import json
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest
import requests
from azure.core.credentials import AccessToken
from requests.adapters import HTTPAdapter
from urllib3 import HTTPResponse

type Answer = tuple[int, Any, dict[str, str]]


class Signedin:
    """A credential that always has a token."""

    def get_token(self, *_scopes: str, **_: Any) -> AccessToken:  # noqa: ANN401 - the SDK's own
        """Return a token that does not expire soon."""
        return AccessToken("token", 2**31)


@dataclass
class Wire:
    """Responses by `METHOD end-of-path`, or that with `?` and a part of the query.

    `sent` are the requests as `METHOD path`.
    """

    answers: dict[str, list[Answer]] = field(default_factory=dict)
    sent: list[str] = field(default_factory=list)
    bodies: list[Any] = field(default_factory=list)

    def answer(self, what: str, body: object = None, status: int = 200, **headers: str) -> None:
        """Add a response to a request; several are returned in turn, then the last repeats."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        self.answers.setdefault(what, []).append((status, body, named))

    def send(self, request: requests.PreparedRequest) -> requests.Response:
        """Record a request and return its response."""
        path = unquote(urlsplit(request.url or "").path)
        self.sent.append(f"{request.method} {path}")
        self.bodies.append(request.body)
        for what, answers in sorted(self.answers.items(), key=lambda one: "?" not in one[0]):
            method, _, asked = what.partition(" ")
            end, _, part = asked.partition("?")
            fits = path.lower().endswith(end.lower()) and part in (request.url or "")
            if method == request.method and fits:
                status, body, headers = answers.pop(0) if len(answers) > 1 else answers[0]
                break
        else:
            status, body, headers = 404, {"error": {"code": "NotFound", "message": path}}, {}
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        raw = HTTPResponse(
            body=io.BytesIO(content if body is not None else b""),
            status=status,
            headers={"Content-Type": "application/json", **headers},
            preload_content=False,
        )
        return HTTPAdapter().build_response(request, raw)


@pytest.fixture
def wire(monkeypatch: pytest.MonkeyPatch) -> Wire:
    """Answer every request that this process sends with `requests`."""
    scripted = Wire()
    monkeypatch.setattr(
        HTTPAdapter, "send", lambda _self, request, **_options: scripted.send(request)
    )
    return scripted
