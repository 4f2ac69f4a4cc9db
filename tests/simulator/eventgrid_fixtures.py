"""An Event Grid with a clock that the test controls, and a webhook with scripted answers.

`told()` runs a story, a coroutine function that takes a `World`, on its own event loop.
"""

import asyncio
import json
import ssl
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import aiohttp
import trustme
from aiohttp import web

from simulator.clock import Clock
from simulator.eventgrid.events import ArmEvent
from simulator.eventgrid.grid import EventGrid
from simulator.steering.events import EventSteering

SUBSCRIPTION = "6a1e4b0c-0f4d-4e3a-9f55-3f4d6a0f7c11"
TENANT = "0d4b7d0e-6a55-4d07-8c88-2a6a4a2f9f10"
GROUP = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/golden"
VM = f"{GROUP}/providers/Microsoft.Compute/virtualMachines/build-01"
SYSTEM_TOPICS = f"{GROUP}/providers/Microsoft.EventGrid/systemTopics"
START = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)

# Not HTTP statuses: what a webhook does instead of answering.
HANGS_UP = -1
NEVER_ANSWERS = 0

type Json = dict[str, Any]


@dataclass
class Received:
    """A request that the webhook received."""

    method: str
    headers: dict[str, str]
    body: bytes
    at: datetime

    @property
    def events(self) -> Any:  # noqa: ANN401 - JSON
        """The body, parsed."""
        return json.loads(self.body)


@dataclass
class Webhook:
    """Completes the handshake, then answers notifications with `statuses` in turn, then 200."""

    clock: Clock
    url: str = ""
    statuses: list[int] = field(default_factory=list)
    notifications: list[Received] = field(default_factory=list)
    handshakes: list[Received] = field(default_factory=list)
    willing: bool = True

    async def answer(self, request: web.Request) -> web.Response:
        """Answer as configured, and record the request."""
        headers = {name.lower(): value for name, value in request.headers.items()}
        received = Received(request.method, headers, await request.read(), self.clock.now())
        if headers.get("aeg-event-type") == "Notification":
            self.notifications.append(received)
            return await _answered(request, self.statuses.pop(0) if self.statuses else 200)
        self.handshakes.append(received)
        return self._handshake(received)

    def _handshake(self, received: Received) -> web.Response:
        if not self.willing:
            return web.Response(status=200)
        if received.method == "OPTIONS":
            origin = received.headers["webhook-request-origin"]
            return web.Response(headers={"WebHook-Allowed-Origin": origin})
        code = received.events[0]["data"]["validationCode"]
        return web.json_response({"validationResponse": code})

    def ids(self) -> list[str]:
        """Give the ids of the notified events, in order of arrival."""
        found = [received.events for received in self.notifications]
        return [(e[0] if isinstance(e, list) else e)["id"] for e in found]


async def _answered(request: web.Request, status: int) -> web.Response:
    if status == NEVER_ANSWERS:
        await asyncio.Event().wait()
    if status == HANGS_UP and request.transport is not None:
        request.transport.close()
    return web.Response(status=max(status, 200))


