"""Azure's refusals to make a managed disk or a snapshot, or to change one.

The words of the first three are recorded, with status and code; the rest is inferred, except that
the words on size are recorded of an operation that failed.
"""

from simulator.arm.core import errors
from simulator.arm.core.errors import ArmError


def source_not_found(name: str) -> ArmError:
    """Refuse to copy what is not in this region: recorded of a snapshot's disk in another one."""
    return ArmError(404, "NotFound", f"Resource {name} is not found.")


def security_not_for_copies(security_type: str) -> ArmError:
    """Refuse a security type for a copy, which has that of its source."""
    return errors.bad_request(
        f"Security Type '{security_type}' is not supported for CreateOption 'Copy'. Supported "
        "create options are FromImage, Import, ImportSecure, UploadPreparedSecure."
    )


def creation_is_fixed() -> ArmError:
    """Refuse another source for a disk that there is."""
    return errors.property_change_not_allowed("creationData")


def no_smaller() -> ArmError:
    """Refuse a disk smaller than what it is made of."""
    message = "Disks or snapshot cannot be resized down."
    return errors.invalid_parameter(message, "diskSizeGB")


def nothing_uploaded(disk: str) -> ArmError:
    """Refuse to use a disk that waits for its contents."""
    message = f"Disk {disk} is in the state 'ReadyToUpload'. Upload its contents first."
    return errors.operation_not_allowed(message)


def no_such_disk_in_image() -> ArmError:
    """Refuse a disk of a version that has none at that lun: the words are documented."""
    message = "The value of parameter imageReference is invalid."
    return errors.invalid_parameter(message, "imageReference")


def version_not_here(version: str, region: str) -> ArmError:
    """Refuse a version where it is not replicated to: the words are documented."""
    message = (
        f"The gallery image {version} is not available in {region} region. Please contact image "
        "owner to replicate to this region, or change your requested region."
    )
    return ArmError(404, "GalleryImageNotFound", message)
