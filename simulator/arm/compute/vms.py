"""Virtual machines: create, show, list, change, delete.

Takes calls, gives Azure's answers. Changes are in `vm_change`, power in `vm_power`, the bodies in
`vm_bodies`.
"""

from collections.abc import Iterator

from azure.mgmt.compute import models

from simulator.arm.compute import vm_errors
from simulator.arm.compute.machine import Power
from simulator.arm.compute.os_provisioning import STARTED, boot_of
from simulator.arm.compute.records import Disk, Vm
from simulator.arm.compute.vm_bodies import instance_view, status_row, vm_body
from simulator.arm.compute.vm_build import build_vm
from simulator.arm.compute.vm_change import change
from simulator.arm.compute.vm_disks import detach, take_disks
from simulator.arm.compute.vm_etags import check_vm_etag, dated, with_etag
from simulator.arm.compute.vm_images import ImageSource
from simulator.arm.compute.vm_interfaces import release_interfaces, take_interfaces
from simulator.arm.compute.vm_power import VM, boot, settle, start_silently
from simulator.arm.core import errors, ids
from simulator.arm.core.answer import Answer
from simulator.arm.core.call import Call, member, tags_in
from simulator.arm.core.errors import Failure, Json
from simulator.arm.core.pages import page
from simulator.arm.core.routing import Route, of
from simulator.arm.core.world import World
from simulator.arm.network.records import Interface

# Earlier api-versions do not have the parameter.
_STATUS_ONLY = "2019-07-01"
_LONGEST_WINDOWS_NAME = 15


def get_vm(call: Call) -> Answer:
    """Show a VM; with `$expand=instanceView` its instance view as well."""
    vm = _existing(call)
    wanted = {part.strip().lower() for part in call.query.get("$expand", "").split(",")} - {""}
    if wanted - {"instanceview", "userdata"}:
        msg = f"The expand '{call.query['$expand']}' is not supported."
        raise errors.invalid_parameter(msg, "$expand")
    now = call.world.clock.now() if "instanceview" in wanted else None
    body = vm_body(vm, call.group, now, user_data="userdata" in wanted)
    # With the instance view Azure sends no ETag header, as recorded.
    return Answer(body=dated(call, body)) if now else with_etag(call, vm, body)


def get_instance_view(call: Call) -> Answer:
    """Show only a VM's instance view."""
    return Answer(body=instance_view(_existing(call), call.world.clock.now()))


def list_vms(call: Call) -> Answer:
    """List the VMs of a group or of the subscription, in pages; `statusOnly=true` the statuses."""
    if "$filter" in call.query or "$expand" in call.query:
        msg = "$filter and $expand on a list of virtual machines"
        raise errors.not_simulated(msg)
    wanted = call.query.get("statusOnly", "").lower() == "true"
    if wanted and call.api_version >= _STATUS_ONLY:
        return page(call, Vm, status_row)
    return page(call, Vm, lambda vm: dated(call, vm_body(vm, vm.group.upper())))


def put_vm(call: Call) -> Answer:
    """Create a VM, or change an existing one."""
    vm_id = call.resource_id(Vm.kind, "vm")
    existing = call.world.find(Vm, vm_id)
    check_vm_etag(call, existing)
    call.world.need_group(vm_id)
    return change(call, existing) if existing else _create(call, vm_id)


def patch_vm(call: Call) -> Answer:
    """Change a VM; a `tags` member replaces the whole map."""
    vm = _existing(call)
    check_vm_etag(call, vm)
    return change(call, vm)


def delete_vm(call: Call) -> Answer:
    """Delete a VM; its disks stay unless their deleteOption says otherwise."""
    world = call.world
    vm = world.find(Vm, call.resource_id(Vm.kind, "vm"))
    if vm is None:
        return Answer(204)
    if vm.opened_disk:
        raise vm_errors.disk_access_open(vm.opened_disk.name, "deleting it")
    for action, scope in _goes_with(vm):
        call.allowed_on(action, scope)
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


