"""Azure's errors for creating an image or a gallery image version, and for deleting a gallery."""

import json
from collections.abc import Iterable

from simulator.arm.core import errors
from simulator.arm.core.errors import ArmError, Json

_NAMED_CHILDREN = 5


def vm_not_generalized(vm: str) -> ArmError:
    """Refuse a managed image of a VM that is not marked generalized."""
    message = f"The operation 'Create Image' requires the Virtual Machine '{vm}' to be Generalized."
    return errors.operation_not_allowed(message)


def not_for_trusted_launch(security_type: str) -> ArmError:
    """Refuse a managed image of a Trusted Launch or confidential VM."""
    return errors.operation_not_allowed(
        "Creation of managed images are not supported for virtual machine with "
        f"{security_type} security type."
    )


def generation_not_the_sources(has: str) -> ArmError:
    """Refuse a managed image of another generation than its source: inferred."""
    message = (
        f"The source is of Hypervisor Generation '{has}'. The parameter 'hyperVGeneration' must "
        "be the same."
    )
    return errors.invalid_parameter(message, "hyperVGeneration")


def wrong_generation(source: str, has: str, definition: str) -> ArmError:
    """Refuse a version whose source is of another generation than the definition."""
    return errors.conflict(
        f"The resource with id '{source}' has a different Hypervisor generation ['{has}'] than "
        f"the parent gallery image Hypervisor generation ['{definition}']."
    )


def wrong_os(source: str, what: str, has: str, definition: str) -> ArmError:
    """Refuse a version whose source differs in architecture, controller or network support.

    Inferred from the messages for the generation and the plan, which are documented.
    """
    return errors.bad_request(
        f"The resource with id '{source}' has a different {what} ['{has}'] than the parent "
        f"gallery image {what} ['{definition}']."
    )


def wrong_os_type(source: str, has: str, definition: str) -> ArmError:
    """Refuse a version whose source has another OS type: documented, including its odd wording."""
    return errors.bad_request(
        f"The resource with id '{source}' has a different OS type ['{has}'] than the parent "
        f"gallery image OS type generation ['{definition}']"
    )


def wrong_os_state(source: str, has: str, definition: str) -> ArmError:
    """Refuse a version of a specialized source in a generalized definition, and the reverse."""
    return errors.bad_request(
        f"Cannot create Gallery Image Version from: {source} since the OS State in the parent "
        f"gallery image ('{definition}') is not '{has}'."
    )


def wrong_plan(source: str, has: Json | None, definition: Json | None) -> ArmError:
    """Refuse a version whose source has another purchase plan than the definition."""
    told = [json.dumps(plan, separators=(",", ":")) for plan in (has, definition)]
    return errors.bad_request(
        f"The resource with id '{source}' has a different plan ['{told[0]}'] than the parent "
        f"gallery image plan ['{told[1]}']."
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
        f"The image version name '{name}' is invalid. The image version name should follow "
        "Major(int).Minor(int).Patch(int) format, for e.g: 1.0.0, 2018.12.1 etc.",
        "galleryImageVersion.name",
    )


def region_missing(regions: Iterable[str], own: str) -> ArmError:
    """Refuse target regions without the version's own: the message is documented."""
    return errors.invalid_parameter(
        f"Gallery image version publishing profile regions {', '.join(regions)} must contain the "
        f"location of image version {own}",
        "publishingProfile.targetRegions",
    )


def version_failed(name: str) -> ArmError:
    """Refuse to write a failed version: it stays and blocks its number."""
    return errors.conflict(
        f"The gallery image version '{name}' is in the provisioning state 'Failed'. Delete it "
        "before it can be created again."
    )


def still_has_children(nested: Iterable[str]) -> ArmError:
    """Refuse to delete a gallery or definition that is not empty, naming its contents: recorded.

    That the ids start at the provider's name is recorded; how many are named is not.
    """
    tails = [f"Microsoft.Compute/{found.partition('/Microsoft.Compute/')[2]}" for found in nested]
    message = (
        "Cannot delete resource while nested resources exist. Some existing nested resource IDs "
        f"include: '{', '.join(tails[:_NAMED_CHILDREN])}'. Please delete all nested resources "
        "before deleting this resource."
    )
    return ArmError(409, "CannotDeleteResource", message)


def identifier_taken(name: str, identifier: Json) -> ArmError:
    """Refuse a second definition of one publisher, offer and sku: the message is documented."""
    named = ", ".join(f"{part}:{identifier[part]}" for part in ("publisher", "offer", "sku"))
    return errors.conflict(
        f"Gallery image: {name} identified by ({named}) already exists. Choose a different "
        "publisher, offer, sku combination."
    )


def deletion_blocked(version: str, until: str | None) -> ArmError:
    """Refuse to delete a version before its end of life date: the code is documented."""
    message = (
        f"The gallery image version '{version}' cannot be deleted before its end of life date "
        f"'{until}', because blockDeletionBeforeEndOfLife is true."
    )
    return ArmError(409, "DeleteGalleryImageVersionBlockedBeforeEndOfLife", message)


def end_of_life_is_past() -> ArmError:
    """Refuse an end of life date in the past: the message is documented."""
    message = "EndOfLifeDate must be set to a future date."
    return errors.invalid_parameter(message, "publishingProfile.endOfLifeDate")


def no_date(value: str, at: str) -> ArmError:
    """Refuse an invalid date: the message is documented."""
    return errors.bad_request(f"Could not convert string to DateTimeOffset: {value}. Path '{at}'.")


def region_is_kept(regions: Iterable[str]) -> ArmError:
    """Refuse to remove regions from a version: inferred from the meaning of the member."""
    message = (
        f"The replicated regions '{', '.join(regions)}' cannot be removed, because "
        "allowDeletionOfReplicatedLocations is false."
    )
    return errors.operation_not_allowed(message, "publishingProfile.targetRegions")


def source_not_here(source: str) -> ArmError:
    """Refuse a source that is missing or in another region: the message is documented."""
    message = (
        f"Source {source} is not found. Please check source exists, and is in the same region as "
        "gallery image version being created."
    )
    return ArmError(404, "NotFound", message)


def one_source_only() -> ArmError:
    """Refuse a version with no source or several kinds of sources: the message is documented."""
    return errors.invalid_parameter(
        "The gallery artifact version source can only be specified either directly under "
        "storageProfile or within individual OS or data disks. One and only one source type (user "
        "image, snapshot, disk, virtual machine) can be provided.",
        "galleryImageVersion.properties.storageProfile.source",
    )


def no_disk(source: str) -> ArmError:
    """Refuse a source id that is not a disk's: the message is documented."""
    message = f"The source id: {source} must be a managed disk or snapshot."
    return errors.invalid_parameter(message, "storageProfile")


def source_unfinished(source: str, state: str) -> ArmError:
    """Refuse a source that is not Succeeded: inferred."""
    return errors.conflict(f"The source '{source}' is in the provisioning state '{state}'.")


def twice(what: str) -> ArmError:
    """Refuse a lun, source or region that is given twice: the message is documented."""
    return errors.invalid_parameter(
        {
            "lun": "Duplicated lun numbers have been detected in the input data disks. Lun number "
            "must be unique for each data disk.",
            "source": "Duplicated source ids are found in the input disks. Source id should be "
            "unique for each disk.",
            "region": "Duplicate regions are not allowed in target publishing regions.",
        }[what]
    )
