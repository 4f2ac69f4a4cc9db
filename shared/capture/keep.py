"""The rules of an order that keeps its VM: what was read -> the next step of its copy.

Pure. Nothing is done to the VM but its tags are written. The first matching rule wins:

| the order                                       | next step                        | status     |
|-------------------------------------------------|----------------------------------|------------|
| captured as it asks                             | none                             | captured   |
| ended without an image                          | none, until it is given again    | unchanged  |
| its copy has ended                              | none                             | the copy's |
| its copy could not be created                   | none                             | refused    |
| its copy takes longer than three hours          | none                             | failed     |
| its copied VM is there                          | none                             | capturing  |
| its disks are copied                            | create the copied VM             | capturing  |
| its snapshot or restore point is taken          | copy the disks                   | capturing  |
| its copy is in progress                         | none                             | capturing  |
| an Azure operation on the VM is in progress     | none, visit again                | unchanged  |
| a check of preflight fails                      | none                             | refused    |
| its OS disk has an active SAS                   | none, visit again                | waiting    |
| deallocated                                     | copy the disks                   | capturing  |
| not deallocated, only its OS disk is wanted     | take a snapshot                  | capturing  |
| not deallocated                                 | take a restore point             | capturing  |
"""

from datetime import datetime

from shared.capture.preflight import preflight
from shared.capture.targets import fits, speaks_of
from shared.model.facts import (
    Clone,
    Look,
    Missing,
    ObservedDisk,
    ObservedImage,
    ObservedVm,
    PowerState,
    Provisioning,
    Refusal,
    Way,
)
from shared.model.ids import GalleryTarget, ImageRef, ManagedImageRef, VmRef
from shared.model.instants import read_instant
from shared.model.settings import Settings
from shared.model.steps import (
    Assemble,
    Copy,
    Decision,
    Order,
    ReadClone,
    ReadDataDisks,
    ReadDisk,
    ReadImage,
    Rest,
    Say,
    Take,
)
from shared.model.tags import Status, Tag
from shared.workshop.clone import LASTS, clone_ref

OF_ITS_COPY = "its copy: "
"""How the detail of an order begins that ended in the VM's copy, not in the VM."""

_COPYING = "a copy of it is being captured; the VM is left as it is"
_OPEN = "its OS disk has an active SAS, perhaps of a backup; the copy is made when it ends"
_BUSY = (Provisioning.CREATING, Provisioning.UPDATING)


def kept(look: Look, order: Order, settings: Settings, now: datetime) -> Decision:
    """Apply the rules to an order that keeps its VM."""
    vm, status = look.vm, look.vm.tags.get(Tag.STATUS)
    begun = read_instant(vm.tags.get(Tag.AS_OF))
    if status == Status.CAPTURED and fits(vm.tags, order):
        return _told(look, order, begun)
    ended = status in (Status.NOT_GENERALIZED, Status.FAILED)
    if ended and (speaks_of(vm.tags, order) or fits(vm.tags, order)):
        return _again(vm, begun) if Tag.UNTOLD in vm.tags else Rest()
    if status == Status.CAPTURING and begun and speaks_of(vm.tags, order):
        return _follow(look, order, begun, clone_ref(vm, begun, settings.workshop), now)
    return _begin(look, order, settings, now)


def _told(look: Look, order: Order, as_of: datetime | None) -> Decision:
    """Publish `captured` again if the topic has not accepted it."""
    tags = look.vm.tags
    if Tag.UNTOLD not in tags:
        return Rest()
    image = image_of(tags[Tag.IMAGE], order)
    if image.key not in look.images:
        return ReadImage(image)
    return Rest(_captured(look, order, tags[Tag.IMAGE], tags.get(Tag.DETAIL, ""), as_of))


def _again(vm: ObservedVm, as_of: datetime | None) -> Rest:
    """Publish an end without an image again, if the topic has not accepted it."""
    tags = vm.tags
    status, detail, image = tags[Tag.STATUS], tags.get(Tag.DETAIL, ""), tags.get(Tag.IMAGE, "")
    return Rest(Say(status=Status(status), detail=detail, image=image, as_of=as_of))


def _begin(look: Look, order: Order, settings: Settings, now: datetime) -> Decision:
    vm = look.vm
    if not vm.provisioning.settled or not vm.power.settled:
        return Rest(again=None)
    if finding := preflight(look, order, settings.proof):
        if not isinstance(finding, Refusal):
            return finding
        return Rest(Say(status=Status.REFUSED, detail=finding.why, image=order.label))
    assert isinstance(look.disk, ObservedDisk)  # noqa: S101 preflight has read it
    if look.disk.access_open:
        return Rest(Say(status=Status.WAITING, detail=_OPEN, image=order.label), again=_OPEN)
    if vm.power is PowerState.DEALLOCATED and look.data_disks is None and not order.os_only:
        return ReadDataDisks()
    return _first(look, order, now, clone_ref(vm, now, settings.workshop))


