"""Builds a VM from the body of its PUT, its image and Azure's defaults.

Takes the body as a client sends it, gives a `Vm` that is not running yet, and its image.
"""

import re
from uuid import uuid4

from simulator.arm.compute import vm_errors
from simulator.arm.compute.records import Attachment, Capture, Disk, Vm
from simulator.arm.compute.vm_disks import attach, attached_disk
from simulator.arm.compute.vm_images import ImageSource, data_disks, image_source
from simulator.arm.compute.vm_profiles import identity_of, os_profile
from simulator.arm.core import errors, ids
from simulator.arm.core.call import member, need
from simulator.arm.core.errors import Json
from simulator.arm.core.world import World

_OF_MARKETPLACE = ("publisher", "offer", "sku", "version")
_ARM_SIZE = re.compile(r"Standard_[A-Z]+\d+(-\d+)?[a-z]*p[a-z]*_", re.IGNORECASE)
# Parts of the names of the Linux images that Microsoft publishes.
_LINUXES = ("ubuntu", "linux", "mariner", "-aks", "rhel", "sles", "centos", "flatcar")
_OWN = ("storageProfile", "provisioningState", "vmId", "instanceView", "timeCreated")


def build_vm(
    world: World, vm_id: str, body: Json, generation: str | None = None
) -> tuple[Vm, ImageSource | None]:
    """Build a VM and its disks; refuses a missing member or an id that does not exist."""
    now = world.clock.now()
    properties = body.get("properties") or {}
    storage = properties.get("storageProfile") or {}
    need(body, "properties", "hardwareProfile", "vmSize")
    location = ids.region_name(need(body, "location"))
    image = image_source(world, storage, vm_id, location)
    if image:
        _check_image(vm_id, image, body)
    os_type = _os_type(world, properties, image)
    vm = Vm(
        id=vm_id,
        location=location,
        vm_id=str(uuid4()),
        created=now,
        os_type=os_type,
        architecture=_architecture(body["properties"]["hardwareProfile"]["vmSize"]),
        generation=generation or _generation(world, storage, image),
        properties=_kept(properties, os_type, specialized=bool(image and image.specialized)),
        os_disk=Attachment(Disk(id=vm_id, created=now), {}),
        image_reference=_image_reference(storage),
        disk_controller=storage.get("diskControllerType"),
        plan=body.get("plan"),
        zones=body.get("zones"),
        identity=identity_of({}, body.get("identity"), world.tenant),
        managed_by=body.get("managedBy"),
    )
    if vm.generation == "V2" and not vm.disk_controller:
        vm.disk_controller = "SCSI"
    os_disk = storage.get("osDisk") or {"createOption": "FromImage"}
    vm.os_disk = attach(world, vm, os_disk, None, image.os_disk if image else None)
    brought = image.data_disks if image else {}
    vm.data_disks = [
        attach(world, vm, data, need(data, "lun"), brought.get(data["lun"]))
        for data in data_disks(storage, image)
    ]
    if image:
        _fill(vm.os_disk.disk, image.capture)
    if not vm.os_disk.fresh and vm.os_disk.disk.security_type != vm.security_type:
        raise vm_errors.security_of_disk_differs()
    return vm, image


def _check_image(vm_id: str, image: ImageSource, body: Json) -> None:
    """Refuse a VM that does not have its image's security type or purchase plan."""
    has = str(member(body, "properties", "securityProfile", "securityType") or "Standard")
    if image.security_type not in (None, has):
        raise vm_errors.only_secured(str(image.security_type))
    if image.plan and not body.get("plan"):
        raise vm_errors.plan_missing(vm_id)
    given = body.get("plan") or {}
    if image.plan and any(given.get(part) != image.plan.get(part) for part in image.plan):
        raise vm_errors.plan_differs()


def _fill(disk: Disk, capture: Capture) -> None:
    """Give an OS disk the contents of its image."""
    disk.sysprep, disk.sysprep_error = capture.sysprep, capture.sysprep_error
    disk.layout, disk.boots = capture.layout, capture.boots


def _kept(properties: Json, os_type: str, *, specialized: bool) -> Json:
    kept = {name: value for name, value in properties.items() if name not in _OWN}
    for interface in member(kept, "networkProfile", "networkInterfaces") or ():
        if interface.get("properties") == {}:
            del interface["properties"]
    attached = member(properties, "storageProfile", "osDisk", "createOption") == "Attach"
    if kept.get("osProfile") and (attached or specialized):
        msg = "osProfile"
        raise vm_errors.parameter_not_allowed(msg)
    if kept.get("osProfile"):
        kept["osProfile"] = os_profile({}, kept["osProfile"], os_type)
    elif not attached and not specialized:
        msg = "osProfile"
        raise errors.missing_parameter(msg)
    return kept


def _architecture(size: str) -> str:
    """Return the CPU architecture of a size: the letter p among its features means Arm."""
    return "Arm64" if _ARM_SIZE.match(size) else "x64"


def _image_reference(storage: Json) -> Json | None:
    reference: Json | None = storage.get("imageReference")
    if reference and "publisher" in reference:
        named = {name: reference[name] for name in _OF_MARKETPLACE if name in reference}
        return named | {"exactVersion": _exact(reference)}
    return reference


def _exact(reference: Json) -> str:
    version = str(reference.get("version", "latest"))
    windows = str(reference["publisher"]).startswith("Microsoft")
    newest = "20348.2700.240912" if windows else "24.04.202409120"
    return newest if version == "latest" else version


def _os_type(world: World, properties: Json, image: ImageSource | None) -> str:
    storage = properties.get("storageProfile") or {}
    named = member(storage, "osDisk", "osType")
    if named:
        return str(named)
    if image:
        return image.os_type
    attached = attached_disk(world, storage.get("osDisk") or {})
    if attached and attached.os_type:
        return attached.os_type
    windows = _is_windows(storage.get("imageReference") or {})
    return (
        "Windows" if windows or member(properties, "osProfile", "windowsConfiguration") else "Linux"
    )


def _is_windows(reference: Json) -> bool:
    """Say whether a marketplace image is Windows: Microsoft's are, except those of Linux."""
    publisher, offer = (str(reference.get(name, "")).lower() for name in ("publisher", "offer"))
    return publisher.startswith("microsoft") and not any(
        linux in publisher + offer for linux in _LINUXES
    )


def _generation(world: World, storage: Json, image: ImageSource | None) -> str:
    if image:
        return image.generation
    attached = attached_disk(world, storage.get("osDisk") or {})
    if attached:
        return str(attached.properties.get("hyperVGeneration", "V1"))
    sku = str(member(storage, "imageReference", "sku")).lower()
    return "V2" if "g2" in sku or "gen2" in sku or "azure-edition" in sku else "V1"
