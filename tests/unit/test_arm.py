"""Pages of lists, of which rows that are not as documented are dropped; the first connection."""

import json
import logging
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from shared.cloud import client, wire
from shared.cloud.arm import Arm, page_of, state_alone
from shared.model.errors import Transient
from tests.unit.fake_wire import Signedin
from tests.unit.making import REF

WHOLE = {"id": "/subscriptions/s/vm", "tags": {"stillframe-capture": "yes"}}


@pytest.mark.parametrize(
    "strange",
    [{"id": "/other", "tags": {"a": None}}, {"id": None}, {"id": "/x", "properties": 5}, 7],
)
def test_one_strange_row_unlists_no_subscription(
    strange: object, caplog: pytest.LogCaptureFixture
) -> None:
    """The row is reported and dropped; the other rows and the next page's URL are kept."""
    content = {"value": [WHOLE, strange, WHOLE], "nextLink": "https://next"}
    with caplog.at_level(logging.WARNING):
        page, left_out = page_of(json.dumps(content).encode(), wire.VmPage)
    assert [row.id for row in page.value] == [WHOLE["id"]] * 2
    assert page.next_link == "https://next"
    (message,) = caplog.messages
    named = (isinstance(strange, dict) and strange["id"]) or "without an id"
    ((left, why),) = left_out.items()
    assert left == named
    assert f"{left}: {why}" in message


@pytest.mark.parametrize("content", [b"", b"<html>", b"[]", b'{"value": 5}', b'{"nextLink": []}'])
def test_what_is_no_page_comes_again(content: bytes) -> None:
    """Such a response is not read as an empty list: all its VMs would be missed."""
    with pytest.raises(Transient):
        page_of(content, wire.VmPage)


@pytest.mark.parametrize(
    "strange",
    [
        {"location": None},
        {"properties": {"vmId": None}},
        {"properties": {"storageProfile": None, "hardwareProfile": {"vmSize": None}}},
    ],
)
def test_a_run_state_is_read_whatever_else_is_in_its_row(
    strange: dict[str, object], caplog: pytest.LogCaptureFixture
) -> None:
    """Only the id and the state are sure to be as documented."""
    view = {"statuses": [{"code": "PowerState/stopped"}]}
    properties: dict[str, object] = dict(strange.get("properties") or {})  # type: ignore[call-overload]
    row = {"id": "/vm", **strange, "properties": {**properties, "instanceView": view}}
    page, left_out = page_of(json.dumps({"value": [row]}).encode(), wire.VmPage, state_alone)
    assert (left_out, caplog.messages) == ({}, [])
    (seen,) = page.value
    assert seen.properties.instance_view
    assert [one.code for one in seen.properties.instance_view.statuses] == ["PowerState/stopped"]


def test_requests_do_not_wait_for_each_others_first_connection(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """An endpoint that does not tell its audience fails all requests at once, not one by one."""
    together = threading.Barrier(4, timeout=10)

    def silent(_: str) -> str:
        together.wait()
        msg = "no answer"
        raise Transient(msg)

    monkeypatch.setattr(client, "audience", silent)
    arm = Arm("https://arm.invalid", Signedin())
    with ThreadPoolExecutor(4) as pool:
        asked = [pool.submit(arm.vm, REF) for _ in range(4)]
        failed = [one.exception() for one in asked]
    assert [str(one) for one in failed] == ["no answer"] * 4
