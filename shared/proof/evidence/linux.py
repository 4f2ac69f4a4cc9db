"""Was it deprovisioned? The volumes of a Linux disk -> a verdict from the guest's own files.

Evidence, for every root on the disk (the worst verdict counts):

| evidence                                                        | verdict         |
|-----------------------------------------------------------------|-----------------|
| `/var/lib/waagent/provisioned` exists                           | not generalized |
| waagent has run again since deprovisioning                      | not generalized |
| no waagent, and `/var/lib/cloud/instance` exists                | not generalized |
| host keys in /etc/ssh, and nothing replaces them at first boot  | not generalized |
| neither waagent nor cloud-init is in use                        | cannot tell     |
| any of this cannot be read, or a journal must be replayed       | cannot tell     |
| otherwise                                                       | generalized     |

waagent writes the marker `provisioned` whenever it has provisioned a guest, by itself or after
cloud-init, and `waagent -deprovision` deletes it (WALinuxAgent, azurelinuxagent/pa). It deletes
host keys only with `Provisioning.RegenerateSshHostKeyPair=y`; otherwise cloud-init replaces them in
each new instance (`ssh_deletekeys`). /etc/machine-id stays on most distributions, which is a
warning, as is a user account that stays.

A file counts as absent only if its directory was read completely (`files.py`), on the volume that
the guest mounts there (`mounts.py`), and no journal must be replayed.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import BinaryIO, Final

from shared.model.facts import Doubt, Proof, Verdict
from shared.proof.evidence.mounts import NotRead, Opened, Place, System, fstab_of
from shared.proof.evidence.provisioning import makes_keys, people, replaces_keys
from shared.proof.evidence.words import cannot_tell, describe_error, strictest
from shared.proof.filesystems.btrfs import Btrfs
from shared.proof.filesystems.ext import Ext
from shared.proof.filesystems.files import Entry, FileSystem, Type
from shared.proof.filesystems.volumes import ENCRYPTED, Kind, Volume
from shared.proof.filesystems.xfs import Xfs
from shared.proof.ranges import read_ahead

READERS: Final[Mapping[Kind, Callable[[BinaryIO], FileSystem]]] = {
    Kind.EXT: Ext,
    Kind.XFS: Xfs,
    Kind.BTRFS: Btrfs,
}
MOST_ROOTS = 8
MOST_INSTANCES = 4
UNINITIALIZED = {b"", b"uninitialized"}
"""The content of /etc/machine-id on an image that is prepared for cloning."""

LOCALHOST = b"localhost.localdomain"
"""The host name that `waagent -deprovision` sets."""

_RUNS = re.compile(r"GoalState\.\d+\.xml|SharedConfig\.xml|WireServerEndpoint")
"""Files that waagent writes to its directory whenever it runs."""

_AGENT, _CLOUD = "/var/lib/waagent", "/var/lib/cloud"
_DEPROVISION = "run waagent -deprovision+user -force, then deallocate the VM"


def judge_linux(volumes: Iterable[Volume]) -> Verdict | None:
    """Return the verdict on the Linux on these volumes; None if there is none."""
    possible = [volume for volume in volumes if volume.kind in READERS or _is_closed(volume)]
    read_ahead(*(partial(_open, volume) for volume in possible))
    disk = [_open(volume) for volume in possible]
    roots = list(_roots(disk))
    if not roots:
        why = "; ".join(f"{opened.volume.name}: {opened.why}" for opened in disk if opened.why)
        return cannot_tell(f"no Linux root can be read on the OS disk: {why}") if why else None
    if len(roots) > MOST_ROOTS:
        return cannot_tell(f"there are more than {MOST_ROOTS} Linux roots on the OS disk")
    return strictest(_judge_root(root, disk, alone=len(roots) == 1) for root in roots)


def _open(volume: Volume) -> Opened:
    if volume.file is None:
        return Opened(volume, None, volume.why)
    if volume.kind in ENCRYPTED:
        return Opened(volume, None, f"it is encrypted with {volume.kind}")
    if volume.kind is Kind.UNKNOWN:
        return Opened(volume, None, "it has no known file system")
    try:
        files = READERS[volume.kind](volume.file)
        files.list(files.root)
        return Opened(volume, files)
    except Exception as error:  # noqa: BLE001 - on a damaged volume the parser can raise anything
        return Opened(volume, None, describe_error(error))


def _is_closed(volume: Volume) -> bool:
    return volume.file is None or volume.kind in ENCRYPTED or volume.kind is Kind.UNKNOWN


def _roots(disk: Sequence[Opened]) -> Iterator[tuple[Opened, int]]:
    """Yield the directories that are a guest's root: they have /etc and /var."""
    for opened in disk:
        if opened.files is None:
            continue
        for number in _candidates(opened.files):
            top = opened.files.list(number)
            if _is_folder(top.get("etc")) and "var" in top:
                yield opened, number


