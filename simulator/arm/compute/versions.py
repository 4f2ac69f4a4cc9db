"""Gallery image versions: the normal target of a capture, straight from the VM.

What can be seen at once is refused at once (`capture_rules`); copying and replicating is an
operation of minutes. One that fails leaves a Failed version, which blocks its number.
"""

import re

from azure.mgmt.compute import models

from simulator.arm.compute import capture_errors
from simulator.arm.compute.capture_rules import late_failure, refusal
from simulator.arm.compute.galleries import DEFINITION, definition_id
from simulator.arm.compute.images import capture_of
from simulator.arm.compute.records import Definition, Image, Version, Vm
from simulator.arm.compute.version_bodies import copied_disks, profile_of, version_body
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
# Each further region adds this much of the time that the first one takes.
_FURTHER_REGION = 0.5


def get_version(call: Call) -> Answer:
    """Show a version; with `$expand=ReplicationStatus` how far each region is."""
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
    """Delete a version, a failed one too."""
    world = call.world
    version = world.find(Version, _id(call))
    if version is None:
        return Answer(204)
    return delete(call, version, "delete", Family.GALLERY)


def _create(call: Call, definition: Definition) -> Answer:
    world, source_id = call.world, _source_id(call.body)
    location = ids.region_name(need(call.body, "location"))
    profile = profile_of(call.body, location, world.clock.now())
    source = _allowed_source(call, definition, source_id)
    shallow = profile["replicationMode"] == "Shallow"
    failure = late_failure(source, shallow=shallow) if isinstance(source, Vm) else None
    version = world.add(_version(call, source, source_id, location, profile))
    version.provisioning = "Creating"

    def finish() -> Failure | None:
        if failure is None:
            version.storage |= copied_disks(source)
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


def _allowed_source(call: Call, definition: Definition, source_id: str) -> Vm | Image:
    """Return the source, once the caller may use it and the definition takes it."""
    kind = _kind_of(source_id)
    if kind == Image.kind.lower():
        call.allowed_on(f"{Image.kind}/read", source_id)
        return _fitting_image(call.world.get(Image, source_id), definition)
    if kind != Vm.kind.lower():
        msg = f"a gallery version from {source_id}"
        raise errors.not_simulated(msg)
    call.allowed_on(f"{Vm.kind}/write", source_id)
    vm = call.world.get(Vm, source_id)
    refused = refusal(vm, definition)
    if refused:
        raise refused
    return vm


def _kind_of(source_id: str) -> str:
    named = ids.take_apart(source_id)
    return named.kind.lower() if named else ""


def _fitting_image(image: Image, definition: Definition) -> Image:
    wanted = definition.properties["hyperVGeneration"]
    if image.generation != wanted:
        raise capture_errors.wrong_generation(image.id, image.generation, wanted)
    os_type = image.storage["osDisk"]["osType"]
    if os_type != definition.properties["osType"]:
        wanted = definition.properties["osType"]
        raise capture_errors.wrong_os(image.id, "OS type", os_type, wanted)
    return image


def _version(
    call: Call, source: Vm | Image, source_id: str, location: str, profile: Json
) -> Version:
    named = member(call.body, "properties", "storageProfile", "source") or {"id": source_id}
    safety = {"allowDeletionOfReplicatedLocations": True, "reportedForPolicyViolation": False}
    given = member(call.body, "properties", "safetyProfile") or {}
    return Version(
        id=_id(call),
        location=location,
        tags=tags_in(call.body),
        properties={"publishingProfile": profile, "safetyProfile": safety | given},
        source=source_id.lower(),
        storage={"source": named},
        capture=capture_of(source) if isinstance(source, Vm) else source.capture,
        published=call.world.clock.now(),
    )


def _again(call: Call, version: Version) -> Answer:
    if version.provisioning == "Failed":
        raise capture_errors.version_failed(version.name)
    given = member(call.body, "properties", "storageProfile", "source")
    if given and _source_id(call.body).lower() != version.source:
        msg = "galleryImageVersion.storageProfile.source"
        raise errors.property_change_not_allowed(msg)
    return _update(call, version)


def _update(call: Call, version: Version) -> Answer:
    if version.operation:
        raise errors.concurrent_operation()
    world, old = call.world, version.properties["publishingProfile"]
    given = member(call.body, "properties", "publishingProfile")
    if given:
        profile = profile_of(call.body, version.location, version.published)
        version.properties["publishingProfile"] = old | profile
    if "tags" in call.body:
        version.tags = tags_in(call.body)
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


def _settle(version: Version, state: str) -> None:
    version.provisioning, version.operation = state, None


def _check_name(name: str) -> None:
    parts = name.split(".")
    if not _NAME.fullmatch(name) or any(int(part) > _LARGEST_PART for part in parts):
        raise capture_errors.wrong_version_name(name)


def _source_id(body: Json) -> str:
    source = member(body, "properties", "storageProfile", "source") or {}
    named = member(source, "virtualMachineId") or member(source, "id")
    if named is None:
        if member(body, "properties", "storageProfile", "osDiskImage"):
            what = "a gallery version from disks, snapshots or blobs"
            raise errors.not_simulated(what)
        msg = "galleryImageVersion.properties.storageProfile.source"
        raise errors.missing_parameter(msg)
    return str(named)


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
