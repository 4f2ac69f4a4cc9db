"""What deprovisioning leaves on the disk of each of Azure's distributions.

Each takes the distribution and the guest's root folder and changes the files as the guest would.
The agent's behaviour was read in `azurelinuxagent/pa/deprovision` and `common/osutil`: it removes
the host keys only if its settings say so, /etc/machine-id only on Flatcar, and /etc/resolv.conf
except on Ubuntu. It leaves cloud-init's files as they are.
"""

import shutil
from collections.abc import Callable
from pathlib import Path

from simulator.contents.build import linux_states
from simulator.contents.build.families import AGENT_USERS, RESOLV, Family
from simulator.contents.build.linux_tree import PROVISIONED, USER

type Change = Callable[[Path], None]

_LEASES = ("var/lib/dhclient", "var/lib/dhcpcd", "var/lib/dhcp")
_ACCOUNTS = ("etc/passwd", "etc/shadow", "etc/group")


def began(family: Family) -> Change:
    """The agent has started: keys (if it is to remove them) and leases are gone."""

    def change(root: Path) -> None:
        if family.says("RegenerateSshHostKeyPair"):
            linux_states.began(root)
        for folder in _LEASES:
            linux_states.emptied(root / folder)
        (root / "etc/hostname").write_text("localhost.localdomain\n")
        if family.says("DeleteRootPassword"):
            _without_password(root)

    return change


def interrupted(family: Family) -> Change:
    """The agent died while it emptied its folder: who the user is went, its mark is still there."""

    def change(root: Path) -> None:
        began(family)(root)
        for file in (root / PROVISIONED).parent.iterdir():
            if file.is_file() and file.name != Path(PROVISIONED).name:
                file.unlink()

    return change


def user_kept(family: Family) -> Change:
    """The agent is done, without +user."""

    def change(root: Path) -> None:
        began(family)(root)
        linux_states.emptied(root / "var/lib/waagent")
        linux_states.emptied(root / "var/log/azure")
        for file in ("root/.bash_history", "var/log/waagent.log"):
            (root / file).unlink(missing_ok=True)
        if not family.keeps_resolv:
            (root / RESOLV).unlink(missing_ok=True)
        if family.removes_machine_id:
            (root / "etc/machine-id").unlink()

    return change


def agent_only(family: Family) -> Change:
    """The agent is done, but the machine id was not emptied."""

    def change(root: Path) -> None:
        user_kept(family)(root)
        without_user(root)
        if (root / AGENT_USERS).exists():
            linux_states.without_user(root / AGENT_USERS)

    return change


def deprovisioned(family: Family) -> Change:
    """The agent is done, then /etc/machine-id was emptied (`truncate` creates it if missing)."""
    return emptied_after(agent_only(family))


def emptied_after(change: Change) -> Change:
    """Return a change after which the machine's identity is emptied."""

    def both(root: Path) -> None:
        change(root)
        (root / "etc/machine-id").write_text("")

    return both


def keys_removed(family: Family) -> Change:
    """All is done, and the owner has removed the host keys, which the agent has left."""

    def change(root: Path) -> None:
        deprovisioned(family)(root)
        linux_states.began(root)

    return change


def keys_kept(family: Family) -> Change:
    """All is done, but cloud-init is configured to keep the host keys: all machines share them."""

    def change(root: Path) -> None:
        deprovisioned(family)(root)
        (root / "etc/cloud/cloud.cfg.d/90-keep.cfg").write_text("ssh_deletekeys: false\n")

    return change


def without_user(root: Path) -> None:
    """Remove the user's account and home; what cloud-init wrote for it among sudoers stays."""
    shutil.rmtree(root / f"home/{USER}")
    for name in _ACCOUNTS:
        linux_states.without_user(root / name)


def cleaned(root: Path) -> None:
    """`cloud-init clean --logs --machine-id` is done; keys and user stay as they are."""
    linux_states.emptied(root / "var/lib/cloud")
    for log in ("var/log/cloud-init.log", "var/log/cloud-init-output.log"):
        (root / log).unlink()
    (root / "etc/machine-id").write_text("uninitialized\n")


def _without_password(root: Path) -> None:
    shadow = root / "etc/shadow"
    lines = [line for line in shadow.read_text().splitlines() if not line.startswith("root:")]
    shadow.write_text("\n".join(["root:*LOCK*:14600::::::", *lines]) + "\n")
