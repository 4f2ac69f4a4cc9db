"""What one look comes to, where it needs nothing of Azure: its report, and its line in the log."""

import json
from datetime import timedelta
from typing import Any

import pytest

from shared.clients import Azure
from shared.model import Look, Missing, ObservedVm, PowerState, Status, Tag, write_instant
from shared.reconcile import Report, reconcile_look
from tests.making import GALLERY, NOW, REF, RELEASED, TO_GALLERY, VERSION, World, settings, vm

NOBODY: Any = None
"""In place of a client: whatever asks Azure for something fails."""


def azure(**known: Any) -> Azure:  # noqa: ANN401 - fields of Settings
    """Make the settings known, and nobody to speak to."""
    return Azure(NOBODY, NOBODY, NOBODY, settings(**known))


def waiting() -> ObservedVm:
    """Make a running VM whose order is answered, as its tags say."""
    detail = "ready; run Sysprep with /generalize /shutdown, the rest follows by itself"
    tags = {Tag.STATUS: Status.WAITING, Tag.DETAIL: detail, Tag.IMAGE: GALLERY.label}
    tags[Tag.IMAGE_GROUP] = GALLERY.group_id
    return vm(power=PowerState.RUNNING, tags={**TO_GALLERY, **tags})


def test_a_report_is_a_line_of_json() -> None:
    """Queries read these names from the log; what is not ASCII stays as it is."""
    report = Report(
        vm=REF,
        seen="PowerState/deallocated",
        status=Status.CAPTURING,
        image=VERSION.label,
        as_of=RELEASED,
        by="func-one",
        steps=("generalize", "create"),
        untold="gesperrt für Tags",
    )
    line = report.line("0a0b")
    assert json.loads(line) == {
        "event": "0a0b",
        "vm": REF.id,
        "seen": "PowerState/deallocated",
        "status": "capturing",
        "image": VERSION.label,
        "asOf": write_instant(RELEASED),
        "by": "func-one",
        "steps": ["generalize", "create"],
        "untold": "gesperrt für Tags",
    }
    assert "für" in line
    bare = json.loads(Report(vm=REF, seen="gone").line())
    assert (bare["event"], bare["status"], bare["asOf"], bare["steps"]) == (None, None, None, [])


@pytest.mark.parametrize(("seconds", "waits"), [(599, True), (600, False)])
def test_an_announced_stop_is_waited_for_ten_minutes(seconds: int, *, waits: bool) -> None:
    """A VM that still reads running is looked at again soon, and then left to the sweep."""
    look = World(vm=waiting()).look()
    report = reconcile_look(azure(), look, NOW, stopping=NOW - timedelta(seconds=seconds))
    assert (report.again is not None) is waits
    assert (report.status, report.image) == (Status.WAITING, GALLERY.label)
    assert reconcile_look(azure(), look, NOW).again is None


@pytest.mark.parametrize(
    ("said", "status"), [("capturing", Status.CAPTURING), ("nonsense", None), ("", None)]
)
def test_where_there_is_nothing_to_say_the_report_has_what_stands(
    said: str, status: Status | None
) -> None:
    """A VM that Azure is busy with keeps its words, and its report gives them."""
    tags = {Tag.STATUS: said, Tag.IMAGE: VERSION.label, Tag.AS_OF: write_instant(RELEASED)}
    busy = vm(provisioning="Updating", tags={**TO_GALLERY, **tags})
    report = reconcile_look(azure(), Look(vm=busy), NOW)
    assert (report.status, report.image, report.as_of) == (status, VERSION.label, RELEASED)


@pytest.mark.parametrize(
    ("seen", "step"),
    [
        ({"power": PowerState.STOPPED}, "would deallocate"),
        ({}, "would generalize"),
        ({"generalized": True}, "would create"),
    ],
)
def test_a_dry_run_names_the_step_and_asks_azure_for_nothing(
    seen: dict[str, Any], step: str
) -> None:
    """It ends before the first write; no word is said that would not be true."""
    world = World(vm=vm(**seen), images={VERSION.key: Missing.GONE})
    report = reconcile_look(azure(dry_run=True), world.look(), NOW)
    assert (report.steps, report.status, report.untold) == ((step,), None, None)
