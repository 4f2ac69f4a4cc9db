"""Azure's errors for creating or changing a managed disk or a snapshot.

The messages of the first three are recorded, with status and code; the rest is inferred, except
that the message on size is recorded for an operation that failed.
"""

from simulator.arm.core import errors
from simulator.arm.core.errors import ArmError


def source_not_found(name: str) -> ArmError:
    """Refuse to copy from another region: recorded for a snapshot of a disk."""
    return ArmError(404, "NotFound", f"Resource {name} is not found.")


def security_not_for_copies(security_type: str) -> ArmError:
    """Refuse a security type for a copy, which inherits that of its source."""
    return errors.bad_request(
        f"Security Type '{security_type}' is not supported for CreateOption 'Copy'. Supported "
        "create options are FromImage, Import, ImportSecure, UploadPreparedSecure."
    )


def creation_is_fixed() -> ArmError:
    """Refuse to change the source of an existing disk."""
    return errors.property_change_not_allowed("creationData")


def no_smaller() -> ArmError:
    """Refuse a disk smaller than its source."""
    message = "Disks or snapshot cannot be resized down."
    return errors.invalid_parameter(message, "diskSizeGB")


def nothing_uploaded(disk: str) -> ArmError:
    """Refuse to use a disk that waits for its upload."""
    message = f"Disk {disk} is in the state 'ReadyToUpload'. Upload its contents first."
    return errors.operation_not_allowed(message)


def no_such_disk_in_image() -> ArmError:
    """Refuse a lun at which the version has no disk: the message is documented."""
    message = "The value of parameter imageReference is invalid."
    return errors.invalid_parameter(message, "imageReference")


def version_not_here(version: str, region: str) -> ArmError:
    """Refuse a version in a region it is not replicated to: the message is documented."""
    message = (
        f"The gallery image {version} is not available in {region} region. Please contact image "
        "owner to replicate to this region, or change your requested region."
    )
    return ArmError(404, "GalleryImageNotFound", message)
