"""A VM made from the body of its PUT: disks created or attached, Azure's defaults filled in.

Takes the body as a client sends it, gives a `Vm` that is not running yet. Networks are not
simulated: the ids of network interfaces are kept and shown, and lead nowhere.
"""

import re
from datetime import datetime
from uuid import uuid4

from simulator.arm.compute import vm_errors
from simulator.arm.compute.records import Attachment, Disk, Sysprep, Vm
from simulator.arm.compute.vm_images import ImageDisk, ImageSource, data_disks, image_source
from simulator.arm.compute.vm_profiles import identity_of, os_profile
from simulator.arm.core import errors, ids
from simulator.arm.core.call import member, need
from simulator.arm.core.errors import Json
from simulator.arm.core.world import World

_OF_MARKETPLACE = ("publisher", "offer", "sku", "version")
# The letter s, after the family's or among the features, stands for Premium storage.
_PREMIUM_SIZE = re.compile(r"Standard_([A-Z]+S\d|[A-Z]+\d+(-\d+)?[a-z]*s[a-z]*(_|$))")
_ARM_SIZE = re.compile(r"Standard_[A-Z]+\d+(-\d+)?[a-z]*p[a-z]*_", re.IGNORECASE)
_CONFIDENTIAL_DISKS = {
    "VMGuestStateOnly": "ConfidentialVM_VMGuestStateOnlyEncryptedWithPlatformKey",
    "DiskWithVMGuestState": "ConfidentialVM_DiskEncryptedWithPlatformKey",
    "NonPersistedTPM": "ConfidentialVM_NonPersistedTPM",
}
# What names a Linux among the images that Microsoft publishes.
_LINUXES = ("ubuntu", "linux", "mariner", "-aks", "rhel", "sles", "centos", "flatcar")
_OWN = ("storageProfile", "provisioningState", "vmId", "instanceView", "timeCreated")


