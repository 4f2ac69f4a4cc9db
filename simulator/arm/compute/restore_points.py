"""Restore points: all disks of a running VM at one instant, crash-consistent only.

A collection names its VM, and a point is taken of it by an operation of minutes. Disks are made
from a point's disks, whose ids have to be read. Deleting a collection deletes its points.
"""

from uuid import uuid4

from azure.mgmt.compute import models

from simulator.arm.compute.records import Attachment, Collection, Disk, DiskPoint, Point, Vm
from simulator.arm.compute.vm_disks import supports_premium
from simulator.arm.core import errors, ids
from simulator.arm.core.answer import Answer
from simulator.arm.core.call import Call, delete, member, need, tags_in
from simulator.arm.core.errors import Json
from simulator.arm.core.routing import Route, of
from simulator.arm.core.wire import stamp

_UNSUPPORTED = ("UltraSSD_LRS", "PremiumV2_LRS")
_CHANGED = (
    "Changes were made to the Virtual Machine while the operation 'Create Restore Point' was in "
    "progress."
)
_UNFIT = (
    "Crash consistent restore points are supported only for VM sizes with premium storage, and not "
    "for Ultra and Premium SSD v2 disks."
)


def put_collection(call: Call) -> Answer:
    """Create a collection for a VM that the caller may read; at once."""
    world, collection_id = call.world, _collection_id(call)
    world.need_group(collection_id)
    source = need(call.body, "properties", "source", "id")
    call.allowed_on(f"{Vm.kind}/read", source)
    vm = world.get(Vm, source)
    location = ids.region_name(need(call.body, "location"))
    if location != vm.location:
        message = f"The source '{source}' lies in '{vm.location}', not in '{location}'."
        raise errors.invalid_parameter(message, "location")
    existing = world.find(Collection, collection_id)
    if existing and existing.source.lower() != source.lower():
        msg = "source.id"
        raise errors.property_change_not_allowed(msg)
    collection = existing or world.add(
        Collection(id=collection_id, location=location, source=vm.id)
    )
    collection.tags = tags_in(call.body)
    return Answer(200 if existing else 201, _collection(collection))


def get_collection(call: Call) -> Answer:
    """Show a collection."""
    return Answer(body=_collection(call.world.get(Collection, _collection_id(call))))


def delete_collection(call: Call) -> Answer:
    """Delete a collection with its points."""
    collection = call.world.find(Collection, _collection_id(call))
    if collection is None:
        return Answer(204)
    for child in call.world.under(collection.id):
        call.world.remove(child)
    return delete(call, collection, "disk")


def put_point(call: Call) -> Answer:
    """Take a restore point."""
    world = call.world
    collection = world.get(Collection, _collection_id(call))
    point_id = call.resource_id(Point.kind, "collection", "point")
    if world.find(Point, point_id):
        msg = f"The restore point '{point_id.rsplit('/', 1)[1]}' already exists."
        raise errors.conflict(msg)
    if member(call.body, "properties", "consistencyMode") != "CrashConsistent":
        msg = "a restore point that is not crash-consistent"
        raise errors.not_simulated(msg)
    vm = world.get(Vm, collection.source)
    excluded = {
        str(one.get("id")).lower() for one in member(call.body, "properties", "excludeDisks") or ()
    }
    held = [each for each in vm.disks if each.disk.key not in excluded]
    _check(vm, held)
    point = Point(
        id=point_id,
        location=collection.location,
        created=world.clock.now(),
        metadata=_metadata(vm),
        disks=[_taken(call, point_id, each) for each in held],
    )
    point.provisioning = "Creating"
    world.add(point)

    def finish() -> None:
        point.provisioning, point.operation = "Succeeded", None
        for disk in point.disks:
            world.add(disk)

    def fail() -> None:
        point.provisioning, point.operation = "Failed", None

    point.operation = world.operations.start(
        "restorePoint",
        collection.location,
        world.seconds("restorePoint"),
        finish,
        fail=fail,
        doomed=call.doomed,
    )
    return call.accepted(point.operation, 201, _point(point))


