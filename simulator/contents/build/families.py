"""Linux distributions as Azure has them: settings of agent and cloud-init, locations of files.

Gives the files of a running guest that was provisioned by cloud-init (Flatcar's by the agent). The
settings are facts read in the agent's own `config` and in each distribution's packages; the text
around them is ours. Numbers and names are plausible, keys are fake.
"""

import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

from simulator.contents.build import filesystems, linux_tree, partitions
from simulator.contents.build.linux import Make
from simulator.contents.build.linux_tree import MACHINE_ID, PROVISIONED, USER
from simulator.contents.build.tools import named

INSTANCE = "4f3b7d0e-5b1e-4f0a-9b64-1f2d7c1f0a11"
CLOUD_USERS = "etc/sudoers.d/90-cloud-init-users"
AGENT_USERS = "etc/sudoers.d/waagent"
RESOLV = "etc/resolv.conf"
_FOLDERS = named("family-folders")
_STUB = "../run/systemd/resolve/stub-resolv.conf"
_MODULES = "[seed_random, growpart, resizefs, mounts, set_hostname, users_groups, ssh]"


@dataclass(frozen=True)
class Family:
    """A distribution: its agent's settings, cloud-init's files by their names in /etc/cloud.

    A line of `fstab` names a file system by its folder: {root}, {boot}, {part_root} and so on.
    `agent` may be a link (`conf_is`), `resolv` too; `more` are other files, by their paths.
    """

    release: Mapping[str, str]
    fstab: str
    agent: Mapping[str, str]
    cloud: Mapping[str, str] = field(default_factory=dict)
    program: str = "usr/sbin/waagent"
    service: str = "waagent"
    conf_is: str | None = None
    resolv: str | None = None
    make: Make = filesystems.ext4
    labels: Mapping[str, str] = field(default_factory=dict)
    more: Mapping[str, str] = field(default_factory=dict)
    removes_machine_id: bool = False
    has_agent: bool = True
    keeps_resolv: bool = False

    def says(self, setting: str) -> bool:
        """Whether the agent is configured to do something."""
        return self.agent.get(f"Provisioning.{setting}") == "y"


def populate(family: Family) -> Callable[[Path], None]:
    """Return what makes the files of a distribution's guest."""
    return partial(_populate, family)


def _populate(family: Family, root: Path) -> None:
    for folder in _FOLDERS:
        (root / folder).mkdir(parents=True, exist_ok=True)
    for link, target in linux_tree.LINKS.items():
        (root / link).symlink_to(target)
    for name, text in (_texts(family) | dict(family.more)).items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    for name, target in _links(family).items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).symlink_to(target)
    if not family.has_agent:
        _without_agent(root, family)
    linux_tree.make_keys(root)
    (root / "etc/shadow").chmod(0o640)


def _without_agent(root: Path, family: Family) -> None:
    """Remove what the agent has; cloud-init writes what Azure told it into the agent's folder."""
    agent, log = root / "var/lib/waagent", root / "var/log"
    said = (agent / "ovf-env.xml").read_text()
    for folder in (agent, log / "azure"):
        shutil.rmtree(folder)
    service = f"etc/systemd/system/multi-user.target.wants/{family.service}.service"
    for name in (family.program, "etc/waagent.conf", "var/log/waagent.log", service):
        (root / name).unlink()
    agent.mkdir()
    (agent / "ovf-env.xml").write_text(said)


def _texts(family: Family) -> dict[str, str]:
    agent, log = "var/lib/waagent", "var/log"
    said = "".join(f"{name}={value}\n" for name, value in family.agent.items())
    texts = {
        "etc/machine-id": f"{MACHINE_ID}\n",
        "etc/hostname": "web\n",
        "etc/fstab": family.fstab.format_map(identities()),
        "etc/ssh/sshd_config": "Include /etc/ssh/sshd_config.d/*.conf\n",
        "etc/passwd": _accounts("root:x:0:0:root:/root:/bin/bash", "x:1000:1000:"),
        "etc/shadow": f"root:*:20000:0:99999:7:::\n{USER}:!:20000:0:99999:7:::\n",
        "etc/group": f"root:x:0:\n{USER}:x:1000:\n",
        f"home/{USER}/.bashrc": "# a shell's start\n",
        f"home/{USER}/.ssh/authorized_keys": "ssh-ed25519 AAAA simulated\n",
        PROVISIONED: INSTANCE,
        f"{agent}/ovf-env.xml": f"<Environment><UserName>{USER}</UserName></Environment>\n",
        f"{agent}/GoalState.1.xml": "<GoalState/>\n",
        f"{agent}/SharedConfig.xml": "<SharedConfig/>\n",
        f"{agent}/waagent_status.json": "{}\n",
        f"{log}/waagent.log": "2026-06-01T08:00:00Z INFO Daemon Provisioning complete\n",
        "root/.bash_history": "ls\n",
        "usr/lib/os-release": "".join(f"{name}={what}\n" for name, what in family.release.items()),
    }
    if not family.conf_is:
        texts["etc/waagent.conf"] = f"# The agent's settings, those that matter here.\n{said}"
        texts[family.program] = "#!/usr/bin/env python3\n"
    if family.cloud:
        texts |= _of_cloud_init(family)
    else:
        texts[AGENT_USERS] = f"{USER} ALL=(ALL) NOPASSWD: ALL\n"
    return texts


