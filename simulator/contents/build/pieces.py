"""Volumes in pieces on one disk or two.

Takes an image and the places of the pieces; a volume is assembled in a separate file, changed
there, and split again. What is on another disk is in a file beside the image, which is
not stored.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from simulator.contents.build.check import check_volume
from simulator.contents.build.linux import MOUNTED_AT
from simulator.contents.build.partitions import MIB, Place
from simulator.contents.build.tools import empty, loop, mounted

_OTHER = "other.img"


@dataclass(frozen=True)
class Piece:
    """A part of a volume: its start in the volume, its place, and whether it is on this disk."""

    at: int
    place: Place
    elsewhere: bool = False


@dataclass(frozen=True)
class Volume:
    """A volume in pieces; `written` is called with the image and the volume after a change."""

    pieces: tuple[Piece, ...]
    written: Callable[[Path, Path], None] = lambda image, volume: None  # noqa: ARG005 nothing to do

    @property
    def size(self) -> int:
        """How many bytes it has."""
        return sum(piece.place.size for piece in self.pieces)


type Volumes = dict[str, Volume]
"""The volumes of a guest by the folders that they are mounted at."""


def whole(place: Place) -> Volume:
    """Return a volume in one piece."""
    return Volume((Piece(0, place),))


def other_disk(image: Path, size: int) -> Path:
    """Make the disk that belongs to the guest and is not stored."""
    empty(image.with_name(_OTHER), size)
    return image.with_name(_OTHER)


def changed(image: Path, volumes: Volumes, change: Callable[[Path], None]) -> None:
    """Let the guest change its files; look whether its file systems are sound then."""
    files = {
        folder: _together(image, volume, number)
        for number, (folder, volume) in enumerate(sorted(volumes.items()))
    }
    MOUNTED_AT.mkdir(exist_ok=True)
    with ExitStack() as until:
        until.callback(MOUNTED_AT.rmdir)
        for folder, file in files.items():
            device = until.enter_context(loop(file))
            until.enter_context(mounted(device, MOUNTED_AT / folder))
        change(MOUNTED_AT)
    for folder, file in files.items():
        with loop(file) as device:
            check_volume(device)
        apart(image, volumes[folder], file)


def apart(image: Path, volume: Volume, file: Path) -> None:
    """Write a volume from its file to its places, and remove the file."""
    with file.open("rb") as source:
        for piece in volume.pieces:
            with disk_of(image, elsewhere=piece.elsewhere).open("r+b") as target:
                # What was there is gone where the volume has nothing now.
                _copied(None, target.fileno(), piece.place.start, piece.place)
                _copied(source.fileno(), target.fileno(), piece.at, piece.place)
                os.fsync(target.fileno())
    volume.written(image, file)
    file.unlink()


def _together(image: Path, volume: Volume, number: int) -> Path:
    file = image.with_name(f"volume-{number}.img")
    empty(file, volume.size)
    with file.open("r+b") as target:
        for piece in volume.pieces:
            with disk_of(image, elsewhere=piece.elsewhere).open("rb") as source:
                there = Place(piece.at, piece.place.size)
                _copied(source.fileno(), target.fileno(), piece.place.start, there)
    return file


def disk_of(image: Path, *, elsewhere: bool) -> Path:
    """Return the disk itself or the guest's other one."""
    return image.with_name(_OTHER) if elsewhere else image


def _copied(source: int | None, target: int, start: int, place: Place) -> None:
    """Copy what a file has from `start` on to a place in another; without a source, zeros."""
    for at, end in data(target if source is None else source, start, start + place.size):
        for position in range(at, end, MIB):
            length = min(MIB, end - position)
            found = bytes(length) if source is None else os.pread(source, length, position)
            os.pwrite(target, found, place.start + position - start)


def data(file: int, start: int, end: int) -> Iterator[tuple[int, int]]:
    """Give the stretches of a sparse file that it has, between two offsets."""
    while start < end:
        try:
            start = os.lseek(file, start, os.SEEK_DATA)
        except OSError:  # no data up to the end
            return
        if start >= end:
            return
        hole = min(os.lseek(file, start, os.SEEK_HOLE), end)
        yield start, hole
        start = hole
