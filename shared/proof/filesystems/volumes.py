"""Find the volumes of a disk: its bytes -> the volumes that can contain file systems.

Takes a disk with a GPT or MBR partition table. Returns each partition, or each LVM logical volume,
with its kind, read from its first sectors, and the names that /etc/fstab can use for it. Nothing is
mounted, and nothing else is read.
"""

import struct
import zlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from typing import Any, BinaryIO
from uuid import UUID

from dissect.volume.disk import Disk
from dissect.volume.disk.schemes import GPT

from shared.proof.filesystems.files import Broken, read_at
from shared.proof.filesystems.lvm import logical_volumes
from shared.proof.ranges import Ranges, read_ahead

MOST = 64
"""The most partitions read on one disk; Azure's own images have at most a dozen."""

_EXT_MAGIC = 0x438, b"\x53\xef"
_BTRFS_MAGIC = 0x10040, b"_BHRfS_M"
_LVM_LABELS = tuple(range(0, 2048, 512))
_DYNAMIC = {0x42, UUID("af9b60a0-1431-4f62-bc68-3311714a69ad")}
"""Partition types of a Windows dynamic disk, in MBR and in GPT."""

_LINUX = {
    0x83,
    UUID("0fc63daf-8483-4772-8e79-3d69d8477de4"),
    UUID("4f68bce3-e8cd-4db1-96e7-fbcaf984b709"),
    UUID("b921b045-1df0-41c3-af44-4c6f280d3fae"),
}
"""Partition types of a Linux file system: any, the root of an x64 and of an Arm64 machine."""

_SWAP = 4086, b"SWAPSPACE2"
FAT = (54, b"FAT"), (82, b"FAT32")
_HEAD = 128 * 1024
"""Bytes at the start of a volume, to which every Linux file system writes something."""

_GPT_AT, _GPT_LONGEST, _ENTRIES_LONGEST = 512, 512, 64 * 1024


class Kind(StrEnum):
    """What a volume contains; the values are shown to people."""

    NTFS = "NTFS"
    EXT = "ext"
    XFS = "XFS"
    LVM = "LVM"
    BITLOCKER = "BitLocker"
    LUKS = "LUKS"
    REFS = "ReFS"
    BTRFS = "Btrfs"
    DYNAMIC = "a dynamic disk"
    CLOSED = "a volume that cannot be opened"
    UNKNOWN = "a Linux volume without a known file system"
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
    """A volume of a disk as a file; `file` is None if it cannot be opened, with `why`.

    `name` is for people; `specs` are the names that /etc/fstab can use for it, as written there.
    """

    kind: Kind
    file: BinaryIO | None
    name: str = ""
    specs: frozenset[str] = frozenset()
    why: str = ""


def find_volumes(disk: Ranges) -> list[Volume]:
    """Return a disk's volumes; raise what the parsers raise if its partition table is invalid."""
    found, physical = [], {}
    table = Disk(disk)
    if isinstance(table.scheme, GPT):
        _check_gpt(disk)
    partitions = table.partitions[:MOST]
    files = [partition.open() for partition in partitions]
    _read_heads(files)
    for partition, file in zip(partitions, files, strict=True):
        of_linux = partition.type in _LINUX
        kind = Kind.DYNAMIC if partition.type in _DYNAMIC else _kind(file, of_linux=of_linux)
        name = f"partition {partition.number}"
        if kind is Kind.LVM:
            physical[name] = file
        else:
            found.append(Volume(kind, file, name, _specs(table, partition)))
    return [*found, *_logical(physical)]


def kind_of(file: BinaryIO) -> Kind:
    """Return the kind of a volume."""
    head = read_at(file, 0, 4096)
    for magic, (at, kind) in _AT_START.items():
        if _has(head, at, magic):
            return kind
    if _has(head, *_EXT_MAGIC):
        return Kind.EXT
    if any(_has(head, at, b"LABELONE") for at in _LVM_LABELS):
        return Kind.LVM
    at, magic = _BTRFS_MAGIC
    return Kind.BTRFS if read_at(file, at, len(magic)) == magic else Kind.OTHER


def _read_heads(files: Iterable[BinaryIO]) -> None:
    """Fetch what the kinds of volumes are read from, at the same time."""
    read_ahead(*(partial(read_at, file, at, 1) for file in files for at in (0, _BTRFS_MAGIC[0])))


def _kind(file: BinaryIO, *, of_linux: bool) -> Kind:
    """Return the kind of a volume; unknown data on a Linux volume may be a damaged file system."""
    kind = kind_of(file)
    return Kind.UNKNOWN if kind is Kind.OTHER and of_linux and _is_written(file) else kind


def _is_written(file: BinaryIO) -> bool:
    """Whether a volume of unknown kind contains data other than swap space or FAT."""
    head = read_at(file, 0, _HEAD)
    return any(head) and not any(_has(head, *magic) for magic in (_SWAP, *FAT))


def _logical(physical: Mapping[str, BinaryIO]) -> Iterator[Volume]:
    found = list(logical_volumes(physical))
    _read_heads([one.file for one in found if one.file])
    for logical in found:
        name, file = logical.name, logical.file
        specs = frozenset({logical.mapped, f"/dev/{name}"} if logical.group else ())
        if file is None:
            kind = Kind.CLOSED if logical.group else Kind.LVM
            yield Volume(kind, None, name, specs, logical.why)
        else:
            yield Volume(_kind(file, of_linux=True), file, name, specs)


def _specs(table: Any, partition: Any) -> frozenset[str]:  # noqa: ANN401 - dissect's Disk, Partition
    specs = set()
    if partition.guid:
        specs.add(f"PARTUUID={partition.guid}")
    elif table.serial is not None:
        specs.add(f"PARTUUID={table.serial:08x}-{partition.number:02x}")
    if partition.name:
        specs.add(f"PARTLABEL={partition.name}")
    return frozenset(specs)


def _check_gpt(disk: Ranges) -> None:
    """Raise unless the checksums of a GPT match: no partition may be missing from it."""
    header = read_at(disk, _GPT_AT, _GPT_LONGEST)
    (length, written) = struct.unpack_from("<II", header, 12)
    (at, count, size, entries) = struct.unpack_from("<QIII", header, 72)
    sound = header[:8] == b"EFI PART" and 92 <= length <= len(header)  # noqa: PLR2004 - the header
    if sound and count * size <= _ENTRIES_LONGEST:
        table = read_at(disk, at * 512, count * size)
        own = header[:16] + bytes(4) + header[20:length]
        if zlib.crc32(own) == written and zlib.crc32(table) == entries:
            return
    msg = "its partition table is damaged"
    raise Broken(msg)


def _has(head: bytes, at: int, magic: bytes) -> bool:
    return head[at : at + len(magic)] == magic
