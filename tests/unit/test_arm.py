"""Pages of Azure's lists: what is not as documented is left out, and what is stays."""

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
    """It is named and left out; the rows beside it and the next page's address are kept."""
    content = {"value": [WHOLE, strange, WHOLE], "nextLink": "https://next"}
    with caplog.at_level(logging.WARNING):
        page, left_out = page_of(json.dumps(content).encode(), wire.VmPage)
    assert [one.id for one in page.value] == [WHOLE["id"]] * 2
    assert page.next_link == "https://next"
    (said,) = caplog.messages
    named = (isinstance(strange, dict) and strange["id"]) or "without an id"
    ((left, why),) = left_out.items()
    assert left == named
    assert f"{left}: {why}" in said


@pytest.mark.parametrize("content", [b"", b"<html>", b"[]", b'{"value": 5}', b'{"nextLink": []}'])
def test_what_is_no_page_comes_again(content: bytes) -> None:
    """Nothing is taken for an empty list: all its VMs would be unwatched."""
    with pytest.raises(Transient):
        page_of(content, wire.VmPage)
