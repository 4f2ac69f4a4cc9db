"""Managed images: the legacy target of a capture.

A PUT is checked against the source at once; the copy is an operation. A PUT to an existing image
with the same source answers 200 and captures nothing: a trap for clients that do not GET first.
The source is a VM, or disks, snapshots or blobs (`image_sources`).
"""

from collections.abc import Iterator

from azure.mgmt.compute import models

from simulator.arm.compute import capture_errors, vm_errors
from simulator.arm.compute.image_sources import capture_from, image_sources, image_storage
from simulator.arm.compute.records import Attachment, Capture, Image, Vm
from simulator.arm.core import errors, ids
from simulator.arm.core.answer import Answer
from simulator.arm.core.call import Call, delete, member, need, tags_in
from simulator.arm.core.errors import Json
from simulator.arm.core.pages import page
from simulator.arm.core.routing import Route, of

_NOTHING_TO_DO = 1.0
# In earlier api-versions the generation of an image of disks defaults to V1.
_GENERATION_SINCE = "2019-03-01"


def image_body(image: Image, group: str) -> Json:
    """Return an image's body; sizes that the request omits are shown only after its creation."""
    properties: Json = {}
    if image.source_vm:
        properties["sourceVirtualMachine"] = {"id": image.source_vm}
    making = image.provisioning == "Creating"
    properties |= {
        "storageProfile": _unsized(image) if making else image.storage,
        "provisioningState": image.provisioning,
        "hyperVGeneration": image.generation,
    }
    return {
        "name": image.name,
        "id": ids.with_group(image.id, group),
        "type": Image.kind,
        "location": image.location,
        "tags": image.tags,
        "properties": properties,
    }


def _unsized(image: Image) -> Json:
    def shown(disk: Json) -> Json:
        hidden = set() if disk.get("lun") in image.sized else {"diskSizeGB"}
        return {name: value for name, value in disk.items() if name not in hidden}

    storage = image.storage
    disks = [shown(disk) for disk in storage["dataDisks"]]
    return storage | {"osDisk": shown(storage["osDisk"]), "dataDisks": disks}


def get_image(call: Call) -> Answer:
    """Show an image."""
    return Answer(body=image_body(call.world.get(Image, _id(call)), call.group))


def list_images(call: Call) -> Answer:
    """List the images of a group or of the subscription."""
    return page(call, Image, lambda image: image_body(image, image.group.upper()))


def put_image(call: Call) -> Answer:
    """Create an image from a generalized VM or from disks, or answer for an existing image."""
    world, image_id = call.world, _id(call)
    world.need_group(image_id)
    existing = world.find(Image, image_id)
    if existing:
        return _again(call, existing)
    of_vm = member(call.body, "properties", "sourceVirtualMachine", "id")
    image = world.add((_captured if of_vm else _assembled)(call, image_id))
    image.provisioning = "Creating"
    return _work(call, image, world.seconds("image"), 201)


def _work(call: Call, image: Image, seconds: float, status: int) -> Answer:
    def settle(state: str) -> None:
        image.provisioning, image.operation = state, None

    image.operation = call.world.operations.start(
        "image",
        image.location,
        seconds,
        lambda: settle("Succeeded"),
        fail=lambda: settle("Failed"),
        doomed=call.doomed,
    )
    return call.accepted(image.operation, status, image_body(image, call.group))


def patch_image(call: Call) -> Answer:
    """Change an image's tags."""
    image = call.world.get(Image, _id(call))
    if "tags" in call.body:
        image.tags = tags_in(call.body)
    return Answer(body=image_body(image, call.group))


def delete_image(call: Call) -> Answer:
    """Delete an image."""
    world = call.world
    image = world.find(Image, _id(call))
    if image is None:
        return Answer(204)
    return delete(call, image, "image")


def _again(call: Call, image: Image) -> Answer:
    properties = call.body.get("properties") or {}
    source = member(properties, "sourceVirtualMachine", "id")
    if source and source.lower() != (image.source_vm or "").lower():
        msg = "sourceVirtualMachine.id"
        raise errors.property_change_not_allowed(msg)
    given, has = _sources(properties.get("storageProfile") or {}), _sources(image.storage)
    if any(has.get(at) != value for at, value in given.items()):
        msg = "storageProfile"
        raise errors.property_change_not_allowed(msg)
    if image.operation:
        raise errors.concurrent_operation()
    if "tags" in call.body:
        image.tags = tags_in(call.body)
    image.provisioning = "Updating"
    return _work(call, image, _NOTHING_TO_DO, 200)


def _sources(storage: Json) -> dict[object, str]:
    """Return the sources of the disks of a storageProfile, by lun."""

    def named() -> Iterator[tuple[object, str]]:
        for disk in (storage.get("osDisk") or {}, *(storage.get("dataDisks") or ())):
            for name in ("managedDisk", "snapshot"):
                if name in disk:
                    yield disk.get("lun"), str(disk[name].get("id")).lower()
            if "blobUri" in disk:
                yield disk.get("lun"), disk["blobUri"]

    return dict(named())


