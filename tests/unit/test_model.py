"""Ids and instants: found in any text, compared case-insensitively."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.model.ids import ManagedImageRef, VersionRef, VmRef, find_image
from shared.model.instants import read_instant, write_instant
from tests.unit.making import GALLERY, MANAGED, NOW, REF, VERSION

IMAGE = ManagedImageRef(REF.subscription, "golden", "web-01-20260504-094807250")
SEGMENTS = st.from_regex(r"[\w.()-]*[\w()-]", fullmatch=True)
MEGABYTE = 1_000_000


@given(SEGMENTS, SEGMENTS, SEGMENTS)
def test_an_id_of_odd_parts_is_found_as_it_stands(subscription: str, group: str, name: str) -> None:
    """A VM's id is read back for every name that Azure allows, and keeps its case."""
    ref = VmRef(subscription, group, name)
    assert VmRef.find(ref.id) == ref


@pytest.mark.parametrize(
    "name", ["..", ".", "{x}", "a%2Fb", "a b", "a\n", "<a>", "a\\b", "a\u202eb"]
)
def test_what_azure_allows_no_name_is_no_id(name: str) -> None:
    """Events are untrusted, and an id becomes the path of a request."""
    for ref in (replace(REF, name=name), replace(REF, group=name), replace(REF, subscription=name)):
        assert VmRef.find(ref.id) is None
    for image in (replace(IMAGE, name=name), replace(VERSION, gallery=name)):
        assert find_image(image.id) is None


@pytest.mark.parametrize("recase", [str.lower, str.upper, str.title, str.swapcase])
def test_an_id_in_any_case_is_the_same(recase: type[str]) -> None:
    """Azure changes the case of ids; `key` does not change."""
    vm, image, version = (
        VmRef.find(recase(REF.id)),
        *map(find_image, map(recase, (IMAGE.id, VERSION.id))),
    )
    assert [ref and ref.key for ref in (vm, image, version)] == [REF.key, IMAGE.key, VERSION.key]


@pytest.mark.parametrize(
    "tail",
    [
        "/deallocate",
        "/providers/Microsoft.Resources/tags/default",
        "/providers/Microsoft.ResourceHealth/resourceAnnotations/current",
        "/extensions/agent",
        "?api-version=2026-04-01",
        "#overview",
    ],
)
def test_what_stands_behind_an_id_is_no_part_of_it(tail: str) -> None:
    """A subject may continue after the VM's id, and a URL may precede the id."""
    assert VmRef.find(f"https://management.azure.com{REF.id}{tail}?api-version=1") == REF
    assert find_image(VERSION.id + tail) == VERSION
    assert find_image(IMAGE.id + tail) == IMAGE


def test_the_first_id_is_meant() -> None:
    """If a text has two ids, the first is used."""
    assert VmRef.find(REF.id + VmRef("s", "g", "other").id) == REF


@pytest.mark.parametrize(
    "text",
    [
        "",
        "/",
        REF.group_id,
        REF.id.removesuffix("web-01"),
        REF.id.replace("/golden/", "//"),
        REF.id.replace("virtualMachines", "virtualMachineScaleSets"),
        REF.id.replace("virtualMachines/", "virtualMachineScaleSets/x/virtualMachines/"),
        REF.id.replace("Compute", "ClassicCompute"),
        REF.id.replace("Microsoft.Compute", "MicrosoftXCompute"),
        REF.id + "x" * 260,
        GALLERY.scope,
        "\0" * 300,
    ],
)
def test_what_is_no_id_is_none(text: str) -> None:
    """Texts similar to an id, and ids with names that are too long, are not ids."""
    assert VmRef.find(text) is None
    assert find_image(text) is None


@given(st.text(max_size=300))
def test_any_text_may_be_looked_through(text: str) -> None:
    """Arbitrary text raises no error."""
    assert VmRef.find(text) is None
    assert find_image(text) is None


@pytest.mark.parametrize(
    "piece",
    [
        "/subscriptions/",
        "/subscriptions/s",
        "/subscriptions/s/resourceGroups/g",
        "/subscriptions/s/resourceGroups/g/providers/Microsoft.Compute/galleries/x/images/y",
        "x",
    ],
)
def test_a_megabyte_is_looked_through_once(piece: str) -> None:
    """An id at the end of a megabyte of near misses is found: no pattern backtracks through it."""
    text = piece * (MEGABYTE // len(piece))
    assert VmRef.find(text + "/" + REF.id) == REF
    assert find_image(text + "/" + VERSION.id) == VERSION


def test_labels_are_what_the_tag_shows() -> None:
    """An image is shown by its name, a version with its gallery and definition."""
    assert (IMAGE.label, VERSION.label) == (IMAGE.name, "gallery/windows/2026.504.94807250")
    assert (MANAGED.label, GALLERY.label) == ("managed-image", "gallery/windows")


def test_what_must_be_writable() -> None:
    """A managed image needs write access to its group, a version to its definition."""
    assert MANAGED.scope == REF.group_id
    assert VersionRef("s", "g", "x", "y", "1.0.0").id.startswith(
        f"{type(GALLERY)('s', 'g', 'x', 'y').scope}/versions/"
    )


@given(st.datetimes(timezones=st.timezones()))
def test_an_instant_survives_its_tag(instant: datetime) -> None:
    """A written instant is read back to the millisecond, from any time zone."""
    try:
        utc = instant.astimezone(UTC)
    except OverflowError:
        return
    read = read_instant(write_instant(utc))
    assert read is not None
    assert timedelta() <= utc - read < timedelta(milliseconds=1)


def test_an_instant_is_written_in_utc() -> None:
    """Instants in tags have one format, from any time zone."""
    berlin = timezone(timedelta(hours=2))
    assert write_instant(NOW.astimezone(berlin)) == "2026-05-04T10:00:00.000Z"


@pytest.mark.parametrize(
    "text",
    [
        None,
        "",
        "yesterday",
        "2026-05-04",
        "2026-05-04T10:00:00",
        "0001-01-01T00:00:00+14:00",
        "9999-12-31T23:59:59-14:00",
        "2026-05-04T10:00:00+27:00",
        "\ud800",
    ],
)
def test_what_is_no_instant_is_none(text: str | None) -> None:
    """Invalid text, times without an offset and times out of range are not instants."""
    assert read_instant(text) is None


@given(st.text())
def test_any_text_may_stand_where_an_instant_should(text: str) -> None:
    """People may write any text into a tag."""
    instant = read_instant(text)
    assert instant is None or instant.tzinfo is UTC
