"""A sweep with a fake of Azure: which VMs it visits, what it counts, which errors it survives."""

import threading
from collections import Counter
from contextlib import nullcontext
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from shared.model.errors import Refused, Transient
from shared.model.facts import (
    ListedVm,
    Listing,
    Look,
    Missing,
    PowerState,
    Price,
    Provisioning,
)
from shared.model.ids import VmRef
from shared.model.instants import write_instant
from shared.model.outcomes import OutcomeType
from shared.model.settings import GuardAction
from shared.model.tags import SourceTag, Tag
from shared.sweep.left import LeftVersions
from shared.sweep.report import SweepReport
from shared.sweep.sweeper import AHEAD, Sweeper
from tests.unit.fake_cloud import FakeCloud
from tests.unit.making import NOW, REF, RELEASED, TO_GALLERY, VERSION, Facts, image, settings, vm

BEFORE = NOW - timedelta(minutes=5)
SINCE = NOW - timedelta(hours=5)
MARKED = {Tag.BILLED_SINCE.value: write_instant(SINCE)}
LOCKED = Refused("ScopeLocked", "locked", 409)


def listed(tags: dict[str, str], name: str = REF.name, **changes: Any) -> ListedVm:  # noqa: ANN401
    """List a stopped VM."""
    ref = replace(REF, name=name)
    good = ListedVm(ref, tags, PowerState.STOPPED, Provisioning.SUCCEEDED, vm().machine)
    return replace(good, **changes)


def listing(*vms: ListedVm) -> Listing:
    """Make the lists that show these VMs."""
    states = Counter(one.power.value for one in vms)
    return Listing({one.ref.key: one for one in vms}, states=states)


def a_stopped(tags: dict[str, str]) -> FakeCloud:
    """Make the cloud of one stopped VM."""
    stopped = vm(power=PowerState.STOPPED, tags=tags)
    return FakeCloud(Facts(vm=stopped), listing=listing(listed(tags)))


def swept(cloud: FakeCloud, since: Any = BEFORE) -> SweepReport:  # noqa: ANN401 - an instant
    """Sweep once."""
    return Sweeper(cloud).sweep(since, NOW)


def test_a_sweep_takes_an_order_further_and_says_so() -> None:
    """The step, the status and the heartbeat; what costs nothing is not visited."""
    cloud = a_stopped(TO_GALLERY)
    running = listed({}, "other", power=PowerState.RUNNING)
    cloud.listing.vms[running.ref.key] = running
    report = swept(cloud)
    assert ("deallocate", REF.id) in cloud.calls
    assert (report.looked, report.steps) == (1, {REF.id: ("deallocate",)})
    assert dict(report.statuses) == {"deallocating": 1}
    assert [outcome.type for outcome in cloud.published] == [OutcomeType.SWEPT]
    assert report.unsaid == {}


def test_a_stopped_vm_without_an_order_is_marked_and_flagged() -> None:
    """With the time it stopped, and the price if known."""
    cloud = a_stopped({})
    cloud.stopped, cloud.costs = SINCE, Price(0.5, 0.25)
    report = swept(cloud)
    assert dict(report.bills) == {"mark": 1}
    (flagged,) = report.flagged
    assert (flagged.ref, flagged.since, flagged.rate.hourly) == (REF, SINCE, 0.5)
    assert flagged.past_grace
    assert (report.per_day, report.licences_per_day, report.unpriced) == (12.0, 6.0, 0)


def test_a_vm_that_resource_graph_knows_is_marked_without_a_look() -> None:
    """One request, a tag; the report has it with since when, who says so, and its price."""
    cloud = a_stopped({})
    cloud.graph, cloud.costs = {REF.key: SINCE}, Price(0.2)
    report = swept(cloud)
    assert cloud.calls == [("tag_vm", REF.id), ("publish", "Stillframe.SweepCompleted")]
    assert dict(report.bills) == {"mark": 1}
    (flagged,) = report.flagged
    assert (flagged.since, flagged.known_by, flagged.rate.hourly) == (SINCE, "resource-graph", 0.2)


@pytest.mark.parametrize("stopped", [None, NOW - timedelta(minutes=5)])
def test_a_vm_that_has_just_stopped_is_looked_at(stopped: Any) -> None:  # noqa: ANN401
    """Resource Graph does not show the last minutes: it may have been started since."""
    cloud = a_stopped({})
    cloud.graph = {REF.key: stopped} if stopped else {}
    assert dict(swept(cloud).bills) == {"mark": 1}
    assert ("write", REF.id) in cloud.calls


