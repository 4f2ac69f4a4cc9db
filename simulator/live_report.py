"""The report of the app in the simulator, on a page of this machine: `make sim` names its address.

For each request the app sweeps as it does once an hour, and the page is what it then has kept. A
browser asks again by itself. Only for trying: in Azure nothing serves the report.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from functools import partial
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import requests

from simulator.simulator import HOST, PortTaken, Simulator

AGAIN = 15
"""Seconds after which a browser asks again."""

CONTAINER, BLOB = "reports", "report.html"
_PATIENCE = 60


@contextmanager
def live_report(simulator: Simulator, app: str, port: int) -> Iterator[str]:
    """Serve the page of the app at an address, 0 is any port; give the page's. `PortTaken`."""
    try:
        server = ThreadingHTTPServer((HOST, port), BaseHTTPRequestHandler)
    except OSError as error:
        raise PortTaken(port) from error
    url = f"http://{HOST}:{server.server_port}/"
    server.RequestHandlerClass = _handler(url, partial(_page, simulator, app))
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield url
    finally:
        server.shutdown()
        server.server_close()


def _page(simulator: Simulator, app: str) -> bytes | None:
    """Let the app sweep; return the report that it has kept, None if it has none."""
    last = simulator.client.now() - timedelta(hours=1)
    run = f"{app}/_host/functions/sweep/run"
    requests.post(run, params={"last": last.isoformat()}, timeout=_PATIENCE).raise_for_status()
    kept = simulator.arm.blobs.append.containers.get(CONTAINER, {}).get(BLOB)
    return bytes(kept.content) if kept else None


def _handler(url: str, make: Callable[[], bytes | None]) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        """Answers `GET /` to who asks for this machine by name: no other site may read it."""

        def do_GET(self) -> None:
            """Answer with the report."""
            if self.path != "/" or f"http://{self.headers.get('Host')}/" != url:
                self.send_error(HTTPStatus.NOT_FOUND)
                return
            try:
                page = make()
            except requests.RequestException as error:
                self.send_error(HTTPStatus.BAD_GATEWAY, explain=f"the app does not run: {error}")
                return
            if page is None:
                self.send_error(HTTPStatus.NOT_FOUND, explain="the app keeps no report (REPORT)")
                return
            self.send_response(HTTPStatus.OK)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.send_header("Content-Length", str(len(page)))
            self.send_header("Refresh", str(AGAIN))
            self.end_headers()
            self.wfile.write(page)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 the library's name
            """Write no log."""

    return Handler
