"""The endpoint of custom topics, `POST /topics/{name}/api/events`.

Takes what publishers send (Event Grid events or CloudEvents, single or in a batch), keeps it for
`GET /_sim/topics/{name}/events`, and gives the events on to the topic's event subscriptions.
"""

import json
from collections.abc import Callable
from typing import Any, NoReturn

from aiohttp import web

from simulator.eventgrid.arm import Topics
from simulator.eventgrid.errors import Refused, refuse_not_found
from simulator.eventgrid.events import Event, Json
from simulator.eventgrid.topics import Topic

SEND = "Microsoft.EventGrid/events/send/action"
EVENT_BYTES = 1024 * 1024
CLOUD_ATTRIBUTES = {"id", "source", "subject", "type", "time", "specversion", "data"}
REQUIRED = {
    "EventGridSchema": ("id", "subject", "eventType", "eventTime", "data", "dataVersion"),
    "CloudEventSchemaV1_0": ("id", "source", "type", "specversion"),
}

# Tells whether the bearer of a request may do a data action at a scope: None = yes, else the
# refusal to answer.
type Authorize = Callable[[web.Request, str, str], web.Response | None]


class Publishing:
    """The custom topics' endpoints; `publish` gets each accepted event with its topic."""

    def __init__(self, topics: Topics, publish: Callable[[Topic, Event], None]) -> None:
        self._topics = topics
        self._publish = publish
        self.authorize: Authorize | None = None

    def routes(self) -> list[web.AbstractRouteDef]:
        """Return the endpoint's route, and the one that lists what was published."""
        return [
            web.post("/topics/{topic}/api/events", self._receive),
            web.get("/_sim/topics/{topic}/events", self._list),
            web.delete("/_sim/topics/{topic}/events", self._forget),
        ]

    async def _receive(self, request: web.Request) -> web.Response:
        topic = self._topic(request)
        refusal = self._refusal(request, topic)
        if refusal is not None:
            return refusal
        for content in _events(await request.read(), topic):
            topic.received.append(content)
            self._publish(topic, _event(content, topic))
        return web.Response(status=200)

    def _refusal(self, request: web.Request, topic: Topic) -> web.Response | None:
        if not request.headers.get("Authorization", "").startswith("Bearer "):
            message = "Request must contain an Authorization header with a bearer token."
            raise Refused(401, "Unauthorized", message)
        return self.authorize(request, SEND, topic.id) if self.authorize else None

    async def _list(self, request: web.Request) -> web.Response:
        return web.json_response(self._topic(request).received)

    async def _forget(self, request: web.Request) -> web.Response:
        self._topic(request).received.clear()
        return web.Response(status=204)

    def _topic(self, request: web.Request) -> Topic:
        name = request.match_info["topic"]
        return self._topics.custom(name) or refuse_not_found(name)


def _events(body: bytes, topic: Topic) -> list[Json]:
    try:
        content = json.loads(body)
    except (ValueError, RecursionError):
        _refuse_schema(topic, "it is not JSON")
    events = content if isinstance(content, list) else [content]
    for event in events:
        _check(event, topic)
    return events


def _check(event: Any, topic: Topic) -> None:  # noqa: ANN401 - any JSON
    if not isinstance(event, dict):
        _refuse_schema(topic, "an event is a JSON object")
    missing = [name for name in REQUIRED[topic.schema] if not event.get(name)]
    if missing:
        _refuse_schema(topic, f"{', '.join(missing)} missing")
    if len(json.dumps(event, ensure_ascii=False).encode()) > EVENT_BYTES:
        message = f"The maximum size ({EVENT_BYTES}) of an event has been exceeded."
        raise Refused(413, "PayloadTooLarge", message)


def _refuse_schema(topic: Topic, why: str) -> NoReturn:
    message = (
        f"This resource is configured to receive event in '{topic.schema}' schema. "
        f"The JSON received does not conform to the expected schema: {why}."
    )
    raise Refused(400, "BadRequest", message)


def _event(content: Json, topic: Topic) -> Event:
    """Read an event in its topic's schema; data_base64 stays among a CloudEvent's extensions."""
    if topic.schema == "EventGridSchema":
        return Event(
            id=content["id"],
            topic=topic.id,
            subject=content["subject"],
            type=content["eventType"],
            time=content["eventTime"],
            data=content["data"],
            data_version=content["dataVersion"],
        )
    return Event(
        id=content["id"],
        topic=content["source"],
        subject=content.get("subject") or "",
        type=content["type"],
        time=content.get("time") or "",
        data=content.get("data"),
        data_version="",
        extensions={k: v for k, v in content.items() if k not in CLOUD_ATTRIBUTES},
    )
