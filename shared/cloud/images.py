"""The images that were created for orders: targets -> the images and versions in them.

An image's own event reports that it is finished. If the event is lost and the VM is deleted, only a
list shows it. So the sweep lists, once an hour, the managed images and gallery versions in the
resource groups of images, and the versions of the image definitions that orders name.
"""

import logging
from collections.abc import Callable, Iterable
from functools import partial
from typing import assert_never

from shared.cloud.arm import Arm
from shared.cloud.observe import listed_image, listed_version
from shared.model.errors import StillframeError
from shared.model.facts import ObservedImage
from shared.model.ids import GalleryTarget, ManagedImageTarget, Target

log = logging.getLogger(__name__)


def list_images(arm: Arm, targets: Iterable[Target]) -> list[ObservedImage]:
    """Return all images and versions in the targets, as far as the app may list them."""
    groups: dict[str, ManagedImageTarget] = {}
    definitions: dict[str, GalleryTarget] = {}
    for target in targets:
        match target:
            case ManagedImageTarget():
                groups[target.scope.lower()] = target
            case GalleryTarget():
                definitions[target.scope.lower()] = target
            case _:
                assert_never(target)
    for group in groups.values():
        definitions |= {found.scope.lower(): found for found in _definitions(arm, group)}
    return [
        *(image for group in groups.values() for image in _managed(arm, group)),
        *(image for found in definitions.values() for image in _versions(arm, found)),
    ]


def _managed(arm: Arm, group: ManagedImageTarget) -> list[ObservedImage]:
    images = _listed(lambda: arm.managed_images(group), group.scope)
    return [seen for image in images if (seen := listed_image(image))]


def _versions(arm: Arm, definition: GalleryTarget) -> list[ObservedImage]:
    versions = _listed(lambda: arm.versions(definition), definition.scope)
    return [seen for version in versions if (seen := listed_version(version))]


def _definitions(arm: Arm, group: ManagedImageTarget) -> list[GalleryTarget]:
    return [
        GalleryTarget(group.subscription, group.group, gallery, name)
        for gallery in _listed(lambda: arm.galleries(group), group.scope)
        for name in _listed(partial(arm.definitions, group, gallery), f"{group.scope}, {gallery}")
    ]


def _listed[T](ask: Callable[[], Iterable[T]], where: str) -> list[T]:
    """Return a list from Azure, empty if it cannot be read: the sweep continues without it."""
    try:
        return list(ask())
    except StillframeError as error:
        log.info("images in %s not listed: %s", where, error)
        return []
