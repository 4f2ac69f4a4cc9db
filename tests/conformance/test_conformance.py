"""The comparer finds all differences, the replay follows Azure's time, the page is complete."""

import json
import re
from pathlib import Path

import pytest

from tests.conformance import expected, templates
from tests.conformance.__main__ import PAGE
from tests.conformance.compare import Answer, Difference, differences
from tests.conformance.operations import OPERATIONS, operation_of
from tests.conformance.page import NO_RECORDING, page
from tests.conformance.recordings import Cassette, Exchange, exchange, exchanges
from tests.conformance.replay import Pair, Replay
from tests.conformance.simulated import simulated
from tests.conformance.tally import Tally

SUBSCRIPTION = "00000000-0000-0000-0000-00000000000a"
GROUP = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/rg"
DISK = f"{GROUP}/providers/Microsoft.Compute/disks/d"
ROW = re.compile(r"^\| `([A-Z]+ [^`]+)` \| ([^|]*) \| (\d*) \|", re.MULTILINE)


def answer(body: object, status: int = 200, **headers: str) -> Answer:
    """Make an answer."""
    return Answer(status, {name.replace("_", "-"): value for name, value in headers.items()}, body)


@pytest.mark.parametrize(
    ("azure", "ours", "found"),
    [
        (answer({"a": {"b": 1}}), answer({"a": {}}), Difference("missing", "a.b", "number")),
        (answer({}), answer({"a": []}), Difference("extra", "a", "", "list")),
        (answer({"a": 1}), answer({"a": "1"}), Difference("type", "a", "number", "text")),
        (answer({"a": "Copy"}), answer({"a": "copy"}), Difference("spelling", "a", "Copy", "copy")),
        (answer({"a": 120}), answer({"a": 500}), Difference("value", "a", "120", "500")),
        (answer([{"id": 1}, {"id": 2}]), answer([{"id": 2}]), Difference("missing", "[]", "1")),
        (answer(None), answer(None, etag="1"), Difference("extra", "header etag")),
        (answer({}), answer({"code": "C"}, 404), Difference("status", "", "200", "404 C")),
        (
            answer({"error": {"code": "C", "message": "No 'a'."}}, 404),
            answer({"error": {"code": "C", "message": "No such 'b'."}}, 404),
            Difference("message", "error C", "No *.", "No such *."),
        ),
    ],
)  # fmt: skip
def test_a_difference_is_found(azure: Answer, ours: Answer, found: Difference) -> None:
    """Each kind of difference, and nothing else."""
    assert differences(azure, ours) == [found]
    assert differences(azure, azure) == []


def test_what_no_two_machines_share_is_no_difference() -> None:
    """Names in ids, GUIDs, times, and the disk names that the platform generates."""
    azure = {"id": DISK, "vmId": "1", "at": "2025-01-09T07:45:32Z", "n": f"v_disk1_{'0a' * 16}"}
    ours = {
        "id": f"{DISK}2",
        "vmId": "2",
        "at": "2026-01-01T00:00:00Z",
        "n": f"v_OsDisk_1_{'b1' * 16}",
    }
    assert differences(answer(azure), answer(ours)) == []


def test_reasons_go_by_the_day_of_an_api_version() -> None:
    """What an old api-version cannot show is explained for that version only."""
    found = Difference("extra", "etag", "", "text")
    operation = "GET {group}/Microsoft.Compute/virtualMachines/{vm}"
    for version, reason in (("2022-11-01", expected.NEWEST), ("2024-07-01", None)):
        asked = recorded("GET", f"{GROUP}?api-version={version}", None, 200, {})
        assert expected.reason_for(asked, operation, found) == reason


def test_cassettes_and_json_are_read_alike(tmp_path: Path) -> None:
    """A JSON recording gives exchanges with parsed bodies and lower-case headers."""
    entry = {
        "request": {"method": "GET", "path": "/subscriptions?api-version=1", "body": None},
        "response": {"status": 200, "headers": {"ETag": ["x"]}, "body": '{"value": []}'},
    }
    file = tmp_path / "one.json"
    file.write_text(json.dumps({"entries": [entry]}))
    (read,) = exchanges(file)
    assert (read.path, read.api_version) == ("/subscriptions", "1")
    assert (read.headers, read.answer) == ({"etag": "x"}, {"value": []})