def _goes_with(vm: Vm) -> Iterator[tuple[str, str]]:
    """Yield the permissions that deleting a VM needs on what is deleted with it: inferred."""
    for attachment in vm.disks:
        if attachment.settings["deleteOption"] == "Delete" and not attachment.disk.vhd:
            yield f"{Disk.kind}/delete", attachment.disk.id
    for named in member(vm.properties, "networkProfile", "networkInterfaces") or ():
        if member(named, "properties", "deleteOption") == "Delete":
            yield f"{Interface.kind}/delete", str(named.get("id"))


def forget_vm(world: World, vm: Vm) -> None:
    """Remove a VM; its disks and interfaces go with it or are detached, as it says."""
    world.remove(vm)
    for child in world.under(vm.id):
        world.remove(child)
    release_interfaces(world, vm)
    for attachment in vm.disks:
        detach(attachment.disk, world.clock.now())
        if attachment.settings["deleteOption"] == "Delete":
            world.remove(attachment.disk)


def _create(call: Call, vm_id: str) -> Answer:
    world = call.world
    vm, image = build_vm(world, vm_id, call.body)
    if "osProfile" in vm.properties:
        _check_profile(call.body, vm.os_type)
    for action, scope in _linked(call, vm, image):
        call.allowed_on(action, scope)
    take_interfaces(call, vm)
    take_disks(world, vm, vm.disks)
    vm.tags = tags_in(call.body)
    vm.provisioning = "Creating"
    world.add(vm)
    begun = boot_of(vm.name, image.capture) if image and not image.specialized else STARTED

    def finish() -> Failure | None:
        if begun.failure is None:
            boot(world, vm)
            settle(world, vm)
            return None
        start_silently(world, vm, runs=begun.runs)
        return begun.failure

    vm.operation = world.operations.start(
        "create",
        vm.location,
        world.seconds(begun.duration),
        finish,
        fail=lambda: settle(world, vm, "Failed"),
        doomed=call.doomed,
    )
    _show_starting(world, vm)
    body = vm_body(vm, call.group)
    return with_etag(call, vm, body, call.accepted(vm.operation, 201))


def _linked(call: Call, vm: Vm, image: ImageSource | None) -> Iterator[tuple[str, str]]:
    """Yield the permissions on other resources that a new VM needs, with their scopes.

    Documented for the image. Inferred for the disks that are created with the VM.
    """
    if image:
        yield image.action, image.id
    if any(attachment.fresh for attachment in vm.disks):
        yield f"{Disk.kind}/write", ids.group_id(call.world.subscription, vm.group)


def _check_profile(body: Json, os_type: str) -> None:
    profile = member(body, "properties", "osProfile")
    if not profile.get("adminUsername"):
        msg = "adminUsername"
        raise errors.missing_parameter(msg)
    if os_type == "Windows" and len(profile.get("computerName") or "") > _LONGEST_WINDOWS_NAME:
        raise vm_errors.computer_name_too_long()


def _show_starting(world: World, vm: Vm) -> None:
    """Show `stopped` for a moment, then `starting`, while a VM is being created."""
    created_by = vm.operation

    async def show() -> None:
        if vm.operation is created_by:
            vm.power = Power.STARTING

    world.clock.after(world.seconds("stoppedWhileStarting"), show)


def _existing(call: Call) -> Vm:
    return call.world.get(Vm, call.resource_id(Vm.kind, "vm"))


_ALL = "/subscriptions/{subscription}/providers/Microsoft.Compute/virtualMachines"
_VIEW = models.VirtualMachineInstanceView
_VIEWED = "2017-03-30"
ROUTES = (
    Route(
        "GET",
        f"{VM}/instanceView",
        get_instance_view,
        "LowCostGet",
        gives=_VIEW,
        since=_VIEWED,
    ),
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
