"""Where the tags of an order are: on the VM, then on its OS disk."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.model.memory import after, frozen, is_of, kept, memory_of, remembered, signature
from shared.model.tags import GUARD_TAGS, ORDER_TAGS, Memory, SourceTag, Tag, Words
from tests.unit.making import REF, TO_GALLERY, Facts, disk, vm

VM_ID = "0a0b"
DISK = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Compute/disks/os"
OURS = [tag.value for tag in (*ORDER_TAGS, *GUARD_TAGS)]
PEOPLES = ["stillframe-capture", "stillframe-cost-guard", "team"]

words = st.dictionaries(st.sampled_from(OURS), st.sampled_from(["a", "b", "c"]))
tags = st.dictionaries(st.sampled_from([*OURS, *PEOPLES]), st.sampled_from(["a", "b", "c"]))


def mine(said: dict[str, str]) -> dict[str, str]:
    """Return tags of a disk that belong to this VM."""
    return {**said, **signature(REF, VM_ID)}


@given(own=tags, said=words)
def test_the_disks_words_count_and_no_other(own: dict[str, str], said: dict[str, str]) -> None:
    """Stillframe's tags count only from the disk, all others from the VM."""
    counting = remembered(own, mine(said), VM_ID)
    assert kept(counting) == said
    assert {n: v for n, v in counting.items() if n not in OURS} == {
        n: v for n, v in own.items() if n not in OURS
    }


@given(own=tags, said=words, vm_id=st.sampled_from(["", "0c0d"]))
def test_a_disk_of_another_vm_remembers_nothing(
    own: dict[str, str], said: dict[str, str], vm_id: str
) -> None:
    """Nor does a disk that was not read; then the tags on the VM count."""
    assert remembered(own, mine(said), vm_id) == own
    assert remembered(own, None, vm_id) == own
    assert not is_of(said, vm_id)


def test_an_order_on_the_disk_counts_before_the_vms() -> None:
    """People cannot tag a generalized VM; the tags that they set on its OS disk count."""
    own = {Tag.CAPTURE.value: "managed-image", Tag.LATEST.value: "no"}
    asked = {Tag.CAPTURE.value: "golden/windows"}
    assert remembered(own, asked, VM_ID) == {**own, **asked}
    assert remembered(own, mine(asked), VM_ID)[Tag.CAPTURE] == "golden/windows"


@pytest.mark.parametrize("name", ["capture", "version", "latest", "cost-guard"])
def test_whatever_people_may_say_they_may_say_on_the_disk(name: str) -> None:
    """All four tags that people set count there, whether or not the disk has the VM's tags."""
    asked = {f"stillframe-{name}": "anew"}
    own = {f"stillframe-{name}": "before"}
    assert remembered(own, asked, VM_ID) == remembered(own, mine(asked), VM_ID) == asked


def test_a_disk_that_has_the_words_takes_only_what_changes() -> None:
    """Earlier tags are not written again, because another visit may have changed them."""
    own, said = {Tag.STATUS.value: "capturing"}, {Tag.STATUS.value: "captured"}
    assert memory_of(REF, VM_ID, DISK, own, mine(said)) == Memory(DISK)


def test_a_generalized_vm_has_the_words_of_its_disk() -> None:
    """They are read from the disk, and from then on written to it."""
    seen = vm(generalized=True, tags={**TO_GALLERY, Tag.STATUS.value: "capturing"})
    said = {Tag.STATUS.value: "captured", **signature(seen.ref, seen.vm_id)}
    counting = {**TO_GALLERY, Tag.STATUS.value: "captured"}
    remembers = replace(seen, tags=counting, memory=Memory(disk().id))
    assert frozen(seen, disk(tags=said)) == remembers


def test_a_generalized_vm_whose_disk_has_no_words_has_its_own() -> None:
    """So has a VM whose disk was not read; the next change copies them to the disk."""
    own = {Tag.STATUS.value: "capturing"}
    seen = vm(generalized=True, tags={**TO_GALLERY, **own})
    whole = Memory(disk().id, {**signature(seen.ref, seen.vm_id), **own})
    assert frozen(seen, None) == frozen(seen, disk()) == replace(seen, memory=whole)


@given(own=tags, there=words, ours=st.booleans(), said=words, data=st.data())
def test_what_is_written_is_what_is_remembered(
    own: dict[str, str],
    there: dict[str, str],
    said: dict[str, str],
    data: st.DataObject,
    *,
    ours: bool,
) -> None:
    """For any tags on the disk before: only the tags that are set or removed change.

    The first write to a disk is complete, so that the VM's own tags, now read-only, are unused.
    """
    disk = mine(there) if ours else dict(there)
    vm = Facts().vm
    vm = replace(vm, ref=REF, vm_id=VM_ID, tags=remembered(own, disk, VM_ID))
    vm = replace(vm, memory=memory_of(REF, VM_ID, DISK, own, disk))
    standing = [name for name in kept(vm.tags) if name not in said]
    removed = {
        name: vm.tags[name]
        for name in (
            data.draw(st.lists(st.sampled_from(standing), unique=True)) if standing else ()
        )
    }
    change = vm.memory.changed(Words(said, removed))
    merged, deleted = change.tags, change.removed
    written = {name: value for name, value in {**disk, **merged}.items() if name not in deleted}
    if not merged and not deleted:
        return
    found = remembered(own, written, VM_ID)
    assert found == after(vm, Words(said, removed)).tags
    later = Words({"x": "y"}, {})
    assert after(vm, Words(said, removed)).memory.changed(later) == later
    assert written[SourceTag.VM_ID] == VM_ID
