"""What was said stays said: nothing is lost, told twice or told falsely, whatever goes wrong."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest

from shared.azure_client import find_credential
from shared.model import find_image
from shared.reconcile import reconcile_image
from shared.topic import Topic
from tests.stories.world import Hosted, Json, Spine, kinds

HOUR = 3600
SEND = "Microsoft.EventGrid/events/send/action"
BROKEN: Json = {"code": "InternalExecutionError", "message": "An internal execution error."}
RELEASED: Json = {"power": "deallocated", "sysprep": "succeeded"}
IMAGE, TAGS = "/Microsoft.Compute/images/", "web/providers/Microsoft.Resources/tags/default$"


@pytest.fixture
def fresh(spine: Spine) -> Spine:
    """Give the spine in a process that has told nothing yet."""
    return restarted(spine)


def restarted(world: Spine) -> Spine:
    """Forget what the process remembers, as a restart does."""
    endpoint = world.azure.settings.outcome_topic
    world.azure = replace(world.azure, topic=Topic(endpoint, find_credential()))
    return world


def reasons(world: Hosted | Spine) -> list[str]:
    """Return what the outcome events gave as their reasons."""
    return [one["data"]["reason"] for one in world.outcomes]


def hourly(world: Spine, hours: int) -> None:
    """Let time pass, with twelve sweeps in each hour."""
    for _ in range(12 * hours):
        before = world.client.now()
        world.let(HOUR / 12)
        world.sweep(before)


@contextmanager
def no_topic(world: Spine) -> Iterator[None]:
    """Let the topic be gone for a while."""
    (topic,) = [one for one in topics(world) if one["name"] == "outcomes"]
    path = f"{topic['id']}?api-version=2025-02-15"
    world.owner("DELETE", path)
    yield
    body = {"location": topic["location"], "properties": {"inputSchema": "CloudEventSchemaV1_0"}}
    world.owner("PUT", path, body)


@contextmanager
def no_right(world: Spine) -> Iterator[None]:
    """Take the right to publish away for a while."""
    before = world.client.roles()
    without = world.client.roles()
    for role in without["roleDefinitions"]:
        for one in role["properties"]["permissions"]:
            one["dataActions"] = [it for it in one.get("dataActions", []) if it != SEND]
    world.client.set_roles(without)
    yield
    world.client.set_roles(before)


def topics(world: Spine) -> list[Json]:
    """Return the subscription's custom topics."""
    path = f"/subscriptions/{world.simulator.subscription_id}/providers/Microsoft.EventGrid/topics"
    return list(world.owner("GET", f"{path}?api-version=2025-02-15")["value"])


@pytest.mark.parametrize("refusing", [no_right, no_topic])
@pytest.mark.parametrize("end", ["captured", "not-generalized", "refused"])
def test_what_the_topic_refuses_is_told_when_it_takes_it_again(
    fresh: Spine, refusing: object, end: str
) -> None:
    """403 or 404: the words stand on the VM, an hour of sweeps later it is told, and once."""
    assert callable(refusing)
    sysprep = "succeeded" if end == "captured" else "failed"
    vm = fresh.vm(power="deallocated", sysprep=sysprep)
    with refusing(fresh):
        vm.order("nonsense" if end == "refused" else "managed-image")
        fresh.carry(vm)
        assert vm.status == end
        assert vm.said("untold")
        hourly(fresh, 2)
    before = len(fresh.outcomes)
    hourly(restarted(fresh), 3)
    told = fresh.outcomes[before:]
    assert [one["data"]["reason"] for one in told] == [end]
    assert (vm.status, vm.said("untold")) == (end, None)
    fresh.forget_requests()
    assert fresh.sweep().looked == 0


def test_an_image_deleted_before_its_outcome_could_be_told_is_not_made_again(fresh: Spine) -> None:
    """The topic refuses `captured`, the owner deletes the image: it is told, never remade."""
    vm = fresh.vm(**RELEASED)
    with no_right(fresh):
        vm.order("managed-image")
        fresh.carry(vm)
        (image,) = vm.images
        fresh.owner("DELETE", f"{image['id']}?api-version=2026-04-01")
        fresh.let(300)
    hourly(fresh, 3)
    assert reasons(fresh) == ["captured"]
    assert (vm.status, kinds(fresh.writes).count("images")) == ("captured", 1)


@pytest.mark.parametrize("remade", [False, True], ids=["gone", "made anew"])
@pytest.mark.parametrize("order", ["managed-image", "golden/windows"])
@pytest.mark.parametrize("end", ["captured", "failed"])
def test_an_image_whose_vm_and_event_are_lost_is_found_by_the_sweep(
    fresh: Spine, order: str, end: str, *, remade: bool
) -> None:
    """Within the hour of its end the image's own tags tell, once for good."""
    fresh.definition()
    fresh.client.settings(durations={"version": 600, "image": 600})
    if end == "failed":
        fresh.fault("PUT", "/images/", operation=BROKEN)
    vm = fresh.vm(**RELEASED)
    vm.order(order)
    fresh.look(vm)
    assert vm.status == "capturing"
    vm.delete()
    fresh.let(60)
    if remade:
        fresh.vm()
    hourly(fresh, 2)
    assert reasons(fresh) == [end]
    hourly(restarted(fresh), 2)
    assert reasons(fresh) == [end]


