"""The disks of a VM: attach an existing disk, create one with the VM, detach.

Takes a disk as the request or the VM's image describes it, gives the attachment.
"""

import re
from collections.abc import Iterable
from datetime import datetime
from uuid import uuid4

from simulator.arm.compute import vm_errors
from simulator.arm.compute.records import Attachment, Disk, DiskPoint, Snapshot, Sysprep, Vm
from simulator.arm.compute.vm_images import ImageDisk
from simulator.arm.core import errors
from simulator.arm.core.call import member
from simulator.arm.core.errors import Json
from simulator.arm.core.world import World

# The letter s, after the family or among the features of a size, means Premium storage.
_PREMIUM_SIZE = re.compile(r"Standard_([A-Z]+S\d|[A-Z]+\d+(-\d+)?[a-z]*s[a-z]*(_|$))")
_CONFIDENTIAL_DISKS = {
    "VMGuestStateOnly": "ConfidentialVM_VMGuestStateOnlyEncryptedWithPlatformKey",
    "DiskWithVMGuestState": "ConfidentialVM_DiskEncryptedWithPlatformKey",
    "NonPersistedTPM": "ConfidentialVM_NonPersistedTPM",
}


def attach(
    world: World, vm: Vm, named: Json, lun: int | None, image: ImageDisk | None = None
) -> Attachment:
    """Return the attachment of an existing disk, or of one that is created with the VM.

    `take_disks` carries it out.
    """
    attached = attached_disk(world, named)
    copied = _copied(world, named)
    disk = attached or _new_disk(vm, named, lun, image or copied)
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


def take_disks(world: World, vm: Vm, attachments: Iterable[Attachment]) -> None:
    """Give a VM its new disks; those that are created with it are added to the subscription."""
    for attachment in attachments:
        disk = attachment.disk
        disk.owner, disk.moved = vm, world.clock.now()
        if attachment.fresh and not disk.vhd:
            world.add(disk)


def _copied(world: World, named: Json) -> ImageDisk | None:
    """Return what a data disk inherits that is copied from a snapshot or restore point."""
    source_id = member(named, "sourceResource", "id")
    if named.get("createOption") not in ("Copy", "Restore"):
        return None
    kind = DiskPoint if named["createOption"] == "Restore" else Snapshot
    source = world.get(kind, str(source_id))
    return ImageDisk(source.size_gb, "None", source.sku)


def supports_premium(vm: Vm) -> bool:
    """Say whether a VM's size supports Premium storage."""
    return _PREMIUM_SIZE.match(vm.properties["hardwareProfile"]["vmSize"]) is not None


def detach(disk: Disk, now: datetime) -> None:
    """Detach a disk from its VM; this sets its LastOwnershipUpdateTime."""
    disk.owner, disk.moved = None, now


def attached_disk(world: World, named: Json) -> Disk | None:
    """Return the existing disk that a request attaches; it must be unattached."""
    reference = member(named, "managedDisk", "id")
    if not reference or named.get("createOption") != "Attach":
        return None
    disk = world.get(Disk, reference)
    if disk.owner:
        message = f"Disk {disk.name} is attached to VM {disk.owner.id}."
        raise errors.ArmError(409, "ConflictingUserInput", message)
    if disk.operation:
        raise errors.concurrent_operation()
    if disk.access_open or disk.awaits_upload:
        raise vm_errors.disk_access_open(disk.name, "attaching it")
    return disk


def _new_disk(vm: Vm, named: Json, lun: int | None, image: ImageDisk | None) -> Disk:
    """Return the disk that a VM is created with; it is not in the subscription yet."""
    os = lun is None
    part = "OsDisk_1" if os else f"DataDisk_{lun}"
    name = named.get("name") or f"{vm.name}_{part}_{uuid4().hex}"
    default = (127 if vm.os_type == "Windows" else 30) if os else 128
    account = image.sku if image and image.sku else _account(vm, named)
    return Disk(
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


def _account(vm: Vm, named: Json) -> str:
    """Return the default account type of a disk: Premium if the VM size supports it."""
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
    """Return a disk's security profile; for a confidential VM with what is encrypted."""
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
