"""Galleries and image definitions: where versions go, and what they must be like.

A definition is fixed once made, but for its words and limits. What it leaves out is filled in as
the caller's api-version does it: from 2025-03-03 on a silent definition is Gen2 and Trusted Launch
supported, before that Gen1 and standard.
"""

from azure.mgmt.compute import models

from simulator.arm.compute import capture_errors
from simulator.arm.compute.records import Definition, Gallery, Version
from simulator.arm.core import errors, ids
from simulator.arm.core.answer import Answer
from simulator.arm.core.call import Call, delete, member, need, tags_in
from simulator.arm.core.errors import Json
from simulator.arm.core.operations import Family
from simulator.arm.core.pages import page
from simulator.arm.core.resource import Resource
from simulator.arm.core.routing import Route, of
from simulator.arm.core.world import World

SECURE_BY_DEFAULT = "2025-03-03"
_FIXED = ("osType", "osState", "hyperVGeneration", "identifier", "architecture", "purchasePlan")


def gallery_body(resource: Resource, group: str) -> Json:
    """Return a gallery or a definition as ARM shows it."""
    return {
        "name": resource.name,
        "id": ids.with_group(resource.id, group),
        "type": resource.kind,
        "location": resource.location,
        "tags": resource.tags,
        "properties": resource.properties | {"provisioningState": resource.provisioning},
    }


def get_gallery(call: Call) -> Answer:
    """Show a gallery."""
    return Answer(body=gallery_body(call.world.get(Gallery, _gallery_id(call)), call.group))


def list_galleries(call: Call) -> Answer:
    """List the galleries of a group or of the subscription."""
    return page(call, Gallery, lambda gallery: gallery_body(gallery, gallery.group.upper()))


def put_gallery(call: Call) -> Answer:
    """Create a gallery, or replace its description and tags."""
    gallery_id = _gallery_id(call)
    call.world.need_group(gallery_id)
    unique = f"{call.world.subscription}-{call.names['gallery'].upper()}"
    properties = {**(call.body.get("properties") or {}), "identifier": {"uniqueName": unique}}
    existing = call.world.find(Gallery, gallery_id)
    if existing:
        return _update(call, existing, properties)
    location = ids.region_name(need(call.body, "location"))
    return _create(call, Gallery(id=gallery_id, location=location, properties=properties))


def patch_gallery(call: Call) -> Answer:
    """Change a gallery's description or tags."""
    gallery = call.world.get(Gallery, _gallery_id(call))
    return _update(call, gallery, gallery.properties | (call.body.get("properties") or {}))


def delete_gallery(call: Call) -> Answer:
    """Delete an empty gallery."""
    return _delete(call, call.world.find(Gallery, _gallery_id(call)), "images")


def get_definition(call: Call) -> Answer:
    """Show a definition."""
    return Answer(body=gallery_body(call.world.get(Definition, definition_id(call)), call.group))


def list_definitions(call: Call) -> Answer:
    """List a gallery's definitions."""
    gallery = call.world.get(Gallery, _gallery_id(call))

    def row(definition: Definition) -> Json:
        return gallery_body(definition, call.group)

    return page(call, Definition, row, under=f"{gallery.id}/")


def put_definition(call: Call) -> Answer:
    """Create a definition, or change what is not fixed of the one there is."""
    world = call.world
    if world.find(Gallery, _gallery_id(call)) is None:
        msg = "write"
        raise errors.parent_not_found(msg, Definition.kind, call.names["gallery"])
    for name in ("osType", "osState"):
        need(call.body, "properties", name)
    for name in ("publisher", "offer", "sku"):
        need(call.body, "properties", "identifier", name)
    existing = world.find(Definition, definition_id(call))
    if existing:
        _check_fixed(existing, call.body["properties"])
        return _update(call, existing, existing.properties | call.body["properties"])
    location = ids.region_name(need(call.body, "location"))
    properties = _defaults(call.api_version) | call.body["properties"]
    return _create(
        call, Definition(id=definition_id(call), location=location, properties=properties)
    )


