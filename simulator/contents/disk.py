"""The bytes of a managed OS disk, as an export of it returns them.

Takes the known state of the guest (its system, its disk's size, how far Sysprep or `waagent` got),
gives a disk that is read by offset and length: a partition table, real file systems with what the
guest left in them, and the footer of a fixed VHD. The images were made by real tools (README.md);
a disk that is larger than its image reads zero after it, like a resized disk. The same
guest always has the same bytes.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from simulator.contents import store
from simulator.contents.footer import LENGTH as FOOTER
from simulator.contents.footer import footer
from simulator.contents.store import Entry, Image
from simulator.contents.sysprep_log import setuperr

_GIB = 1024**3
_USUAL = {"Windows": "windows", "Linux": "linux"}
LAYOUTS = frozenset(entry["layout"] for entry in store.entries()) - set(_USUAL.values())


@dataclass(frozen=True)
class Guest:
    """What determines a disk's contents.

    `os_type` is Windows or Linux, `generation` V1 (MBR) or V2 (GPT), `sysprep` never, running,
    succeeded or failed (succeeded for a Linux guest: `waagent -deprovision+user` ran), `why`
    Sysprep's own reason if it failed, `layout` one of LAYOUTS or None for the usual one.
    """

    os_type: str
    generation: str
    size_gb: int
    sysprep: str
    why: str | None = None
    layout: str | None = None


class Contents:
    """A disk to be read; `size` is that of the export, footer included."""

    def __init__(self, image: Image, size: int, patches: list[tuple[int, bytes]]) -> None:
        self.size = size
        self._image = image
        self._patches = patches

    def read(self, offset: int, length: int) -> bytes:
        """Return bytes of the disk, fewer at its end, none after it."""
        if offset < 0 or length < 0:
            msg = f"a disk has no bytes at {offset}, nor {length} of them"
            raise ValueError(msg)
        length = min(length, self.size - offset)
        if length <= 0:
            return b""
        result = self._image.read(offset, length)
        for at, piece in self._patches:
            start, end = max(at, offset), min(at + len(piece), offset + length)
            if start < end:
                result[start - offset : end - offset] = piece[start - at : end - at]
        return bytes(result)


@lru_cache(maxsize=256)
def contents(guest: Guest) -> Contents:
    """Return the disk of a guest."""
    entry = image_for(guest)
    size = guest.size_gb * _GIB
    patches = [*_told(entry, guest.why or ""), (size, footer(size, repr(guest)))]
    return Contents(store.image(entry["name"]), size + FOOTER, patches)


def image_for(guest: Guest) -> Entry:
    """Return the image for a guest: of its layout, in its state, of its generation if there is one.

    A layout that has no image in a state has the usual one in it. Of several sizes it is the
    largest that is not larger than the disk, else the smallest.
    """
    usual = _USUAL[guest.os_type]
    found = _in_state(guest.layout or usual, guest.sysprep) or _in_state(usual, guest.sysprep)
    if not found:
        msg = f"Sysprep is never {guest.sysprep!r}"
        raise ValueError(msg)
    found = [entry for entry in found if entry["generation"] == guest.generation] or found
    found.sort(key=lambda entry: entry["size_gb"])
    fitting = [entry for entry in found if entry["size_gb"] <= guest.size_gb]
    return fitting[-1] if fitting else found[0]


def _in_state(layout: str, sysprep: str) -> list[Entry]:
    if layout not in LAYOUTS | set(_USUAL.values()):
        msg = f"no disk is laid out as {layout!r}"
        raise ValueError(msg)
    named = (entry for entry in store.entries() if entry["layout"] == layout)
    return [entry for entry in named if entry["sysprep"] in (sysprep, None)]


def _told(entry: Entry, why: str) -> Iterator[tuple[int, bytes]]:
    """Give what to write where, so that the log on the disk says why."""
    log = entry["log"]
    if log is None:
        return
    text = setuperr(why, sum(length for _, length in log["extents"]), log["encoding"])
    for at in log["sizes"]:
        yield at, len(text).to_bytes(8, "little")
    for at, length in log["extents"]:
        yield at, text[:length]
        text = text[length:]
