"""The sources of a managed image other than a VM: disks, snapshots, blobs.

Takes the storageProfile of a request, gives the disks of an image: the source and size of each, and
how Azure shows it. Azure's defaults (caching, account type) are recorded; its refusals are
inferred, except for missing members and the message on Trusted Launch.
"""

from dataclasses import dataclass
from datetime import datetime

from simulator.arm.compute import access_errors, capture_errors, disk_errors, vm_errors
from simulator.arm.compute.disk_creation import allow_access, blob_at
from simulator.arm.compute.records import Capture, Disk, Snapshot, Sysprep
from simulator.arm.core import errors
from simulator.arm.core.call import Call, need
from simulator.arm.core.errors import Json
from simulator.arm.core.world import World

_BLOB_GB = 30


@dataclass(frozen=True)
class Source:
    """The source of an image's disk, and its size; `held` is None for a blob of no VM."""

    id: str
    held: Disk | Snapshot | None
    size_gb: int
    os_type: str | None = None

    @property
    def security_type(self) -> str:
        """The security type of the disk or snapshot; a blob's is `Standard`."""
        return self.held.security_type if self.held else "Standard"

    def word(self, name: str) -> str | None:
        """Return a property of the disk or snapshot as text."""
        said = self.held.properties.get(name) if self.held else None
        return None if said is None else str(said)


def disk_source(call: Call, disk_id: str, location: str) -> Source:
    """Return a managed disk as a source; it must be in this region and not in use."""
    allow_access(call, disk_id)
    disk = _here(call.world.get(Disk, disk_id), location)
    check_at_rest(disk)
    return Source(disk.id, disk, disk.size_gb, disk.os_type)


def snapshot_source(call: Call, snapshot_id: str, location: str) -> Source:
    """Return a snapshot as a source; it must be in this region."""
    allow_access(call, snapshot_id)
    snapshot = _here(call.world.get(Snapshot, snapshot_id), location)
    return Source(snapshot.id, snapshot, snapshot.size_gb, snapshot.os_type)


def blob_source(world: World, uri: str) -> Source:
    """Return a blob as a source; only the blob of a VM's unmanaged disk has contents here."""
    disk = blob_at(world, uri)
    if disk is None:
        return Source(uri, None, _BLOB_GB)
    if disk.owner:
        check_at_rest(disk)
    return Source(uri, disk, disk.size_gb, disk.os_type)


def check_at_rest(disk: Disk) -> None:
    """Refuse a disk that is busy, waits for its upload, has open access, or whose VM runs."""
    if disk.operation:
        raise errors.concurrent_operation()
    if disk.awaits_upload:
        raise disk_errors.nothing_uploaded(disk.name)
    if disk.owner and disk.owner.allocated:
        raise access_errors.attached_to_running(disk.name, disk.owner.id)
    if disk.access_open:
        msg = "a capture"
        raise vm_errors.unknown_with_open_access(msg, disk.name)


def capture_from(named: str, os_disk: Source, data: list[Source], now: datetime) -> Capture:
    """Record what an image is made from at this moment."""
    held, disks = os_disk.held, tuple(source.id for source in data)
    at = (held.moved if isinstance(held, Disk) else None) or (held.created if held else now)
    if held is None:
        return Capture(named, os_disk.id, disks, Sysprep.NEVER, at)
    return Capture(
        *(named, os_disk.id, disks, held.sysprep, at, held.sysprep_error, held.layout, held.boots)
    )


def image_sources(call: Call, storage: Json, location: str) -> tuple[Source, list[Source]]:
    """Return the OS disk's source and the data disks' of a managed image's storageProfile."""
    given = need(storage, "osDisk")
    for name in ("osType", "osState"):
        if name not in given:
            msg = f"osDisk.{name}"
            raise errors.missing_parameter(msg)
    os_disk = _image_source(call, given, location, "osDisk")
    if os_disk.os_type not in {None, given["osType"]}:
        message = f"The OS type of the source '{os_disk.id}' is '{os_disk.os_type}'."
        raise errors.invalid_parameter(message, "osDisk.osType")
    data = [
        _image_source(call, disk, location, f"dataDisks[{n}]")
        for n, disk in enumerate(storage.get("dataDisks") or [])
    ]
    for source in (os_disk, *data):
        if source.security_type != "Standard":
            raise capture_errors.not_for_trusted_launch(source.security_type)
    return os_disk, data


def image_storage(storage: Json, os_disk: Source, data: list[Source]) -> Json:
    """Return a managed image's storageProfile as Azure keeps it."""
    given = storage["osDisk"]
    kept = {"osType": given["osType"], "osState": given["osState"]} | _shown(given, os_disk)
    disks = [
        {"lun": need(disk, "lun")} | _shown(disk, source)
        for disk, source in zip(storage.get("dataDisks") or [], data, strict=True)
    ]
    return {"osDisk": kept, "dataDisks": disks}


def _image_source(call: Call, disk: Json, location: str, at: str) -> Source:
    named = [name for name in ("managedDisk", "snapshot", "blobUri") if name in disk]
    if len(named) != 1:
        if not named:
            raise errors.missing_parameter(at)
        message = f"Only one of {', '.join(named)} can be specified."
        raise errors.invalid_parameter(message, at)
    if named == ["blobUri"]:
        return blob_source(call.world, disk["blobUri"])
    if named == ["snapshot"]:
        return snapshot_source(call, need(disk, "snapshot", "id"), location)
    return disk_source(call, need(disk, "managedDisk", "id"), location)


def _here[R: (Disk, Snapshot)](source: R, location: str) -> R:
    if source.location != location:
        message = f"The source '{source.id}' lies in '{source.location}', not in '{location}'."
        raise errors.invalid_parameter(message, "location")
    return source


def _shown(disk: Json, source: Source) -> Json:
    reference = {n: disk[n] for n in ("managedDisk", "snapshot", "blobUri") if n in disk}
    size = disk.get("diskSizeGB") or source.size_gb
    defaults = {"caching": "None", "storageAccountType": "Standard_LRS"}
    return {"diskSizeGB": size} | reference | {n: disk.get(n, v) for n, v in defaults.items()}
