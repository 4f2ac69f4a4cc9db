"""The folders and files of a Linux system, as far as they can be read.

Takes the folder that becomes `/` (with /var, /usr, /boot on separate file systems or not) and
fills it as a running guest of Azure, provisioned by cloud-init or the agent. Names, numbers and
contents are plausible; keys are fake.
"""

import random
from collections.abc import Iterable, Iterator
from pathlib import Path

from simulator.contents.build.tools import named

USER = "azureuser"
MACHINE_ID = "4c4c45440042351080544bc04f4a3533"
KEYS = ("rsa", "ecdsa", "ed25519")
PROVISIONED = "var/lib/waagent/provisioned"
FOLDERS = named("linux-folders", "\n")
LINKS = {"bin": "usr/bin", "sbin": "usr/sbin", "lib": "usr/lib"}
BINARIES = 1400
DOCS = 900
MAN_PAGES = 1200
_SYLLABLES = named("linux-syllables")


def populate(root: Path, mounted: Iterable[str] = ()) -> None:
    """Make the folders and files of a Linux guest that was provisioned.

    `mounted` are the folders that are file systems of their own; each is its label, too.
    """
    for folder in FOLDERS:
        (root / folder).mkdir(parents=True, exist_ok=True)
    for link, target in LINKS.items():
        (root / link).symlink_to(target)
    for name in _many():
        (root / name).write_bytes(b"")
    for name, text in _texts().items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    with (root / "etc/fstab").open("a") as fstab:
        fstab.writelines(f"LABEL={name} /{name} auto defaults 0 2\n" for name in mounted)
    make_keys(root)
    (root / "var/lib/dbus/machine-id").symlink_to("/etc/machine-id")
    (root / "etc/resolv.conf").symlink_to("../run/systemd/resolve/stub-resolv.conf")


def make_keys(root: Path) -> None:
    """Make the host keys, as the first start of sshd does."""
    for kind in KEYS:
        key = root / f"etc/ssh/ssh_host_{kind}_key"
        key.write_text(f"simulated {kind} private key\n" * 12)
        key.chmod(0o600)
        key.with_name(f"{key.name}.pub").write_text(f"ssh-{kind} AAAA simulated\n")


def _many() -> Iterator[str]:
    chance = random.Random("linux")  # noqa: S311 it has to be the same each time
    for folder, count, ending in (
        ("usr/bin", BINARIES, ""),
        ("usr/share/doc", DOCS, "-doc"),
        ("usr/share/man/man1", MAN_PAGES, ".1.gz"),
    ):
        names: set[str] = set()
        while len(names) < count:
            names.add("".join(chance.choices(_SYLLABLES, k=chance.choice((2, 3, 3)))) + ending)
        yield from (f"{folder}/{name}" for name in sorted(names))


def _texts() -> dict[str, str]:
    agent = "var/lib/waagent"
    instance = "4f3b7d0e-5b1e-4f0a-9b64-1f2d7c1f0a11"
    return {
        "etc/machine-id": f"{MACHINE_ID}\n",
        "etc/hostname": "web\n",
        "etc/hosts": "127.0.0.1 localhost\n",
        "etc/fstab": "LABEL=root / auto defaults 0 1\n",
        "etc/os-release": 'NAME="Simulated Linux"\nID=simulated\nVERSION_ID="1"\n',
        "etc/waagent.conf": "Provisioning.Agent=auto\nProvisioning.RegenerateSshHostKeyPair=y\n",
        "etc/ssh/sshd_config": "Include /etc/ssh/sshd_config.d/*.conf\n",
        "etc/passwd": f"root:x:0:0:root:/root:/bin/sh\n{USER}:x:1000:1000::/home/{USER}:/bin/sh\n",
        "etc/shadow": f"root:*:20000:0:99999:7:::\n{USER}:!:20000:0:99999:7:::\n",
        "etc/sudoers.d/waagent": f"{USER} ALL=(ALL) NOPASSWD: ALL\n",
        f"home/{USER}/.bashrc": "# a shell's start\n",
        f"home/{USER}/.ssh/authorized_keys": "ssh-ed25519 AAAA simulated\n",
        f"{agent}/provisioned": instance,
        f"{agent}/ovf-env.xml": f"<Environment><UserName>{USER}</UserName></Environment>\n",
        f"{agent}/GoalState.1.xml": "<GoalState/>\n",
        f"{agent}/SharedConfig.xml": "<SharedConfig/>\n",
        f"{agent}/waagent_status.json": "{}\n",
        "var/lib/dhcp/dhclient.eth0.leases": "lease {}\n",
        "var/lib/cloud/instance-id": "i-1\n",
        "var/log/waagent.log": "2026-06-01T08:00:00Z INFO Daemon Provisioning complete\n",
        "var/log/syslog": "Jun  1 08:00:00 web systemd[1]: Startup finished.\n" * 200,
        "root/.bash_history": "ls\n",
        "usr/sbin/waagent": "#!/usr/bin/env python3\n",
        "usr/lib/systemd/systemd": "\x7fELF",
        "boot/grub/grub.cfg": "set timeout=1\n",
    }
