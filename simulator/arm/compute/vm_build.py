"""A VM made from the body of its PUT: disks created or attached, Azure's defaults filled in.

Takes the body as a client sends it, gives a `Vm` that is not running yet. Networks are not
simulated: the ids of network interfaces are kept and shown, and lead nowhere.
"""

import re
from datetime import datetime
from uuid import uuid4

from simulator.arm.compute import vm_errors
from simulator.arm.compute.records import Attachment, Definition, Disk, Image, Sysprep, Version, Vm
from simulator.arm.core import errors, ids
from simulator.arm.core.call import member, need
from simulator.arm.core.errors import Json
from simulator.arm.core.world import World

_OF_MARKETPLACE = ("publisher", "offer", "sku", "version")
_ARM_SIZE = re.compile(r"Standard_[A-Z]+\d+(-\d+)?[a-z]*p[a-z]*_", re.IGNORECASE)
_CONFIDENTIAL_DISKS = {
    "VMGuestStateOnly": "ConfidentialVM_VMGuestStateOnlyEncryptedWithPlatformKey",
    "DiskWithVMGuestState": "ConfidentialVM_DiskEncryptedWithPlatformKey",
    "NonPersistedTPM": "ConfidentialVM_NonPersistedTPM",
}
_SECRETS = ("adminPassword", "customData")
_WINDOWS = {"provisionVMAgent": True, "enableAutomaticUpdates": True}
_LINUX = {"disablePasswordAuthentication": False, "provisionVMAgent": True}
_OWN = ("storageProfile", "provisioningState", "vmId", "instanceView", "timeCreated")


def build_vm(world: World, vm_id: str, body: Json, generation: str | None = None) -> Vm:
    """Make a VM and its disks; refuses what lacks a member or names what does not exist."""
    now = world.clock.now()
    properties = body.get("properties") or {}
    storage = properties.get("storageProfile") or {}
    need(body, "properties", "hardwareProfile", "vmSize")
    os_type = _os_type(world, properties)
    vm = Vm(
        id=vm_id,
        location=ids.region_name(need(body, "location")),
        vm_id=str(uuid4()),
        created=now,
        os_type=os_type,
        architecture=_architecture(body["properties"]["hardwareProfile"]["vmSize"]),
        generation=generation or _generation(world, storage),
        properties=_kept(properties, os_type),
        os_disk=Attachment(Disk(id=vm_id, created=now), {}),
        image_reference=_image_reference(storage),
        disk_controller=storage.get("diskControllerType"),
        plan=body.get("plan"),
        zones=body.get("zones"),
        identity=body.get("identity"),
        managed_by=body.get("managedBy"),
    )
    vm.os_disk = _attach(world, vm, storage.get("osDisk") or {"createOption": "FromImage"}, None)
    vm.data_disks = [
        _attach(world, vm, data, need(data, "lun")) for data in storage.get("dataDisks") or []
    ]
    return vm


def change_data_disks(world: World, vm: Vm, wanted: list[Json]) -> None:
    """Attach and detach data disks so that the VM holds those that a PUT or PATCH names."""
    held = {attachment.lun: attachment for attachment in vm.data_disks}
    kept = {data["lun"] for data in wanted if data["lun"] in held}
    for lun, attachment in held.items():
        if lun not in kept:
            detach(attachment.disk, world.clock.now())
    vm.data_disks = [
        held[data["lun"]] if data["lun"] in kept else _attach(world, vm, data, data["lun"])
        for data in wanted
    ]


def detach(disk: Disk, now: datetime) -> None:
    """Let a disk go from its VM; that moves its ownership."""
    disk.owner, disk.moved = None, now


def _kept(properties: Json, os_type: str) -> Json:
    kept = {name: value for name, value in properties.items() if name not in _OWN}
    profile = kept.get("osProfile")
    if profile:
        shown = {name: value for name, value in profile.items() if name not in _SECRETS}
        name, default = (
            ("windowsConfiguration", _WINDOWS)
            if os_type == "Windows"
            else ("linuxConfiguration", _LINUX)
        )
        shown[name] = default | (shown.get(name) or {})
        kept["osProfile"] = {
            **shown,
            "secrets": shown.get("secrets") or [],
            "allowExtensionOperations": True,
            "requireGuestProvisionSignal": True,
        }
    elif member(properties, "storageProfile", "osDisk", "createOption") != "Attach":
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