def _assembled(call: Call, image_id: str) -> Image:
    """Return an image from the disks, snapshots or blobs of a request."""
    properties = call.body.get("properties") or {}
    storage = need(properties, "storageProfile")
    location = ids.region_name(need(call.body, "location"))
    generation = _generation(call, properties)
    os_disk, data = image_sources(call, storage, location)
    has = os_disk.word("hyperVGeneration") or generation
    if has != generation:
        raise capture_errors.generation_not_the_sources(has)
    kept, disks = image_storage(storage, os_disk, data), storage.get("dataDisks") or []
    return Image(
        id=image_id,
        location=location,
        tags=tags_in(call.body),
        storage=kept | _zone_resilient(call),
        generation=generation,
        source_vm=None,
        capture=capture_from(os_disk.id, os_disk, data, call.world.clock.now()),
        sized=frozenset(d.get("lun") for d in (storage["osDisk"], *disks) if "diskSizeGB" in d),
    )


def _generation(call: Call, properties: Json) -> str:
    given = properties.get("hyperVGeneration")
    if given is None and call.api_version >= _GENERATION_SINCE:
        msg = "hyperVGeneration"
        raise errors.missing_parameter(msg)
    return str(given or "V1")


def _zone_resilient(call: Call) -> Json:
    """Return `zoneResilient` as a member; it is shown only if the request has it."""
    given = member(call.body, "properties", "storageProfile", "zoneResilient")
    return {} if given is None else {"zoneResilient": given}


def _captured(call: Call, image_id: str) -> Image:
    source_id = need(call.body, "properties", "sourceVirtualMachine", "id")
    call.allowed_on("Microsoft.Compute/virtualMachines/read", source_id)
    vm = call.world.get(Vm, source_id)
    location = ids.region_name(need(call.body, "location"))
    generation = member(call.body, "properties", "hyperVGeneration")
    _check_source(vm, location, generation)
    return Image(
        id=image_id,
        location=location,
        tags=tags_in(call.body),
        storage=_storage(vm) | _zone_resilient(call),
        generation=vm.generation,
        source_vm=source_id,
        capture=capture_of(vm),
    )


def capture_of(vm: Vm) -> Capture:
    """Record what an image of a VM is made from at this moment."""
    disk = vm.os_disk.disk
    data = tuple(attachment.disk.id for attachment in vm.data_disks)
    at = disk.moved or disk.created
    return Capture(
        *(vm.id, disk.id, data, disk.sysprep, at, disk.sysprep_error, disk.layout, disk.boots)
    )


def _check_source(vm: Vm, location: str, generation: str | None) -> None:
    if vm.operation:
        raise errors.concurrent_operation()
    if not vm.generalized:
        raise capture_errors.vm_not_generalized(vm.name)
    if vm.opened_disk:
        msg = "a capture"
        raise vm_errors.unknown_with_open_access(msg, vm.opened_disk.name)
    if vm.security_type != "Standard":
        raise capture_errors.not_for_trusted_launch(vm.security_type)
    if (generation or "V1") != vm.generation:
        raise capture_errors.generation_not_the_sources(vm.generation)
    if location != vm.location:
        message = f"The source Virtual Machine lies in '{vm.location}', the image in '{location}'."
        raise errors.invalid_parameter(message, "location")


def _storage(vm: Vm) -> Json:
    os_disk = {"osType": vm.os_type, "osState": "Generalized"} | _copied(vm.os_disk)
    data = [{"lun": attachment.lun} | _copied(attachment) for attachment in vm.data_disks]
    return {"osDisk": os_disk, "dataDisks": data}


def _copied(attachment: Attachment) -> Json:
    disk = attachment.disk
    source: Json = {"blobUri": disk.vhd} if disk.vhd else {"managedDisk": {"id": disk.id}}
    return {
        "diskSizeGB": disk.size_gb,
        **source,
        "caching": attachment.settings["caching"],
        "storageAccountType": disk.sku,
    }


def _id(call: Call) -> str:
    return call.resource_id(Image.kind, "image")


_GROUP = "/subscriptions/{subscription}/resourceGroups/{group}/providers/Microsoft.Compute/images"
_IMAGE = _GROUP + "/{image}"
ROUTES = of(
    models.Image,
    Route("GET", _IMAGE, get_image, "GetImages"),
    Route("GET", _GROUP, list_images, "GetImages"),
    Route(
        "GET",
        "/subscriptions/{subscription}/providers/Microsoft.Compute/images",
        list_images,
        "GetImages",
    ),
    Route("PUT", _IMAGE, put_image, "CreateImages"),
    Route("PATCH", _IMAGE, patch_image, "CreateImages"),
    Route("DELETE", _IMAGE, delete_image, "DeleteImages"),
    strict=True,
)
