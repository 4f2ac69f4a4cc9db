"""The stages of an order: how far it is, what failed, how long each took."""

import re
from datetime import timedelta

import pytest

from shared.model.facts import ListedVm, ObservedImage, PowerState, Provisioning
from shared.model.instants import write_instant
from shared.model.ledger import Entry, Ledger
from shared.model.tags import Status, Tag
from shared.page.lanes import PICTURES_LARGEST, Stage, lane, made_of, order_groups
from shared.page.names import Names
from shared.page.orders import Row, orders
from tests.unit.making import NOW, REF, VERSION, ago, image
from tests.unit.making import vm as a_vm

BAD = (Status.FAILED, Status.NOT_GENERALIZED, Status.REFUSED)
PICTURE = "https://pictures/web-1.png"


def order(status: str | None, power: PowerState = PowerState.DEALLOCATED, **tags: str) -> Row:
    """Return the row of an order with a status."""
    said = {Tag.CAPTURE.value: "golden/web", Tag.IMAGE.value: VERSION.label}
    said |= {Tag.STATUS.value: status} if status else {}
    said |= {f"stillframe-{name}": value for name, value in tags.items()}
    listed = a_vm(tags=said, power=power).listed
    assert isinstance(listed, ListedVm)
    (row,) = orders([listed])
    return row


def made(boot: str | None = None, **said: object) -> ObservedImage:
    """Return the version that an order led to: its VM's disk was released two hours ago."""
    tags = {"stillframe-as-of": write_instant(ago(minutes=120))}
    tags |= {"stillframe-started": write_instant(ago(minutes=115))}
    tags |= {"stillframe-boot": boot} if boot else {}
    return image(VERSION, **{"tags": tags, **said})


def shown(row: Row, of: ObservedImage | None = None) -> dict[str, str]:
    """Return the state of each stage by its name."""
    return {stage.name: stage.state for stage in lane(row, of, None, NOW)}


@pytest.mark.parametrize("kept", [None, "yes"])
@pytest.mark.parametrize("boot", [None, "due", "does-not-boot"])
@pytest.mark.parametrize("status", [None, *Status, "a stranger's"])
def test_stages_are_done_then_one_is_next_or_has_failed_then_open(
    status: str | None, boot: str | None, kept: str | None
) -> None:
    """For every status, with and without a test, of a VM that is kept or not."""
    row = order(status, keep=kept) if kept else order(status)
    states = list(shown(row, made(boot) if boot else None).values())
    assert re.fullmatch(r"d*[hf]?o*", "".join(state[0] for state in states))
    assert ("failed" in states) == (status in BAD)
    assert (set(states) == {"done"}) == (status == Status.CAPTURED)


@pytest.mark.parametrize(
    ("row", "here"),
    [
        (order(None), "waiting"),
        (order("waiting", PowerState.RUNNING), "stopped"),
        (order("waiting", PowerState.STOPPED), "deallocated"),
        (order("waiting"), "proof"),
        (order("deallocating", PowerState.STOPPED), "deallocated"),
        (order("deallocating"), "proof"),
        (order("capturing"), "capturing"),
        (order("waiting", PowerState.RUNNING, keep="yes"), "copied"),
        (order("capturing", PowerState.RUNNING, keep="yes"), "copied"),
        (order("deallocating", PowerState.STOPPED, keep="yes"), "copied"),
    ],
)
def test_an_order_is_at_the_stage_that_comes_next(row: Row, here: str) -> None:
    """By its status and its VM's power state; a VM that is kept need not stop."""
    assert [name for name, state in shown(row).items() if state == "here"] == [here]


def test_an_image_that_is_booted_has_a_stage_for_it() -> None:
    """It waits there for its verdict, and fails there; other orders have no such stage."""
    assert shown(order("capturing"), made("due"))["booted"] == "here"
    detail = "the image does not boot; it is not latest: timed out"
    assert shown(order("failed", detail=detail), made("does-not-boot"))["booted"] == "failed"
    assert "booted" not in shown(order("capturing"), made())


