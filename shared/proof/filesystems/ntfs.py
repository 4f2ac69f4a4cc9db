r"""An NTFS volume, opened to read directories and small files.

dissect finds records and indexes. A Windows that is not found is not judged, so a file must be
reported as absent only if that is certain; but dissect accepts a truncated index, and compares
names as Python does. Directories are therefore searched here, strictly: each index block must be
the one requested, complete and in order, and must lead to the intended file. Any doubt is an error.
"""

import io
import struct
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import cache, cached_property
from itertools import pairwise
from typing import BinaryIO

from dissect.ntfs import NTFS
from dissect.ntfs.c_ntfs import ATTRIBUTE_TYPE_CODE
from dissect.ntfs.index import IndexBuffer, IndexEntry, IndexRoot
from dissect.ntfs.mft import MftRecord
from dissect.ntfs.util import segment_reference

from shared.proof.filesystems.files import read_at

_LOGFILE, _VOLUME, _TOP = (2, "$LogFile"), (3, "$Volume"), 5
"""Places in the master file table: the journal, the volume information, the root directory."""

_VERSIONS = {(3, 0), (3, 1)}
_DIRTY = 0x4001
"""Flags of a volume for which chkdsk is due, or running."""

_IN_USE, _IS_FOLDER, _FOLDER_IN_INDEX = 1, 2, 0x1000_0000
_NUMBER = 0xFFFF_FFFF_FFFF
"""The part of a file reference that is the place in the master file table."""

_ROOT_HEADER, _BLOCK_HEADER = 16, 24
_DEEPEST, _SMALLEST_ENTRY, _NO_ASCII = 16, 16, 0x80
_SMALLEST_UNIT, _INDEX_LIMIT = 512, 64 * 1024
_RESTART_IS_CLEAN, _NO_CLIENT = 0x0002, 0xFFFF
_JOURNAL_HEAD = 8192
_EPOCH = datetime(1601, 1, 1, tzinfo=UTC)
_LAST_TIME = 2650467744000000000
"""The last time that both NTFS and Python can represent: the end of 9999."""

_UNUSED = io.BytesIO()
"""In place of metadata files that dissect would look up: access rights, the journal of changes."""

type _Ordered = tuple[int, ...]
type _Block = tuple[list[IndexEntry], list[_Ordered]]
"""The entries of an index block, and the names of all but the last one, the end mark."""


class _Folder:
    """A directory, whose index blocks are parsed once."""

    def __init__(self, record: MftRecord) -> None:
        self._record = record
        self._index = record.index("$I30")
        self._block = cache(self._parse_block)
        if self._index.root.bytes_per_index_buffer > _INDEX_LIMIT:
            msg = "a directory index of the volume is too large"
            raise ValueError(msg)

    def find(self, name: str) -> MftRecord | None:
        """Return the entry with a name; links are not followed.

        Raises if the index entry does not match the file: it must be the same file as when the name
        was written (sequence number), and a directory if the entry is one.
        """
        found = self._search(_ordered(name.encode("ascii")))
        if found is None:
            return None
        record = found.dereference()
        _check_file(record, name, self._record.segment)
        (kind,) = struct.unpack_from("<I", found.buf, 56)
        is_other = record.header.SequenceNumber != found.header.FileReference.SequenceNumber
        if is_other or bool(kind & _FOLDER_IN_INDEX) != bool(record.header.Flags & _IS_FOLDER):
            msg = f"a directory index and the file table have different files {name}"
            raise ValueError(msg)
        return record

    def _search(self, name: _Ordered) -> IndexEntry | None:
        """Return the entry with a name, which is ASCII; None if there is none.

        Each index block must be the one requested, end with an end mark, be in order, and lie
        between the two names that led to it.
        """
        entries, names = self._block(None)
        low: list[_Ordered] = []
        high: list[_Ordered] = []
        for _ in range(_DEEPEST):
            _check_order([*low, *names, *high])
            at = next((number for number, other in enumerate(names) if other >= name), len(names))
            if at < len(names) and names[at] == name:
                return entries[at]
            if not entries[at].is_node:
                return None
            low, high = names[at - 1 : at] if at else low, names[at : at + 1] or high
            entries, names = self._block(entries[at].node_vcn)
        msg = "a directory index has a loop"
        raise ValueError(msg)

    def _parse_block(self, number: int | None) -> _Block:
        """Return an index block by its number; None is the root."""
        entries = self._entries(number)
        return entries, [_name(entry, self._record.segment) for entry in entries[:-1]]

    def _entries(self, number: int | None) -> list[IndexEntry]:
        if number is None:
            return _entries(self._index.root, _ROOT_HEADER)
        block = self._index.index_buffer(number)
        if block.header.Vcn != number:
            msg = "a directory index leads to a block of another index"
            raise ValueError(msg)
        return _entries(block, _BLOCK_HEADER)


