"""The disk layouts of Azure's Linux distributions.

Takes an image, its size and generation, gives the disk of a running guest. Sizes are rounded; on
Ubuntu's and Debian's disks the root is the first partition of the table and the last one of the
disk. Azure's own image of SLES has XFS and a separate /boot: Btrfs in subvolumes is what SUSE's
installer creates.
"""

from collections.abc import Callable
from pathlib import Path

from simulator.contents.build import families, filesystems, linux, partitions, subvolumes
from simulator.contents.build.families import SLES_15_SUBVOLUMES, Family
from simulator.contents.build.partitions import Place, Places, Wanted, partitioned

type Disk = Callable[[Path, int, str], Places]

_ROOT = Wanted("", partitions.LINUX_DATA, None, number=1)
UBUNTU = (
    Wanted("bios", partitions.BIOS_BOOT, 4, number=14),
    Wanted("boot/efi", partitions.ESP, 106, number=15),
    _ROOT,
)
UBUNTU_WITH_BOOT = (
    *UBUNTU[:2],
    Wanted("boot", partitions.LINUX_DATA, 913, number=16),
    _ROOT,
)
DEBIAN = (
    Wanted("bios", partitions.BIOS_BOOT, 3, number=14),
    Wanted("boot/efi", partitions.ESP, 124, number=15),
    _ROOT,
)
AZURE_LINUX = (
    Wanted("boot/efi", partitions.ESP, 64),
    Wanted("boot", partitions.LINUX_DATA, 500),
    Wanted("", partitions.LINUX_DATA, None),
)
_SLES = (
    Wanted("bios", partitions.BIOS_BOOT, 2),
    Wanted("boot/efi", partitions.ESP, 512),
    Wanted("", partitions.LINUX_DATA, None),
)
_FLATCAR = (
    Wanted("boot/efi", partitions.ESP, 1024, title="EFI-SYSTEM"),
    Wanted("bios", partitions.BIOS_BOOT, 2, title="BIOS-BOOT"),
    Wanted("usr", partitions.FLATCAR_USR, 2048, title="USR-A"),
    Wanted(".usr-b", partitions.FLATCAR_USR, 2048, title="USR-B"),
    Wanted("oem", partitions.LINUX_DATA, 1024, number=6, title="OEM"),
    Wanted(".oem-config", partitions.FLATCAR_RESERVED, 64, number=7, title="OEM-CONFIG"),
    Wanted("", partitions.FLATCAR_ROOT, None, number=9, title="ROOT"),
)


def plain(family: Family, table: tuple[Wanted, ...]) -> Disk:
    """Return what makes a disk with a partition for each file system."""

    def on_disk(image: Path, size_gb: int, generation: str) -> Places:
        del generation  # the partitions are those of a GPT
        places = partitioned(image, size_gb, "gpt", table)
        populate = families.populate(family)
        return linux.filled(image, places, family.make, populate, family.labels)

    return on_disk


def rhel(family: Family) -> Disk:
    """Return what makes a disk with LVM, as Red Hat's images have it."""
    return linux.with_lvm(family.make, families.populate(family))


def sles(image: Path, size_gb: int, generation: str) -> Places:
    """Make a disk of SLES, its Btrfs in subvolumes."""
    del generation  # the partitions are those of a GPT
    places = partitioned(image, size_gb, "gpt", _SLES)
    filesystems.vfat(image, places["boot/efi"], "EFI", "EFI/BOOT")
    populate = families.populate(families.SLES_15)
    subvolumes.made(image, places[""], SLES_15_SUBVOLUMES, populate)
    return places


def flatcar(image: Path, size_gb: int, generation: str) -> Places:
    """Make a disk of Flatcar: /usr and /oem are Btrfs, all that a guest changes is on ROOT.

    Its /etc contains what differs from /usr's own, which is overlaid below it at run time.
    """
    del generation  # the partitions are those of a GPT
    places = partitioned(image, size_gb, "gpt", _FLATCAR)
    labels = {"": "ROOT", "oem": "OEM", "usr": "USR-A", "boot/efi": "EFI-SYSTEM"}
    populate = families.populate(families.FLATCAR)
    return linux.filled(image, places, _make_flatcar, populate, labels)


def _make_flatcar(image: Path, place: Place, label: str, tree: Path) -> None:
    make = filesystems.ext4 if label == "ROOT" else filesystems.btrfs
    make(image, place, label, tree)
