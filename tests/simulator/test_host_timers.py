"""Timers of the local Functions host: when they run, and what their function is given."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.simulator.host_running import APP, Host, event, running, until, write_app

NEW_YEAR = "2030-01-01T00:00:00+00:00"
NEVER = "0001-01-01T00:00:00+00:00"

type Clock = tuple[str, dict[str, object]]


@pytest.fixture
def clock() -> Iterator[Clock]:
    """A simulator's clock: its URL, and its answer."""
    answer: dict[str, object] = {"now": NEW_YEAR, "speed": 0}

    class Answers(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = json.dumps(answer).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_args: object) -> None:
            """Log nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/_sim/clock", answer
    server.shutdown()
    server.server_close()


def _ran(host: Host, times: int = 1) -> list[str]:
    """Wait for a number of completed runs of the timer; return what each received."""
    until(lambda: sum(one["ok"] is not None for one in host.invocations("sweep")) >= times)
    return [one["lines"][0] for one in host.invocations("sweep")]


def test_the_app_lives_in_the_simulators_time(tmp_path: Path, clock: Clock) -> None:
    """A stopped clock is the app's time to the microsecond, and fires no timer."""
    url, answer = clock
    with running(write_app(tmp_path), "--clock", url, SCHEDULE="* * * * * *") as host:
        assert f"at {NEW_YEAR}" in host.run("sweep")["lines"][0]
        answer["now"] = "2030-06-01T08:00:00+00:00"
        assert "at 2030-06-01T08:00:00+00:00" in host.run("sweep")["lines"][0]
        assert host.get("/_host/counts")["sweep"]["succeeded"] == 2


def test_runs_that_the_clock_leapt_over_become_one(tmp_path: Path, clock: Clock) -> None:
    """It comes at once and is not past due, with its due time and no previous run."""
    url, answer = clock
    with running(write_app(tmp_path), "--clock", url, SCHEDULE="0 0 * * * *") as host:
        answer.update(now="2030-01-01T10:30:00.250000+00:00", speed=0.001)
        (told,) = _ran(host)
        assert "past_due=False" in told
        assert f"'Last': '{NEVER}', 'Next': '2030-01-01T01:00:00+00:00'" in told
        (run,) = host.invocations("sweep")
        assert run["reason"].startswith("Timer fired at 2030-01-01T10:30:00.25")


def test_a_run_is_told_of_the_one_before(tmp_path: Path, clock: Clock) -> None:
    """Last is the time of the earlier run, as the host writes instants, and Next the due time."""
    url, answer = clock
    with running(write_app(tmp_path), "--clock", url, SCHEDULE="0 0 * * * *") as host:
        answer.update(now="2030-01-01T10:30:00+00:00", speed=0.001)
        _ran(host)
        answer.update(now="2030-01-01T11:00:01+00:00")
        told = _ran(host, 2)[1]
        assert "'Last': '2030-01-01T10:30:00" in told
        assert "'Next': '2030-01-01T11:00:00+00:00'" in told


def _hourly(tmp_path: Path) -> Path:
    return write_app(tmp_path / "app")


def _ended_hourly(tmp_path: Path, clock: Clock) -> tuple[Path, tuple[str, ...]]:
    """Run a host with an hourly timer to its end; return its app and its options."""
    app = _hourly(tmp_path)
    options = ("--clock", clock[0], "--storage", str(tmp_path / "storage"))
    with running(app, *options, SCHEDULE="0 0 * * * *"):
        return app, options


def test_what_was_missed_while_the_host_was_down_is_past_due(tmp_path: Path, clock: Clock) -> None:
    """Once, at the start of the next host with the same storage."""
    answer = clock[1]
    app, options = _ended_hourly(tmp_path, clock)
    answer["now"] = "2030-01-01T05:30:00+00:00"
    with running(app, *options, SCHEDULE="0 0 * * * *") as host:
        (told,) = _ran(host)
        assert "past_due=True" in told
        assert "'Next': '2030-01-01T01:00:00+00:00'" in told
    with running(app, *options, SCHEDULE="0 0 * * * *") as host:
        assert "'Last': '2030-01-01T05:30:00" in host.run("sweep")["lines"][0]
        assert len(host.invocations("sweep")) == 1


def test_without_the_storage_nothing_is_past_due(tmp_path: Path, clock: Clock) -> None:
    """A new storage account has no earlier run, so the first start misses nothing."""
    url, answer = clock
    app = _hourly(tmp_path)
    for now in (NEW_YEAR, "2030-01-01T05:30:00+00:00"):
        answer["now"] = now
        with running(app, "--clock", url, SCHEDULE="0 0 * * * *") as host:
            assert f"'Last': '{NEVER}'" in host.run("sweep")["lines"][0]
            assert len(host.invocations("sweep")) == 1


def test_with_another_schedule_nothing_was_missed(tmp_path: Path, clock: Clock) -> None:
    """If the schedule changed between two hosts, the next run is computed anew."""
    answer = clock[1]
    app, options = _ended_hourly(tmp_path, clock)
    answer["now"] = "2030-01-01T05:40:00+00:00"
    with running(app, *options, SCHEDULE="0 30 * * * *") as host:
        told = host.run("sweep")["lines"][0]
        assert f"'Last': '{NEVER}', 'Next': '2030-01-01T06:30:00+00:00'" in told
        assert len(host.invocations("sweep")) == 1


def test_run_on_startup_runs_at_every_start(tmp_path: Path, clock: Clock) -> None:
    """Although nothing is due."""
    url, _ = clock
    source = APP.replace("run_on_startup=False", "run_on_startup=True")
    options = ("--clock", url, "--storage", str(tmp_path / "storage"))
    app = write_app(tmp_path / "app", source)
    for _ in range(2):
        with running(app, *options) as host:
            (told,) = _ran(host)
            assert "past_due=False" in told


@pytest.mark.parametrize(
    ("schedule", "source"),
    [
        ("*/30 * * * * *", APP),
        ("0 0 * * * *", APP.replace("run_on_startup=False", "use_monitor=False")),
    ],
)
def test_a_timer_without_a_status_is_told_none(
    tmp_path: Path, clock: Clock, schedule: str, source: str
) -> None:
    """If runs are seconds apart, or the app disables it, `schedule_status` is empty."""
    url, _ = clock
    with running(write_app(tmp_path, source), "--clock", url, SCHEDULE=schedule) as host:
        assert host.run("sweep")["lines"][0].endswith("past_due=False {}")


def test_a_schedule_that_never_comes_is_none_that_is_wrong(tmp_path: Path) -> None:
    """31 February: the next run is at the end of .NET's time."""
    with running(write_app(tmp_path), SCHEDULE="0 0 0 31 2 *") as host:
        assert "'Next': '9999-12-31T23:59:59.9999999+00:00'" in host.run("sweep")["lines"][0]


def test_timers_can_be_off(tmp_path: Path) -> None:
    """With --timers off no timer fires, but a manual run still works."""
    with running(write_app(tmp_path), "--timers", "off", SCHEDULE="* * * * * *") as host:
        assert host.run("sweep")["reason"].startswith("This function was programmatically")
        assert len(host.invocations("sweep")) == 1


def test_a_disabled_timer_does_not_run(tmp_path: Path) -> None:
    """Its schedule does not fire; the admin API can still start it."""
    off = {"AzureWebJobs.sweep.Disabled": "true"}
    with running(write_app(tmp_path), SCHEDULE="* * * * * *", **off) as host:
        threading.Event().wait(1.2)
        assert host.invocations("sweep") == []
        assert host.run("sweep")["ok"] is True
        assert host.send([event()]).status_code == 202
