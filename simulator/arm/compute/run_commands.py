"""Managed run commands: a script is sent to the guest, which Sysprep or waagent may be started by.

Takes a script, recognizes what it starts by its words, and lets the guest do it after its pause: on
the simulated disk, so that proof and boot test see what came of it. Nothing else of a script is
carried out. With `asyncExecution` the operation ends when the script has started; the execution
state is not followed after that. A command belongs to its VM, and is deleted with it.
"""

import re
from dataclasses import dataclass
from typing import ClassVar

from azure.mgmt.compute import models

from simulator.arm.compute import vm_errors
from simulator.arm.compute.guest_acts import GuestAct, GuestIsOff, let
from simulator.arm.compute.records import Vm
from simulator.arm.compute.vm_power import VM
from simulator.arm.core import errors
from simulator.arm.core.answer import Answer
from simulator.arm.core.call import Call, member, need, tags_in
from simulator.arm.core.errors import Json
from simulator.arm.core.resource import Resource
from simulator.arm.core.routing import Route, of
from simulator.arm.core.world import World

_PAUSE = re.compile(r"(?:Start-Sleep(?: -Seconds)?|sleep) (\d+)")


@dataclass(kw_only=True, eq=False)
class RunCommand(Resource):
    """A run command of a VM."""

    kind: ClassVar[str] = "Microsoft.Compute/virtualMachines/runCommands"


def put_command(call: Call) -> Answer:
    """Send a script to a running guest."""
    world = call.world
    vm = world.get(Vm, call.resource_id(Vm.kind, "vm"))
    script = need(call.body, "properties", "source", "script")
    if not member(call.body, "properties", "asyncExecution"):
        msg = "a run command without asyncExecution"
        raise errors.not_simulated(msg)
    if not vm.guest_runs:
        raise vm_errors.extensions_need_a_running_vm()
    if vm.operation:
        raise errors.concurrent_operation()
    command_id = call.resource_id(RunCommand.kind, "vm", "command")
    existing = world.find(RunCommand, command_id)
    command = existing or world.add(RunCommand(id=command_id, location=vm.location))
    command.properties, command.tags = dict(call.body["properties"]), tags_in(call.body)
    command.provisioning = "Creating"

    def finish() -> None:
        command.provisioning, command.operation = "Succeeded", None
        if existing is None:
            _start(world, vm, script)

    command.operation = world.operations.start(
        "runCommand", vm.location, world.seconds("runCommand"), finish, doomed=call.doomed
    )
    return call.accepted(command.operation, 200 if existing else 201, _body(command))


def get_command(call: Call) -> Answer:
    """Show a run command."""
    command_id = call.resource_id(RunCommand.kind, "vm", "command")
    return Answer(body=_body(call.world.get(RunCommand, command_id)))


def _start(world: World, vm: Vm, script: str) -> None:
    """Let the guest do what a script starts, after the script's pause."""
    pause, boots = _PAUSE.search(script), vm.boots

    async def act() -> None:
        if vm.boots == boots and vm.guest_runs and not vm.guest_act:
            try:
                _act(world, vm, script.lower())
            except (GuestIsOff, ValueError):
                return

    world.clock.after(float(pause[1]) if pause else 1.0, act)


def _act(world: World, vm: Vm, script: str) -> None:
    why = vm.os_disk.disk.ails
    if "sysprep.exe" in script:
        let(world, vm, GuestAct.SYSPREP_FAILS if why else GuestAct.SYSPREP, why)
    elif "waagent" in script and "poweroff" in script:
        failed = GuestAct.DEPROVISION_FAILS if why else GuestAct.DEPROVISION
        let(world, vm, failed, then=GuestAct.SHUTDOWN)


def _body(command: RunCommand) -> Json:
    return {
        "name": command.name,
        "id": command.id,
        "type": RunCommand.kind,
        "location": command.location,
        "tags": command.tags,
        "properties": command.properties | {"provisioningState": command.provisioning},
    }


_COMMAND = f"{VM}/runCommands/{{command}}"
ROUTES = of(
    models.VirtualMachineRunCommand,
    Route("PUT", _COMMAND, put_command, "UpdateVM"),
    Route("GET", _COMMAND, get_command, "LowCostGet"),
)
