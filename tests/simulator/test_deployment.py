"""An app is deployed into the simulator, or refused with the reason why Azure would not run it."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from simulator.deployment import Deployment, DeploymentError
from simulator.simulator import Simulator
from tests.simulator.host_running import APP, HOST_JSON, event, write_app

TEMPLATE = Path(__file__).parents[2] / "infra" / "snapshots" / "usual.snapshot.json"
# With the names of the functions to which the template sends events.
LOOKING = APP.replace("def on_event", "def look")


@pytest.fixture(scope="module")
def simulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Simulator]:
    """Serve a subscription."""
    with Simulator(state_dir=tmp_path_factory.mktemp("state"), speed=0) as one:
        yield one


def deployment(
    simulator: Simulator, folder: Path, source: str, host_json: object = HOST_JSON, **more: str
) -> Deployment:
    """Return an app about to be deployed."""
    app = write_app(folder / "app", source, host_json)
    settings = {"SCHEDULE": "0 0 * * * *", **more}
    return Deployment(simulator, app, settings, TEMPLATE, folder / "host.log")


@pytest.mark.parametrize(
    ("source", "host_json", "words"),
    [
        ("import nothing_of_the_kind", HOST_JSON, "nothing_of_the_kind"),
        (LOOKING, {"version": "2.0"}, "'eventGridTrigger' are not registered"),
        (LOOKING, {"version": "1.0"}, "'1.0' is an invalid value for host.json"),
        (LOOKING.replace("%SCHEDULE%", "hourly"), HOST_JSON, "'hourly' was not recognized"),
        (APP, HOST_JSON, "on_event: eventGridTrigger"),
    ],
)
def test_an_app_that_would_not_run_is_no_deployment(
    simulator: Simulator, tmp_path: Path, source: str, host_json: object, words: str
) -> None:
    """It raises with the host's output; so does an app without a function that receives events."""
    with pytest.raises(DeploymentError, match=words):
        deployment(simulator, tmp_path, source, host_json).start()


@pytest.mark.parametrize("name", ["FUNCTIONS_WORKER_RUNTIME", "WEBSITE_RUN_FROM_PACKAGE", "A:B"])
def test_settings_that_flex_consumption_refuses(
    simulator: Simulator, tmp_path: Path, name: str
) -> None:
    """Azure refuses to set them, so the app is never deployed."""
    with pytest.raises(DeploymentError, match=f"AppSettings.{name}\\) for Flex Consumption"):
        deployment(simulator, tmp_path, LOOKING, **{name: "python"}).start()


def test_events_are_delivered_with_the_webhooks_key(simulator: Simulator, tmp_path: Path) -> None:
    """The simulated Event Grid has the key; a request without it is refused."""
    with deployment(simulator, tmp_path, LOOKING) as app:
        subscription = app.deployed.event_subscriptions[0]["name"].rpartition("/")[2]
        simulator.client.ask(
            "POST", "eventgrid/publish", {"eventSubscription": subscription, "event": event()}
        )
        simulator.client.advance(60)
        (run,) = requests.get(f"{app.url}/_host/invocations?function=look", timeout=20).json()
        assert run["ok"] is True
        hook = f"{app.url}/runtime/webhooks/EventGrid?functionName=look"
        assert requests.post(hook, json=[event()], timeout=20).status_code == 401


def test_what_timers_keep_outlives_the_host(simulator: Simulator, tmp_path: Path) -> None:
    """An app that is stopped and started runs what it missed; a new app does not."""
    app = deployment(simulator, tmp_path, LOOKING)
    with app:
        pass
    simulator.client.advance(7200)
    with app:
        swept = requests.post(f"{app.url}/_host/functions/sweep/run", timeout=20).json()
    assert "Timer fired at" in app.log.read_text()
    assert swept["ok"] is True
    with deployment(simulator, tmp_path, LOOKING) as another:
        requests.post(f"{another.url}/_host/functions/sweep/run", timeout=20)
    assert "Timer fired at" not in another.log.read_text()
