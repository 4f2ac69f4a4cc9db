"""`python -m simulator.host --app DIR --port N`: serve a function app until interrupted.

Ends with status 1, and the worker's own words, when the app or its settings cannot be loaded.
"""

import argparse
import asyncio
import io
import signal
import sys
from pathlib import Path

import aiohttp

from simulator.host.app import Options, serving
from simulator.host.settings import SettingsError
from simulator.host.worker import AppError


def main() -> int:
    """Serve until SIGINT or SIGTERM; return the process's status."""
    options = _options()
    if isinstance(sys.stdout, io.TextIOWrapper):
        # Also into a file: who started the host reads there that it listens.
        sys.stdout.reconfigure(line_buffering=True)
    try:
        asyncio.run(_serve(options))
    except (AppError, SettingsError, OSError, aiohttp.ClientError) as error:
        print(f"The host could not start: {error}", file=sys.stderr)
        return 1
    return 0


def _options() -> Options:
    parser = argparse.ArgumentParser(prog="python -m simulator.host", description=__doc__)
    parser.add_argument("--app", type=Path, default=Path(), help="the app's directory")
    parser.add_argument("--port", type=int, default=7071, help="0 takes any free one")
    parser.add_argument("--clock", metavar="URL", help="a simulator's /_sim/clock to live by")
    parser.add_argument("--timers", choices=("on", "off"), default="on")
    parser.add_argument("--code", metavar="KEY", help="ask this key of every caller")
    given = parser.parse_args()
    return Options(given.app.resolve(), given.port, given.clock, given.timers == "on", given.code)


async def _serve(options: Options) -> None:
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, ended.set)
    async with serving(options):
        await ended.wait()


if __name__ == "__main__":
    sys.exit(main())
