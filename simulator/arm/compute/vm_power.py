"""The acts of ARM on a VM: start, restart, powerOff, deallocate, generalize.

Takes an act that the table in `machine` allows, gives the operation that carries it out. The guest
is stopped when the operation begins, whatever it was doing.
"""

from collections.abc import Callable
from dataclasses import dataclass

from simulator.arm.compute import vm_errors
from simulator.arm.compute.conditions import AVAILABLE, LEFT_BY_ARM
from simulator.arm.compute.machine import Act, Move, Power, verdict
from simulator.arm.compute.records import Sysprep, Vm
from simulator.arm.core import errors
from simulator.arm.core.answer import Answer
from simulator.arm.core.call import Call
from simulator.arm.core.errors import ArmError, Failure
from simulator.arm.core.operations import Operation
from simulator.arm.core.routing import Route
from simulator.arm.core.world import World

# An act that changes nothing is still an operation, which ends almost at once.
NOTHING_TO_DO = 1.0


@dataclass(frozen=True)
class Words:
    """A Resource Health annotation: its name, context, reason and summary."""

    name: str
    reason: str
    summary: str


_BY = "as requested by an authorized user or process."
ANNOTATIONS = {
    Act.START: Words(
        "VirtualMachineStartInitiatedByControlPlane",
        "Starting",
        f"This virtual machine is starting {_BY}",
    ),
    Act.RESTART: Words(
        "VirtualMachineRebootInitiatedByControlPlane",
        "Rebooting",
        f"This virtual machine is rebooting {_BY}",
    ),
    Act.POWER_OFF: Words(
        "VirtualMachineStopInitiatedByControlPlane",
        "Stopping",
        f"This virtual machine is stopping {_BY}",
    ),
    Act.DEALLOCATE: Words(
        "VirtualMachineDeallocationInitiated",
        "Stopping and deallocating",
        f"This virtual machine is stopped and deallocated {_BY}",
    ),
}


def power_route(act: Act, allowance: str) -> Route:
    """Return the route of an act."""
    answer = generalize if act is Act.GENERALIZE else _power(act)
    return Route("POST", f"{VM}/{act}", answer, allowance)


VM = (
    "/subscriptions/{subscription}/resourceGroups/{group}"
    "/providers/Microsoft.Compute/virtualMachines/{vm}"
)


def generalize(call: Call) -> Answer:
    """Mark the VM generalized, at once and forever; whether Sysprep ran is not checked."""
    vm = call.world.get(Vm, call.resource_id(Vm.kind, "vm"))
    _way(vm, Act.GENERALIZE)
    if vm.opened_disk:
        raise vm_errors.unknown_with_open_access(Act.GENERALIZE, vm.opened_disk.name)
    vm.generalized = True
    vm.etag += 1
    return Answer(200)


def _power(act: Act) -> Callable[[Call], Answer]:
    def answer(call: Call) -> Answer:
        vm = call.world.get(Vm, call.resource_id(Vm.kind, "vm"))
        move = _way(vm, act)
        if act is Act.START and vm.opened_disk:
            raise vm_errors.disk_access_open(vm.opened_disk.name, "attaching it")
        if act is Act.DEALLOCATE and vm.os_disk.settings.get("diffDiskSettings"):
            raise vm_errors.disk_is_ephemeral(act)
        hibernate = _hibernates(call, vm, act)
        return call.accepted(
            begin(call.world, vm, act, move, call.doomed, hibernate=hibernate), 202
        )

    return answer


def begin(  # noqa: PLR0913 VM, act, way, and failure
    world: World, vm: Vm, act: Act, move: Move, doomed: Failure | None, *, hibernate: bool = False
) -> Operation:
    """Start the operation of an act; it ends in the new power state, or back in the old one."""
    if vm.operation:
        world.operations.preempt(vm.operation)
    before = vm.power
    moves = bool(move.via) or act is Act.RESTART
    if moves:
        annotate(world, vm, ANNOTATIONS[act])
    _cut_off(vm, act)
    vm.provisioning = "Updating"
    vm.power = move.via[0] if move.via else vm.power

    def finish() -> None:
        _arrive(world, vm, act, move.to, hibernate=hibernate)
        settle(world, vm)

    def fail() -> None:
        vm.power = before
        settle(world, vm, "Failed")

    seconds = world.seconds(act) if moves else NOTHING_TO_DO
    operation = world.operations.start(act, vm.location, seconds, finish, fail=fail, doomed=doomed)
    vm.operation = operation
    if len(move.via) > 1:
        _pass_through(world, vm, operation, move.via[1])
    return operation


