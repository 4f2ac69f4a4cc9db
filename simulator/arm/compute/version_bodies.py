"""The body of a gallery image version, with Azure's defaults."""

from datetime import datetime

from simulator.arm.compute import capture_errors
from simulator.arm.compute.records import Version
from simulator.arm.core import ids
from simulator.arm.core.call import need
from simulator.arm.core.errors import Json
from simulator.arm.core.wire import stamp


def version_body(version: Version, group: str, *, replication: bool = False) -> Json:
    """Return a version's body; the copied disks only when they exist."""
    properties = {
        "publishingProfile": version.properties["publishingProfile"],
        "storageProfile": version.storage,
        "safetyProfile": version.properties["safetyProfile"],
        "provisioningState": version.provisioning,
    }
    if replication:
        properties["replicationStatus"] = _replication(version)
    body: Json = {
        "name": version.name,
        "id": ids.with_group(version.id, group),
        "type": Version.kind,
        "location": version.location,
        "tags": version.tags,
        "properties": properties,
    }
    if not (version.tags or version.tagged):
        del body["tags"]
    return body


def profile_of(given: Json, location: str, published: datetime) -> Json:
    """Return the publishing profile with Azure's defaults; refuse it without the own region."""
    replicas = given.get("replicaCount") or 1
    account = given.get("storageAccountType") or "Standard_LRS"
    regions = [
        _region(region, replicas, account)
        for region in given.get("targetRegions") or [{"name": location}]
    ]
    names = regions_of({"targetRegions": regions})
    if location not in names:
        raise capture_errors.region_missing(names, location)
    if len(set(names)) < len(names):
        msg = "region"
        raise capture_errors.twice(msg)
    # Members that Azure sets are given twice: first for the order of members, last to prevail.
    decided = {"targetRegions": regions, "publishedDate": stamp(published)}
    defaults = {
        "targetRegions": regions,
        "replicaCount": replicas,
        "excludeFromLatest": False,
        "publishedDate": decided["publishedDate"],
        "storageAccountType": account,
    }
    return defaults | given | decided


def regions_of(profile: Json) -> list[str]:
    """Return the regions of a publishing profile by their short names."""
    return [ids.region_name(region["name"]) for region in profile["targetRegions"]]


def _region(given: Json, replicas: int, account: str) -> Json:
    name = {"name": ids.region_display(need(given, "name"))}
    defaults = {"regionalReplicaCount": replicas, "storageAccountType": account}
    return name | defaults | given | name


def _replication(version: Version) -> Json:
    done = version.provisioning == "Succeeded"
    failed = version.provisioning == "Failed"
    state = "Completed" if done else "Failed" if failed else "Replicating"
    summary = [
        {"region": region, "state": state, "progress": 100 if done else 0}
        for region in regions_of(version.properties["publishingProfile"])
    ]
    aggregated = "Completed" if done else "Failed" if failed else "InProgress"
    return {"aggregatedState": aggregated, "summary": summary}
