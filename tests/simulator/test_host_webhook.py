"""The local Functions host, run as its own process on a small app, and asked over HTTP."""

import json
import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
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
    logging.info("at %s past_due=%s %s", now, timer.past_due, timer.schedule_status["Next"])
'''
NEW_YEAR = "2030-01-01T00:00:00+00:00"


@dataclass
class Host:
    """A running host and its URL."""

    url: str
    printed: list[str]

    def send(
        self, body: object, kind: str = "Notification", function: str = "on_event", **query: str
    ) -> requests.Response:
        """Post to the Event Grid webhook."""
        return requests.post(
            f"{self.url}/runtime/webhooks/EventGrid",
            params={"functionName": function, **query},
            data=body if isinstance(body, str) else json.dumps(body),
            headers={"aeg-event-type": kind},
            timeout=20,
        )

    def get(self, path: str) -> Any:  # noqa: ANN401 - JSON
        """Get JSON from the host."""
        return requests.get(self.url + path, timeout=20).json()

    def run(self, function: str) -> Any:  # noqa: ANN401 - JSON
        """Run a function to its end."""
        return requests.post(f"{self.url}/_host/functions/{function}/run", timeout=20).json()


def _write_app(folder: Path, source: str = APP) -> Path:
    (folder / "function_app.py").write_text(source)
    (folder / "host.json").write_text('{"version": "2.0", "functionTimeout": "00:00:02"}')
    return folder


def _start(app: Path, *options: str, **environment: str) -> subprocess.Popen[str]:
    return subprocess.Popen(  # noqa: S603 - our own module
        [sys.executable, "-m", "simulator.host", "--app", str(app), "--port", "0", *options],
        cwd=Path(__file__).parents[2],
        env={**os.environ, "SCHEDULE": "0 0 0 1 1 *", **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


@contextmanager
def _running(app: Path, *options: str, **environment: str) -> Iterator[Host]:
    """Run a host until it tells its URL, keep what it prints, end it."""
    with _start(app, *options, **environment) as process:
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


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Host]:
    """One host for all stories that leave it as it was."""
    app = _write_app(tmp_path_factory.mktemp("app"))
    with _running(app, PYTHON_THREADPOOL_THREAD_COUNT="8") as running:
        yield running


def _event(**data: object) -> dict[str, object]:
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


def _cloud_event(**data: object) -> dict[str, object]:
    return {
        "id": "1",
        "source": "/subscriptions/s",
        "type": "t",
        "specversion": "1.0",
        "time": "2026-03-01T12:00:00.1234567Z",
        "data": data,
    }


def _last(host: Host, function: str = "on_event") -> Any:  # noqa: ANN401 - JSON
    return host.get(f"/_host/invocations?function={function}")[-1]


def test_it_prints_the_functions_it_found(host: Host) -> None:
    """As `func start` does: each name with its trigger."""
    text = "".join(host.printed)
    assert "Functions:" in text
    assert "on_event: eventGridTrigger" in text
    assert "sweep: timerTrigger" in text


def test_an_event_is_an_invocation(host: Host) -> None:
    """202, and the log has the function's own line with its level."""
    assert host.send([_event(a=1)]).status_code == 202
    last = _last(host)
    assert last["ok"] is True
    assert last["lines"] == ["Info: EventGridEvent {'a': 1}"]


def test_a_cloud_event_comes_as_one_whatever_the_annotation(host: Host) -> None:
    """Structured and batched CloudEvents reach the function as func.CloudEvent."""
    assert host.send(_cloud_event(a=1)).status_code == 202
    assert host.send([_cloud_event(a=2), _cloud_event(a=3)]).status_code == 202
    lines = [one["lines"][0] for one in host.get("/_host/invocations?function=on_event")[-3:]]
    assert sorted(lines) == [f"Info: CloudEvent {{'a': {n}}}" for n in (1, 2, 3)]


def test_one_failure_fails_the_request_and_stops_no_other(host: Host) -> None:
    """Any failure is 500 with the host's text, while every event of the batch was invoked."""
    before = host.get("/_host/counts")["on_event"]
    answer = host.send([_event(a=1), _event(fail="no"), _event(a=2)])
    after = host.get("/_host/counts")["on_event"]
    assert answer.status_code == 500
    assert answer.text == "Exception while executing function: Functions.on_event"
    assert after["succeeded"] - before["succeeded"] == 2
    assert after["failed"] - before["failed"] == 1
    assert {"RuntimeError('no')"} == {
        one["exception"] for one in host.get("/_host/invocations")[-3:] if not one["ok"]
    }


def test_events_of_a_batch_run_side_by_side(host: Host) -> None:
    """Eight functions that wait for one another all end, given eight threads."""
    assert host.send([_event(meet=True)] * 8).status_code == 202


@pytest.mark.parametrize("time", ["2026-03-01T12:00:00+02:00", "yesterday", "2026-03-01 12:00"])
def test_a_time_with_an_odd_offset_fails_outside_the_app(host: Host, time: str) -> None:
    """The library's decoding raises before the function is reached: 500, so it is sent again."""
    answer = host.send([_event(a=1) | {"eventTime": time}])
    assert answer.status_code == 500
    assert "does not match format" in _last(host)["exception"]


@pytest.mark.parametrize("body", ["[1", "", "7", '"text"'])
def test_what_is_no_json_array_or_object_is_500(host: Host, body: str) -> None:
    """The extension's parser throws, and the host answers 500 without a body."""
    answer = host.send(body)
    assert (answer.status_code, answer.text) == (500, "")


def test_an_element_that_is_no_event_fails_for_itself(host: Host) -> None:
    """A number in the array is an invocation that fails while decoding."""
    assert host.send([7]).status_code == 500
    assert "TypeError" in _last(host)["exception"]


def test_a_megabyte_is_taken(host: Host) -> None:
    """An event of Event Grid's largest size passes."""
    assert host.send([_event(a="x" * 1_000_000)]).status_code == 202


def test_the_validation_handshake(host: Host) -> None:
    """The code comes back, in JSON."""
    answer = host.send([{"data": {"validationCode": "abc"}}], kind="SubscriptionValidation")
    assert (answer.status_code, answer.json()) == (200, {"validationResponse": "abc"})


@pytest.mark.parametrize(
    ("origin", "allowed"),
    [("eventgrid.azure.net", "eventgrid.azure.net"), ("evil.example", "eventgrid.azure.net")],
)
def test_the_cloud_events_handshake(host: Host, origin: str, allowed: str) -> None:
    """OPTIONS is answered with the allowed origin, Event Grid's own whoever asks."""
    answer = requests.options(
        f"{host.url}/runtime/webhooks/EventGrid?functionName=on_event",
        headers={"WebHook-Request-Origin": origin},
        timeout=20,
    )
    assert answer.status_code == 200
    assert answer.headers["WebHook-Allowed-Origin"] == allowed


@pytest.mark.parametrize(("kind", "status"), [("Unsubscribe", 202), ("Other", 400), ("", 400)])
def test_other_kinds_of_request(host: Host, kind: str, status: int) -> None:
    """Unsubscribe is 202, anything unknown 400."""
    assert host.send([], kind=kind).status_code == status


@pytest.mark.parametrize("function", ["nobody", "sweep", ""])
def test_an_unknown_function_is_404(host: Host, function: str) -> None:
    """So is one without an Event Grid trigger."""
    answer = host.send([_event()], function=function)
    assert (answer.status_code, answer.text) == (404, f"cannot find function: '{function}'")


def test_a_function_that_takes_too_long_is_given_up(host: Host) -> None:
    """host.json's functionTimeout ends the invocation with 500."""
    assert host.send([_event(sleep=3)]).status_code == 500
    assert "Timeout value of 0:00:02 was exceeded" in _last(host)["exception"]


def test_the_admin_api_starts_functions(host: Host) -> None:
    """202 at once for a known name in any case, 404 for another; the list has both functions."""
    url = f"{host.url}/admin/functions"
    assert requests.post(f"{url}/SWEEP", json={"input": ""}, timeout=20).status_code == 202
    assert requests.post(f"{url}/nobody", json={"input": ""}, timeout=20).status_code == 404
    assert requests.post(f"{url}/sweep", data="[", timeout=20).status_code == 400
    assert {one["name"] for one in host.get("/admin/functions")} == {"on_event", "sweep"}
    assert host.get("/admin/host/status")["state"] == "Running"


def test_a_manual_run_waits_and_tells(host: Host) -> None:
    """`run` answers when the function has ended, with its lines and how it went."""
    record = host.run("sweep")
    assert record["ok"] is True
    assert "past_due=False" in record["lines"][0]


def test_http_triggers_are_not_simulated(host: Host) -> None:
    """/api/ says so with 501."""
    assert requests.get(f"{host.url}/api/x", timeout=20).status_code == 501


def test_a_key_is_enforced_when_asked_for(tmp_path: Path) -> None:
    """With --code, a wrong or missing key is 401, the right one passes."""
    with _running(_write_app(tmp_path), "--code", "sesame") as host:
        assert host.send([_event()]).status_code == 401
        assert host.send([_event()], code="wrong").status_code == 401
        assert host.send([_event()], code="sesame").status_code == 202
        assert requests.get(f"{host.url}/admin/functions", timeout=20).status_code == 401


@pytest.mark.parametrize(
    ("source", "settings", "expected"),
    [
        ("import nothing_of_the_kind", {}, "nothing_of_the_kind"),
        ("raise ValueError('SCOPE is malformed')", {}, "SCOPE is malformed"),
        ("x = 1", {}, "Could not find top level function app"),
        (APP, {"SCHEDULE": "not a schedule"}, "not an NCRONTAB expression"),
        (APP.replace("%SCHEDULE%", "%MISSING%"), {}, "'%MISSING%' does not resolve"),
        (APP.replace("func.EventGridEvent)", "int)"), {}, "on_event"),
    ],
)
def test_an_app_that_cannot_start_says_why(
    tmp_path: Path, source: str, settings: dict[str, str], expected: str
) -> None:
    """Status 1, and the reason in plain sight."""
    with _start(_write_app(tmp_path, source), **settings) as process:
        printed, _ = process.communicate()
    assert process.returncode == 1
    assert "The host could not start" in printed
    assert expected in printed


@pytest.fixture
def clock() -> Iterator[tuple[str, dict[str, object]]]:
    """A simulator's clock: its URL, and the answer it gives."""
    answer: dict[str, object] = {"now": NEW_YEAR, "speed": 0}

    class Clock(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = json.dumps(answer).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_args: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Clock)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/_sim/clock", answer
    server.shutdown()
    server.server_close()


def test_the_app_lives_in_the_simulators_time(
    tmp_path: Path, clock: tuple[str, dict[str, object]]
) -> None:
    """A clock that stands still is the app's time to the microsecond, and fires no timer."""
    url, answer = clock
    with _running(_write_app(tmp_path), "--clock", url, SCHEDULE="* * * * * *") as host:
        assert f"at {NEW_YEAR}" in host.run("sweep")["lines"][0]
        answer["now"] = "2030-06-01T08:00:00+00:00"
        assert "at 2030-06-01T08:00:00+00:00" in host.run("sweep")["lines"][0]
        assert host.get("/_host/counts")["sweep"]["succeeded"] == 2


def test_timers_fire_by_simulated_time_and_coalesce(
    tmp_path: Path, clock: tuple[str, dict[str, object]]
) -> None:
    """When the clock leaps over many runs, one comes, and it is past due."""
    url, answer = clock
    with _running(_write_app(tmp_path), "--clock", url, SCHEDULE="0 0 * * * *") as host:
        answer.update(now="2030-01-01T10:30:00+00:00", speed=0.001)
        while not host.get("/_host/invocations?function=sweep"):
            threading.Event().wait(0.1)
        [run] = host.get("/_host/invocations?function=sweep")
        assert run["reason"] == "Timer fired"
        assert "past_due=True" in run["lines"][0]
        assert run["started"].startswith("2030-01-01T10:30:00")


def test_timers_can_be_off(tmp_path: Path) -> None:
    """With --timers off none fires by itself, and a manual run still works."""
    with _running(_write_app(tmp_path), "--timers", "off", SCHEDULE="* * * * * *") as host:
        assert host.run("sweep")["reason"].startswith("This function was programmatically")
        assert len(host.get("/_host/invocations?function=sweep")) == 1
