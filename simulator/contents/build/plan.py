"""What disk images are made: the layouts, their generations, sizes and states.

A recipe makes a disk as it is before anything was done to it, and the changes that are made to
copies of it. A change may give another layout than the recipe's, which then needs no disk of its
own.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from simulator.contents.build import filesystems, linux, sealed, windows
from simulator.contents.build import linux_states as on
from simulator.contents.build import windows_states as ws
from simulator.contents.build.linux_states import crashed_after, on_linux
from simulator.contents.build.partitions import Places
from simulator.contents.build.windows_states import on_windows


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
    """A disk to make, as it is in the state `sysprep`; None: whatever the guest did."""

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
RECIPES = (
    Recipe("windows", "V2", 127, windows.disk, WINDOWS_STATES),
    Recipe("windows", "V1", 127, windows.disk, WINDOWS_STATES),
    Recipe("windows", "V2", 8, windows.disk, WINDOWS_STATES + OTHER_WINDOWS),
    Recipe("windows", "V1", 8, windows.disk, WINDOWS_STATES),
    Recipe("windows-two", "V2", 8, windows.two, WINDOWS_STATES),
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
)
