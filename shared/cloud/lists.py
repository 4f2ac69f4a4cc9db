"""A subscription by its lists: every VM counted, and those kept that something may be due for.

Takes the two lists of VMs that Azure has, one with tags and one with run states, joined by id; and
the resource groups' tags. What is kept does not grow with the number of VMs: those with a tag of
Stillframe's, and those that are stopped.
"""

import logging
from collections.abc import Iterable, Mapping
from dataclasses import replace

from shared.cloud import wire
from shared.cloud.arm import Arm
from shared.cloud.observe import is_hybrid, is_spot, lower_names, power_state
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
    """Return what the lists of a subscription show."""
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
    """Let the words count that generalized VMs have on their OS disks.

    A list of disks for each resource group that has such VMs, so that orders at rest cost no looks.
    """
    frozen = [vm for vm in listing.vms.values() if vm.generalized]
    disks: dict[str, Mapping[str, str]] = {}
    for group in sorted({_group_of_disk(vm) for vm in frozen}):
        disks |= _disk_tags(arm, group)
    for vm in frozen:
        said = disks.get((vm.os_disk or vm.ref.id).lower(), {})
        # A VM without a tag of ours is known by its run state alone, which tells no vmId.
        tags = remembered(vm.tags, said, vm.vm_id or said.get(SourceTag.VM_ID, ""))
        listing.vms[vm.ref.key] = replace(vm, tags=tags)


def _group_of_disk(vm: ListedVm) -> str:
    """Return the id of the resource group of a VM's OS disk, as far as the lists tell."""
    return (vm.os_disk or vm.ref.id).lower().partition("/providers/")[0]


def _disk_tags(arm: Arm, group: str) -> dict[str, Mapping[str, str]]:
    """Return the tags of a group's OS disks, by their ids and by their VMs'.

    None where they may not be listed.
    """
    found: dict[str, Mapping[str, str]] = {}
    try:
        for disk in arm.disks(group):
            if disk.properties.os_type:
                found[disk.id.lower()] = found[(disk.managed_by or "").lower()] = lower_names(
                    disk.tags
                )
    except Refused as refused:
        log.warning("what is remembered on disks in %s does not count: %s", group, refused)
    return found


def _group_tags(arm: Arm, subscription: str) -> dict[str, Mapping[str, str]] | None:
    """Return the tags of the groups that have one of ours; None where they may not be read."""
    try:
        groups = list(arm.groups(subscription))
    except Refused as refused:
        log.warning("opt-outs on resource groups of %s do not count: %s", subscription, refused)
        return None
    return {one.id.lower(): lower_names(one.tags) for one in groups if _has_ours(one.tags)}


def _see_state(listing: Listing, state: wire.VmState) -> None:
    view = state.properties.instance_view
    codes = [status.code for status in view.statuses] if view else []
    power = power_state(codes)
    listing.states[power] += 1
    key = state.id.lower()
    known = listing.vms.get(key)
    generalized = GENERALIZED in codes
    if known is None:
        # Without a tag of ours; but one that is generalized may have them on its disk.
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
    )


def _provisioning(codes: Iterable[str]) -> Provisioning:
    found = (code for code in codes if code.lower().startswith(_PROVISIONING))
    return Provisioning(next(found, "")[len(_PROVISIONING) :])


def _has_ours(tags: Mapping[str, str] | None) -> bool:
    return bool(tags) and any(name.lower().startswith(OURS) for name in tags or ())
