"""What `waagent -deprovision+user -force` leaves on a Linux guest's disk.

Each takes the guest's root folder and changes the files as the guest would. The agent removes host
keys, the contents of its own folder and of that of the leases, its log, and the user; it leaves
/etc/machine-id as it is (read in the agent's deprovision handlers; it removes it only on Arch,
CoreOS and Flatcar). Whoever makes an image must empty it too, so a deprovisioned guest has that
here, except in the layout linux-agent-only.
"""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

from simulator.contents.build import linux, linux_tree
from simulator.contents.build.linux_tree import MACHINE_ID, PROVISIONED, USER
from simulator.contents.build.partitions import Places
from simulator.contents.build.tools import copied


def on_linux(change: Callable[[Path], None]) -> Callable[[Path, Places], None]:
    """Return the change as a change of a disk image."""

    def on_disk(image: Path, places: Places) -> None:
        linux.changed(image, places, change)

    return on_disk


def deprovisioned(root: Path) -> None:
    """The agent is done, and the machine's identity was emptied."""
    agent_only(root)
    (root / "etc/machine-id").write_text("")


def uninitialized(root: Path) -> None:
    """The agent is done, and the machine's identity was put back to what systemd starts from."""
    agent_only(root)
    (root / "etc/machine-id").write_text("uninitialized\n")


def agent_only(root: Path) -> None:
    """The agent is done, but the machine id was not emptied."""
    interrupted(root)
    emptied((root / PROVISIONED).parent)
    (root / "etc/hostname").write_text("localhost.localdomain\n")
    for file in ("root/.bash_history", "var/log/waagent.log"):
        (root / file).unlink()
    shutil.rmtree(root / f"home/{USER}")
    for name in ("etc/passwd", "etc/shadow", "etc/sudoers.d/waagent"):
        without_user(root / name)


def interrupted(root: Path) -> None:
    """The agent was interrupted: host keys and leases are gone, the rest is still there."""
    began(root)
    emptied(root / "var/lib/dhcp")


def began(root: Path) -> None:
    """The agent has begun: the host keys are gone."""
    for key in (root / "etc/ssh").glob("ssh_host_*_key*"):
        key.unlink()


def crashed_after(change: Callable[[Path], None]) -> Callable[[Path, Places], None]:
    """Return a change after which the guest ran again and crashed: only its log shows that."""

    def on_disk(image: Path, places: Places) -> None:
        def runs_and_crashes(root: Path) -> None:
            _runs(root)
            copied(image, "crashed.img")

        linux.changed(image, places, change)
        linux.changed(image, places, runs_and_crashes)
        image.with_name("crashed.img").replace(image)

    return on_disk


def _runs(root: Path) -> None:
    """Start the guest again, up to where all that it did is in its file system's log."""
    linux_tree.make_keys(root)
    (root / "etc/machine-id").write_text(f"{MACHINE_ID}\n")
    (root / PROVISIONED).write_text("again")
    for name in ("etc/machine-id", PROVISIONED, "etc/ssh"):
        file = os.open(root / name, os.O_RDONLY)
        os.fsync(file)
        os.close(file)


def emptied(folder: Path) -> None:
    """Remove the contents of a folder, if it exists, as the agent does: the folder is kept."""
    if not folder.is_dir():
        return
    for one in folder.iterdir():
        if one.is_dir() and not one.is_symlink():
            shutil.rmtree(one)
        else:
            one.unlink()


def without_user(file: Path) -> None:
    """Remove the lines of a file that name the user."""
    lines = file.read_text().splitlines(keepends=True)
    file.write_text("".join(line for line in lines if USER not in line))
