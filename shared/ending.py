"""The end of an order as its image shows it.

The VM that the image was made from is visited; if that is gone, the image itself is reported, after
its boot test. Raises `Transient` if a retry may succeed.
"""

import logging
from dataclasses import replace
from datetime import datetime

from shared.capture.targets import later_names, made_from
from shared.capture.tell import (
    image_outcome,
)
from shared.model.cloud import Cloud
from shared.model.errors import Withheld
from shared.model.facts import (
    Look,
    Missing,
    ObservedImage,
    Provisioning,
)
from shared.model.ids import VmRef
from shared.visit import Report, Visit, note_on_image, publish
from shared.workshop.boot import is_due
from shared.workshop.visit import visit_trial

log = logging.getLogger(__name__)


def visit_source(cloud: Cloud, made: ObservedImage, now: datetime) -> Report | None:
    """Visit the VM that an image was made from; if the VM is gone, report the image alone."""
    if made.source is None:
        return None
    look = cloud.look(made.source)
    if look is Missing.DENIED:
        return Report(vm=made.source, seen=look.value)
    if isinstance(look, Look) and made_from(made, look.vm):
        return Visit(cloud, replace(look, images={made.ref.key: made}), now).run()
    _end_image(cloud, made, made.source, now)
    return Report(vm=made.source, seen=Missing.GONE.value)


def _end_image(cloud: Cloud, made: ObservedImage, source: VmRef, now: datetime) -> None:
    """Go on with the boot test of an image whose VM is gone, then report the image."""
    if (
        is_due(made)
        and made.provisioning is Provisioning.SUCCEEDED
        and cloud.settings.owns(made.tags)
    ):
        try:
            made, _ = visit_trial(cloud, made, now)
        except Withheld as withheld:
            log.info("dry run: would %s", withheld)
            return
    tell_of_image(cloud, made, source, now)


def tell_of_image(cloud: Cloud, made: ObservedImage, source: VmRef, now: datetime) -> None:
    """Report an image whose VM is gone or was re-created; of failed attempts only the last."""
    outcome = image_outcome(made, source, now)
    if outcome is None or not cloud.settings.owns(made.tags):
        return
    try:
        if _was_tried_again(cloud, made, source) or publish(cloud, outcome):
            note_on_image(cloud, made, now)
    except Withheld as withheld:
        log.info("dry run: would %s", withheld)


def _was_tried_again(cloud: Cloud, made: ObservedImage, source: VmRef) -> bool:
    """Whether a failed image has a later attempt, which is reported instead."""
    if made.provisioning is not Provisioning.FAILED:
        return False
    return any(isinstance(cloud.image(ref), ObservedImage) for ref in later_names(made, source))
