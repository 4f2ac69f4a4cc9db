"""`python -m simulator.host --app DIR --port N`: serve a function app until interrupted.

Errors of the app or its host.json are printed and shown by `/admin/host/status`; the host keeps
running. It exits with status 1 if it cannot listen, or cannot read the clock.
"""

import argparse
import asyncio
import io
import os
import signal
import sys
import tempfile
from pathlib import Path
from typing import NoReturn

import aiohttp

from simulator.host.app import Host, Options, serving
from simulator.host.keys import Keys

# What this process was started with, before an app's folder and settings become its own.
FOLDER = Path.cwd()
ENVIRONMENT = dict(os.environ)

# Real seconds for the answers to what the worker's end failed.
ANSWER_SECONDS = 0.3


def main() -> int:
    """Serve until SIGINT or SIGTERM; return the process's status."""
    options = _options()
    if isinstance(sys.stdout, io.TextIOWrapper):
        # Also into a file: who started the host reads there that it listens.
        sys.stdout.reconfigure(line_buffering=True)
    try:
        asyncio.run(_serve(options))
    except (OSError, aiohttp.ClientError) as error:
        print(f"The host could not start: {error}", file=sys.stderr)
        return 1
    return 0


def _options() -> Options:
    parser = argparse.ArgumentParser(prog="python -m simulator.host", description=__doc__)
    parser.add_argument("--app", type=Path, default=Path(), help="the app's directory")
    parser.add_argument("--port", type=int, default=7071, help="0 takes any free one")
    parser.add_argument("--clock", metavar="URL", help="a simulator's /_sim/clock to live by")
    parser.add_argument("--timers", choices=("on", "off"), default="on")
    parser.add_argument("--code", metavar="KEY", help="the webhook's system key; else one is made")
    parser.add_argument("--master", metavar="KEY", help="the master key; else one is made")
    parser.add_argument("--storage", type=Path, help="the folder that is the storage account")
    parser.add_argument("--carried", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    made = Keys()
    return Options(
        given.app.resolve(),
        given.port,
        given.clock,
        given.timers == "on",
        Keys(given.code or made.system, given.master or made.master),
        given.storage.resolve() if given.storage else None,
        _taken(given.carried) if given.carried else None,
    )


def _taken(path: Path) -> str:
    text = path.read_text()
    path.unlink()
    return text


async def _serve(options: Options) -> None:
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, ended.set)
    async with serving(options) as host:
        waits = {
            asyncio.create_task(ended.wait()),
            asyncio.create_task(host.invocations.worker_ended.wait()),
        }
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        if not ended.is_set():
            await asyncio.sleep(ANSWER_SECONDS)
            _start_anew(host, options.keys)


def _start_anew(host: Host, keys: Keys) -> NoReturn:
    """Begin again as the same process: its threads, with what the app does in them, are gone.

    The real host starts another worker process; here host and worker are one.
    """
    with tempfile.NamedTemporaryFile("w", prefix="host-carried-", delete=False) as carried:
        carried.write(host.invocations.carried())
    said = {
        "--port": host.port,
        "--code": keys.system,
        "--master": keys.master,
        "--storage": host.storage,
        "--carried": carried.name,
    }
    added = [f"{name}={value}" for name, value in said.items()]
    os.chdir(FOLDER)
    os.execve(sys.executable, [sys.executable, *sys.orig_argv[1:], *added], ENVIRONMENT)  # noqa: S606 - our own command again


if __name__ == "__main__":
    sys.exit(main())
