"""Which disk images are built: the layouts, their generations, sizes and states.

A recipe makes a disk in its initial state, and the changes that are made to copies of it. A change
may give another layout than the recipe's, which then needs no disk of its own.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from simulator.contents.build import (
    families,
    family_disks,
    filesystems,
    hard,
    linux,
    sealed,
    windows,
)
from simulator.contents.build import family_states as fs
from simulator.contents.build import linux_states as on
from simulator.contents.build import windows_states as ws
from simulator.contents.build.families import Family
from simulator.contents.build.hard import Hard
from simulator.contents.build.linux_states import crashed_after, on_linux
from simulator.contents.build.partitions import Places, Wanted
from simulator.contents.build.subvolumes import on_subvolumes
from simulator.contents.build.windows_states import on_windows

type OnDisk = Callable[[Callable[[Path], None]], Callable[[Path, Places], None]]


@dataclass(frozen=True)
class Change:
    """A state to bring a copy of a disk to; `log` is the encoding of a log to be filled in."""

    sysprep: str
    make: Callable[[Path, Places], None]
    layout: str | None = None
    log: str | None = None
    clean: bool = True


@dataclass(frozen=True)
class Recipe:
    """A disk to build, in the state `sysprep`; None: in any state."""

    layout: str
    generation: str
    size_gb: int
    disk: Callable[[Path, int, str], Places]
    changes: tuple[Change, ...] = ()
    sysprep: str | None = "never"


WINDOWS_STATES = (
    Change("running", on_windows(ws.began)),
    Change("succeeded", on_windows(ws.succeeded)),
    Change("failed", on_windows(ws.failed), log="utf-8"),
)
OTHER_WINDOWS = (
    Change("never", on_windows(ws.tagged), "windows-from-image"),
    Change("succeeded", on_windows(ws.without_tag), "windows-no-tag"),
    Change("succeeded", on_windows(ws.audited), "windows-audit"),
    Change("succeeded", on_windows(ws.succeeded, clean=False), "windows-dirty", clean=False),
    Change("succeeded", on_windows(ws.specialized), "windows-specialize"),
    Change("succeeded", on_windows(ws.specialized_to_audit), "windows-specialize-audit"),
    Change("failed", on_windows(ws.failed), "windows-utf16-log", log="utf-16-le"),
    Change("failed", on_windows(ws.failed_later), "windows-undeployable", log="utf-8"),
)
LINUX_STATES = (
    Change("running", on_linux(on.began)),
    Change("succeeded", on_linux(on.deprovisioned)),
    Change("failed", on_linux(on.interrupted)),
)
OTHER_LINUX = (
    Change("succeeded", on_linux(on.agent_only), "linux-agent-only"),
    Change("succeeded", on_linux(on.uninitialized), "linux-cloud-init"),
    Change("succeeded", crashed_after(on.deprovisioned), "linux-dirty", clean=False),
)
XFS_STATES = (
    *LINUX_STATES,
    Change("succeeded", crashed_after(on.deprovisioned), "linux-xfs-dirty", clean=False),
)


def _states(family: Family, on: OnDisk = on_linux) -> tuple[Change, ...]:
    """Return the states of a distribution's guest after the first."""
    return (
        Change("running", on(fs.began(family))),
        Change("succeeded", on(fs.deprovisioned(family))),
        Change("failed", on(fs.interrupted(family))),
    )


def _on_sles(change: Callable[[Path], None]) -> Callable[[Path, Places], None]:
    return on_subvolumes(families.SLES_15_SUBVOLUMES, change)


def _family(
    layout: str, family: Family, table: tuple[Wanted, ...], more: tuple[Change, ...] = ()
) -> Recipe:
    return Recipe(layout, "V2", 8, family_disks.plain(family, table), _states(family) + more)


def _rhel(layout: str, family: Family) -> Recipe:
    return Recipe(layout, "V2", 8, family_disks.rhel(family), _states(family))


