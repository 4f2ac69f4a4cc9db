"""Managed disks: created, shown, listed, changed, deleted.

`LastOwnershipUpdateTime` (capital L) is when the disk was last attached or detached, or its VM
started or deallocated. The source of a new disk is in `disk_creation`, access to its contents in
`disk_access`.
"""

from azure.mgmt.compute import models

from simulator.arm.compute import vm_errors
from simulator.arm.compute.disk_bodies import disk_body, sent_properties
from simulator.arm.compute.disk_creation import check_unchanged, origin_of
from simulator.arm.compute.disk_writing import written
from simulator.arm.compute.records import Disk
from simulator.arm.core import errors, ids
from simulator.arm.core.answer import Answer
from simulator.arm.core.call import Call, delete, member, need, tags_in
from simulator.arm.core.operations import Family
from simulator.arm.core.pages import page
from simulator.arm.core.routing import Route, of

_CHANGEABLE = (
    "networkAccessPolicy", "publicNetworkAccess", "encryption", "dataAccessAuthMode",
    "diskAccessId", "tier", "burstingEnabled", "maxShares", "supportsHibernation",
    "supportedCapabilities", "purchasePlan", "optimizedForFrequentAttach",
    "encryptionSettingsCollection", "diskIOPSReadWrite", "diskMBpsReadWrite", "diskIOPSReadOnly",
    "diskMBpsReadOnly",
)  # fmt: skip


def get_disk(call: Call) -> Answer:
    """Show a disk."""
    disk = call.world.get(Disk, _id(call))
    return Answer(body=disk_body(disk, call.group, call.api_version))


def list_disks(call: Call) -> Answer:
    """List the disks of a group or of the subscription."""
    return page(call, Disk, lambda disk: disk_body(disk, disk.group.upper(), call.api_version))


def put_disk(call: Call) -> Answer:
    """Create a disk, or change an existing one."""
    world, disk_id = call.world, _id(call)
    world.need_group(disk_id)
    existing = world.find(Disk, disk_id)
    if existing:
        check_unchanged(call, existing.properties["creationData"])
        return _change(call, existing)
    return _accepted(call, world.add(_build(call, disk_id)))


def patch_disk(call: Call) -> Answer:
    """Change a disk's tags, size, account type or network access."""
    return _change(call, call.world.get(Disk, _id(call)))


def delete_disk(call: Call) -> Answer:
    """Delete a disk that is not attached."""
    disk = call.world.find(Disk, _id(call))
    if disk is None:
        return Answer(204)
    if disk.owner:
        message = f"Disk {disk.name} is attached to VM {disk.owner.id}."
        raise errors.operation_not_allowed(message)
    if disk.access_open:
        raise vm_errors.disk_access_open(disk.name, "deleting it")
    return delete(call, disk, "disk", Family.DISK)


def _build(call: Call, disk_id: str) -> Disk:
    location = ids.region_name(need(call.body, "location"))
    origin = origin_of(call, location)
    sku = member(call.body, "sku", "name") or "Standard_LRS"
    given = sent_properties(call, sku)
    size, os_type = given.pop("diskSizeGB", None), given.pop("osType", None)
    return Disk(
        id=disk_id,
        location=location,
        tags=tags_in(call.body),
        sku=sku,
        size_gb=size or origin.size_gb,
        os_type=os_type or origin.os_type,
        created=call.world.clock.now(),
        zones=call.body.get("zones"),
        sysprep=origin.sysprep,
        sysprep_error=origin.sysprep_error,
        layout=origin.layout,
        boots=origin.boots,
        ails=origin.ails,
        properties=origin.properties | given | {"creationData": origin.creation},
    )


def _change(call: Call, disk: Disk) -> Answer:
    if disk.operation:
        raise errors.concurrent_operation()
    sku = member(call.body, "sku", "name") or disk.sku
    properties = sent_properties(call, sku)
    size = properties.get("diskSizeGB", disk.size_gb)
    if size < disk.size_gb:
        message = "Shrinking of managed disk size is not allowed."
        raise errors.operation_not_allowed(message)
    disk.size_gb, disk.sku = size, sku
    disk.os_type = properties.get("osType", disk.os_type)
    disk.properties |= {name: properties[name] for name in _CHANGEABLE if name in properties}
    if "tags" in call.body:
        disk.tags = tags_in(call.body)
    return _accepted(call, disk)


def _accepted(call: Call, disk: Disk) -> Answer:
    return written(call, disk, lambda group: disk_body(disk, group, call.api_version))


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
