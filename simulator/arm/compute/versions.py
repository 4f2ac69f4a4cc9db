"""Gallery image versions: the normal target of a capture, straight from the VM.

Most errors are refused at the PUT (`capture_rules`); copying and replicating is an operation of
minutes. If that fails it leaves a Failed version, which blocks its number.
"""

import re

from azure.mgmt.compute import models

from simulator.arm.compute import capture_errors
from simulator.arm.compute.galleries import DEFINITION, definition_id
from simulator.arm.compute.records import Definition, Version
from simulator.arm.compute.version_bodies import profile_of, regions_of, version_body
from simulator.arm.compute.version_safety import (
    check_deletable,
    end_of_life_of,
    may_leave_regions,
    safety_of,
)  # fmt: skip
from simulator.arm.compute.version_sources import identity, version_origin
from simulator.arm.core import errors, ids
from simulator.arm.core.answer import Answer
from simulator.arm.core.call import Call, delete, member, need, tags_in
from simulator.arm.core.errors import Failure, Json
from simulator.arm.core.operations import Family
from simulator.arm.core.pages import page
from simulator.arm.core.routing import Route, of
from simulator.arm.core.world import World

_NAME = re.compile(r"(0|[1-9]\d{0,9})\.(0|[1-9]\d{0,9})\.(0|[1-9]\d{0,9})")
_LARGEST_PART = 2**31 - 1
# Each further region adds this fraction of the time for the first region.
_FURTHER_REGION = 0.5
# Members that a later request cannot change, and that a PUT without them leaves alone.
_FIXED = ("storageAccountType", "replicationMode")


def get_version(call: Call) -> Answer:
    """Show a version; with `$expand=ReplicationStatus` the progress of each region."""
    version = call.world.get(Version, _id(call))
    replication = call.query.get("$expand", "").lower() == "replicationstatus"
    return Answer(body=version_body(version, call.group, replication=replication))


def list_versions(call: Call) -> Answer:
    """List a definition's versions."""
    definition = call.world.get(Definition, definition_id(call))

    def row(version: Version) -> Json:
        return version_body(version, call.group)

    return page(call, Version, row, under=f"{definition.id}/")


def put_version(call: Call) -> Answer:
    """Capture a source into a definition, or change where an existing version is replicated."""
    definition = call.world.find(Definition, definition_id(call))
    if definition is None:
        msg = "write"
        raise errors.parent_not_found(
            msg, Version.kind, f"{call.names['gallery']}/{call.names['definition']}"
        )
    _check_name(call.names["version"])
    existing = call.world.find(Version, _id(call))
    return _again(call, existing) if existing else _create(call, definition)


def patch_version(call: Call) -> Answer:
    """Change where a version is replicated, whether it counts for `latest`, or its tags."""
    return _update(call, call.world.get(Version, _id(call)))


def delete_version(call: Call) -> Answer:
    """Delete a version, a failed one too, unless deletion is blocked until its end of life."""
    world = call.world
    version = world.find(Version, _id(call))
    if version is None:
        return Answer(204)
    check_deletable(version, world.clock.now())
    return delete(call, version, "delete", Family.GALLERY)


def _create(call: Call, definition: Definition) -> Answer:
    world = call.world
    location = ids.region_name(need(call.body, "location"))
    given = member(call.body, "properties", "publishingProfile") or {}
    now = world.clock.now()
    profile = profile_of(given, location, now) | end_of_life_of(call, None, now)
    origin = version_origin(call, definition, location)
    failure = origin.failure(shallow=profile.get("replicationMode") == "Shallow")
    version = world.add(
        Version(
            id=_id(call),
            location=location,
            tags=tags_in(call.body),
            tagged="tags" in call.body,
            properties={"publishingProfile": profile, "safetyProfile": safety_of(call, {})},
            source=origin.id,
            storage=origin.storage,
            capture=origin.capture,
            published=now,
        )
    )
    version.provisioning = "Creating"

    def finish() -> Failure | None:
        if failure is None:
            version.storage = version.storage | origin.copied
            _settle(version, "Succeeded")
        return failure

    version.operation = world.operations.start(
        "version",
        location,
        _seconds(world, profile),
        finish,
        fail=lambda: _settle(version, "Failed"),
        family=Family.GALLERY,
        doomed=call.doomed,
    )
    return call.accepted(version.operation, 201, version_body(version, call.group))


