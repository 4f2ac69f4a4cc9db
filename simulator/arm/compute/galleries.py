"""Galleries and image definitions.

A definition cannot be changed, except for its descriptions and limits, and its features if the
request has `allowUpdateImage`. Defaults depend on the api-version: from 2025-03-03 on a definition
without generation and security type is Gen2 and TrustedLaunchSupported; before that, or with one of
the two given, the generation defaults to V1 and the features are those of the request.
"""

from collections.abc import Iterator

from azure.mgmt.compute import models

from simulator.arm.compute import capture_errors
from simulator.arm.compute.records import Definition, Gallery, Version
from simulator.arm.core import errors, ids
from simulator.arm.core.answer import Answer
from simulator.arm.core.call import Call, delete, need, tags_in
from simulator.arm.core.errors import Json
from simulator.arm.core.operations import Family
from simulator.arm.core.pages import page
from simulator.arm.core.resource import Resource
from simulator.arm.core.routing import Route, of
from simulator.arm.core.world import World

_SECURE_BY_DEFAULT = "2025-03-03"
_ARCHITECTURE_SINCE = "2021-10-01"
_SUPPORTED = {"name": "SecurityType", "value": "TrustedLaunchSupported"}
# Azure's own spelling of a feature's name and value: recorded of `True` and `ConfidentialVM`.
_FEATURES = (
    "SecurityType", "DiskControllerTypes", "IsAcceleratedNetworkSupported",
    "IsHibernateSupported",
)  # fmt: skip
_VALUES = (
    "True", "False", "None", "Standard", "TrustedLaunch", "TrustedLaunchSupported",
    "ConfidentialVM", "ConfidentialVMSupported", "TrustedLaunchAndConfidentialVMSupported",
)  # fmt: skip
_SPELT = {word.lower(): word for word in (*_FEATURES, *_VALUES)}
# Members that are not shown if empty.
_NOT_EMPTY = ("disallowed", "features")
_FIXED = ("osType", "osState", "hyperVGeneration", "identifier", "architecture", "purchasePlan")


def gallery_body(resource: Gallery | Definition, call: Call, group: str) -> Json:
    """Return the body of a gallery or a definition."""
    properties = resource.properties | {"provisioningState": resource.provisioning}
    if call.api_version < _ARCHITECTURE_SINCE:
        properties.pop("architecture", None)
    body: Json = {
        "name": resource.name,
        "id": ids.with_group(resource.id, group),
        "type": resource.kind,
        "location": resource.location,
        "tags": resource.tags,
        "properties": properties,
    }
    if not (resource.tags or resource.tagged):
        del body["tags"]
    return body


def get_gallery(call: Call) -> Answer:
    """Show a gallery."""
    return Answer(body=gallery_body(call.world.get(Gallery, _gallery_id(call)), call, call.group))


def list_galleries(call: Call) -> Answer:
    """List the galleries of a group or of the subscription."""
    return page(call, Gallery, lambda found: gallery_body(found, call, found.group.upper()))


def put_gallery(call: Call) -> Answer:
    """Create a gallery, or replace its description and tags."""
    gallery_id = _gallery_id(call)
    call.world.need_group(gallery_id)
    unique = f"{call.world.subscription}-{call.names['gallery'].upper()}"
    own: Json = {"identifier": {"uniqueName": unique}}
    properties = (call.body.get("properties") or {}) | own
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
    return _delete(call, call.world.find(Gallery, _gallery_id(call)))


def get_definition(call: Call) -> Answer:
    """Show a definition."""
    definition = call.world.get(Definition, definition_id(call))
    return Answer(body=gallery_body(definition, call, call.group))


def list_definitions(call: Call) -> Answer:
    """List a gallery's definitions."""
    gallery = call.world.get(Gallery, _gallery_id(call))

    def row(definition: Definition) -> Json:
        return gallery_body(definition, call, call.group)

    return page(call, Definition, row, under=f"{gallery.id}/")


def put_definition(call: Call) -> Answer:
    """Create a definition, or change what can be changed of an existing one."""
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
        return _change_definition(call, existing)
    location = ids.region_name(need(call.body, "location"))
    properties = _filled_in(call.api_version, _sent(call))
    definition = Definition(id=definition_id(call), location=location, properties=properties)
    _check_identifier(world, definition)
    return _create(call, definition)


def patch_definition(call: Call) -> Answer:
    """Change a definition's descriptions, limits or tags."""
    return _change_definition(call, call.world.get(Definition, definition_id(call)))


