"""Pages of lists: rows that do not match the documented schema are dropped, others are kept."""

import json
import logging

import pytest

from shared.cloud import wire
from shared.cloud.arm import page_of
from shared.model.errors import Transient

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
