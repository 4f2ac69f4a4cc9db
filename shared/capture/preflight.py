"""Checks that can refuse an order, made while the VM is still running.

Takes a `Look` and an `Order`; returns the first `Refusal`, the `Read` that the next check needs, or
None if all checks pass. Pure. Azure itself refuses most of these only after generalize, when the VM
cannot start again, so they are checked here and again right before generalize. The cheap checks
come first: those of the VM's own model need no further request.
"""

from collections.abc import Callable, Iterable

from shared.capture.rights import lacking, lacking_on_disk, lacking_to_copy
from shared.capture.targets import made_from
from shared.model.facts import (
    AttachedDisk,
    Definition,
    Look,
    Missing,
    ObservedDisk,
    ObservedImage,
    ObservedVm,
    Plan,
    PowerState,
    Refusal,
    is_confidential,
)
from shared.model.ids import GalleryTarget, ManagedImageTarget
from shared.model.memory import FOR_ORDER, FOR_PIN
from shared.model.settings import ProofPolicy
from shared.model.steps import (
    Order,
    Read,
    ReadDataDisks,
    ReadDefinition,
    ReadDisk,
    ReadDiskRights,
    ReadImage,
    ReadRights,
)

type Finding = Refusal | Read | None
type Check = Callable[[Look, Order], Finding]

DISK_LIMIT_GB = 2048
"""The largest disk in GiB that a gallery version supports with full replication; 1024 until 2024.

A larger disk fails during replication, when its VM is already generalized
(https://learn.microsoft.com/azure/virtual-machines/azure-compute-gallery).
"""

TAG_LIMIT = 50
"""Tags that a resource can have."""

_ULTRA = {"ultrassd_lrs": "an Ultra disk", "premiumv2_lrs": "a Premium SSD v2 disk"}
_TRUSTED_LAUNCH = "TrustedLaunch"


def preflight(look: Look, order: Order, proof: ProofPolicy) -> Finding:
    """Return the first refusal of an order, or the fact that the next check needs."""
    if order.keep:
        checks: tuple[Check, ...] = (*_CHECKS, _copy)
    else:
        checks = (*_CHECKS, _proof) if proof is ProofPolicy.REQUIRED else _CHECKS
    for check in checks:
        if finding := check(look, order):
            return finding
    return None


def _proof(look: Look, _order: Order) -> Finding:
    """Check that the OS disk can be read; after deallocation, opening it shows that."""
    if not isinstance(look.disk, ObservedDisk):
        return None
    if why := look.disk.unreadable:
        return Refusal(f"{why}, so it cannot be verified that Sysprep ran")
    if look.vm.power is PowerState.DEALLOCATED:
        return None
    if look.disk_rights is None:
        return ReadDiskRights()
    grants = None if isinstance(look.disk_rights, Missing) else look.disk_rights
    missing = lacking_on_disk(grants, entra_only=look.disk.entra_only)
    return Refusal(f"the app has no permission for {', '.join(missing)}") if missing else None


def _copy(look: Look, _order: Order) -> Finding:
    """Check that the OS disk may be copied."""
    if look.disk_rights is None:
        return ReadDiskRights()
    grants = None if isinstance(look.disk_rights, Missing) else look.disk_rights
    missing = lacking_to_copy(grants)
    return Refusal(f"the app has no permission for {', '.join(missing)}") if missing else None


def _model(look: Look, order: Order) -> Finding:
    vm = look.vm
    if vm.os_disk.ephemeral:
        return Refusal(
            "its OS disk is ephemeral: deallocation deletes it, and it cannot be captured"
        )
    if any(disk.id is None for disk in (vm.os_disk, *vm.data_disks)):
        return Refusal("it has unmanaged disks; convert them to managed disks first")
    if vm.encrypted_by_guest or vm.os_disk.encrypted_by_guest:
        return _encrypted()
    if is_confidential(vm.security_type):
        return Refusal("it is a confidential VM, whose OS disk cannot be captured this way")
    if isinstance(order.target, ManagedImageTarget):
        return _managed_image(look, order.target)
    return None


