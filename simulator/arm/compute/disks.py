"""Managed disks: what ARM shows of them, and the few things that can be done to one.

`LastOwnershipUpdateTime` (capital L) is when the disk was last attached or detached, or its VM
started or deallocated. Reading a disk's contents from outside lies in `disk_access`.
"""

from datetime import datetime

from azure.mgmt.compute import models

from simulator.arm.compute import vm_errors
from simulator.arm.compute.records import Disk, Snapshot
from simulator.arm.core import errors, ids
from simulator.arm.core.answer import Answer
from simulator.arm.core.call import Call, delete, member, need, tags_in
from simulator.arm.core.errors import Json
from simulator.arm.core.operations import Family
from simulator.arm.core.pages import page
from simulator.arm.core.routing import Route, of
from simulator.arm.core.wire import stamp

# What a copy of a disk or of a snapshot says of itself because its source did.
COPIED = (
    "hyperVGeneration", "securityProfile", "supportedCapabilities", "purchasePlan",
    "encryptionSettingsCollection",
)  # fmt: skip
_GIB = 1024**3
_TIERS = {
    "premium": "Premium",
    "standardssd": "Standard",
    "standard": "Standard",
    "ultrassd": "Ultra",
}


def disk_state(disk: Disk) -> str:
    """Return Attached, Reserved (its VM is deallocated), ActiveSAS or Unattached."""
    if disk.access_open:
        return "ActiveSAS"
    if disk.owner is None:
        return "Unattached"
    return "Attached" if disk.owner.allocated else "Reserved"


def disk_body(disk: Disk, group: str) -> Json:
    """Return a disk as ARM shows it, with its group in the caller's casing."""
    defaults: Json = {
        "diskIOPSReadWrite": 500,
        "diskMBpsReadWrite": 100,
        "encryption": {"type": "EncryptionAtRestWithPlatformKey"},
        "networkAccessPolicy": "AllowAll",
        "publicNetworkAccess": "Enabled",
    }
    properties = {
        **({"osType": disk.os_type} if disk.os_type else {}),
        **defaults,
        **disk.properties,
        "diskSizeGB": disk.size_gb,
        "diskSizeBytes": disk.size_gb * _GIB,
        "timeCreated": stamp(disk.created),
        "provisioningState": disk.provisioning,
        "diskState": disk_state(disk),
    }
    if disk.moved:
        properties["LastOwnershipUpdateTime"] = stamp(disk.moved)
    body: Json = {
        "name": disk.name,
        "id": ids.with_group(disk.id, group),
        "type": Disk.kind,
        "location": disk.location,
        "tags": disk.tags,
        "sku": {"name": disk.sku, "tier": _TIERS.get(disk.sku.split("_")[0].lower(), "Premium")},
        "properties": properties,
    }
    if disk.owner:
        body["managedBy"] = disk.owner.id
    return body | ({"zones": disk.zones} if disk.zones else {})


def get_disk(call: Call) -> Answer:
    """Show a disk."""
    return Answer(body=disk_body(call.world.get(Disk, _id(call)), call.group))


def list_disks(call: Call) -> Answer:
    """List the disks of a group or of the subscription."""
    return page(call, Disk, lambda disk: disk_body(disk, disk.group.upper()))


def put_disk(call: Call) -> Answer:
    """Create an empty disk or a copy of one, a snapshot or nothing; or change the one there is."""
    world, disk_id = call.world, _id(call)
    world.need_group(disk_id)
    existing = world.find(Disk, disk_id)
    if existing:
        return _change(call, existing)
    disk = world.add(_build(call, disk_id, world.clock.now()))
    return _accepted(call, disk)


def patch_disk(call: Call) -> Answer:
    """Change a disk's tags, size, account type or network access."""
    return _change(call, call.world.get(Disk, _id(call)))


