"""Linux disks: their file systems, and what `waagent -deprovision+user -force` leaves on them.

Takes a size and a generation, gives the image of a disk whose guest runs, and what has to be
changed on it for each state. The agent removes host keys, the contents of its own folder and of
that of the leases, its log, and the user; it leaves /etc/machine-id as it is (read in the agent's
deprovision handlers; for Arch, CoreOS and Flatcar alone it goes). Whoever makes an image is to
empty it too, so that is what a deprovisioned guest has here, but for the layout linux-agent-only.
"""

import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from uuid import NAMESPACE_URL, uuid5

from simulator.contents.build import linux_tree, partitions
from simulator.contents.build.linux_tree import PROVISIONED, USER
from simulator.contents.build.partitions import Place, Wanted, partitioned
from simulator.contents.build.tools import loop, mounted, run

GEN2 = [
    Wanted("bios", partitions.BIOS_BOOT, 4),
    Wanted("efi", partitions.ESP, 106),
    Wanted("root", partitions.LINUX_DATA, None),
]
GEN1 = [Wanted("root", partitions.MBR_LINUX, None, active=True)]


def disk(image: Path, size_gb: int, generation: str) -> Place:
    """Make the usual disk of a guest that runs; return where its root lies."""
    places = partitioned(image, size_gb, *(("gpt", GEN2) if generation == "V2" else ("dos", GEN1)))
    if "efi" in places:
        efi(image, places["efi"])
    root = places["root"]
    with tempfile.TemporaryDirectory() as folder:
        linux_tree.populate(Path(folder))
        ext4(image, root, "cloudimg-rootfs", Path(folder))
    return root


def changed(image: Path, root: Place, change: Callable[[Path], None]) -> None:
    """Let the guest change its files."""
    with loop(image, root.start, root.size) as device, mounted(device) as folder:
        change(folder)


def ext4(image: Path, place: Place, label: str, tree: Path) -> None:
    """Make an ext4 volume that holds a folder's files, its big folders indexed."""
    seed = uuid5(NAMESPACE_URL, f"{image.name} {label}")
    with loop(image, place.start, place.size) as device:
        words = ("-q", "-F", "-t", "ext4", "-b", "4096", "-L", label, "-U", str(seed))
        run("mke2fs", *words, "-E", f"hash_seed={seed}", "-d", tree, device)
        run("e2fsck", "-fyD", device, fine=(0, 1))


def efi(image: Path, place: Place) -> None:
    """Make the EFI system partition's volume."""
    with loop(image, place.start, place.size) as device:
        run("mkfs.vfat", "-F", "32", "-i", "4C494E58", "--invariant", device)
        run("mmd", "-i", device, "::EFI", "::EFI/BOOT", "::EFI/ubuntu")


def deprovisioned(root: Path) -> None:
    """The agent is done, and the machine's identity was emptied."""
    agent_only(root)
    (root / "etc/machine-id").write_text("")


def agent_only(root: Path) -> None:
    """The agent is done, and nobody emptied the machine's identity."""
    _keys_gone(root)
    for folder in ("var/lib/dhcp", str(Path(PROVISIONED).parent)):
        _emptied(root / folder)
    shutil.rmtree(root / f"home/{USER}")
    for file in ("root/.bash_history", "var/log/waagent.log"):
        (root / file).unlink()
    for file in ("etc/passwd", "etc/shadow", "etc/sudoers.d/waagent"):
        _without_user(root / file)
    (root / "etc/hostname").write_text("localhost.localdomain\n")


def half_done(root: Path) -> None:
    """The agent was interrupted: the host keys are gone, the rest is still there."""
    _keys_gone(root)


def _keys_gone(root: Path) -> None:
    for key in (root / "etc/ssh").glob("ssh_host_*_key*"):
        key.unlink()


def _emptied(folder: Path) -> None:
    for one in folder.iterdir():
        if one.is_dir() and not one.is_symlink():
            shutil.rmtree(one)
        else:
            one.unlink()


def _without_user(file: Path) -> None:
    lines = file.read_text().splitlines(keepends=True)
    file.write_text("".join(line for line in lines if USER not in line))