def _again(call: Call, version: Version) -> Answer:
    if version.provisioning == "Failed":
        raise capture_errors.version_failed(version.name)
    storage = member(call.body, "properties", "storageProfile") or {}
    given = identity(storage)
    if given and given != version.source:
        source = "source" if "source" in storage else "osDiskImage.source.id"
        msg = f"galleryImageVersion.properties.storageProfile.{source}"
        raise errors.property_change_not_allowed(msg)
    return _update(call, version)


def _update(call: Call, version: Version) -> Answer:
    if version.operation:
        raise errors.concurrent_operation()
    world, old = call.world, version.properties
    safety = safety_of(call, old["safetyProfile"])
    profile = _profile(call, version)
    left = [r for r in regions_of(old["publishingProfile"]) if r not in regions_of(profile)]
    if left and not may_leave_regions(safety):
        raise capture_errors.region_is_kept(left)
    version.properties = old | {"publishingProfile": profile, "safetyProfile": safety}
    if "tags" in call.body:
        version.tags, version.tagged = tags_in(call.body), True
    version.provisioning = "Updating"
    version.operation = world.operations.start(
        "version",
        version.location,
        world.seconds("update"),
        lambda: _settle(version, "Succeeded"),
        fail=lambda: _settle(version, "Failed"),
        family=Family.GALLERY,
        doomed=call.doomed,
    )
    return call.accepted(version.operation, 200, version_body(version, call.group))


def _profile(call: Call, version: Version) -> Json:
    """Return the publishing profile after a later request.

    A PATCH merges, and so does a PUT without a profile: recorded for a PUT of location and tags.
    """
    old = version.properties["publishingProfile"]
    given = member(call.body, "properties", "publishingProfile") or {}
    for name in _FIXED:
        if name in given and given[name] != old.get(name, "Full"):
            msg = f"galleryImageVersion.properties.publishingProfile.{name}"
            raise errors.property_change_not_allowed(msg)
    replaces = call.method == "PUT" and given
    kept = {name: old[name] for name in _FIXED if name in old} if replaces else old
    life = end_of_life_of(call, old.get("endOfLifeDate"), version.published)
    return profile_of(kept | given, version.location, version.published) | life


def _settle(version: Version, state: str) -> None:
    version.provisioning, version.operation = state, None


def _check_name(name: str) -> None:
    parts = name.split(".")
    if not _NAME.fullmatch(name) or any(int(part) > _LARGEST_PART for part in parts):
        raise capture_errors.wrong_version_name(name)


def _seconds(world: World, profile: Json) -> float:
    further = len(profile["targetRegions"]) - 1
    return world.seconds("version") * (1 + _FURTHER_REGION * further)


def _id(call: Call) -> str:
    return call.resource_id(Version.kind, "gallery", "definition", "version")


_VERSION = DEFINITION + "/versions/{version}"
ROUTES = of(
    models.GalleryImageVersion,
    Route("GET", _VERSION, get_version, "GetGalleryImageVersion"),
    Route("GET", DEFINITION + "/versions", list_versions, "GetGalleryImageVersion"),
    Route("PUT", _VERSION, put_version, "CreateUpdateGalleryImageVersion"),
    Route("PATCH", _VERSION, patch_version, "CreateUpdateGalleryImageVersion"),
    Route("DELETE", _VERSION, delete_version, "DeleteGalleryImageVersion"),
)
