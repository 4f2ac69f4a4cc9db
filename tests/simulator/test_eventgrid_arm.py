"""ARM's management API of Event Grid: topics, event subscriptions, handshakes."""

import json
from pathlib import Path

import pytest

from simulator.eventgrid.events import annotation_event, operation_event, written
from simulator.eventgrid.topics import HEALTH, SUBSCRIPTIONS
from tests.simulator.eventgrid_fixtures import (
    GROUP,
    START,
    SUBSCRIPTION,
    SYSTEM_TOPICS,
    TENANT,
    VM,
    World,
    finished,
    told,
)

EXAMPLES = Path(__file__).parents[3] / "shared/reference/events"
SOURCE = f"/subscriptions/{SUBSCRIPTION}"


def _subscription_body(url: str, **properties: object) -> dict[str, object]:
    destination = {"endpointType": "WebHook", "properties": {"endpointUrl": url}}
    return {"properties": {"destination": destination, **properties}}


def test_the_handshake_asks_for_a_code_and_gets_it() -> None:
    """Creation in the Event Grid schema posts a SubscriptionValidationEvent to the endpoint."""

    async def story(world: World) -> None:
        await world.topic("power", SUBSCRIPTIONS)
        made = await world.subscribe("power")
        [shake] = world.webhook.handshakes
        [event] = shake.events
        assert shake.headers["aeg-event-type"] == "SubscriptionValidation"
        assert event["eventType"] == "Microsoft.EventGrid.SubscriptionValidationEvent"
        assert made["type"] == "Microsoft.EventGrid/systemTopics/eventSubscriptions"
        assert made["properties"]["provisioningState"] == "Succeeded"

    told(story)


def test_the_handshake_of_cloud_events_asks_for_the_origin() -> None:
    """Creation in the CloudEvents schema sends OPTIONS with WebHook-Request-Origin."""

    async def story(world: World) -> None:
        await world.topic("power", SUBSCRIPTIONS)
        await world.subscribe("power", "looks", eventDeliverySchema="CloudEventSchemaV1_0")
        [shake] = world.webhook.handshakes
        assert shake.method == "OPTIONS"
        assert shake.headers["webhook-request-origin"] == "eventgrid.azure.net"

    told(story)


@pytest.mark.parametrize("schema", ["EventGridSchema", "CloudEventSchemaV1_0"])
def test_an_endpoint_that_does_not_shake_hands_is_refused(schema: str) -> None:
    """The creation fails with Azure's error, which does not show the endpoint's key."""

    async def story(world: World) -> None:
        world.webhook.willing = False
        await world.topic("power", SUBSCRIPTIONS)
        path = f"{SYSTEM_TOPICS}/power/eventSubscriptions/looks"
        body = _subscription_body(world.webhook.url + "?code=sesame", eventDeliverySchema=schema)
        status, answer = await world.call("PUT", path, body)
        assert status == 400
        assert answer["error"]["code"] == "ResourceOperationFailure"
        assert answer["error"]["details"][0]["code"] == "Url validation"
        assert "sesame" not in json.dumps(answer)
        assert (await world.call("GET", path))[0] == 404

    told(story)


def test_an_event_subscription_shows_its_endpoint_without_the_key() -> None:
    """GET shows endpointBaseUrl alone; getFullUrl gives the rest to callers with the permission."""

    async def story(world: World) -> None:
        await world.topic("power", SUBSCRIPTIONS)
        await world.subscribe("power")
        path = f"{SYSTEM_TOPICS}/power/eventSubscriptions/looks"
        _, shown = await world.call("GET", path)
        assert "sesame" not in json.dumps(shown)
        _, full = await world.call("POST", f"{path}/getFullUrl")
        assert full["endpointUrl"].endswith("?code=sesame")
        assert shown["properties"]["filter"]["includedEventTypes"]

    told(story)


def test_paths_match_in_any_case() -> None:
    """ARM's fixed segments and names match without case."""

    async def story(world: World) -> None:
        await world.topic("power", SUBSCRIPTIONS)
        status, topic = await world.call("GET", f"{SYSTEM_TOPICS}/POWER".lower())
        assert (status, topic["name"]) == (200, "power")
        _, found = await world.call("GET", SYSTEM_TOPICS.upper())
        assert [one["name"] for one in found["value"]] == ["power"]

    told(story)


def test_a_source_has_one_system_topic_of_each_type() -> None:
    """A second topic of the same type is refused with the first topic's id; another type is not."""

    async def story(world: World) -> None:
        await world.topic("power", SUBSCRIPTIONS)
        await world.topic("health", HEALTH)
        body = {
            "location": "global",
            "properties": {"source": SOURCE, "topicType": SUBSCRIPTIONS.lower()},
        }
        status, answer = await world.call("PUT", f"{SYSTEM_TOPICS}/second", body)
        assert status == 400
        assert answer["error"]["message"].endswith(f"{SYSTEM_TOPICS}/power")

    told(story)


