"""Structures on an NTFS volume that Windows writes and no tool here: written byte by byte.

Takes an image and the place of a volume that is not mounted. A file table in several pieces, as
on a used volume; the journal's two restart pages, which show whether the volume was shut down
cleanly; and the place of a log to be filled in. The structures are those that ntfs-3g checks.
"""

import random
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from dissect.ntfs import NTFS
from dissect.ntfs.c_ntfs import ATTRIBUTE_TYPE_CODE
from dissect.util.stream import RangeStream

from simulator.contents.build.partitions import Place
from simulator.contents.store import Log

_MFT, _MIRROR, _LOGFILE, _BITMAP = 0, 1, 2, 6
_RECORD = 1024
_SECTOR = 512
_PAGE = 4096
_LSN = 0x0010_0000
_CLEAN = 2
_NO_CLIENT = 0xFFFF
# From the attribute's beginning: how long the data is, and how much of that is initialized.
_LENGTHS = (0x30, 0x38)
_LENGTH = 8

# Of the clusters that the file table, and of those that folders grow into: each so manieth is held,
# over more than ntfs-3g looks at before it takes the longest stretch that is free.
_TABLE_PIECE, _TABLE_REACH = 600, 131_072
_FOLDER_PIECE, _FOLDER_REACH = 24, 1_000_000

type Volume = Any  # dissect ships no types


@contextmanager
def in_pieces(image: Path, place: Place) -> Iterator[None]:
    """Let the file table and folders grow around clusters that are held while this lasts."""
    with image.open("rb") as file:
        volume = _volume(file, place)
        table = volume.mft.get(_MFT).dataruns()[0][0]
        # Behind an eighth of the volume, which ntfs-3g leaves to the file table.
        folders = place.size // volume.cluster_size // 8
    held = {
        *range(table + _TABLE_PIECE, table + _TABLE_REACH, _TABLE_PIECE),
        *range(folders, folders + _FOLDER_REACH, _FOLDER_PIECE),
    }
    bitmap, _ = _extents(image, place, _BITMAP)[0]
    taken = _flipped(image, bitmap, held, used=False)
    yield
    _flipped(image, bitmap, taken, used=True)


def write_journal(image: Path, place: Place, *, clean: bool) -> None:
    """Write an empty journal whose restart pages say how the volume was left."""
    start, length = _extents(image, place, _LOGFILE)[0]
    page = _restart_page(length, clean=clean)
    with image.open("r+b") as file:
        file.seek(start)
        file.write(page + page + b"\xff" * (length - 2 * _PAGE))


def without_table(image: Path, place: Place) -> None:
    """Overwrite a volume's file table and the copy of its beginning, as a failing disk may."""
    chance = random.Random("damaged")  # noqa: S311 it has to be the same each time
    tables = [*_extents(image, place, _MFT), *_extents(image, place, _MIRROR)]
    with image.open("r+b") as file:
        for start, length in tables:
            file.seek(start)
            file.write(chance.randbytes(length))


def place_of_log(image: Path, place: Place, name: str, encoding: str) -> Log:
    """Return the place of the log, after checking that it can be filled in there."""
    with image.open("rb") as file:
        volume = _volume(file, place)
        record = volume.mft.get(name)
        (data,) = record.attributes[ATTRIBUTE_TYPE_CODE.DATA]
        in_table = record.segment * _RECORD + data.header.offset
        extents = [[start, length] for start, length in _runs(volume, place, record.segment)]
        sizes = [_in_table(_runs(volume, place, _MFT), in_table + at) for at in _LENGTHS]
    # The last two bytes of each sector of a record are kept elsewhere, so they cannot be written.
    if any(at % _SECTOR + _LENGTH > _SECTOR - 2 for at in sizes):
        msg = f"a length lies at the end of a sector: {sizes}"
        raise ValueError(msg)
    return {"encoding": encoding, "extents": extents, "sizes": sizes}


def _flipped(image: Path, bitmap: int, clusters: set[int], *, used: bool) -> set[int]:
    """Flip the marks of those clusters that are used, or that are not; return which those were."""
    flipped = set()
    with image.open("r+b") as file:
        for cluster in clusters:
            file.seek(bitmap + cluster // 8)
            marks = file.read(1)[0]
            if bool(marks >> cluster % 8 & 1) == used:
                flipped.add(cluster)
                file.seek(bitmap + cluster // 8)
                file.write(bytes([marks ^ 1 << cluster % 8]))
    return flipped


def _restart_page(length: int, *, clean: bool) -> bytes:
    """Return a restart page (version 1.1) of a journal of that length."""
    free, used = (0, _NO_CLIENT) if clean else (_NO_CLIENT, 0)
    header = struct.pack("<4sHHqIIHHH", b"RSTR", 30, 9, 0, _PAGE, _PAGE, 48, 1, 1)
    area = struct.pack(
        "<qHHHHIHHqIHHII",
        _LSN,
        1,
        free,
        used,
        _CLEAN if clean else 0,
        67 - length.bit_length(),
        64 + 160,
        64,
        length,
        0,
        48,
        64,
        1,
        0,
    )
    client = struct.pack("<qqHHH6xI", _LSN, _LSN, _NO_CLIENT, _NO_CLIENT, 0, 8)
    name = "NTFS".encode("utf-16-le")
    page = bytearray(header.ljust(48, b"\0") + area.ljust(64, b"\0") + client + name)
    page = page.ljust(_PAGE, b"\0")
    return _protected(page)


def _protected(page: bytearray) -> bytes:
    """Write the update sequence number to each sector's end, and the old bytes to its array."""
    number = b"\1\0"
    ends = range(_SECTOR - 2, _PAGE, _SECTOR)
    page[30:48] = number + b"".join(page[end : end + 2] for end in ends)
    for end in ends:
        page[end : end + 2] = number
    return bytes(page)


def _extents(image: Path, place: Place, segment: int) -> list[tuple[int, int]]:
    with image.open("rb") as file:
        return _runs(_volume(file, place), place, segment)


def _runs(volume: Volume, place: Place, segment: int) -> list[tuple[int, int]]:
    """Return the places of a file's data on the disk, and the length of each piece."""
    size = volume.cluster_size
    runs = volume.mft.get(segment).dataruns()
    return [(place.start + first * size, count * size) for first, count in runs]


def _in_table(runs: list[tuple[int, int]], at: int) -> int:
    """Return the place of a byte of the file table on the disk."""
    for start, length in runs:
        if at < length:
            return start + at
        at -= length
    msg = f"the file table ends before {at}"
    raise ValueError(msg)


def _volume(file: Any, place: Place) -> Volume:  # noqa: ANN401 dissect ships no types
    return NTFS(RangeStream(file, place.start, place.size))
