"""Virtual machines: create, show, list, change, delete.

Takes calls, gives Azure's answers. Power lies in `vm_power`, the bodies in `vm_bodies`.
"""

from azure.mgmt.compute import models

from simulator.arm.compute import vm_errors
from simulator.arm.compute.machine import Power
from simulator.arm.compute.records import Vm
from simulator.arm.compute.vm_bodies import instance_view, status_row, vm_body
from simulator.arm.compute.vm_build import build_vm, change_data_disks, detach
from simulator.arm.compute.vm_power import VM, boot, settle
from simulator.arm.core import errors
from simulator.arm.core.answer import Answer
from simulator.arm.core.call import Call, check_etag, member, tags_in
from simulator.arm.core.errors import Json
from simulator.arm.core.pages import page
from simulator.arm.core.routing import Route, of
from simulator.arm.core.world import World

_UPDATABLE = (
    "hardwareProfile", "osProfile", "securityProfile", "additionalCapabilities", "networkProfile",
    "diagnosticsProfile", "licenseType", "billingProfile", "extensionsTimeBudget", "userData",
    "scheduledEventsProfile", "applicationProfile", "capacityReservation", "virtualMachineScaleSet",
)  # fmt: skip


def get_vm(call: Call) -> Answer:
    """Show a VM; with `$expand=instanceView` its state as well."""
    vm = _existing(call)
    expand = call.query.get("$expand", "").lower()
    if expand not in ("", "instanceview", "userdata"):
        msg = f"The expand '{expand}' is not supported."
        raise errors.invalid_parameter(msg, "$expand")
    now = call.world.clock.now() if expand == "instanceview" else None
    return _with_etag(vm, Answer(body=vm_body(vm, call.group, now)))


def get_instance_view(call: Call) -> Answer:
    """Show a VM's state alone."""
    return Answer(body=instance_view(_existing(call), call.world.clock.now()))


def list_vms(call: Call) -> Answer:
    """List the VMs of a group or of the subscription, by pages; `statusOnly=true` their states."""
    if "$filter" in call.query or "$expand" in call.query:
        msg = "$filter and $expand on a list of virtual machines"
        raise errors.not_simulated(msg)
    if call.query.get("statusOnly", "").lower() == "true":
        return page(call, Vm, status_row)
    return page(call, Vm, lambda vm: vm_body(vm, vm.group.upper()))


def put_vm(call: Call) -> Answer:
    """Create a VM, or change the one there is."""
    vm_id = call.resource_id(Vm.kind, "vm")
    existing = call.world.find(Vm, vm_id)
    check_etag(call, existing, existing.etag if existing else None)
    call.world.need_group(vm_id)
    return _change(call, existing) if existing else _create(call, vm_id)


def patch_vm(call: Call) -> Answer:
    """Change a VM; a `tags` member replaces the whole map."""
    vm = _existing(call)
    check_etag(call, vm, vm.etag)
    return _change(call, vm)


def delete_vm(call: Call) -> Answer:
    """Delete a VM; its disks stay unless their deleteOption says otherwise."""
    world = call.world
    vm = world.find(Vm, call.resource_id(Vm.kind, "vm"))
    if vm is None:
        return Answer(204)
    if vm.opened_disk:
        raise vm_errors.disk_access_open(vm.opened_disk.name, "deleting it")
    if vm.operation:
        world.operations.preempt(vm.operation)
    vm.provisioning, vm.guest_runs = "Deleting", False
    vm.operation = world.operations.start(
        "delete",
        vm.location,
        world.seconds("delete"),
        lambda: forget_vm(world, vm),
        fail=lambda: settle(world, vm, "Failed"),
        doomed=call.doomed,
    )
    return call.accepted(vm.operation, 202)


