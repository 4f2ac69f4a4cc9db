"""Check an image with its file systems' own checkers.

Takes an image and its partitions; raises if a checker complains. A volume that is left
unclean on purpose is not checked.
"""

from contextlib import ExitStack
from pathlib import Path

from simulator.contents.build import lvm
from simulator.contents.build.partitions import Places
from simulator.contents.build.tools import loop, run

_NOTHING_FOUND = 2
_CHECKERS = {
    "ntfs": ("ntfs-3g.probe", "--readwrite"),
    "vfat": ("fsck.vfat", "-n"),
    "ext4": ("e2fsck", "-fn"),
    "xfs": ("xfs_repair", "-n"),
    "btrfs": ("btrfs", "check", "--readonly"),
}


def check(image: Path, places: Places) -> None:
    """Ask the checker of each file system on a disk."""
    run("sfdisk", "--verify", image)
    with ExitStack() as until:
        if "lvm" in places:
            until.enter_context(lvm.gathered(image, places["lvm"]))
        for place in places.values():
            with loop(image, place.start, place.size) as device:
                check_volume(device)


def check_volume(volume: Path) -> None:
    """Ask the checker of what a device or a file has on it, if there is one."""
    words = ("blkid", "-p", "-o", "value", "-s", "TYPE", volume)
    kind = run(*words, fine=(0, _NOTHING_FOUND)).strip()
    if kind in _CHECKERS:
        run(*_CHECKERS[kind], volume)
