"""One simulated subscription for all stories, and the app in it by several settings.

The subscription is emptied before each story; hosts are started when a story first wants them and
used again, because their start is what costs.
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from azure.identity import ManagedIdentityCredential
from azure.mgmt.compute import ComputeManagementClient

from shared.arm import Arm, find_credential
from shared.clients import Azure
from shared.prices import Prices
from shared.settings import read_settings
from shared.topic import Topic
from simulator.deployment import Deployment
from simulator.simulator import SUBSCRIPTION, Simulator
from tests.stories.world import IMAGES, Hosted, Spine, empty

ROOT = Path(__file__).parent.parent.parent
TEMPLATE = ROOT / "infra" / "usual.snapshot.json"
SCOPE = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/in-scope"
USUAL = {
    "SUBSCRIPTIONS": SUBSCRIPTION,
    "CAPTURE_TARGET": "golden/windows",
    "IMAGE_RESOURCE_GROUP": f"/subscriptions/{SUBSCRIPTION}/resourceGroups/{IMAGES}",
}
PROFILES = {
    "usual": USUAL,
    "trusting": USUAL | {"PROOF": "off"},
    "believing": USUAL | {"PROOF": "when-readable"},
    "rehearsing": USUAL | {"DRY_RUN": "true"},
    "fenced": USUAL | {"CAPTURE_SCOPE": SCOPE},
}

type Play = Callable[[str], Hosted]


@pytest.fixture(scope="session")
def simulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Simulator]:
    """Serve a subscription whose clock a story moves by hand."""
    with Simulator(state_dir=tmp_path_factory.mktemp("stories"), speed=0) as running:
        yield running


@pytest.fixture(scope="session")
def deployed(
    simulator: Simulator, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[[str], Deployment]]:
    """Start the app by a profile of settings, or give the one that runs already."""
    running: dict[str, Deployment] = {}
    logs = tmp_path_factory.mktemp("hosts")

    with ExitStack() as ended:

        def deploy(profile: str) -> Deployment:
            if profile not in running:
                log = logs / f"{profile}.log"
                app = Deployment(simulator, ROOT, PROFILES[profile], TEMPLATE, log, timers=False)
                running[profile] = ended.enter_context(app)
            return running[profile]

        yield deploy


@pytest.fixture
def emptied(simulator: Simulator, monkeypatch: pytest.MonkeyPatch) -> Simulator:
    """Give the subscription empty, and this process the app's environment."""
    empty(simulator.client)
    for name, value in simulator.environment().items():
        monkeypatch.setenv(name, value)
    return simulator


@pytest.fixture
def compute(emptied: Simulator) -> Iterator[ComputeManagementClient]:
    """Give the client of the subscription's owner."""
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
    """Make the world with the app deployed by a profile, its events subscribed."""

    def begin(profile: str) -> Hosted:
        app = deployed(profile)
        app.subscribe()
        emptied.client.clear_requests()
        return Hosted(emptied, compute, app)

    return begin


@pytest.fixture
def world(play: Play) -> Hosted:
    """Give the world with the app as it comes: it wants proof."""
    return play("usual")


@pytest.fixture
def trusting(play: Play) -> Hosted:
    """Give the world with the app that trusts every Sysprep (PROOF=off)."""
    return play("trusting")


@pytest.fixture
def believing(play: Play) -> Hosted:
    """Give the world with the app that goes on where a disk cannot be read."""
    return play("believing")


@pytest.fixture
def rehearsing(play: Play) -> Hosted:
    """Give the world with the app in a dry run."""
    return play("rehearsing")


@pytest.fixture
def fenced(play: Play) -> Hosted:
    """Give the world with the app kept to one resource group."""
    return play("fenced")


@pytest.fixture(scope="session")
def connected(simulator: Simulator) -> Azure:
    """Connect the spine, in this process, once."""
    with pytest.MonkeyPatch.context() as patched:
        for name, value in simulator.environment().items():
            patched.setenv(name, value)
        credential = find_credential()
        settings = read_settings(USUAL | simulator.environment())
        topic = Topic(settings.outcome_topic, credential)
        return Azure(Arm(settings.arm_endpoint, credential), topic, Prices("", "USD"), settings)


@pytest.fixture
def spine(emptied: Simulator, compute: ComputeManagementClient, connected: Azure) -> Spine:
    """Give the world with the spine as it comes: it wants proof."""
    return Spine(emptied, compute, connected)