def get_point(call: Call) -> Answer:
    """Show a restore point."""
    point_id = call.resource_id(Point.kind, "collection", "point")
    return Answer(body=_point(call.world.get(Point, point_id)))


def _check(vm: Vm, held: list[Attachment]) -> None:
    """Refuse a VM that no crash-consistent point can be taken of."""
    if vm.operation:
        raise errors.operation_not_allowed(_CHANGED)
    if not vm.allocated:
        msg = "a restore point of a deallocated VM"
        raise errors.not_simulated(msg)
    if any(each.disk.sku in _UNSUPPORTED for each in held) or not supports_premium(vm):
        raise errors.operation_not_allowed(_UNFIT)


def _taken(call: Call, point_id: str, attachment: Attachment) -> DiskPoint:
    disk: Disk = attachment.disk
    name = f"{disk.name}_{uuid4()}"
    return DiskPoint(
        id=f"{point_id}/diskRestorePoints/{name}",
        location=disk.location,
        properties=dict(disk.properties),
        sku=disk.sku,
        size_gb=disk.size_gb,
        os_type=disk.os_type,
        created=call.world.clock.now(),
        sysprep=disk.sysprep,
        sysprep_error=disk.sysprep_error,
        layout=disk.layout,
        boots=disk.boots,
        ails=disk.ails,
        disk=disk.id,
        lun=attachment.lun,
    )


def _metadata(vm: Vm) -> Json:
    return {
        "vmId": vm.vm_id,
        "location": vm.location,
        "hardwareProfile": vm.properties["hardwareProfile"],
        "hyperVGeneration": vm.generation,
    }


def _collection(collection: Collection) -> Json:
    return {
        "name": collection.name,
        "id": collection.id,
        "type": Collection.kind,
        "location": collection.location,
        "tags": collection.tags,
        "properties": {
            "source": {"id": collection.source, "location": collection.location},
            "provisioningState": collection.provisioning,
            "restorePointCollectionId": str(uuid4()),
        },
    }


def _point(point: Point) -> Json:
    of_os = [_disk(disk) for disk in point.disks if disk.lun is None]
    data = [{"lun": disk.lun} | _disk(disk) for disk in point.disks if disk.lun is not None]
    storage = {"osDisk": of_os[0] if of_os else {}, "dataDisks": data}
    return {
        "name": point.name,
        "id": point.id,
        "type": Point.kind,
        "properties": {
            "sourceMetadata": point.metadata | {"storageProfile": storage},
            "provisioningState": point.provisioning,
            "consistencyMode": "CrashConsistent",
            "timeCreated": stamp(point.created),
        },
    }


def _disk(disk: DiskPoint) -> Json:
    os_type = {"osType": disk.os_type} if disk.os_type else {}
    return os_type | {
        "name": disk.disk.rsplit("/", 1)[1],
        "diskSizeGB": disk.size_gb,
        "managedDisk": {"id": disk.disk, "storageAccountType": disk.sku},
        "diskRestorePoint": {"id": disk.id},
    }


def _collection_id(call: Call) -> str:
    return call.resource_id(Collection.kind, "collection")


_COLLECTION = (
    "/subscriptions/{subscription}/resourceGroups/{group}/providers/"
    "Microsoft.Compute/restorePointCollections/{collection}"
)
_POINT = _COLLECTION + "/restorePoints/{point}"
ROUTES = (
    *of(
        models.RestorePointCollection,
        Route("PUT", _COLLECTION, put_collection),
        Route("GET", _COLLECTION, get_collection),
        Route("DELETE", _COLLECTION, delete_collection),
    ),
    *of(
        models.RestorePoint,
        Route("PUT", _POINT, put_point),
        Route("GET", _POINT, get_point),
    ),
)
