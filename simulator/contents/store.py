"""The stored disk images: a block of 4 KiB of any of them, by its number.

Takes the files of `data` (README.md has their format), gives the images' manifest entries and
their bytes. An image is a list of runs: consecutive blocks of the pool, or blocks
that are filled with one byte; what no run names is zero. The pool holds each block once, however
many images have it, and is cut into pieces that are compressed separately, so that reading a few
ranges of a disk decompresses little more than those.
"""

import json
import lzma
from array import array
from bisect import bisect_right
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple, TypedDict

BLOCK = 4096
BLOCKS_A_PIECE = 256
FILL = 0x8000_0000
DATA = Path(__file__).parent / "data"


class Log(TypedDict):
    """Where an image keeps the log that says why Sysprep failed, to be filled in by the reader."""

    encoding: str
    extents: list[list[int]]
    sizes: list[int]


class Entry(TypedDict):
    """The manifest's entry of an image; `base` is the image that its runs change."""

    name: str
    layout: str
    generation: str
    size_gb: int
    sysprep: str | None
    base: str | None
    first_run: int
    runs: int
    log: Log | None


class Run(NamedTuple):
    """Blocks of a disk: `source` is the first one's place in the pool, or FILL and a byte."""

    start: int
    blocks: int
    source: int

    @property
    def end(self) -> int:
        """The first block after it."""
        return self.start + self.blocks

    def between(self, start: int, end: int) -> "Run":
        """Return the part of it from one block to another."""
        start, end = max(start, self.start), min(end, self.end)
        ahead = 0 if self.source & FILL else start - self.start
        return Run(start, end - start, self.source + ahead)


class Image:
    """A disk's blocks, read from the pool as they are asked for."""

    def __init__(self, runs: list[Run]) -> None:
        self._runs = runs
        self._starts = [run.start for run in runs]

    def read(self, offset: int, length: int) -> bytearray:
        """Return bytes of the disk, zero where nothing is stored."""
        first, end = offset // BLOCK, -(-(offset + length) // BLOCK)
        blocks = bytearray((end - first) * BLOCK)
        for run in self._between(first, end):
            at = (run.start - first) * BLOCK
            blocks[at : at + run.blocks * BLOCK] = _bytes_of(run)
        start = offset - first * BLOCK
        return blocks[start : start + length]

    def _between(self, first: int, end: int) -> Iterator[Run]:
        at = max(bisect_right(self._starts, first) - 1, 0)
        while at < len(self._runs) and self._runs[at].start < end:
            part = self._runs[at].between(first, end)
            if part.blocks > 0:
                yield part
            at += 1


@lru_cache
def entries() -> tuple[Entry, ...]:
    """Return what images there are."""
    manifest = json.loads((DATA / "images.json").read_text("utf-8"))
    return tuple(manifest["images"])


@lru_cache
def image(name: str) -> Image:
    """Return an image by its name."""
    return Image(runs_of(name))


def runs_of(name: str) -> list[Run]:
    """Return the runs of an image, in order, those of its base included."""
    entry = next(entry for entry in entries() if entry["name"] == name)
    own = own_runs(entry)
    return laid_over(runs_of(entry["base"]), own) if entry["base"] else own


def own_runs(entry: Entry) -> list[Run]:
    """Return the runs of an image that are not its base's, in order."""
    numbers = _all_runs()[3 * entry["first_run"] : 3 * (entry["first_run"] + entry["runs"])]
    return [Run(*numbers[at : at + 3]) for at in range(0, len(numbers), 3)]


def pool_block(number: int) -> bytes:
    """Return a block of the pool."""
    return next(_pool_blocks(number, 1))


def laid_over(below: list[Run], above: list[Run]) -> list[Run]:
    """Return two lists of runs as one, in order; where both have a block, the one above counts."""
    result = list(above)
    starts = [run.start for run in above]
    for run in below:
        start = run.start
        at = max(bisect_right(starts, start) - 1, 0)
        while at < len(above) and above[at].start < run.end:
            if above[at].end > start:
                if above[at].start > start:
                    result.append(run.between(start, above[at].start))
                start = above[at].end
            at += 1
        if start < run.end:
            result.append(run.between(start, run.end))
    return sorted(result)


@lru_cache
def _all_runs() -> array[int]:
    return array("I", lzma.decompress((DATA / "runs.xz").read_bytes()))


@lru_cache
def _pieces() -> list[tuple[int, int]]:
    """Return the place of each compressed piece of the pool in its file, and its length."""
    manifest = json.loads((DATA / "images.json").read_text("utf-8"))
    pieces, at = [], 0
    for length in manifest["pieces"]:
        pieces.append((at, length))
        at += length
    return pieces


@lru_cache(maxsize=64)
def _piece(number: int) -> bytes:
    at, length = _pieces()[number]
    with (DATA / "blocks.xz").open("rb") as pool:
        pool.seek(at)
        return lzma.decompress(pool.read(length))


def _bytes_of(run: Run) -> bytes:
    if run.source & FILL:
        return bytes([run.source & 0xFF]) * (run.blocks * BLOCK)
    return b"".join(_pool_blocks(run.source, run.blocks))


def _pool_blocks(first: int, count: int) -> Iterator[bytes]:
    while count:
        number, at = divmod(first, BLOCKS_A_PIECE)
        taken = min(count, BLOCKS_A_PIECE - at)
        yield _piece(number)[at * BLOCK : (at + taken) * BLOCK]
        first, count = first + taken, count - taken
