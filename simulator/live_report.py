"""The report of the app in the simulator, on a page of this machine: `make sim` names its address.

For each request the app sweeps as it does once an hour, and the page is what it then has kept. A
browser asks again by itself. Only for trying: in Azure nothing serves the report.
"""

import threading
from datetime import timedelta
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Self

import requests

from simulator.simulator import HOST, Simulator

AGAIN = 15
"""Seconds after which a browser asks again."""

CONTAINER, BLOB = "reports", "report.html"
_PATIENCE = 60


class LiveReport:
    """A server of one page, while used as a context manager; `app` is the address of the host."""

    def __init__(self, simulator: Simulator, app: str, port: int) -> None:
        self._simulator, self._app = simulator, app
        self._server = ThreadingHTTPServer((HOST, port), _handler(self))
        self._server.daemon_threads = True
        self.url = f"http://{HOST}:{self._server.server_port}/"

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._server.shutdown()
        self._server.server_close()

    def page(self) -> bytes | None:
        """Let the app sweep; return the report that it has kept, None if it has none."""
        last = self._simulator.client.now() - timedelta(hours=1)
        run = f"{self._app}/_host/functions/sweep/run"
        requests.post(run, params={"last": last.isoformat()}, timeout=_PATIENCE).raise_for_status()
        kept = self._simulator.arm.blobs.append.containers.get(CONTAINER, {}).get(BLOB)
        return bytes(kept.content) if kept else None


def _handler(report: LiveReport) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        """Answers `GET /` to who asks for this machine by name: no other site may read it."""

        def do_GET(self) -> None:
            """Answer with the report."""
            if self.path != "/" or f"http://{self.headers.get('Host')}/" != report.url:
                self.send_error(HTTPStatus.NOT_FOUND)
                return
            try:
                page = report.page()
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
