"""The rules of an order that keeps its VM, and of its copied VM."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from shared.capture.keep import kept
from shared.capture.targets import read_keep
from shared.events import Wake, read_event
from shared.model.errors import Refused
from shared.model.facts import (
    AttachedDisk,
    Clone,
    Look,
    Missing,
    ObservedVm,
    PowerState,
    Provisioning,
    Refusal,
    TrialVm,
    Way,
)
from shared.model.ids import CopyRef, VmRef
from shared.model.instants import write_instant
from shared.model.settings import KeepSource
from shared.model.steps import Assemble, Copy, Decision, Order, ReadClone, Rest, Take
from shared.model.tags import CloneTag, Status, Tag
from shared.reconcile import reconcile, reconcile_copy
from shared.sweep.due import look_is_due
from shared.workshop.clone import (
    LASTS,
    SYSPREP_LASTS,
    PowerOff,
    Prepare,
    clone_ref,
    clone_step,
    clone_tags,
    is_needed,
    kept_vm,
)
from tests.unit.fake_cloud import FakeCloud
from tests.unit.making import GALLERY, MANAGED, NOW, REF, Facts, order, settings, vm

WORKSHOP = "stillframe-workshop"
KNOWN = settings(workshop=WORKSHOP, keep_source=KeepSource.WHEN_ASKED)
KEEP = order(keep=True)
BEGUN = NOW - timedelta(minutes=20)
POINTS = "restorePointCollections"
RUNNING, DEALLOCATED = PowerState.RUNNING, PowerState.DEALLOCATED


def begun(**changes: Any) -> ObservedVm:  # noqa: ANN401 - fields of ObservedVm
    """Make a VM whose copy was begun."""
    tags = {
        **vm().tags,
        Tag.KEEP.value: "yes",
        Tag.STATUS.value: "capturing",
        Tag.IMAGE.value: KEEP.label,
        Tag.AS_OF.value: write_instant(BEGUN),
    }
    return vm(**{"tags": tags, "power": RUNNING} | changes)


def copied(status: str = "", **changes: Any) -> ObservedVm:  # noqa: ANN401 - fields of ObservedVm
    """Make a copied VM with a status."""
    tags = clone_tags(begun(), KEEP, BEGUN, "copy", "app")
    told = {Tag.STATUS.value: status, Tag.DETAIL.value: "why"} if status else {}
    return vm(**{"ref": clone_ref(begun(), BEGUN, WORKSHOP), "tags": tags | told} | changes)


def decided(facts: Facts, asked: Order = KEEP, now: datetime = NOW) -> Decision:
    """Give the rules what they ask for."""
    look = Look(vm=facts.vm)
    for _ in range(12):
        decision = kept(look, asked, KNOWN, now)
        if isinstance(decision, Rest | Take | Copy | Assemble):
            return decision
        look = facts.show(look, decision)  # type: ignore[arg-type]
    raise AssertionError(look)


@pytest.mark.parametrize(
    ("power", "disks", "os_only", "step", "way"),
    [
        (DEALLOCATED, 0, False, Copy, Way.COPY),
        (DEALLOCATED, 2, False, Copy, Way.COPY),
        (RUNNING, 0, False, Take, Way.SNAPSHOT),
        (RUNNING, 2, True, Take, Way.SNAPSHOT),
        (RUNNING, 2, False, Take, Way.POINT),
        (PowerState.STOPPED, 2, False, Take, Way.POINT),
    ],
)
def test_how_a_copy_begins(
    power: PowerState,
    disks: int,
    os_only: bool,  # noqa: FBT001
    step: type,
    way: Way,
) -> None:
    """By the power state, and whether data disks are wanted."""
    attached = tuple(AttachedDisk(f"/d{n}", "Premium_LRS", 8, lun=n) for n in range(disks))
    decision = decided(
        Facts(vm=vm(power=power, data_disks=attached)), replace(KEEP, os_only=os_only)
    )
    assert isinstance(decision, Take | Copy)
    assert (type(decision), decision.way) == (step, way)
    assert decision.say.as_of == NOW


S, C, F, GONE = Provisioning.SUCCEEDED, Provisioning.CREATING, Provisioning.FAILED, Missing.GONE


@pytest.mark.parametrize(
    ("clone", "step"),
    [
        (Clone(vm=GONE), Take),
        (Clone(vm=GONE, taken=C, way=Way.SNAPSHOT), Rest),
        (Clone(vm=GONE, taken=S, way=Way.SNAPSHOT), Copy),
        (Clone(vm=GONE, taken=S, way=Way.SNAPSHOT, disks=Provisioning.UPDATING), Rest),
        (Clone(vm=GONE, taken=S, way=Way.SNAPSHOT, disks=S), Assemble),
        (Clone(vm=GONE, disks=S), Assemble),
        (Clone(vm=copied()), Rest),
    ],
)
def test_a_copy_goes_on(clone: Clone, step: type) -> None:
    """By what is there of it."""
    decision = decided(Facts(vm=begun(), clone=clone))
    assert type(decision) is step
    if isinstance(decision, Rest):
        assert decision.say
        assert decision.say.status is Status.CAPTURING


@pytest.mark.parametrize(
    ("clone", "later", "status"),
    [
        (Clone(vm=GONE, disks=F), timedelta(), Status.REFUSED),
        (Clone(vm=GONE, taken=F, way=Way.POINT), timedelta(), Status.REFUSED),
        (Clone(vm=Missing.DENIED), timedelta(), Status.REFUSED),
        (Clone(vm=GONE), LASTS, Status.FAILED),
        (Clone(vm=copied()), LASTS, Status.FAILED),
        (Clone(vm=copied("not-generalized")), timedelta(), Status.NOT_GENERALIZED),
        (Clone(vm=copied("refused")), timedelta(), Status.REFUSED),
        (Clone(vm=copied("failed")), timedelta(), Status.FAILED),
        (
            Clone(
                vm=copied(),
                made=TrialVm(
                    ref=REF, image=None, provisioning=F, created=None, code="AllocationFailed"
                ),
            ),
            timedelta(),
            Status.REFUSED,
        ),
    ],
)
def test_a_copy_ends(clone: Clone, later: timedelta, status: Status) -> None:
    """As its copied VM ended, or because it could not be created, or in time."""
    decision = decided(Facts(vm=begun(), clone=clone), now=NOW + later)
    assert isinstance(decision, Rest)
    assert decision.say
    assert decision.say.status is status


def test_an_end_stands_until_the_order_is_given_again() -> None:
    """Neither captured nor failed costs another copy, nor another event."""
    for status, image in (
        ("captured", f"{GALLERY.label}/1.2.3"),
        ("not-generalized", GALLERY.label),
        ("failed", GALLERY.label),
    ):
        tags = {**begun().tags, Tag.STATUS.value: status, Tag.IMAGE.value: image}
        assert kept(Look(vm=begun(tags=tags)), KEEP, KNOWN, NOW) == Rest()
        untold = {**tags, Tag.UNTOLD.value: write_instant(NOW)}
        decision = decided(Facts(vm=begun(tags=untold)))
        assert isinstance(decision, Rest)
        assert decision.say
        assert decision.say.status == status


def test_another_order_is_another_copy() -> None:
    """A copy that was begun for another target is not followed."""
    tags = {**begun().tags, Tag.IMAGE.value: "other/target"}
    decision = decided(Facts(vm=begun(tags=tags)))
    assert isinstance(decision, Take)
    assert decision.say.as_of == NOW


def test_names_derive_from_the_vm_and_the_instant() -> None:
    """The same for any worker, other ones for another instant; led back by tags."""
    first, again, later = (clone_ref(begun(), at, WORKSHOP) for at in (BEGUN, BEGUN, NOW))
    assert first == again != later
    assert kept_vm(first, copied().tags) == REF
    assert kept_vm(first, {}) is None
    assert is_needed(Look(vm=begun()), copied())
    assert not is_needed(Look(vm=vm()), copied())
    other = {**copied().tags, CloneTag.AS_OF.value: write_instant(NOW)}
    assert not is_needed(Look(vm=begun()), copied(tags=other))


@pytest.mark.parametrize(
    ("changes", "prepared", "expected"),
    [
        ({"power": RUNNING, "agent_ready": True}, None, Prepare()),
        ({"power": RUNNING}, None, None),
        ({"power": RUNNING, "agent_ready": True}, NOW, None),
        ({"power": RUNNING}, NOW - SYSPREP_LASTS - timedelta(minutes=1), PowerOff()),
        ({"power": PowerState.STOPPED}, None, None),
        ({"power": RUNNING, "provisioning": C, "agent_ready": True}, None, None),
    ],
)
def test_what_is_next_in_a_copied_vm(
    changes: dict[str, Any], prepared: datetime | None, expected: Prepare | PowerOff | None
) -> None:
    """Sysprep is started once, when the agent reports; a guest that stays on is powered off."""
    note = {CloneTag.PREPARED.value: write_instant(prepared)} if prepared else {}
    clone = copied(**changes)
    assert clone_step(replace(clone, tags={**clone.tags, **note}), NOW) == expected


@pytest.mark.parametrize(
    ("tags", "known", "kept_or_why"),
    [
        ({}, KNOWN, False),
        ({"stillframe-keep": "yes"}, KNOWN, True),
        ({"stillframe-keep": "monthly"}, KNOWN, "not supported yet"),
        ({"stillframe-keep": "yes"}, settings(), "needs a workshop"),
        ({}, replace(KNOWN, in_place=False), "copies only"),
        ({}, replace(KNOWN, keep_source=KeepSource.ALWAYS), True),
        ({"stillframe-keep": "yes", "stillframe-disks": "c"}, KNOWN, "neither os nor all"),
    ],
)
def test_what_may_be_asked(tags: dict[str, str], known: Any, kept_or_why: bool | str) -> None:  # noqa: ANN401, FBT001
    """By tag and setting."""
    found = read_keep(tags, known, REF, GALLERY)
    if isinstance(kept_or_why, str):
        assert isinstance(found, Refusal)
        assert kept_or_why in found.why
    else:
        assert found is kept_or_why


def test_a_managed_image_of_a_copy_needs_its_group() -> None:
    """The workshop is no place for images; a copied VM itself is never kept."""
    assert isinstance(read_keep({"stillframe-keep": "yes"}, KNOWN, REF, MANAGED), Refusal)
    inside = VmRef(REF.subscription, WORKSHOP, "keep-1")
    always = replace(KNOWN, keep_source=KeepSource.ALWAYS)
    assert read_keep({}, always, inside, GALLERY) is False


def test_parts_of_a_copy_wake_their_vm() -> None:
    """The event of a disk, snapshot or restore point names it; its tags name the VM."""
    group = f"/subscriptions/{REF.subscription}/resourceGroups/{WORKSHOP}"
    for kind, operation, rest in (
        ("disks", "disks/write", ""),
        ("snapshots", "snapshots/write", ""),
        (
            "restorePointCollections",
            "restorePointCollections/restorePoints/write",
            "/restorePoints/p",
        ),
    ):
        uri = f"{group}/providers/Microsoft.Compute/{kind}/keep-1{rest}"
        data = {"operationName": f"Microsoft.Compute/{operation}", "resourceUri": uri}
        wake = read_event("Microsoft.Resources.ResourceWriteSuccess", uri, data)
        assert wake == Wake(CopyRef(REF.subscription, WORKSHOP, kind, "keep-1"))
    cloud = FakeCloud(settings=KNOWN, copy_of=None)
    ref = CopyRef(REF.subscription, WORKSHOP, "disks", "keep-1")
    assert reconcile_copy(cloud, ref, NOW) is None
    led = reconcile_copy(replace(cloud, copy_of=REF), ref, NOW)
    assert led
    assert led.vm == REF


@pytest.mark.parametrize(
    ("status", "age", "due"),
    [
        ("captured", timedelta(), False),
        ("not-generalized", timedelta(), False),
        ("failed", timedelta(), False),
        ("capturing", timedelta(minutes=1), False),
        ("capturing", timedelta(minutes=30), True),
        ("waiting", timedelta(), True),
    ],
)
def test_when_the_sweep_looks(status: str, age: timedelta, due: bool) -> None:  # noqa: FBT001
    """At a copy that is in progress; a running VM whose copy has ended costs nothing."""
    label = f"{GALLERY.label}/1.2.3" if status == "captured" else GALLERY.label
    told = {
        **begun().tags,
        Tag.STATUS.value: status,
        Tag.IMAGE.value: label,
        Tag.AS_OF.value: write_instant(NOW - age),
    }
    listed = begun(tags=told).listed
    assert look_is_due(listed, KNOWN, NOW - timedelta(minutes=5), NOW) is due


def test_a_copied_vm_that_no_order_needs_is_deleted() -> None:
    """Its VM has no such order; and if that may not be read, nothing is decided."""
    inside = clone_ref(begun(), BEGUN, WORKSHOP)
    cloud = FakeCloud(Facts(vm=copied(power=RUNNING)), settings=KNOWN)
    reconcile(cloud, inside, NOW)
    assert [name for name, _ in cloud.calls] == ["discard"]
    dry = FakeCloud(Facts(vm=copied()), settings=replace(KNOWN, dry_run=True))
    reconcile(dry, inside, NOW)
    assert dry.calls == []


def test_azures_refusal_of_a_copy_is_told() -> None:
    """In its own words, on the kept VM; nothing was done to it."""
    tags = {**vm().tags, Tag.KEEP.value: "yes", Tag.CAPTURE.value: GALLERY.scope}
    cloud = FakeCloud(Facts(vm=vm(tags=tags, power=RUNNING)), settings=KNOWN)
    cloud.raises["take"] = Refused("QuotaExceeded", "exceeding approved quota", 409)
    report = reconcile(cloud, REF, NOW)
    assert report.status is Status.REFUSED
    (told,) = cloud.published
    assert "exceeding approved quota" in told.data["detail"]


def test_what_the_rules_read_first() -> None:
    """How far the copy has come, before anything of the VM."""
    assert isinstance(kept(Look(vm=begun()), KEEP, KNOWN, NOW), ReadClone)
