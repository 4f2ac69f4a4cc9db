"""Was it deprovisioned? The volumes of a Linux disk -> what their files say.

`waagent -deprovision+user` takes the host keys from `/etc/ssh` and removes
`/var/lib/waagent/provisioned`; the next boot makes them anew. On most distributions it leaves
`/etc/machine-id` as it is, which then is the same on every machine made from the image, so its
owner has to empty it (https://learn.microsoft.com/azure/virtual-machines/linux/imaging).

That something is absent is only believed where the folder that would hold it can be read, and where
the journal has nothing to replay: the newest changes of a volume that was not shut down cleanly are
in its journal alone.
"""

import stat
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO

from dissect.extfs import ExtFS
from dissect.extfs.c_ext import c_ext
from dissect.xfs import XFS
from dissect.xfs.c_xfs import c_xfs

from shared.disk.volumes import Kind, Volume
from shared.disk.xfs_log import is_clean as xfs_is_clean
from shared.model import Proof, Verdict

LARGEST_BLOCK = 64 * 1024
UNINITIALIZED = {b"", b"uninitialized"}
"""What `/etc/machine-id` says on an image that is to be cloned."""

_KEYS = "ssh_host_", "_key"

type Node = Any
"""A file or folder; dissect, whose inodes these are, ships no types."""


@dataclass(frozen=True, slots=True)
class FileSystem:
    """A volume opened: its root folder, and what tells whether its journal is clean."""

    root: Node
    is_clean: Callable[[], bool]


def linux(volumes: Iterable[Volume]) -> Verdict | None:
    """Return what the Linux on these volumes says; None where there is none."""
    systems = [_opened(volume) for volume in volumes if volume.kind in (Kind.EXT, Kind.XFS)]
    for root in systems:
        etc = _folder(root.root, "etc")
        if etc is not None and _folder(root.root, "var") is not None:
            return _of_root(root, etc, systems)
    return None


def _of_root(root: FileSystem, etc: Node, systems: list[FileSystem]) -> Verdict:
    home = _agent_home(root, systems)
    if home is None:
        return _cannot("/var/lib/waagent is not there, so nothing tells whether waagent ran")
    var, agent = home
    ssh = _folder(etc, "ssh")
    if ssh is None:
        return _cannot("/etc/ssh is not there, so nothing tells of host keys")
    in_the_way = list(_in_the_way(etc, ssh, agent))
    if in_the_way:
        why = f"waagent has not deprovisioned it: {', '.join(in_the_way)}"
        return Verdict(Proof.NOT_GENERALIZED, why)
    if not (root.is_clean() and var.is_clean()):
        return _cannot("it was not shut down cleanly; start it, deprovision it and shut it down")
    why = "no host keys in /etc/ssh, no machine-id, no /var/lib/waagent/provisioned"
    return Verdict(Proof.GENERALIZED, why)


def _in_the_way(etc: Node, ssh: Node, agent: Node) -> Iterator[str]:
    """Yield what a deprovisioned Linux has no longer."""
    begins, ends = _KEYS
    if any(name.startswith(begins) and name.endswith(ends) for name in _names(ssh)):
        yield "there are host keys in /etc/ssh"
    if not _is_uninitialized(_entry(etc, "machine-id")):
        yield "/etc/machine-id names this machine (truncate -s 0 /etc/machine-id)"
    if _entry(agent, "provisioned") is not None:
        yield "/var/lib/waagent/provisioned is there"


def _is_uninitialized(file: Node) -> bool:
    if file is None:
        return True
    return file.filetype == stat.S_IFREG and file.open().read(64).strip() in UNINITIALIZED


def _agent_home(root: FileSystem, systems: list[FileSystem]) -> tuple[FileSystem, Node] | None:
    """Return waagent's folder and the volume it is on, which may be one of /var's own."""
    places = [(root, ("var", "lib", "waagent")), *((one, ("lib", "waagent")) for one in systems)]
    for system, names in places:
        folder = system.root
        for name in names:
            folder = folder and _folder(folder, name)
        if folder:
            return system, folder
    return None


def _opened(volume: Volume) -> FileSystem:
    return _ext(volume.file) if volume.kind is Kind.EXT else _xfs(volume.file)


def _ext(file: BinaryIO) -> FileSystem:
    file.seek(c_ext.EXT2_SBOFF)
    head = c_ext.ext4_super_block(file)
    if head.s_log_block_size > 6 or head.s_inode_size not in (128, 256, 512, 1024):  # noqa: PLR2004
        msg = "the superblock of the volume is unsound"
        raise ValueError(msg)
    volume = ExtFS(file)
    recover = volume.sb.s_feature_incompat & c_ext.EXT3_FEATURE_INCOMPAT_RECOVER
    return FileSystem(volume.root, lambda: not recover)


def _xfs(file: BinaryIO) -> FileSystem:
    file.seek(0)
    head = c_xfs.xfs_sb(file)
    sound = 512 <= head.sb_blocksize <= LARGEST_BLOCK and head.sb_inodesize <= 2048  # noqa: PLR2004
    if not sound or head.sb_sectsize > LARGEST_BLOCK:
        msg = "the superblock of the volume is unsound"
        raise ValueError(msg)
    volume = XFS(file)
    return FileSystem(volume.root, lambda: xfs_is_clean(file, volume.sb))


def _folder(folder: Node, name: str) -> Node:
    """Return the folder of that name; None where there is none, or a link."""
    found = _entry(folder, name)
    return found if found is not None and found.filetype == stat.S_IFDIR else None


def _entry(folder: Node, name: str) -> Node:
    return next((entry for entry in folder.iterdir() if entry.filename == name), None)


def _names(folder: Node) -> list[str]:
    return [entry.filename for entry in folder.iterdir()]


def _cannot(why: str) -> Verdict:
    return Verdict(Proof.CANNOT_TELL, why)
