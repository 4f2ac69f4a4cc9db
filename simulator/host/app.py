"""A function app, loaded and served: the host put together.

Takes the app's directory and how to serve it, gives a running web server, and ends it again. One
app a process: the worker library, the working directory and the logging are the process's own.
"""

import asyncio
import contextlib
import logging
import os
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from aiohttp import web

from simulator.host import settings, timers, worker
from simulator.host.admin import Admin
from simulator.host.invocations import InvocationLog, Invocations
from simulator.host.time_source import RealTime, SimulatedTime, TimeSource
from simulator.host.timers import Timer
from simulator.host.webhook import EventGridWebhook
from simulator.host.worker import Function

# The real host's limit of a request's body.
BODY_BYTES = 210_000_000

# Real seconds that requests under way have left when the host is told to end.
LAST_SECONDS = 2.0

SERVED = {"eventGridTrigger", "timerTrigger"}


@dataclass(frozen=True)
class Options:
    """How to serve; port 0 takes any, `clock` is the URL of a simulator's clock."""

    app: Path
    port: int
    clock: str | None = None
    timers: bool = True
    code: str | None = None


@asynccontextmanager
async def serving(options: Options) -> AsyncIterator[int]:
    """Serve the app while the context lasts; gives the port. Raises AppError, SettingsError."""
    async with AsyncExitStack() as stack:
        host_json = settings.host_json(options.app)
        os.environ.update(_environment(options))
        time_source = await _time_source(options.clock, stack)
        invocations = Invocations(time_source, host_json)
        _log_to(InvocationLog(invocations, host_json))
        functions = {f.name: f for f in await worker.load(options.app)}
        stack.callback(worker.stop)
        schedule = timers.timers_of(functions.values())
        port = await _listen(
            options,
            [
                *EventGridWebhook(functions, invocations, options.code).routes(),
                *Admin(functions, schedule, invocations, time_source, options.code).routes(),
                web.route("*", "/api/{path:.*}", _not_simulated),
            ],
            stack,
        )
        if options.timers:
            await stack.enter_async_context(_firing(schedule, invocations, time_source))
        _tell(functions, port)
        yield port


def _environment(options: Options) -> dict[str, str]:
    return {
        **settings.local_settings(options.app),
        "AZURE_FUNCTIONS_ENVIRONMENT": "Development",
        "AzureWebJobsScriptRoot": str(options.app),
        "FUNCTIONS_WORKER_RUNTIME": "python",
        "WEBSITE_HOSTNAME": f"localhost:{options.port}",
    }


async def _time_source(url: str | None, stack: AsyncExitStack) -> TimeSource:
    if url is None:
        return RealTime()
    simulated = SimulatedTime(url)
    stack.push_async_callback(simulated.close)
    await simulated.start()
    return simulated


def _log_to(handler: logging.Handler) -> None:
    """Log as the worker does: the root logger from INFO on, so SDKs that chatter are heard."""
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(logging.INFO)


async def _listen(
    options: Options, routes: list[web.AbstractRouteDef], stack: AsyncExitStack
) -> int:
    application = web.Application(client_max_size=BODY_BYTES)
    application.add_routes(routes)
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=LAST_SECONDS)
    await runner.setup()
    stack.push_async_callback(runner.cleanup)
    await web.TCPSite(runner, "127.0.0.1", options.port).start()
    return int(runner.addresses[0][1])


async def _not_simulated(request: web.Request) -> web.Response:
    what = f"this host serves no HTTP trigger: {request.path}"
    return web.json_response({"error": {"code": "NotSimulated", "message": what}}, status=501)


def _tell(functions: dict[str, Function], port: int) -> None:
    """Print what was found, in the form of `func start`."""
    print("\nFunctions:\n")
    for function in functions.values():
        served = "" if function.kind in SERVED else "  (not served by this host)"
        print(f"\t{function.name}: {function.kind}{served}\n")
    print(f"Now listening on: http://127.0.0.1:{port}")


@asynccontextmanager
async def _firing(
    schedule: dict[str, Timer], invocations: Invocations, time_source: TimeSource
) -> AsyncIterator[None]:
    # Taken before anybody is told of the host: who moves the clock then finds the timers waiting.
    began = await time_source.move()
    tasks = [
        asyncio.create_task(timers.keep(timer, invocations, time_source, began))
        for timer in schedule.values()
    ]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.gather(*tasks)
