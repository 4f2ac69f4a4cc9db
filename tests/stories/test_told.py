"""What was said stays said: nothing is lost, told twice or told falsely, whatever goes wrong."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from shared.model.ids import find_image
from shared.reconcile import reconcile_image
from tests.stories.world import Json, Spine, kinds

HOUR = 3600
SEND = "Microsoft.EventGrid/events/send/action"
BROKEN: Json = {"code": "InternalExecutionError", "message": "An internal execution error."}
RELEASED: Json = {"power": "deallocated", "sysprep": "succeeded"}
IMAGE, TAGS = "/Microsoft.Compute/images/", "web/providers/Microsoft.Resources/tags/default$"


@pytest.fixture
def fresh(spine: Spine) -> Spine:
    """Give the spine in a process that has told nothing yet."""
    return spine.restart()


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
        fresh.sweep_for(2 * HOUR)
    before = len(fresh.outcomes)
    fresh.restart().sweep_for(3 * HOUR)
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
    fresh.sweep_for(3 * HOUR)
    assert fresh.reasons == ["captured"]
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
    fresh.sweep_for(2 * HOUR)
    assert fresh.reasons == [end]
    fresh.restart().sweep_for(2 * HOUR)
    assert fresh.reasons == [end]


def test_of_several_attempts_the_last_one_is_told(fresh: Spine) -> None:
    """Two images failed before the third; with their VM gone they do not tell of a failure."""
    fresh.fault("PUT", IMAGE, operation=BROKEN, count=2)
    vm = fresh.vm(**RELEASED)
    vm.order("managed-image")
    fresh.carry(vm)
    assert fresh.reasons == ["captured"]
    vm.delete()
    fresh.restart().sweep_for(2 * HOUR)
    assert [one["state"] for one in vm.images] == ["Failed", "Failed", "Succeeded"]
    assert fresh.reasons == ["captured"]


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
        reconcile_image(fresh.restart().azure, ref, fresh.client.now())
    assert fresh.reasons == ["captured"]


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
    assert fresh.reasons == ["refused"] * len(told) == ["refused"] * 3


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
        fresh.sweep_for(300)
        seen.add(vm.status)
    assert seen == {"refused"}
    assert fresh.reasons == ["refused"]
    fresh.client.clear_faults()
    fresh.sweep_for(2 * HOUR)
    assert (vm.status, fresh.reasons) == ("captured", ["refused", "captured"])


@pytest.mark.parametrize("power", ["stopped", "deallocated"])
def test_nothing_is_begun_for_a_vm_that_takes_no_word(fresh: Spine, power: str) -> None:
    """A policy forbids our tags: refused as an event, once; nothing deallocated or opened."""
    vm = fresh.vm(power=power, sysprep="succeeded")
    vm.order("managed-image")
    fresh.refuse("PATCH", TAGS, 403, "RequestDisallowedByPolicy", message="No tags.", count=None)
    fresh.sweep_for(2 * HOUR)
    assert (vm.status, vm.state) == (None, (power, False))
    assert fresh.reasons == ["refused"]
    assert "RequestDisallowedByPolicy" in fresh.outcomes[0]["data"]["detail"]
    assert (fresh.disk_reads, set(kinds(fresh.writes))) == ([], {"tags"})
    fresh.client.clear_faults()
    fresh.sweep_for(HOUR)
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


def test_a_dry_run_tells_of_no_image_whose_vm_is_gone(fresh: Spine) -> None:
    """Neither the topic hears of it nor is it noted on the image; without a dry run it is told."""
    vm = fresh.vm("web", **RELEASED)
    vm.order("managed-image")
    fresh.look(vm)
    vm.delete()
    fresh.let(130)
    fresh.under(dry_run=True).sweep_for(HOUR)
    assert fresh.outcomes == []
    fresh.under(dry_run=False).sweep_for(HOUR)
    assert fresh.reasons == ["captured"]
