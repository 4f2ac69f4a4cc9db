"""Where a Windows image keeps the log that is to be filled in.

Takes an image whose log is room and nothing else, gives the extents of its data on the disk and
the places of the fields that say how long it is, for the manifest.
"""

from itertools import pairwise
from pathlib import Path

from dissect.ntfs import NTFS
from dissect.ntfs.c_ntfs import ATTRIBUTE_TYPE_CODE
from dissect.util.stream import RangeStream

from simulator.contents.build.partitions import Place
from simulator.contents.store import Log

_RECORD = 1024
_SECTOR = 512
# From the attribute's beginning: how long the data is, and how much of that is initialized.
_LENGTHS = (0x30, 0x38)
_LENGTH = 8


def place_of_log(image: Path, windows: Place, name: str, encoding: str) -> Log:
    """Return where the log lies, once sure that it can be filled in there."""
    with image.open("rb") as file:
        volume = NTFS(RangeStream(file, windows.start, windows.size))
        record = volume.mft.get(name)
        (data,) = record.attributes[ATTRIBUTE_TYPE_CODE.DATA]
        cluster = volume.cluster_size
        extents = [
            [windows.start + first * cluster, count * cluster] for first, count in record.dataruns()
        ]
        in_table = record.segment * _RECORD + data.header.offset
        sizes = [windows.start + _on_volume(volume, in_table + at) for at in _LENGTHS]
    _check(sizes)
    return {"encoding": encoding, "extents": extents, "sizes": sizes}


def _on_volume(volume: NTFS, at: int) -> int:
    """Return where a byte of the file table lies on its volume."""
    for first, count in volume.mft.get(0).dataruns():
        length = count * volume.cluster_size
        if at < length:
            return int(first * volume.cluster_size + at)
        at -= length
    msg = f"the file table ends before {at}"
    raise ValueError(msg)


def _check(sizes: list[int]) -> None:
    # The last two bytes of each sector of a record are kept elsewhere, so they cannot be written.
    for at in sizes:
        if at % _SECTOR + _LENGTH > _SECTOR - 2:
            msg = f"a length lies on the end of a sector, at {at}"
            raise ValueError(msg)
    for one, next_one in pairwise(sizes):
        if next_one - one != _LENGTHS[1] - _LENGTHS[0]:
            msg = "the log's record is not in one piece"
            raise ValueError(msg)