def settle(world: World, vm: Vm, provisioning: str = "Succeeded") -> None:
    """End the operation on a VM."""
    vm.failure = vm.operation.failure if vm.operation else None
    vm.operation, vm.provisioning = None, provisioning
    for attachment in vm.disks:
        attachment.fresh = attachment.leaving = False
    vm.settled = world.clock.now()
    vm.etag += 1


def boot(world: World, vm: Vm) -> None:
    """Start the guest; booting specializes an OS disk that Sysprep had generalized."""
    vm.power, vm.guest_runs, vm.guest_act = Power.RUNNING, True, None
    vm.boots += 1
    vm.hibernated = False
    vm.agent_seen = vm.condition_since = world.clock.now()
    vm.condition = AVAILABLE
    if vm.os_disk.disk.sysprep is Sysprep.SUCCEEDED:
        vm.os_disk.disk.sysprep = Sysprep.NEVER


def start_silently(world: World, vm: Vm, *, runs: bool) -> None:
    """Let a VM run whose guest never signals that it is provisioned; `runs`: its agent reports."""
    vm.power, vm.guest_runs = Power.RUNNING, runs
    vm.boots += 1
    vm.condition_since, vm.condition = world.clock.now(), AVAILABLE
    vm.agent_seen = world.clock.now() if runs else None


def annotate(world: World, vm: Vm, words: Words, context: str = "Customer Initiated") -> None:
    """Publish a Resource Health annotation."""
    world.grid.annotation(vm.id, words.name, context, words.reason, words.summary)


def _way(vm: Vm, act: Act) -> Move:
    under_way = vm.operation.act if vm.operation else None
    found = verdict(vm.name, vm.power, act, generalized=vm.generalized, under_way=under_way)
    if isinstance(found, ArmError):
        raise found
    return found


def _hibernates(call: Call, vm: Vm, act: Act) -> bool:
    wanted = act is Act.DEALLOCATE and call.query.get("hibernate", "").lower() == "true"
    capable = (vm.properties.get("additionalCapabilities") or {}).get("hibernationEnabled")
    if wanted and not (capable and vm.guest_runs):
        message = f"Operation 'hibernate' is not allowed on VM '{vm.name}'."
        raise errors.operation_not_allowed(message)
    return wanted


def _cut_off(vm: Vm, act: Act) -> None:
    """Stop the guest; an interrupted Sysprep leaves the disk in state failed."""
    if act is Act.START:
        return
    disk = vm.os_disk.disk
    if disk.sysprep is Sysprep.RUNNING:
        disk.sysprep = Sysprep.FAILED
        if vm.os_type == "Windows":
            disk.sysprep_error = "Sysprep was cut off before it was done."
    vm.guest_runs, vm.guest_act = False, None


def _arrive(world: World, vm: Vm, act: Act, to: Power, *, hibernate: bool) -> None:
    was = vm.power
    vm.power = to
    if to is Power.RUNNING and (act is not Act.START or not vm.guest_runs):
        boot(world, vm)
        world.grid.availability(vm.id, "Available", "Unavailable")
    elif was is not to:
        vm.condition, vm.condition_since = LEFT_BY_ARM[to], world.clock.now()
        world.grid.availability(vm.id, "Unavailable", "Available")
    if was is not to and act in (Act.START, Act.DEALLOCATE):
        _move_disks(world, vm)
    vm.hibernated = hibernate or (vm.hibernated and to is Power.DEALLOCATED and was is to)


def _move_disks(world: World, vm: Vm) -> None:
    now = world.clock.now()
    for attachment in vm.disks:
        attachment.disk.moved = now


def _pass_through(world: World, vm: Vm, operation: Operation, power: Power) -> None:
    async def show() -> None:
        if vm.operation is operation:
            vm.power = power

    world.clock.after(world.seconds("stoppedWhileStarting"), show)


ROUTES = (
    power_route(Act.START, "UpdateVM"),
    power_route(Act.RESTART, "UpdateVM"),
    power_route(Act.POWER_OFF, "UpdateVM"),
    power_route(Act.DEALLOCATE, "DeleteVM"),
    power_route(Act.GENERALIZE, "UpdateVM"),
)