class Ntfs:
    """An NTFS volume, opened by the first call.

    Every call raises what dissect raises, or ValueError, if the volume is damaged or unknown.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._folder = cache(self._open_folder)
        self._found = cache(self._look_up)

    @cached_property
    def _opened(self) -> tuple[NTFS, int]:
        """The volume, and its flags."""
        _check_boot_sector(self._file)
        volume = NTFS(self._file, sds=_UNUSED, usnjrnl=_UNUSED)
        information = _file(volume, *_VOLUME).attributes
        (attribute,) = information[ATTRIBUTE_TYPE_CODE.VOLUME_INFORMATION]
        return volume, volume_flags(attribute.data())

    def find(self, *names: str) -> MftRecord | None:
        """Return the file or directory at a path; links are not followed."""
        return self._found(names)

    def _look_up(self, names: tuple[str, ...]) -> MftRecord | None:
        if not names:
            return _file(self._opened[0], _TOP, ".")
        folder = self._folder(names[:-1])
        return folder.find(names[-1]) if folder else None

    def _open_folder(self, path: tuple[str, ...]) -> _Folder | None:
        record = self.find(*path)
        is_folder = record is not None and record.header.Flags & _IS_FOLDER
        return _Folder(record) if is_folder else None

    @property
    def is_damaged(self) -> bool:
        """Whether chkdsk is due."""
        return bool(self._opened[1] & _DIRTY)

    def is_clean(self) -> bool:
        """Whether the journal has nothing to replay."""
        return is_clean(_file(self._opened[0], *_LOGFILE).open().read(_JOURNAL_HEAD))


def volume_flags(information: bytes) -> int:
    """Return the flags of the volume information; raise if its version is not supported."""
    version, flags = (information[8], information[9]), information[10:12]
    if version not in _VERSIONS:
        msg = f"NTFS {version[0]}.{version[1]} is not supported"
        raise ValueError(msg)
    return int.from_bytes(flags, "little")


def is_clean(journal: bytes) -> bool:
    """Whether an NTFS journal has nothing to replay, by the newer of its two restart pages.

    An empty journal is all ones. Otherwise it is clean if its flag says so or it has no client;
    ntfs-3g uses the same condition before it mounts.
    """
    pages = [page for at in (0, 4096) if (page := _restart(journal[at : at + 4096]))]
    if not pages:
        return journal != b"" and journal.strip(b"\xff") == b""
    _, client, flags = max(pages)
    return client == _NO_CLIENT or bool(flags & _RESTART_IS_CLEAN)


def _restart(page: bytes) -> tuple[int, int, int] | None:
    """Return a restart page's log sequence number, first client and flags."""
    if page[:4] != b"RSTR":
        return None
    (area,) = struct.unpack_from("<H", page, 24)
    number, _, _, client, flags = struct.unpack_from("<QHHHH", page, area)
    return number, client, flags


def _file(volume: NTFS, number: int, name: str) -> MftRecord:
    """Return a metadata file of the volume, which has a fixed place in the file table."""
    record = volume.mft.get(number)
    _check_file(record, name, _TOP)
    return record


