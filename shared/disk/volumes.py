"""What lies on a disk: its bytes -> the volumes that file systems could be on.

Takes a disk with a GPT or MBR partition table; gives each partition, or each logical volume of LVM,
with its kind as told by its first sectors. Nothing is mounted, nothing beyond those is read.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import BinaryIO
from uuid import UUID

from dissect.volume.disk import Disk
from dissect.volume.lvm import LVM2

from shared.disk.ranges import Ranges

MOST = 64
"""Volumes looked at on one disk; Azure's own images have at most a dozen."""

_EXT_MAGIC = 0x438, b"\x53\xef"
_BTRFS_MAGIC = 0x10040, b"_BHRfS_M"
_LVM_LABELS = tuple(range(0, 2048, 512))
_DYNAMIC = {0x42, UUID("af9b60a0-1431-4f62-bc68-3311714a69ad")}
"""Partition types of a Windows dynamic disk, in MBR and in GPT."""


class Kind(StrEnum):
    """What lies on a volume, in words for people."""

    NTFS = "NTFS"
    EXT = "ext"
    XFS = "XFS"
    LVM = "LVM"
    BITLOCKER = "BitLocker"
    LUKS = "LUKS"
    REFS = "ReFS"
    BTRFS = "Btrfs"
    DYNAMIC = "a dynamic disk"
    OTHER = "something else"


ENCRYPTED = {Kind.BITLOCKER, Kind.LUKS}
_AT_START = {
    b"NTFS    ": (3, Kind.NTFS),
    b"-FVE-FS-": (3, Kind.BITLOCKER),
    b"ReFS\0\0\0\0": (3, Kind.REFS),
    b"XFSB": (0, Kind.XFS),
    b"LUKS\xba\xbe": (0, Kind.LUKS),
}


@dataclass(frozen=True, slots=True)
class Volume:
    """A part of a disk, as a file of its own."""

    kind: Kind
    file: BinaryIO


def volumes(disk: Ranges) -> list[Volume]:
    """Return a disk's volumes; raise what the parsers raise where it has no sound table."""
    found = []
    for partition in Disk(disk).partitions[:MOST]:
        file = partition.open()
        kind = Kind.DYNAMIC if partition.type in _DYNAMIC else kind_of(file)
        found += list(_logical(file)) if kind is Kind.LVM else [Volume(kind, file)]
    return found


def kind_of(file: BinaryIO) -> Kind:
    """Return what lies on a volume."""
    file.seek(0)
    head = file.read(4096)
    for magic, (at, kind) in _AT_START.items():
        if _has(head, at, magic):
            return kind
    if _has(head, *_EXT_MAGIC):
        return Kind.EXT
    if any(_has(head, at, b"LABELONE") for at in _LVM_LABELS):
        return Kind.LVM
    at, magic = _BTRFS_MAGIC
    file.seek(at)
    return Kind.BTRFS if file.read(len(magic)) == magic else Kind.OTHER


def _logical(file: BinaryIO) -> Iterator[Volume]:
    for volume in LVM2(file).volume_group.lv[:MOST]:
        opened = volume.open()
        yield Volume(kind_of(opened), opened)


def _has(head: bytes, at: int, magic: bytes) -> bool:
    return head[at : at + len(magic)] == magic
