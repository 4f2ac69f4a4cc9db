"""A simulator for the tests, and real Azure clients that use it as Azure.

One server for the whole run, emptied before each test; its clock is moved by the tests.
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest
import requests
from azure.identity import ManagedIdentityCredential
from azure.mgmt.compute import ComputeManagementClient

from simulator.arm.core import api_versions
from simulator.arm.core.ids import take_apart
from simulator.simulator import Simulator

type Computes = Callable[..., ComputeManagementClient]
type Arms = Callable[..., "Arm"]
type Reads = Callable[..., requests.Response]


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Simulator]:
    """Serve for the whole run; every answer must conform to Microsoft's models."""
    with Simulator(
        state_dir=tmp_path_factory.mktemp("sim"), speed=0, check_answers=True, trust_system=False
    ) as simulator:
        yield simulator
        answers = {one for one in simulator.client.differences() if ": answer: " in one}
        assert answers == set()


@pytest.fixture
def sim(server: Simulator, monkeypatch: pytest.MonkeyPatch) -> Simulator:
    """Give an empty simulator with a stopped clock, and set the environment for the app."""
    server.client.set_speed(0)
    server.client.reset()
    for name, value in server.environment().items():
        monkeypatch.setenv(name, value)
    return server


@pytest.fixture
def compute(sim: Simulator) -> Iterator[Computes]:
    """Make real compute clients: `compute("app")`, `compute("owner")`."""
    with ExitStack() as opened:

        def client(principal: str = "app") -> ComputeManagementClient:
            named = sim.environment(principal)["AZURE_CLIENT_ID"]
            credential = opened.enter_context(ManagedIdentityCredential(client_id=named))
            made = ComputeManagementClient(
                credential,
                sim.subscription_id,
                base_url=sim.arm_endpoint,
                credential_scopes=[f"{sim.arm_endpoint}/.default"],
                retry_total=0,
            )
            return opened.enter_context(made)

        yield client


class Arm:
    """Raw requests to ARM as a principal, for what an SDK would hide."""

    def __init__(self, sim: Simulator, principal: str) -> None:
        self._sim = sim
        self._session = requests.Session()
        self._session.trust_env = False
        self._session.verify = str(sim.ca_path)
        self._session.headers["Authorization"] = f"Bearer {token(sim, principal)}"

    def __call__(
        self, method: str, path: str, body: object = None, **headers: str
    ) -> requests.Response:
        """Send a request; a path without api-version gets the newest of its type."""
        if "api-version" not in path:
            path += ("&" if "?" in path else "?") + f"api-version={newest_api(path)}"
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        url = self._sim.arm_endpoint + path
        return self._session.request(method, url, json=body, headers=sent, timeout=30)

    def close(self) -> None:
        """Close the connection."""
        self._session.close()


def newest_api(path: str) -> str:
    """Return the newest api-version of a path's type; ARM's own lists have the newest first."""
    named = take_apart(path.partition("?")[0])
    known = api_versions.known(named.namespace, named.types[0]) if named and named.types else ()
    return max(known) if known and known is not api_versions.ARM else api_versions.ARM[0]


def token(sim: Simulator, principal: str) -> str:
    """Fetch a principal's token as an App Service app does."""
    environment = sim.environment(principal)
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


@pytest.fixture
def arm(sim: Simulator) -> Iterator[Arms]:
    """Make raw ARM callers: `arm("app")("GET", "/subscriptions")`."""
    with ExitStack() as opened:

        def caller(principal: str = "app") -> Arm:
            made = Arm(sim, principal)
            opened.callback(made.close)
            return made

        yield caller


@pytest.fixture
def at_once(sim: Simulator) -> Simulator:
    """Return a simulator in which access to a disk takes no time, although its clock is stopped."""
    sim.client.settings(durations={"access": 0})
    return sim


@pytest.fixture
def read(sim: Simulator) -> Iterator[Reads]:
    """Make requests to an opened disk's URL: `read(url, "bytes=0-511")`."""
    with requests.Session() as session:
        session.trust_env = False
        session.verify = str(sim.ca_path)

        def ask(
            url: str,
            asked: str | None = None,
            method: str = "GET",
            *,
            stream: bool = False,
            **headers: str,
        ) -> requests.Response:
            sent = {name.replace("_", "-"): value for name, value in headers.items()}
            sent |= {"Range": asked} if asked else {}
            return session.request(method, url, headers=sent, stream=stream, timeout=30)

        yield ask
