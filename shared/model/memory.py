"""Where the tags of an order are: on the VM, and after generalize on its OS disk.

Pure. Azure accepts no tags on a generalized VM, but does on its OS disk, which is what is captured,
outlives the VM, and is covered by the app's permission to write tags. So before generalize our tags
are written to the OS disk, and those on the VM are no longer used. Everybody who reads an order
reads what `remembered` gives, and writes where `Memory` says.

The tags on a disk include the name and vmId of their VM, as those on an image do: they do not count
for another VM that the disk is attached to, nor for a VM created again with the old name.
"""

from collections.abc import Mapping
from dataclasses import replace

from shared.model.facts import ObservedDisk, ObservedVm
from shared.model.ids import VmRef
from shared.model.tags import BILLED_TAGS, GUARD_TAGS, ORDER_TAGS, Memory, SourceTag, Tag, Words

PEOPLES_TAGS = (
    *(Tag.CAPTURE, Tag.VERSION, Tag.LATEST, Tag.TEST, Tag.KEEP, Tag.DISKS, Tag.AFTER),
    Tag.COST_GUARD,
)
"""Tags that people set; for a generalized VM they set them on its OS disk."""

ON_VM = (*ORDER_TAGS, *GUARD_TAGS)
"""Tags that Stillframe writes on a VM, or on its OS disk once the VM is generalized."""

FOR_ORDER = (*ORDER_TAGS, *BILLED_TAGS)
FOR_PIN = (*FOR_ORDER, SourceTag.GROUP, SourceTag.VM, SourceTag.VM_ID)
"""Tags that a VM with an order must have room for, and its OS disk."""


def remembered(
    vm: Mapping[str, str], disk: Mapping[str, str] | None, vm_id: str
) -> Mapping[str, str]:
    """Return the effective tags of a generalized VM; lower-case names, `disk` None if not read."""
    if disk is None:
        return vm
    asked = {name.value: disk[name] for name in PEOPLES_TAGS if name in disk}
    if not is_of(disk, vm_id):
        return {**vm, **asked}
    frozen = {name: value for name, value in vm.items() if name not in ON_VM}
    return {**frozen, **{name.value: disk[name] for name in ON_VM if name in disk}, **asked}


def is_of(disk: Mapping[str, str], vm_id: str) -> bool:
    """Whether Stillframe's tags on a disk belong to this VM."""
    return bool(vm_id) and disk.get(SourceTag.VM_ID, "").lower() == vm_id.lower()


def memory_of(
    ref: VmRef, vm_id: str, disk_id: str, vm: Mapping[str, str], disk: Mapping[str, str] | None
) -> Memory:
    """Return where a generalized VM's tags are written: on its OS disk."""
    if disk is not None and is_of(disk, vm_id):
        return Memory(disk_id)
    first = {**signature(ref, vm_id), **kept(remembered(vm, disk, vm_id))}
    return Memory(disk_id, first, kept(disk or {}))


def signature(ref: VmRef, vm_id: str) -> dict[str, str]:
    """Return the tags that identify the VM to which the tags on a disk belong."""
    return {
        SourceTag.GROUP.value: ref.group,
        SourceTag.VM.value: ref.name,
        SourceTag.VM_ID.value: vm_id,
    }


def kept(tags: Mapping[str, str]) -> dict[str, str]:
    """Return the tags that Stillframe wrote."""
    return {name.value: tags[name] for name in ON_VM if name in tags}


def frozen(vm: ObservedVm, disk: ObservedDisk | None) -> ObservedVm:
    """Return a generalized VM with its effective tags, and with where they are written from now."""
    assert vm.os_disk.id  # noqa: S101 only VMs with a managed OS disk are captured or read
    on_disk = disk.tags if disk else None
    memory = memory_of(vm.ref, vm.vm_id, vm.os_disk.id, vm.tags, on_disk)
    return replace(vm, tags=remembered(vm.tags, on_disk, vm.vm_id), memory=memory)


def after(vm: ObservedVm, words: Words) -> ObservedVm:
    """Return a VM as it is after this change of its tags."""
    left = {name: value for name, value in vm.tags.items() if name not in words.removed}
    return replace(vm, tags={**left, **words.tags}, memory=Memory(vm.memory.id))
