"""A disk as a file, read in blocks by fetching byte ranges, with limits.

Each block of 64 KiB is fetched at most once, neighbouring blocks in one range. The disk's author
controls what is read from it, so the number of ranges, the total bytes and the length of a single
read are limited. Reading a few files of a file system needs a fraction of these limits.
"""

import io
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from shared.proof.watch import Endless

BLOCK = 64 * 1024
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
        self.ranges = self.fetched = 0

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

    def _need(self, first: int, last: int) -> None:
        """Ensure that these blocks are loaded; fetch missing neighbours together."""
        start = None
        for number in range(first, last + 2):
            missing = number <= last and number not in self._blocks
            if missing and start is None:
                start = number
            elif not missing and start is not None:
                self._take(start, number)
                start = None

    def _take(self, first: int, behind: int) -> None:
        offset = first * BLOCK
        length = min(behind * BLOCK, self.size) - offset
        self.ranges += 1
        self.fetched += length
        if self.ranges > RANGES or self.fetched > BYTES:
            msg = "its file system needs too many reads"
            raise Endless(msg)
        data = self._fetched(offset, length)
        for number in range(first, behind):
            start = (number - first) * BLOCK
            self._blocks[number] = data[start : start + BLOCK]

    def _fetched(self, offset: int, length: int) -> bytes:
        if not self._parsed:
            return self._fetch(offset, length)
        _PARSER.release()
        try:
            return self._fetch(offset, length)
        finally:
            _PARSER.acquire()