def _os_type(world: World, properties: Json) -> str:
    storage = properties.get("storageProfile") or {}
    named = member(storage, "osDisk", "osType")
    if named:
        return str(named)
    source = _source_image(world, storage)
    if isinstance(source, Definition):
        return str(source.properties["osType"])
    if isinstance(source, Image):
        return str(source.storage["osDisk"]["osType"])
    attached = _attached(world, storage.get("osDisk") or {})
    if attached and attached.os_type:
        return attached.os_type
    windows = "windows" in str(member(storage, "imageReference", "publisher")).lower()
    return (
        "Windows" if windows or member(properties, "osProfile", "windowsConfiguration") else "Linux"
    )


def _generation(world: World, storage: Json) -> str:
    source = _source_image(world, storage)
    if isinstance(source, Definition):
        return str(source.properties["hyperVGeneration"])
    if isinstance(source, Image):
        return source.generation
    attached = _attached(world, storage.get("osDisk") or {})
    if attached:
        return str(attached.properties.get("hyperVGeneration", "V1"))
    sku = str(member(storage, "imageReference", "sku")).lower()
    return "V2" if "g2" in sku or "gen2" in sku or "azure-edition" in sku else "V1"


def _source_image(world: World, storage: Json) -> Definition | Image | None:
    reference = member(storage, "imageReference", "id")
    if not reference:
        return None
    image = world.find(Image, reference)
    if image:
        return image
    version = world.find(Version, reference)
    definition = world.find(Definition, ids.parent(reference) if version else reference)
    if definition is None:
        msg = f"The platform image '{reference}' is not available."
        raise errors.invalid_parameter(msg, "imageReference")
    return definition


def _attached(world: World, named: Json) -> Disk | None:
    """Return the existing disk that a body wants attached; it must be free."""
    reference = member(named, "managedDisk", "id")
    if not reference or str(named.get("createOption")).lower() != "attach":
        return None
    disk = world.get(Disk, reference)
    if disk.owner:
        message = f"Disk {disk.name} is attached to VM {disk.owner.id}."
        raise errors.ArmError(409, "ConflictingUserInput", message)
    if disk.access_open:
        raise vm_errors.disk_access_open(disk.name, "attaching it")
    return disk


def _attach(world: World, vm: Vm, named: Json, lun: int | None) -> Attachment:
    disk = _attached(world, named) or _new_disk(world, vm, named, lun)
    disk.owner, disk.moved = vm, world.clock.now()
    settings: Json = {
        "createOption": named.get("createOption", "Empty" if lun is not None else "FromImage"),
        "caching": named.get("caching", "None" if lun is not None else "ReadWrite"),
        "deleteOption": named.get("deleteOption", "Detach"),
    }
    for name in ("diffDiskSettings", "encryptionSettings", "writeAcceleratorEnabled"):
        if name in named:
            settings[name] = named[name]
    return Attachment(disk, settings, lun)


def _new_disk(world: World, vm: Vm, named: Json, lun: int | None) -> Disk:
    """Create the disk that a VM is created with."""
    os = lun is None
    part = "OsDisk_1" if os else f"DataDisk_{lun}"
    name = named.get("name") or f"{vm.name}_{part}_{uuid4().hex}"
    default = (127 if vm.os_type == "Windows" else 30) if os else 128
    disk = Disk(
        id=f"{vm.id.rsplit('/', 3)[0]}/Microsoft.Compute/disks/{name}",
        location=vm.location,
        tags={},
        properties=_disk_properties(vm, named, os=os),
        sku=member(named, "managedDisk", "storageAccountType") or "Premium_LRS",
        size_gb=named.get("diskSizeGB") or default,
        os_type=vm.os_type if os else None,
        created=vm.created,
        zones=vm.zones,
        vhd=member(named, "vhd", "uri"),
        sysprep=Sysprep.NEVER,
    )
    return disk if disk.vhd else world.add(disk)


def _disk_properties(vm: Vm, named: Json, *, os: bool) -> Json:
    creation: Json = {"createOption": "FromImage" if os else "Empty"}
    if os and vm.image_reference:
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
