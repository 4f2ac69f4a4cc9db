"""The ARM client's pipeline: the user agent of each request."""

from typing import Any

import pytest
from azure.core import PipelineClient
from azure.core.credentials import AccessToken
from azure.core.exceptions import ServiceRequestError
from azure.core.pipeline.transport import HttpRequest, RequestsTransport
from azure.core.rest import HttpRequest as Request

from shared.cloud.client import Counted, policies_of
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
