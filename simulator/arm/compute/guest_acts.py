"""What a guest does by itself: Sysprep, deprovision, shut down, reboot, crash, hibernate.

Takes a running VM and an action, and completes it after its duration. ARM is not involved: there is
no operation and no ARM event, only Resource Health's annotation, and a power state that still reads
`running` for the time `shutdownLag`. If ARM changes the VM's power in between, the guest's action
is abandoned.
"""

from collections.abc import Callable
from enum import StrEnum

from simulator.arm.compute.conditions import CRASHED, STOPPED_INSIDE, Condition
from simulator.arm.compute.machine import Power
from simulator.arm.compute.records import Sysprep, Vm
from simulator.arm.compute.vm_power import Words, annotate, boot
from simulator.arm.core.world import World


class GuestAct(StrEnum):
    """The guest actions that steering can start."""

    SYSPREP = "sysprep"
    SYSPREP_FAILS = "sysprep-fails"
    SYSPREP_FAILS_AND_SHUTS_DOWN = "sysprep-fails-and-shuts-down"
    DEPROVISION = "deprovision"
    DEPROVISION_FAILS = "deprovision-fails"
    SHUTDOWN = "shutdown"
    REBOOT = "reboot"
    CRASH = "crash"
    HIBERNATE = "hibernate"


# The annotation of each condition that a guest can cause.
ANNOTATIONS = {
    STOPPED_INSIDE: "VirtualMachineStoppedInternally",
    CRASHED: "VirtualMachineCrashed",
}
RESTARTED = Words(
    "VirtualMachineRestarted",
    "Rebooted by user or process",
    "This virtual machine has been rebooted, as requested by an authorized user or process, or by "
    "guest activity from within the virtual machine.",
)
DEFAULT_SYSPREP_ERROR = (
    "SYSPRP Package Contoso.App_1.0.0.0_x64__8wekyb3d8bbwe was installed for a user, but not "
    "provisioned for all users. This package will not function properly in the sysprep image. "
    "0x80073cf2"
)


# Actions of one operating system only.
ONLY = {
    GuestAct.SYSPREP: "Windows",
    GuestAct.SYSPREP_FAILS: "Windows",
    GuestAct.SYSPREP_FAILS_AND_SHUTS_DOWN: "Windows",
    GuestAct.DEPROVISION: "Linux",
    GuestAct.DEPROVISION_FAILS: "Linux",
}


class GuestIsOff(Exception):
    """The guest cannot act: its VM does not run, or another action is in progress."""


def let(
    world: World,
    vm: Vm,
    act: GuestAct,
    why: str | None = None,
    *,
    then: GuestAct | None = None,
) -> None:
    """Start a guest action; `why` is Sysprep's error message if it is to fail.

    `then` is what a deprovisioned guest does next.

    ValueError for an action of the other OS, GuestIsOff if the guest is off or busy.
    """
    if vm.os_type != ONLY.get(act, vm.os_type):
        msg = f"the guest of {vm.name} is {vm.os_type}, which has no {act}"
        raise ValueError(msg)
    if not vm.guest_runs or vm.guest_act:
        state = f"is busy: '{vm.guest_act}'" if vm.guest_act else f"does not run ({vm.power})"
        msg = f"the guest of {vm.name} {state}"
        raise GuestIsOff(msg)
    vm.guest_act = act
    if act is GuestAct.SHUTDOWN:
        _shut_down(world, vm)
    elif act is GuestAct.REBOOT:
        _later(world, vm, "reboot", lambda: _reboot(world, vm))
    elif act is GuestAct.CRASH:
        _later(world, vm, "crash", lambda: _off(world, vm, CRASHED))
    elif act is GuestAct.HIBERNATE:
        _later(world, vm, "hibernate", lambda: _off(world, vm, STOPPED_INSIDE))
    elif vm.os_type == "Linux":
        _deprovision(world, vm, act, then)
    else:
        _run_sysprep(world, vm, act, why or DEFAULT_SYSPREP_ERROR)


def _deprovision(world: World, vm: Vm, act: GuestAct, then: GuestAct | None) -> None:
    """Let waagent remove the machine's identity, fully or in part; the guest keeps running."""
    disk = vm.os_disk.disk
    disk.sysprep, disk.sysprep_error = Sysprep.RUNNING, None

    def done() -> None:
        vm.guest_act = None
        disk.sysprep = Sysprep.SUCCEEDED if act is GuestAct.DEPROVISION else Sysprep.FAILED
        if then:
            let(world, vm, then)

    _later(world, vm, "deprovision", done)


def _run_sysprep(world: World, vm: Vm, act: GuestAct, why: str) -> None:
    disk = vm.os_disk.disk
    disk.sysprep, disk.sysprep_error = Sysprep.RUNNING, None

    def done() -> None:
        vm.guest_act = None
        if act is GuestAct.SYSPREP:
            disk.sysprep = Sysprep.SUCCEEDED
        else:
            disk.sysprep, disk.sysprep_error = Sysprep.FAILED, why
        if act is not GuestAct.SYSPREP_FAILS:
            vm.guest_act = act
            _shut_down(world, vm)

    _later(world, vm, "sysprep", done)


def _shut_down(world: World, vm: Vm) -> None:
    _later(world, vm, "shutdown", lambda: _off(world, vm, STOPPED_INSIDE))


def _reboot(world: World, vm: Vm) -> None:
    boot(world, vm)
    annotate(world, vm, RESTARTED)


def _off(world: World, vm: Vm, condition: Condition) -> None:
    """Turn the guest off; the annotation comes at once, the power state changes after the lag."""
    vm.guest_runs, vm.guest_act, vm.agent_seen = False, None, world.clock.now()
    words = Words(ANNOTATIONS[condition], condition.title, condition.summary)
    annotate(world, vm, words, condition.context)

    def seen() -> None:
        if vm.power is Power.RUNNING:
            vm.power = Power.STOPPED
            vm.condition, vm.condition_since = condition, world.clock.now()
            world.grid.availability(vm.id, "Unavailable", "Available")

    lag = world.seconds("shutdownLag")
    if lag:
        _later(world, vm, "shutdownLag", seen)
    else:
        seen()


def _later(world: World, vm: Vm, duration: str, step: Callable[[], None]) -> None:
    """Run a step after a delay, unless the VM was restarted, stopped or deleted meanwhile."""
    boots, runs = vm.boots, vm.guest_runs

    async def take() -> None:
        if vm.boots == boots and vm.guest_runs == runs and world.find(Vm, vm.id) is vm:
            step()

    world.clock.after(world.seconds(duration), take)
