"""What Azure refuses to make a gallery version of: the rules as a list, and when each speaks.

Takes a VM and a definition, gives the first refusal of the PUT, or the failure that only shows when
the operation ends: by then the VM is generalized and cannot run again, which is why whoever
captures must find out before.
"""

from collections.abc import Callable

from simulator.arm.compute import capture_errors, vm_errors
from simulator.arm.compute.records import Definition, Vm
from simulator.arm.core import errors
from simulator.arm.core.call import member
from simulator.arm.core.errors import ArmError, Failure, Json

type Rule = Callable[[Vm, Definition], ArmError | None]

LARGEST_DISK_GB = 2048
LARGEST_SHALLOW_GB = 32 * 1024
_REFUSED_SKUS = ("ultrassd_lrs", "premiumv2_lrs")


def refusal(vm: Vm, definition: Definition) -> ArmError | None:
    """Return why a version of a VM is refused at once, or None."""
    return next((found for rule in RULES if (found := rule(vm, definition))), None)


def late_failure(vm: Vm, *, shallow: bool) -> Failure | None:
    """Return how a version that was accepted ends, where it cannot be made."""
    limit = LARGEST_SHALLOW_GB if shallow else LARGEST_DISK_GB
    for attachment in vm.disks:
        disk = attachment.disk
        if disk.sku.lower() in _REFUSED_SKUS:
            message = f"Disk '{disk.name}' with account type '{disk.sku}' cannot be captured."
            return Failure("OperationNotAllowed", message)
        if disk.size_gb > limit:
            message = (
                "Replication failed in this region due to 'The GalleryImageVersion source resource "
                f"size {disk.size_gb} exceeds the max size {limit} supported.'"
            )
            return Failure("InvalidParameter", message)
        if attachment.settings.get("encryptionSettings"):
            message = f"Disk '{disk.name}' is encrypted by Azure Disk Encryption."
            return Failure("OperationNotAllowed", message)
    return None


def _busy(vm: Vm, _: Definition) -> ArmError | None:
    return errors.concurrent_operation() if vm.operation else None


def _opened(vm: Vm, _: Definition) -> ArmError | None:
    disk = vm.opened_disk
    return vm_errors.unknown_with_open_access("a capture", disk.name) if disk else None


def _os_state(vm: Vm, definition: Definition) -> ArmError | None:
    state = "Generalized" if vm.generalized else "Specialized"
    wanted = definition.properties["osState"]
    return None if state == wanted else capture_errors.wrong_os(vm.id, "OS state", state, wanted)


def _os_type(vm: Vm, definition: Definition) -> ArmError | None:
    wanted = definition.properties["osType"]
    return (
        None
        if vm.os_type == wanted
        else capture_errors.wrong_os(vm.id, "OS type", vm.os_type, wanted)
    )


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
    if wanted.lower() == "trustedlaunchsupported":
        return capture_errors.not_for_supported(vm.id)
    if vm.security_type.lower() == wanted.lower():
        return None
    return capture_errors.wrong_security_type(vm.id, vm.security_type, wanted)


def _plan(vm: Vm, definition: Definition) -> ArmError | None:
    has, wanted = _plan_words(vm.plan), _plan_words(definition.properties.get("purchasePlan"))
    return None if has == wanted else capture_errors.wrong_os(vm.id, "purchase plan", has, wanted)


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
    wanted = str(definition.feature("IsAcceleratedNetworkSupported")).lower() == "true"
    able = member(vm.os_disk.disk.properties, "supportedCapabilities", "acceleratedNetwork")
    if able or not wanted:
        return None
    return capture_errors.wrong_os(vm.id, "accelerated networking support", "False", "True")


def _disks(vm: Vm, _: Definition) -> ArmError | None:
    if any(attachment.disk.vhd for attachment in vm.disks):
        message = f"The source '{vm.id}' has unmanaged disks, which are not supported."
        return errors.invalid_parameter(message, "storageProfile.source")
    if vm.os_disk.settings.get("diffDiskSettings"):
        message = f"The source '{vm.id}' has an ephemeral OS disk, which cannot be captured."
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
