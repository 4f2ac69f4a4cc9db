"""Is an XFS journal clean, without anything to replay? Its volume and superblock -> the answer.

The journal is a ring of records. Each of its 512-byte blocks begins with the number of the cycle in
which it was written, so the head is where the number drops. The volume was unmounted cleanly if the
last record before the head contains only the unmount operation
(https://docs.kernel.org/filesystems/xfs/, fs/xfs/xfs_log_recover.c).
"""

import struct
from collections.abc import Iterator
from functools import cache, partial
from itertools import islice
from typing import Any, BinaryIO

from shared.proof.filesystems.files import read_at
from shared.proof.ranges import read_ahead

BLOCK = 512
_MAGIC = 0xFEEDBABE
_UNMOUNTED = 0x20
_HEADER_HOLDS = 32 * 1024
"""Bytes of a record that one header block describes."""

LOOK_BACK = 1024
"""Blocks before the head in which the last record begins; a record has at most 256 KiB."""

STEPS = 2
"""Steps of the search for the head whose blocks are fetched at the same time."""


class Journal:
    """The journal of a volume, whose blocks are read once."""

    def __init__(self, file: BinaryIO, superblock: Any) -> None:  # noqa: ANN401 - dissect ships no types
        self._file, self._is_external = file, not superblock.sb_logstart
        group, inside = divmod(superblock.sb_logstart, 1 << superblock.sb_agblklog)
        self._start = (group * superblock.sb_agblocks + inside) * superblock.sb_blocksize
        self._length = superblock.sb_logblocks * superblock.sb_blocksize // BLOCK
        self._block = cache(self._read_block)

    def is_clean(self) -> bool:
        """Whether the journal has nothing to replay; false for an external journal."""
        return not self._is_external and self._ends_unmounted(self._head())

    def _read_block(self, number: int) -> bytes:
        at = self._start + number % self._length * BLOCK
        return read_at(self._file, at, BLOCK).ljust(BLOCK, b"\0")

    def _head(self) -> int:
        """Return the first block of an older cycle than block 0; the end if there is none."""
        cycle = _cycle(self._block(0))
        low, high = 1, self._length
        steps = 0
        while low < high:
            if steps % STEPS == 0:
                read_ahead(*(partial(self._block, one) for one in _middles(low, high, STEPS)))
            middle = (low + high) // 2
            if _cycle(self._block(middle)) == cycle:
                low = middle + 1
            else:
                high = middle
            steps += 1
        return low

    def _ends_unmounted(self, head: int) -> bool:
        before = range(head - 1, head - 1 - LOOK_BACK, -1)
        begins = (number for number in before if self._block(number)[:4] == _MAGIC.to_bytes(4))
        for number in islice(begins, 1):
            data = self._block(number)
            operations, size = (struct.unpack_from(">I", data, at)[0] for at in (40, 320))
            headers = max(1, -(-size // _HEADER_HOLDS))
            return operations == 1 and bool(self._block(number + headers)[9] & _UNMOUNTED)
        return False


def _middles(low: int, high: int, steps: int) -> Iterator[int]:
    """Yield the blocks that the next steps of a binary search may need."""
    if steps and low < high:
        middle = (low + high) // 2
        yield middle
        yield from _middles(low, middle, steps - 1)
        yield from _middles(middle + 1, high, steps - 1)


def _cycle(data: bytes) -> int:
    first, second = struct.unpack_from(">II", data)
    return int(second if first == _MAGIC else first)