def minutes(stages: tuple[Stage, ...]) -> dict[str, str]:
    """Return the times that are known."""
    return {stage.name: stage.minutes for stage in stages if stage.minutes}


def test_stages_have_their_minutes_once_there_is_an_image() -> None:
    """From the release of the disk to the start of the image, from there to its report."""
    of = made("booted")
    of = image(VERSION, tags={**of.tags, "stillframe-boot-minutes": "3"})
    found = lane(order("captured"), of, ago(minutes=100), NOW)
    assert minutes(found) == {"proof": "5 min", "capturing": "12 min", "booted": "3 min"}


def test_an_image_in_the_making_counts_until_now() -> None:
    """One that is ready, and not in the ledger, has no time: nobody knows when it was ready."""
    going = lane(order("capturing"), made(provisioning=Provisioning.CREATING), None, NOW)
    assert minutes(going) == {"proof": "5 min", "capturing": "115 min"}
    assert minutes(lane(order("captured"), made(), None, NOW)) == {"proof": "5 min"}


@pytest.mark.parametrize("strange", ["9" * 400, "-1", "soon", "\u0663"])
def test_a_strange_time_is_no_time(strange: str) -> None:
    """Tags of images may be anything."""
    tags = {"stillframe-boot": "booted", "stillframe-boot-minutes": strange}
    tags |= {"stillframe-as-of": strange, "stillframe-started": strange}
    assert minutes(lane(order("captured"), image(VERSION, tags=tags), NOW, NOW)) == {}


def test_what_is_ready_is_known_from_the_ledger() -> None:
    """By the image's label; lines without one are passed over."""
    line: Entry = {"id": "1", "type": "Stillframe.ImageCaptured", "time": "2026-11-01T10:00:00Z"}
    told = {"told": write_instant(ago(minutes=105))}
    entries = [line, {**line, "image": {"label": VERSION.label}, "timeline": told}]
    found = made_of([made()], Ledger("2026-11", entries), {})
    groups = order_groups([order("captured")], found, Names(), NOW)
    assert {"capturing": "10 min"}.items() <= minutes(groups[2].rows[0].lane).items()


def test_a_screenshot_is_in_the_file_if_it_was_read() -> None:
    """Else the report says where it is; a masked report has neither."""
    of = made("does-not-boot")
    of = image(VERSION, tags={**of.tags, "stillframe-boot-picture": PICTURE})
    for pictures, names, expected in (
        ({PICTURE: b"\x89PNG"}, Names(), ("data:image/png;base64,iVBORw==", PICTURE)),
        ({}, Names(), ("", PICTURE)),
        ({PICTURE: b"\x89PNG"}, Names(masked=True), ("", "hidden")),
    ):
        found = made_of([of], "no ledger", pictures)
        (row,) = order_groups([order("failed")], found, names, NOW)[0].rows
        assert (row.picture, row.picture_at) == expected


def test_the_newest_failures_come_first() -> None:
    """Among those that need a person: failed, not generalized, refused, then the others."""
    said = ["waiting", "refused", "failed", "not-generalized", "failed"]
    instants = [write_instant(NOW - timedelta(hours=hours)) for hours in (1, 2, 9, 4, 5)]
    rows = [
        order(status, PowerState.RUNNING, **{"as-of": at})
        for status, at in zip(said, instants, strict=True)
    ]
    (people, *_) = order_groups(rows, made_of([], "", {}), Names(), NOW)
    assert [row.status for row in people.rows] == [
        *("failed", "failed", "not-generalized", "refused", "waiting")
    ]
    assert people.rows[0].since > people.rows[1].since
    assert REF.name == people.rows[0].vm
    assert PICTURES_LARGEST < 100_000


def test_a_status_that_is_not_ours_is_masked() -> None:
    """Whoever may tag a VM can write a name there."""
    rows = [order("done by ann", PowerState.RUNNING), order("failed")]
    groups = order_groups(rows, made_of([], "", {}), Names(masked=True), NOW)
    assert sorted(row.status for group in groups for row in group.rows) == ["failed", "hidden"]
