"""Fixtures: one simulated subscription for all stories, and the app with several settings.

The subscription is emptied before each story. A host is started when a story first needs it, and
reused, because starting it is expensive.
"""

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from azure.identity import ManagedIdentityCredential
from azure.mgmt.compute import ComputeManagementClient

from shared.cloud import blob
from shared.cloud.arm import Arm
from shared.cloud.azure import Azure
from shared.cloud.client import find_credential
from shared.cloud.ledger import LedgerStore
from shared.cloud.pages import Pages
from shared.cloud.pictures import Pictures
from shared.cloud.prices import Prices
from shared.cloud.topic import Topic
from shared.model.settings import APP_NAME, read_settings
from simulator.arm.core.rbac import DEFAULT_ROLES, read_roles
from simulator.deployment import Deployment, deployed_into
from simulator.simulator import SUBSCRIPTION, Simulator
from simulator.template import Known, read_template
from tests.stories.steering import DirectClient
from tests.stories.world import INFRA, Hosted, Spine, empty

ROOT = Path(__file__).parent.parent.parent
SCOPE = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/in-scope"
PROFILES: dict[str, tuple[str, dict[str, str]]] = {
    "usual": ("usual", {}),
    "trusting": ("usual", {"PROOF": "off"}),
    "believing": ("usual", {"PROOF": "when-readable"}),
    "rehearsing": ("usual", {"DRY_RUN": "true"}),
    "fenced": ("fenced", {}),
    "owned": ("owned", {}),
    "booting": ("workshop", {}),
    "crowded": ("usual", {"PYTHON_THREADPOOL_THREAD_COUNT": "1000"}),
}
"""The template by which the app is deployed, and the settings that are other than there."""

type Play = Callable[[str], Hosted]


@pytest.fixture(scope="session")
def simulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Simulator]:
    """Serve a subscription whose clock is moved by the stories; the app has the usual roles.

    The app's requests and their responses are validated against Microsoft's models.
    """
    state = tmp_path_factory.mktemp("stories")
    roles = state / "roles.json"
    roles.write_text(json.dumps(_usual_roles()))
    with Simulator(
        state_dir=state, speed=0, roles=roles, check_answers=True, trust_system=False
    ) as running:
        running.client.close()
        running.client = DirectClient(running)
        yield running
        assert running.client.differences() == {}


def _usual_roles() -> dict[str, Any]:
    """Return the simulator's role file, with the roles that the usual template gives the app."""
    roles = read_roles(DEFAULT_ROLES)
    (app,) = [one for one in roles["principals"] if one["name"] == "app"]
    known = Known(SUBSCRIPTION, app["appId"], app["objectId"])
    return read_template(INFRA / "snapshots" / "usual.snapshot.json", known).roles(roles)


@pytest.fixture(scope="session")
def deployed(
    simulator: Simulator, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[[str], Deployment]]:
    """Start the app with a profile of settings, or return the host that already runs."""
    running: dict[str, Deployment] = {}
    logs = tmp_path_factory.mktemp("hosts")

    with ExitStack() as ended:

        def deploy(profile: str) -> Deployment:
            if profile not in running:
                name, settings = PROFILES[profile]
                template, log = (
                    INFRA / "snapshots" / f"{name}.snapshot.json",
                    logs / f"{profile}.log",
                )
                app = Deployment(simulator, ROOT, settings, template, log, timers=False)
                running[profile] = ended.enter_context(app)
            return running[profile]

        yield deploy


@pytest.fixture
def emptied(simulator: Simulator, monkeypatch: pytest.MonkeyPatch) -> Simulator:
    """Empty the subscription, and set the app's environment in this process."""
    empty(simulator.client)
    for name, value in simulator.environment().items():
        monkeypatch.setenv(name, value)
    return simulator


@pytest.fixture
def compute(emptied: Simulator) -> Iterator[ComputeManagementClient]:
    """Return the client of the subscription's owner."""
    owner = emptied.environment("owner")["AZURE_CLIENT_ID"]
    with (
        ManagedIdentityCredential(client_id=owner) as credential,
        ComputeManagementClient(
            credential,
            emptied.subscription_id,
            base_url=emptied.arm_endpoint,
            credential_scopes=[f"{emptied.arm_endpoint}/.default"],
            retry_total=0,
        ) as client,
    ):
        yield client


@pytest.fixture
def play(
    emptied: Simulator,
    compute: ComputeManagementClient,
    deployed: Callable[[str], Deployment],
) -> Play:
    """Make the world with the app deployed with a profile and its event subscriptions."""

    def begin(profile: str) -> Hosted:
        app = deployed(profile)
        app.subscribe()
        emptied.client.advance(60)  # two sweeps at one instant have one heartbeat, which is known
        emptied.client.clear_requests()
        return Hosted(emptied, compute, app)

    return begin


@pytest.fixture
def world(play: Play) -> Hosted:
    """Return the world with the app's default settings: proof is required."""
    return play("usual")


@pytest.fixture
def trusting(play: Play) -> Hosted:
    """Return the world with the app that does not read disks (PROOF=off)."""
    return play("trusting")


@pytest.fixture
def believing(play: Play) -> Hosted:
    """Return the world with the app that continues if a disk cannot be read."""
    return play("believing")


@pytest.fixture
def rehearsing(play: Play) -> Hosted:
    """Return the world with the app in a dry run."""
    return play("rehearsing")


@pytest.fixture
def fenced(play: Play) -> Hosted:
    """Return the world with the app limited to one resource group."""
    return play("fenced")


@pytest.fixture
def owned(play: Play) -> Hosted:
    """Return the world with the app whose VMs' owners may have them deallocated by a tag."""
    return play("owned")


@pytest.fixture(scope="session")
def connected(simulator: Simulator) -> Azure:
    """Connect the spine, in this process, once."""
    with pytest.MonkeyPatch.context() as patched:
        for name, value in simulator.environment().items():
            patched.setenv(name, value)
        credential = find_credential()
        template = deployed_into(simulator, INFRA / "snapshots" / "usual.snapshot.json")
        named = {APP_NAME: template.app}
        settings = read_settings(template.settings | simulator.environment() | named)
        topic = Topic(settings.outcome_topic, credential)
        ledger = LedgerStore(settings.ledger, credential)
        arm = Arm(settings.arm_endpoint, credential)
        pictures = Pictures(settings.boot_diagnostics, credential)
        pages = Pages(settings.report, credential, dry_run=False)
        return Azure(arm, topic, ledger, pictures, pages, Prices("", "USD"), settings)


@pytest.fixture
def spine(
    emptied: Simulator,
    compute: ComputeManagementClient,
    connected: Azure,
    monkeypatch: pytest.MonkeyPatch,
) -> Spine:
    """Return the world with the spine's default settings: proof is required.

    A range of a disk that cannot be read is retried as often as in Azure, without waits.
    """
    monkeypatch.setattr(blob, "RETRY_WAITS", (0.0,) * len(blob.RETRY_WAITS))
    return Spine(emptied, compute, connected)
