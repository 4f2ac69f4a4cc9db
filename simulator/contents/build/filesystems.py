"""File systems on parts of a disk image, created with a folder's files.

Takes the image, the place, a label and the folder. All random parts of a file system (ids,
hash seeds) derive from its label, and all times are fixed, so that builds are reproducible.
"""

from collections.abc import Iterator
from pathlib import Path
from uuid import NAMESPACE_URL, uuid5

from simulator.contents.build.partitions import Place
from simulator.contents.build.tools import loop, run

EFI = "5346-494D"
"""The identity of every EFI system partition's file system."""


def ext4(image: Path, place: Place, label: str, tree: Path, more: tuple[str, ...] = ()) -> None:
    """Make an ext4 volume, its big folders indexed as the kernel would.

    `more` are further options of mke2fs.
    """
    named = ("-L", label, "-U", identity(label))
    words = ("-q", "-F", "-t", "ext4", "-b", "4096", *named, *more)
    with loop(image, place.start, place.size) as device:
        run("mke2fs", *words, "-E", f"hash_seed={identity(label)}", "-d", tree, device)
        run("e2fsck", "-fyD", device, fine=(0, 1))


def xfs(image: Path, place: Place, label: str, tree: Path, more: tuple[str, ...] = ()) -> None:
    """Make an XFS volume; `more` are further options of mkfs."""
    told = ("-m", f"uuid={identity(label)}", *more)
    listing = image.with_name("tree.proto")
    listing.write_text("\n".join(["-", "0 0", "d--755 0 0", *_listed(tree), "$"]) + "\n")
    with loop(image, place.start, place.size) as device:
        run("mkfs.xfs", "-q", "-f", "-L", label, *told, "-p", listing, device)
    listing.unlink()


def btrfs(image: Path, place: Place, label: str, tree: Path) -> None:
    """Make a Btrfs volume."""
    with loop(image, place.start, place.size) as device:
        run("mkfs.btrfs", "-q", "-f", "-L", label, "-U", identity(label), "--rootdir", tree, device)


def vfat(image: Path, place: Place, *folders: str, label: str = "") -> None:
    """Make the volume of an EFI system partition, with its folders."""
    named = ("-n", label) if label else ()
    with loop(image, place.start, place.size) as device:
        run("mkfs.vfat", "-F", "32", "-i", EFI.replace("-", ""), "--invariant", *named, device)
        run("mmd", "-i", device, *(f"::{folder}" for folder in folders))


def ntfs(image: Path, place: Place, label: str) -> None:
    """Make an NTFS volume without files."""
    geometry = ("-p", str(place.start // 512), "-s", "512", "-S", "63", "-H", "255", "-c", "4096")
    with loop(image, place.start, place.size) as device:
        run("mkntfs", "-Q", "-F", "-L", label, *geometry, device)


def _listed(folder: Path) -> Iterator[str]:
    """Return the lines that describe a folder to mkfs.xfs."""
    for one in sorted(folder.iterdir()):
        mode = f"{one.stat(follow_symlinks=False).st_mode & 0o777:03o}"
        if one.is_symlink():
            yield f"{one.name} l--777 0 0 {one.readlink()}"
        elif one.is_dir():
            yield f"{one.name} d--{mode} 0 0"
            yield from _listed(one)
            yield "$"
        else:
            yield f"{one.name} ---{mode} 0 0 {one}"


def identity(label: str) -> str:
    """Return the identity (UUID) of the file system that has a label."""
    return str(uuid5(NAMESPACE_URL, label))
