"""The local Functions host's webhook and admin API, over HTTP with a small app."""

from collections.abc import Iterator
from typing import Any

import pytest
import requests

from tests.simulator.host_running import (
    HOST_JSON,
    KEY,
    MASTER,
    Host,
    cloud_event,
    event,
    running,
    write_app,
)


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Host]:
    """One host for all stories that do not change it."""
    app = write_app(tmp_path_factory.mktemp("app"))
    with running(app, PYTHON_THREADPOOL_THREAD_COUNT="8") as one:
        yield one


def _last(host: Host, function: str = "on_event") -> Any:  # noqa: ANN401 - JSON
    return host.invocations(function)[-1]


def test_it_prints_the_functions_it_found(host: Host) -> None:
    """As `func start` does: each name with its trigger."""
    assert "Functions:" in host.text
    assert "on_event: eventGridTrigger" in host.text
    assert "sweep: timerTrigger" in host.text


def test_an_event_is_an_invocation(host: Host) -> None:
    """202, and the log has the function's own line with its level."""
    assert host.send([event(a=1)]).status_code == 202
    last = _last(host)
    assert last["ok"] is True
    assert last["lines"] == ["Info: EventGridEvent {'a': 1}"]


def test_a_cloud_event_comes_as_one_whatever_the_annotation(host: Host) -> None:
    """Structured and batched CloudEvents reach the function as func.CloudEvent."""
    assert host.send(cloud_event(a=1)).status_code == 202
    assert host.send([cloud_event(a=2), cloud_event(a=3)]).status_code == 202
    lines = [one["lines"][0] for one in host.invocations()[-3:]]
    assert sorted(lines) == [f"Info: CloudEvent {{'a': {n}}}" for n in (1, 2, 3)]


def test_one_failure_fails_the_request_and_stops_no_other(host: Host) -> None:
    """Any failure is 500 with the host's text, but every event of the batch was invoked."""
    before = host.get("/_host/counts")["on_event"]
    answer = host.send([event(a=1), event(fail="no"), event(a=2)])
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
    assert host.send([event(meet=True)] * 8).status_code == 202


@pytest.mark.parametrize("time", ["2026-03-01T12:00:00+02:00", "yesterday", "2026-03-01 12:00"])
def test_a_time_with_an_odd_offset_fails_outside_the_app(host: Host, time: str) -> None:
    """The library's decoding raises before the function is called: 500, so it is redelivered."""
    answer = host.send([event(a=1) | {"eventTime": time}])
    assert answer.status_code == 500
    assert "does not match format" in _last(host)["exception"]


def test_times_within_an_event_come_as_they_were_sent(host: Host) -> None:
    """The extension's parser does not convert texts to times, since its release 3.4.3."""
    times = ["2026-03-01T12:00:00.1200000Z", "2026-03-01T12:00:00+02:00", "2026-03-01"]
    assert host.send([event(at=times)]).status_code == 202
    assert _last(host)["lines"] == [f"Info: EventGridEvent {{'at': {times}}}"]


@pytest.mark.parametrize("body", ["[1", "", "7", '"text"'])
def test_what_is_no_json_array_or_object_is_500(host: Host, body: str) -> None:
    """The extension's parser throws, and the host answers 500 without a body."""
    answer = host.send(body)
    assert (answer.status_code, answer.text) == (500, "")


def test_an_element_that_is_no_event_fails_for_itself(host: Host) -> None:
    """A number in the array is an invocation that fails while decoding."""
    assert host.send([7]).status_code == 500
    assert "TypeError" in _last(host)["exception"]


def test_an_empty_array_is_taken_and_runs_nothing(host: Host) -> None:
    """202: nothing in it failed."""
    before = len(host.invocations())
    assert host.send([]).status_code == 202
    assert len(host.invocations()) == before


def test_bytes_that_are_no_utf8_become_replacement_characters(host: Host) -> None:
    """As .NET reads a body: the event is delivered, with U+FFFD instead of the bytes."""
    body = b'[{"id": "1", "subject": "s", "eventType": "t", "data": {"a": "\xff"}, '
    body += b'"eventTime": "2026-03-01T12:00:00Z", "topic": "t", "dataVersion": "2"}]'
    assert host.send(body).status_code == 202
    assert _last(host)["lines"] == ["Info: EventGridEvent {'a': '\ufffd'}"]


def test_a_megabyte_is_taken_and_a_hundred_are_not(host: Host) -> None:
    """An event of Event Grid's largest size is accepted; the host's limit is 104,857,600 bytes."""
    assert host.send([event(a="x" * 1_000_000)]).status_code == 202
    assert host.send(b"[" + b" " * 104_857_600).status_code == 413


