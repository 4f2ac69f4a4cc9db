"""Snapshots of managed disks: the way to keep what a disk held, and to get it back."""

from azure.mgmt.compute import models

from simulator.arm.compute.disks import COPIED
from simulator.arm.compute.records import Disk, Snapshot
from simulator.arm.core import errors, ids
from simulator.arm.core.answer import Answer
from simulator.arm.core.call import Call, delete, member, need, tags_in
from simulator.arm.core.errors import Json
from simulator.arm.core.operations import Family
from simulator.arm.core.pages import page
from simulator.arm.core.routing import Route, of
from simulator.arm.core.wire import stamp


def snapshot_body(snapshot: Snapshot, group: str) -> Json:
    """Return a snapshot as ARM shows it."""
    os_type = {"osType": snapshot.os_type} if snapshot.os_type else {}
    properties = {
        **os_type,
        **snapshot.properties,
        "diskSizeGB": snapshot.size_gb,
        "timeCreated": stamp(snapshot.created),
        "provisioningState": snapshot.provisioning,
        "diskState": "Unattached",
    }
    return {
        "name": snapshot.name,
        "id": ids.with_group(snapshot.id, group),
        "type": Snapshot.kind,
        "location": snapshot.location,
        "tags": snapshot.tags,
        "sku": {"name": snapshot.sku, "tier": "Standard"},
        "properties": properties,
    }


def get_snapshot(call: Call) -> Answer:
    """Show a snapshot."""
    return Answer(body=snapshot_body(call.world.get(Snapshot, _id(call)), call.group))


def list_snapshots(call: Call) -> Answer:
    """List the snapshots of a group or of the subscription."""
    return page(call, Snapshot, lambda found: snapshot_body(found, found.group.upper()))


def put_snapshot(call: Call) -> Answer:
    """Take a snapshot of a disk."""
    world, snapshot_id = call.world, _id(call)
    world.need_group(snapshot_id)
    if world.find(Snapshot, snapshot_id):
        what = "changing a snapshot"
        raise errors.not_simulated(what)
    snapshot = world.add(_taken(call, snapshot_id))
    sent = {"creationData": snapshot.properties["creationData"], "provisioningState": "Updating"}
    body = snapshot_body(snapshot, call.group) | {"properties": sent | {"isArmResource": True}}

    def finish() -> None:
        operation.output = snapshot_body(snapshot, snapshot.group)

    operation = world.operations.start(
        "update",
        snapshot.location,
        world.seconds("disk"),
        finish,
        family=Family.DISK,
        doomed=call.doomed,
    )
    return call.accepted(operation, 202, body)


def delete_snapshot(call: Call) -> Answer:
    """Delete a snapshot."""
    snapshot = call.world.find(Snapshot, _id(call))
    if snapshot is None:
        return Answer(204)
    return delete(call, snapshot, "disk", Family.DISK)


def _taken(call: Call, snapshot_id: str) -> Snapshot:
    creation = need(call.body, "properties", "creationData")
    if creation.get("createOption") != "Copy":
        what = f"a snapshot with createOption {creation.get('createOption')}"
        raise errors.not_simulated(what)
    disk = call.world.get(Disk, need(creation, "sourceResourceId"))
    properties = {name: disk.properties[name] for name in COPIED if name in disk.properties}
    return Snapshot(
        id=snapshot_id,
        location=ids.region_name(need(call.body, "location")),
        tags=tags_in(call.body),
        properties=properties | {"creationData": creation},
        sku=member(call.body, "sku", "name") or "Standard_LRS",
        size_gb=disk.size_gb,
        os_type=disk.os_type,
        created=call.world.clock.now(),
        sysprep=disk.sysprep,
        sysprep_error=disk.sysprep_error,
        layout=disk.layout,
    )


def _id(call: Call) -> str:
    return call.resource_id(Snapshot.kind, "snapshot")


_COMPUTE = "providers/Microsoft.Compute/snapshots"
_GROUP = f"/subscriptions/{{subscription}}/resourceGroups/{{group}}/{_COMPUTE}"
_SNAPSHOT = _GROUP + "/{snapshot}"
ROUTES = of(
    models.Snapshot,
    Route("GET", _SNAPSHOT, get_snapshot, "LowCostGet"),
    Route("GET", _GROUP, list_snapshots, "HighCostGet"),
    Route("GET", f"/subscriptions/{{subscription}}/{_COMPUTE}", list_snapshots, "HighCostGet"),
    Route("PUT", _SNAPSHOT, put_snapshot, "PutDisk"),
    Route("DELETE", _SNAPSHOT, delete_snapshot, "DeleteDisk"),
)