def test_topics_and_subscriptions_are_deleted() -> None:
    """DELETE answers 200, then 204; a GET afterwards is 404."""

    async def story(world: World) -> None:
        await world.topic("power", SUBSCRIPTIONS)
        await world.subscribe("power")
        one = f"{SYSTEM_TOPICS}/power/eventSubscriptions/looks"
        assert [(await world.call("DELETE", one))[0] for _ in range(2)] == [200, 204]
        path = f"{SYSTEM_TOPICS}/power"
        assert [(await world.call("DELETE", path))[0] for _ in range(2)] == [200, 204]
        status, answer = await world.call("GET", path)
        assert (status, answer["error"]["code"]) == (404, "ResourceNotFound")

    told(story)


@pytest.mark.parametrize(
    "properties",
    [
        {"destination": {"endpointType": "EventHub", "properties": {}}},
        {"destination": {"endpointType": "AzureFunction", "properties": {"resourceId": "/x"}}},
        {"eventDeliverySchema": "CustomInputSchema"},
        {"expirationTimeUtc": "2027-01-01T00:00:00Z"},
        {"deliveryWithResourceIdentity": {"identity": {}}},
    ],
)
def test_what_is_not_simulated_says_so(properties: dict[str, object]) -> None:
    """A property that would change delivery is refused with 501, never ignored."""

    async def story(world: World) -> None:
        await world.topic("power", SUBSCRIPTIONS)
        path = f"{SYSTEM_TOPICS}/power/eventSubscriptions/looks"
        body = _subscription_body(world.webhook.url, **properties)
        status, answer = await world.call("PUT", path, body)
        assert (status, answer["error"]["code"]) == (501, "NotSimulated")

    told(story)


@pytest.mark.parametrize(
    ("url", "properties"),
    [
        ("http://example.org/hook", {}),
        ("https://localhost/hook", {"retryPolicy": {"maxDeliveryAttempts": 31}}),
        ("https://localhost/hook", {"retryPolicy": {"eventTimeToLiveInMinutes": 1441}}),
        ("https://localhost/hook", {"filter": {"includedEventTypes": ["Microsoft.Other"]}}),
        ("https://localhost/hook", {"deadLetterDestination": {"endpointType": "Queue"}}),
    ],
)
def test_what_azure_refuses(url: str, properties: dict[str, object]) -> None:
    """Plain http, attempts over 30, a life over a day and unknown types are 400."""

    async def story(world: World) -> None:
        await world.topic("power", SUBSCRIPTIONS)
        path = f"{SYSTEM_TOPICS}/power/eventSubscriptions/looks"
        status, answer = await world.call("PUT", path, _subscription_body(url, **properties))
        assert (status, answer["error"]["code"]) == (400, "InvalidRequest")

    told(story)


def test_a_function_is_a_destination_once_its_local_host_is_named() -> None:
    """AzureFunction destinations go to the webhook of the host that the steering API names."""

    async def story(world: World) -> None:
        await world.topic("power", SUBSCRIPTIONS)
        host = world.webhook.url.removesuffix("/hook")
        await world.call("PUT", "/_sim/eventgrid/functions", {"App": host})
        function = f"{GROUP}/providers/Microsoft.Web/sites/app/functions/on_event"
        path = f"{SYSTEM_TOPICS}/power/eventSubscriptions/looks"
        body = {
            "properties": {
                "destination": {
                    "endpointType": "AzureFunction",
                    "properties": {"resourceId": function},
                }
            }
        }
        assert (await world.call("PUT", path, body))[0] == 201
        _, full = await world.call("POST", f"{path}/getFullUrl")
        expected = f"{host}/runtime/webhooks/EventGrid?functionName=on_event"
        assert full["endpointUrl"] == expected

    told(story)


def _keys(value: object, path: str = "") -> set[str]:
    """List the paths of all members, without claims, which depend on the caller."""
    if not isinstance(value, dict) or path.endswith("claims"):
        return {path}
    return {path}.union(*(_keys(inner, f"{path}/{name}") for name, inner in value.items()))


@pytest.mark.skipif(not EXAMPLES.exists(), reason="Microsoft's example events are not at hand")
def test_events_have_the_shape_of_microsofts_examples() -> None:
    """Every member of the documented examples is there, and no other except later additions."""
    example = json.loads(
        (EXAMPLES / "docs_egs_subscription_resource_delete_success.json").read_text()
    )
    made = written(operation_event(finished(), TENANT, START), "EventGridSchema")
    principal = "/data/authorization/evidence/principalId"
    assert _keys(made) - {principal} == _keys(example[0])
    said = {"name": "n", "context": "c", "reason": "r", "summary": "s"}
    event = annotation_event(VM, START, said)
    gained = "/data/resourceInfo/properties/impactType"
    for name, schema in (("egs", "EventGridSchema"), ("ce", "CloudEventSchemaV1_0")):
        file = EXAMPLES / f"docs_{name}_health_resource_annotated.json"
        shape = _keys(
            written(event, "EventGridSchema" if name == "egs" else "CloudEventSchemaV1_0")
        )
        assert shape - {gained} == _keys(json.loads(file.read_text())), schema
