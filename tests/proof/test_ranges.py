"""A disk as a file: which ranges are fetched for a read, and the limits."""

import io
import threading
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.proof.ranges import AHEAD, AT_ONCE, BLOCK, BYTES, RANGES, Ranges, read_ahead
from shared.proof.watch import Endless, watched

SIZE = 5 * BLOCK + 700
CONTENT = bytes(n * 31 % 251 for n in range(SIZE))


class Source:
    """A disk of known content, which records what was fetched of it."""

    def __init__(self, content: bytes = CONTENT) -> None:
        self.content = content
        self.fetched: list[tuple[int, int]] = []

    def fetch(self, offset: int, length: int) -> bytes:
        """Return the bytes, and remember that."""
        self.fetched.append((offset, length))
        assert 0 <= offset < offset + length <= len(self.content)
        return self.content[offset : offset + length]


places, lengths = st.integers(0, SIZE + 10), st.integers(-1, 3 * BLOCK)


@given(reads=st.lists(st.tuples(places, lengths), max_size=8))
def test_it_reads_as_any_file(reads: list[tuple[int, int]]) -> None:
    """Any reads at any places give what a file of the same bytes gives; each byte comes once."""
    source, plain = Source(), io.BytesIO(CONTENT)
    disk = Ranges(source.fetch, SIZE)
    for offset, length in reads:
        disk.seek(offset)
        plain.seek(offset)
        assert disk.read(length) == plain.read(length)
        assert disk.tell() == plain.tell()
    blocks = [
        n for at, size in source.fetched for n in range(at // BLOCK, -(-(at + size) // BLOCK))
    ]
    assert len(blocks) == len(set(blocks))
    assert (disk.ranges, disk.fetched) == (
        len(source.fetched),
        sum(size for _, size in source.fetched),
    )


def test_neighbours_are_fetched_in_one_range() -> None:
    """A read over several blocks is one range, except for blocks that are cached."""
    source = Source()
    disk = Ranges(source.fetch, SIZE)
    disk.seek(2 * BLOCK)
    disk.read(1)
    disk.seek(0)
    disk.read(SIZE)
    assert source.fetched == [(2 * BLOCK, BLOCK), (0, 2 * BLOCK), (3 * BLOCK, SIZE - 3 * BLOCK)]


def test_reading_from_the_end() -> None:
    """A place may be given from the end, or from here, but is never before the disk."""
    disk = Ranges(Source().fetch, SIZE)
    assert disk.seek(-4, io.SEEK_END) == SIZE - 4
    assert disk.read() == CONTENT[-4:]
    assert disk.read() == b""
    assert disk.seek(-SIZE * 2, io.SEEK_CUR) == 0


def test_a_read_out_of_all_proportion_is_refused() -> None:
    """What a broken length field asks for in one read is not fetched."""
    source = Source()
    disk = Ranges(source.fetch, 2**50)
    with pytest.raises(Endless):
        disk.read(AT_ONCE + 1)
    assert source.fetched == []


def test_ranges_have_an_end() -> None:
    """However a file system leads about, no more ranges are fetched than the limit."""
    count = 0

    def fetch(_offset: int, length: int) -> bytes:
        nonlocal count
        count += 1
        return bytes(length)

    disk = Ranges(fetch, 2**50)
    for n in range(RANGES):
        disk.seek(n * 10 * BLOCK)
        disk.read(1)
    disk.seek(0, io.SEEK_END)
    disk.seek(-1, io.SEEK_CUR)
    with pytest.raises(Endless):
        disk.read(1)
    assert count == RANGES


def test_bytes_have_an_end() -> None:
    """Nor more bytes, in however few ranges."""
    disk = Ranges(lambda _offset, length: bytes(length), 2**50)
    for _ in range(BYTES // AT_ONCE):
        disk.read(AT_ONCE)
    with pytest.raises(Endless):
        disk.read(1)


def reading(disk: Ranges, *blocks: int) -> Callable[[], bytes]:
    """Return a read of a byte of each of these blocks, one after the other."""

    def read() -> bytes:
        found = b""
        for number in blocks:
            disk.seek(number * BLOCK)
            found += disk.read(1)
        return found

    return read


def test_what_reads_need_is_fetched_at_the_same_time() -> None:
    """One round for several ranges, neighbours as one; not for what is there, or beyond."""
    source, together = Source(), threading.Barrier(2, timeout=10)

    def fetch(offset: int, length: int) -> bytes:
        together.wait()
        return source.fetch(offset, length)

    disk = Ranges(fetch, SIZE)
    disk.keep(CONTENT[:BLOCK])
    with disk.parsed():
        read_ahead(*(reading(disk, number) for number in (0, 2, 3, 5, 100)))
    assert sorted(source.fetched) == [(2 * BLOCK, 2 * BLOCK), (5 * BLOCK, 700)]
    assert (disk.rounds, disk.ranges, disk.fetched) == (2, 3, 3 * BLOCK + 700)
    assert reading(disk, 2, 3)() == bytes((CONTENT[2 * BLOCK], CONTENT[3 * BLOCK]))
    assert disk.rounds == 2


def test_a_round_has_the_next_step_of_every_read() -> None:
    """Also of reads that others rehearse: as many rounds as the longest of them has steps."""
    disk = Ranges(Source(bytes(40 * BLOCK)).fetch, 40 * BLOCK)

    def both() -> None:
        read_ahead(reading(disk, 20, 24), reading(disk, 22, 26, 28))

    with disk.parsed():
        read_ahead(reading(disk, 0, 2, 4), both, reading(disk, 30))
    assert (disk.rounds, disk.ranges) == (3, 9)


def test_only_the_read_itself_fails() -> None:
    """What a rehearsal raises is dropped, and nothing is rehearsed where no disk is parsed."""
    disk, tried = Ranges(Source().fetch, SIZE), []

    def fails() -> None:
        tried.append(reading(disk, 2)())
        msg = "damaged"
        raise ValueError(msg)

    with disk.parsed():
        read_ahead(fails)
    assert (len(tried), disk.rounds) == (1, 1)
    read_ahead(fails)
    assert len(tried) == 1


def test_a_read_that_goes_on_gets_the_next_blocks_as_well() -> None:
    """Not beyond the end, and not those that are there already."""
    source = Source()
    disk = Ranges(source.fetch, SIZE)
    for number in range(6):
        disk.seek(number * BLOCK)
        assert disk.read(10) == CONTENT[number * BLOCK :][:10]
    assert source.fetched == [(0, BLOCK), (BLOCK, 4 * BLOCK), (5 * BLOCK, 700)]


def test_an_error_of_a_range_that_is_fetched_ahead_is_the_reads() -> None:
    """An error that is no `Exception`, which a parser would catch: no disk is judged without it."""

    def fetch(offset: int, length: int) -> bytes:
        msg = f"{offset} {length}"
        raise Endless(msg)

    disk = Ranges(fetch, SIZE)
    with pytest.raises(Endless), disk.parsed():
        read_ahead(reading(disk, 0), reading(disk, 2))
    with disk.parsed():
        pass


def test_a_rehearsal_that_is_stopped_anywhere_leaves_the_disk_readable(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The limit on CPU time may end it at any jump of the interpreter."""
    monkeypatch.setattr("shared.proof.watch.JUMPS_PER_CHECK", 1)
    ended = 0
    for microseconds in range(1, 600):
        disk = Ranges(Source(bytes(64 * BLOCK)).fetch, 64 * BLOCK)
        reads = [reading(disk, *range(first, 64, 8)) for first in range(8)]
        try:
            with disk.parsed(), watched(microseconds / 1e6):
                read_ahead(*reads)
        except Endless:
            ended += 1
        assert reading(disk, 63)() == b"\0"
    assert ended


def test_fetching_ahead_has_limits() -> None:
    """So many blocks in a round, and no rehearsal beyond half of what may be read."""
    source = Source(bytes(800 * BLOCK))
    disk = Ranges(source.fetch, len(source.content))
    with disk.parsed():
        read_ahead(*(reading(disk, number) for number in range(0, 80, 2)))
        assert (disk.rounds, disk.ranges) == (-(-40 // AHEAD), 40)
        read_ahead(reading(disk, *range(100, 800, 2)))
    assert disk.ranges == RANGES // 2
    assert reading(disk, 700)() == b"\0"
