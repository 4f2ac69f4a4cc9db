"""The usual disks: Windows and Linux, by generation and size, in each of the four states."""

from collections.abc import Callable, Mapping
from pathlib import Path

from simulator.contents.build import linux, windows
from simulator.contents.build.logs import place_of_log
from simulator.contents.build.pack import Pack
from simulator.contents.build.partitions import Place
from simulator.contents.build.tools import copied
from simulator.contents.store import Entry, Log

WINDOWS = (("V2", 127),)
LINUX = (("V2", 30),)
_WINDOWS_STATES = {
    "running": windows.began,
    "succeeded": windows.succeeded,
    "failed": windows.failed,
}
_LINUX_STATES = {
    "running": linux.half_done,
    "succeeded": linux.deprovisioned,
    "failed": linux.half_done,
}


def make(pack: Pack, folder: Path) -> None:
    """Add the usual disks to the pack."""
    for generation, size_gb in WINDOWS:
        image = folder / f"windows-{generation.lower()}-{size_gb}.img"
        place = windows.disk(image, size_gb, generation)
        states(pack, image, entry("windows", generation, size_gb), place, _WINDOWS_STATES)
    for generation, size_gb in LINUX:
        image = folder / f"linux-{generation.lower()}-{size_gb}.img"
        place = linux.disk(image, size_gb, generation)
        states(pack, image, entry("linux", generation, size_gb), place, _LINUX_STATES)


def entry(layout: str, generation: str, size_gb: int, sysprep: str | None = "never") -> Entry:
    """Return what the manifest is to say of an image that has no base."""
    name = f"{layout}-{generation.lower()}-{size_gb}" + (f"-{sysprep}" if sysprep else "")
    return {
        "name": name,
        "layout": layout,
        "generation": generation,
        "size_gb": size_gb,
        "sysprep": sysprep,
        "base": None,
        "first_run": 0,
        "runs": 0,
        "log": None,
    }


def states(
    pack: Pack,
    image: Path,
    base: Entry,
    place: Place,
    changes: Mapping[str, Callable[[Path], None]],
) -> None:
    """Add a disk as it is and as it is in other states; then the disk is gone."""
    pack.add(base, image)
    for sysprep, change in changes.items():
        copy = copied(image, f"copy-{image.name}")
        of_windows = change.__module__ == windows.__name__
        (windows if of_windows else linux).changed(copy, place, change)
        log: Log | None = None
        if change is windows.failed:
            log = place_of_log(copy, place, windows.ERRORS, "utf-8")
        own = entry(base["layout"], base["generation"], base["size_gb"], sysprep)
        pack.add(own | {"base": base["name"], "log": log}, copy)
        copy.unlink()
    image.unlink()
