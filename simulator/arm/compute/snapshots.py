"""Snapshots of managed disks."""

from uuid import NAMESPACE_OID, uuid5

from azure.mgmt.compute import models

from simulator.arm.compute.disk_bodies import sent_properties, snapshot_body
from simulator.arm.compute.disk_creation import Origin, check_unchanged, origin_of
from simulator.arm.compute.disk_writing import written
from simulator.arm.compute.records import Snapshot
from simulator.arm.core import errors, ids
from simulator.arm.core.answer import Answer
from simulator.arm.core.call import Call, delete, member, need, tags_in
from simulator.arm.core.errors import Json
from simulator.arm.core.operations import Family
from simulator.arm.core.pages import page
from simulator.arm.core.routing import Route, of

_CREATED_BY = ("Copy", "Empty", "Import")
_CHANGEABLE = (
    "networkAccessPolicy", "publicNetworkAccess", "encryption", "dataAccessAuthMode",
    "diskAccessId", "supportsHibernation", "supportedCapabilities",
    "encryptionSettingsCollection",
)  # fmt: skip


def get_snapshot(call: Call) -> Answer:
    """Show a snapshot."""
    return Answer(body=snapshot_body(call.world.get(Snapshot, _id(call)), call.group))


def list_snapshots(call: Call) -> Answer:
    """List the snapshots of a group or of the subscription."""
    return page(call, Snapshot, lambda found: snapshot_body(found, found.group.upper()))


def put_snapshot(call: Call) -> Answer:
    """Create a snapshot of a disk or of another snapshot, or change an existing one."""
    world, snapshot_id = call.world, _id(call)
    world.need_group(snapshot_id)
    existing = world.find(Snapshot, snapshot_id)
    if existing:
        check_unchanged(call, existing.properties["creationData"])
        return _change(call, existing)
    return _accepted(call, world.add(_taken(call, snapshot_id)))


def patch_snapshot(call: Call) -> Answer:
    """Change a snapshot's tags, account type or network access."""
    return _change(call, call.world.get(Snapshot, _id(call)))


def delete_snapshot(call: Call) -> Answer:
    """Delete a snapshot."""
    snapshot = call.world.find(Snapshot, _id(call))
    if snapshot is None:
        return Answer(204)
    return delete(call, snapshot, "disk", Family.DISK)


def _taken(call: Call, snapshot_id: str) -> Snapshot:
    location = ids.region_name(need(call.body, "location"))
    option = member(call.body, "properties", "creationData", "createOption")
    if option is not None and option not in _CREATED_BY:
        what = f"a snapshot with createOption {option}"
        raise errors.not_simulated(what)
    origin = origin_of(call, location)
    sku = member(call.body, "sku", "name") or "Standard_LRS"
    given = sent_properties(call, sku)
    size, os_type = given.pop("diskSizeGB", None), given.pop("osType", None)
    return Snapshot(
        id=snapshot_id,
        location=location,
        tags=tags_in(call.body),
        properties=origin.properties | given | _own(origin, given),
        sku=sku,
        size_gb=size or origin.size_gb,
        os_type=os_type or origin.os_type,
        created=call.world.clock.now(),
        sysprep=origin.sysprep,
        sysprep_error=origin.sysprep_error,
        layout=origin.layout,
        boots=origin.boots,
        ails=origin.ails,
    )


def _own(origin: Origin, given: Json) -> Json:
    """Return the members that Azure sets; incremental snapshots of one disk share a family id."""
    own: Json = {"creationData": origin.creation, "incremental": given.get("incremental", False)}
    source = origin.creation.get("sourceUniqueId")
    if own["incremental"] and source:
        own["incrementalSnapshotFamilyId"] = str(uuid5(NAMESPACE_OID, source))
    return own


def _change(call: Call, snapshot: Snapshot) -> Answer:
    if snapshot.operation:
        raise errors.concurrent_operation()
    properties = call.body.get("properties") or {}
    if (
        properties.get("incremental", snapshot.properties["incremental"])
        != (snapshot.properties["incremental"])
    ):
        msg = "incremental"
        raise errors.property_change_not_allowed(msg)
    if properties.get("diskSizeGB", snapshot.size_gb) < snapshot.size_gb:
        message = "Shrinking of managed disk size is not allowed."
        raise errors.operation_not_allowed(message)
    snapshot.size_gb = properties.get("diskSizeGB", snapshot.size_gb)
    snapshot.sku = member(call.body, "sku", "name") or snapshot.sku
    snapshot.os_type = properties.get("osType", snapshot.os_type)
    snapshot.properties |= {name: properties[name] for name in _CHANGEABLE if name in properties}
    if "tags" in call.body:
        snapshot.tags = tags_in(call.body)
    return _accepted(call, snapshot)


def _accepted(call: Call, snapshot: Snapshot) -> Answer:
    return written(call, snapshot, lambda group: snapshot_body(snapshot, group))


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
    Route("PATCH", _SNAPSHOT, patch_snapshot, "PutDisk"),
    Route("DELETE", _SNAPSHOT, delete_snapshot, "DeleteDisk"),
)