def _candidates(files: FileSystem) -> Iterator[int]:
    """Yield possible roots: on Btrfs also the subvolumes which their own fstab mounts as /."""
    yield files.root
    if isinstance(files, Btrfs):
        for path, number in files.subvolumes():
            if number != files.root and _mounts_itself(files, path, number):
                yield number


def _mounts_itself(files: Btrfs, path: str, number: int) -> bool:
    etc = files.list(number).get("etc")
    fstab = files.list(etc.number).get("fstab") if etc and etc.type is Type.FOLDER else None
    text = _text(Place(files, fstab) if fstab else None)
    return any(str(mount.at) == "/" and mount.subvolume == path for mount in fstab_of(text))


def _judge_root(root: tuple[Opened, int], disk: Sequence[Opened], *, alone: bool) -> Verdict:
    """Return the verdict on one root; if there are several, it names the root."""
    opened, number = root
    assert opened.files is not None  # noqa: S101 its root was listed
    guest = partial(System, opened.volume, opened.files, number, disk, folders={})
    try:
        read_ahead(opened.files.is_clean, partial(_rehearse, guest, disk))
        verdict = _judge_system(guest(), disk)
    except NotRead as reason:
        verdict = cannot_tell(str(reason))
    except Exception as error:  # noqa: BLE001 - as above
        verdict = cannot_tell(describe_error(error))
    if alone:
        return verdict
    return Verdict(verdict.proof, f"{opened.volume.name}: {verdict.why}", verdict.warnings)


def _rehearse(guest: Callable[[], System], disk: Sequence[Opened]) -> None:
    """Do at the same time what the verdict on a guest needs.

    On a system of its own, because what is only rehearsed does not count as `used`; the folders
    that it reads are the guest's.
    """
    spare = guest()
    read_ahead(
        partial(_mark, spare),
        partial(_agent_runs, spare),
        partial(_keys, spare),
        lambda: dict(_warnings(spare, disk)),
        partial(_is_clean, spare),
    )


def _is_clean(system: System) -> bool:
    """Whether no journal of the file systems that were read must be replayed."""
    read_ahead(*(files.is_clean for files in system.used))
    return all(files.is_clean() for files in system.used)


def _judge_system(system: System, disk: Sequence[Opened]) -> Verdict:
    mark, gone = _mark(system)
    if mark:
        return Verdict(Proof.NOT_GENERALIZED, f"the VM was not deprovisioned: {mark}")
    if not gone:
        return cannot_tell(
            "nothing shows whether the VM was deprovisioned: there is neither /var/lib/waagent of "
            "an enabled waagent, nor /var/lib/cloud of cloud-init"
        )
    kept, keys = _keys(system)
    if kept:
        return Verdict(Proof.NOT_GENERALIZED, kept)
    warnings = dict(_warnings(system, disk))
    if other := _other_root(system, disk):
        return cannot_tell(other)
    if not _is_clean(system):
        return cannot_tell(
            "the VM was not shut down cleanly; start it, deprovision it and shut it down"
        )
    return Verdict(Proof.GENERALIZED, f"{gone}, {keys}", warnings)


def _mark(system: System) -> tuple[str, str]:
    """Return the sign that the guest is still provisioned, else the marker which is absent."""
    agent, cloud = system.find(_AGENT), system.find(_CLOUD)
    if agent and system.find(f"{_AGENT}/provisioned"):
        return f"/var/lib/waagent/provisioned exists; {_DEPROVISION}", ""
    if agent and (left := sorted(filter(_RUNS.fullmatch, agent.list()))):
        return f"waagent has run since ({_AGENT}/{left[0]} exists); {_DEPROVISION}", ""
    if agent and (_agent_runs(system) or not _has_cloud_init(system)):
        return "", "no /var/lib/waagent/provisioned"
    if not cloud or not _has_cloud_init(system):
        return "", ""
    if "instance" in cloud.list():
        return "/var/lib/cloud/instance exists; run cloud-init clean, then deallocate the VM", ""
    return "", "no /var/lib/cloud/instance"


