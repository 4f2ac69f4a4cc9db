"""Azure's refusals about network interfaces and subnets."""

from datetime import datetime

from simulator.arm.core.errors import ArmError

HELD_SECONDS = 180


def not_found(resource: str, by: str) -> ArmError:
    """Refuse a reference to a resource that does not exist."""
    message = (
        f"Resource {resource} referenced by resource {by} was not found. Please make sure that the "
        "referenced resource exists, and that both resources are in the same region."
    )
    return ArmError(400, "InvalidResourceReference", message)


def in_use(interface: str, vm: str) -> ArmError:
    """Refuse to delete or attach an interface that a VM has."""
    message = (
        f"Network Interface {interface} is used by existing resource {vm}. In order to delete the "
        "network interface, it must be dissociated from the resource. To learn more, see "
        "aka.ms/deletenic."
    )
    return ArmError(400, "NicInUse", message)


def reserved(vm: str) -> ArmError:
    """Refuse an interface that is still held for a VM that failed or was deleted."""
    message = (
        "Nic(s) in request is reserved for another Virtual Machine for 180 seconds. Please provide "
        f"another nic(s) or retry after 180 seconds. Reserved VM: {vm}"
    )
    return ArmError(400, "NicReservedForAnotherVm", message)


def network_in_use(network: str, interface: str) -> ArmError:
    """Refuse to delete a network with interfaces."""
    message = f"Subnet of {network} is in use by {interface} and cannot be deleted."
    return ArmError(400, "InUseSubnetCannotBeDeleted", message)


def is_held(until: datetime | None, now: datetime) -> bool:
    """Say whether a reservation still lasts."""
    return until is not None and now < until
