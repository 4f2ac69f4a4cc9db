"""Where an order's words are kept: on the VM, then on its OS disk, and read by one function."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from shared.memory import after, is_of, kept, memory_of, remembered, signature
from shared.model import BILLED_TAGS, ORDER_TAGS, SourceTag, Tag, Words
from tests.making import REF, World

VM_ID = "0a0b"
DISK = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Compute/disks/os"
OURS = [tag.value for tag in (*ORDER_TAGS, *BILLED_TAGS)]
PEOPLES = ["stillframe-capture", "stillframe-cost-guard", "team"]

words = st.dictionaries(st.sampled_from(OURS), st.sampled_from(["a", "b", "c"]))
tags = st.dictionaries(st.sampled_from([*OURS, *PEOPLES]), st.sampled_from(["a", "b", "c"]))


def mine(said: dict[str, str]) -> dict[str, str]:
    """Return tags of a disk that are this VM's words."""
    return {**said, **signature(REF, VM_ID)}


@given(own=tags, said=words)
def test_the_disks_words_count_and_no_other(own: dict[str, str], said: dict[str, str]) -> None:
    """Of ours those on the disk alone, of people's those on the VM."""
    counting = remembered(own, mine(said), VM_ID)
    assert kept(counting) == said
    assert {n: v for n, v in counting.items() if n not in OURS} == {
        n: v for n, v in own.items() if n not in OURS
    }


@given(own=tags, said=words, vm_id=st.sampled_from(["", "0c0d"]))
def test_a_disk_of_another_vm_remembers_nothing(
    own: dict[str, str], said: dict[str, str], vm_id: str
) -> None:
    """Nor does one that was not read; then the VM's own words count, as they froze."""
    assert remembered(own, mine(said), vm_id) == own
    assert remembered(own, None, vm_id) == own
    assert not is_of(said, vm_id)


def test_an_order_on_the_disk_counts_before_the_vms() -> None:
    """People can set nothing on a generalized VM; what they set on its OS disk is their order."""
    own = {Tag.CAPTURE.value: "managed-image", Tag.LATEST.value: "no"}
    asked = {Tag.CAPTURE.value: "golden/windows"}
    assert remembered(own, asked, VM_ID) == {**own, **asked}
    assert remembered(own, mine(asked), VM_ID)[Tag.CAPTURE] == "golden/windows"


@given(own=tags, there=words, ours=st.booleans(), said=words, data=st.data())
def test_what_is_written_is_what_is_remembered(
    own: dict[str, str],
    there: dict[str, str],
    said: dict[str, str],
    data: st.DataObject,
    *,
    ours: bool,
) -> None:
    """Whatever stands there before: the words change by just what is said and taken back.

    The first words on a disk are whole, so that the VM's own, which cannot be changed, end.
    """
    disk = mine(there) if ours else dict(there)
    vm = World().vm
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
