"""ARM's own routes of Microsoft.EventGrid: topics and event subscriptions, made, read, deleted.

Takes ARM requests (who may send them is for the ARM side to say) and keeps the topics. Real Azure
answers PUT and DELETE with an operation that ends a little later; here they end at once, the
webhook's handshake included.
"""

import json
import re
from collections.abc import Awaitable, Callable, Iterable

from aiohttp import web

from simulator.clock import Clock
from simulator.eventgrid.errors import refuse_invalid, refuse_not_found
from simulator.eventgrid.events import Json
from simulator.eventgrid.subscriptions import EventSubscription, read_event_subscription
from simulator.eventgrid.topics import Topic, read_custom_topic, read_system_topic
from simulator.eventgrid.webhooks import Webhooks

GROUP = "/subscriptions/{subscription}/resourceGroups/{group}"
PROVIDER = "/providers/Microsoft.EventGrid"
KINDS = {"systemTopics", "topics"}

type Route = Callable[[web.Request], Awaitable[web.Response]]


class Topics:
    """The topics of the subscription, by their lowered ids, and their routes."""

    def __init__(self, clock: Clock, webhooks: Webhooks, subscription_id: str) -> None:
        self._clock = clock
        self._webhooks = webhooks
        self._subscription_id = subscription_id
        self._by_id: dict[str, Topic] = {}
        # By the topic's lowered id, then the event subscription's lowered name.
        self._subscriptions: dict[str, dict[str, EventSubscription]] = {}
        # The URL of each function app's local host, by the app's lowered name.
        self.function_hosts: dict[str, str] = {}

    def all(self) -> Iterable[Topic]:
        """Give every topic, in the order they were made."""
        return self._by_id.values()

    def add(self, topic: Topic) -> None:
        """Keep a topic, in the place of one with the same id."""
        self._by_id[topic.id.lower()] = topic

    def custom(self, name: str) -> Topic | None:
        """Find a custom topic by its name, which is unique in a region as its host name is."""
        topics = (topic for topic in self.all() if topic.kind == "Custom")
        return next((topic for topic in topics if topic.name.lower() == name.lower()), None)

    def subscription(self, subscription_id: str) -> EventSubscription | None:
        """Return the current state of an event subscription."""
        topic_id, _, name = subscription_id.lower().partition("/eventsubscriptions/")
        return self._subscriptions.get(topic_id, {}).get(name)

    def subscriptions(self, topic: Topic) -> Iterable[EventSubscription]:
        """Give a topic's event subscriptions, in the order they were made."""
        return self._named(topic).values()

    def clear(self) -> None:
        """Forget every topic."""
        self._by_id.clear()
        self._subscriptions.clear()
        self.function_hosts.clear()

    def routes(self) -> list[web.AbstractRouteDef]:
        """Give the routes; their fixed segments match in any case, as all of ARM's do."""
        return [
            web.route(method, any_case(path), route)
            for kind in sorted(KINDS)
            for path, route_of in self._paths(kind).items()
            for method, route in route_of.items()
        ]

    def _paths(self, kind: str) -> dict[str, dict[str, Route]]:
        topics = f"{PROVIDER}/{kind}"
        topic = f"{GROUP}{topics}/{{topic}}"
        paths: dict[str, dict[str, Route]] = {
            f"/subscriptions/{{subscription}}{topics}": {"GET": self._list},
            f"{GROUP}{topics}": {"GET": self._list},
            topic: {"PUT": self._put, "GET": self._get, "DELETE": self._delete},
        }
        # A custom topic's subscriptions are also reached as an extension of it, as the CLI does.
        parents = [topic] if kind == "systemTopics" else [topic, f"{topic}{PROVIDER}"]
        for parent in parents:
            subscriptions = f"{parent}/eventSubscriptions"
            one = f"{subscriptions}/{{name}}"
            paths[subscriptions] = {"GET": self._list_subscriptions}
            paths[one] = {
                "PUT": self._put_subscription,
                "GET": self._get_subscription,
                "DELETE": self._delete_subscription,
            }
            paths[f"{one}/getFullUrl"] = {"POST": self._full_url}
        return paths

    async def _put(self, request: web.Request) -> web.Response:
        topic_id = _topic_id(request)
        content = await _content(request)
        if _kind(request) == "topics":
            topic = read_custom_topic(topic_id, content)
        else:
            topic = read_system_topic(topic_id, content, self._subscription_id)
            self._refuse_second(topic)
        existing = self._by_id.get(topic_id.lower())
        if existing:
            topic.received = existing.received
        self.add(topic)
        return web.json_response(topic.body(_base(request)), status=200 if existing else 201)

    def _refuse_second(self, topic: Topic) -> None:
        """Hold that a source has one system topic of each type."""
        for other in self.all():
            if other.kind == topic.kind and other.id.lower() != topic.id.lower():
                refuse_invalid(
                    f"A system topic of type {topic.kind} already exists for this source. "
                    f"Existing system topic: {other.id}"
                )

    async def _get(self, request: web.Request) -> web.Response:
        return web.json_response(self._topic(request).body(_base(request)))

    async def _list(self, request: web.Request) -> web.Response:
        prefix = request.path.lower().partition("/providers/")[0] + "/"
        of_kind = f"/{_kind(request)}/".lower()
        found = [t for key, t in self._by_id.items() if key.startswith(prefix) and of_kind in key]
        return web.json_response({"value": [topic.body(_base(request)) for topic in found]})

    async def _delete(self, request: web.Request) -> web.Response:
        found = self._by_id.pop(_topic_id(request).lower(), None)
        self._subscriptions.pop(_topic_id(request).lower(), None)
        return web.Response(status=200 if found else 204)

    async def _put_subscription(self, request: web.Request) -> web.Response:
        topic, name = self._topic(request), request.match_info["name"]
        content = await _content(request)
        made = read_event_subscription(topic, name, content, self.function_hosts)
        await self._webhooks.validate(made, self._clock.now())
        existed = name.lower() in self._named(topic)
        self._named(topic)[name.lower()] = made
        return web.json_response(made.body(), status=200 if existed else 201)

    async def _get_subscription(self, request: web.Request) -> web.Response:
        return web.json_response(self._subscription(request).body())

    async def _list_subscriptions(self, request: web.Request) -> web.Response:
        found = self.subscriptions(self._topic(request))
        return web.json_response({"value": [subscription.body() for subscription in found]})

    async def _delete_subscription(self, request: web.Request) -> web.Response:
        name = request.match_info["name"].lower()
        found = self._named(self._topic(request)).pop(name, None)
        return web.Response(status=200 if found else 204)

    async def _full_url(self, request: web.Request) -> web.Response:
        return web.json_response({"endpointUrl": self._subscription(request).url})

    def _topic(self, request: web.Request) -> Topic:
        topic_id = _topic_id(request)
        return self._by_id.get(topic_id.lower()) or refuse_not_found(topic_id)

    def _named(self, topic: Topic) -> dict[str, EventSubscription]:
        return self._subscriptions.setdefault(topic.id.lower(), {})

    def _subscription(self, request: web.Request) -> EventSubscription:
        found = self._named(self._topic(request)).get(request.match_info["name"].lower())
        return found or refuse_not_found(request.path)


def any_case(template: str) -> str:
    """Turn a template's fixed segments into patterns without case: /a/{b} -> /{_0:(?i:a)}/{b}."""
    segments = template.strip("/").split("/")
    return "".join(
        f"/{segment}" if segment.startswith("{") else f"/{{_{at}:(?i:{re.escape(segment)})}}"
        for at, segment in enumerate(segments)
    )


def _base(request: web.Request) -> str:
    return f"{request.scheme}://{request.host}"


def _kind(request: web.Request) -> str:
    """Tell from the path which kind of topic it is about, spelt as Azure does."""
    wanted = request.path.lower().partition("/providers/")[2].split("/")[1]
    return next(kind for kind in KINDS if kind.lower() == wanted)


def _topic_id(request: web.Request) -> str:
    names = request.match_info
    group = GROUP.format(subscription=names["subscription"], group=names["group"])
    return f"{group}{PROVIDER}/{_kind(request)}/{names['topic']}"


async def _content(request: web.Request) -> Json:
    try:
        content = json.loads(await request.text())
    except ValueError:
        content = None
    if not isinstance(content, dict):
        refuse_invalid("The request content was invalid and could not be deserialized.")
    return content
