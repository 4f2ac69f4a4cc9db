"""Directories and files of an opened file system: what all kinds of file systems have in common.

The absence of a file is evidence here, because deprovisioning deletes the traces of a guest. So
directories are read strictly. Anything that the file system would not write itself, from an
inconsistent length to a wrong checksum, raises `Broken`; it never results in a missing entry.
"""

import stat
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Protocol
from uuid import UUID

from dissect.util.hash import crc32c


class Broken(Exception):
    """The file system is damaged: a file that is not found may still exist."""


class Unknown(Exception):
    """The file system has a layout that is not supported."""


class Type(Enum):
    """The type of a directory entry."""

    FOLDER = "folder"
    FILE = "file"
    LINK = "link"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Entry:
    """A directory entry; `number` is its inode number."""

    name: str
    type: Type
    number: int


class FileSystem(Protocol):
    """An opened volume. `specs` are its names in /etc/fstab, as `UUID=..` and `LABEL=..`."""

    specs: frozenset[str]
    root: int

    def is_clean(self) -> bool:
        """Whether the journal has nothing to replay that would change what is read here."""

    def list(self, folder: int) -> Mapping[str, Entry]:
        """Return a directory's entries except `.` and `..`; raise `Broken` in case of doubt."""

    def read(self, file: int, limit: int) -> bytes:
        """Return the first bytes of a file, or of the target of a symbolic link."""


class Seekable(Protocol):
    """A file, as far as volumes are read: `BinaryIO`, and a disk."""

    def seek(self, offset: int, whence: int = 0, /) -> int:
        """Set the position."""

    def read(self, size: int = -1, /) -> bytes:
        """Return the bytes from this position on."""


ITSELF = (".", "..")
"""The entries of a directory for itself and its parent."""

_TYPES = {1: Type.FILE, 2: Type.FOLDER, 7: Type.LINK}
_MODES = {stat.S_IFREG: Type.FILE, stat.S_IFDIR: Type.FOLDER, stat.S_IFLNK: Type.LINK}


def type_of(kind: int) -> Type:
    """Return the type for a directory entry's type number, which ext, XFS and Btrfs share."""
    return _TYPES.get(kind, Type.OTHER)


def type_of_mode(mode: int) -> Type:
    """Return the type for the file type bits of an inode's mode."""
    return _MODES.get(mode, Type.OTHER)


def specs_of(uuid: UUID, label: str) -> frozenset[str]:
    """Return the names that /etc/fstab can use for a file system."""
    return frozenset({f"UUID={uuid}", f"LABEL={label}"} - {"LABEL="})


def gathered(entries: Iterable[Entry]) -> dict[str, Entry]:
    """Return entries by name; raise on a duplicate, which a misplaced block would cause."""
    found: dict[str, Entry] = {}
    for entry in entries:
        if entry.name in found:
            msg = "a directory has duplicate names"
            raise Broken(msg)
        found[entry.name] = entry
    return found


def without_itself(found: Mapping[str, Entry]) -> dict[str, Entry]:
    """Return a directory's entries without `.` and `..`."""
    return {name: entry for name, entry in found.items() if name not in ITSELF}


def read_at(file: Seekable, at: int, length: int) -> bytes:
    """Return bytes of a file from a position on, fewer at its end."""
    file.seek(at)
    return file.read(length)


def unread(kind: str, features: int, names: Mapping[int, str]) -> str:
    """Return a message with a file system's unsupported features; unnamed ones by their bit."""
    bits = [1 << bit for bit in range(features.bit_length()) if features >> bit & 1]
    listed = ", ".join(names.get(bit, f"{bit:#x}") for bit in bits)
    return f"its {kind} file system has unsupported features: {listed}"


def checksum(data: bytes, seed: int = 0xFFFFFFFF) -> int:
    """Return the CRC32C of some bytes as file systems chain it: seeded, and not inverted."""
    return int(crc32c.update(seed ^ 0xFFFFFFFF, data)) ^ 0xFFFFFFFF


def inverted(data: bytes) -> int:
    """Return the CRC32C of some bytes in its usual, inverted form."""
    return int(crc32c.update(0, data))