def _check_file(record: MftRecord, name: str, folder: int) -> None:
    """Raise unless a file record is in use and has that name and parent directory."""
    names = [
        (entry.file_name.upper(), segment_reference(entry.attr.ParentDirectory))
        for entry in record.attributes[ATTRIBUTE_TYPE_CODE.FILE_NAME]
    ]
    if not record.header.Flags & _IN_USE or (name.upper(), folder) not in names:
        msg = f"the file table has another file instead of {name}"
        raise ValueError(msg)


def _entries(block: IndexRoot | IndexBuffer, header: int) -> list[IndexEntry]:
    """Return a block's entries; raise unless the last one is the end mark, with nothing after it.

    `header` is the offset from which the block counts its used bytes.
    """
    found = list(block.entries())
    used = header + block.header.IndexHeader.TotalSizeOfEntries
    whole = found and all(entry.length >= _SMALLEST_ENTRY for entry in found)
    if not (whole and found[-1].is_end and found[-1].offset + found[-1].length == used):
        msg = "a directory index is truncated"
        raise ValueError(msg)
    return found


def _check_order(names: Sequence[_Ordered]) -> None:
    if any(first > second for first, second in pairwise(names)):
        msg = "a directory index is not in order"
        raise ValueError(msg)


def _name(entry: IndexEntry, folder: int) -> _Ordered:
    """Return an entry's name for comparing; raise unless it belongs to that directory."""
    parent, length = struct.unpack_from("<Q56xB", entry.buf)
    if parent & _NUMBER != folder:
        msg = "a directory index has names of another directory"
        raise ValueError(msg)
    return _ordered(struct.unpack_from(f"<{length}H", entry.buf, 66))


def _ordered(name: Sequence[int]) -> _Ordered:
    """Return the part of a UTF-16 name whose order is known without the volume's upcase table.

    It ends at the first character that is not ASCII, which sorts after all ASCII characters.
    """
    upper = [unit - 32 if ord("a") <= unit <= ord("z") else unit for unit in name]
    end = next((n for n, unit in enumerate(upper) if unit >= _NO_ASCII), len(upper))
    return (*upper[:end], _NO_ASCII) if end < len(upper) else tuple(upper)


def tail(record: MftRecord | None, limit: int) -> bytes:
    """Return the end of a file, up to the limit; nothing if the file does not exist.

    Beyond the valid data length, Windows reads zeros and the disk has arbitrary data: that part is
    left out.
    """
    if record is None:
        return b""
    pieces = record.attributes.find("", ATTRIBUTE_TYPE_CODE.DATA)
    first = min((piece.header for piece in pieces), key=lambda header: header.lowest_vcn or 0)
    valid = first.size if first.resident else first.header.Form.Nonresident.ValidDataLength
    length = max(0, min(first.size, valid))
    file = record.open()
    return bytes(read_at(file, max(0, length - limit), min(length, limit)))


def written(record: MftRecord | None) -> datetime | None:
    """Return when a file was last written."""
    if record is None:
        return None
    (information, *_) = record.attributes[ATTRIBUTE_TYPE_CODE.STANDARD_INFORMATION]
    ticks = information.attribute.attr.LastModificationTime
    return _EPOCH + timedelta(microseconds=ticks // 10) if 0 < ticks < _LAST_TIME else None


def _check_boot_sector(file: BinaryIO) -> None:
    """Raise unless the sector and cluster sizes are valid: the parser does not check them."""
    boot = read_at(file, 0, 512)
    sector, cluster = struct.unpack_from("<HB", boot, 11)
    record, index = struct.unpack_from("<b3xb", boot, 64)
    sound = sector in (512, 1024, 2048, 4096) and cluster and cluster & (cluster - 1) == 0
    if not (sound and _is_small(record, sector * cluster) and _is_small(index, sector * cluster)):
        msg = "the boot sector of the volume is invalid"
        raise ValueError(msg)


def _is_small(size: int, cluster: int) -> bool:
    """Whether a size, in clusters or as a negative power of two, is within what NTFS uses."""
    length = size * cluster if size > 0 else 1 << -size
    return _SMALLEST_UNIT <= length <= _INDEX_LIMIT
