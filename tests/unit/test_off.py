"""Off means off at an event, with a fake of Azure: what is done at once, and what it costs."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from shared.costguard.enforce import Enforced
from shared.costguard.off import at_event
from shared.model.errors import Refused
from shared.model.facts import PowerState
from shared.model.instants import write_instant
from shared.model.outcomes import OutcomeType
from shared.model.settings import GuardAction
from shared.model.tags import Tag
from tests.unit.fake_cloud import FakeCloud
from tests.unit.making import NOW, REF, Facts, disk, settings, vm

OFF = {Tag.COST_GUARD.value: "deallocate"}
LATER = {Tag.COST_GUARD.value: "deallocate-after-PT15M"}
MARKED = {Tag.BILLED_SINCE.value: write_instant(NOW - timedelta(hours=5))}


def cloud_of(
    tags: dict[str, str],
    power: PowerState = PowerState.STOPPED,
    **more: Any,  # noqa: ANN401 - fields
) -> FakeCloud:
    """Make a cloud with one VM without an order."""
    given = {"settings": settings(off_means_off=True)} | more
    return FakeCloud(Facts(vm=replace(vm(power=power), tags=tags), disk=disk()), **given)


def seen(cloud: FakeCloud, *, stops: bool = False) -> Enforced:
    """Let an event be about it."""
    assert isinstance(cloud.facts, Facts)
    return at_event(cloud, cloud.facts.vm, NOW, stops=stops)


def deallocates(cloud: FakeCloud) -> bool:
    """Whether the VM was deallocated."""
    return ("deallocate", REF.id) in cloud.calls


@pytest.mark.parametrize("group", [False, True])
def test_a_stop_is_followed_by_a_deallocation(group: bool) -> None:  # noqa: FBT001 - a case
    """By the VM's tag, or by its group's."""
    cloud = cloud_of({}, groups=OFF) if group else cloud_of(OFF)
    assert seen(cloud).what == "deallocate"
    assert deallocates(cloud)


@pytest.mark.parametrize(
    ("tags", "more"),
    [
        ({}, {}),
        (OFF, {"settings": settings()}),
        (OFF, {"locked": frozenset({f"{REF.key}/"})}),
        (OFF, {"raises": {"locks": Refused("AuthorizationFailed", "no", 403)}}),
        ({}, {"groups": None}),
        (LATER, {}),
        (OFF | {Tag.CAPTURE.value: "yes"}, {"groups": OFF}),
        ({Tag.COST_GUARD.value: "ignore"}, {"groups": OFF}),
    ],
)
def test_all_else_is_the_sweeps(tags: dict[str, str], more: dict[str, Any]) -> None:
    """Neither a write nor an outcome."""
    cloud = cloud_of(tags, **more)
    assert seen(cloud).what == "nothing"
    assert cloud.calls == []


def test_a_policy_is_no_haste() -> None:
    """What the policy deallocates, the sweep deallocates: its alert comes first."""
    policy = settings(
        guard_action=GuardAction.DEALLOCATE, guard_deallocate_after=timedelta(hours=1)
    )
    cloud = cloud_of(MARKED, settings=policy)
    assert (seen(cloud).what, cloud.requests) == ("nothing", 0)


@pytest.mark.parametrize("power", [PowerState.RUNNING, PowerState.STOPPING])
def test_an_announced_stop_that_does_not_show_yet_is_looked_at_again(power: PowerState) -> None:
    """Only where somebody wants the VM off at once."""
    assert seen(cloud_of(OFF, power), stops=True).again
    assert seen(cloud_of({}, power, groups=OFF), stops=True).again
    assert not seen(cloud_of(OFF, power)).again
    assert not seen(cloud_of({}, power), stops=True).again
    assert not seen(cloud_of(OFF | {Tag.CAPTURE.value: "yes"}, power), stops=True).again


def test_the_end_of_a_bill_is_told_at_the_event() -> None:
    """The marks go with it."""
    cloud = cloud_of(MARKED, PowerState.RUNNING)
    assert seen(cloud).what == "clear"
    assert [outcome.type for outcome in cloud.published] == [OutcomeType.NO_LONGER_BILLED]


@pytest.mark.parametrize("power", list(PowerState))
def test_without_a_word_and_a_mark_no_event_costs_more_than_its_group(power: PowerState) -> None:
    """The group's tags of a stopped VM are all that is read."""
    cloud = cloud_of({}, power)
    seen(cloud)
    assert cloud.requests == (1 if power is PowerState.STOPPED else 0)


@pytest.mark.parametrize("tags", [LATER, OFF | {Tag.CAPTURE.value: "yes"}])
def test_a_word_of_its_own_or_an_order_saves_the_groups_tags(tags: dict[str, str]) -> None:
    """They would not matter."""
    cloud = cloud_of(tags)
    seen(cloud)
    assert cloud.requests == 0


@pytest.mark.parametrize("power", [p for p in PowerState if p is not PowerState.STOPPED])
def test_no_vm_is_deallocated_that_is_not_stopped(power: PowerState) -> None:
    """Whatever is announced."""
    cloud = cloud_of(OFF, power)
    seen(cloud, stops=True)
    assert not deallocates(cloud)
