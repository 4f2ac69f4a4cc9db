"""The host's admin API, and a few routes for tests.

`POST /admin/functions/{name}` starts a function and answers 202 before it ends, as the real host
does; `POST /_host/functions/{name}/run` waits and returns the result, with `?last=` (an instant) as
if a timer had run last then. `/_host/invocations` and `/_host/counts` show what ran. The admin API
requires the master key; the simulator's own routes (`/_host`) do not.
"""

import asyncio
import json
import time
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from aiohttp import web

from simulator.host import timers
from simulator.host.bundles import Bundle
from simulator.host.invocations import Invocation, Invocations
from simulator.host.keys import Keys
from simulator.host.loading import Loaded
from simulator.host.time_source import TimeSource
from simulator.host.worker import Function

REASON = "This function was programmatically called via the host APIs."
VERSION = "4.0.0.0"


@dataclass(frozen=True)
class Condition:
    """How the host is: `error` is why it does not run, None when it does."""

    loaded: Loaded
    bundle: Bundle | None = None
    error: str | None = None

    @property
    def running(self) -> bool:
        """Whether functions can run at all."""
        return self.error is None

    def status(self, uptime: int) -> dict[str, Any]:
        """Write what `/admin/host/status` answers."""
        bundle = self.bundle
        return {
            "id": "local",
            "state": "Running" if self.running else "Error",
            "version": VERSION,
            "processUptime": uptime,
            "functionAppContentEditingState": "NotAllowed",
            **({"errors": [self.error]} if self.error else {}),
            **({"extensionBundle": {"id": bundle.id, "version": bundle.text}} if bundle else {}),
        }


class Admin:
    """Answers for all functions."""

    def __init__(
        self, condition: Condition, invocations: Invocations, time_source: TimeSource, keys: Keys
    ) -> None:
        self._condition = condition
        self._loaded = condition.loaded
        self._invocations = invocations
        self._time = time_source
        self._keys = keys
        self._began = time.monotonic()
        self._started: set[asyncio.Task[Invocation]] = set()

    def routes(self) -> list[web.AbstractRouteDef]:
        """Give /admin/.. and /_host/.."""
        return [
            web.get("/admin/host/status", self._status),
            web.get("/admin/host/ping", self._ping),
            web.post("/admin/host/ping", self._ping),
            web.get("/admin/functions", self._list),
            web.get("/admin/functions/{name}", self._get),
            web.get("/admin/functions/{name}/status", self._errors),
            web.post("/admin/functions/{name}", self._start),
            web.post("/_host/functions/{name}/run", self._run),
            web.get("/_host/invocations", self._log),
            web.get("/_host/counts", self._count),
        ]

    async def _status(self, request: web.Request) -> web.Response:
        self._keys.admit_master(request)
        uptime = round((time.monotonic() - self._began) * 1000)
        return web.json_response(self._condition.status(uptime))

    async def _ping(self, _request: web.Request) -> web.Response:
        return web.Response()

    async def _list(self, request: web.Request) -> web.Response:
        self._keys.admit_master(request)
        return web.json_response([self._described(f, request) for f in self._loaded.listed])

    async def _get(self, request: web.Request) -> web.Response:
        self._keys.admit_master(request)
        listed = {one.name: one for one in self._loaded.listed}
        return web.json_response(self._described(_named(listed, request), request))

    async def _errors(self, request: web.Request) -> web.Response:
        """Return the errors of a function, which may be too broken to be listed."""
        self._keys.admit_master(request)
        errors = _named(self._loaded.errors, request, [])
        if errors:
            return web.json_response({"errors": errors})
        _named({one.name: one for one in self._loaded.listed}, request)
        return web.json_response({})

    async def _start(self, request: web.Request) -> web.Response:
        self._keys.admit_master(request)
        self._check_running()
        function = _named(self._loaded.functions, request)
        task = asyncio.create_task(self._invoke(function, await _input(request)))
        self._started.add(task)
        task.add_done_callback(self._started.discard)
        return web.Response(status=202)

    async def _run(self, request: web.Request) -> web.Response:
        self._check_running()
        function = _named(self._loaded.functions, request)
        last = request.query.get("last")
        at = datetime.fromisoformat(last) if last else None
        record = await self._invoke(function, await _input(request), at)
        return web.json_response(asdict(record))

    async def _log(self, request: web.Request) -> web.Response:
        return web.json_response(self._invocations.records(request.query.get("function")))

    async def _count(self, _request: web.Request) -> web.Response:
        return web.json_response(self._invocations.counts())

    async def _invoke(
        self, function: Function, value: str, last: datetime | None = None
    ) -> Invocation:
        timer = self._loaded.timers.get(function.name)
        if timer is None:
            return await self._invocations.run(function, value, REASON)
        now = await self._time.move()
        return await timers.fire(timer, self._invocations, now, reason=REASON, last=last)

    def _check_running(self) -> None:
        if not self._condition.running:
            raise web.HTTPServiceUnavailable(text="Function host is not running.")

    def _described(self, function: Function, request: web.Request) -> dict[str, Any]:
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
            "isDisabled": function.name in self._loaded.disabled,
        }


def _named[T](those: dict[str, T], request: web.Request, default: T | None = None) -> T:
    """Find by the name in the path, without case; 404 when there is none and no default."""
    wanted = request.match_info["name"].lower()
    for name, one in those.items():
        if name.lower() == wanted:
            return one
    if default is None:
        raise web.HTTPNotFound(text="")
    return default


async def _input(request: web.Request) -> str:
    """Read `{"input": text}`, the form that the admin API takes; 400 for anything else."""
    try:
        body = json.loads(await request.text() or "{}")
        return str(body.get("input") or "")
    except (ValueError, AttributeError) as error:
        raise web.HTTPBadRequest(text='send {"input": "<the trigger\'s value>"}') from error