def test_of_several_attempts_the_last_one_is_told(fresh: Spine) -> None:
    """Two images failed before the third; with their VM gone they do not tell of a failure."""
    fresh.fault("PUT", IMAGE, operation=BROKEN, count=2)
    vm = fresh.vm(**RELEASED)
    vm.order("managed-image")
    fresh.carry(vm)
    assert reasons(fresh) == ["captured"]
    vm.delete()
    hourly(restarted(fresh), 2)
    assert [one["state"] for one in vm.images] == ["Failed", "Failed", "Succeeded"]
    assert reasons(fresh) == ["captured"]


@pytest.mark.parametrize("gone", [False, True])
def test_an_image_that_is_edited_later_tells_nothing(fresh: Spine, *, gone: bool) -> None:
    """Its end has been told, by its VM or by itself; another process, years later, is no news."""
    fresh.client.settings(durations={"image": 600})
    vm = fresh.vm(**RELEASED)
    vm.order("managed-image")
    fresh.look(vm)
    if gone:
        vm.delete()
    fresh.let(700)
    (image,) = vm.images
    ref = find_image(image["id"])
    assert ref
    reconcile_image(fresh.azure, ref, fresh.client.now())
    if not gone:
        vm.delete()
        fresh.let(60)
    for _ in range(3):
        reconcile_image(restarted(fresh).azure, ref, fresh.client.now())
    assert reasons(fresh) == ["captured"]


def test_the_same_refusal_after_the_order_was_good_is_told_again(fresh: Spine) -> None:
    """Wrong, mended, and wrong in the same way: two outcomes, of one process, with two ids."""
    vm = fresh.vm()
    for order in ("nonsense", "managed-image", "nonsense"):
        vm.order(order)
        fresh.look(vm)
        fresh.let(HOUR)
    vm.withdraw()
    fresh.look(vm)
    vm.order("nonsense")
    fresh.look(vm)
    told = {one["id"] for one in fresh.outcomes}
    assert reasons(fresh) == ["refused"] * len(told) == ["refused"] * 3


def test_a_refused_image_is_refused_all_the_while(fresh: Spine) -> None:
    """Azure's words name another request each time: six hours of sweeps tell it once.

    And no sweep finds the VM `capturing` between one hour's try and the next.
    """
    vm = fresh.vm(**RELEASED)
    vm.order("managed-image")
    words = [f"No; request 11111111-2222-4333-8444-{n:012}" for n in range(100)]
    for message in words:
        fresh.refuse("PUT", IMAGE, 403, "RequestDisallowedByPolicy", message=message)
    fresh.look(vm)
    seen = set()
    for _ in range(72):
        hourly_before = fresh.client.now()
        fresh.let(300)
        fresh.sweep(hourly_before)
        seen.add(vm.status)
    assert seen == {"refused"}
    assert reasons(fresh) == ["refused"]
    fresh.client.clear_faults()
    hourly(fresh, 2)
    assert (vm.status, reasons(fresh)) == ("captured", ["refused", "captured"])


@pytest.mark.parametrize("power", ["stopped", "deallocated"])
def test_nothing_is_begun_for_a_vm_that_takes_no_word(fresh: Spine, power: str) -> None:
    """A policy forbids our tags: refused as an event, once; nothing deallocated or opened."""
    vm = fresh.vm(power=power, sysprep="succeeded")
    vm.order("managed-image")
    fresh.refuse("PATCH", TAGS, 403, "RequestDisallowedByPolicy", message="No tags.", count=None)
    hourly(fresh, 2)
    assert (vm.status, vm.state) == (None, (power, False))
    assert reasons(fresh) == ["refused"]
    assert "RequestDisallowedByPolicy" in fresh.outcomes[0]["data"]["detail"]
    assert (fresh.disk_reads, set(kinds(fresh.writes))) == ([], {"tags"})
    fresh.client.clear_faults()
    hourly(fresh, 1)
    assert vm.status == "captured"


@pytest.mark.parametrize("where", ["VM", "disk"])
def test_a_vm_with_no_room_for_our_tags_is_refused_while_it_runs(fresh: Spine, where: str) -> None:
    """Azure takes 50 tags: what others have is counted, on the VM and on its OS disk."""
    others = {f"team-{n}": "a" for n in range(45)}
    vm = fresh.vm(tags=others if where == "VM" else {})
    if where == "disk":
        vm.tag_disk(others)
    vm.order("managed-image")
    fresh.look(vm)
    (outcome,) = fresh.outcomes
    assert outcome["data"]["reason"] == "refused"
    assert "Azure allows 50" in outcome["data"]["detail"]
    vm.guest("sysprep")
    fresh.let(300)
    fresh.look(vm)
    assert vm.state == ("stopped", False)
    assert set(kinds(fresh.writes)) <= {"tags"}