def test_a_mark_that_azure_refuses_is_named() -> None:
    """The VM stays in the report, with the reason; a dry run says what it would do."""
    cloud = a_stopped({})
    cloud.graph, cloud.raises = {REF.key: SINCE}, {"tag_vm": LOCKED}
    report = swept(cloud)
    assert report.untold == {REF.id: str(LOCKED)}
    dry = a_stopped({})
    dry.graph, dry.settings = {REF.key: SINCE}, settings(dry_run=True)
    assert dict(swept(dry).bills) == {"would mark": 1}


def test_a_vm_that_is_gone_when_it_is_marked_is_no_longer_counted() -> None:
    """It was deleted after it was listed."""
    cloud = a_stopped({})
    cloud.graph = {REF.key: SINCE}
    cloud.raises = {"tag_vm": Refused("ResourceNotFound", "gone", 404)}
    report = swept(cloud)
    assert (report.flagged, report.untold, dict(report.bills)) == ([], {}, {})


def test_an_order_that_is_due_is_looked_at_although_its_stop_is_known() -> None:
    """The look is for the order; the mark is part of it."""
    cloud = a_stopped(TO_GALLERY)
    cloud.graph = {REF.key: SINCE}
    swept(cloud)
    assert ("deallocate", REF.id) in cloud.calls


def test_an_error_of_one_vm_is_that_vms_alone() -> None:
    """It is reported by the VM's id, whatever it was, and the heartbeat comes."""
    cloud = a_stopped({})
    cloud.raises["look"] = ValueError("surprise")
    report = swept(cloud)
    assert report.failed == {REF.id: "surprise"}
    assert [outcome.type for outcome in cloud.published] == [OutcomeType.SWEPT]


def test_a_visit_is_tried_again_where_azure_says_when() -> None:
    """Once, and only after a short Retry-After."""
    soon = a_stopped({})
    soon.raises["look"] = Transient("429", retry_after=0.001)
    assert swept(soon).failed == {REF.id: "429"}
    late = a_stopped({})
    late.raises["look"] = Transient("429", retry_after=600)
    swept(late)
    assert late.requests == soon.requests - 1


@pytest.mark.parametrize(("missing", "failed"), [(Missing.GONE, 0), (Missing.DENIED, 1)])
def test_a_vm_that_cannot_be_seen_is_no_longer_counted(missing: Missing, failed: int) -> None:
    """A VM deleted since it was listed is gone; a denied one is a failure."""
    cloud = a_stopped({})
    cloud.facts = missing
    report = swept(cloud)
    assert (len(report.failed), len(report.flagged)) == (failed, failed)


def test_a_subscription_that_cannot_be_listed_is_named() -> None:
    """The others are swept, and the heartbeat says which is missing."""
    cloud = a_stopped({})
    cloud.raises["vms"] = Refused("AuthorizationFailed", "no right", 403)
    report = swept(cloud)
    assert list(report.unlisted) == [REF.subscription]
    assert cloud.published[0].data["unlisted"] == report.unlisted


def test_a_heartbeat_that_cannot_be_published_ends_nothing() -> None:
    """The report is returned anyway."""
    cloud = a_stopped({})
    cloud.raises["publish"] = Transient("unreachable")
    assert swept(cloud).looked == 1


