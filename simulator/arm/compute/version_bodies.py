"""What ARM shows of a gallery image version, with what Azure fills in by itself."""

from datetime import datetime

from simulator.arm.compute import capture_errors
from simulator.arm.compute.records import Attachment, Image, Version, Vm
from simulator.arm.core import ids
from simulator.arm.core.call import member, need
from simulator.arm.core.errors import Json
from simulator.arm.core.wire import stamp


def version_body(version: Version, group: str, *, replication: bool = False) -> Json:
    """Return a version as ARM shows it; the copied disks only once there are any."""
    properties = {
        "publishingProfile": version.properties["publishingProfile"],
        "storageProfile": version.storage,
        "safetyProfile": version.properties["safetyProfile"],
        "provisioningState": version.provisioning,
    }
    if replication:
        properties["replicationStatus"] = _replication(version)
    return {
        "name": version.name,
        "id": ids.with_group(version.id, group),
        "type": Version.kind,
        "location": version.location,
        "tags": version.tags,
        "properties": properties,
    }


def profile_of(body: Json, location: str, published: datetime) -> Json:
    """Return the publishing profile with Azure's defaults; refuse one without the own region."""
    given = member(body, "properties", "publishingProfile") or {}
    replicas = given.get("replicaCount") or 1
    account = given.get("storageAccountType") or "Standard_LRS"
    regions = [
        _region(region, replicas, account)
        for region in given.get("targetRegions") or [{"name": location}]
    ]
    if location not in (ids.region_name(region["name"]) for region in regions):
        raise capture_errors.region_missing(location)
    # What Azure decides stands twice: first for the order of the members, last to prevail.
    decided = {"targetRegions": regions, "publishedDate": stamp(published)}
    defaults = {
        "targetRegions": regions,
        "replicaCount": replicas,
        "excludeFromLatest": False,
        "publishedDate": decided["publishedDate"],
        "storageAccountType": account,
        "replicationMode": "Full",
    }
    return defaults | given | decided


def _region(given: Json, replicas: int, account: str) -> Json:
    name = {"name": ids.region_display(need(given, "name"))}
    defaults = {"regionalReplicaCount": replicas, "storageAccountType": account}
    return name | defaults | given | name


def copied_disks(source: Vm | Image) -> Json:
    """Return what the copied disks look like once they are there."""
    if isinstance(source, Image):
        disks = source.storage["dataDisks"]
        data = [{"lun": d["lun"], **_image_disk(d)} for d in disks]
        return {"osDiskImage": _image_disk(source.storage["osDisk"]), "dataDiskImages": data}
    data = [{"lun": attachment.lun} | _disk_image(attachment) for attachment in source.data_disks]
    return {"osDiskImage": _disk_image(source.os_disk), "dataDiskImages": data}


def _disk_image(attachment: Attachment) -> Json:
    caching = attachment.settings["caching"]
    return {"sizeInGB": attachment.disk.size_gb, "hostCaching": caching, "source": {}}


def _image_disk(disk: Json) -> Json:
    return {"sizeInGB": disk["diskSizeGB"], "hostCaching": disk["caching"], "source": {}}


def _replication(version: Version) -> Json:
    done = version.provisioning == "Succeeded"
    failed = version.provisioning == "Failed"
    state = "Completed" if done else "Failed" if failed else "Replicating"
    regions = version.properties["publishingProfile"]["targetRegions"]
    summary = [
        {"region": ids.region_name(r["name"]), "state": state, "progress": 100 if done else 0}
        for r in regions
    ]
    aggregated = "Completed" if done else "Failed" if failed else "InProgress"
    return {"aggregatedState": aggregated, "summary": summary}
