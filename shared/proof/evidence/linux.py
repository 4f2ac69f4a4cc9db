"""Was it deprovisioned? The volumes of a Linux disk -> what the guest's own files say.

Evidence, for every root on the disk (the worst word counts):

| of a root                                                       | word            |
|-----------------------------------------------------------------|-----------------|
| `/var/lib/waagent/provisioned` is there                         | not generalized |
| waagent has run again since                                     | not generalized |
| no waagent, and `/var/lib/cloud/instance` is there              | not generalized |
| host keys in /etc/ssh, and nothing replaces them at first boot  | not generalized |
| nothing tells whether it was deprovisioned                      | cannot tell     |
| something on the way to these cannot be read, a journal waits   | cannot tell     |
| else                                                            | generalized     |

waagent writes its mark whenever it has provisioned a guest, by itself or after cloud-init, and
`waagent -deprovision` takes it away (WALinuxAgent, azurelinuxagent/pa). Host keys it takes away
only where `Provisioning.RegenerateSshHostKeyPair=y`; elsewhere cloud-init replaces them in each new
instance (`ssh_deletekeys`). /etc/machine-id stays on most distributions: a warning, as is a user
who stays.

That something is absent is only believed where the folder that would hold it was read whole
(`files.py`), on the volume that the guest mounts there (`mounts.py`), with no journal to replay.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import BinaryIO, Final

from shared.model.facts import Doubt, Proof, Verdict
from shared.proof.evidence.mounts import NotRead, Opened, Place, System, fstab_of
from shared.proof.evidence.provisioning import makes_keys, people, replaces_keys
from shared.proof.evidence.words import cannot_tell, said, strictest
from shared.proof.filesystems.btrfs import Btrfs
from shared.proof.filesystems.ext import Ext
from shared.proof.filesystems.files import Entry, FileSystem, Type
from shared.proof.filesystems.volumes import ENCRYPTED, Kind, Volume
from shared.proof.filesystems.xfs import Xfs

READERS: Final[Mapping[Kind, Callable[[BinaryIO], FileSystem]]] = {
    Kind.EXT: Ext,
    Kind.XFS: Xfs,
    Kind.BTRFS: Btrfs,
}
MOST_ROOTS = 8
MOST_INSTANCES = 4
UNINITIALIZED = {b"", b"uninitialized"}
"""What /etc/machine-id says on an image that is to be cloned."""

LOCALHOST = b"localhost.localdomain"
"""The name that `waagent -deprovision` gives a guest."""

_RUNS = re.compile(r"GoalState\.\d+\.xml|SharedConfig\.xml|WireServerEndpoint")
"""What waagent writes into its folder whenever it runs."""

_AGENT, _CLOUD = "/var/lib/waagent", "/var/lib/cloud"
_DEPROVISION = "run waagent -deprovision+user -force, then deallocate it"


def linux(volumes: Iterable[Volume]) -> Verdict | None:
    """Return what the Linux on these volumes says; None where there is none."""
    disk = [_opened(one) for one in volumes if one.kind in READERS or _is_closed(one)]
    roots = list(_roots(disk))
    if not roots:
        why = "; ".join(f"{one.volume.name}: {one.why}" for one in disk if one.why)
        return cannot_tell(f"no Linux root can be read on its OS disk: {why}") if why else None
    if len(roots) > MOST_ROOTS:
        return cannot_tell(f"there are more than {MOST_ROOTS} Linux roots on its OS disk")
    words = [_word(one, disk, alone=len(roots) == 1) for one in roots]
    return strictest(words)


def _opened(volume: Volume) -> Opened:
    if volume.file is None:
        return Opened(volume, None, volume.why)
    if volume.kind in ENCRYPTED:
        return Opened(volume, None, f"it is encrypted by {volume.kind}")
    if volume.kind is Kind.UNKNOWN:
        return Opened(volume, None, "it has no file system that is known")
    try:
        files = READERS[volume.kind](volume.file)
        files.list(files.root)
        return Opened(volume, files)
    except Exception as error:  # noqa: BLE001 - a broken volume makes its parser raise anything
        return Opened(volume, None, said(error))


def _is_closed(volume: Volume) -> bool:
    return volume.file is None or volume.kind in ENCRYPTED or volume.kind is Kind.UNKNOWN


def _roots(disk: Sequence[Opened]) -> Iterator[tuple[Opened, int]]:
    """Yield the folders that are a guest's root: they have /etc and /var."""
    for opened in disk:
        if opened.files is None:
            continue
        for number in _candidates(opened.files):
            top = opened.files.list(number)
            if _is_folder(top.get("etc")) and "var" in top:
                yield opened, number


