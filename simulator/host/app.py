"""A function app, loaded and served: the whole host.

Takes the app's directory and how to serve it, gives a running web server, and stops it again. One
app per process, because the worker library, the working directory and logging are global to the
process. An error in an app or its settings does not stop the host: the status shows it.
"""

import asyncio
import contextlib
import logging
import os
import shutil
import tempfile
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from aiohttp import web

from simulator.host import loading, settings, timers, worker
from simulator.host.admin import Admin, Condition
from simulator.host.bundles import Bundle, HostError
from simulator.host.invocations import InvocationLog, Invocations
from simulator.host.keys import Keys
from simulator.host.loading import Loaded
from simulator.host.settings import HostJson
from simulator.host.storage import Statuses
from simulator.host.time_source import RealTime, SimulatedTime, TimeSource
from simulator.host.webhook import EventGridWebhook

# The real host's limit of a request's body.
BODY_BYTES = 104_857_600

# Real seconds that requests under way have left when the host is told to end.
LAST_SECONDS = 2.0

SERVED = {"eventGridTrigger", "timerTrigger"}

# Python's default on the one CPU that an instance of 2,048 MB has, whatever this machine has.
THREADS = "5"


@dataclass(frozen=True)
class Options:
    """How to serve; port 0 is any free port, `clock` is the URL of a simulator's clock.

    `storage` is the folder that represents the storage account, None = an empty one. `carried` is
    what the previous host recorded when its worker ended.
    """

    app: Path
    port: int
    clock: str | None = None
    timers: bool = True
    keys: Keys = field(default_factory=Keys)
    storage: Path | None = None
    carried: str | None = None


@dataclass
class Host:
    """A running host: its address, its storage, and its invocations."""

    port: int
    storage: Path
    invocations: Invocations


@asynccontextmanager
async def serving(options: Options) -> AsyncIterator[Host]:
    """Serve the app while the context lasts."""
    async with AsyncExitStack() as stack:
        os.environ.update(_environment(options))
        time_source = await _time_source(options.clock, stack)
        storage = options.storage or _empty_storage(stack)
        host_json, error = _host_json(options)
        invocations = Invocations(time_source, host_json)
        if options.carried:
            invocations.carry(options.carried)
        _log_to(InvocationLog(invocations, host_json))
        stack.callback(worker.stop)
        condition = await _condition(options, host_json, Statuses(storage), error)
        port = await _listen(options, _routes(condition, invocations, time_source, options), stack)
        await stack.enter_async_context(_firing(condition, invocations, time_source, options))
        _tell(condition.loaded, options.keys, port)
        yield Host(port, storage, invocations)


def _environment(options: Options) -> dict[str, str]:
    """Return the environment variables that the platform sets, and their defaults."""
    threads = "PYTHON_THREADPOOL_THREAD_COUNT"
    return {
        "AzureWebJobsScriptRoot": str(options.app),
        "FUNCTIONS_EXTENSION_VERSION": "~4",
        "FUNCTIONS_WORKER_RUNTIME": "python",
        "WEBSITE_HOSTNAME": f"localhost:{options.port}",
        threads: os.environ.get(threads) or THREADS,
    }


def _empty_storage(stack: AsyncExitStack) -> Path:
    folder = Path(tempfile.mkdtemp(prefix="host-storage-"))
    stack.callback(shutil.rmtree, folder, ignore_errors=True)
    return folder


def _host_json(options: Options) -> tuple[HostJson, str | None]:
    """Read host.json; if it is invalid, the host runs without it and in error."""
    try:
        return settings.host_json(options.app, os.environ), None
    except HostError as error:
        return HostJson(), str(error)


async def _condition(
    options: Options, host_json: HostJson, statuses: Statuses, error: str | None
) -> Condition:
    bundle: Bundle | None = host_json.bundle
    if error is None:
        try:
            loaded = await loading.load(options.app, host_json, os.environ, statuses)
            return Condition(loaded, bundle)
        except HostError as found:
            error = str(found)
    print(f"A host error has occurred during startup operation.\n{error}")
    return Condition(Loaded(), bundle, error)


def _routes(
    condition: Condition, invocations: Invocations, time_source: TimeSource, options: Options
) -> list[web.AbstractRouteDef]:
    webhook = EventGridWebhook(
        condition.loaded.triggered("eventGridTrigger"),
        invocations,
        options.keys,
        extension=condition.loaded.has_event_grid,
        running=condition.running,
    )
    return [
        *webhook.routes(),
        *Admin(condition, invocations, time_source, options.keys).routes(),
        web.route("*", "/api/{path:.*}", _not_simulated),
    ]


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


def _tell(loaded: Loaded, keys: Keys, port: int) -> None:
    """Print what was found, in the format of `func start`, and the keys."""
    print("\nFunctions:\n")
    for function in loaded.functions.values():
        served = "" if function.kind in SERVED else "  (not served by this host)"
        print(f"\t{function.name}: {function.kind}{served}\n")
    print(f"System key eventgrid_extension: {keys.system}")
    print(f"Master key: {keys.master}")
    print(f"Now listening on: http://127.0.0.1:{port}")


@asynccontextmanager
async def _firing(
    condition: Condition, invocations: Invocations, time_source: TimeSource, options: Options
) -> AsyncIterator[None]:
    # Taken before anybody is told of the host: who moves the clock then finds the timers waiting.
    began = await time_source.move()
    loaded, restarted = condition.loaded, options.carried is not None
    listening = [timer for name, timer in loaded.timers.items() if name not in loaded.idle]
    opened = [(timer, timer.open(began, restarted=restarted)) for timer in listening]
    tasks = [
        asyncio.create_task(timers.keep(timer, invocations, time_source, began, first=first))
        for timer, first in (opened if options.timers else ())
    ]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.gather(*tasks)
