"""The bytes of simulated disks: their format, their size, and their integrity."""

import struct
import zlib
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.contents import store
from simulator.contents.build.plan import RECIPES
from simulator.contents.disk import LAYOUTS, Guest, contents, image_for
from simulator.contents.footer import geometry
from simulator.contents.store import BLOCK, DATA, FILL, Run, laid_over

GIB = 1024**3
SECTOR = 512
STATES = ("never", "running", "succeeded", "failed")
WINDOWS = Guest("Windows", "V2", 127, "succeeded")


def every_layout() -> list[Guest]:
    """Return a guest for each layout, including the usual layouts of both sizes and generations."""
    usual = [
        Guest(os_type, generation, size_gb, "succeeded")
        for os_type in ("Windows", "Linux")
        for generation in ("V1", "V2")
        for size_gb in (8, 30, 127, 256)
    ]
    others = [
        Guest(
            "Windows" if name.startswith("windows") else "Linux", "V2", 30, "succeeded", None, name
        )
        for name in sorted(LAYOUTS)
    ]
    return usual + others


@pytest.mark.parametrize("guest", every_layout(), ids=str)
def test_the_export_ends_with_the_footer_of_a_fixed_vhd(guest: Guest) -> None:
    """The last 512 bytes are a footer with the disk's own size and the right checksum."""
    disk = contents(guest)
    footer = disk.read(disk.size - SECTOR, SECTOR)
    assert disk.size == guest.size_gb * GIB + SECTOR
    assert footer[:8] == b"conectix"
    assert struct.unpack_from(">QQ", footer, 40) == (guest.size_gb * GIB,) * 2
    assert struct.unpack_from(">I", footer, 60) == (2,)
    (checksum,) = struct.unpack_from(">I", footer, 64)
    assert checksum == ~(sum(footer) - sum(footer[64:68])) & 0xFFFF_FFFF