def build_vm(world: World, vm_id: str, body: Json, generation: str | None = None) -> Vm:
    """Make a VM and its disks; refuses what lacks a member or names what does not exist."""
    now = world.clock.now()
    properties = body.get("properties") or {}
    storage = properties.get("storageProfile") or {}
    need(body, "properties", "hardwareProfile", "vmSize")
    image = image_source(world, storage)
    os_type = _os_type(world, properties, image)
    vm = Vm(
        id=vm_id,
        location=ids.region_name(need(body, "location")),
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
    return vm


def detach(disk: Disk, now: datetime) -> None:
    """Let a disk go from its VM; that moves its ownership."""
    disk.owner, disk.moved = None, now


def _kept(properties: Json, os_type: str, *, specialized: bool) -> Json:
    kept = {name: value for name, value in properties.items() if name not in _OWN}
    for interface in member(kept, "networkProfile", "networkInterfaces") or ():
        if interface.get("properties") == {}:
            del interface["properties"]
    attached = member(properties, "storageProfile", "osDisk", "createOption") == "Attach"
    if kept.get("osProfile"):
        kept["osProfile"] = os_profile({}, kept["osProfile"], os_type)
    elif not attached and not specialized:
        msg = "osProfile"
        raise errors.missing_parameter(msg)
    return kept


def _architecture(size: str) -> str:
    """Return what runs a size: the letter p among its features stands for Arm."""
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
    attached = _attached(world, storage.get("osDisk") or {})
    if attached and attached.os_type:
        return attached.os_type
    windows = _is_windows(storage.get("imageReference") or {})
    return (
        "Windows" if windows or member(properties, "osProfile", "windowsConfiguration") else "Linux"
    )


def _is_windows(reference: Json) -> bool:
    """Say whether a marketplace image is Windows: Microsoft's own are, but for those of Linux."""
    publisher, offer = (str(reference.get(name, "")).lower() for name in ("publisher", "offer"))
    return publisher.startswith("microsoft") and not any(
        linux in publisher + offer for linux in _LINUXES
    )


def _generation(world: World, storage: Json, image: ImageSource | None) -> str:
    if image:
        return image.generation
    attached = _attached(world, storage.get("osDisk") or {})
    if attached:
        return str(attached.properties.get("hyperVGeneration", "V1"))
    sku = str(member(storage, "imageReference", "sku")).lower()
    return "V2" if "g2" in sku or "gen2" in sku or "azure-edition" in sku else "V1"


def _attached(world: World, named: Json) -> Disk | None:
    """Return the existing disk that a body wants attached; it must be free."""
    reference = member(named, "managedDisk", "id")
    if not reference or named.get("createOption") != "Attach":
        return None
    disk = world.get(Disk, reference)
    if disk.owner:
        message = f"Disk {disk.name} is attached to VM {disk.owner.id}."
        raise errors.ArmError(409, "ConflictingUserInput", message)
    if disk.access_open or disk.awaits_upload:
        raise vm_errors.disk_access_open(disk.name, "attaching it")
    return disk


def attach(
    world: World, vm: Vm, named: Json, lun: int | None, image: ImageDisk | None = None
) -> Attachment:
    """Give a VM a disk, an existing one or one that is made with it."""
    attached = _attached(world, named)
    disk = attached or _new_disk(world, vm, named, lun, image)
    disk.owner, disk.moved = vm, world.clock.now()
    os = lun is None
    local = named.get("diffDiskSettings")
    settings: Json = {
        "createOption": named.get("createOption", "FromImage" if os else "Empty"),
        "caching": named.get("caching")
        or (image.caching if image else "ReadWrite" if os else "None"),
        "deleteOption": named.get("deleteOption", "Delete" if local else "Detach"),
    }
    if local:
        settings["diffDiskSettings"] = {"placement": "CacheDisk"} | local
    for name in ("encryptionSettings", "writeAcceleratorEnabled"):
        if name in named:
            settings[name] = named[name]
    return Attachment(disk, settings, lun, fresh=attached is None)


def _new_disk(world: World, vm: Vm, named: Json, lun: int | None, image: ImageDisk | None) -> Disk:
    """Create the disk that a VM is created with."""
    os = lun is None
    part = "OsDisk_1" if os else f"DataDisk_{lun}"
    name = named.get("name") or f"{vm.name}_{part}_{uuid4().hex}"
    default = (127 if vm.os_type == "Windows" else 30) if os else 128
    account = image.sku if image and image.sku else _account(vm, named)
    disk = Disk(
        id=f"{vm.id.rsplit('/', 3)[0]}/Microsoft.Compute/disks/{name}",
        location=vm.location,
        tags={},
        properties=_disk_properties(vm, named, os=os, of_image=image is not None),
        sku=member(named, "managedDisk", "storageAccountType") or account,
        size_gb=named.get("diskSizeGB") or (image.size_gb if image else default),
        os_type=vm.os_type if os else None,
        created=vm.created,
        zones=vm.zones,
        vhd=member(named, "vhd", "uri"),
        sysprep=Sysprep.NEVER,
    )
    return disk if disk.vhd else world.add(disk)


def _account(vm: Vm, named: Json) -> str:
    """Return where a disk lies of which nothing is said: Premium, where the size can have it."""
    premium = _PREMIUM_SIZE.match(vm.properties["hardwareProfile"]["vmSize"])
    return "Premium_LRS" if premium and not named.get("diffDiskSettings") else "Standard_LRS"


def _disk_properties(vm: Vm, named: Json, *, os: bool, of_image: bool) -> Json:
    creation: Json = {"createOption": "FromImage" if os or of_image else "Empty"}
    if (os or of_image) and vm.image_reference:
        creation["imageReference"] = {"id": _reference_id(vm)}
    properties: Json = {"creationData": creation}
    if os:
        properties["hyperVGeneration"] = vm.generation
        properties["supportedCapabilities"] = {
            "diskControllerTypes": "SCSI, NVMe" if vm.disk_controller == "NVMe" else "SCSI",
            "acceleratedNetwork": True,
            "architecture": vm.architecture,
        }
        if vm.security_type != "Standard":
            properties["securityProfile"] = {"securityType": _disk_security(vm, named)}
        if member(named, "encryptionSettings", "enabled"):
            properties["encryptionSettingsCollection"] = {"enabled": True}
        if vm.plan:
            properties["purchasePlan"] = vm.plan
    key = member(named, "managedDisk", "diskEncryptionSet", "id")
    if key:
        properties["encryption"] = {
            "type": "EncryptionAtRestWithCustomerKey",
            "diskEncryptionSetId": key,
        }
    return properties


def _disk_security(vm: Vm, named: Json) -> str:
    """Return what a disk says of its security: of a confidential VM also what is encrypted."""
    if vm.security_type != "ConfidentialVM":
        return vm.security_type
    encrypted = member(named, "managedDisk", "securityProfile", "securityEncryptionType")
    return _CONFIDENTIAL_DISKS.get(encrypted, _CONFIDENTIAL_DISKS["VMGuestStateOnly"])


def _reference_id(vm: Vm) -> str:
    reference = vm.image_reference or {}
    if "id" in reference:
        return str(reference["id"])
    subscription = vm.id.split("/")[2]
    return (
        f"/Subscriptions/{subscription}/Providers/Microsoft.Compute/Locations/{vm.location}"
        f"/Publishers/{reference.get('publisher')}/ArtifactTypes/VMImage/Offers/"
        f"{reference.get('offer')}/Skus/{reference.get('sku')}/Versions/"
        f"{reference.get('exactVersion')}"
    )
