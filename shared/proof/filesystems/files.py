"""Folders and files of a file system that was opened: what all kinds of them have in common.

That something is absent is evidence here: what a guest leaves behind is gone once it was
deprovisioned. So a folder is listed strictly. Whatever is not as its file system writes it, from a
length that does not add up to a checksum that is wrong, raises `Broken`, and is never an entry
less.
"""

import stat
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Protocol
from uuid import UUID

from dissect.util.hash import crc32c


class Broken(Exception):
    """The file system does not hold together: nothing that it does not show is known to be gone."""


class Unknown(Exception):
    """The file system is laid out in a way that is not read here."""


class Type(Enum):
    """What an entry of a folder is."""

    FOLDER = "folder"
    FILE = "file"
    LINK = "link"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Entry:
    """What lies in a folder under a name; `number` is its inode's."""

    name: str
    type: Type
    number: int


class FileSystem(Protocol):
    """A volume opened. `specs` is how /etc/fstab may name it, as `UUID=..` and `LABEL=..`."""

    specs: frozenset[str]
    root: int

    def is_clean(self) -> bool:
        """Whether nothing waits in its journal that would change what is read here."""

    def list(self, folder: int) -> Mapping[str, Entry]:
        """Return what a folder holds but `.` and `..`; raise `Broken` where that is unsure."""

    def read(self, file: int, limit: int) -> bytes:
        """Return the first bytes of a file, or of a link's target."""


ITSELF = (".", "..")
"""The names by which a folder holds itself and the one above it."""

_TYPES = {1: Type.FILE, 2: Type.FOLDER, 7: Type.LINK}
_MODES = {stat.S_IFREG: Type.FILE, stat.S_IFDIR: Type.FOLDER, stat.S_IFLNK: Type.LINK}


def type_of(kind: int) -> Type:
    """Return what an entry is by its number for that, which ext, XFS and Btrfs share."""
    return _TYPES.get(kind, Type.OTHER)


def type_of_mode(mode: int) -> Type:
    """Return what an inode is by the kind in its mode."""
    return _MODES.get(mode, Type.OTHER)


def specs_of(uuid: UUID, label: str) -> frozenset[str]:
    """Return how /etc/fstab may name a file system."""
    return frozenset({f"UUID={uuid}", f"LABEL={label}"} - {"LABEL="})


def gathered(entries: Iterable[Entry]) -> dict[str, Entry]:
    """Return entries by their names; a name that comes twice is a block in the place of another."""
    found: dict[str, Entry] = {}
    for entry in entries:
        if entry.name in found:
            msg = "a folder has a name twice"
            raise Broken(msg)
        found[entry.name] = entry
    return found


def without_itself(found: Mapping[str, Entry]) -> dict[str, Entry]:
    """Return what a folder holds beside itself and the one above it."""
    return {name: entry for name, entry in found.items() if name not in ITSELF}


def unread(kind: str, features: int, names: Mapping[int, str]) -> str:
    """Return which features of a file system keep it from being read; unnamed ones by their bit."""
    bits = [1 << bit for bit in range(features.bit_length()) if features >> bit & 1]
    said = ", ".join(names.get(bit, f"{bit:#x}") for bit in bits)
    return f"its {kind} file system has features that are not read here: {said}"


def checksum(data: bytes, seed: int = 0xFFFFFFFF) -> int:
    """Return the CRC32C of some bytes as file systems chain it: seeded, and not inverted."""
    return int(crc32c.update(seed ^ 0xFFFFFFFF, data)) ^ 0xFFFFFFFF


def inverted(data: bytes) -> int:
    """Return the CRC32C of some bytes as it is usually written down."""
    return int(crc32c.update(0, data))
