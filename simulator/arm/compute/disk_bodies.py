"""The bodies of managed disks and snapshots, and the answers to writing them."""

from azure.mgmt.compute import models

from simulator.arm.compute.disk_sizes import sku_body, speed_body, without_fixed_speed
from simulator.arm.compute.records import Disk, Snapshot
from simulator.arm.core import ids
from simulator.arm.core.call import Call
from simulator.arm.core.errors import Json
from simulator.arm.core.specification import shape_of
from simulator.arm.core.wire import stamp

_GIB = 1024**3
# The api-version that brought LastOwnershipUpdateTime.
_OWNERSHIP_SINCE = "2023-04-02"
# Answers to a PUT changed between 2020-06-30 and 2022-07-02; the exact version is not known.
_NAMED_SINCE = "2021-04-01"
# Members that Azure sets, whatever a client sends.
_READ_ONLY = frozenset(
    {
        "timeCreated", "provisioningState", "uniqueId", "diskState", "diskSizeBytes", "shareInfo",
        "LastOwnershipUpdateTime", "propertyUpdatesInProgress", "isArmResource",
        "completionPercent", "incrementalSnapshotFamilyId",
    }
)  # fmt: skip
_KNOWN = frozenset(
    name
    for model in (models.DiskProperties, models.SnapshotProperties)
    for name, _ in shape_of(model).members.values()
)
_OPEN: Json = {
    "encryption": {"type": "EncryptionAtRestWithPlatformKey"},
    "networkAccessPolicy": "AllowAll",
    "publicNetworkAccess": "Enabled",
}


def disk_state(disk: Disk) -> str:
    """Return Attached, Reserved (its VM is deallocated), ActiveSAS, ReadyToUpload, Unattached."""
    if disk.access_open:
        return "ActiveSAS"
    if disk.awaits_upload:
        return "ReadyToUpload"
    if disk.owner is None:
        return "Unattached"
    return "Attached" if disk.owner.allocated else "Reserved"


def disk_body(disk: Disk, group: str, api_version: str) -> Json:
    """Return a disk's body, with its group in the caller's casing."""
    properties = _as_sent(disk) | speed_body(disk.sku, disk.size_gb, disk.properties)
    properties |= _state(disk, disk_state(disk))
    if disk.moved and api_version >= _OWNERSHIP_SINCE:
        properties["LastOwnershipUpdateTime"] = stamp(disk.moved)
    body = _envelope(disk, group)
    if disk.zones:
        body["zones"] = disk.zones
    if disk.owner:
        body["managedBy"] = disk.owner.id
    return body | {"sku": sku_body(disk.sku), "properties": properties}


def snapshot_body(snapshot: Snapshot, group: str) -> Json:
    """Return a snapshot's body."""
    properties = {"incremental": False} | _as_sent(snapshot) | _state(snapshot, "Unattached")
    body = _envelope(snapshot, group)
    return body | {"sku": sku_body(snapshot.sku), "properties": properties}


def sent_properties(call: Call, sku: str) -> Json:
    """Return the properties of a request for a disk or snapshot, without those that Azure sets."""
    given = without_fixed_speed(sku, call.body.get("properties") or {})
    return {n: value for n, value in given.items() if n in _KNOWN and n not in _READ_ONLY}


def write_body(call: Call, body: Json, sku: str) -> Json:
    """Return the answer to a PUT or PATCH: the request's body, with provisioningState Updating.

    Before a certain api-version it lacks id, name and type.
    """
    sent = sent_properties(call, sku)
    properties = sent | {"provisioningState": "Updating"}
    answer = body | {"sku": {"name": sku}, "properties": properties}
    if call.api_version >= _NAMED_SINCE:
        return answer
    properties["isArmResource"] = True
    return {n: value for n, value in answer.items() if n not in {"id", "name", "type", "managedBy"}}


def _envelope(resource: Disk | Snapshot, group: str) -> Json:
    return {
        "name": resource.name,
        "id": ids.with_group(resource.id, group),
        "type": resource.kind,
        "location": resource.location,
        "tags": resource.tags,
    }


def _as_sent(resource: Disk | Snapshot) -> Json:
    os_type = {"osType": resource.os_type} if resource.os_type else {}
    return os_type | _OPEN | resource.properties


def _state(resource: Disk | Snapshot, state: str) -> Json:
    """Return the members that Azure sets; a disk that waits for its upload has no size yet."""
    size = {"diskSizeGB": resource.size_gb, "diskSizeBytes": resource.size_gb * _GIB}
    return {
        **({} if state == "ReadyToUpload" else size),
        "timeCreated": stamp(resource.created),
        "provisioningState": resource.provisioning,
        "diskState": state,
        "uniqueId": resource.unique_id,
    }
