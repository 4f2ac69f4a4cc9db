"""Custom topics, used by Microsoft's own publisher client over https."""

import asyncio
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest
import trustme
from aiohttp import web
from azure.core.credentials import AccessToken
from azure.core.exceptions import HttpResponseError
from azure.core.messaging import CloudEvent
from azure.eventgrid import EventGridEvent, EventGridPublisherClient

from tests.simulator.eventgrid_fixtures import GROUP, World, told

TOPICS = f"{GROUP}/providers/Microsoft.EventGrid/topics"

type Events = CloudEvent[object] | EventGridEvent | list[CloudEvent[object]]


class Bearer:
    """A credential whose token is not checked."""

    def get_token(self, *_scopes: str, **_options: object) -> AccessToken:
        """Give the token."""
        return AccessToken("token", int(time.time()) + 3600)


@pytest.fixture
def authority(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> trustme.CA:
    """Make an authority that `requests`, and so the SDK, trusts."""
    made = trustme.CA()
    made.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "ca.pem"))
    return made


async def _send(world: World, topic: str, events: Events) -> int:
    """Publish with the SDK; gives the status."""
    return await asyncio.to_thread(_sent, f"{world.base}/topics/{topic}/api/events", events)


def _sent(endpoint: str, events: Events) -> int:
    # The client keeps the connection of a refusal open even after it is closed itself.
    headers = {"Connection": "close"}
    with EventGridPublisherClient(endpoint, Bearer()) as client:
        try:
            client.send(events, headers=headers)
        except HttpResponseError as error:
            return error.status_code or 0
    return 200


def _cloud_event(name: str, data: object = None) -> CloudEvent[object]:
    return CloudEvent(source="/stories", type="Story.Told", subject=name, data=data or {}, id=name)


def _grid_event(name: str) -> EventGridEvent:
    return EventGridEvent(
        id=name,
        subject=name,
        event_type="Story.Told",
        data={"a": 1},
        data_version="1",
        event_time=datetime(2026, 3, 1, tzinfo=UTC),
    )


def test_cloud_events_are_kept_as_they_came(authority: trustme.CA) -> None:
    """One event or a list of events arrives with all attributes, in order."""

    async def story(world: World) -> None:
        await _send(world, "outcomes", _cloud_event("one", {"vm": "build-01"}))
        await _send(world, "outcomes", [_cloud_event("two"), _cloud_event("three")])
        _, kept = await world.call("GET", "/_sim/topics/outcomes/events")
        assert [event["id"] for event in kept] == ["one", "two", "three"]
        assert kept[0]["specversion"] == "1.0"
        assert kept[0]["data"] == {"vm": "build-01"}

    told(story, authority)


def test_a_topic_takes_its_own_schema_alone(authority: trustme.CA) -> None:
    """Event Grid events are refused with 400 if CloudEvents are expected, and vice versa."""

    async def story(world: World) -> None:
        body = {"location": "westeurope", "properties": {"inputSchema": "EventGridSchema"}}
        _, topic = await world.call("PUT", f"{TOPICS}/classic", body)
        assert topic["properties"]["endpoint"] == f"{world.base}/topics/classic/api/events"
        await _send(world, "classic", _grid_event("good"))
        for name, event in (("classic", _cloud_event("x")), ("outcomes", _grid_event("y"))):
            assert await _send(world, name, event) == 400
        _, kept = await world.call("GET", "/_sim/topics/classic/events")
        assert [event["eventType"] for event in kept] == ["Story.Told"]

    told(story, authority)


def test_what_is_published_is_delivered(authority: trustme.CA) -> None:
    """An event subscription of a custom topic gets its events, including extension attributes."""

    async def story(world: World) -> None:
        path = "/subscriptions/{}/resourceGroups/simulator/providers/Microsoft.EventGrid"
        topic = f"{path.format(GROUP.split('/')[2])}/topics/outcomes"
        destination = {
            "endpointType": "WebHook",
            "properties": {"endpointUrl": world.webhook.url},
        }
        body = {"properties": {"destination": destination}}
        extension = f"{topic}/providers/Microsoft.EventGrid/eventSubscriptions/mail"
        status, _ = await world.call("PUT", extension, body)
        assert status == 201
        event = _cloud_event("one")
        event.extensions = {"traceparent": "00-1"}
        await _send(world, "outcomes", event)
        await world.clock.advance(10)
        [sent] = world.webhook.notifications
        assert sent.events["id"] == "one"
        assert sent.events["traceparent"] == "00-1"

    told(story, authority)


def test_who_may_publish_is_the_arm_sides_to_say(authority: trustme.CA) -> None:
    """`authorize` gets the data action and the topic's id, and its refusal is the answer."""
    asked: list[tuple[str, str]] = []

    def refuse(_request: web.Request, action: str, scope: str) -> web.Response:
        asked.append((action, scope))
        return web.json_response({"error": {"code": "Forbidden"}}, status=403)

    async def story(world: World) -> None:
        world.grid.authorize = refuse
        assert await _send(world, "outcomes", _cloud_event("one")) == 403
        assert asked[0][0] == "Microsoft.EventGrid/events/send/action"
        assert asked[0][1].endswith("/topics/outcomes")

    told(story, authority)


def test_a_bearer_token_is_needed() -> None:
    """Without a token the answer is 401; an unknown topic is 404."""

    async def story(world: World) -> None:
        status, answer = await world.call("POST", "/topics/outcomes/api/events", [])
        assert (status, answer["error"]["code"]) == (401, "Unauthorized")
        assert (await world.call("POST", "/topics/none/api/events", []))[0] == 404

    told(story)


def test_an_event_is_at_most_a_megabyte(authority: trustme.CA) -> None:
    """A larger event is refused with 413, and no event of its batch is kept."""

    async def story(world: World) -> None:
        large = _cloud_event("large", {"text": "x" * 1024 * 1024})
        assert await _send(world, "outcomes", [_cloud_event("small"), large]) == 413
        assert (await world.call("GET", "/_sim/topics/outcomes/events"))[1] == []

    told(story, authority)
