"""Linux disks that are hard to judge: two systems, hidden folders, LVM of all kinds.

A layout defines how its disk is partitioned, its volume group, and its systems: each a
guest's file systems by their folders. All systems are running at first; a change affects the first.
"""

import shutil
import tempfile
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path

from simulator.contents.build import (
    families,
    family_states,
    filesystems,
    linux_states,
    partitions,
    pieces,
    volume_groups,
)
from simulator.contents.build.families import Family
from simulator.contents.build.linux import Make
from simulator.contents.build.partitions import GIB, MIB, Place, Places, Wanted, partitioned
from simulator.contents.build.pieces import Volumes, whole
from simulator.contents.build.tools import copied_tree, loop, mounted
from simulator.contents.build.volume_groups import Group, Physical, Stretch

_BIOS = Wanted("bios", partitions.BIOS_BOOT, 4)
_EFI = Wanted("boot/efi", partitions.ESP, 106)
_REST = Wanted("", partitions.LINUX_DATA, None)
_ROOT = Wanted("", partitions.LINUX_DATA, 4096)
_WITH_VAR = (_BIOS, _EFI, _ROOT, Wanted("var", partitions.LINUX_DATA, None))
_WITH_SECOND = (_BIOS, _EFI, _ROOT, Wanted("second", partitions.LINUX_DATA, None))
_ON_LVM = (_EFI, _BIOS, Wanted("group", partitions.LINUX_LVM, None))
_ON_TWO = (
    _EFI,
    _BIOS,
    Wanted("group", partitions.LINUX_LVM, 3072),
    Wanted("more", partitions.LINUX_LVM, None),
)
_BESIDE_LVM = (_BIOS, _EFI, _ROOT, Wanted("group", partitions.LINUX_LVM, None))
_OTHER_DISK = 2 * GIB
_SECOND_ID = "0f1e2d3c4b5a69788796a5b4c3d2e1f0"


@dataclass(frozen=True)
class System:
    """A guest: its volumes by folder, its distribution, and what makes its file systems."""

    volumes: Volumes
    family: Family
    make: Make = filesystems.ext4
    labels: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Hard:
    """A layout; `group` and `systems` are given the places of the partitions."""

    table: tuple[Wanted, ...]
    systems: Callable[[Places], tuple[System, ...]]
    group: Callable[[Places], Group] | None = None
    finish: Callable[[Path, Places], None] = lambda image, places: None  # noqa: ARG005 nothing to do

    def disk(self, image: Path, size_gb: int, generation: str) -> Places:
        """Make the disk, its guests running."""
        del generation  # the partitions are those of a GPT
        places = partitioned(image, size_gb, "gpt", self.table)
        filesystems.vfat(image, places["boot/efi"], "EFI", "EFI/BOOT")
        pieces.other_disk(image, _OTHER_DISK)
        if self.group:
            volume_groups.made(image, self.group(places))
        for system in self.systems(places):
            _installed(image, system)
        self.finish(image, places)
        return places

    def deprovisioned(self, image: Path, places: Places) -> None:
        """Do to the first guest what the two lines do."""
        system = self.systems(places)[0]
        pieces.changed(image, system.volumes, family_states.deprovisioned(system.family))


def _installed(image: Path, system: System) -> None:
    """Make a guest's file systems, each with its part of the files."""
    with tempfile.TemporaryDirectory() as folder:
        root, file = Path(folder) / "root", image.with_name("made.img")
        root.mkdir()
        families.populate(system.family)(root)
        for name, volume in sorted(system.volumes.items(), reverse=True):
            part = Path(folder) / "part" if name else root
            if name:
                shutil.move(root / name, part)
                (root / name).mkdir()
            with file.open("wb") as empty:
                empty.truncate(volume.size)
            label = system.labels.get(name, name or "root")
            system.make(file, Place(0, volume.size), label, part)
            pieces.apart(image, volume, file)
            shutil.rmtree(part)
    # The kernel leaves its own marks when the guest runs.
    pieces.changed(image, system.volumes, lambda root: None)  # noqa: ARG005 it changes nothing


