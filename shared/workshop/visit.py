"""One look at an image's boot test: reads the test VM, takes the step that the rules give.

Called with an image, by the spine when it visits the source VM or the test VM. The verdict is
written before the VM is deleted; if the process ends in between, the VM's next visit deletes it.
Raises `Transient`, `Refused` and, in a dry run, `Withheld`.
"""

import logging
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from shared.model.cloud import Cloud
from shared.model.errors import Refused
from shared.model.facts import Boot, ObservedImage, Provisioning, TrialVm
from shared.model.ids import VersionRef, VmRef
from shared.model.instants import write_instant
from shared.model.settings import Name
from shared.model.tags import SourceTag
from shared.workshop.boot import (
    Judged,
    Start,
    Wait,
    boot_step,
    pause_ends,
    promotes,
    tags_of,
    trial_ref,
)

OURS = "stillframe-"

log = logging.getLogger(__name__)


def visit_trial(
    cloud: Cloud,
    image: ObservedImage,
    now: datetime,
    *,
    tags: Mapping[str, str] | None = None,
    vm: TrialVm | None = None,
) -> tuple[ObservedImage, str]:
    """Go on with the boot test of an image; return the image as it is now, and why it waits.

    That is empty if the test goes on as usual. `tags` are those of the source VM, which a new test
    VM gets as far as they are not Stillframe's; `vm` is the test VM, if it was read already.
    """
    if not cloud.settings.workshop:
        return image, f"this app has no workshop, set {Name.WORKSHOP}"
    ends = pause_ends(image)
    if ends and now < ends:
        return image, f"it is tested again after {write_instant(ends)}: {_last(image)}"
    ref = trial_ref(image, cloud.settings.workshop)
    if ref is None:
        return image, "its source VM is not known"
    match boot_step(image, vm or cloud.trial_vm(ref), now):
        case Start():
            return _start(cloud, image, ref, now, tags or {})
        case Wait():
            return image, ""
        case Judged() as judged:
            return _conclude(cloud, image, ref, judged, now)


def _start(
    cloud: Cloud, image: ObservedImage, ref: VmRef, now: datetime, tags: Mapping[str, str]
) -> tuple[ObservedImage, str]:
    carried = {name: value for name, value in tags.items() if not name.startswith(OURS)}
    try:
        cloud.start_trial(image, ref, carried)
    except Refused as refused:
        why = f"Azure refused the test VM: {refused.code}: {refused.message}"
        return _keep(cloud, image, Judged(Boot.CANNOT_TELL, why), "", now)
    return image, ""


def _conclude(
    cloud: Cloud, image: ObservedImage, ref: VmRef, judged: Judged, now: datetime
) -> tuple[ObservedImage, str]:
    label = image.ref.label.replace("/", "-")
    picture = cloud.keep_picture(ref, f"{label}-{ref.name.rpartition('-')[2]}")
    kept = _keep(cloud, image, judged, picture, now)
    cloud.delete(ref)
    return kept


def _keep(
    cloud: Cloud, image: ObservedImage, judged: Judged, picture: str, now: datetime
) -> tuple[ObservedImage, str]:
    """Write the result of an attempt on the image; a version that booted counts for `latest`."""
    tags = tags_of(image, judged, picture, now)
    kept = replace(image, tags={**image.tags, **tags})
    log.info("boot test of %s: %s: %s", image.ref.id, judged.boot, judged.why)
    if isinstance(image.ref, VersionRef) and promotes(image, judged):
        cloud.promote(image, tags)
        return replace(kept, provisioning=Provisioning.UPDATING), judged.why
    cloud.tag_image(image.ref, tags)
    return kept, judged.why


def _last(image: ObservedImage) -> str:
    return image.tags.get(SourceTag.BOOT_DETAIL, "")