def delete_definition(call: Call) -> Answer:
    """Delete a definition without versions."""
    return _delete(call, call.world.find(Definition, definition_id(call)))


def definition_id(call: Call) -> str:
    """Return the id of the definition in the path."""
    return call.resource_id(Definition.kind, "gallery", "definition")


def _gallery_id(call: Call) -> str:
    return call.resource_id(Gallery.kind, "gallery")


def _sent(call: Call) -> Json:
    """Return the properties of a request's definition, features in Azure's spelling."""
    properties: Json = dict(call.body.get("properties") or {})
    if "features" in properties:
        properties["features"] = [_spelt(feature) for feature in properties["features"]]
    return properties


def _spelt(feature: Json) -> Json:
    return {
        name: _SPELT.get(value.lower(), value) if name in {"name", "value"} else value
        for name, value in feature.items()
    }


def _filled_in(api_version: str, properties: Json) -> Json:
    """Return a new definition's properties, with the defaults for what the request omits."""
    features = properties.get("features") or []
    secured = any(feature.get("name") == "SecurityType" for feature in features)
    silent = not secured and "hyperVGeneration" not in properties
    if api_version >= _SECURE_BY_DEFAULT and silent:
        defaults: Json = {"hyperVGeneration": "V2"}
        features = [*features, _SUPPORTED]
    else:
        defaults = {"hyperVGeneration": "V1"}
    return defaults | {"architecture": "x64"} | _kept(properties) | _kept({"features": features})


def _kept(properties: Json) -> Json:
    """Return properties without those that Azure does not show if empty."""
    return {n: value for n, value in properties.items() if value or n not in _NOT_EMPTY}


def _check_identifier(world: World, definition: Definition) -> None:
    """Refuse a definition if another one in the gallery has its publisher, offer and sku."""
    under = ids.parent(definition.key) + "/"
    wanted = definition.properties["identifier"]
    for other in world.of(Definition):
        if other.key.startswith(under) and _named(other.properties["identifier"]) == _named(wanted):
            raise capture_errors.identifier_taken(other.name, wanted)


def _named(identifier: Json) -> tuple[str, ...]:
    return tuple(str(identifier[part]).lower() for part in ("publisher", "offer", "sku"))


def _change_definition(call: Call, definition: Definition) -> Answer:
    """Change what can be changed; features only with `allowUpdateImage`, and then all of them."""
    properties = _sent(call)
    changing = properties.pop("allowUpdateImage", False)
    for name in _FIXED:
        given = properties.get(name)
        if given is not None and given != definition.properties.get(name):
            msg = f"galleryImage.properties.{name}"
            raise errors.property_change_not_allowed(msg)
    has: list[Json] = definition.properties.get("features") or []
    wanted: list[Json] = properties.get("features", has)
    if not changing and _values(wanted) != _values(has):
        msg = "galleryImage.properties.features"
        raise errors.property_change_not_allowed(msg)
    return _update(call, definition, _kept(definition.properties | properties))


def _values(features: list[Json]) -> dict[str, str]:
    return {str(feature.get("name")): str(feature.get("value")) for feature in features}


def _create(call: Call, resource: Gallery | Definition) -> Answer:
    resource.tags, resource.tagged = tags_in(call.body), "tags" in call.body
    resource.provisioning = "Creating"
    return _work(call, call.world.add(resource), 201)


def _update(call: Call, resource: Gallery | Definition, properties: Json) -> Answer:
    if resource.operation:
        raise errors.concurrent_operation()
    properties.pop("provisioningState", None)
    resource.properties, resource.provisioning = properties, "Updating"
    if "tags" in call.body:
        resource.tags, resource.tagged = tags_in(call.body), True
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
    return call.accepted(resource.operation, status, gallery_body(resource, call, call.group))


def _delete(call: Call, resource: Gallery | Definition | None) -> Answer:
    if resource is None:
        return Answer(204)
    nested = [child.id for child in _children(call.world, resource)]
    if nested:
        raise capture_errors.still_has_children(nested)
    return delete(call, resource, "gallery", Family.GALLERY)


def _children(world: World, resource: Gallery | Definition) -> Iterator[Resource]:
    kind = Definition if isinstance(resource, Gallery) else Version
    prefix = resource.key + "/"
    return (child for child in world.of(kind) if child.key.startswith(prefix))


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
