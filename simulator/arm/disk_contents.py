"""What a disk holds, byte by byte.

Takes a disk, gives its contents: a raw image with a VHD footer, as storage serves it.
"""

from typing import Protocol

from simulator.arm.resources import Disk

_GIB = 1024**3
_FOOTER = 512


class Contents(Protocol):
    """The bytes of a disk; `size` counts the footer."""

    @property
    def size(self) -> int:
        """How many there are."""

    def read(self, offset: int, length: int) -> bytes:
        """Return bytes from an offset, fewer at the end."""


class _Zeros:
    def __init__(self, size_gb: int) -> None:
        self.size = size_gb * _GIB + _FOOTER

    def read(self, offset: int, length: int) -> bytes:
        return bytes(max(0, min(length, self.size - offset)))


def contents_of(disk: Disk) -> Contents:
    """Return what a disk holds now."""
    return _Zeros(disk.size_gb)