def delete_disk(call: Call) -> Answer:
    """Delete a disk that no VM holds."""
    disk = call.world.find(Disk, _id(call))
    if disk is None:
        return Answer(204)
    if disk.owner:
        message = f"Disk {disk.name} is attached to VM {disk.owner.id}."
        raise errors.operation_not_allowed(message)
    if disk.access_open:
        raise vm_errors.disk_access_open(disk.name, "deleting it")
    return delete(call, disk, "disk", Family.DISK)


def _build(call: Call, disk_id: str, now: datetime) -> Disk:
    creation = need(call.body, "properties", "creationData")
    properties = dict(call.body["properties"])
    size = properties.pop("diskSizeGB", None)
    disk = Disk(
        id=disk_id,
        location=ids.region_name(need(call.body, "location")),
        tags=tags_in(call.body),
        sku=member(call.body, "sku", "name") or "Standard_LRS",
        size_gb=size or 0,
        os_type=properties.pop("osType", None),
        created=now,
        zones=call.body.get("zones"),
        properties=properties,
    )
    _copy_source(call, disk, creation)
    if not disk.size_gb:
        msg = "disk.diskSizeGB"
        raise errors.missing_parameter(msg)
    return disk


def _copy_source(call: Call, disk: Disk, creation: Json) -> None:
    option = need(creation, "createOption")
    if option not in ("Empty", "Copy"):
        msg = f"a disk with createOption {option}"
        raise errors.not_simulated(msg)
    if option == "Empty":
        return
    source_id = need(creation, "sourceResourceId")
    source = call.world.find(Disk, source_id) or call.world.get(Snapshot, source_id)
    disk.size_gb = disk.size_gb or source.size_gb
    disk.os_type = disk.os_type or source.os_type
    disk.sysprep, disk.sysprep_error = source.sysprep, source.sysprep_error
    disk.layout = source.layout
    for name in COPIED:
        if name in source.properties:
            disk.properties.setdefault(name, source.properties[name])


def _change(call: Call, disk: Disk) -> Answer:
    if disk.operation:
        raise errors.concurrent_operation()
    properties = dict(call.body.get("properties") or {})
    size = properties.pop("diskSizeGB", disk.size_gb)
    if size < disk.size_gb:
        message = "Shrinking of managed disk size is not allowed."
        raise errors.operation_not_allowed(message)
    disk.size_gb = size
    disk.sku = member(call.body, "sku", "name") or disk.sku
    changeable = ("networkAccessPolicy", "publicNetworkAccess", "encryption", "dataAccessAuthMode")
    disk.properties |= {name: properties[name] for name in changeable if name in properties}
    if "tags" in call.body:
        disk.tags = tags_in(call.body)
    return _accepted(call, disk)


def _accepted(call: Call, disk: Disk) -> Answer:
    body = disk_body(disk, call.group)
    sent = {"provisioningState": "Updating", "isArmResource": True}
    kept = ("osType", "creationData", "diskSizeGB")
    body["properties"] = {k: v for k, v in body["properties"].items() if k in kept} | sent

    def settle() -> None:
        disk.operation = None
        operation.output = disk_body(disk, disk.group)

    operation = call.world.operations.start(
        "update",
        disk.location,
        call.world.seconds("disk"),
        settle,
        fail=settle,
        family=Family.DISK,
        doomed=call.doomed,
    )
    disk.operation = operation
    return call.accepted(operation, 202, body)


def _id(call: Call) -> str:
    return call.resource_id(Disk.kind, "disk")


_GROUP = "/subscriptions/{subscription}/resourceGroups/{group}/providers/Microsoft.Compute/disks"
DISK = _GROUP + "/{disk}"
ROUTES = of(
    models.Disk,
    Route("GET", DISK, get_disk, "LowCostGet"),
    Route("GET", _GROUP, list_disks, "HighCostGet"),
    Route(
        "GET",
        "/subscriptions/{subscription}/providers/Microsoft.Compute/disks",
        list_disks,
        "HighCostGet",
    ),
    Route("PUT", DISK, put_disk, "PutDisk"),
    Route("PATCH", DISK, patch_disk, "PutDisk"),
    Route("DELETE", DISK, delete_disk, "DeleteDisk"),
)
