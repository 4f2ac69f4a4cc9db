"""Changes an existing VM by PUT or PATCH: what is fixed, what is merged, which disks leave."""

from datetime import datetime

from simulator.arm.compute import vm_errors
from simulator.arm.compute.records import Vm
from simulator.arm.compute.vm_bodies import vm_body
from simulator.arm.compute.vm_disks import attach, detach, take_disks
from simulator.arm.compute.vm_etags import with_etag
from simulator.arm.compute.vm_power import settle
from simulator.arm.compute.vm_profiles import identity_of, merged, os_profile
from simulator.arm.core import errors
from simulator.arm.core.answer import Answer
from simulator.arm.core.call import Call, member, need, tags_in
from simulator.arm.core.errors import Json
from simulator.arm.core.world import World

_UPDATABLE = (
    "hardwareProfile", "osProfile", "securityProfile", "additionalCapabilities", "networkProfile",
    "diagnosticsProfile", "licenseType", "billingProfile", "extensionsTimeBudget", "userData",
    "scheduledEventsProfile", "applicationProfile", "capacityReservation", "virtualMachineScaleSet",
)  # fmt: skip


def change(call: Call, vm: Vm) -> Answer:
    """Change a VM; refuses changes of what is fixed."""
    world = call.world
    if vm.operation:
        raise errors.concurrent_operation()
    properties = call.body.get("properties") or {}
    _check_fixed(vm, properties)
    if "tags" in call.body:
        _change_tags(vm, tags_in(call.body))
    given = {name: properties[name] for name in _UPDATABLE if name in properties}
    if "osProfile" in given:
        known = vm.properties.get("osProfile") or {}
        given["osProfile"] = os_profile(known, given["osProfile"], vm.os_type)
    vm.properties = merged(vm.properties, given)
    disks = member(properties, "storageProfile", "dataDisks")
    if disks is not None:
        _change_data_disks(world, vm, disks)
    _change_fates(vm, properties.get("storageProfile") or {})
    vm.identity = identity_of(vm.identity or {}, call.body.get("identity"), world.tenant)
    vm.etag += 1
    vm.provisioning = "Updating"
    vm.operation = world.operations.start(
        "update",
        vm.location,
        world.seconds("update"),
        lambda: _changed(world, vm),
        fail=lambda: settle(world, vm, "Failed"),
        doomed=call.doomed,
    )
    return with_etag(call, vm, vm_body(vm, call.group), call.accepted(vm.operation, 200))


def _changed(world: World, vm: Vm) -> None:
    _let_go(vm, world.clock.now())
    settle(world, vm)


def _change_tags(vm: Vm, tags: dict[str, str]) -> None:
    if vm.generalized and tags != vm.tags:
        raise vm_errors.no_tags_on_generalized(vm.name)
    vm.tags = tags


def _regular(properties: Json) -> bool:
    """Say whether a VM has regular priority; a change between Low and Spot is allowed."""
    return bool(properties.get("priority", "Regular") == "Regular")


def _check_fixed(vm: Vm, properties: Json) -> None:
    """Refuse to change what is fixed at creation, or while the VM is allocated."""
    known = vm.properties
    if _regular(known) != _regular(known | properties):
        msg = "priority"
        raise errors.property_change_not_allowed(msg)
    billing = known.get("billingProfile")
    if vm.allocated and properties.get("billingProfile", billing) != billing:
        raise vm_errors.billing_is_fixed(vm.name)
    reference = member(properties, "storageProfile", "imageReference")
    if (
        reference
        and vm.image_reference
        and member(reference, "sku") != vm.image_reference.get("sku")
    ):
        msg = "imageReference"
        raise errors.property_change_not_allowed(msg)
    disk = member(properties, "storageProfile", "osDisk", "managedDisk", "id")
    if disk and disk.lower() != vm.os_disk.disk.key:
        msg = "swapping the OS disk of a virtual machine"
        raise errors.not_simulated(msg)


def _change_data_disks(world: World, vm: Vm, wanted: list[Json]) -> None:
    """Attach the new data disks of a PUT or PATCH; detach those that it leaves out.

    A disk with `toBeDetached` is detached as well. Disks leave when the operation ends.
    """
    named = {need(data, "lun"): data for data in wanted if not data.get("toBeDetached")}
    held = {attachment.lun for attachment in vm.data_disks}
    for attachment in vm.data_disks:
        attachment.leaving = attachment.lun not in named
    fresh = [attach(world, vm, data, lun) for lun, data in named.items() if lun not in held]
    take_disks(world, vm, fresh)
    vm.data_disks += fresh


def _change_fates(vm: Vm, storage: Json) -> None:
    """Set the deleteOption of the disks that a request names: documented for an existing VM."""
    wanted: dict[int | None, Json] = {None: storage.get("osDisk") or {}}
    wanted |= {data.get("lun"): data for data in storage.get("dataDisks") or []}
    for attachment in vm.disks:
        if option := wanted.get(attachment.lun, {}).get("deleteOption"):
            attachment.settings["deleteOption"] = option


def _let_go(vm: Vm, now: datetime) -> None:
    """Detach the data disks that are leaving."""
    for attachment in vm.data_disks:
        if attachment.leaving:
            detach(attachment.disk, now)
    vm.data_disks = [attachment for attachment in vm.data_disks if not attachment.leaving]
