"""Folders and files of a file system that was opened: what all kinds of them have in common.

That something is absent is evidence here: what a guest leaves behind is gone once it was
deprovisioned. So a folder is listed strictly. Whatever is not as its file system writes it, from a
length that does not add up to a checksum that is wrong, raises `Broken`, and is never an entry
less.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Protocol

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


def add(found: dict[str, Entry], entry: Entry) -> None:
    """Take an entry in; a name that comes twice is a block in the place of another."""
    if entry.name in found:
        msg = "a folder has a name twice"
        raise Broken(msg)
    found[entry.name] = entry


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
