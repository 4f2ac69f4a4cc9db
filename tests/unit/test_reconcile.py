"""What one look comes to, where it needs nothing of Azure: its report, and its line in the log."""

import json
import time
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from shared.capture.tell import last_words, pin, telling
from shared.cloud.connect import Azure
from shared.model.errors import Transient
from shared.model.facts import Look, Missing, ObservedVm, PowerState
from shared.model.ids import VmRef
from shared.model.instants import write_instant
from shared.model.steps import Generalize
from shared.model.tags import Status, Tag
from shared.reconcile import Report, reconcile, reconcile_look
from tests.unit.making import (
    ELSEWHERE,
    GALLERY,
    NOW,
    REF,
    RELEASED,
    TO_GALLERY,
    VERSION,
    World,
    disk,
    settings,
    settle,
    vm,
)

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
    seen: dict[str, Any], step: str, caplog: pytest.LogCaptureFixture
) -> None:
    """It ends before the first write, and logs it; no word is said that would not be true."""
    caplog.set_level("INFO")
    world = World(vm=vm(**seen), images={VERSION.key: Missing.GONE})
    report = reconcile_look(azure(dry_run=True), world.look(), NOW)
    assert (report.steps, report.status, report.untold) == ((step,), None, None)
    assert caplog.messages == [f"dry run: {step} {REF.id}"]


def test_a_subscription_that_is_not_watched_is_left_alone() -> None:
    """An event of a VM there asks Azure for nothing."""
    elsewhere = VmRef(ELSEWHERE, REF.group, REF.name)
    assert reconcile(azure(), elsewhere, NOW) == Report(vm=elsewhere, seen="not watched")


def test_a_dry_run_opens_no_disk() -> None:
    """To open one is a write: where its proof is all that is missing the look ends there."""
    look = replace(World().look(), verdict=None)
    report = reconcile_look(azure(dry_run=True), look, NOW)
    assert (report.steps, report.status, report.untold) == (("would prove",), None, None)


@pytest.mark.parametrize(
    ("seen", "status"),
    [
        ({"power": PowerState.RUNNING}, Status.WAITING),
        ({"power": PowerState.RUNNING, "hibernated": True}, Status.REFUSED),
    ],
)
def test_a_dry_run_logs_the_words_and_says_none(
    seen: dict[str, Any], status: Status, caplog: pytest.LogCaptureFixture
) -> None:
    """What would be written stands in the log; neither the VM nor the topic hears of it."""
    caplog.set_level("INFO")
    report = reconcile_look(azure(dry_run=True), World(vm=vm(**seen)).look(), NOW)
    assert (report.status, report.untold) == (status, None)
    (line,) = caplog.messages
    assert line.startswith(f"dry run: would tag {REF.id} {{'stillframe-status': '{status}'")


def test_a_dry_run_logs_nothing_where_all_is_said(caplog: pytest.LogCaptureFixture) -> None:
    """Words that stand already are no change."""
    caplog.set_level("INFO")
    reconcile_look(azure(dry_run=True), World(vm=waiting()).look(), NOW)
    assert caplog.messages == []


def pinned() -> Look:
    """Make a look at a VM that is about to be generalized, with all said that is said before."""
    os_disk = disk()
    look, step = settle(World(), settings())
    assert isinstance(step, Generalize)
    last = telling(look.vm, last_words(step.say, os_disk.id), NOW)
    assert last
    seen = replace(look.vm, tags={**look.vm.tags, **last.before.tags})
    named = replace(os_disk, tags=pin(look.vm, os_disk, step.say).tags)
    return replace(look, vm=seen, disk=named)


def test_a_verdict_holds_for_a_minute() -> None:
    """Later the disk must be read again, for the VM could have been started in between."""
    late = replace(pinned(), proven=time.monotonic() - 61)
    with pytest.raises(Transient, match="is older than 60 s"):
        reconcile_look(azure(), late, NOW)
    in_time = replace(late, proven=time.monotonic() - 30)
    with pytest.raises(AttributeError, match="'generalize'"):  # it is asked for, of nobody
        reconcile_look(azure(), in_time, NOW)