@dataclass
class World:
    """What a story can use."""

    clock: Clock
    grid: EventGrid
    webhook: Webhook
    base: str
    session: aiohttp.ClientSession

    async def call(self, method: str, path: str, body: object = None) -> tuple[int, Any]:
        """Send a request to the grid; gives the status and the JSON, if any."""
        url = self.base + path
        async with self.session.request(method, url, json=body) as answer:
            text = await answer.text()
            return answer.status, json.loads(text) if text else None

    async def topic(self, name: str, kind: str) -> None:
        """Make a system topic of the subscription."""
        source = f"/subscriptions/{SUBSCRIPTION}"
        body = {"location": "global", "properties": {"source": source, "topicType": kind}}
        status, _ = await self.call("PUT", f"{SYSTEM_TOPICS}/{name}", body)
        assert status == 201

    async def subscribe(self, topic: str, name: str = "looks", **properties: object) -> Json:
        """Make an event subscription to the webhook; gives ARM's body."""
        destination = {
            "endpointType": "WebHook",
            "properties": {"endpointUrl": self.webhook.url + "?code=sesame"},
        }
        body = {"properties": {"destination": destination, **properties}}
        path = f"{SYSTEM_TOPICS}/{topic}/eventSubscriptions/{name}"
        status, answer = await self.call("PUT", path, body)
        assert status == 201, answer
        return dict(answer)

    async def fault(self, **rule: object) -> None:
        """Add a fault rule."""
        status, answer = await self.call("POST", "/_sim/eventgrid/faults", rule)
        assert status == 201, answer

    async def deliveries(self) -> list[Json]:
        """List the delivery log."""
        _, rows = await self.call("GET", "/_sim/eventgrid/deliveries")
        return list(rows)


def finished(
    operation: str = "Microsoft.Compute/virtualMachines/deallocate/action",
    *,
    succeeded: bool = True,
    resource: str = VM,
    app: str = "11111111-1111-1111-1111-111111111111",
) -> ArmEvent:
    """Give the ARM side's record of a finished operation."""
    verb = operation.rpartition("/")[2]
    return ArmEvent(
        verb="Write" if verb == "write" else "Delete" if verb == "delete" else "Action",
        succeeded=succeeded,
        operation_name=operation,
        resource_uri=resource,
        caller_app_id=app,
        caller_object_id="22222222-2222-2222-2222-222222222222",
        method="POST",
        url=f"https://localhost:10443{resource}/deallocate?api-version=2026-04-01",
        correlation_id="33333333-3333-3333-3333-333333333333",
    )


def told(story: Callable[[World], Awaitable[None]], authority: trustme.CA | None = None) -> None:
    """Run a story in a fresh world, its clock stopped at START; over https with an authority."""
    asyncio.run(_told(story, authority))


async def _told(story: Callable[[World], Awaitable[None]], authority: trustme.CA | None) -> None:
    async with AsyncExitStack() as stack:
        clock = Clock(speed=0, start=START)
        webhook = Webhook(clock)
        webhook.url = await served([web.route("*", "/{path:.*}", webhook.answer)], stack) + "/hook"
        grid = EventGrid(clock, subscription_id=SUBSCRIPTION, tenant_id=TENANT)
        stack.push_async_callback(grid.close)
        base = await served([*grid.routes(), *EventSteering(grid).routes()], stack, authority)
        connector = aiohttp.TCPConnector(ssl=_trusting(authority))
        session = await stack.enter_async_context(aiohttp.ClientSession(connector=connector))
        await story(World(clock, grid, webhook, base, session))


async def served(
    routes: Sequence[web.AbstractRouteDef],
    stack: AsyncExitStack,
    authority: trustme.CA | None = None,
) -> str:
    """Serve routes on a free port until the stack closes; gives the URL."""
    application = web.Application(client_max_size=8 * 1024 * 1024)
    application.add_routes(routes)
    runner = web.AppRunner(application, access_log=None, handler_cancellation=True)
    await runner.setup()
    stack.push_async_callback(runner.cleanup)
    stack.push_async_callback(_left, runner)
    context = None
    if authority is not None:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        authority.issue_cert("localhost").configure_cert(context)
    await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context).start()
    port = runner.addresses[0][1]
    return f"https://localhost:{port}" if authority else f"http://127.0.0.1:{port}"


async def _left(runner: web.AppRunner) -> None:
    """Wait until the closed clients have disconnected: TLS ends its connections with a delay."""
    async with asyncio.timeout(10):
        while runner.server and runner.server.connections:  # noqa: ASYNC110 - aiohttp has no event
            await asyncio.sleep(0.01)


def _trusting(authority: trustme.CA | None) -> ssl.SSLContext:
    context = ssl.create_default_context()
    if authority is not None:
        authority.configure_trust(context)
    return context