def _inline(image: Path, place: Place, label: str, tree: Path) -> None:
    """Make an ext4 volume whose small files and folders are in their inodes.

    The kernel puts folders there, mke2fs does not; with large inodes all of the guest's fit.
    """
    with tempfile.TemporaryDirectory() as nothing:
        more = ("-O", "inline_data", "-I", "1024")
        filesystems.ext4(image, place, label, Path(nothing), more)
    with ExitStack() as until:
        folder = Path(until.enter_context(tempfile.TemporaryDirectory()))
        device = until.enter_context(loop(image, place.start, place.size))
        until.enter_context(mounted(device, folder))
        copied_tree(tree, folder)


def _told(family: Family, *lines: str) -> Family:
    return replace(family, fstab="".join(f"{line}\n" for line in lines))


def _plain(places: Places, *folders: str) -> Volumes:
    return {folder: whole(places[folder]) for folder in folders}


_BY_UUID = "UUID={root} / ext4 defaults 0 1"
_ALONE = _told(families.DEBIAN_12, _BY_UUID)
_OF_SECOND = _told(families.DEBIAN_12, "UUID={second} / ext4 defaults 0 1")


def _with_identity(places: Places, image: Path) -> None:
    """Give the second guest its own identity."""

    def change(root: Path) -> None:
        (root / "etc/machine-id").write_text(f"{_SECOND_ID}\n")
        (root / "etc/hostname").write_text("other\n")

    pieces.changed(image, {"": whole(places["second"])}, change)


def _second(places: Places, make: Make, family: Family) -> System:
    return System({"": whole(places["second"])}, family, make, {"": "second"})


def _old_beside(image: Path, places: Places) -> None:
    """Deprovision the old guest, whose partition comes first."""
    _with_identity(places, image)
    old = System(_plain(places, ""), _ALONE)
    pieces.changed(image, old.volumes, family_states.deprovisioned(old.family))


def _hidden(image: Path, places: Places) -> None:
    """Put an installer's remains of /var below its mount point; the agent never ran there."""
    pieces.changed(image, _plain(places, ""), _old_var)


def _old_var(root: Path) -> None:
    for name in ("var/lib/waagent/events", "var/log", "var/spool"):
        (root / name).mkdir(parents=True, exist_ok=True)


def _elsewhere(image: Path, places: Places) -> None:
    """Leave of /var on the root no more than an installer did."""

    def change(root: Path) -> None:
        linux_states.emptied(root / "var")
        _old_var(root)

    pieces.changed(image, _plain(places, ""), change)


TWO_ROOTS = Hard(
    _WITH_SECOND,
    lambda places: (
        System(_plain(places, ""), _ALONE),
        _second(places, filesystems.ext4, _OF_SECOND),
    ),
    finish=lambda image, places: _with_identity(places, image),
)
OLD_BESIDE_BTRFS = Hard(
    _WITH_SECOND,
    lambda places: (
        System(_plain(places, ""), _ALONE),
        _second(
            places, filesystems.btrfs, _told(families.SLES_15, "UUID={second} / btrfs defaults 0 0")
        ),
    ),
    finish=_old_beside,
)
HIDDEN_VAR = Hard(
    _WITH_VAR,
    lambda places: (
        System(
            _plain(places, "", "var"),
            _told(families.DEBIAN_12, _BY_UUID, "UUID={var} /var ext4 defaults 0 2"),
        ),
    ),
    finish=_hidden,
)
VAR_ELSEWHERE = Hard(
    (_BIOS, _EFI, _REST),
    lambda places: (
        System(
            _plain(places, ""),
            _told(families.DEBIAN_12, _BY_UUID, "UUID={elsewhere} /var ext4 defaults 0 2"),
        ),
    ),
    finish=_elsewhere,
)
INLINE_DATA = Hard(
    (_BIOS, _EFI, _REST), lambda places: (System(_plain(places, ""), _ALONE, _inline),)
)


def _fstab(*folders: str, kind: str = "ext4") -> tuple[str, ...]:
    """Return the lines of an fstab that names logical volumes by their devices."""
    return tuple(
        f"/dev/mapper/rootvg-{folder or 'root'}lv /{folder} {kind} defaults 0 0"
        for folder in folders
    )


