"""The source of a new disk or snapshot: a disk, a snapshot, an image, a blob, an upload, none.

Takes the creationData of a request, gives what the new disk inherits. A copy has the contents of
its source; disks from images and blobs read as zeros, unless the blob is a VM's unmanaged disk.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, field

from simulator.arm.compute import disk_errors
from simulator.arm.compute.records import (
    Definition,
    Disk,
    DiskPoint,
    Snapshot,
    Sysprep,
    Version,
    Vm,
)
from simulator.arm.core import errors, ids
from simulator.arm.core.call import Call, need
from simulator.arm.core.errors import Json
from simulator.arm.core.world import World

# Properties that a copy inherits from its source.
_COPIED = (
    "hyperVGeneration", "securityProfile", "supportedCapabilities", "purchasePlan",
    "encryptionSettingsCollection", "supportsHibernation",
)  # fmt: skip
# The members of creationData that identify the source.
_IDENTIFYING = (
    "createOption", "sourceResourceId", "sourceUri", "imageReference", "galleryImageReference",
    "uploadSizeBytes",
)  # fmt: skip
_GIB = 1024**3
_FOOTER = 512
_WINDOWS_GB, _USUAL_GB = 127, 30
_BLANK = "blank"
_ACCESS = "beginGetAccess/action"


@dataclass(frozen=True)
class Origin:
    """What a new disk inherits from its source; `creation` is creationData as Azure keeps it."""

    creation: Json
    size_gb: int = 0
    os_type: str | None = None
    sysprep: Sysprep = Sysprep.NEVER
    sysprep_error: str | None = None
    layout: str | None = None
    boots: bool = True
    ails: str | None = None
    properties: Json = field(default_factory=dict)


def origin_of(call: Call, location: str) -> Origin:
    """Return the origin of a request's disk; refuse a source that does not exist."""
    properties = call.body.get("properties")
    if properties is None:
        msg = "disk.Properties"
        raise errors.missing_parameter(msg)
    creation = need(properties, "creationData")
    option = need(creation, "createOption")
    if option not in _WAYS:
        msg = f"a disk or snapshot with createOption {option}"
        raise errors.not_simulated(msg)
    origin = _WAYS[option](call, location, creation)
    size = properties.get("diskSizeGB")
    if size is not None and size < origin.size_gb:
        raise disk_errors.no_smaller()
    return origin


def check_unchanged(call: Call, creation: Json) -> None:
    """Refuse to change an existing disk's source; naming the same one needs permission again."""
    given = (call.body.get("properties") or {}).get("creationData") or {}
    if any(_plain(given[n]) != _plain(creation.get(n)) for n in _IDENTIFYING if n in given):
        raise disk_errors.creation_is_fixed()
    if "sourceResourceId" in given:
        allow_access(call, given["sourceResourceId"])


def allow_access(call: Call, source_id: str) -> None:
    """Refuse a caller without permission to read a disk or snapshot, which copying needs."""
    named = ids.take_apart(source_id)
    kinds = {kind.lower(): kind for kind in (Snapshot.kind, DiskPoint.kind)}
    kind = kinds.get(named.kind.lower(), Disk.kind) if named else Disk.kind
    call.allowed_on(f"{kind}/{_ACCESS}", source_id)


def blob_at(world: World, uri: str) -> Disk | None:
    """Return the unmanaged disk whose blob this is, if a VM has it."""
    held = (attachment.disk for vm in world.of(Vm) for attachment in vm.disks)
    return next((disk for disk in held if disk.vhd == uri), None)


def _plain(value: object) -> object:
    """Return a value to compare: ids without case."""
    if isinstance(value, dict):
        return {name: _plain(inner) for name, inner in value.items()}
    return value.lower() if isinstance(value, str) else value


def _empty(call: Call, _: str, creation: Json) -> Origin:
    return Origin(creation, size_gb=need(call.body, "properties", "diskSizeGB"))