def _of_cloud_init(family: Family) -> dict[str, str]:
    instance = f"var/lib/cloud/instances/{INSTANCE}"
    return {
        "usr/bin/cloud-init": "#!/usr/bin/python3\n",
        "var/log/cloud-init.log": "2026-06-01 08:00:00,000 - main.py[DEBUG]: done\n",
        "var/log/cloud-init-output.log": "Cloud-init finished\n",
        f"{instance}/boot-finished": "8.00 - Mon, 01 Jun 2026 08:00:00 +0000 - v. 24.4\n",
        f"{instance}/sem/config_ssh": "8: 2026-06-01\n",
        f"{instance}/datasource": "DataSourceAzure\n",
        "var/lib/cloud/data/instance-id": f"{INSTANCE}\n",
        "var/lib/cloud/data/result.json": '{"v1": {"errors": []}}\n',
        CLOUD_USERS: f"# Made by cloud-init\n{USER} ALL=(ALL) NOPASSWD:ALL\n",
    } | {f"etc/cloud/{name}": text for name, text in family.cloud.items()}


def _links(family: Family) -> dict[str, str]:
    links = {
        f"etc/systemd/system/multi-user.target.wants/{family.service}.service": (
            f"/usr/lib/systemd/system/{family.service}.service"
        ),
    }
    if family.conf_is:
        links["etc/waagent.conf"] = family.conf_is
    else:
        links["etc/os-release"] = "../usr/lib/os-release"
    if family.cloud:
        links["var/lib/cloud/instance"] = f"/var/lib/cloud/instances/{INSTANCE}"
    if family.resolv:
        links[RESOLV] = family.resolv
    return links


def _accounts(root: str, user: str) -> str:
    sshd = "sshd:x:74:74::/run/sshd:/usr/sbin/nologin"
    return f"{root}\n{sshd}\n{USER}:{user}:/home/{USER}:/bin/bash\n"


def identities() -> dict[str, str]:
    """Return what an fstab calls file systems, by their folders, and partitions, `part_` before."""
    folders = ("", "boot", "usr", "home", "var", "tmp", "data", "second", "elsewhere")
    systems = {folder or "root": filesystems.identity(folder or "root") for folder in folders}
    disk = Path("disk.img")
    parts = {f"part_{name}": partitions.identity_of(disk, name) for name in ("boot", "var")}
    parts["part_root"] = partitions.identity_of(disk, "")
    parts["part_efi"] = partitions.identity_of(disk, "boot/efi")
    cloudimg = filesystems.identity("cloudimg-rootfs")
    return systems | parts | {"efi": filesystems.EFI, "cloudimg": cloudimg}


def _cloud_cfg(distro: str, sshd: str, *more: str) -> str:
    return (
        "users: [default]\ndisable_root: true\npreserve_hostname: false\n"
        + "".join(f"{line}\n" for line in more)
        + f"cloud_init_modules: {_MODULES}\n"
        + f"system_info: {{distro: {distro}, ssh_svcname: {sshd}}}\n"
    )


def _agent(**changed: str) -> dict[str, str]:
    """Return the settings of the agent that matter, as its own `waagent.conf` has them."""
    usual = {
        "Agent": "auto",
        "DeleteRootPassword": "y",
        "RegenerateSshHostKeyPair": "y",
        "SshHostKeyPairType": "rsa",
        "MonitorHostName": "y",
    }
    return {f"Provisioning.{name}": value for name, value in (usual | changed).items()}