def _managed_image(look: Look, target: ManagedImageTarget) -> Finding:
    if look.vm.security_type == _TRUSTED_LAUNCH:
        return Refusal(
            "a Trusted Launch VM cannot become a managed image; "
            "name a gallery definition with SecurityType TrustedLaunch"
        )
    if _on_nvme(look.vm):
        return Refusal(
            "its VM size uses the NVMe disk controller, which cannot boot a managed image; "
            "name a gallery definition whose feature DiskControllerTypes includes NVMe"
        )
    if target.subscription.lower() != look.vm.ref.subscription.lower():
        return Refusal(
            f"managed images go to subscription {target.subscription}, and a managed image must be "
            "in the subscription of its VM; use a gallery"
        )
    return None


def _os_disk(look: Look, order: Order) -> Finding:
    disk = look.disk
    if disk is None:
        return ReadDisk()
    free = look.vm.power is PowerState.DEALLOCATED  # before, the instant may not be set yet
    if isinstance(disk, Missing) or (free and disk.released is None):
        return no_instant(disk)
    if disk.encrypted_by_guest:
        return _encrypted()
    if is_confidential(disk.security_type):
        return Refusal("its OS disk is confidential and cannot be captured this way")
    if generation(look) is None:
        return Refusal("Azure reports no generation (hyperVGeneration) of the VM or its OS disk")
    what = "its OS disk"
    return _size(order, disk, what) or _customer_key(look, order, disk) or _sku(disk.sku, what)


def _room_for_tags(look: Look, _order: Order) -> Finding:
    """Check that the VM and its OS disk have room for our tags."""
    disk = look.disk.tags if isinstance(look.disk, ObservedDisk) else {}
    for tags, ours, what in ((look.vm.tags, FOR_ORDER, "it"), (disk, FOR_PIN, "its OS disk")):
        others = sum(name not in ours for name in tags)
        if others + len(ours) > TAG_LIMIT:
            return Refusal(
                f"{what} has {others} other tags, and Azure allows {TAG_LIMIT}: "
                f"Stillframe needs {len(ours)}"
            )
    return None


def no_instant(disk: ObservedDisk | Missing) -> Refusal:
    """Return why an OS disk has no instant to name an image after."""
    if isinstance(disk, Missing):
        return Refusal(f"its OS disk {_why_missing(disk)}")
    return Refusal("its OS disk has no LastOwnershipUpdateTime, from which images are named")


def _data_disks(look: Look, order: Order) -> Finding:
    attached = () if order.os_only else look.vm.data_disks
    if all(disk.sku and disk.size_gb for disk in attached):
        return _first(_data_disk(look, order, disk) for disk in attached)
    if look.data_disks is None:
        return ReadDataDisks()
    return _first(_data_disk(look, order, disk) for disk in look.data_disks)


def _data_disk(look: Look, order: Order, disk: AttachedDisk | ObservedDisk | Missing) -> Finding:
    if isinstance(disk, Missing):
        return Refusal(f"one of its data disks {_why_missing(disk)}")
    if disk.encrypted_by_guest:
        return _encrypted()
    what = "one of its data disks"
    return _size(order, disk, what) or _customer_key(look, order, disk) or _sku(disk.sku, what)


def _definition(look: Look, order: Order) -> Finding:
    if not isinstance(order.target, GalleryTarget):
        return None
    if look.definition is None:
        return ReadDefinition(order.target)
    if isinstance(look.definition, Missing):
        return Refusal(f"image definition {order.target.label} {_why_missing(look.definition)}")
    return _first(
        Refusal(f"definition {order.target.label} is for {theirs} and the VM is {ours}")
        for ours, theirs in _mismatches(look, look.definition)
    )