@pytest.mark.parametrize(
    ("size_gb", "cylinders", "heads", "sectors"),
    [(1, 2080, 16, 63), (8, 16644, 16, 63), (127, 65278, 16, 255), (1024, 65535, 16, 255)],
)
def test_the_geometry_is_that_of_the_specification(
    size_gb: int, cylinders: int, heads: int, sectors: int
) -> None:
    """Cylinders, heads and sectors are computed as in the appendix of the VHD specification."""
    assert geometry(size_gb * GIB // SECTOR) == cylinders << 16 | heads << 8 | sectors


@pytest.mark.parametrize("guest", every_layout(), ids=str)
def test_partition_tables_are_sound(guest: Guest) -> None:
    """A GPT has valid checksums, an MBR its signature; only a blank disk has neither."""
    head = contents(guest).read(0, 34 * SECTOR)
    if head[SECTOR : SECTOR + 8] == b"EFI PART":
        header = bytearray(head[SECTOR : SECTOR + 92])
        (checksum,) = struct.unpack_from("<I", header, 16)
        header[16:20] = bytes(4)
        (of_entries,) = struct.unpack_from("<I", header, 88)
        assert zlib.crc32(header) == checksum
        assert zlib.crc32(head[2 * SECTOR :]) == of_entries
    else:
        assert head[510:SECTOR] == (b"\0\0" if guest.layout == "blank" else b"\x55\xaa")


def test_generations_differ_in_their_partition_table() -> None:
    """V1 boots from an MBR without a GPT, V2 from a GPT, in Windows and in Linux."""
    for os_type in ("Windows", "Linux"):
        old = contents(Guest(os_type, "V1", 127, "never")).read(SECTOR, 8)
        new = contents(Guest(os_type, "V2", 127, "never")).read(SECTOR, 8)
        assert (old, new) == (bytes(8), b"EFI PART")


@given(offset=st.integers(0, 8 * GIB + 600), first=st.integers(0, 9000), rest=st.integers(0, 9000))
@settings(max_examples=200, deadline=None)
def test_a_read_is_its_parts(offset: int, first: int, rest: int) -> None:
    """A read in two parts equals a read in one, anywhere, and never goes beyond the end."""
    disk = contents(Guest("Windows", "V1", 8, "failed", "why"))
    whole = disk.read(offset, first + rest)
    assert whole == disk.read(offset, first) + disk.read(offset + first, rest)
    assert len(whole) == max(0, min(first + rest, disk.size - offset))


def test_a_read_before_the_beginning_is_an_error() -> None:
    """A negative offset and a negative length are errors."""
    for offset, length in ((-1, 1), (0, -1)):
        with pytest.raises(ValueError, match="a disk has no bytes"):
            contents(WINDOWS).read(offset, length)


def test_a_disk_that_is_larger_than_its_image_goes_on_with_zeros() -> None:
    """A resized disk has the smaller disk's bytes, then zeros, then the footer."""
    larger, usual = Guest("Linux", "V2", 64, "never"), Guest("Linux", "V2", 30, "never")
    assert image_for(larger) == image_for(usual)
    assert contents(larger).read(0, 1 << 20) == contents(usual).read(0, 1 << 20)
    assert contents(larger).read(30 * GIB, 1 << 20) == bytes(1 << 20)


def test_a_disk_that_is_smaller_than_any_image_is_cut() -> None:
    """A disk of 4 GiB has 4 GiB and its footer, although no image is that small."""
    disk = contents(Guest("Linux", "V2", 4, "never"))
    assert disk.read(4 * GIB, 8) == b"conectix"
    assert len(disk.read(4 * GIB - 512, 5000)) == 1024


def test_the_same_guest_has_the_same_bytes() -> None:
    """Only the guest determines its disk, footer included."""
    guest = Guest("Windows", "V2", 8, "failed", "why")
    first = contents(guest)
    contents.cache_clear()
    again = contents(guest)
    assert first is not again
    for offset in range(0, first.size, GIB):
        assert first.read(offset, 70_000) == again.read(offset, 70_000)


@pytest.mark.parametrize("sysprep", STATES)
@pytest.mark.parametrize("layout", sorted(LAYOUTS))
def test_every_layout_is_there_in_every_state(layout: str, sysprep: str) -> None:
    """A guest of any layout can have any state; if it has no image, the usual one is used."""
    os_type = "Windows" if layout.startswith("windows") else "Linux"
    entry = image_for(Guest(os_type, "V2", 30, sysprep, layout=layout))
    assert entry["layout"] in (layout, os_type.lower())
    assert entry["sysprep"] in (sysprep, None)


def test_what_is_not_there_is_an_error() -> None:
    """An unknown layout or state is refused."""
    with pytest.raises(ValueError, match="no disk is laid out as 'windows-xp'"):
        contents(Guest("Windows", "V2", 30, "never", layout="windows-xp"))
    with pytest.raises(ValueError, match="Sysprep is never 'bored'"):
        contents(Guest("Windows", "V2", 30, "bored"))


def test_the_stored_images_are_those_that_the_builder_makes() -> None:
    """The manifest lists each recipe and its variants, in their order, and nothing else."""
    planned = [
        (layout, recipe.generation, recipe.size_gb, sysprep)
        for recipe in RECIPES
        for layout, sysprep in [
            (recipe.layout, recipe.sysprep),
            *((change.layout or recipe.layout, change.sysprep) for change in recipe.changes),
        ]
    ]
    stored = [
        (entry["layout"], entry["generation"], entry["size_gb"], entry["sysprep"])
        for entry in store.entries()
    ]
    assert stored == planned


def test_every_stored_image_is_whole() -> None:
    """Each image's runs are in order, none overlaps another, and all are in the pool."""
    blocks = len(store._pieces()) * store.BLOCKS_A_PIECE
    for entry in store.entries():
        runs = store.runs_of(entry["name"])
        assert all(one.end <= following.start for one, following in pairwise(runs))
        assert all(run.source & FILL or run.source + run.blocks <= blocks for run in runs)
        assert all(run.end * BLOCK <= entry["size_gb"] * GIB for run in runs)


def test_the_images_take_little_room() -> None:
    """All of them together are under 4.5 MB."""
    assert sum(file.stat().st_size for file in DATA.iterdir()) < 4_500_000


def runs() -> st.SearchStrategy[list[Run]]:
    """Return lists of runs in order, of blocks from the pool and of fills."""
    gaps = st.tuples(
        st.integers(0, 5), st.integers(1, 9), st.integers(0, 50) | st.sampled_from([FILL, FILL | 7])
    )

    def in_order(parts: list[tuple[int, int, int]]) -> list[Run]:
        found, at = [], 0
        for gap, length, source in parts:
            found.append(Run(at + gap, length, source))
            at += gap + length
        return found

    return st.lists(gaps, max_size=8).map(in_order)


@given(below=runs(), above=runs())
def test_runs_laid_over_others_are_those_of_both(below: list[Run], above: list[Run]) -> None:
    """Each block is the upper list's if it has one, else the lower one's."""

    def block_by_block(listed: list[Run]) -> dict[int, int]:
        return {
            run.start + ahead: run.source if run.source & FILL else run.source + ahead
            for run in listed
            for ahead in range(run.blocks)
        }

    laid = laid_over(below, above)
    assert block_by_block(laid) == block_by_block(below) | block_by_block(above)
    assert sum(run.blocks for run in laid) == len(block_by_block(laid))
