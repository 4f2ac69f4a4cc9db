"""Visits of test VMs and of the workshop, with a fake of the cloud."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from shared.model.errors import Refused, Transient
from shared.model.facts import LeftOver, Missing, ObservedImage, Provisioning, TrialVm
from shared.model.ids import ImageRef, VmRef
from shared.reconcile import reconcile, reconcile_image
from shared.sweep.report import SweepReport
from shared.sweep.tidy import BEING_MADE, tidy
from shared.workshop.boot import trial_ref
from tests.unit.fake_cloud import FakeCloud
from tests.unit.making import NOW, SUBSCRIPTION, settings
from tests.unit.test_boot import image, trial

WORKSHOP = "stillframe-workshop"
OLD, YOUNG = NOW - 2 * BEING_MADE, NOW - BEING_MADE / 2
READY = trial(Provisioning.SUCCEEDED, ready=True)


def cloud(made: ObservedImage | None = None, vm: TrialVm | Missing = Missing.GONE) -> FakeCloud:
    """Make a cloud with a workshop, an image and a test VM."""
    images = [made] if made else []
    return FakeCloud(settings=settings(workshop=WORKSHOP), made=images, trial=vm)


def ref_of(made: ObservedImage) -> VmRef:
    """Return the test VM of an image's current attempt."""
    ref = trial_ref(made, WORKSHOP)
    assert ref
    return ref


@pytest.mark.parametrize(
    ("made", "vm", "writes"),
    [
        (image(), Missing.GONE, []),
        (image(), trial(Provisioning.CREATING), []),
        (image(), trial(Provisioning.DELETING), []),
        (image(), READY, ["keep_picture", "promote", "delete"]),
        (image(excluded="yes"), READY, ["keep_picture", "tag_image", "delete"]),
        (image(boot="booted"), READY, ["delete"]),
        (None, READY, ["delete"]),
        (image(), replace(READY, image=None), ["delete"]),
    ],
)
def test_a_test_vm_is_visited(
    made: ObservedImage | None, vm: TrialVm | Missing, writes: list[str]
) -> None:
    """It is judged, or deleted if no image needs it; one that is being made or deleted is left."""
    asked = cloud(made, vm)
    reconcile(asked, ref_of(image()), NOW)
    assert [name for name, _ in asked.calls][: len(writes) or 9] == writes


def test_the_verdict_comes_before_the_deletion() -> None:
    """If the verdict cannot be written, the VM stays for the next visit."""
    asked = cloud(image(), READY)
    asked.raises["promote"] = Transient("busy")
    with pytest.raises(Transient):
        reconcile(asked, ref_of(image()), NOW)
    assert "delete" not in [name for name, _ in asked.calls]


class Denied(FakeCloud):
    """A cloud in which no image may be read."""

    def image(self, ref: ImageRef) -> ObservedImage | Missing:  # noqa: ARG002 - the protocol's
        """Refuse."""
        return Missing.DENIED


def test_an_image_that_may_not_be_read_decides_nothing() -> None:
    """Its test VM is neither judged nor deleted."""
    asked = Denied(settings=settings(workshop=WORKSHOP), trial=READY)
    reconcile(asked, ref_of(image()), NOW)
    assert asked.calls == []


def test_a_dry_run_touches_no_test_vm() -> None:
    """Neither the VM nor the image."""
    asked = cloud(image(), READY)
    asked.settings = settings(workshop=WORKSHOP, dry_run=True)
    reconcile(asked, ref_of(image()), NOW)
    reconcile_image(asked, image().ref, NOW)
    assert asked.calls == []


def test_a_refused_test_vm_is_an_attempt() -> None:
    """Azure's words are kept on the image; nothing is deleted, because nothing was made."""
    asked = cloud(image())
    asked.raises["start_trial"] = Refused("SkuNotAvailable", "no room", 409)
    reconcile_image(asked, image().ref, NOW)
    assert [name for name, _ in asked.calls] == ["tag_image"]


def left(name: str, created: datetime | None = OLD, *, is_vm: bool = False) -> LeftOver:
    """Make a resource in the workshop."""
    kind = "virtualMachines" if is_vm else "disks"
    group = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/{WORKSHOP}"
    return LeftOver(f"{group}/providers/Microsoft.Compute/{kind}/{name}", name, is_vm, created)


@pytest.mark.parametrize(
    ("found", "deleted"),
    [
        ([left("boot-1-1-os")], ["boot-1-1-os"]),
        ([left("boot-1-1-os", YOUNG)], []),
        ([left("boot-1-1-os", None)], ["boot-1-1-os"]),
        ([left("boot-1-1-os"), left("boot-1-1", is_vm=True)], ["boot-1-1"]),
        ([left("boot-1-10-os"), left("boot-1-1", is_vm=True)], ["boot-1-10-os", "boot-1-1"]),
        ([left("somebodys")], []),
    ],
)
def test_what_is_left_is_deleted(found: list[LeftOver], deleted: list[str]) -> None:
    """Only by the name of a temporary resource, without its VM, and not while it is being made."""
    asked = cloud(None, READY)
    asked.left = found
    tidy(asked, SUBSCRIPTION, NOW, SweepReport())
    assert [what.rpartition("/")[2] for name, what in asked.calls if name == "delete"] == deleted


def test_without_a_workshop_nothing_is_asked() -> None:
    """No request."""
    asked = FakeCloud(settings=settings())
    tidy(asked, SUBSCRIPTION, NOW, SweepReport())
    assert asked.requests == 0


@pytest.mark.parametrize("where", ["workshop", "delete"])
def test_errors_in_the_workshop_are_reported(where: str) -> None:
    """The sweep goes on, and its report has the resource and Azure's words."""
    asked = cloud()
    asked.left = [left("boot-1-1-os")]
    asked.raises[where] = Refused("AuthorizationFailed", "no right", 403)
    report = SweepReport()
    tidy(asked, SUBSCRIPTION, NOW, report)
    assert "no right" in "".join(report.failed.values())


def test_pauses_are_kept() -> None:
    """Before its time an image without a verdict costs no write; after it a new VM is made."""
    waiting = image(boot="cannot-tell", boot_attempts="1", boot_at="2026-05-04T09:59:00Z")
    asked = cloud(waiting)
    reconcile_image(asked, waiting.ref, NOW)
    assert asked.calls == []
    reconcile_image(asked, waiting.ref, NOW + timedelta(hours=1))
    assert [name for name, _ in asked.calls] == ["start_trial"]