def test_time_that_runs_out_is_told_and_who_was_not_reached_comes_first(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """No visit begins after the sweep's time, and the next sweep begins with the rest."""
    cloud = a_stopped({})
    sweeper = Sweeper(cloud)
    monkeypatch.setattr("shared.sweep.sweeper.VISITS_START_WITHIN", -1.0)
    report = sweeper.sweep(BEFORE, NOW)
    assert (report.unreached, report.looked) == ([REF.id], 0)
    monkeypatch.undo()
    assert sweeper.sweep(BEFORE, NOW).looked == 1


@pytest.mark.parametrize("scope", [f"{REF.group_id}/".lower(), f"{REF.key}/"])
def test_a_locked_vm_is_not_deallocated_by_policy(scope: str) -> None:
    """Whether the VM or its group is locked, or locks cannot be read."""
    tags = MARKED | {Tag.BILLED_ALERTED.value: write_instant(NOW)}
    policy = settings(
        guard_action=GuardAction.DEALLOCATE, guard_deallocate_after=timedelta(hours=4)
    )
    free, locked, unread = (a_stopped(tags) for _ in range(3))
    free.settings = locked.settings = unread.settings = policy
    locked.locked = frozenset({scope})
    unread.raises["locks"] = LOCKED
    for cloud in (free, locked, unread):
        swept(cloud)
    assert ("deallocate", REF.id) in free.calls
    assert ("deallocate", REF.id) not in locked.calls + unread.calls


@pytest.mark.parametrize("off_means_off", [True, False])
def test_locks_are_read_only_if_they_matter(*, off_means_off: bool) -> None:
    """Without off means off no tag has a VM deallocated, and the app may not read locks."""
    cloud = a_stopped(MARKED | {Tag.COST_GUARD.value: "deallocate"})
    cloud.settings = settings(off_means_off=off_means_off)
    cloud.raises["locks"] = RuntimeError("asked")
    with pytest.raises(RuntimeError, match="asked") if off_means_off else nullcontext():
        swept(cloud)


def test_an_opt_out_that_means_nothing_is_named() -> None:
    """The owner's typing mistake must not look like an opt-out."""
    report = swept(a_stopped({Tag.COST_GUARD.value: "ignroe"}))
    assert report.unreadable == {REF.id: "stillframe-cost-guard: ignroe"}


def test_another_apps_order_is_left_to_it_and_named() -> None:
    """It is counted, and nothing is done for it."""
    tags = {**TO_GALLERY, Tag.BY.value: "theirs", Tag.STATUS.value: "refused"}
    cloud = a_stopped(tags)
    cloud.settings = settings(app="mine")
    report = swept(cloud)
    assert report.others == {REF.id: "theirs"}
    assert "deallocate" not in [name for name, _ in cloud.calls]


def test_a_dry_run_counts_what_it_would_do() -> None:
    """The heartbeat alone is published, and says that nothing was written."""
    cloud = a_stopped(TO_GALLERY)
    cloud.settings = settings(dry_run=True)
    report = swept(cloud)
    assert report.steps == {REF.id: ("would deallocate",)}
    assert [name for name, _ in cloud.calls] == ["publish"]
    assert cloud.published[0].data["dryRun"] is True


def test_a_dry_run_keeps_apart_what_it_would_say() -> None:
    """A running VM without an answer: its tags say nothing yet, the dry run would say waiting."""
    cloud = FakeCloud(Facts(vm=vm(power=PowerState.RUNNING)), settings(dry_run=True))
    cloud.listing = listing(listed(TO_GALLERY, power=PowerState.RUNNING))
    assert swept(cloud).unsaid == {REF.id: ("unanswered", "waiting")}


def test_images_that_nobody_has_told_of_are_told_once_an_hour() -> None:
    """Failed versions are counted; the outcome of an image whose VM is gone is published."""
    tags = {SourceTag.VM_ID.value: "0a0b", SourceTag.AS_OF.value: write_instant(RELEASED)}
    cloud = FakeCloud(made=[image(provisioning="Failed", tags=tags)])
    report = swept(cloud, NOW - timedelta(hours=1))
    assert report.left_versions == LeftVersions((VERSION.id,))
    assert ("tag_image", VERSION.id) in cloud.calls
    cloud.raises["image"] = Transient("busy")
    assert swept(cloud, NOW - timedelta(hours=1)).failed == {VERSION.id: "busy"}
    within_the_hour = Sweeper(FakeCloud()).sweep(NOW, NOW + timedelta(minutes=5))
    assert within_the_hour.left_versions is None


def test_untold_words_are_named_with_why() -> None:
    """A VM that takes no tags is in the report, so that somebody removes the lock."""
    cloud = a_stopped({})
    cloud.raises["write"] = LOCKED
    assert swept(cloud).untold == {REF.id: str(LOCKED)}


def test_images_are_looked_for_where_orders_send_them() -> None:
    """In the group of the settings, and in the targets of orders."""
    cloud = a_stopped(TO_GALLERY)
    cloud.settings = settings(image_group=(REF.subscription, "images"))
    swept(cloud, NOW - timedelta(hours=1))
    assert {target.label for target in cloud.targets} == {"managed-image", "gallery/windows"}


def test_an_interrupt_does_not_wait_for_what_is_listed_ahead() -> None:
    """Ctrl-C in a command: what has not started to be listed never is."""
    ids = tuple(f"{number:08d}-2222-3333-4444-555555555555" for number in range(20))
    gate, begun = threading.Event(), list[str]()

    class Waiting(FakeCloud):
        def vms(self, subscription: str) -> Listing:
            begun.append(subscription)
            if subscription != ids[0] and not gate.wait(20):
                pytest.fail("it was waited for")
            return self.listing

        def look(self, ref: VmRef) -> Look | Missing:
            raise KeyboardInterrupt(ref.name)

    cloud = Waiting(listing=listing(listed({})), settings=replace(settings(), subscriptions=ids))
    with pytest.raises(KeyboardInterrupt):
        swept(cloud)
    gate.set()
    assert len(begun) <= AHEAD + 1
