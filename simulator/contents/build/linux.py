"""Linux disks: their layouts, and the file systems on them.

Takes an image, its size and generation, gives the disk of a running guest and the places of its
file systems, by mount point ("" is the root).
"""

import shutil
import tempfile
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path

from simulator.contents.build import filesystems, linux_tree, lvm, partitions
from simulator.contents.build.partitions import Place, Places, Wanted, partitioned
from simulator.contents.build.tools import loop, mounted

# ext4 keeps the name, so it is the same on every machine.
MOUNTED_AT = Path("/run/simulated-guest")

type Make = Callable[[Path, Place, str, Path], None]
type Populate = Callable[[Path], None]

_NO_LABELS: Mapping[str, str] = {}
UNMOUNTED = "."
"""What the name of a place begins with that is not the guest's own."""

_BIOS = Wanted("bios", partitions.BIOS_BOOT, 4)
_EFI = Wanted("boot/efi", partitions.ESP, 106)
_BOOT = Wanted("boot", partitions.LINUX_DATA, 500)
GEN2 = (_BIOS, _EFI, Wanted("", partitions.LINUX_DATA, None))
_GEN1 = (Wanted("", partitions.MBR_LINUX, None, active=True),)
_WITH_BOOT = (_EFI, _BOOT, _BIOS, Wanted("", partitions.LINUX_DATA, None))
_WITH_VAR = (
    _BIOS,
    _EFI,
    Wanted("", partitions.LINUX_DATA, 4096),
    Wanted("var", partitions.LINUX_DATA, None),
)
WITH_LVM = (_EFI, _BOOT, _BIOS, Wanted("lvm", partitions.LINUX_LVM, None))


def disk(image: Path, size_gb: int, generation: str) -> Places:
    """Make the usual disk: one ext4 for all."""
    wide = partitioned(image, size_gb, *(("gpt", GEN2) if generation == "V2" else ("dos", _GEN1)))
    return filled(image, wide, filesystems.ext4)


def with_xfs(image: Path, size_gb: int, generation: str) -> Places:
    """Make a disk with XFS for /boot and for all else."""
    del generation  # the partitions are those of a GPT
    return filled(image, partitioned(image, size_gb, "gpt", _WITH_BOOT), filesystems.xfs)


def with_btrfs(image: Path, size_gb: int, generation: str) -> Places:
    """Make a disk with Btrfs."""
    del generation  # the partitions are those of a GPT
    return filled(image, partitioned(image, size_gb, "gpt", GEN2), filesystems.btrfs)


def with_var(image: Path, size_gb: int, generation: str) -> Places:
    """Make a disk with /var on a separate file system."""
    del generation  # the partitions are those of a GPT
    return filled(image, partitioned(image, size_gb, "gpt", _WITH_VAR), filesystems.ext4)


def with_lvm(make: Make, populate: Populate | None = None) -> Callable[[Path, int, str], Places]:
    """Return what makes a disk with LVM, laid out as Azure's images of Red Hat's are."""

    def on_disk(image: Path, size_gb: int, generation: str) -> Places:
        del generation  # the partitions are those of a GPT
        wide = partitioned(image, size_gb, "gpt", WITH_LVM)
        group = wide.pop("lvm")
        lvm.made(image, group)
        places = filled(image, wide | lvm.volumes(group), make, populate)
        lvm.scatter(image, group)
        return places | {"lvm": group}

    return on_disk


def changed(image: Path, places: Places, change: Callable[[Path], None]) -> None:
    """Let the guest change its files."""
    MOUNTED_AT.mkdir(exist_ok=True)
    with ExitStack() as until:
        until.callback(MOUNTED_AT.rmdir)
        if "lvm" in places:
            until.enter_context(lvm.gathered(image, places["lvm"]))
        for name, place in _file_systems(places):
            device = until.enter_context(loop(image, place.start, place.size))
            until.enter_context(mounted(device, MOUNTED_AT / name))
        change(MOUNTED_AT)


def filled(
    image: Path,
    places: Places,
    make: Make,
    populate: Populate | None = None,
    labels: Mapping[str, str] = _NO_LABELS,
) -> Places:
    """Make the file systems of a disk, each with its part of the guest's files.

    A file system's label is its folder's name, where `labels` has no other for the folder.
    """
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "root"
        root.mkdir()
        if populate:
            populate(root)
        else:
            linux_tree.populate(root, [name for name, _ in _file_systems(places) if name])
        for name, place in reversed(_file_systems(places)):
            part = Path(folder) / "part" if name else root
            if name:
                shutil.move(root / name, part)
                (root / name).mkdir()
            make(image, place, labels.get(name, name or "root"), part)
            shutil.rmtree(part)
    if "boot/efi" in places:
        filesystems.vfat(
            image, places["boot/efi"], "EFI", "EFI/BOOT", label=labels.get("boot/efi", "")
        )
    # The kernel leaves its own marks, in the journals above all, when the guest runs.
    changed(image, places, lambda root: None)  # noqa: ARG005 it changes nothing
    return places


def _file_systems(places: Places) -> list[tuple[str, Place]]:
    """Return the guest's own file systems, the outer ones first."""
    others = ("bios", "boot/efi", "lvm")
    return sorted(
        (name, place)
        for name, place in places.items()
        if name not in others and not name.startswith(UNMOUNTED)
    )