def _candidates(files: FileSystem) -> Iterator[int]:
    """Yield what may be a root: of a Btrfs also the subvolumes that mount themselves as /."""
    yield files.root
    if isinstance(files, Btrfs):
        for path, number in files.subvolumes():
            if number != files.root and _mounts_itself(files, path, number):
                yield number


def _mounts_itself(files: Btrfs, path: str, number: int) -> bool:
    etc = files.list(number).get("etc")
    fstab = files.list(etc.number).get("fstab") if etc and etc.type is Type.FOLDER else None
    text = _text(Place(files, fstab) if fstab else None)
    return any(str(one.at) == "/" and one.subvolume == path for one in fstab_of(text))


def _word(root: tuple[Opened, int], disk: Sequence[Opened], *, alone: bool) -> Verdict:
    """Return what one root says; where there are several, it is named."""
    opened, number = root
    assert opened.files is not None  # noqa: S101 it was read
    try:
        verdict = _judged(System(opened.volume, opened.files, number, disk), disk)
    except NotRead as reason:
        verdict = cannot_tell(str(reason))
    except Exception as error:  # noqa: BLE001 - as above
        verdict = cannot_tell(said(error))
    if alone:
        return verdict
    return Verdict(verdict.proof, f"{opened.volume.name}: {verdict.why}", verdict.warnings)


def _judged(system: System, disk: Sequence[Opened]) -> Verdict:
    mark, gone = _mark(system)
    if mark:
        return Verdict(Proof.NOT_GENERALIZED, f"it was not deprovisioned: {mark}")
    if not gone:
        return cannot_tell(
            "nothing tells whether it was deprovisioned: there is neither /var/lib/waagent of a "
            "waagent that runs, nor /var/lib/cloud of cloud-init"
        )
    kept, keys = _keys(system)
    if kept:
        return Verdict(Proof.NOT_GENERALIZED, kept)
    warnings = dict(_warnings(system, disk))
    if other := _other_root(system, disk):
        return cannot_tell(other)
    if not all(files.is_clean() for files in system.used):
        return cannot_tell(
            "it was not shut down cleanly; start it, deprovision it and shut it down"
        )
    return Verdict(Proof.GENERALIZED, f"{gone}, {keys}", warnings)


def _mark(system: System) -> tuple[str, str]:
    """Return the mark of a guest that was provisioned, else the one that is gone."""
    agent, cloud = system.find(_AGENT), system.find(_CLOUD)
    if agent and system.find(f"{_AGENT}/provisioned"):
        return f"/var/lib/waagent/provisioned is there; {_DEPROVISION}", ""
    if agent and (left := sorted(filter(_RUNS.fullmatch, agent.list()))):
        return f"waagent has run since ({_AGENT}/{left[0]} is there); {_DEPROVISION}", ""
    if agent and (_agent_runs(system) or not _has_cloud_init(system)):
        return "", "no /var/lib/waagent/provisioned"
    if not cloud or not _has_cloud_init(system):
        return "", ""
    if "instance" in cloud.list():
        return "/var/lib/cloud/instance is there; run cloud-init clean, then deallocate it", ""
    return "", "no /var/lib/cloud/instance"


def _agent_runs(system: System) -> bool:
    """Whether waagent has its part in this guest, so that its mark would be there.

    It is started at boot; or it has deprovisioned the guest, which then has no name.
    """
    wants = system.find("/etc/systemd/system/multi-user.target.wants")
    units = wants.list() if wants else {}
    if any(unit.removesuffix(".service") in ("waagent", "walinuxagent") for unit in units):
        return True
    name = system.find("/etc/hostname")
    return name is not None and name.read(256).strip() == LOCALHOST


