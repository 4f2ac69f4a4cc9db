"""Steering of Event Grid: `/_sim/eventgrid/..`.

Takes faults and events to deliver unchanged, and lists what was delivered to which subscription.
Times are simulated seconds; every answer is JSON.
"""

import json

from aiohttp import web

from simulator.eventgrid.errors import refuse_invalid
from simulator.eventgrid.events import Json
from simulator.eventgrid.grid import EventGrid

PATH = "/_sim/eventgrid"


class EventSteering:
    """The routes; the grid does the work."""

    def __init__(self, grid: EventGrid) -> None:
        self._grid = grid

    def routes(self) -> list[web.AbstractRouteDef]:
        """Return the routes under /_sim/eventgrid/."""
        routes = {
            ("GET", "faults"): self._faults,
            ("POST", "faults"): self._add_fault,
            ("DELETE", "faults"): self._clear_faults,
            ("GET", "latency"): self._latency,
            ("PUT", "latency"): self._set_latency,
            ("GET", "deliveries"): self._deliveries,
            ("GET", "deadletters"): self._dead_letters,
            ("GET", "counts"): self._counts,
            ("POST", "publish"): self._publish,
            ("GET", "functions"): self._function_hosts,
            ("PUT", "functions"): self._set_function_hosts,
        }
        return [
            web.route(method, f"{PATH}/{what}", does) for (method, what), does in routes.items()
        ]

    async def _faults(self, _request: web.Request) -> web.Response:
        return web.json_response(self._grid.faults.rows())

    async def _add_fault(self, request: web.Request) -> web.Response:
        rule = self._grid.faults.add(await _object(request))
        return web.json_response(rule.row(), status=201)

    async def _clear_faults(self, _request: web.Request) -> web.Response:
        self._grid.clear_faults()
        return web.Response(status=204)

    async def _latency(self, _request: web.Request) -> web.Response:
        return web.json_response(self._grid.latency)

    async def _set_latency(self, request: web.Request) -> web.Response:
        wanted = await _object(request)
        unknown = set(wanted) - set(self._grid.latency)
        if unknown or not all(isinstance(s, int | float) and s >= 0 for s in wanted.values()):
            refuse_invalid(f"Send seconds for {', '.join(self._grid.latency)}.")
        self._grid.latency.update(wanted)
        return web.json_response(self._grid.latency)

    async def _deliveries(self, request: web.Request) -> web.Response:
        query = request.query
        rows = self._grid.deliveries.rows(query.get("eventSubscription"), query.get("state"))
        return web.json_response(rows)

    async def _dead_letters(self, _request: web.Request) -> web.Response:
        return web.json_response(self._grid.deliveries.dead_letters)

    async def _counts(self, _request: web.Request) -> web.Response:
        return web.json_response(self._grid.counts())

    async def _publish(self, request: web.Request) -> web.Response:
        """Deliver a body unchanged, without filters: `text` literally, else `event` as JSON."""
        content = await _object(request)
        if "text" not in content and "event" not in content:
            refuse_invalid("Send eventSubscription and either event (any JSON) or text.")
        name, text = str(content.get("eventSubscription", "")), content.get("text")
        sent = self._grid.publish_raw(name, content.get("event"), text)
        if not sent:
            refuse_invalid(f"No event subscription is called '{name}'.")
        return web.json_response({"deliveries": sent}, status=202)

    async def _function_hosts(self, _request: web.Request) -> web.Response:
        return web.json_response(self._grid.topics.function_hosts)

    async def _set_function_hosts(self, request: web.Request) -> web.Response:
        hosts = {app.lower(): str(url) for app, url in (await _object(request)).items()}
        self._grid.topics.function_hosts.update(hosts)
        return web.json_response(self._grid.topics.function_hosts)


async def _object(request: web.Request) -> Json:
    try:
        content = json.loads(await request.text())
    except ValueError:
        content = None
    if not isinstance(content, dict):
        refuse_invalid("Send a JSON object.")
    return content
