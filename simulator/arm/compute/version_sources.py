"""The source of a gallery image version: a VM, a managed image, or disks, snapshots and blobs.

Takes the request and the definition, gives the origin of the version, or refuses a source that does
not fit. Another gallery image version as the source is not simulated.
"""

from dataclasses import dataclass, field

from simulator.arm.compute import capture_errors
from simulator.arm.compute.capture_rules import (
    Part,
    late_failure,
    refusal,
    refusal_of_disk,
    refusal_of_image,
)  # fmt: skip
from simulator.arm.compute.image_sources import (
    Source,
    blob_source,
    capture_from,
    disk_source,
    snapshot_source,
)  # fmt: skip
from simulator.arm.compute.images import capture_of
from simulator.arm.compute.records import Capture, Definition, Disk, Image, Snapshot, Vm
from simulator.arm.core import errors, ids
from simulator.arm.core.call import Call, member, need
from simulator.arm.core.errors import ArmError, Failure, Json

_OS_CACHING, _DATA_CACHING = "ReadWrite", "ReadOnly"


@dataclass(frozen=True)
class VersionOrigin:
    """The origin of a version: its storageProfile at first, and what `copied` adds to that.

    `id` identifies the source in lower case; `parts` are the disks that have to be copied.
    """

    id: str
    storage: Json
    copied: Json
    capture: Capture
    parts: list[Part] = field(default_factory=list)

    def failure(self, *, shallow: bool) -> Failure | None:
        """Return the failure of the copy, if it cannot succeed."""
        return late_failure(self.parts, shallow=shallow)


def version_origin(call: Call, definition: Definition, location: str) -> VersionOrigin:
    """Return the origin of a request's version."""
    storage = member(call.body, "properties", "storageProfile") or {}
    named = identity(storage)
    if named is None:
        raise capture_errors.one_source_only()
    if not storage.get("source"):
        return _of_disks(call, definition, storage, location)
    if _disk_id(storage.get("osDiskImage")):
        raise capture_errors.one_source_only()
    kind = _kind_of(named)
    if kind == Image.kind.lower():
        return _of_image(call, definition, storage["source"], location)
    if kind != Vm.kind.lower():
        msg = f"a gallery version from {named}"
        raise errors.not_simulated(msg)
    return _of_vm(call, definition, storage["source"], location)


def identity(storage: Json) -> str | None:
    """Return the identity of a storageProfile's source, in lower case; None if it has none."""
    source = storage.get("source") or {}
    named = (
        source.get("virtualMachineId")
        or source.get("id")
        or source.get("communityGalleryImageId")
        or _disk_id(storage.get("osDiskImage"))
    )
    return str(named).lower() if named else None


def _disk_id(image: Json | None) -> str | None:
    source = (image or {}).get("source") or {}
    named = source.get("uri") or source.get("id")
    return str(named) if named else None


def _kind_of(source_id: str) -> str:
    named = ids.take_apart(source_id)
    return named.kind.lower() if named else ""


def _of_vm(call: Call, definition: Definition, source: Json, location: str) -> VersionOrigin:
    vm_id = source.get("virtualMachineId") or source["id"]
    call.allowed_on(f"{Vm.kind}/write", vm_id)
    vm = call.world.find(Vm, vm_id)
    if vm is None or vm.location != location:
        raise capture_errors.source_not_here(vm_id)
    _raise(refusal(vm, definition))
    os_disk = _made(vm.os_disk.disk.size_gb, vm.os_disk.settings["caching"]) | {"source": {}}
    data = [
        {"lun": held.lun} | _made(held.disk.size_gb, held.settings["caching"])
        for held in vm.data_disks
    ]
    return VersionOrigin(
        vm_id.lower(),
        {"source": source},
        _copied(os_disk, data),
        capture_of(vm),
        [
            Part(
                held.disk.name,
                held.disk.sku,
                held.disk.size_gb,
                encrypted=bool(held.settings.get("encryptionSettings")),
            )
            for held in vm.disks
        ],
    )


def _of_image(call: Call, definition: Definition, source: Json, location: str) -> VersionOrigin:
    image_id = source["id"]
    call.allowed_on(f"{Image.kind}/read", image_id)
    image = call.world.find(Image, image_id)
    if image is None or image.location != location:
        raise capture_errors.source_not_here(image_id)
    _raise(refusal_of_image(image, definition))
    disks = [image.storage["osDisk"], *image.storage["dataDisks"]]
    os_disk, *data = (_made(disk["diskSizeGB"], disk["caching"]) for disk in disks)
    luns = ({"lun": disk["lun"]} for disk in disks[1:])
    return VersionOrigin(
        image_id.lower(),
        {"source": source},
        _copied(
            os_disk | {"source": {}}, [lun | made for lun, made in zip(luns, data, strict=True)]
        ),
        image.capture,
        [Part(image.name, disk["storageAccountType"], disk["diskSizeGB"]) for disk in disks],
    )


def _of_disks(call: Call, definition: Definition, storage: Json, location: str) -> VersionOrigin:
    images = [storage["osDiskImage"], *(storage.get("dataDiskImages") or [])]
    luns = [need(image, "lun") for image in images[1:]]
    names = [_disk_id(image) for image in images]
    if len(set(luns)) < len(luns):
        msg = "lun"
        raise capture_errors.twice(msg)
    if len({str(name).lower() for name in names}) < len(names):
        msg = "source"
        raise capture_errors.twice(msg)
    os_disk, *data = (_disk(call, image, location) for image in images)
    _raise(refusal_of_disk(os_disk, definition))
    shown = [_named(images[0], _OS_CACHING), *(_named(i, _DATA_CACHING) for i in images[1:])]
    made = [
        {"sizeInGB": source.size_gb} | image
        for source, image in zip((os_disk, *data), shown, strict=True)
    ]
    return VersionOrigin(
        str(identity(storage)),
        _copied(shown[0], _at(luns, shown[1:])),
        _copied(made[0], _at(luns, made[1:])),
        capture_from(os_disk.id, os_disk, data, call.world.clock.now()),
        [
            Part(source.id, source.held.sku if source.held else "", source.size_gb)
            for source in (os_disk, *data)
        ],
    )


def _disk(call: Call, image: Json, location: str) -> Source:
    """Return the disk, snapshot or blob that is the source of one of a version's disks."""
    source = image.get("source") or {}
    if "uri" in source:
        return blob_source(call.world, source["uri"])
    source_id = source.get("id")
    if source_id is None:
        raise capture_errors.one_source_only()
    kinds = {Disk.kind.lower(): disk_source, Snapshot.kind.lower(): snapshot_source}
    if _kind_of(source_id) not in kinds:
        raise capture_errors.no_disk(source_id)
    found = call.world.find(Disk, source_id) or call.world.find(Snapshot, source_id)
    if found is None or found.location != location:
        raise capture_errors.source_not_here(source_id)
    return kinds[_kind_of(source_id)](call, source_id, location)


def _raise(refused: ArmError | None) -> None:
    if refused:
        raise refused


def _made(size_gb: int, caching: str) -> Json:
    return {"sizeInGB": size_gb, "hostCaching": caching}


def _named(image: Json, caching: str) -> Json:
    return {"hostCaching": image.get("hostCaching", caching), "source": image["source"]}


def _at(luns: list[int], images: list[Json]) -> list[Json]:
    return [{"lun": lun} | image for lun, image in zip(luns, images, strict=True)]


def _copied(os_disk: Json, data: list[Json]) -> Json:
    """Return the disks of a version; without data disks that member is omitted."""
    return {"osDiskImage": os_disk} | ({"dataDiskImages": data} if data else {})
