"""Azure's errors for the state of a VM."""

from simulator.arm.core.errors import (
    ArmError,
    bad_request,
    invalid_parameter,
    operation_not_allowed,
)


def vm_is_running(vm: str) -> ArmError:
    """Refuse to generalize a VM whose power state is still running."""
    message = f"Please power off the Virtual Machine '{vm}' before setting it to Generalized."
    return operation_not_allowed(message)


def vm_is_generalized(operation: str, vm: str) -> ArmError:
    """Refuse an act that a generalized VM can never do again."""
    message = f"Operation '{operation}' is not allowed on VM '{vm}' since the VM is generalized."
    return operation_not_allowed(message)


def no_tags_on_generalized(vm: str) -> ArmError:
    """Refuse tag writes on a generalized VM, for every caller.

    The code is documented (azure-docs#33508, "by design"); status and wording are inferred.
    """
    message = (
        f"The operation 'Update Tags' is not allowed on VM '{vm}' since the VM is generalized. "
        "Generalized VMs don't support tags."
    )
    return ArmError(409, "OperationNotAllowedOnGeneralizedVM", message)


def vm_is_deallocated(operation: str, vm: str) -> ArmError:
    """Refuse an act that needs an allocated VM."""
    message = (
        f"Operation '{operation}' is not allowed on VM '{vm}' since the VM is either not "
        "provisioned or deallocated."
    )
    return operation_not_allowed(message)


def marked_for_deletion(operation: str, vm: str) -> ArmError:
    """Refuse any act on a VM that is being deleted."""
    message = (
        f"Operation '{operation}' is not allowed on VM '{vm}' since the VM is marked for "
        "deletion. You can only retry the Delete operation (or wait for an ongoing one to "
        "complete)."
    )
    return operation_not_allowed(message)


def billing_is_fixed(vm: str) -> ArmError:
    """Refuse to change the maximum price while a VM is allocated."""
    more = "For more information, see https://aka.ms/low-priority/errormessages."
    detail = {
        "code": "OperationNotAllowed",
        "message": f"Billing Profile change is not allowed when the VM '{vm}' is currently "
        f"allocated. Please deallocate and try again. {more}",
        "target": vm,
    }
    message = f"Billing Profile change is not allowed. {more}"
    return ArmError(409, "OperationNotAllowed", message, details=[detail])


def disk_is_ephemeral(operation: str) -> ArmError:
    """Refuse to deallocate a VM with an ephemeral OS disk."""
    message = (
        f"Operation '{operation}' is not supported for VMs or VM Scale Set instances using an "
        "ephemeral OS disk."
    )
    return operation_not_allowed(message)


def disk_access_open(disk: str, before: str) -> ArmError:
    """Refuse to start, attach or delete while a disk's shared access signature is outstanding.

    The first sentence is documented for a start; the second, the status and code are inferred.
    """
    message = f"There is an active shared access signature outstanding for disk {disk}."
    return operation_not_allowed(f"{message} Call EndGetAccess before {before}.")


def unknown_with_open_access(what: str, disk: str) -> ArmError:
    """Refuse what Azure's behaviour is not known for, so that a client that tries it is noticed."""
    message = (
        f"Not simulated: {what} while access to disk {disk} is open. What Azure does then is not "
        "known. Call EndGetAccess first."
    )
    return ArmError(409, "NotSimulated", message)


def image_not_ready(vm: str, image: str) -> ArmError:
    """Refuse a VM from a managed image that is not Succeeded."""
    name, source = vm.rsplit("/", 1)[1], image.rsplit("/", 1)[1]
    message = (
        f"The resource {name} cannot be created from Image {source} until Image has been "
        "successfully created."
    )
    return operation_not_allowed(message)


def version_not_here(version: str, region: str) -> ArmError:
    """Refuse a VM from a version that has no replica in its region."""
    message = (
        f"The gallery image {version} is not available in {region} region. Please contact image "
        "owner to replicate to this region, or change your requested region."
    )
    return invalid_parameter(message, "imageReference")


def only_secured(security_type: str) -> ArmError:
    """Refuse a VM of another security type than its gallery image requires; recorded text."""
    message = (
        "The provided gallery image only supports creation of VMs and VM Scale Sets with "
        f"'{security_type}' security type."
    )
    return bad_request(message)


def plan_missing(vm: str) -> ArmError:
    """Refuse a VM without the purchase plan of its image."""
    message = (
        "Creating a virtual machine from Marketplace image or a custom image sourced from a "
        f"Marketplace image requires Plan information in the request. VM: '{vm}'."
    )
    return ArmError(400, "VMMarketplaceInvalidInput", message)


def plan_differs() -> ArmError:
    """Refuse a VM with another purchase plan than that of its image."""
    message = "The purchase information does not match."
    return ArmError(400, "VMMarketplaceInvalidInput", message)


def computer_name_too_long() -> ArmError:
    """Refuse the host name of a Windows VM."""
    message = (
        "Windows computer name cannot be more than 15 characters long, be entirely numeric, or "
        "contain the following characters: ` ~ ! @ # $ % ^ & * ( ) = + _ [ ] { } \\ | ; : . ' \" "
        ", < > / ?."
    )
    return invalid_parameter(message, "computerName")


def not_running() -> ArmError:
    """Refuse what needs an allocated VM."""
    return operation_not_allowed("The operation requires the VM to be running (or set to run).")


def parameter_not_allowed(name: str) -> ArmError:
    """Refuse a parameter that a VM of this kind cannot have; recorded for osProfile."""
    return invalid_parameter(f"Parameter '{name}' is not allowed.", name)


def security_of_disk_differs() -> ArmError:
    """Refuse a VM of another security type than the OS disk that it attaches; recorded text."""
    message = "Security type of VM is not compatible with the security type of attached OS Disk."
    return bad_request(message)


def extensions_need_a_running_vm() -> ArmError:
    """Refuse a run command on a VM that does not run."""
    return operation_not_allowed("Cannot modify extensions in the VM when the VM is not running.")
