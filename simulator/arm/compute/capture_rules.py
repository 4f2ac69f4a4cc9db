"""The rules by which Azure refuses a source for a gallery image version, and when each applies.

Takes a source and a definition, gives the first refusal of the PUT, or the failure that shows only
when the operation ends. By then the VM is generalized and cannot run again, so a client must check
before it captures.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from simulator.arm.compute import capture_errors, vm_errors
from simulator.arm.compute.image_sources import Source
from simulator.arm.compute.records import Definition, Image, Vm
from simulator.arm.core import errors
from simulator.arm.core.call import member
from simulator.arm.core.errors import ArmError, Failure, Json

type Rule = Callable[[Vm, Definition], ArmError | None]

_SECURED = ("TrustedLaunch", "ConfidentialVM")
LARGEST_DISK_GB = 2048
LARGEST_SHALLOW_GB = 32 * 1024
_REFUSED_SKUS = ("UltraSSD_LRS", "PremiumV2_LRS")


@dataclass(frozen=True)
class Part:
    """A disk that has to be copied, with a display name."""

    name: str
    sku: str
    size_gb: int
    encrypted: bool = False


def refusal(vm: Vm, definition: Definition) -> ArmError | None:
    """Return why the PUT of a version from a VM is refused, or None."""
    return next((found for rule in RULES if (found := rule(vm, definition))), None)


def refusal_of_image(image: Image, definition: Definition) -> ArmError | None:
    """Return why the PUT of a version from a managed image is refused, or None.

    Inferred: that the image must be Succeeded, and of the definition's security type.
    """
    wanted, has = definition.properties, image.storage["osDisk"]
    if image.provisioning != "Succeeded":
        return capture_errors.source_unfinished(image.id, image.provisioning)
    if image.generation != wanted["hyperVGeneration"]:
        return capture_errors.wrong_generation(
            image.id, image.generation, wanted["hyperVGeneration"]
        )
    if has["osType"] != wanted["osType"]:
        return capture_errors.wrong_os_type(image.id, has["osType"], wanted["osType"])
    if has["osState"] != wanted["osState"]:
        return capture_errors.wrong_os_state(image.id, has["osState"], wanted["osState"])
    if definition.security_type in _SECURED:
        return capture_errors.wrong_security_type(image.id, "Standard", definition.security_type)
    return None


def refusal_of_disk(source: Source, definition: Definition) -> ArmError | None:
    """Return why the PUT of a version from a disk, a snapshot or a blob is refused, or None.

    A property that the source does not have (a blob has none) is taken to fit.
    """
    wanted = definition.properties
    generation = source.word("hyperVGeneration") or wanted["hyperVGeneration"]
    if source.os_type not in {None, wanted["osType"]}:
        return capture_errors.wrong_os_type(source.id, str(source.os_type), wanted["osType"])
    if generation != wanted["hyperVGeneration"]:
        return capture_errors.wrong_generation(source.id, generation, wanted["hyperVGeneration"])
    return _disk_security(source, definition.security_type)


def late_failure(parts: Iterable[Part], *, shallow: bool) -> Failure | None:
    """Return the failure with which an accepted version ends, if it cannot be created."""
    limit = LARGEST_SHALLOW_GB if shallow else LARGEST_DISK_GB
    for part in parts:
        if part.sku in _REFUSED_SKUS:
            message = f"Disk '{part.name}' with account type '{part.sku}' cannot be captured."
            return Failure("OperationNotAllowed", message)
        if part.size_gb > limit:
            message = (
                "Replication failed in this region due to 'The GalleryImageVersion source resource "
                f"size {part.size_gb} exceeds the max size {limit} supported.'"
            )
            return Failure("InvalidParameter", message)
        if part.encrypted:
            message = f"Disk '{part.name}' is encrypted by Azure Disk Encryption."
            return Failure("OperationNotAllowed", message)
    return None


def _disk_security(source: Source, wanted: str) -> ArmError | None:
    if source.held is None:
        return None
    has = source.security_type.partition("_")[0]
    if wanted.endswith("Supported"):
        # A snapshot of a standard disk is accepted, as recorded, though the message leaves it out.
        return None if has == "Standard" else capture_errors.not_for_supported(source.id)
    return None if has == wanted else capture_errors.wrong_security_type(source.id, has, wanted)


def _busy(vm: Vm, _: Definition) -> ArmError | None:
    return errors.concurrent_operation() if vm.operation else None


def _opened(vm: Vm, _: Definition) -> ArmError | None:
    disk = vm.opened_disk
    return vm_errors.unknown_with_open_access("a capture", disk.name) if disk else None


def _os_state(vm: Vm, definition: Definition) -> ArmError | None:
    state = "Generalized" if vm.generalized else "Specialized"
    wanted = definition.properties["osState"]
    return None if state == wanted else capture_errors.wrong_os_state(vm.id, state, wanted)


def _os_type(vm: Vm, definition: Definition) -> ArmError | None:
    wanted = definition.properties["osType"]
    return None if vm.os_type == wanted else capture_errors.wrong_os_type(vm.id, vm.os_type, wanted)


def _generation(vm: Vm, definition: Definition) -> ArmError | None:
    wanted = definition.properties["hyperVGeneration"]
    if vm.generation == wanted:
        return None
    return capture_errors.wrong_generation(vm.id, vm.generation, wanted)


def _architecture(vm: Vm, definition: Definition) -> ArmError | None:
    wanted = definition.properties.get("architecture", "x64")
    if vm.architecture == wanted:
        return None
    return capture_errors.wrong_os(vm.id, "architecture", vm.architecture, wanted)


def _security(vm: Vm, definition: Definition) -> ArmError | None:
    wanted = definition.security_type
    if wanted == "TrustedLaunchSupported":
        return capture_errors.not_for_supported(vm.id)
    if vm.security_type == wanted:
        return None
    return capture_errors.wrong_security_type(vm.id, vm.security_type, wanted)


def _plan(vm: Vm, definition: Definition) -> ArmError | None:
    wanted = definition.properties.get("purchasePlan")
    if _plan_words(vm.plan) == _plan_words(wanted):
        return None
    return capture_errors.wrong_plan(vm.id, vm.plan, wanted)


def _plan_words(plan: Json | None) -> str:
    if not plan:
        return "none"
    return "/".join(str(plan.get(part, "")).lower() for part in ("publisher", "product", "name"))


def _controller(vm: Vm, definition: Definition) -> ArmError | None:
    offered = (definition.feature("DiskControllerTypes") or "SCSI").lower()
    if (vm.disk_controller or "SCSI").lower() in offered.replace(" ", "").split(","):
        return None
    return capture_errors.wrong_os(vm.id, "disk controller type", "NVMe", offered)


def _accelerated(vm: Vm, definition: Definition) -> ArmError | None:
    wanted = definition.feature("IsAcceleratedNetworkSupported") == "True"
    able = member(vm.os_disk.disk.properties, "supportedCapabilities", "acceleratedNetwork")
    if able or not wanted:
        return None
    return capture_errors.wrong_os(vm.id, "accelerated networking support", "False", "True")


def _disks(vm: Vm, _: Definition) -> ArmError | None:
    if any(attachment.disk.vhd for attachment in vm.disks):
        message = f"Source virtual machine {vm.id} must be created from Managed Disks."
        return errors.invalid_parameter(message, "storageProfile.source")
    if vm.os_disk.settings.get("diffDiskSettings"):
        message = f"Source virtual machine {vm.id} cannot contain an ephemeral OS disk."
        return errors.operation_not_allowed(message)
    return None


def _scale_set(vm: Vm, _: Definition) -> ArmError | None:
    if not (vm.managed_by or vm.properties.get("virtualMachineScaleSet")):
        return None
    message = f"The source '{vm.id}' belongs to a scale set."
    return errors.invalid_parameter(message, "storageProfile.source")


RULES: tuple[Rule, ...] = (
    _busy,
    _scale_set,
    _os_state,
    _os_type,
    _generation,
    _security,
    _architecture,
    _plan,
    _controller,
    _accelerated,
    _disks,
    _opened,
)
