"""The ARM client's pipeline: the user agent of each request, and its token."""

import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from azure.core import PipelineClient
from azure.core.credentials import AccessToken
from azure.core.exceptions import ServiceRequestError
from azure.core.pipeline.transport import HttpRequest, RequestsTransport
from azure.core.rest import HttpRequest as Request

from shared.cloud.client import EARLY, Counted, SharedToken, policies_of
from shared.model.settings import PUBLIC_ARM
from shared.model.version import VERSION


class Credential:
    """A credential that always has a token."""

    def get_token(self, *_scopes: str, **_more: Any) -> AccessToken:  # noqa: ANN401 - the SDK's own
        """Return a token that does not expire soon."""
        return AccessToken("token", 2**40)


def test_azure_is_told_the_version(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every request to ARM, retries included, has Stillframe's version in the user agent."""
    agents = list[str]()

    def send(request: HttpRequest, **_more: object) -> None:
        agents.append(request.headers["User-Agent"])
        raise ServiceRequestError("nothing is sent")  # noqa: EM101, TRY003 - the SDK's own

    transport = RequestsTransport()
    monkeypatch.setattr(transport, "send", send)
    policies = policies_of(PUBLIC_ARM, Credential(), [Counted()])
    client: Any = PipelineClient(PUBLIC_ARM, transport=transport, policies=policies)
    with pytest.raises(ServiceRequestError):
        client.send_request(Request("GET", f"{PUBLIC_ARM}/subscriptions"))
    assert agents
    assert {agent.split()[0] for agent in agents} == {f"Stillframe/{VERSION}"}


class Slow:
    """A credential that counts how often it is asked; its tokens last an hour."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, ...]] = []

    def get_token(self, *scopes: str, **_more: Any) -> AccessToken:  # noqa: ANN401 - the SDK's own
        """Return another token each time."""
        self.asked.append(scopes)
        time.sleep(0.01)
        return AccessToken(f"token {len(self.asked)}", int(time.time()) + 3600)


def test_a_token_is_asked_for_once_however_many_threads_need_it() -> None:
    """For each scope; one that answers a challenge is asked for again, and kept."""
    slow = Slow()
    shared = SharedToken(slow)
    with ThreadPoolExecutor(8) as pool:
        found = {one.token for one in pool.map(shared.get_token, ["a"] * 8)}
    assert (found, slow.asked) == ({"token 1"}, [("a",)])
    assert shared.get_token("b").token == "token 2"
    assert shared.get_token("a", claims="more").token == "token 3"
    assert shared.get_token("a", enable_cae=True).token == "token 3"


def test_a_token_that_ends_soon_is_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    """Five minutes before its end."""
    slow = Slow()
    shared = SharedToken(slow)
    shared.get_token("a")
    later = time.time() + 3600 - EARLY + 1
    monkeypatch.setattr("shared.cloud.client.time.time", lambda: later)
    assert shared.get_token("a").token == "token 2"
