"""Simulated disks as a file that dissect can read, and helpers that read them."""

from typing import Any

from dissect.extfs import ExtFS
from dissect.ntfs import NTFS
from dissect.util.stream import AlignedStream
from dissect.volume.disk import Disk
from dissect.volume.lvm import LVM2
from dissect.xfs import XFS

from simulator.contents.disk import Contents, Guest, contents

SMALL_PARTITION = 600 * 1024**2

type Files = Any  # dissect ships no types


class DiskFile(AlignedStream):  # type: ignore[misc] # dissect ships no types
    """A disk's contents as a file."""

    def __init__(self, disk: Contents) -> None:
        super().__init__(disk.size)
        self._disk = disk

    def _read(self, offset: int, length: int) -> bytes:
        return self._disk.read(offset, length)


def partitions(guest: Guest) -> list[Any]:
    """Return the partitions of a guest's disk."""
    return list(Disk(DiskFile(contents(guest))).partitions)


def windows_on(guest: Guest) -> list[Files]:
    """Return the file tables of the NTFS volumes that contain Windows."""
    volumes = [NTFS(one.open()) for one in partitions(guest) if one.size > SMALL_PARTITION]
    return [volume.mft for volume in volumes]


def linux_on(guest: Guest) -> list[Files]:
    """Return the guest's own file systems, root first."""
    found = [one.open() for one in partitions(guest) if one.size > SMALL_PARTITION]
    if _begins(found[0], 512, b"LABELONE"):
        found = [volume.open() for volume in LVM2(found[0]).volume_group.lv]
    return [XFS(one) if _begins(one, 0, b"XFSB") else ExtFS(one) for one in found]


def text_of(files: Files, path: str) -> str:
    """Return the text of a file."""
    return bytes(files.get(path).open().read()).decode()


def names_in(files: Files, path: str) -> set[str]:
    """Return the names in a folder."""
    return set(files.get(path).listdir()) - {".", ".."}


def _begins(file: Any, at: int, magic: bytes) -> bool:  # noqa: ANN401 dissect ships no types
    file.seek(at)
    return bool(file.read(len(magic)) == magic)
