"""Azure's errors for beginGetAccess on a disk.

The first is recorded, with its code; the longest duration and the message on guest state are
documented. All others have plausible codes and messages: that Azure refuses is documented or, if
the docstring says so, inferred.
"""

from simulator.arm.core import errors
from simulator.arm.core.errors import ArmError

LONGEST_SECONDS = 5_184_000


def attached_to_running(disk: str, vm_id: str) -> ArmError:
    """Refuse a disk whose VM is not deallocated."""
    message = (
        f"Access not permitted because disk {disk} is currently attached to running VM {vm_id}."
    )
    return errors.conflict(message)


def already_open(disk: str) -> ArmError:
    """Refuse a second access while one is open: inferred."""
    message = f"There is an active shared access signature outstanding for disk {disk}."
    return errors.conflict(f"{message} Call EndGetAccess before granting access again.")


def forbidden_by_network(disk: str, name: str, value: str) -> ArmError:
    """Refuse access that the disk's network settings forbid."""
    message = f"Access to disk {disk} is not allowed because its {name} is '{value}'."
    return errors.operation_not_allowed(message, name)


def confidential(disk: str, security_type: str) -> ArmError:
    """Refuse the disk of a confidential VM: inferred, Azure may serve some of them."""
    message = (
        f"Access to disk {disk} is not allowed because its security type is '{security_type}'."
    )
    return errors.operation_not_allowed(message, "securityProfile")


def bad_duration(seconds: int) -> ArmError:
    """Refuse a duration of zero, or of more than sixty days."""
    message = (
        f"The value '{seconds}' of parameter durationInSeconds is not allowed. Allowed values are "
        f"between 1 and {LONGEST_SECONDS}."
    )
    return errors.invalid_parameter(message, "durationInSeconds")


def bad_access(given: str) -> ArmError:
    """Refuse an unknown access level."""
    message = (
        f"The value '{given}' of parameter access is not allowed. Allowed values are Read, Write."
    )
    return errors.invalid_parameter(message, "access")


def no_guest_state() -> ArmError:
    """Refuse to serve the guest state of a disk that has none."""
    message = "GetSecureVMGuestStateSAS can be set only for disk with SecurityProfile."
    return errors.bad_request(message)
