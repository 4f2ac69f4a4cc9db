"""What is visited: the VM or image of an event, the same for the timer.

Takes a reference and the current instant; gives the report of the visit. Everything that wakes the
app comes in here. Raises `Transient` if a retry may succeed.
"""

from dataclasses import replace
from datetime import datetime

from shared.costguard.off import at_event
from shared.ending import visit_source
from shared.model.cloud import Cloud
from shared.model.errors import Transient
from shared.model.facts import (
    Missing,
    ObservedImage,
)
from shared.model.ids import CopyRef, ImageRef, VmRef
from shared.temporary import reconcile_clone, reconcile_temporary
from shared.visit import Report, Visit


def reconcile(
    cloud: Cloud, ref: VmRef, now: datetime, *, stopping: datetime | None = None
) -> Report:
    """Visit a VM; `stopping` is when its stop was announced."""
    if not cloud.settings.watches(ref.subscription):
        return Report(vm=ref, seen="not watched")
    if cloud.settings.in_workshop(ref):
        return reconcile_temporary(cloud, ref, now, stopping=stopping)
    look = cloud.look(ref)
    if isinstance(look, Missing):
        return Report(vm=ref, seen=look.value)
    visit = Visit(cloud, look, now, stopping)
    report = visit.run()
    if not report.steps and not report.again:
        report = _guard(visit, report)
    if report.again:
        raise Transient(report.again)
    return report


def _guard(visit: Visit, report: Report) -> Report:
    """Apply the cost guard's rules for events; return the report with the result."""
    enforced = at_event(visit.cloud, visit.look.vm, visit.now, stops=visit.stops)
    untold = [why for why in (report.untold, enforced.untold) if why]
    return replace(
        report, bill=enforced.what, untold="; ".join(untold) or None, again=enforced.again
    )


def reconcile_image(cloud: Cloud, ref: ImageRef, now: datetime) -> Report | None:
    """Visit the VM that an image was made from; if the VM is gone, report the image alone."""
    made = cloud.image(ref)
    if isinstance(made, Missing) or made.source is None:
        return None
    if not cloud.settings.watches(made.source.subscription):
        return None  # another app's image, in the same resource group as ours
    if cloud.settings.in_workshop(made.source) and (report := _clone_of(cloud, made, now)):
        return report
    return visit_source(cloud, made, now)


def _clone_of(cloud: Cloud, made: ObservedImage, now: datetime) -> Report | None:
    """Visit the copied VM that an image was made from; None if it is gone."""
    assert made.source  # noqa: S101 the caller has checked it
    report = reconcile_clone(cloud, made.source, now, images={made.ref.key: made})
    return None if report.seen == Missing.GONE else report


def reconcile_copy(cloud: Cloud, ref: CopyRef, now: datetime) -> Report | None:
    """Visit the VM that a disk, snapshot or restore point is part of a copy of."""
    if not cloud.settings.watches(ref.subscription):
        return None
    source = cloud.copied_vm(ref)
    return reconcile(cloud, source, now) if source else None