OTHER_UBUNTU = (
    Change("succeeded", on_linux(fs.agent_only(families.UBUNTU_2404)), "ubuntu-24.04-agent-only"),
    Change(
        "succeeded",
        on_linux(fs.emptied_after(fs.user_kept(families.UBUNTU_2404))),
        "ubuntu-24.04-user-kept",
    ),
    Change("succeeded", on_linux(fs.keys_kept(families.UBUNTU_2404)), "ubuntu-24.04-keys-kept"),
)
WITHOUT_CLOUD_INIT = (Change("succeeded", on_linux(fs.deprovisioned(families.DEBIAN_12_ALONE))),)
WITHOUT_AGENT = (
    Change("running", on_linux(fs.without_user)),
    Change("succeeded", on_linux(fs.cleaned)),
)
FLATCAR_WITHOUT_KEYS = Change(
    "succeeded", on_linux(fs.keys_removed(families.FLATCAR)), "flatcar-keys-removed"
)
FAMILIES = (
    _family("ubuntu-22.04", families.UBUNTU_2204, family_disks.UBUNTU),
    _family("ubuntu-24.04", families.UBUNTU_2404, family_disks.UBUNTU_WITH_BOOT, OTHER_UBUNTU),
    _family("debian-12", families.DEBIAN_12, family_disks.DEBIAN),
    _family("debian-13", families.DEBIAN_13, family_disks.DEBIAN),
    _rhel("rhel-8", families.RHEL_8),
    _rhel("rhel-9", families.RHEL_9),
    _rhel("rhel-10", families.RHEL_10),
    Recipe("sles-15", "V2", 8, family_disks.sles, _states(families.SLES_15, _on_sles)),
    _family("azurelinux-3", families.AZURE_LINUX_3, family_disks.AZURE_LINUX),
    Recipe(
        "debian-12-regenerate-n",
        "V2",
        8,
        family_disks.plain(families.DEBIAN_12_ALONE, family_disks.DEBIAN),
        WITHOUT_CLOUD_INIT,
    ),
    Recipe(
        "cloud-init-only",
        "V2",
        8,
        family_disks.plain(families.UBUNTU_2404_ALONE, family_disks.UBUNTU_WITH_BOOT),
        WITHOUT_AGENT,
    ),
    Recipe(
        "flatcar", "V2", 8, family_disks.flatcar, (*_states(families.FLATCAR), FLATCAR_WITHOUT_KEYS)
    ),
)


def _hard(layout: str, what: Hard) -> Recipe:
    return Recipe(layout, "V2", 8, what.disk, (Change("succeeded", what.deprovisioned),))


HARD = (
    _hard("linux-two-roots", hard.TWO_ROOTS),
    _hard("linux-two-lvs", hard.TWO_LVS),
    Recipe("linux-old-beside-btrfs", "V2", 8, hard.OLD_BESIDE_BTRFS.disk, (), None),
    _hard("linux-hidden-var", hard.HIDDEN_VAR),
    _hard("linux-var-elsewhere", hard.VAR_ELSEWHERE),
    _hard("linux-inline-data", hard.INLINE_DATA),
    _hard("linux-lvm-two-pvs", hard.LVM_TWO_PVS),
    _hard("linux-lvm-thin-home", hard.LVM_THIN_HOME),
    _hard("linux-lvm-thin-root", hard.LVM_THIN_ROOT),
    _hard("linux-lvm-missing-pv", hard.LVM_MISSING_PV),
    _hard("linux-lvm-root-missing", hard.LVM_ROOT_MISSING),
    _hard("linux-lvm-empty", hard.LVM_EMPTY),
    _hard("linux-lvm-no-lvs", hard.LVM_NO_LVS),
)
RECIPES = (
    Recipe("windows", "V2", 127, windows.disk, WINDOWS_STATES),
    Recipe("windows", "V1", 127, windows.disk, WINDOWS_STATES),
    Recipe("windows", "V2", 8, windows.disk, WINDOWS_STATES + OTHER_WINDOWS),
    Recipe("windows", "V1", 8, windows.disk, WINDOWS_STATES),
    Recipe("windows-two", "V2", 8, windows.two, WINDOWS_STATES),
    Recipe("windows-data-folder", "V2", 8, windows.with_data, WINDOWS_STATES),
    Recipe("windows-damaged-second", "V2", 8, windows.with_damaged, WINDOWS_STATES),
    Recipe("windows-ldm", "V1", 8, windows.dynamic, (), None),
    Recipe("windows-bitlocker", "V2", 8, sealed.bitlocker, (), None),
    Recipe("windows-bitlocker", "V1", 8, sealed.bitlocker, (), None),
    Recipe("linux", "V2", 30, linux.disk, LINUX_STATES),
    Recipe("linux", "V2", 8, linux.disk, LINUX_STATES + OTHER_LINUX),
    Recipe("linux", "V1", 8, linux.disk, LINUX_STATES),
    Recipe("linux-xfs", "V2", 8, linux.with_xfs, XFS_STATES),
    Recipe("linux-separate-var", "V2", 8, linux.with_var, LINUX_STATES),
    Recipe("linux-lvm", "V2", 8, linux.with_lvm(filesystems.ext4), LINUX_STATES),
    Recipe("linux-lvm-xfs", "V2", 8, linux.with_lvm(filesystems.xfs), LINUX_STATES),
    Recipe("linux-btrfs", "V2", 8, linux.with_btrfs, LINUX_STATES),
    Recipe("linux-luks", "V2", 8, sealed.luks, (), None),
    Recipe("blank", "V2", 1, sealed.blank, (), None),
    *FAMILIES,
    *HARD,
)
