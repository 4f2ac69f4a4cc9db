"""Visits of what is in the workshop: test VMs, and the copied VMs of orders that keep their VM.

A test VM goes on with its image's boot test. A copied VM is prepared, captured by a visit like any
other, and when its order has ended, the VM that it is a copy of is visited and told. What no order
needs is deleted. Raises `Transient` if a retry may succeed.
"""

import logging
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from shared.ending import tell_of_image, visit_source
from shared.model.cloud import Cloud
from shared.model.errors import Transient, Withheld
from shared.model.facts import (
    Look,
    Missing,
    ObservedImage,
    ObservedVm,
    Provisioning,
)
from shared.model.ids import VmRef, find_image
from shared.model.instants import write_instant
from shared.model.tags import CloneTag, Tag, Words
from shared.visit import Report, Visit
from shared.workshop.boot import PREFIX as TRIALS
from shared.workshop.boot import is_due, trial_ref
from shared.workshop.clone import PREFIX as CLONES
from shared.workshop.clone import PowerOff, Prepare, clone_step, has_ended, is_needed, kept_vm
from shared.workshop.visit import visit_trial

log = logging.getLogger(__name__)


def reconcile_temporary(
    cloud: Cloud, ref: VmRef, now: datetime, *, stopping: datetime | None = None
) -> Report:
    """Visit a VM in the workshop: a test VM, or a copied VM; others are left alone."""
    if ref.name.startswith(TRIALS):
        return reconcile_trial(cloud, ref, now)
    if ref.name.startswith(CLONES):
        return reconcile_clone(cloud, ref, now, stopping=stopping)
    return Report(vm=ref, seen="not ours")


def reconcile_clone(
    cloud: Cloud,
    ref: VmRef,
    now: datetime,
    *,
    stopping: datetime | None = None,
    images: Mapping[str, ObservedImage] | None = None,
) -> Report:
    """Visit a copied VM: prepare it, capture it, tell the VM that it is a copy of, delete it.

    Its own order publishes nothing: the outcome is that of the VM which is kept.
    """
    look = cloud.look(ref)
    if isinstance(look, Missing):
        return Report(vm=ref, seen=look.value)
    source = kept_vm(ref, look.vm.tags)
    kept = cloud.look(source) if source else Missing.GONE
    if source is None or (isinstance(kept, Look) and not is_needed(kept, look.vm)):
        return _discard(cloud, look.vm)
    report, clone = _advance(cloud, replace(look, images=images or {}), now, stopping)
    if not has_ended(clone, now) and clone.provisioning is not Provisioning.FAILED:
        if report.again:
            raise Transient(report.again)
        return report
    if isinstance(kept, Look):
        visit = Visit(cloud, kept, now)
        visit.run()
        if is_needed(visit.look, clone):
            return report
    elif kept is Missing.GONE:
        _tell_of_clone(cloud, clone, source, now)
    return _discard(cloud, clone)


def _advance(
    cloud: Cloud, look: Look, now: datetime, stopping: datetime | None
) -> tuple[Report, ObservedVm]:
    """Take a copied VM's next step; return the report, and the VM as it is then."""
    vm = look.vm
    try:
        match clone_step(vm, now):
            case Prepare():
                cloud.prepare(vm)
                note = Words({CloneTag.PREPARED.value: write_instant(now)})
                vm = cloud.write(vm, note)
                return Report(vm=vm.ref, seen=vm.power.value, steps=("prepare",)), vm
            case PowerOff():
                cloud.deallocate(vm.ref)
                return Report(vm=vm.ref, seen=vm.power.value, steps=("deallocate",)), vm
    except Withheld as withheld:
        log.info("dry run: would %s", withheld)
        return Report(vm=vm.ref, seen=vm.power.value), vm
    visit = Visit(cloud, look, now, stopping)
    return visit.run(), visit.look.vm


def _tell_of_clone(cloud: Cloud, clone: ObservedVm, source: VmRef, now: datetime) -> None:
    """Report the image of a copied VM whose own VM was deleted meanwhile."""
    image = find_image(f"{clone.tags.get(Tag.IMAGE_GROUP, '')}{_image_path(clone)}")
    made = cloud.image(image) if image else Missing.GONE
    if isinstance(made, ObservedImage):
        tell_of_image(cloud, made, source, now)


def _image_path(clone: ObservedVm) -> str:
    """Return the end of the id of the image that a copied VM's tags name."""
    parts = clone.tags.get(Tag.IMAGE, "").split("/")
    compute = "/providers/Microsoft.Compute"
    if len(parts) == 1:
        return f"{compute}/images/{parts[0]}"
    gallery, definition, version = (*parts, "", "")[:3]
    return f"{compute}/galleries/{gallery}/images/{definition}/versions/{version}"


def _discard(cloud: Cloud, clone: ObservedVm) -> Report:
    """Delete a copied VM that no order needs any more."""
    report = Report(vm=clone.ref, seen=clone.power.value)
    if clone.provisioning is Provisioning.DELETING:
        return report
    try:
        cloud.discard(clone)
    except Withheld as withheld:
        log.info("dry run: would %s", withheld)
        return report
    return replace(report, steps=("delete",))


def reconcile_trial(cloud: Cloud, ref: VmRef, now: datetime) -> Report:
    """Visit a test VM: go on with its image's boot test, or delete it if no image needs it."""
    vm = cloud.trial_vm(ref)
    if isinstance(vm, Missing):
        return Report(vm=ref, seen=vm.value)
    report = Report(vm=ref, seen=vm.provisioning.value)
    image = cloud.image(vm.image) if vm.image else Missing.GONE
    if image is Missing.DENIED or vm.provisioning is Provisioning.DELETING:
        return report
    try:
        if not isinstance(image, ObservedImage) or not _needs(image, ref, cloud):
            cloud.delete(ref)
            return replace(report, steps=("delete",))
        tested, _ = visit_trial(cloud, image, now, vm=vm)
    except Withheld as withheld:
        log.info("dry run: would %s", withheld)
        return report
    if tested is image:
        return report
    if tested.provisioning is not Provisioning.UPDATING:  # else its own event tells the end
        _tell(cloud, tested, now)
    return replace(report, steps=(str(tested.boot),))


def _tell(cloud: Cloud, tested: ObservedImage, now: datetime) -> None:
    """Visit the VM, or copied VM, that a tested image was made from."""
    if tested.source and cloud.settings.in_workshop(tested.source):
        reconcile_clone(cloud, tested.source, now, images={tested.ref.key: tested})
    else:
        visit_source(cloud, tested, now)


def _needs(image: ObservedImage, ref: VmRef, cloud: Cloud) -> bool:
    """Whether a test VM is that of an image's current attempt."""
    current = trial_ref(image, cloud.settings.workshop)
    return is_due(image) and current is not None and current.key == ref.key
