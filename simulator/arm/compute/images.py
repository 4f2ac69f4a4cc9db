"""Managed images: the legacy target of a capture.

A PUT is checked against the source at once; the copying is an operation. The same name again with
the same source answers 200 and captures nothing: Azure's trap for those who do not GET first.
"""

from azure.mgmt.compute import models

from simulator.arm.compute import capture_errors, vm_errors
from simulator.arm.compute.records import Attachment, Capture, Image, Vm
from simulator.arm.core import errors, ids
from simulator.arm.core.answer import Answer
from simulator.arm.core.call import Call, delete, member, need, tags_in
from simulator.arm.core.errors import Json
from simulator.arm.core.pages import page
from simulator.arm.core.routing import Route, of


def image_body(image: Image, group: str) -> Json:
    """Return an image as ARM shows it."""
    properties: Json = {}
    if image.source_vm:
        properties["sourceVirtualMachine"] = {"id": image.source_vm}
    properties |= {
        "storageProfile": image.storage,
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


def get_image(call: Call) -> Answer:
    """Show an image."""
    return Answer(body=image_body(call.world.get(Image, _id(call)), call.group))


def list_images(call: Call) -> Answer:
    """List the images of a group or of the subscription."""
    return page(call, Image, lambda image: image_body(image, image.group.upper()))


def put_image(call: Call) -> Answer:
    """Capture a generalized VM; or answer for the image there is, without capturing again."""
    world, image_id = call.world, _id(call)
    world.need_group(image_id)
    existing = world.find(Image, image_id)
    if existing:
        return _again(call, existing)
    if not member(call.body, "properties", "sourceVirtualMachine", "id"):
        msg = "a managed image of anything but a virtual machine"
        raise errors.not_simulated(msg)
    image = world.add(_captured(call, image_id))
    image.provisioning = "Creating"

    def settle(state: str) -> None:
        image.provisioning, image.operation = state, None

    image.operation = world.operations.start(
        "image",
        image.location,
        world.seconds("image"),
        lambda: settle("Succeeded"),
        fail=lambda: settle("Failed"),
        doomed=call.doomed,
    )
    return call.accepted(image.operation, 201, image_body(image, call.group))


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
    source = member(call.body, "properties", "sourceVirtualMachine", "id")
    if source and source.lower() != (image.source_vm or "").lower():
        msg = "sourceVirtualMachine.id"
        raise errors.property_change_not_allowed(msg)
    if image.operation:
        raise errors.concurrent_operation()
    if "tags" in call.body:
        image.tags = tags_in(call.body)
    operation = call.world.operations.start("image", image.location, 1.0, lambda: None)
    return call.accepted(operation, 200, image_body(image, call.group))


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
        storage=_storage(vm),
        generation=vm.generation,
        source_vm=source_id,
        capture=capture_of(vm),
    )


def capture_of(vm: Vm) -> Capture:
    """Record what an image of a VM is made of at this moment."""
    disk = vm.os_disk.disk
    data = tuple(attachment.disk.id for attachment in vm.data_disks)
    return Capture(vm.id, disk.id, data, disk.sysprep, disk.moved or disk.created)


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
        message = (
            f"The source Virtual Machine is of Hypervisor Generation '{vm.generation}'. The "
            "parameter 'hyperVGeneration' must be the same."
        )
        raise errors.invalid_parameter(message, "hyperVGeneration")
    if location != vm.location:
        message = f"The source Virtual Machine lies in '{vm.location}', the image in '{location}'."
        raise errors.invalid_parameter(message, "location")


def _storage(vm: Vm) -> Json:
    os_disk = {"osType": vm.os_type, "osState": "Generalized"} | _copied(vm.os_disk)
    data = [{"lun": attachment.lun} | _copied(attachment) for attachment in vm.data_disks]
    return {"osDisk": os_disk, "dataDisks": data, "zoneResilient": False}


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
