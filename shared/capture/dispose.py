"""The rules of disposal: a captured VM is deleted, if its order says so and nothing speaks against.

Pure. Takes a `Look` at a VM whose image is told as captured. What cannot be undone comes last: the
image is read once more, and locks, shared disks and open disks keep the VM.
"""

from datetime import datetime

from shared.capture.targets import made_from
from shared.model.facts import Boot, Look, Missing, ObservedDisk, ObservedImage, Provisioning
from shared.model.ids import ImageRef
from shared.model.steps import (
    Decision,
    Dispose,
    ReadDataDisks,
    ReadDisk,
    ReadImage,
    ReadLocks,
    Rest,
    Say,
)
from shared.model.tags import Status, Tag


def disposal(look: Look, ref: ImageRef, as_of: datetime | None) -> Decision:
    """Return the disposal's next step, or the fact that it needs; `ref` is the captured image."""
    vm = look.vm
    if not vm.provisioning.settled:
        return Rest()
    if ref.key not in look.images:
        return ReadImage(ref)
    image = look.images[ref.key]
    if look.disk is None:
        return ReadDisk()
    if look.data_disks is None and vm.data_disks:
        return ReadDataDisks()
    if look.locked is None:
        return ReadLocks()
    why = _kept(look, image)
    detail = vm.tags.get(Tag.DETAIL, "").partition(_NOT)[0]
    made = image if isinstance(image, ObservedImage) else None
    shown = f"{detail}{_NOT}{why}" if why else detail
    say = Say(status=Status.CAPTURED, detail=shown, image=ref.label, as_of=as_of, of=made)
    return Rest(say) if why else Dispose(say)


def _kept(look: Look, image: ObservedImage | Missing) -> str | None:
    """Return why a captured VM is not deleted."""
    if not isinstance(image, ObservedImage) or not made_from(image, look.vm):
        return "its image cannot be found"
    if image.provisioning is not Provisioning.SUCCEEDED or image.boot not in (None, Boot.BOOTED):
        return "its image is not ready"
    disks = (look.disk, *(look.data_disks or ()))
    if not all(isinstance(disk, ObservedDisk) for disk in disks):
        return "one of its disks cannot be read"
    known = [disk for disk in disks if isinstance(disk, ObservedDisk)]
    if any(disk.access_open for disk in known):
        return "one of its disks has an active SAS, perhaps of a backup"
    if any(disk.shared for disk in known):
        return "one of its disks is shared with other VMs"
    return "a management lock covers it" if look.locked else None


_NOT = "; not deleted: "
