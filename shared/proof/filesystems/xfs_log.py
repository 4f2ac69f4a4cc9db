"""Is an XFS journal clean, without anything to replay? Its volume and superblock -> the answer.

The journal is a ring of records. Each of its 512-byte blocks begins with the number of the cycle in
which it was written, so the head is where the number drops. The volume was unmounted cleanly if the
last record before the head contains only the unmount operation
(https://docs.kernel.org/filesystems/xfs/, fs/xfs/xfs_log_recover.c).
"""

import struct
from collections.abc import Callable
from itertools import islice
from typing import Any, BinaryIO

BLOCK = 512
_MAGIC = 0xFEEDBABE
_UNMOUNTED = 0x20
_HEADER_HOLDS = 32 * 1024
"""Bytes of a record that one header block describes."""

LOOK_BACK = 1024
"""Blocks before the head in which the last record begins; a record has at most 256 KiB."""

type Block = Callable[[int], bytes]


def is_clean(file: BinaryIO, superblock: Any) -> bool:  # noqa: ANN401 - dissect ships no types
    """Whether the journal has nothing to replay; false for an external journal."""
    if not superblock.sb_logstart:
        return False
    group, inside = divmod(superblock.sb_logstart, 1 << superblock.sb_agblklog)
    start = (group * superblock.sb_agblocks + inside) * superblock.sb_blocksize
    length = superblock.sb_logblocks * superblock.sb_blocksize // BLOCK

    def block(number: int) -> bytes:
        file.seek(start + number % length * BLOCK)
        return file.read(BLOCK).ljust(BLOCK, b"\0")

    return _ends_unmounted(block, _head(block, length))


def _head(block: Block, length: int) -> int:
    """Return the first block of an older cycle than block 0; the end if there is none."""
    cycle = _cycle(block(0))
    low, high = 1, length
    while low < high:
        middle = (low + high) // 2
        if _cycle(block(middle)) == cycle:
            low = middle + 1
        else:
            high = middle
    return low


def _cycle(data: bytes) -> int:
    first, second = struct.unpack_from(">II", data)
    return int(second if first == _MAGIC else first)


def _ends_unmounted(block: Block, head: int) -> bool:
    before = ((number, block(number)) for number in range(head - 1, head - 1 - LOOK_BACK, -1))
    begins = ((number, data) for number, data in before if data[:4] == _MAGIC.to_bytes(4))
    for number, data in islice(begins, 1):
        operations, size = *struct.unpack_from(">I", data, 40), *struct.unpack_from(">I", data, 320)
        headers = max(1, -(-size // _HEADER_HOLDS))
        return operations == 1 and bool(block(number + headers)[9] & _UNMOUNTED)
    return False
