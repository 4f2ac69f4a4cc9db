"""A disk as a file, read in blocks by fetching byte ranges, with limits.

Each block of 64 KiB is fetched at most once, neighbouring blocks in one range. Blocks that will be
read are fetched ahead, at the same time: over a network `rounds` count, not ranges. The disk's
author controls what is read from it, so the number of ranges, the total bytes and the length of a
single read are limited. Reading a few files of a file system needs a fraction of these limits.
"""

import io
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import pairwise, takewhile

from shared.proof.watch import Endless

BLOCK = 64 * 1024
AHEAD, GOES_ON, CONNECTIONS = 16, 4, 4
"""The most blocks fetched ahead, those of a read that goes on, and connections for them."""

RANGES, BYTES, AT_ONCE = 160, 16 * 1024**2, 1024**2
"""The most ranges, total bytes, and bytes in one read."""

_PARSER = threading.Lock()
"""One parser at a time: dissect's structures keep their evaluation state in themselves."""

type Fetch = Callable[[int, int], bytes]
"""Offset and length -> exactly those bytes, all of them within the disk."""


class Ranges(io.RawIOBase):
    """A disk of `size` bytes, read with `fetch`; raises `Endless` beyond the limits."""

    def __init__(self, fetch: Fetch, size: int) -> None:
        self._fetch = fetch
        self._blocks: dict[int, bytes] = {}
        self._at = 0
        self._parsed = False
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
            self._parsed = True
            try:
                yield
            finally:
                self._parsed = False

    def keep(self, head: bytes) -> None:
        """Store the first bytes of the disk, which were fetched to learn its size."""
        self._blocks[0] = head[: self.size]
        self.ranges, self.fetched = self.ranges + 1, self.fetched + len(head)
        self.rounds += 1

    def ahead(self, offsets: Iterable[int]) -> None:
        """Fetch the blocks at these offsets at the same time: they will be read.

        At most `AHEAD` of them, and only those within the disk.
        """
        numbers = {offset // BLOCK for offset in offsets if 0 <= offset < self.size}
        self._take(sorted(numbers - self._blocks.keys())[:AHEAD])

    def _need(self, first: int, last: int) -> None:
        """Ensure that these blocks are loaded; a read that goes on gets the next ones as well."""
        missing = [number for number in range(first, last + 1) if number not in self._blocks]
        if missing == [first] and first - 1 in self._blocks and self.fetched < BYTES // 2:
            more = range(first + 1, min(first + GOES_ON, -(-self.size // BLOCK)))
            missing += takewhile(lambda number: number not in self._blocks, more)
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
        if not self._parsed:
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


def _pieces(numbers: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Yield runs of neighbours among ascending numbers: the first, and the one behind the last."""
    start = numbers[0]
    for number, following in pairwise((*numbers, -1)):
        if following != number + 1:
            yield start, number + 1
            start = following