def patch_definition(call: Call) -> Answer:
    """Change a definition's words, limits or tags."""
    definition = call.world.get(Definition, definition_id(call))
    properties = call.body.get("properties") or {}
    _check_fixed(definition, properties)
    return _update(call, definition, definition.properties | properties)


def delete_definition(call: Call) -> Answer:
    """Delete a definition without versions."""
    return _delete(call, call.world.find(Definition, definition_id(call)), "versions")


def definition_id(call: Call) -> str:
    """Return the id of the definition in the path."""
    return call.resource_id(Definition.kind, "gallery", "definition")


def _gallery_id(call: Call) -> str:
    return call.resource_id(Gallery.kind, "gallery")


def _defaults(api_version: str) -> Json:
    if api_version < SECURE_BY_DEFAULT:
        return {"hyperVGeneration": "V1", "architecture": "x64"}
    features = [{"name": "SecurityType", "value": "TrustedLaunchSupported"}]
    return {"hyperVGeneration": "V2", "architecture": "x64", "features": features}


def _check_fixed(definition: Definition, properties: Json) -> None:
    for name in _FIXED:
        given = member(properties, name)
        if given is not None and given != definition.properties.get(name):
            msg = f"galleryImage.properties.{name}"
            raise errors.property_change_not_allowed(msg)


def _create(call: Call, resource: Gallery | Definition) -> Answer:
    resource.tags, resource.provisioning = tags_in(call.body), "Creating"
    return _work(call, call.world.add(resource), 201)


def _update(call: Call, resource: Gallery | Definition, properties: Json) -> Answer:
    if resource.operation:
        raise errors.concurrent_operation()
    properties.pop("provisioningState", None)
    resource.properties, resource.provisioning = properties, "Updating"
    if "tags" in call.body:
        resource.tags = tags_in(call.body)
    return _work(call, resource, 200)


def _work(call: Call, resource: Gallery | Definition, status: int) -> Answer:
    def settle(state: str) -> None:
        resource.provisioning, resource.operation = state, None

    resource.operation = call.world.operations.start(
        "update",
        resource.location,
        call.world.seconds("gallery"),
        lambda: settle("Succeeded"),
        fail=lambda: settle("Failed"),
        family=Family.GALLERY,
        doomed=call.doomed,
    )
    return call.accepted(resource.operation, status, gallery_body(resource, call.group))


def _delete(call: Call, resource: Gallery | Definition | None, children: str) -> Answer:
    if resource is None:
        return Answer(204)
    if _has_children(call.world, resource):
        raise capture_errors.still_has_children(resource.kind, resource.name, children)
    return delete(call, resource, "gallery", Family.GALLERY)


def _has_children(world: World, resource: Resource) -> bool:
    kind = Definition if isinstance(resource, Gallery) else Version
    prefix = resource.key + "/"
    return any(child.key.startswith(prefix) for child in world.of(kind))


_COMPUTE = "providers/Microsoft.Compute/galleries"
_GALLERIES = f"/subscriptions/{{subscription}}/resourceGroups/{{group}}/{_COMPUTE}"
_GALLERY = _GALLERIES + "/{gallery}"
DEFINITION = _GALLERY + "/images/{definition}"
ROUTES = (
    *of(
        models.Gallery,
        Route("GET", _GALLERY, get_gallery, "GetGallery"),
        Route("GET", _GALLERIES, list_galleries, "GetGallery"),
        Route("GET", f"/subscriptions/{{subscription}}/{_COMPUTE}", list_galleries, "GetGallery"),
        Route("PUT", _GALLERY, put_gallery, "CreateUpdateGallery"),
        Route("PATCH", _GALLERY, patch_gallery, "CreateUpdateGallery"),
        Route("DELETE", _GALLERY, delete_gallery, "DeleteGallery"),
    ),
    *of(
        models.GalleryImage,
        Route("GET", DEFINITION, get_definition, "GetGalleryImage"),
        Route("GET", _GALLERY + "/images", list_definitions, "GetGalleryImage"),
        Route("PUT", DEFINITION, put_definition, "CreateUpdateGalleryImage"),
        Route("PATCH", DEFINITION, patch_definition, "CreateUpdateGalleryImage"),
        Route("DELETE", DEFINITION, delete_definition, "DeleteGalleryImage"),
    ),
)
