"""Azure's refusals to make an image or a gallery version, and to part with a gallery."""

from simulator.arm.core import errors
from simulator.arm.core.errors import ArmError


def vm_not_generalized(vm: str) -> ArmError:
    """Refuse a managed image of a VM that was never marked."""
    message = f"The operation 'Create Image' requires the Virtual Machine '{vm}' to be Generalized."
    return errors.operation_not_allowed(message)


def not_for_trusted_launch(security_type: str) -> ArmError:
    """Refuse a managed image of a Trusted Launch or confidential VM."""
    return errors.operation_not_allowed(
        "Creation of managed images are not supported for virtual machine with "
        f"{security_type} security type."
    )


def wrong_generation(source: str, has: str, definition: str) -> ArmError:
    """Refuse a version whose source is of another generation than the definition."""
    return errors.conflict(
        f"The resource with id '{source}' has a different Hypervisor generation ['{has}'] than "
        f"the parent gallery image Hypervisor generation ['{definition}']."
    )


def wrong_os(source: str, what: str, has: str, definition: str) -> ArmError:
    """Refuse a version whose source differs in OS type, OS state, architecture or plan."""
    return errors.bad_request(
        f"The resource with id '{source}' has a different {what} ['{has}'] than the parent "
        f"gallery image {what} ['{definition}']."
    )


def not_for_supported(source: str) -> ArmError:
    """Refuse a VM as the source of a version in a `TrustedLaunchSupported` definition."""
    return errors.invalid_parameter(
        f"The security type 'TrustedLaunchSupported' is not supported for the source id '{source}'."
        " Currently only Vhd Blob, User Image and Gallery Image Version sources are supported for "
        "'TrustedLaunchSupported' images.",
        "securityType",
    )


def wrong_security_type(source: str, has: str, definition: str) -> ArmError:
    """Refuse a version whose source has another security type than the definition."""
    return errors.invalid_parameter(
        f"The security type '{has}' of the source id '{source}' does not match the security type "
        f"'{definition}' of the parent gallery image.",
        "securityType",
    )


def wrong_version_name(name: str) -> ArmError:
    """Refuse a version's name that is not three int32 without leading zeros."""
    return errors.invalid_parameter(
        f"The entity name '{name}' is invalid according to its validation rule: "
        r"^(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)$, each part at most 2147483647.",
        "galleryImageVersion.name",
    )


def region_missing(region: str) -> ArmError:
    """Refuse target regions without the version's own."""
    return errors.invalid_parameter(
        f"The target regions must include the location '{region}' of the gallery image version.",
        "publishingProfile.targetRegions",
    )


def version_failed(name: str) -> ArmError:
    """Refuse to write a version that failed: it stays and blocks its number."""
    return errors.conflict(
        f"The gallery image version '{name}' is in the provisioning state 'Failed'. Delete it "
        "before it can be created again."
    )


def still_has_children(kind: str, name: str, children: str) -> ArmError:
    """Refuse to delete a gallery or definition that is not empty."""
    message = f"Cannot delete resource '{kind}/{name}' while nested {children} exist in it."
    return ArmError(409, "CannotDeleteResource", message)
