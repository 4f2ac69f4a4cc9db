"""The listing of a subscription: counts every VM, keeps those that may need an action.

Joins Azure's two lists of VMs by id, one with tags and one with run states; reads the resource
groups' tags if a VM is stopped. Keeps only VMs with a Stillframe tag, stopped VMs and generalized
VMs (whose tags may be on the OS disk), so memory does not grow with the number of VMs.
"""

import logging
from collections.abc import Iterable, Mapping
from dataclasses import replace

from shared.cloud import wire
from shared.cloud.arm import Arm
from shared.cloud.observe import (
    HIBERNATED,
    hibernates,
    is_hybrid,
    is_spot,
    kept_disk,
    lower_names,
    power_state,
)
from shared.model.errors import Refused
from shared.model.facts import ListedVm, Listing, Machine, PowerState, Provisioning
from shared.model.ids import VmRef
from shared.model.memory import remembered
from shared.model.tags import SourceTag

log = logging.getLogger(__name__)

OURS = "stillframe-"
GENERALIZED = "OSState/generalized"
_PROVISIONING = "provisioningstate/"


def list_subscription(arm: Arm, subscription: str) -> Listing:
    """Return the listing of a subscription."""
    listing = Listing()
    for row in arm.vms(subscription, listing.strange):
        if _has_ours(row.tags) and (ref := VmRef.find(row.id)):
            listing.vms[ref.key] = _listed(ref, row)
    for state in arm.vm_states(subscription, listing.strange):
        _see_state(listing, state)
    _remember(arm, listing)
    if any(vm.power is PowerState.STOPPED for vm in listing.vms.values()):
        listing.groups = _group_tags(arm, subscription)
    return listing


def _remember(arm: Arm, listing: Listing) -> None:
    """Give generalized VMs the tags of their OS disks, and note their disks.

    Lists the disks of each resource group with such VMs, so that finished orders cost no look.
    """
    frozen = [vm for vm in listing.vms.values() if vm.generalized]
    groups = sorted({_group_of_disk(vm) for vm in frozen})
    disks = [disk for group in groups for disk in _disks(arm, group)]
    of_os = {key: disk for disk in disks if disk.properties.os_type for key in _keys(disk)}
    for vm in frozen:
        disk = of_os.get((vm.os_disk or vm.ref.id).lower())
        disk_tags = lower_names(disk.tags) if disk else {}
        # A VM without a Stillframe tag is known only from the run states, which have no vmId.
        vm_id = vm.vm_id or disk_tags.get(SourceTag.VM_ID, "")
        tags = remembered(vm.tags, disk_tags, vm_id)
        listing.vms[vm.ref.key] = replace(vm, tags=tags)
        listing.disks[vm.ref.key] = [
            kept_disk(each) for each in disks if (each.managed_by or "").lower() == vm.ref.key
        ]


def _keys(disk: wire.ListedDisk) -> tuple[str, str]:
    """Return the ids by which an OS disk is found: its own and its VM's."""
    return disk.id.lower(), (disk.managed_by or "").lower()


def _group_of_disk(vm: ListedVm) -> str:
    """Return the resource group id of a VM's OS disk; the VM's own if the disk is unknown."""
    return (vm.os_disk or vm.ref.id).lower().partition("/providers/")[0]


def _disks(arm: Arm, group: str) -> list[wire.ListedDisk]:
    """Return a group's disks; if listing is refused, what was read until then, usually nothing."""
    found: list[wire.ListedDisk] = []
    try:
        found.extend(arm.disks(group))
    except Refused as refused:
        log.warning("tags on OS disks in %s are ignored: %s", group, refused)
    return found


def _group_tags(arm: Arm, subscription: str) -> dict[str, Mapping[str, str]] | None:
    """Return the tags of groups with a Stillframe tag; None if groups may not be listed."""
    try:
        groups = list(arm.groups(subscription))
    except Refused as refused:
        log.warning("opt-outs on resource groups of %s are ignored: %s", subscription, refused)
        return None
    return {group.id.lower(): lower_names(group.tags) for group in groups if _has_ours(group.tags)}


def _see_state(listing: Listing, state: wire.VmState) -> None:
    view = state.properties.instance_view
    codes = [status.code for status in view.statuses] if view else []
    power = power_state(codes)
    listing.states[power] += 1
    key = state.id.lower()
    known = listing.vms.get(key)
    generalized = GENERALIZED in codes
    if known is None:
        # No Stillframe tag on the VM, but if it is generalized its disk may have some.
        concerns = power is PowerState.STOPPED or generalized
        ref = VmRef.find(state.id) if concerns else None
        if ref is None:
            return
        known = ListedVm(ref, {})
    listing.vms[key] = replace(
        known,
        power=power,
        provisioning=_provisioning(codes),
        generalized=generalized,
        hibernated=HIBERNATED in codes,
    )


def _listed(ref: VmRef, row: wire.ListedVm) -> ListedVm:
    properties = row.properties
    disk = properties.storage_profile.os_disk
    machine = Machine(
        size=properties.hardware_profile.vm_size,
        region=row.location,
        os_type=disk.os_type or "",
        hybrid=is_hybrid(properties.license_type),
        spot=is_spot(properties.priority),
    )
    ephemeral = bool(disk.diff_disk_settings and disk.diff_disk_settings.option)
    managed = disk.managed_disk or wire.ManagedDisk()
    return ListedVm(
        ref,
        lower_names(row.tags),
        machine=machine,
        ephemeral=ephemeral,
        vm_id=properties.vm_id,
        os_disk=managed.id,
        hibernates=hibernates(properties.additional_capabilities),
    )


def _provisioning(codes: Iterable[str]) -> Provisioning:
    """Return the state in a code, which may be followed by a reason: `failed/AllocationFailed`."""
    found = (code for code in codes if code.lower().startswith(_PROVISIONING))
    return Provisioning(next(found, "")[len(_PROVISIONING) :].partition("/")[0])


def _has_ours(tags: Mapping[str, str] | None) -> bool:
    return bool(tags) and any(name.lower().startswith(OURS) for name in tags or ())