def _first(look: Look, order: Order, begun: datetime, ref: VmRef) -> Decision:
    """Return the first step of a copy, by the VM's power state and the disks that are wanted."""
    vm, say = look.vm, _say(order, begun)
    if vm.power is PowerState.DEALLOCATED:
        return Copy(say=say, ref=ref, way=Way.COPY, order=order)
    alone = order.os_only or not vm.data_disks
    return Take(say=say, ref=ref, way=Way.SNAPSHOT if alone else Way.POINT, order=order)


def _follow(look: Look, order: Order, begun: datetime, ref: VmRef, now: datetime) -> Decision:
    """Return what is next in a copy that was begun."""
    if look.clone is None:
        return ReadClone(ref)
    clone = look.clone
    if isinstance(clone.vm, ObservedVm):
        return _of_vm(look, order, clone, clone.vm, begun, now)
    if clone.vm is Missing.DENIED:
        return _ends(order, Status.REFUSED, "the app may not read VMs in the workshop", None)
    if now - begun > LASTS:
        return _ends(order, Status.FAILED, "its copy was not created within three hours", begun)
    return _go_on(look, order, clone, begun, ref)


def _go_on(look: Look, order: Order, clone: Clone, begun: datetime, ref: VmRef) -> Decision:
    """Return what is next in a copy that has no VM yet."""
    if Provisioning.FAILED in (clone.disks, clone.taken):
        return _ends(order, Status.REFUSED, "Azure could not copy its disks", None)
    if clone.disks is Provisioning.SUCCEEDED:
        return _assemble(look, order, begun, ref, clone.way or Way.COPY)
    if clone.disks in _BUSY or clone.taken in _BUSY:
        return Rest(_say(order, begun))
    if look.disk is None:
        return ReadDisk()
    if clone.taken is Provisioning.SUCCEEDED and clone.way:
        return Copy(say=_say(order, begun), ref=ref, way=clone.way, order=order)
    if look.vm.power is PowerState.DEALLOCATED and look.data_disks is None:
        return ReadDataDisks()
    return _first(look, order, begun, ref)


def _assemble(look: Look, order: Order, begun: datetime, ref: VmRef, way: Way) -> Decision:
    if look.disk is None:
        return ReadDisk()
    return Assemble(say=_say(order, begun), ref=ref, way=way, order=order)


def _of_vm(  # noqa: PLR0913, PLR0917 the copy, whose it is, and when
    look: Look, order: Order, clone: Clone, vm: ObservedVm, begun: datetime, now: datetime
) -> Decision:
    """Return the order's state by that of its copied VM."""
    status, detail = vm.tags.get(Tag.STATUS), vm.tags.get(Tag.DETAIL, "")
    label = vm.tags.get(Tag.IMAGE, "")
    if status == Status.CAPTURED:
        image = image_of(label, order)
        if image.key not in look.images:
            return ReadImage(image)
        return Rest(_captured(look, order, label, detail, begun))
    if status in (Status.NOT_GENERALIZED, Status.FAILED, Status.REFUSED):
        return _ends(order, Status(status), f"{OF_ITS_COPY}{detail}", begun)
    if clone.made and clone.made.provisioning is Provisioning.FAILED:
        why = f"Azure could not create its copy: {clone.made.code}: {clone.made.why}"
        return _ends(order, Status.REFUSED, why, None)
    if not vm.generalized and now - begun > LASTS:
        why = f"its copy was not generalized within three hours: {status or vm.power}"
        return _ends(order, Status.FAILED, why, begun)
    return Rest(_say(order, begun))


def _captured(look: Look, order: Order, label: str, detail: str, as_of: datetime | None) -> Say:
    seen = look.images[image_of(label, order).key]
    made = seen if isinstance(seen, ObservedImage) else None
    return Say(status=Status.CAPTURED, detail=detail, image=label, as_of=as_of, of=made)


def image_of(label: str, order: Order) -> ImageRef:
    """Return the image of a label, in the order's target."""
    target = order.target
    if isinstance(target, GalleryTarget):
        return target.version(label.rpartition("/")[2])
    return ManagedImageRef(target.subscription, target.group, label)


def _say(order: Order, begun: datetime) -> Say:
    return Say(status=Status.CAPTURING, detail=_COPYING, image=order.label, as_of=begun)


def _ends(order: Order, status: Status, why: str, as_of: datetime | None) -> Rest:
    return Rest(Say(status=status, detail=why, image=order.label, as_of=as_of))
