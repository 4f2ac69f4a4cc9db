"""What a VM inherits from its image: OS, generation, disks.

Takes the storageProfile of a VM's PUT, gives the image that its imageReference means, and the data
disks that the VM will have: all of the image's, even if the request lists none. A request that
lists some of them must list each.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from simulator.arm.compute import vm_errors
from simulator.arm.compute.records import Capture, Definition, Image, Version
from simulator.arm.core import errors, ids
from simulator.arm.core.call import member
from simulator.arm.core.errors import ArmError, Json
from simulator.arm.core.world import World

_REFERENCE = "imageReference"
_REQUIRED = ("TrustedLaunch", "ConfidentialVM")


@dataclass(frozen=True)
class ImageDisk:
    """A disk of an image; without an account type Azure's default applies."""

    size_gb: int
    caching: str
    sku: str | None = None


@dataclass(frozen=True)
class ImageSource:
    """The source of a VM; `data_disks` by lun, `capture` is what it was really made from.

    `security_type` is that which its VMs must have, None if any will do; `plan` is its purchase
    plan, if it is known to the image.
    """

    id: str
    action: str
    os_type: str
    generation: str
    capture: Capture
    specialized: bool = False
    security_type: str | None = None
    plan: Json | None = None
    os_disk: ImageDisk | None = None
    data_disks: Mapping[int, ImageDisk] = field(default_factory=dict)


def image_source(world: World, storage: Json, vm_id: str, location: str) -> ImageSource | None:
    """Return the source that an imageReference means, None for a marketplace image or none."""
    reference = member(storage, _REFERENCE, "id")
    if not reference:
        return None
    image = world.find(Image, reference)
    if image and image.provisioning != "Succeeded":
        raise vm_errors.image_not_ready(vm_id, reference)
    if image:
        return _of_image(image)
    version = world.find(Version, reference) or _latest(world, reference)
    definition = world.find(Definition, ids.parent(version.id)) if version else None
    if version is None or definition is None or version.provisioning != "Succeeded":
        message = f"The platform image '{reference}' is not available."
        raise errors.invalid_parameter(message, _REFERENCE)
    regions = version.properties["publishingProfile"]["targetRegions"]
    if location not in (ids.region_name(region["name"]) for region in regions):
        raise vm_errors.version_not_here(version.id, location)
    return _of_version(version, definition)


def data_disks(storage: Json, image: ImageSource | None) -> list[Json]:
    """Return the data disks of a request, including those of its image.

    A list that leaves out one of the image's disks, even an empty list, is refused, as recorded.
    """
    brought = image.data_disks if image else {}
    named: list[Json] | None = storage.get("dataDisks")
    if named is None:
        return [{"lun": lun, "createOption": "FromImage"} for lun in brought]
    if set(brought) - {disk.get("lun") for disk in named}:
        raise _luns_missing()
    for disk in named:
        from_image = disk.get("createOption") == "FromImage"
        own = member(disk, "managedDisk", "id") or member(disk, "vhd", "uri")
        if disk.get("lun") in brought and (own or not from_image):
            raise _overridden()
        if from_image and disk.get("lun") not in brought:
            raise _luns_missing()
    return named


def _of_image(image: Image) -> ImageSource:
    storage = image.storage
    return ImageSource(
        id=image.id,
        action=f"{Image.kind}/read",
        os_type=storage["osDisk"]["osType"],
        generation=image.generation,
        capture=image.capture,
        specialized=storage["osDisk"].get("osState") == "Specialized",
        os_disk=_image_disk(storage["osDisk"]),
        data_disks={disk["lun"]: _image_disk(disk) for disk in storage["dataDisks"]},
    )


def _image_disk(disk: Json) -> ImageDisk:
    return ImageDisk(disk["diskSizeGB"], disk["caching"], disk.get("storageAccountType"))


def _latest(world: World, definition_id: str) -> Version | None:
    """Return the version that a definition means: the highest not excluded from `latest`."""
    found = [
        version
        for version in world.of(Version)
        if version.key.startswith(f"{definition_id.lower()}/versions/")
        and version.provisioning == "Succeeded"
        and not version.properties["publishingProfile"].get("excludeFromLatest")
    ]
    return max(found, key=lambda v: [int(part) for part in v.name.split(".")], default=None)


def _of_version(version: Version, definition: Definition) -> ImageSource:
    secured = definition.security_type
    return ImageSource(
        id=version.id,
        action=f"{Version.kind}/read",
        os_type=definition.properties["osType"],
        generation=definition.properties["hyperVGeneration"],
        capture=version.capture,
        security_type=secured if secured in _REQUIRED else None,
        plan=definition.properties.get("purchasePlan"),
        specialized=definition.properties["osState"] == "Specialized",
        os_disk=_version_disk(version.storage["osDiskImage"]),
        data_disks={
            disk["lun"]: _version_disk(disk) for disk in version.storage.get("dataDiskImages") or []
        },
    )


def _version_disk(disk: Json) -> ImageDisk:
    return ImageDisk(disk["sizeInGB"], disk["hostCaching"])


def _luns_missing() -> ArmError:
    return errors.invalid_parameter(
        "StorageProfile.dataDisks.lun does not have required value(s) for image specified in "
        "storage profile.",
        "storageProfile",
    )


def _overridden() -> ArmError:
    return errors.invalid_parameter(
        "Cannot specify user image overrides for a disk already defined in the specified image "
        "reference.",
        "storageProfile",
    )