def _copy(call: Call, location: str, creation: Json) -> Origin:
    source_id = need(creation, "sourceResourceId")
    allow_access(call, source_id)
    source = (
        call.world.find(Disk, source_id)
        or call.world.find(Snapshot, source_id)
        or call.world.find(DiskPoint, source_id)
    )
    if source is None or source.location != location:
        raise disk_errors.source_not_found(source_id.rsplit("/", 1)[-1])
    if isinstance(source, Disk) and source.awaits_upload:
        raise disk_errors.nothing_uploaded(source.name)
    profile = call.body["properties"].get("securityProfile") or {}
    if profile.get("securityType"):
        raise disk_errors.security_not_for_copies(profile["securityType"])
    return Origin(
        creation | {"sourceUniqueId": source.unique_id},
        source.size_gb,
        source.os_type,
        source.sysprep,
        source.sysprep_error,
        source.layout,
        source.boots,
        source.ails,
        {name: source.properties[name] for name in _COPIED if name in source.properties},
    )


def _restored(call: Call, location: str, creation: Json) -> Origin:
    if call.world.find(DiskPoint, need(creation, "sourceResourceId")) is None:
        raise disk_errors.source_not_found(creation["sourceResourceId"].rsplit("/", 1)[-1])
    return _copy(call, location, creation)


def _import(call: Call, _: str, creation: Json) -> Origin:
    need(creation, "storageAccountId")
    source = blob_at(call.world, need(creation, "sourceUri"))
    if source is None:
        size = call.body["properties"].get("diskSizeGB") or _USUAL_GB
        return Origin(creation, size, layout=_BLANK)
    return Origin(
        creation,
        source.size_gb,
        source.os_type,
        source.sysprep,
        source.sysprep_error,
        source.layout,
        source.boots,
        source.ails,
    )


def _upload(_call: Call, _: str, creation: Json) -> Origin:
    size = max(1, math.ceil((need(creation, "uploadSizeBytes") - _FOOTER) / _GIB))
    return Origin(creation, size, layout=_BLANK)


def _image(call: Call, location: str, creation: Json) -> Origin:
    gallery = creation.get("galleryImageReference")
    if gallery:
        return _gallery_image(call.world, location, creation, gallery)
    reference = need(creation, "imageReference", "id")
    names = _path_names(reference)
    publisher, sku = (names.get(part, "").lower() for part in ("publishers", "skus"))
    windows = "windows" in publisher or publisher == "microsoftsqlserver"
    second = any(mark in sku for mark in ("g2", "gen2", "azure-edition"))
    size = _WINDOWS_GB if windows and "smalldisk" not in sku else _USUAL_GB
    os_type, generation = ("Windows" if windows else "Linux"), ("V2" if second else "V1")
    properties: Json = {"hyperVGeneration": generation}
    properties["supportedCapabilities"] = {"architecture": "x64"}
    return Origin(creation, size, os_type, layout=_BLANK, properties=properties)


def _path_names(reference: str) -> dict[str, str]:
    """Return the names in a path by their types, in lower case."""
    segments = reference.strip("/").split("/")
    return {kind.lower(): name for kind, name in zip(segments[0::2], segments[1::2], strict=False)}


def _gallery_image(world: World, location: str, creation: Json, reference: Json) -> Origin:
    version = world.get(Version, need(reference, "id"))
    regions = version.properties["publishingProfile"]["targetRegions"]
    here = location in (ids.region_name(region["name"]) for region in regions)
    if version.provisioning != "Succeeded" or not here:
        raise disk_errors.version_not_here(version.id, location)
    lun = reference.get("lun")
    if lun is not None:
        data = version.storage.get("dataDiskImages", [])
        image = next((image for image in data if image["lun"] == lun), None)
        if image is None:
            raise disk_errors.no_such_disk_in_image()
        return Origin(creation, image["sizeInGB"])
    definition = world.get(Definition, ids.parent(version.id))
    properties: Json = {"hyperVGeneration": definition.properties["hyperVGeneration"]}
    if definition.security_type == "TrustedLaunch":
        properties["securityProfile"] = {"securityType": "TrustedLaunch"}
    return Origin(
        creation,
        version.storage["osDiskImage"]["sizeInGB"],
        definition.properties["osType"],
        layout=_BLANK,
        properties=properties,
    )


_WAYS: dict[str, Callable[[Call, str, Json], Origin]] = {
    "Empty": _empty,
    "Copy": _copy,
    "Restore": _restored,
    "Import": _import,
    "Upload": _upload,
    "UploadPreparedSecure": _upload,
    "FromImage": _image,
}