def _logical(group: Group, *folders: str) -> Volumes:
    return {folder: group.volume(f"{folder or 'root'}lv") for folder in folders}


def _on_lvm(
    group: Callable[[Places], Group],
    *folders: str,
    table: tuple[Wanted, ...] = _ON_LVM,
    kind: str = "ext4",
) -> Hard:
    """Return a layout of one guest on logical volumes, named as Red Hat's are."""
    make: Make = filesystems.xfs if kind == "xfs" else filesystems.ext4
    family = _told(families.RHEL_9, *_fstab(*folders, kind=kind))
    return Hard(
        table,
        lambda places: (System(_logical(group(places), *folders), family, make),),
        group,
    )


def _two_lvs(places: Places) -> Group:
    return Group(
        (Physical(places["group"]),),
        {"rootlv": (Stretch(0, 0, 512),), "otherlv": (Stretch(0, 512, 512),)},
    )


def _two_on_lvm(places: Places) -> tuple[System, ...]:
    group = _two_lvs(places)
    other = "/dev/mapper/rootvg-otherlv / ext4 defaults 0 0"
    return (
        System(_logical(group, ""), _told(families.RHEL_9, *_fstab(""))),
        System({"": group.volume("otherlv")}, _told(families.RHEL_9, other), labels={"": "second"}),
    )


def _two_pvs(places: Places) -> Group:
    physical = (Physical(places["group"]), Physical(places["more"]))
    return Group(
        physical,
        {
            "rootlv": (Stretch(1, 200, 300), Stretch(0, 0, 200), Stretch(0, 400, 100)),
            "varlv": (Stretch(1, 0, 200),),
        },
    )


def _pool(first: int, extents: int) -> dict[str, tuple[Stretch, ...]]:
    """Return the parts of a thin pool, from an extent on."""
    return {
        "lvol0_pmspare": (Stretch(0, first, 1),),
        f"{volume_groups.POOL}_tmeta": (Stretch(0, first + 1, 1),),
        f"{volume_groups.POOL}_tdata": (Stretch(0, first + 2, extents),),
    }


def _thin_home(places: Places) -> Group:
    linear = {"rootlv": (Stretch(0, 0, 512),), "varlv": (Stretch(0, 512, 256),)}
    return Group((Physical(places["group"]),), linear | _pool(800, 512), {"homelv": 256})


def _thin_root(places: Places) -> Group:
    return Group((Physical(places["group"]),), _pool(0, 800), {"rootlv": 512})


def _missing(places: Places) -> Group:
    linear = {"rootlv": (Stretch(0, 0, 512),), "varlv": (Stretch(0, 512, 256),)}
    return Group(_with_other(places), linear | {"datalv": (Stretch(1, 0, 256),)})


def _root_missing(places: Places) -> Group:
    return Group(_with_other(places), {"rootlv": (Stretch(0, 0, 512), Stretch(1, 0, 256))})


def _with_other(places: Places) -> tuple[Physical, ...]:
    other = Physical(Place(MIB, _OTHER_DISK - MIB), elsewhere=True)
    return (Physical(places["group"]), other)


TWO_LVS = Hard(_ON_LVM, _two_on_lvm, _two_lvs)
LVM_TWO_PVS = _on_lvm(_two_pvs, "", "var", table=_ON_TWO, kind="xfs")
LVM_THIN_HOME = _on_lvm(_thin_home, "", "home", "var")
LVM_THIN_ROOT = _on_lvm(_thin_root, "")
LVM_MISSING_PV = _on_lvm(_missing, "", "var")
LVM_ROOT_MISSING = _on_lvm(_root_missing, "")
LVM_EMPTY = Hard(
    _BESIDE_LVM,
    lambda places: (System(_plain(places, ""), _ALONE),),
    finish=lambda image, places: volume_groups.empty_physical(image, places["group"]),
)
LVM_NO_LVS = Hard(
    _BESIDE_LVM,
    lambda places: (System(_plain(places, ""), _ALONE),),
    lambda places: Group((Physical(places["group"]),)),
)