def test_the_validation_handshake(host: Host) -> None:
    """The code is returned, in JSON."""
    answer = host.send([{"data": {"validationCode": "abc"}}], kind="SubscriptionValidation")
    assert (answer.status_code, answer.json()) == (200, {"validationResponse": "abc"})


@pytest.mark.parametrize(
    ("origin", "allowed"),
    [("eventgrid.azure.net", "eventgrid.azure.net"), ("evil.example", "eventgrid.azure.net")],
)
def test_the_cloud_events_handshake(host: Host, origin: str, allowed: str) -> None:
    """OPTIONS is answered with the allowed origin, always Event Grid's own."""
    answer = requests.options(
        f"{host.url}/runtime/webhooks/EventGrid?functionName=on_event&code={KEY}",
        headers={"WebHook-Request-Origin": origin},
        timeout=20,
    )
    assert answer.status_code == 200
    assert answer.headers["WebHook-Allowed-Origin"] == allowed


@pytest.mark.parametrize(("kind", "status"), [("Unsubscribe", 202), ("Other", 400), ("", 400)])
def test_other_kinds_of_request(host: Host, kind: str, status: int) -> None:
    """Unsubscribe is 202, anything unknown 400."""
    assert host.send([], kind=kind).status_code == status


@pytest.mark.parametrize("function", ["nobody", "sweep", "ON_EVENT", ""])
def test_an_unknown_function_is_404(host: Host, function: str) -> None:
    """So is a function without an Event Grid trigger, or whose name differs in case."""
    answer = host.send([event()], function=function)
    assert (answer.status_code, answer.text) == (404, f"cannot find function: '{function}'")


@pytest.mark.parametrize(
    ("path", "method", "status"),
    [("Storage", "POST", 404), ("EVENTGRID", "POST", 202), ("EventGrid", "PATCH", 405)],
)
def test_other_extensions_and_methods(host: Host, path: str, method: str, status: int) -> None:
    """An extension is found without case, another is 404, an unrouted method is 405."""
    answer = requests.request(
        method,
        f"{host.url}/runtime/webhooks/{path}?functionName=on_event&code={KEY}",
        json=[event()],
        headers={"aeg-event-type": "Notification"},
        timeout=20,
    )
    assert answer.status_code == status


@pytest.mark.parametrize(
    ("key", "webhook", "admin"),
    [(None, 401, 401), ("wrong", 401, 401), (KEY, 202, 401), (MASTER, 202, 200)],
)
def test_the_webhook_wants_its_key_and_the_admin_api_the_master_key(
    host: Host, key: str | None, webhook: int, admin: int
) -> None:
    """The master key works for both; the key is a header or in the query."""
    hook = f"{host.url}/runtime/webhooks/EventGrid?functionName=on_event"
    kind = {"aeg-event-type": "Notification"}
    header = {"x-functions-key": key} if key else {}
    query = {"code": key} if key else {}
    by_header = requests.post(hook, json=[event()], headers=kind | header, timeout=20)
    by_query = requests.post(hook, json=[event()], headers=kind, params=query, timeout=20)
    assert (by_header.status_code, by_query.status_code) == (webhook, webhook)
    for path in ("/admin/functions", "/admin/functions/sweep/status", "/admin/host/status"):
        assert requests.get(host.url + path, headers=header, timeout=20).status_code == admin
    assert requests.get(f"{host.url}/admin/host/ping", timeout=20).status_code == 200


def test_the_admin_api_starts_functions(host: Host) -> None:
    """202 at once for a known name in any case, otherwise 404; the list has both functions."""
    start = "/admin/functions/"
    assert host.ask(start + "SWEEP", "POST", json={"input": ""}).status_code == 202
    assert host.ask(start + "nobody", "POST", json={"input": ""}).status_code == 404
    assert host.ask(start + "sweep", "POST", data="[").status_code == 400
    assert {one["name"] for one in host.get("/admin/functions")} == {"on_event", "sweep"}
    assert host.errors("on_event") == host.errors("sweep") == []


def test_the_status_tells_the_state_and_the_bundle(host: Host) -> None:
    """Running, without errors, and the version that was found for the bundle's range."""
    status = host.get("/admin/host/status")
    assert status["state"] == "Running"
    assert "errors" not in status
    assert status["extensionBundle"]["id"] == HOST_JSON["extensionBundle"]["id"]
    assert status["extensionBundle"]["version"].startswith("4.")


def test_a_manual_run_waits_and_tells(host: Host) -> None:
    """`run` answers when the function has ended, with its log lines and its result."""
    record = host.run("sweep")
    assert record["ok"] is True
    assert "past_due=False" in record["lines"][0]


def test_http_triggers_are_not_simulated(host: Host) -> None:
    """/api/ answers 501."""
    assert requests.get(f"{host.url}/api/x", timeout=20).status_code == 501
