"""A local Functions host in a separate process, with an app that a test wrote."""

import json
import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests

APP = '''
import datetime
import logging
import threading
import time

import azure.functions as func

app = func.FunctionApp()
BARRIER = threading.Barrier(8)


@app.event_grid_trigger(arg_name="event")
def on_event(event: func.EventGridEvent) -> None:
    """Log what came, fail on request."""
    data = event.get_json()
    logging.info("%s %s", type(event).__name__, data)
    time.sleep(data.get("sleep", 0))
    if "meet" in data:
        BARRIER.wait(10)
    if "fail" in data:
        raise RuntimeError(data["fail"])


@app.timer_trigger(arg_name="timer", schedule="%SCHEDULE%", run_on_startup=False)
def sweep(timer: func.TimerRequest) -> None:
    """Log the time it lives in."""
    now = datetime.datetime.now(datetime.UTC).isoformat()
    logging.info("at %s past_due=%s %s", now, timer.past_due, timer.schedule_status)
'''
BUNDLE = {"id": "Microsoft.Azure.Functions.ExtensionBundle", "version": "[4.0.0, 5.0.0)"}
HOST_JSON: dict[str, Any] = {"version": "2.0", "extensionBundle": BUNDLE}
STORAGE = {
    "AzureWebJobsStorage__accountName": "account",
    "AzureWebJobsStorage__credential": "managedidentity",
}
KEY = "the-webhooks-key"
MASTER = "the-master-key"
DEFAULTS = ("--port", "0", "--code", KEY, "--master", MASTER)


@dataclass
class Host:
    """A running host, its URL and its output."""

    url: str
    printed: list[str]

    @property
    def text(self) -> str:
        """Its output as one text."""
        return "".join(self.printed)

    def send(
        self, body: object, kind: str = "Notification", function: str = "on_event", **query: str
    ) -> requests.Response:
        """Post to the Event Grid webhook, with its key."""
        return requests.post(
            f"{self.url}/runtime/webhooks/EventGrid",
            params={"functionName": function, "code": KEY, **query},
            data=body if isinstance(body, str | bytes) else json.dumps(body),
            headers={"aeg-event-type": kind},
            timeout=20,
        )

    def ask(self, path: str, method: str = "GET", **rest: Any) -> requests.Response:  # noqa: ANN401 - what requests takes
        """Send a request with the master key."""
        headers = {"x-functions-key": MASTER}
        return requests.request(method, self.url + path, headers=headers, timeout=20, **rest)

    def get(self, path: str) -> Any:  # noqa: ANN401 - JSON
        """Get JSON from the host."""
        return self.ask(path).json()

    def run(self, function: str) -> Any:  # noqa: ANN401 - JSON
        """Run a function to its end."""
        return self.ask(f"/_host/functions/{function}/run", "POST").json()

    def invocations(self, function: str = "on_event") -> Any:  # noqa: ANN401 - JSON
        """List the runs of a function, oldest first."""
        return self.get(f"/_host/invocations?function={function}")

    def errors(self, function: str) -> list[str]:
        """Return the errors of a function; fails for an unknown function."""
        answer = self.ask(f"/admin/functions/{function}/status")
        assert answer.status_code == 200, answer.text
        return list(answer.json().get("errors", []))


def write_app(folder: Path, source: str = APP, host_json: object = HOST_JSON) -> Path:
    """Write an app; `host_json` is an object, or the file's text, or None for no file."""
    folder.mkdir(exist_ok=True)
    (folder / "function_app.py").write_text(source)
    if host_json is not None:
        text = host_json if isinstance(host_json, str) else json.dumps(host_json)
        (folder / "host.json").write_text(text)
    return folder


@contextmanager
def running(app: Path, *options: str, **environment: str | None) -> Iterator[Host]:
    """Run a host until it prints its URL, collect its output, stop it; None unsets a variable."""
    given = {**os.environ, **STORAGE, "SCHEDULE": "0 0 0 1 1 *", **environment}
    process = subprocess.Popen(  # noqa: S603 - our own module
        [sys.executable, "-m", "simulator.host", "--app", str(app), *DEFAULTS, *options],
        cwd=Path(__file__).parents[2],
        env={name: value for name, value in given.items() if value is not None},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    with process:
        assert process.stdout is not None
        printed: list[str] = []
        url = None
        while url is None:
            line = process.stdout.readline()
            assert line, f"the host ended: {''.join(printed)}"
            printed.append(line)
            url = re.search(r"listening on: (\S+)", line)
        reader = threading.Thread(target=printed.extend, args=[process.stdout])
        reader.start()
        try:
            yield Host(url[1], printed)
        finally:
            process.terminate()
            reader.join(20)


def until(happened: Callable[[], bool], seconds: float = 20) -> None:
    """Wait until a condition holds; fails if it does not in time."""
    last = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < last, "it did not happen"
        time.sleep(0.05)


def event(**data: object) -> dict[str, object]:
    """Return an event of Event Grid's schema."""
    return {
        "id": "1",
        "topic": "/subscriptions/s",
        "subject": "vm",
        "eventType": "Microsoft.Resources.ResourceWriteSuccess",
        "eventTime": "2026-03-01T12:00:00.1234567Z",
        "data": data,
        "dataVersion": "2",
        "metadataVersion": "1",
    }


def cloud_event(**data: object) -> dict[str, object]:
    """Return an event of the CloudEvents schema."""
    return {
        "id": "1",
        "source": "/subscriptions/s",
        "type": "t",
        "specversion": "1.0",
        "time": "2026-03-01T12:00:00.1234567Z",
        "data": data,
    }