def forget_vm(world: World, vm: Vm) -> None:
    """Remove a VM and let its disks go."""
    world.remove(vm)
    for attachment in vm.disks:
        detach(attachment.disk, world.clock.now())
        if str(attachment.settings.get("deleteOption")).lower() == "delete":
            world.remove(attachment.disk)


def _create(call: Call, vm_id: str) -> Answer:
    world = call.world
    if member(call.body, "properties", "storageProfile", "osDisk", "createOption") != "Attach":
        _need_admin(call.body)
    vm = build_vm(world, vm_id, call.body)
    vm.tags = tags_in(call.body)
    vm.provisioning = "Creating"
    world.add(vm)

    def finish() -> None:
        boot(world, vm)
        settle(world, vm)

    vm.operation = world.operations.start(
        "create",
        vm.location,
        world.seconds("create"),
        finish,
        fail=lambda: settle(world, vm, "Failed"),
        doomed=call.doomed,
    )
    _show_starting(world, vm)
    return _with_etag(vm, call.accepted(vm.operation, 201, vm_body(vm, call.group)))


def _with_etag(vm: Vm, answer: Answer) -> Answer:
    """Have a VM's version in a header, too, as clients send it back in If-Match."""
    answer.headers["ETag"] = f'"{vm.etag}"'
    return answer


def _need_admin(body: Json) -> None:
    if not member(body, "properties", "osProfile", "adminUsername"):
        msg = "adminUsername"
        raise errors.missing_parameter(msg)


def _show_starting(world: World, vm: Vm) -> None:
    """A VM that is being created shows `stopped` for a moment before `starting`."""
    created_by = vm.operation

    async def show() -> None:
        if vm.operation is created_by:
            vm.power = Power.STARTING

    world.clock.after(world.seconds("stoppedWhileStarting"), show)


def _change_tags(vm: Vm, tags: dict[str, str]) -> None:
    if vm.generalized and tags != vm.tags:
        raise vm_errors.no_tags_on_generalized(vm.name)
    vm.tags = tags


def _change(call: Call, vm: Vm) -> Answer:
    world = call.world
    if vm.operation:
        raise errors.concurrent_operation()
    properties = call.body.get("properties") or {}
    _check_fixed(vm, properties)
    if "tags" in call.body:
        _change_tags(vm, tags_in(call.body))
    vm.properties |= {name: properties[name] for name in _UPDATABLE if name in properties}
    disks = member(properties, "storageProfile", "dataDisks")
    if disks is not None:
        change_data_disks(world, vm, disks)
    vm.identity = call.body.get("identity", vm.identity)
    vm.etag += 1
    vm.provisioning = "Updating"
    vm.operation = world.operations.start(
        "update",
        vm.location,
        world.seconds("update"),
        lambda: settle(world, vm),
        fail=lambda: settle(world, vm, "Failed"),
        doomed=call.doomed,
    )
    return _with_etag(vm, call.accepted(vm.operation, 200, vm_body(vm, call.group)))


def _check_fixed(vm: Vm, properties: Json) -> None:
    """Refuse a change of what is fixed when a VM is created."""
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


def _existing(call: Call) -> Vm:
    return call.world.get(Vm, call.resource_id(Vm.kind, "vm"))


_ALL = "/subscriptions/{subscription}/providers/Microsoft.Compute/virtualMachines"
_VIEW = models.VirtualMachineInstanceView
ROUTES = (
    Route("GET", f"{VM}/instanceView", get_instance_view, "LowCostGet", gives=_VIEW),
    *of(
        models.VirtualMachine,
        Route("GET", VM, get_vm, "LowCostGet"),
        Route("GET", VM.removesuffix("/{vm}"), list_vms, "HighCostGet"),
        Route("GET", _ALL, list_vms, "HighCostGet"),
        Route("PUT", VM, put_vm, "PutVM"),
        Route("PATCH", VM, patch_vm, "UpdateVM"),
        Route("DELETE", VM, delete_vm, "DeleteVM"),
        strict=True,
    ),
)