_AZURE = {"cloud.cfg.d/91-azure_datasource.cfg": "datasource_list: [ Azure ]\n"}
_UBUNTU_AGENT = _agent(RegenerateSshHostKeyPair="n", MonitorHostName="n")
_UBUNTU_CLOUD = {
    "cloud.cfg": _cloud_cfg("ubuntu", "ssh"),
    "cloud.cfg.d/90_dpkg.cfg": "datasource_list: [ Azure ]\n",
}
UBUNTU_2204 = Family(
    release={"ID": "ubuntu", "VERSION_ID": '"22.04"', "PRETTY_NAME": '"Ubuntu 22.04 LTS"'},
    fstab="UUID={cloudimg}\t/\t ext4\tdiscard,errors=remount-ro\t0 1\n"
    "UUID={efi}\t/boot/efi\tvfat\tumask=0077\t0 1\n"
    "/dev/disk/cloud/azure_resource-part1\t/mnt\tauto\tdefaults,nofail,comment=cloudconfig\t0\t2\n",
    agent=_UBUNTU_AGENT,
    cloud=_UBUNTU_CLOUD,
    service="walinuxagent",
    resolv=_STUB,
    labels={"": "cloudimg-rootfs", "boot/efi": "UEFI"},
    keeps_resolv=True,
)
# e2fsprogs 1.47 has them unless it is told otherwise.
_NEWER_EXT4: Make = partial(filesystems.ext4, more=("-O", "metadata_csum_seed,orphan_file"))
UBUNTU_2404 = Family(
    release={"ID": "ubuntu", "VERSION_ID": '"24.04"', "PRETTY_NAME": '"Ubuntu 24.04 LTS"'},
    fstab="LABEL=cloudimg-rootfs\t/\t ext4\tdiscard,commit=30,errors=remount-ro\t0 1\n"
    "LABEL=BOOT\t/boot\text4\tdefaults\t0 2\nLABEL=UEFI\t/boot/efi\tvfat\tumask=0077\t0 1\n",
    agent=_UBUNTU_AGENT,
    cloud=_UBUNTU_CLOUD,
    service="walinuxagent",
    resolv=_STUB,
    make=_NEWER_EXT4,
    labels={"": "cloudimg-rootfs", "boot": "BOOT", "boot/efi": "UEFI"},
    keeps_resolv=True,
)
UBUNTU_2404_ALONE = replace(UBUNTU_2404, has_agent=False)
_DEBIAN_AGENT = _agent(Agent="cloud-init", SshHostKeyPairType="auto")
_DEBIAN_CLOUD = {
    "cloud.cfg": _cloud_cfg("debian", "ssh", "apt: {preserve_sources_list: true}"),
    "cloud.cfg.d/90_dpkg.cfg": "datasource_list: [ Azure ]\n",
}
_DEBIAN_FSTAB = (
    "PARTUUID={part_root} / ext4 rw,discard,errors=remount-ro,x-systemd.growfs 0 1\n"
    "PARTUUID={part_efi} /boot/efi vfat defaults 0 0\n"
)
DEBIAN_12 = Family(
    release={"ID": "debian", "VERSION_ID": '"12"', "VERSION_CODENAME": "bookworm"},
    fstab=_DEBIAN_FSTAB,
    agent=_DEBIAN_AGENT,
    cloud=_DEBIAN_CLOUD,
    service="walinuxagent",
    resolv=_STUB,
)
DEBIAN_12_ALONE = Family(
    release=DEBIAN_12.release,
    fstab=_DEBIAN_FSTAB,
    agent=_agent(Agent="waagent", SshHostKeyPairType="auto", RegenerateSshHostKeyPair="n"),
    service="walinuxagent",
    more={
        "etc/resolv.conf": "nameserver 168.63.129.16\n",
        "var/lib/dhcp/dhclient.eth0.leases": "\n",
    },
)
DEBIAN_13 = Family(
    release={"ID": "debian", "VERSION_ID": '"13"', "VERSION_CODENAME": "trixie"},
    fstab=_DEBIAN_FSTAB,
    agent=_DEBIAN_AGENT,
    cloud=_DEBIAN_CLOUD,
    service="walinuxagent",
    resolv=_STUB,
    make=_NEWER_EXT4,
)
_RHEL_MORE = {
    RESOLV: "# Made by NetworkManager\nnameserver 168.63.129.16\n",
    # The agent removes dhclient's leases only; NetworkManager's own client names them otherwise.
    "var/lib/NetworkManager/internal-5fb06bd0-0bb0-7ffb-45f1-d6edd65f3e03-eth0.lease": (
        "ADDRESS=10.0.0.4\n"
    ),
}
_RHEL_GENKEYS = "ssh_genkeytypes: ['rsa', 'ecdsa', 'ed25519']"
_RHEL_FOLDERS = (
    ("root", "/"),
    ("home", "/home"),
    ("tmp", "/tmp"),  # noqa: S108 a line of the guest's fstab
    ("usr", "/usr"),
    ("var", "/var"),
)
_RHEL_8_FSTAB = "".join(
    f"/dev/mapper/rootvg-{name}lv {folder} xfs defaults 0 0\n" for name, folder in _RHEL_FOLDERS
)
_RHEL_BOOT = (
    "UUID={boot} /boot xfs defaults 0 0\n"
    "UUID={efi} /boot/efi vfat defaults,uid=0,gid=0,umask=077,shortname=winnt 0 2\n"
)
_RHEL_9_FSTAB = "".join(
    f"UUID={{{name}}} {folder} xfs defaults 0 0\n" for name, folder in _RHEL_FOLDERS
)


