"""A disk as a file, read in blocks by fetching byte ranges, with limits.

Each block of 64 KiB is fetched at most once, neighbouring blocks in one range. Over a network
`rounds` count, not ranges: reads that do not depend on each other are rehearsed (`read_ahead`), so
that what they need is fetched at the same time. The disk's author controls what is read from it, so
the number of ranges, the total bytes and the length of a single read are limited. Reading a few
files of a file system needs a fraction of these limits.
"""

import io
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from itertools import pairwise, takewhile

from shared.proof.watch import Endless

BLOCK = 64 * 1024
AHEAD, GOES_ON, CONNECTIONS = 32, 4, 4
"""The most blocks fetched ahead in a round, those of a read that goes on, and connections."""

RANGES, BYTES, AT_ONCE = 200, 16 * 1024**2, 1024**2
"""The most ranges, total bytes, and bytes in one read."""

_PARSER = threading.Lock()
"""One parser at a time: dissect's structures keep their evaluation state in themselves."""

_local = threading.local()

type Read = Callable[[], object]
type Fetch = Callable[[int, int], bytes]
"""Offset and length -> exactly those bytes, all of them within the disk."""


class _Missing(BaseException):
    """A rehearsed read needs blocks that are not there; no `Exception`: parsers catch those."""


def read_ahead(*reads: Read) -> None:
    """Fetch what these reads of the disk that this thread parses will need, at the same time.

    Each is tried until it needs a block that is not there. The blocks that all of them need are
    fetched in one round, and they are tried again, until they need no more. What they return or
    raise is dropped: the caller does the same reads afterwards and finds their blocks there. Reads
    may call this themselves.
    """
    disk = _parsed_here()
    if disk is not None:
        disk.rehearse(reads)


class Ranges(io.RawIOBase):
    """A disk of `size` bytes, read with `fetch`; raises `Endless` beyond the limits."""

    def __init__(self, fetch: Fetch, size: int) -> None:
        self._fetch = fetch
        self._blocks: dict[int, bytes] = {}
        self._at = 0
        self._missing: set[int] | None = None
        self.size = size
        self.ranges = self.fetched = self.rounds = 0

    def seekable(self) -> bool:
        """Return true: any position can be read."""
        return True

    def readable(self) -> bool:
        """Return true."""
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Set the position; beyond the end, reads return nothing."""
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self.size}[whence]
        self._at = max(0, start + offset)
        return self._at

    def tell(self) -> int:
        """Return the position."""
        return self._at

    def read(self, size: int | None = -1) -> bytes:
        """Return the bytes from this position on, fewer at the end of the disk."""
        wanted = self.size if size is None or size < 0 else size
        end = min(self._at + wanted, self.size)
        if end <= self._at:
            return b""
        if end - self._at > AT_ONCE:
            msg = "a single read of the disk is too large"
            raise Endless(msg)
        first, last = self._at // BLOCK, (end - 1) // BLOCK
        self._need(first, last)
        data = b"".join(self._blocks[number] for number in range(first, last + 1))
        start = self._at - first * BLOCK
        self._at, length = end, end - self._at
        return data[start : start + length]

    @contextmanager
    def parsed(self) -> Iterator[None]:
        """Hold the parser lock: one disk at a time per process, except while bytes are fetched."""
        with _PARSER:
            _local.disk = self
            try:
                yield
            finally:
                _local.disk = None

    def keep(self, head: bytes) -> None:
        """Store the first bytes of the disk, which were fetched to learn its size."""
        self._blocks[0] = head[: self.size]
        self.ranges, self.fetched = self.ranges + 1, self.fetched + len(head)
        self.rounds += 1

    def rehearse(self, reads: Sequence[Read]) -> None:
        """Fetch what these reads will need (`read_ahead`), up to half of the limits."""
        if self._missing is not None:
            if self._those_that_miss(reads):
                raise _Missing
            return
        while reads and self.ranges < RANGES // 2 and self.fetched < BYTES // 2:
            reads, missing = self._try_all(reads)
            self._take(sorted(missing)[:AHEAD])

    def _try_all(self, reads: Sequence[Read]) -> tuple[Sequence[Read], set[int]]:
        """Return the reads that need blocks which are not there, and those blocks."""
        missing = self._missing = set()
        try:
            return self._those_that_miss(reads), missing  # a loop of its own frame: see watch.py
        finally:
            self._missing = None

    def _those_that_miss(self, reads: Sequence[Read]) -> list[Read]:
        return [read for read in reads if self._misses(read)]

    def _misses(self, read: Read) -> bool:
        """Try a read; return whether it needs blocks that are not there."""
        try:
            with suppress(Exception):
                read()
        except _Missing:
            return True
        return False

    def _need(self, first: int, last: int) -> None:
        """Ensure that these blocks are loaded; a read that goes on gets the next ones as well."""
        missing = [number for number in range(first, last + 1) if number not in self._blocks]
        if missing == [first] and first - 1 in self._blocks and self.fetched < BYTES // 2:
            more = range(first + 1, min(first + GOES_ON, -(-self.size // BLOCK)))
            missing += takewhile(lambda number: number not in self._blocks, more)
        if missing and self._missing is not None:
            self._missing.update(missing)
            raise _Missing
        self._take(missing)

    def _take(self, numbers: Sequence[int]) -> None:
        """Fetch blocks, neighbours in one range, the ranges at the same time."""
        if not numbers:
            return
        pieces = list(_pieces(numbers))
        spans = [
            (first * BLOCK, min(behind * BLOCK, self.size) - first * BLOCK)
            for first, behind in pieces
        ]
        self.rounds += 1
        self.ranges += len(spans)
        self.fetched += sum(length for _, length in spans)
        if self.ranges > RANGES or self.fetched > BYTES:
            msg = "its file system needs too many reads"
            raise Endless(msg)
        for (first, behind), data in zip(pieces, self._fetched(spans), strict=True):
            for number in range(first, behind):
                start = (number - first) * BLOCK
                self._blocks[number] = data[start : start + BLOCK]

    def _fetched(self, spans: Sequence[tuple[int, int]]) -> list[bytes]:
        if _parsed_here() is not self:
            return self._fetch_all(spans)
        _PARSER.release()
        try:
            return self._fetch_all(spans)
        finally:
            _PARSER.acquire()

    def _fetch_all(self, spans: Sequence[tuple[int, int]]) -> list[bytes]:
        if len(spans) == 1:
            return [self._fetch(*spans[0])]
        with ThreadPoolExecutor(min(len(spans), CONNECTIONS)) as pool:
            return list(pool.map(self._fetch, *zip(*spans, strict=True)))


def _parsed_here() -> Ranges | None:
    """Return the disk that this thread parses."""
    disk: Ranges | None = getattr(_local, "disk", None)
    return disk


def _pieces(numbers: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Yield runs of neighbours among ascending numbers: the first, and the one behind the last."""
    start = numbers[0]
    for number, following in pairwise((*numbers, -1)):
        if following != number + 1:
            yield start, number + 1
            start = following