def _agent_runs(system: System) -> bool:
    """Whether this guest uses waagent, so that the marker would exist if it was provisioned.

    waagent is started at boot; or it has deprovisioned the guest, which has reset the host name.
    """
    wants = system.find("/etc/systemd/system/multi-user.target.wants")
    units = wants.list() if wants else {}
    if any(unit.removesuffix(".service") in ("waagent", "walinuxagent") for unit in units):
        return True
    name = system.find("/etc/hostname")
    return name is not None and name.read(256).strip() == LOCALHOST


def _has_cloud_init(system: System) -> bool:
    """Whether cloud-init is installed and not disabled."""
    return bool(system.find("/etc/cloud/cloud.cfg")) and not system.find(
        "/etc/cloud/cloud-init.disabled"
    )


def _keys(system: System) -> tuple[str, str]:
    """Return why VMs would share host keys, else why host keys are not a problem."""
    ssh = system.find("/etc/ssh")
    names = ssh.list() if ssh and ssh.entry.type is Type.FOLDER else {}
    if not any(name.startswith("ssh_host_") and name.endswith("_key") for name in names):
        return "", "no host keys in /etc/ssh"
    if _has_cloud_init(system) and replaces_keys(_cloud_texts(system)):
        return "", "host keys that cloud-init replaces (ssh_deletekeys)"
    if makes_keys(_text(system.find("/etc/waagent.conf"))):
        return "", "host keys that waagent replaces (RegenerateSshHostKeyPair)"
    return (
        "all VMs created from the image would have the same SSH host keys, because neither "
        "cloud-init nor waagent replaces them; sudo rm /etc/ssh/ssh_host_*, then deallocate the VM"
    ), ""


def _cloud_texts(system: System) -> list[str]:
    """Return the texts of cloud-init's configuration, in order of precedence, last wins."""
    texts = [_text(system.find("/etc/cloud/cloud.cfg"))]
    folder = system.find("/etc/cloud/cloud.cfg.d")
    parts = [
        Place(folder.files, entry)
        for name, entry in sorted(folder.list().items() if folder else ())
        if folder and name.endswith(".cfg") and entry.type is Type.FILE
    ]
    read_ahead(*(part.text for part in parts))
    texts += map(_text, parts)
    if system.find(f"{_CLOUD}/instance/manual-clean"):
        texts.append("manual_cache_clean: true")
    return texts


def _warnings(system: System, disk: Sequence[Opened]) -> Iterator[tuple[Doubt, str]]:
    """Yield warnings about content that an image should not have, but may have."""
    if any(map(_names_it, (system.find("/etc/machine-id"), _of_dbus(system)))):
        yield (
            Doubt.MACHINE_ID,
            "VMs created from the image share its /etc/machine-id (truncate -s 0 /etc/machine-id)",
        )
    if users := people(_text(system.find("/etc/passwd"))):
        accounts = "accounts" if len(users) > 1 else "account"
        yield Doubt.USER, f"the image keeps the user {accounts} {', '.join(users[:5])}"
    if _has_custom_data(system):
        yield (
            Doubt.CUSTOM_DATA,
            "the image keeps the VM's custom data in /var/lib/cloud (sudo cloud-init clean)",
        )
    closed = [
        opened for opened in disk if opened.volume.kind is Kind.CLOSED and not system.claims(opened)
    ]
    if closed:
        unread = (f"{opened.volume.name} was not read: {opened.why}" for opened in closed)
        yield Doubt.VOLUME, "; ".join(unread)


def _has_custom_data(system: System) -> bool:
    instances = system.find(f"{_CLOUD}/instances")
    names = list(instances.list() if instances else ())[:MOST_INSTANCES]
    files = (system.find(f"{_CLOUD}/instances/{name}/user-data.txt") for name in names)
    return any(file is not None and file.read(1) for file in files)


def _names_it(machine_id: Place | None) -> bool:
    return machine_id is not None and machine_id.read(64).strip() not in UNINITIALIZED


def _of_dbus(system: System) -> Place | None:
    """Return the file from which systemd would restore the id, unless it links to systemd's own."""
    folder = system.find("/var/lib/dbus")
    entry = folder.list().get("machine-id") if folder else None
    return Place(folder.files, entry) if folder and entry and entry.type is Type.FILE else None


def _other_root(system: System, disk: Sequence[Opened]) -> str | None:
    """Return which unreadable volume may contain another operating system, if there is one."""
    for opened in disk:
        name, is_closed = opened.volume.name, opened.volume.kind is Kind.CLOSED
        if opened.files is None and not is_closed and not system.claims(opened):
            return f"{name} may contain another system and cannot be read: {opened.why}"
    return None


def _text(place: Place | None) -> str:
    return place.text() if place else ""


def _is_folder(entry: Entry | None) -> bool:
    return entry is not None and entry.type is Type.FOLDER
