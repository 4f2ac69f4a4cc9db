"""What a disk holds, byte by byte.

Takes a disk, gives its contents as storage serves them: those of its guest for an OS disk, nothing
but a footer for any other. Azure Disk Encryption leaves ciphertext, which is what an export gives.
"""

from typing import Protocol

from simulator.arm import errors
from simulator.arm.call import member
from simulator.arm.resources import Disk
from simulator.contents import disk as contents
from simulator.contents.footer import LENGTH, footer

_GIB = 1024**3
# What Azure Disk Encryption makes of a disk: BitLocker's volume, or one of dm-crypt.
_ENCRYPTED = {"Windows": "windows-bitlocker", "Linux": "linux-luks"}


class Contents(Protocol):
    """The bytes of a disk; `size` counts the footer."""

    size: int

    def read(self, offset: int, length: int) -> bytes:
        """Return bytes from an offset, fewer at the end."""


class _Blank:
    """A disk that was never written to."""

    def __init__(self, size: int, of: str) -> None:
        self.size = size + LENGTH
        self._begins, self._footer = size, footer(size, of)

    def read(self, offset: int, length: int) -> bytes:
        """Return zeros, and the footer after them."""
        end = min(offset + length, self.size)
        zeros = bytes(max(0, min(end, self._begins) - offset))
        start = max(offset - self._begins, 0)
        return zeros + self._footer[start : max(end - self._begins, 0)]


def contents_of(disk: Disk) -> Contents:
    """Return what a disk holds now; refuse a state of which there is no image."""
    if disk.os_type not in _ENCRYPTED:
        return _Blank(disk.size_gb * _GIB, disk.id)
    encrypted = member(disk.properties, "encryptionSettingsCollection", "enabled")
    guest = contents.Guest(
        os_type=disk.os_type,
        generation=str(disk.properties.get("hyperVGeneration", "V1")),
        size_gb=disk.size_gb,
        sysprep=disk.sysprep,
        why=disk.sysprep_error,
        layout=disk.layout or (_ENCRYPTED[disk.os_type] if encrypted else None),
    )
    try:
        return contents.contents(guest)
    except ValueError as error:
        raise errors.not_simulated(str(error)) from error
