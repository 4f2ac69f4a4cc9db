"""The simulator as the replay sees it: requests as the owner, time, an empty subscription."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import requests

from simulator.simulator import Simulator
from tests.conformance.compare import Answer

LONG = 7200.0
"""Seconds after which whatever was in flight has ended."""


class Simulated:
    """A running simulator with a stopped clock, used by an owner over one connection."""

    def __init__(self, simulator: Simulator) -> None:
        self.steering = simulator.client
        self.subscription, self.tenant = simulator.subscription_id, simulator.tenant_id
        self._endpoint = simulator.arm_endpoint
        self._session = requests.Session()
        self._session.trust_env = False
        self._session.verify = str(simulator.ca_path)
        self._session.headers["Authorization"] = f"Bearer {_token(simulator)}"

    def send(
        self,
        method: str,
        path: str,
        query: Mapping[str, str],
        body: object = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """Send a request and return the answer, with Azure's endpoint in place of ours."""
        answer = self._session.request(
            method,
            self._endpoint + path,
            params=dict(query),
            json=body,
            headers=dict(headers or {}),
            timeout=60,
        )
        shown = {
            name.lower(): value.replace(self._endpoint, "https://management.azure.com")
            for name, value in answer.headers.items()
        }
        return Answer(answer.status_code, shown, _parsed(answer))

    def empty(self) -> None:
        """Empty the subscription; the recordings of networks are not replayed."""
        self.steering.reset()
        self.steering.settings(unknown_interfaces="accept")

    def settle(self) -> None:
        """Let all operations in progress end."""
        self.steering.advance(LONG)

    def close(self) -> None:
        """Close the connection."""
        self._session.close()


@contextmanager
def simulated(state: Path) -> Iterator[Simulated]:
    """Serve a simulator, with its keys in a folder."""
    with Simulator(state_dir=state, speed=0) as simulator:
        opened = Simulated(simulator)
        yield opened
        opened.close()


def _parsed(answer: requests.Response) -> Any:  # noqa: ANN401 JSON
    if not answer.content:
        return None
    try:
        return answer.json()
    except ValueError:
        return answer.text


def _token(simulator: Simulator) -> str:
    environment = simulator.environment("owner")
    answer = requests.get(
        environment["IDENTITY_ENDPOINT"],
        params={
            "api-version": "2019-08-01",
            "resource": "https://management.azure.com/",
            "client_id": environment["AZURE_CLIENT_ID"],
        },
        headers={"X-IDENTITY-HEADER": environment["IDENTITY_HEADER"]},
        timeout=30,
    )
    return str(answer.json()["access_token"])
