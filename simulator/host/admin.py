"""The host's admin API, as `func start` has it, and a few questions for stories.

`POST /admin/functions/{name}` starts a function and answers 202 before it ends, as the real one
does; `POST /_host/functions/{name}/run` waits and tells how it went. `/_host/invocations` and
`/_host/counts` tell what ran.
"""

import asyncio
import json
import time
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from aiohttp import web

from simulator.host import timers
from simulator.host.invocations import Invocation, Invocations
from simulator.host.time_source import TimeSource
from simulator.host.timers import Timer
from simulator.host.webhook import allowed
from simulator.host.worker import Function

REASON = "This function was programmatically called via the host APIs."


class Admin:
    """Answers for all functions; `code` None lets everybody in."""

    def __init__(
        self,
        functions: Mapping[str, Function],
        schedule: Mapping[str, Timer],
        invocations: Invocations,
        time_source: TimeSource,
        code: str | None,
    ) -> None:
        self._functions = functions
        self._timers = schedule
        self._invocations = invocations
        self._time = time_source
        self._code = code
        self._began = time.monotonic()
        self._started: set[asyncio.Task[Invocation]] = set()

    def routes(self) -> list[web.AbstractRouteDef]:
        """Give /admin/.. and /_host/.."""
        return [
            web.get("/admin/host/status", self._status),
            web.get("/admin/host/ping", self._ping),
            web.get("/admin/functions", self._list),
            web.get("/admin/functions/{name}", self._get),
            web.post("/admin/functions/{name}", self._start),
            web.post("/_host/functions/{name}/run", self._run),
            web.get("/_host/invocations", self._log),
            web.get("/_host/counts", self._count),
        ]

    async def _status(self, request: web.Request) -> web.Response:
        self._admit(request)
        uptime = round((time.monotonic() - self._began) * 1000)
        return web.json_response(
            {"id": "local", "state": "Running", "version": "4.0.0.0", "processUptime": uptime}
        )

    async def _ping(self, _request: web.Request) -> web.Response:
        return web.Response()

    async def _list(self, request: web.Request) -> web.Response:
        self._admit(request)
        return web.json_response([_described(f, request) for f in self._functions.values()])

    async def _get(self, request: web.Request) -> web.Response:
        return web.json_response(_described(self._function(request), request))

    async def _start(self, request: web.Request) -> web.Response:
        function = self._function(request)
        task = asyncio.create_task(self._invoke(function, await _input(request)))
        self._started.add(task)
        task.add_done_callback(self._started.discard)
        return web.Response(status=202)

    async def _run(self, request: web.Request) -> web.Response:
        record = await self._invoke(self._function(request), await _input(request))
        return web.json_response(asdict(record))

    async def _log(self, request: web.Request) -> web.Response:
        return web.json_response(self._invocations.records(request.query.get("function")))

    async def _count(self, _request: web.Request) -> web.Response:
        return web.json_response(self._invocations.counts())

    async def _invoke(self, function: Function, value: str) -> Invocation:
        timer = self._timers.get(function.name)
        if timer is None:
            return await self._invocations.run(function, value, REASON)
        return await timers.fire(timer, self._invocations, await self._time.move(), reason=REASON)

    def _function(self, request: web.Request) -> Function:
        """Find the function by name, without case; 404 when there is none."""
        self._admit(request)
        wanted = request.match_info["name"].lower()
        for name, function in self._functions.items():
            if name.lower() == wanted:
                return function
        raise web.HTTPNotFound

    def _admit(self, request: web.Request) -> None:
        if not allowed(request, self._code):
            raise web.HTTPUnauthorized


async def _input(request: web.Request) -> str:
    """Read `{"input": text}`, the form that the admin API takes; 400 for anything else."""
    try:
        body = json.loads(await request.text() or "{}")
        return str(body.get("input") or "")
    except (ValueError, AttributeError) as error:
        raise web.HTTPBadRequest(text='send {"input": "<the trigger\'s value>"}') from error


def _described(function: Function, request: web.Request) -> dict[str, Any]:
    return {
        "name": function.name,
        "href": f"{request.scheme}://{request.host}/admin/functions/{function.name}",
        "config": {
            "name": function.name,
            "scriptFile": function.script_file,
            "language": "python",
            "functionDirectory": "",
            "bindings": list(function.bindings),
        },
        "language": "python",
        "isDisabled": False,
    }