def _mismatches(look: Look, definition: Definition) -> Iterable[tuple[str, str]]:
    """Yield the property of the VM and what the definition requires, for each difference."""
    vm, disk = look.vm, look.disk
    if definition.os_state.lower() != "generalized":
        yield "to be generalized", f"{definition.os_state.lower()} images"
    if definition.os_type.lower() != vm.os_type.lower():
        yield vm.os_type, definition.os_type
    ours = generation(look) or "unknown"
    if definition.generation.lower() != ours.lower():
        yield f"generation {ours}", f"generation {definition.generation}"
    yield from _security_mismatch(vm.security_type, definition.security_type)
    if isinstance(disk, ObservedDisk):
        architecture = disk.architecture or "x64"
        if architecture.lower() != definition.architecture.lower():
            yield architecture, definition.architecture
        if definition.accelerated_network and disk.accelerated_network is False:
            yield "without it", "accelerated networking"
    if _plan(vm.plan).lower() != _plan(definition.plan).lower():
        yield _plan(vm.plan), _plan(definition.plan)
    if _on_nvme(vm) and "nvme" not in definition.disk_controllers:
        yield "on NVMe", "SCSI only (its feature DiskControllerTypes does not name NVMe)"


def _on_nvme(vm: ObservedVm) -> bool:
    """Whether a VM's disks are on NVMe: its size then boots only images marked for NVMe."""
    return (vm.disk_controller or "").lower() == "nvme"


def _security_mismatch(ours: str | None, theirs: str | None) -> Iterable[tuple[str, str]]:
    """Compare security types: a definition accepts a VM as source only if they are equal.

    `TrustedLaunchSupported` and similar accept images and disks, but not VMs: Azure answers 400.
    """
    if (ours or "Standard").lower() != (theirs or "Standard").lower():
        yield f"security type {ours or 'Standard'}", f"security type {theirs or 'Standard'}"


def _owner_version(look: Look, order: Order) -> Finding:
    if order.version is None or not isinstance(order.target, GalleryTarget):
        return None
    ref = order.target.version(order.version)
    if ref.key not in look.images:
        return ReadImage(ref)
    taken = look.images[ref.key]
    if taken is Missing.GONE or (isinstance(taken, ObservedImage) and _is_ours(taken, look.vm)):
        return None
    return Refusal(f"version {ref.label} already exists; set another number or none")


def _is_ours(image: ObservedImage, vm: ObservedVm) -> bool:
    """Whether the image is this order's own, created before its tags were removed."""
    return vm.generalized and made_from(image, vm)


def _rights(look: Look, order: Order) -> Finding:
    if look.rights is None:
        return ReadRights(order.target)
    missing = lacking(look.rights, order.target, keep=order.keep)
    return Refusal(f"the app has no permission for {', '.join(missing)}") if missing else None


def _customer_key(look: Look, order: Order, disk: AttachedDisk | ObservedDisk) -> Finding:
    elsewhere = order.target.subscription.lower() != look.vm.ref.subscription.lower()
    if elsewhere and disk.customer_key:
        return Refusal(
            "one of its disks uses a customer-managed key, and the gallery is in another "
            "subscription"
        )
    return None


def generation(look: Look) -> str | None:
    """Return the VM's Hyper-V generation, `V1` or `V2`; None if Azure reports neither."""
    disk = look.disk if isinstance(look.disk, ObservedDisk) else None
    return look.vm.generation or (disk and disk.generation) or None


def _sku(sku: str | None, what: str) -> Finding:
    named = _ULTRA.get((sku or "").lower())
    return Refusal(f"{what} is {named}, which images do not support") if named else None


def _size(order: Order, disk: AttachedDisk | ObservedDisk, what: str) -> Finding:
    """Check the size limit; for managed images none is documented."""
    if not isinstance(order.target, GalleryTarget) or (disk.size_gb or 0) <= DISK_LIMIT_GB:
        return None
    return Refusal(
        f"{what} has {disk.size_gb} GiB; a gallery image version supports {DISK_LIMIT_GB}"
    )


def _encrypted() -> Refusal:
    return Refusal("its disks are encrypted by Azure Disk Encryption, which images do not support")


def _why_missing(missing: Missing) -> str:
    return "does not exist" if missing is Missing.GONE else "cannot be read by the app"


def _plan(plan: Plan | None) -> str:
    if plan is None:
        return "no purchase plan"
    return f"purchase plan {plan.publisher}/{plan.product}/{plan.name}"


def _first(findings: Iterable[Finding]) -> Finding:
    return next((finding for finding in findings if finding), None)


_CHECKS: tuple[Check, ...] = (
    _model,
    _os_disk,
    _room_for_tags,
    _data_disks,
    _definition,
    _owner_version,
    _rights,
)
