"""The images that orders led to, by the lists of where they go: targets -> what stands there.

An image's own event tells of its end. Where that is lost and its VM is gone nothing else would, so
the sweep lists, once an hour, the managed images and gallery versions of the groups that images go
to, and of the definitions that are ordered for.
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
    """Return every image and version there, whoever made it, as far as they may be listed."""
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
        definitions |= {one.scope.lower(): one for one in _definitions(arm, group)}
    return [
        *(image for group in groups.values() for image in _managed(arm, group)),
        *(image for one in definitions.values() for image in _versions(arm, one)),
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
    """Return a list of Azure's, empty where it may not be had: a sweep goes on without it."""
    try:
        return list(ask())
    except StillframeError as error:
        log.info("images in %s not listed: %s", where, error)
        return []