def test_a_template_stands_for_puts() -> None:
    """Parameters, variables, ids and loops are evaluated."""
    resource = {
        "type": "Microsoft.Compute/disks",
        "apiVersion": "2023-04-02",
        "name": "[concat(parameters('name'), copyIndex(1))]",
        "copy": {"name": "loop", "count": 2},
        "location": "[resourceGroup().location]",
        "properties": {"source": "[resourceId('Microsoft.Compute/snapshots', variables('s'))]"},
    }
    template = {"variables": {"s": "snap"}, "resources": [resource]}
    sent = {"properties": {"template": template, "parameters": {"name": {"value": "d"}}}}
    made = list(templates.made_by(sent, templates.Scope(SUBSCRIPTION, "rg", "westus")))
    assert [each.path for each in made] == [f"{DISK}1", f"{DISK}2"]
    source = f"{GROUP}/providers/Microsoft.Compute/snapshots/snap"
    assert made[0].body == {"location": "westus", "properties": {"source": source}}


def recorded(
    method: str, path: str, sent: object, status: int, body: object, **headers: str
) -> Exchange:
    """Make one exchange of a recording."""
    url = f"https://management.azure.com{path}"
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return exchange("story", 0, (method, url, sent), (status, named, body))


def test_a_recording_is_played_and_its_polls_find_our_operation(tmp_path: Path) -> None:
    """A disk is made in an existing group, polled under Azure's URL, and then read."""
    where = f"/subscriptions/{SUBSCRIPTION}/providers/Microsoft.Compute/locations/westus"
    poll = f"{where}/DiskOperations/1?api-version=2023-04-02"
    sent = {
        "location": "westus",
        "properties": {"creationData": {"createOption": "Empty"}, "diskSizeGB": 4},
    }
    version = "?api-version=2023-04-02"
    url = f"https://management.azure.com{poll}"
    story = (
        recorded("PUT", DISK + version, sent, 202, {}, Azure_AsyncOperation=url, Location=url),
        recorded("GET", poll, None, 200, {"status": "Succeeded"}),
        recorded("GET", DISK + version, None, 200, {"properties": {"madeUp": 1}}),
        recorded("GET", poll.replace("/1?", "/2?"), None, 200, {"status": "Succeeded"}),
    )
    with simulated(tmp_path) as azure:
        replay = Replay(azure, Cassette("story", "here", story))
        pairs = list(replay.pairs())
    assert [pair.ours.status for pair in pairs] == [202, 200, 200]
    assert pairs[1].ours.body["status"] == "Succeeded"
    assert Difference("missing", "properties.madeUp", "number") in pairs[2].differences
    assert replay.skipped.total() == 1


def test_a_page_tells_what_is_explained_and_what_is_not() -> None:
    """One pair each: the same, with a reason, without a reason."""
    path = f"{GROUP}/providers/Microsoft.Compute/virtualMachines/v?api-version=2022-11-01"
    asked = recorded("GET", path, None, 200, {})
    operation = operation_of("GET", asked.path)
    assert operation
    tally = Tally()
    for found in (
        (),
        (Difference("extra", "etag", "", "text"),),
        (Difference("missing", "a", "text"),),
    ):
        tally.add(Pair(asked, operation, answer({}), found))
    written = page(tally, {})
    assert (
        "| 3 | 1 | 1 | 1 | 1 `etag` is extra (1)<br>1 `a` is missing **unexplained** |" in written
    )
    assert f"| 1 | {expected.NEWEST} | 1 |" in written


def test_the_page_names_every_operation() -> None:
    """Each has its row: pairs, or that there is no recording."""
    rows = {name: (versions, pairs) for name, versions, pairs in ROW.findall(PAGE.read_text())}
    for operation in OPERATIONS:
        versions, pairs = rows[operation.name]
        assert pairs or versions == NO_RECORDING, operation.name
