"""The file format of the stored images: written here, read by `store`.

Takes disk images as sparse files, gives their blocks to the pool, each once, and their runs; an
image that was made from another is kept as the blocks that differ. Writes `blocks.xz` (the pool in
pieces), `runs.xz` (three 32-bit numbers a run) and `images.json` (the manifest).
"""

import json
import lzma
import os
from array import array
from collections.abc import Iterator
from pathlib import Path

from simulator.contents import store
from simulator.contents.store import BLOCK, BLOCKS_A_PIECE, FILL, Entry, Run

type Blocks = dict[int, int]

_FILTERS = [{"id": lzma.FILTER_LZMA2, "preset": 9 | lzma.PRESET_EXTREME, "lc": 4, "lp": 0, "pb": 0}]


class Pack:
    """The pool and the images that were added to it, in order."""

    def __init__(self) -> None:
        self._places: dict[bytes, int] = {}
        self._runs: list[Run] = []
        self._images: dict[str, Blocks] = {}
        self.entries: list[Entry] = []

    def add(self, entry: Entry, image: Path) -> None:
        """Add an image; its entry's base, if it has one, was added before."""
        blocks = {number: self._source(data) for number, data in _stored(image)}
        self._images[entry["name"]] = blocks
        if entry["base"]:
            base = self._images[entry["base"]]
            gone = dict.fromkeys(base.keys() - blocks.keys(), FILL)
            own = {number: at for number, at in blocks.items() if base.get(number) != at}
            blocks = own | gone
        runs = list(_runs(blocks))
        self.entries.append(entry | {"first_run": len(self._runs), "runs": len(runs)})
        self._runs += runs

    def keep(self, entry: Entry) -> None:
        """Add an image to the store; its entry's base, if it has one, was added before."""
        own = store.own_runs(entry)
        blocks = {number: self._stored_source(at) for number, at in _each(own)}
        base = self._images[entry["base"]] if entry["base"] else {}
        both = base | blocks
        self._images[entry["name"]] = {number: at for number, at in both.items() if at != FILL}
        runs = list(_runs(blocks))
        self.entries.append(entry | {"first_run": len(self._runs), "runs": len(runs)})
        self._runs += runs

    @property
    def size(self) -> int:
        """How many blocks the pool holds."""
        return len(self._places)

    def write(self, folder: Path) -> None:
        """Write the three files."""
        pieces = [lzma.compress(piece, filters=_FILTERS) for piece in self._pieces()]
        (folder / "blocks.xz").write_bytes(b"".join(pieces))
        numbers = array("I", [number for run in self._runs for number in run])
        (folder / "runs.xz").write_bytes(lzma.compress(numbers.tobytes(), preset=9))
        manifest = {"images": self.entries, "pieces": [len(piece) for piece in pieces]}
        (folder / "images.json").write_text(json.dumps(manifest, indent=1) + "\n", "utf-8")

    def _source(self, data: bytes) -> int:
        if data.count(data[0]) == BLOCK:
            return FILL | data[0]
        return self._places.setdefault(data, len(self._places))

    def _stored_source(self, source: int) -> int:
        return source if source & FILL else self._source(store.pool_block(source))

    def _pieces(self) -> Iterator[bytes]:
        blocks = list(self._places)
        for at in range(0, len(blocks), BLOCKS_A_PIECE):
            yield b"".join(blocks[at : at + BLOCKS_A_PIECE])


def _stored(image: Path) -> Iterator[tuple[int, bytes]]:
    """Give the blocks of a sparse file that are not zero, with their numbers."""
    zero = bytes(BLOCK)
    with image.open("rb") as file:
        for start, end in _extents(file.fileno()):
            file.seek(start)
            for number in range(start // BLOCK, -(-end // BLOCK)):
                data = file.read(BLOCK).ljust(BLOCK, b"\0")
                if data != zero:
                    yield number, data


def _extents(file: int) -> Iterator[tuple[int, int]]:
    size, end = os.fstat(file).st_size, 0
    while end < size:
        try:
            start = os.lseek(file, end, os.SEEK_DATA)
        except OSError:  # no data up to the end
            return
        end = os.lseek(file, start, os.SEEK_HOLE)
        yield start, end


def _runs(blocks: Blocks) -> Iterator[Run]:
    run: Run | None = None
    for number, source in sorted(blocks.items()):
        if run and number == run.end and source == _next_source(run):
            run = run._replace(blocks=run.blocks + 1)
            continue
        if run:
            yield run
        run = Run(number, 1, source)
    if run:
        yield run


def _each(runs: list[Run]) -> Iterator[tuple[int, int]]:
    """Give each block of some runs with its source."""
    for run in runs:
        for ahead in range(run.blocks):
            yield run.start + ahead, run.source if run.source & FILL else run.source + ahead


def _next_source(run: Run) -> int:
    return run.source if run.source & FILL else run.source + run.blocks
