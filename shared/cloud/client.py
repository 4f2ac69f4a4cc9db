"""The ARM client's configuration: credential, cloud and pipeline.

The pipeline differs from the SDK's default in three points. Azure has sent Retry-After of 1200
seconds, and the SDK would sleep that long inside an invocation; here a request whose Retry-After is
over `LONGEST_RETRY_AFTER` fails, and redelivery and the sweep retry it. And the SDK's policy that
registers a missing resource provider polls until that is done; here the refusal is reported. And
no policy decodes the JSON of each response: that was most of a sweep's CPU time, and only structs
(`wire.py`) and the SDK's operations, which decode for themselves, read it.
"""

import itertools
import os
import threading
import time
from collections.abc import Sequence
from functools import cache
from typing import Any
from urllib.parse import urlsplit

import requests
from azure.core.credentials import AccessToken, TokenCredential
from azure.core.pipeline import PipelineRequest, PipelineResponse, policies
from azure.identity import DefaultAzureCredential, ManagedIdentityCredential
from azure.mgmt.core.policies import ARMChallengeAuthenticationPolicy

from shared.model.errors import Misconfigured, Transient, Withheld
from shared.model.settings import PUBLIC_ARM
from shared.model.version import VERSION

EARLY = 300
"""Seconds; as the SDK's own policy has it."""

LONGEST_RETRY_AFTER = 3.0
"""The longest Retry-After, in seconds, that is waited for inside one request."""


GRAPH = "/providers/Microsoft.ResourceGraph/resources"
"""Where Resource Graph is queried, by POST."""


class _PatientRetry(policies.RetryPolicy[Any, Any]):
    """The SDK's retry policy, without waits longer than `LONGEST_RETRY_AFTER`."""

    def __init__(self) -> None:
        super().__init__(
            retry_total=2, retry_backoff_factor=0.4, retry_backoff_max=LONGEST_RETRY_AFTER
        )

    def is_retry(self, settings: dict[str, Any], response: PipelineResponse[Any, Any]) -> bool:
        if (self.get_retry_after(response) or 0) > LONGEST_RETRY_AFTER:
            return False
        return super().is_retry(settings, response)


class Counted(policies.SansIOHTTPPolicy[Any, Any]):
    """A policy that counts the requests that are sent, retries included."""

    def __init__(self) -> None:
        self._numbers = itertools.count(1)
        self.requests = 0

    def on_request(self, request: PipelineRequest[Any]) -> None:  # noqa: ARG002 - the SDK's own
        """Count a request that is about to be sent."""
        self.requests = next(self._numbers)


class ReadsOnly(policies.SansIOHTTPPolicy[Any, Any]):
    """The policy of a dry run: it blocks every request that could change something."""

    def on_request(self, request: PipelineRequest[Any]) -> None:
        """Raise `Withheld` for every request except a GET and a query of Resource Graph."""
        method, path = request.http_request.method, urlsplit(request.http_request.url).path
        if method != "GET" and path != GRAPH:
            msg = f"{method} {path}"
            raise Withheld(msg)


def policies_of(
    endpoint: str,
    credential: TokenCredential,
    before_sending: Sequence[policies.SansIOHTTPPolicy[Any, Any]],
) -> list[Any]:
    """Return the policies of a pipeline; `before_sending` run before each attempt of a request."""
    scope = audience(endpoint) + "/.default"
    return [
        policies.RequestIdPolicy(),
        policies.HeadersPolicy(),
        policies.UserAgentPolicy(f"Stillframe/{VERSION}"),
        _PatientRetry(),
        *before_sending,
        ARMChallengeAuthenticationPolicy(credential, scope),
    ]


class SharedToken:
    """A credential that asks another one for a token once, however many threads need it.

    A developer's credential starts a process (`az`) for each token, and gives up if eight of them
    take too long. `EARLY` seconds before a token ends another one is asked for.
    """

    def __init__(self, credential: TokenCredential) -> None:
        self._credential = credential
        self._tokens: dict[tuple[str, ...], AccessToken] = {}
        self._lock = threading.Lock()

    def get_token(self, *scopes: str, **options: Any) -> AccessToken:  # noqa: ANN401 the SDK's own
        """Return a token; one with options, such as claims to answer a challenge, is a new one."""
        with self._lock:
            known = self._tokens.get(scopes)
            if known and not options.get("claims") and known.expires_on - time.time() > EARLY:
                return known
            token = self._credential.get_token(*scopes, **options)
            self._tokens[scopes] = token
            return token


def find_credential() -> TokenCredential:
    """Return the function app's managed identity; elsewhere the developer's credential."""
    if "IDENTITY_ENDPOINT" in os.environ:
        identity = ManagedIdentityCredential(client_id=os.environ.get("AZURE_CLIENT_ID"))
        return SharedToken(identity)
    return SharedToken(DefaultAzureCredential())


@cache
def audience(endpoint: str) -> str:
    """Return the audience of tokens for an ARM endpoint, read from it unless it is public Azure.

    Raises `Transient` if the endpoint does not respond, `Misconfigured` if it returns no audience.
    """
    if endpoint == PUBLIC_ARM:
        return endpoint
    url = f"{endpoint}/metadata/endpoints?api-version=2015-01-01"
    try:
        answer = requests.get(url, timeout=10)
        answer.raise_for_status()
        return str(answer.json()["authentication"]["audiences"][0]).rstrip("/")
    except requests.RequestException as error:
        msg = f"ARM_ENDPOINT: {endpoint} did not return the audience of its tokens: {error}"
        raise Transient(msg) from error
    except (KeyError, IndexError, TypeError, ValueError) as error:
        msg = f"ARM_ENDPOINT: {endpoint} returned no audience for its tokens"
        raise Misconfigured(msg) from error
