"""The worker in the local Functions host: its threads, and its end by a function's timeout."""

import threading
from pathlib import Path

from tests.simulator.host_running import APP, HOST_JSON, event, running, until, write_app

SHORT = HOST_JSON | {"functionTimeout": "00:00:01"}
MARKS = APP.replace(
    '    if "meet" in data:',
    "    if 'mark' in data:\n        open(data['mark'], 'w').close()\n    if \"meet\" in data:",
)


def test_a_function_that_takes_too_long_costs_the_worker_its_life(tmp_path: Path) -> None:
    """500 for it and for what ran in the same worker; the rest of its work is never done.

    The app is imported again, the host accepts events again, and keeps its earlier records.
    """
    mark = tmp_path / "mark"
    app = write_app(tmp_path / "app", MARKS, HOST_JSON | {"functionTimeout": "00:00:02"})
    with running(app) as host:
        statuses: list[int] = []

        def send(**data: object) -> None:
            statuses.append(host.send([event(**data)]).status_code)

        slow = threading.Thread(target=send, kwargs={"sleep": 6, "mark": str(mark)})
        beside = threading.Thread(target=send, kwargs={"sleep": 1.9})
        slow.start()
        threading.Event().wait(2.6)
        beside.start()
        slow.join()
        beside.join()
        assert statuses == [500, 500]
        until(lambda: host.text.count("Now listening on") == 2)
        assert "A function timeout has occurred. Restarting worker process" in host.text
        assert host.send([event(a=1)]).status_code == 202
        first, second, third = host.invocations()
        assert first["exception"].startswith("Timeout value of 00:00:02 was exceeded by function")
        assert second["exception"].startswith("The worker process was restarted")
        assert (first["ok"], second["ok"], third["ok"]) == (False, False, True)
        threading.Event().wait(2.5)
        assert not mark.exists()


def test_a_function_that_ends_soon_after_its_timeout_fails_alone(tmp_path: Path) -> None:
    """Within two seconds the worker is not ended, and other functions in it succeed."""
    with running(write_app(tmp_path, host_json=SHORT)) as host:
        assert host.send([event(sleep=1.5), event(a=1)]).status_code == 500
        threading.Event().wait(2)
        assert host.text.count("Now listening on") == 1
        assert [one["ok"] for one in host.invocations()] == [False, True]


def test_a_timer_goes_on_after_the_worker_was_restarted(tmp_path: Path) -> None:
    """It is not past due, and `run_on_startup` runs it no second time: the host did not restart."""
    source = APP.replace("run_on_startup=False", "run_on_startup=True")
    with running(write_app(tmp_path, source, SHORT)) as host:
        until(lambda: len(host.invocations("sweep")) == 1)
        assert host.send([event(sleep=9)]).status_code == 500
        until(lambda: host.text.count("Now listening on") == 2)
        threading.Event().wait(0.5)
        assert len(host.invocations("sweep")) == 1


def test_the_default_is_the_threads_of_one_processor(tmp_path: Path) -> None:
    """Five run at once, whatever this machine has: a sixth waits for one of them."""
    source = APP.replace("threading.Barrier(8)", "threading.Barrier(6)").replace(
        "wait(10)", "wait(1)"
    )
    with running(write_app(tmp_path, source), PYTHON_THREADPOOL_THREAD_COUNT=None) as host:
        assert host.send([event(meet=True)] * 6).status_code == 500
    source = source.replace("threading.Barrier(6)", "threading.Barrier(5)")
    with running(write_app(tmp_path, source), PYTHON_THREADPOOL_THREAD_COUNT=None) as host:
        assert host.send([event(meet=True)] * 5).status_code == 202


def test_the_platforms_settings_are_there_and_those_of_development_are_not(tmp_path: Path) -> None:
    """An app sees what it would see on Azure: the runtime and its version, no environment."""
    source = APP.replace("import time\n", "import time\nimport os\n").replace(
        "    data = event.get_json()", "    data = event.get_json() | {'env': _seen()}"
    )
    source += """
def _seen():
    names = ("FUNCTIONS_WORKER_RUNTIME FUNCTIONS_EXTENSION_VERSION AZURE_FUNCTIONS_ENVIRONMENT")
    return [os.environ.get(name) for name in names.split()]
"""
    with running(write_app(tmp_path, source), AZURE_FUNCTIONS_ENVIRONMENT=None) as host:
        host.send([event()])
        assert "{'env': ['python', '~4', None]}" in host.invocations()[0]["lines"][0]