def _has_cloud_init(system: System) -> bool:
    """Whether cloud-init is there and not switched off."""
    return bool(system.find("/etc/cloud/cloud.cfg")) and not system.find(
        "/etc/cloud/cloud-init.disabled"
    )


def _keys(system: System) -> tuple[str, str]:
    """Return why host keys would be every machine's, else why they are no objection."""
    ssh = system.find("/etc/ssh")
    names = ssh.list() if ssh and ssh.entry.type is Type.FOLDER else {}
    if not any(one.startswith("ssh_host_") and one.endswith("_key") for one in names):
        return "", "no host keys in /etc/ssh"
    if _has_cloud_init(system) and replaces_keys(_cloud_texts(system)):
        return "", "host keys that cloud-init replaces (ssh_deletekeys)"
    if makes_keys(_text(system.find("/etc/waagent.conf"))):
        return "", "host keys that waagent replaces (RegenerateSshHostKeyPair)"
    return (
        "its host keys would be those of every machine made from it: no cloud-init and no waagent "
        "replaces them; sudo rm /etc/ssh/ssh_host_*, then deallocate it"
    ), ""


def _cloud_texts(system: System) -> list[str]:
    """Return cloud-init's configuration, in the order in which it counts."""
    texts = [_text(system.find("/etc/cloud/cloud.cfg"))]
    folder = system.find("/etc/cloud/cloud.cfg.d")
    for name, entry in sorted((folder.list() if folder else {}).items()):
        if folder and name.endswith(".cfg") and entry.type is Type.FILE:
            texts.append(_text(Place(folder.files, entry)))
    if system.find(f"{_CLOUD}/instance/manual-clean"):
        texts.append("manual_cache_clean: true")
    return texts


def _warnings(system: System, disk: Sequence[Opened]) -> Iterator[tuple[Doubt, str]]:
    """Yield what an image should not have, and may."""
    if any(map(_names_it, (system.find("/etc/machine-id"), _of_dbus(system)))):
        yield (
            Doubt.MACHINE_ID,
            "every machine made from it has one /etc/machine-id (truncate -s 0 /etc/machine-id)",
        )
    if users := people(_text(system.find("/etc/passwd"))):
        stay = "stay" if len(users) > 1 else "stays"
        yield Doubt.USER, f"{', '.join(users[:5])} {stay} in the image"
    if _has_custom_data(system):
        yield (
            Doubt.CUSTOM_DATA,
            "the custom data of its provisioning stays in /var/lib/cloud (sudo cloud-init clean)",
        )
    closed = [one for one in disk if one.volume.kind is Kind.CLOSED and not system.claims(one)]
    if closed:
        yield Doubt.VOLUME, "; ".join(f"{one.volume.name} is not read: {one.why}" for one in closed)


def _has_custom_data(system: System) -> bool:
    instances = system.find(f"{_CLOUD}/instances")
    names = list(instances.list() if instances else ())[:MOST_INSTANCES]
    files = (system.find(f"{_CLOUD}/instances/{name}/user-data.txt") for name in names)
    return any(file is not None and file.read(1) for file in files)


def _names_it(machine_id: Place | None) -> bool:
    return machine_id is not None and machine_id.read(64).strip() not in UNINITIALIZED


def _of_dbus(system: System) -> Place | None:
    """Return the file from which systemd would take the id again: no link to its own."""
    folder = system.find("/var/lib/dbus")
    entry = folder.list().get("machine-id") if folder else None
    return Place(folder.files, entry) if folder and entry and entry.type is Type.FILE else None


def _other_root(system: System, disk: Sequence[Opened]) -> str | None:
    """Return which volume may hold another system that nobody could ask, if one does."""
    for one in disk:
        is_closed = one.volume.kind is Kind.CLOSED
        if one.files is None and not is_closed and not system.claims(one):
            return f"{one.volume.name} may hold another system, and cannot be read: {one.why}"
    return None


def _text(place: Place | None) -> str:
    return place.text() if place else ""


def _is_folder(entry: Entry | None) -> bool:
    return entry is not None and entry.type is Type.FOLDER