def _rhel(version: str, fstab: str, delete_keys: str, make: Make) -> Family:
    keys = f"ssh_deletekeys: {delete_keys}"
    return Family(
        release={"ID": '"rhel"', "VERSION_ID": f'"{version}"'},
        fstab=fstab + _RHEL_BOOT,
        agent=_agent() | {"ResourceDisk.Format": "n"},
        cloud={"cloud.cfg": _cloud_cfg("rhel", "sshd", keys, _RHEL_GENKEYS)} | _AZURE,
        more=_RHEL_MORE,
        make=make,
    )


# Each release's mkfs.xfs has more of the features on that were added since.
_OLDER_XFS: Make = partial(filesystems.xfs, more=("-m", "bigtime=0,inobtcount=0"))
_NEWER_XFS: Make = partial(filesystems.xfs, more=("-i", "nrext64=1"))
RHEL_8 = _rhel("8.10", _RHEL_8_FSTAB, "1", _OLDER_XFS)
RHEL_9 = _rhel("9.6", _RHEL_9_FSTAB, "true", filesystems.xfs)
RHEL_10 = _rhel("10.0", _RHEL_9_FSTAB, "true", _NEWER_XFS)
AZURE_LINUX_3 = Family(
    release={"ID": "azurelinux", "VERSION_ID": '"3.0"', "NAME": '"Microsoft Azure Linux"'},
    fstab="PARTUUID={part_efi} /boot/efi vfat umask=0077 0 2\n"
    "PARTUUID={part_boot} /boot ext4 defaults 0 2\nPARTUUID={part_root} / ext4 defaults 0 1\n",
    agent=_agent(Enabled="n") | {"ResourceDisk.Format": "n"},
    cloud={"cloud.cfg": _cloud_cfg("azurelinux", "sshd")} | _AZURE,
    program="usr/bin/waagent",
    resolv=_STUB,
)
SLES_15_SUBVOLUMES = (
    "boot/grub2/i386-pc",
    "boot/grub2/x86_64-efi",
    "home",
    "opt",
    "root",
    "srv",
    "tmp",
    "usr/local",
    "var",
)
SLES_15 = Family(
    release={"ID": '"sles"', "VERSION_ID": '"15.7"', "NAME": '"SLES"'},
    fstab="UUID={root} / btrfs defaults 0 0\n"
    + "".join(
        f"UUID={{root}} /{name} btrfs subvol=/@/{name} 0 0\n"
        for name in (*SLES_15_SUBVOLUMES, ".snapshots")
    )
    + "UUID={efi} /boot/efi vfat utf8 0 2\n",
    agent=_agent(SshHostKeyPairType="auto") | {"ResourceDisk.Format": "n"},
    cloud={"cloud.cfg": _cloud_cfg("suse", "sshd")} | _AZURE,
    more={
        RESOLV: "nameserver 168.63.129.16\n",
        # Wicked's leases are none of those that the agent removes.
        "var/lib/wicked/lease-eth0-dhcp-ipv4.xml": "<lease/>\n",
    },
)
_FLATCAR_RELEASE = {"ID": "flatcar", "ID_LIKE": "coreos", "VERSION_ID": "4230.2.1"}
FLATCAR = Family(
    release=_FLATCAR_RELEASE,
    fstab="",
    agent=_agent(
        Agent="waagent",
        DeleteRootPassword="n",
        RegenerateSshHostKeyPair="n",
        SshHostKeyPairType="auto",
    ),
    # The agent and its settings lie in an extension of /usr, an image of its own.
    conf_is="../usr/share/waagent/waagent.conf",
    program="usr/sbin/waagent",
    more={"oem/sysext/oem-azure-4230.2.1.raw": "hsqs", "oem/grub.cfg": 'set oem_id="azure"\n'},
    removes_machine_id=True,
)
