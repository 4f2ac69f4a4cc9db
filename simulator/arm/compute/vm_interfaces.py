"""The network interfaces of a VM: taken when it is created, let go or deleted with it."""

from datetime import datetime, timedelta

from simulator.arm.compute.records import Vm
from simulator.arm.core.call import Call, member
from simulator.arm.core.errors import Json
from simulator.arm.core.world import World
from simulator.arm.network import errors
from simulator.arm.network.records import Interface


def take_interfaces(call: Call, vm: Vm) -> None:
    """Give a new VM the interfaces of its request, which the caller must be allowed to join."""
    taken = [found for named in _named(vm) if (found := _free(call, vm, str(named.get("id"))))]
    for interface in taken:
        interface.owner, interface.held = vm, None


def release_interfaces(world: World, vm: Vm) -> None:
    """Let a deleted VM's interfaces go: deleted with it if it says so, else held for a while."""
    for named in _named(vm):
        interface = world.find(Interface, str(named.get("id")))
        if interface is None or interface.owner is not vm:
            continue
        interface.owner = None
        if member(named, "properties", "deleteOption") == "Delete":
            world.remove(interface)
        else:
            _hold(interface, vm.id, world.clock.now())


def _free(call: Call, vm: Vm, interface_id: str) -> Interface | None:
    """Return an interface that is free for this VM; None if it is unknown and that is accepted."""
    interface = call.world.find(Interface, interface_id)
    if interface is None or interface.location != vm.location:
        if call.world.settings.unknown_interfaces == "accept":
            return None
        raise errors.not_found(interface_id, vm.id)
    call.allowed_on(f"{Interface.kind}/join/action", interface.id)
    if interface.owner:
        raise errors.in_use(interface.id, interface.owner.id)
    held = errors.is_held(interface.held, call.world.clock.now())
    if held and interface.held_by.lower() != vm.key:
        raise errors.reserved(interface.held_by)
    return interface


def _hold(interface: Interface, vm_id: str, now: datetime) -> None:
    interface.held = now + timedelta(seconds=errors.HELD_SECONDS)
    interface.held_by = vm_id


def _named(vm: Vm) -> list[Json]:
    profile: Json = vm.properties.get("networkProfile") or {}
    return profile.get("networkInterfaces") or []
