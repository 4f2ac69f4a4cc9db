"""Starting and stopping: what is kept, what is found, what clients of other clouds request."""

from pathlib import Path

import pytest
import requests

from simulator.client import SteeringError
from simulator.simulator import Simulator
from tests.simulator.conftest import Arm, Arms, token


def test_trust_and_tokens_outlive_a_restart(tmp_path: Path) -> None:
    """The CA and the signing key are kept: an old client and its old token still work."""
    with Simulator(state_dir=tmp_path, speed=0) as first:
        kept, ca = token(first, "owner"), (tmp_path / "ca.pem").read_bytes()
    with Simulator(state_dir=tmp_path, speed=0) as second:
        assert (tmp_path / "ca.pem").read_bytes() == ca
        answer = requests.get(
            f"{second.arm_endpoint}/subscriptions?api-version=2022-12-01",
            headers={"Authorization": f"Bearer {kept}"},
            verify=str(second.ca_path),
            timeout=30,
        )
        assert answer.status_code == 200


def test_a_taken_port_is_said_at_once(tmp_path: Path, sim: Simulator) -> None:
    """Starting on a port that is in use raises in the caller's thread."""
    with pytest.raises(OSError, match="address already in use"):
        Simulator(state_dir=tmp_path, port=sim.port).start()


def test_cloud_metadata(sim: Simulator) -> None:
    """An object in old versions, a list since 2019-05-01, one cloud since 2022-09-01."""

    def asked(version: str) -> requests.Response:
        url = f"{sim.arm_endpoint}/metadata/endpoints{version}"
        return requests.get(url, verify=str(sim.ca_path), timeout=30)

    old = asked("?api-version=2015-01-01").json()
    assert old["authentication"]["loginEndpoint"] == sim.arm_endpoint
    (listed,) = asked("?api-version=2019-05-01").json()
    assert listed["resourceManager"] == sim.arm_endpoint
    assert asked("?api-version=2022-09-01").json() == listed
    assert asked("").json()["error"]["code"] == "MissingApiVersionParameter"


def test_what_is_nowhere_says_so(sim: Simulator) -> None:
    """An unknown path outside of ARM is 501 as well."""
    answer = requests.get(f"{sim.arm_endpoint}/nowhere", verify=str(sim.ca_path), timeout=30)
    assert (answer.status_code, answer.json()["error"]["code"]) == (501, "NotSimulated")


def test_a_running_clock_cannot_be_moved(sim: Simulator) -> None:
    """Advance is refused unless the clock is stopped."""
    sim.client.set_speed(10)
    with pytest.raises(SteeringError, match="set speed 0"):
        sim.client.advance(1)


def test_the_environment_names_what_clients_need(tmp_path: Path) -> None:
    """Both trust variables point at a bundle that also contains the public CAs."""
    with Simulator(state_dir=tmp_path, speed=0) as sim:
        environment = sim.environment()
        assert environment["OUTCOME_TOPIC"].startswith(sim.arm_endpoint)
    assert environment["REQUESTS_CA_BUNDLE"] == environment["SSL_CERT_FILE"]
    bundle = Path(environment["SSL_CERT_FILE"]).read_text()
    assert bundle.count("BEGIN CERTIFICATE") > 50


def test_custom_topics_ask_for_the_right_to_send(sim: Simulator) -> None:
    """The app may publish with a token for Event Grid; a reader, or a token for ARM, may not."""

    def publish(principal: str, audience: str) -> int:
        environment = sim.environment(principal)
        answer = requests.get(
            environment["IDENTITY_ENDPOINT"],
            params={
                "api-version": "2019-08-01",
                "resource": audience,
                "client_id": environment["AZURE_CLIENT_ID"],
            },
            headers={"X-IDENTITY-HEADER": environment["IDENTITY_HEADER"]},
            timeout=30,
        )
        event = {"id": "1", "source": "/x", "type": "t", "specversion": "1.0", "data": {}}
        return requests.post(
            environment["OUTCOME_TOPIC"],
            json=[event],
            headers={
                "Authorization": f"Bearer {answer.json()['access_token']}",
                "Content-Type": "application/cloudevents-batch+json",
            },
            verify=str(sim.ca_path),
            timeout=30,
        ).status_code

    grid, manager = "https://eventgrid.azure.net", "https://management.azure.com"
    assert publish("app", grid) == 200
    assert publish("reader", grid) == 403
    assert publish("app", manager) == 401


def test_event_grids_own_routes_are_arms_too(sim: Simulator) -> None:
    """Permissions are checked on Microsoft.EventGrid as on all providers."""
    group = sim.client.create_group("rg-events")
    path = f"{group}/providers/Microsoft.EventGrid/systemTopics/t"
    source = f"/subscriptions/{sim.subscription_id}"
    kind = "Microsoft.Resources.Subscriptions"
    body = {"location": "global", "properties": {"source": source, "topicType": kind}}
    reader, owner = Arm(sim, "reader"), Arm(sim, "owner")
    assert reader("PUT", path, body).json()["error"]["code"] == "AuthorizationFailed"
    assert owner("PUT", path, body).status_code in (200, 201)
    reader.close()
    owner.close()


@pytest.mark.parametrize("kind", ["Compute/virtualMachines", "EventGrid/topics", "Unheard/of"])
def test_every_answer_can_be_traced(sim: Simulator, arm: Arms, kind: str) -> None:
    """Every answer returns the caller's correlation id and the request's own id."""
    path = f"/subscriptions/{sim.subscription_id}/providers/Microsoft.{kind}"
    sent = {"x_ms_correlation_request_id": "c", "x_ms_client_request_id": "mine"}
    answer = arm("owner")("GET", path, **sent, x_ms_return_client_request_id="true")
    assert answer.headers["x-ms-correlation-request-id"] == "c"
    assert answer.headers["x-ms-client-request-id"] == "mine"
    assert answer.headers["x-ms-request-id"]
