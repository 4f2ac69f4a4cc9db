"""Orders that keep their VM: a copy is captured in the workshop, and the VM never knows of it."""

import os
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from functools import partial

import pytest
from azure.core.exceptions import HttpResponseError
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from shared.model.errors import Transient
from shared.model.ids import VmRef, find_image
from shared.model.settings import KeepSource
from shared.reconcile import reconcile, reconcile_image
from simulator.client import SteeringError
from tests.stories.workshop import (
    DEFINITION,
    UNDER,
    ends_after,
    in_workshop,
    latest,
    make_workshop,
    opened,
    trial_vms,
)
from tests.stories.world import Hosted, Json, Spine, Vm, empty, kinds

LONG = 3600
LEAST_POINTS = 60
KEEPING: Json = UNDER | {"keep_source": KeepSource.WHEN_ASKED}
WHY = "SYSPRP Package Contoso.App was installed for a user, but not provisioned for all users."


@pytest.fixture
def world(spine: Spine) -> Spine:
    """Give the world with the app that has a workshop, and a definition."""
    return opened(spine).under(**KEEPING)


def ordered(world: Spine, vm: Vm, target: str = "golden/windows", **others: str) -> Json:
    """Order an image of a copy, let sweeps carry it to its end; return the VM as it was before."""
    before = vm.facts
    vm.order(target, keep="yes", **others)
    world.look(vm)
    world.sweep_for(LONG)
    return before


def untouched(vm: Vm, before: Json) -> None:
    """Assert that nothing of a VM has changed but its tags."""
    after = vm.facts
    same = ("power", "generalized", "sysprep", "boots", "osDisk", "osDiskTags", "dataDisks", "vmId")
    assert {name: after[name] for name in same} == {name: before[name] for name in same}


@pytest.mark.parametrize(
    ("words", "target"),
    [
        ({"power": "deallocated"}, "golden/windows"),
        ({"power": "deallocated", "data_disks": [{}, {}]}, "golden/windows"),
        ({}, "golden/windows"),
        ({"data_disks": [{}, {}]}, "golden/windows"),
        ({"power": "stopped"}, "golden/windows"),
        ({}, "managed-image"),
    ],
)
def test_a_copy_is_captured_and_the_vm_is_left_as_it_is(
    world: Spine, words: Json, target: str
) -> None:
    """Deallocated or running, with data disks or without: captured, and the workshop is empty."""
    vm = world.vm(**words)
    before = ordered(world, vm, target)
    assert (vm.status, world.reasons) == ("captured", ["captured"])
    untouched(vm, before)
    (made,) = world.client.captures()
    assert (made["state"], made["sysprep"]) == ("Succeeded", "succeeded")
    assert len(made["dataDisks"]) == len(words.get("data_disks", []))
    assert made["tags"]["stillframe-copy-of"].lower() == f"rg-vms/{vm.name}"
    (told,) = [one for one in world.outcomes if "reason" in one["data"]]
    assert told["data"]["vm"]["id"].lower() == vm.id.lower()
    assert in_workshop(world) == []


def test_trusted_launch_and_linux(world: Spine) -> None:
    """The copy has its VM's security type; waagent runs where Sysprep does not exist."""
    world.definition("linux", security="TrustedLaunch", osType="Linux")
    vm = world.vm(os="Linux", security_type="TrustedLaunch")
    before = ordered(world, vm, "golden/linux")
    assert vm.status == "captured"
    untouched(vm, before)
    assert in_workshop(world) == []


def test_only_the_os_disk_is_captured_if_that_is_wanted(world: Spine) -> None:
    """`stillframe-disks: os`."""
    vm = world.vm(data_disks=[{}])
    ordered(world, vm, disks="os")
    (made,) = world.client.captures()
    assert (vm.status, made["dataDisks"]) == ("captured", [])


def test_what_sysprep_says_in_the_copy_is_told(world: Spine) -> None:
    """It fails there: its own words reach the owner, the VM runs on, nothing is left."""
    vm = world.vm(ails=WHY)
    before = ordered(world, vm)
    world.sweep_for(LONG)
    assert (vm.status, world.reasons) == ("not-generalized", ["not-generalized"])
    assert "Contoso.App" in str(vm.said("detail"))
    untouched(vm, before)
    assert (world.client.captures(), in_workshop(world)) == ([], [])
    world.forget_requests()
    world.sweep_for(LONG)
    assert world.writes == []  # until it is ordered again


def test_a_copy_is_booted_before_it_is_latest(world: Spine) -> None:
    """Both in the workshop: the copy is captured, its image booted, then it is latest."""
    vm = world.vm()
    before = ordered(world, vm, test="yes")
    world.sweep_for(LONG)
    assert vm.status == "captured"
    untouched(vm, before)
    made = latest(world, DEFINITION)
    assert made is not None
    assert made["tags"]["stillframe-boot"] == "booted"
    assert in_workshop(world) == []


def test_an_order_is_repeated(world: Spine) -> None:
    """The tag taken off and set again: the next image, of the same VM, which still runs."""
    vm = world.vm()
    ordered(world, vm)
    vm.withdraw()
    world.look(vm)
    assert not vm.told
    before = ordered(world, vm)
    assert vm.said("status") == "captured"
    assert world.reasons == ["captured", "captured"]
    untouched(vm, before)
    assert len(world.client.captures()) == 2
    assert in_workshop(world) == []


def test_a_withdrawn_order_leaves_nothing(world: Spine) -> None:
    """The copy goes as soon as it is looked at."""
    vm = world.vm()
    vm.order("golden/windows", keep="yes")
    for _ in range(3):
        world.look(vm)
        world.let(60)
    assert in_workshop(world)
    vm.withdraw()
    world.look(vm)
    world.let(4 * LONG)
    world.sweep_for(LONG)
    assert in_workshop(world) == []
    assert world.client.captures() == []


def test_azure_has_no_room_for_the_copy(world: Spine) -> None:
    """Refused in its words, before anything that cannot be undone; tried again within the hour."""
    words = {"message": "The requested VM size is currently not available."}
    world.refuse("PUT", r"virtualMachines/keep-[^/]*$", 409, "SkuNotAvailable", **words)
    vm = world.vm()
    before = ordered(world, vm)
    refused = world.outcomes[0]
    assert "SkuNotAvailable" in refused["data"]["detail"]
    world.sweep_for(5 * LONG)
    assert vm.status == "captured"
    assert world.reasons == ["refused", "captured"]
    untouched(vm, before)
    assert in_workshop(world) == []


@pytest.mark.parametrize(
    ("tags", "under", "status"),
    [
        ({"keep": "yes"}, {"keep_source": KeepSource.OFF}, "refused"),
        ({"keep": "monthly"}, {}, "refused"),
        ({"keep": "maybe"}, {}, "refused"),
        ({"keep": "yes", "disks": "some"}, {}, "refused"),
        ({"keep": "no"}, {"keep_source": KeepSource.ALWAYS}, "waiting"),
        ({}, {"keep_source": KeepSource.ALWAYS}, "capturing"),
        ({}, {"in_place": False}, "refused"),
        ({"keep": "yes"}, {"in_place": False}, "capturing"),
    ],
)
def test_what_may_be_asked(world: Spine, tags: dict[str, str], under: Json, status: str) -> None:
    """By tag and setting: a copy, the VM itself, or refused with the reason."""
    world.under(**under)
    vm = world.vm()
    vm.order("golden/windows", **tags)
    world.look(vm)
    assert vm.status == status


def test_an_open_disk_is_not_copied(world: Spine) -> None:
    """A backup reads it: the copy waits until that has ended."""
    vm = world.vm(power="deallocated")
    path = f"{vm.facts['osDisk']}/beginGetAccess?api-version=2026-03-02"
    world.owner("POST", path, {"access": "Read", "durationInSeconds": 900})
    world.let(5)
    vm.order("golden/windows", keep="yes")
    world.sweep(world.client.now() - timedelta(minutes=5))
    assert vm.status == "waiting"
    world.let(LONG)
    world.sweep_for(LONG)
    assert vm.status == "captured"


def test_copies_only_need_no_right_on_the_vm(world: Spine) -> None:
    """With the roles of captureInPlace=false the app cannot deallocate or write the VM itself."""
    world.deploy_roles("keeping")
    world.under(in_place=False, keep_source=KeepSource.ALWAYS).restart()
    vm = world.vm(data_disks=[{}])
    before = ordered(world, vm)
    assert vm.status == "captured"
    untouched(vm, before)


CASES: dict[str, Json] = {
    "deallocated": {"power": "deallocated", "data_disks": [{}]},
    "running, Sysprep fails": {"ails": WHY},
    "running, with data disks": {"data_disks": [{}]},
}
APART = int(os.environ.get("POINTS_APART", "4"))
"""Every that many points a process ends; 1 tries all, in minutes."""


@pytest.mark.parametrize("words", CASES.values(), ids=CASES)
def test_a_process_may_end_at_any_request(world: Spine, words: Json) -> None:
    """Before and after each request of a copy; then sweeps alone: told once, nothing left."""
    points, died = len(words) % APART, True
    while died:
        empty(world.client)
        opened(world).under(**KEEPING)
        vm = world.vm(f"vm-{points}", **words)
        before = vm.facts
        vm.order("golden/windows", keep="yes")
        died = ends_after(world, points, partial(step, world, vm), steps=14)
        world.restart()
        for minutes in (10,) * 15 + (60,) * 4:
            world.let(minutes * 60)
            world.sweep(world.client.now() - timedelta(minutes=minutes))
        expected = "not-generalized" if "ails" in words else "captured"
        assert (vm.status, in_workshop(world)) == (expected, []), points
        assert set(world.reasons) == {expected}, points
        told = {one["id"] for one in world.outcomes if "reason" in one["data"]}
        assert len(told) == 1, points
        untouched(vm, before)
        points += APART
    print(f"{points} points")  # noqa: T201 shown by pytest -s: how much is tried
    assert points > LEAST_POINTS


def step(world: Spine, vm: Vm) -> None:
    """Take the looks that events would cause: at the VM, its copy, and the image."""
    now = world.client.now()
    world.look(vm)
    for copy in trial_vms(world):
        ref = VmRef.find(copy["id"])
        assert ref
        with suppress(Transient):
            reconcile(world.azure, ref, now)
    for image in world.client.captures():
        named = find_image(image["id"])
        assert named
        reconcile_image(world.azure, named, now)
    world.let(150)


MOST_WRITES = 13
"""Of a copy, beyond the one that starts the image, the tags, and the three of the proof."""


@pytest.mark.parametrize("words", [{"power": "deallocated"}, {}, {"data_disks": [{}, {}]}])
def test_events_alone_carry_a_copy_through(play: Callable[[str], Hosted], words: Json) -> None:
    """Captured without a sweep and without a poll but for the proof's; no run fails."""
    world = play("booting")
    make_workshop(world)
    world.definition()
    vm = world.vm(**words)
    before = vm.facts
    world.forget_requests()
    vm.order("golden/windows", keep="yes")
    for _ in range(4):  # a script that is about to run is nothing that one could wait for
        world.settle()
        world.let(120)
    assert (vm.status, world.reasons) == ("captured", ["captured"])
    untouched(vm, before)
    writes = kinds(world.writes)
    made = [one for one in writes if one not in ("tags", "versions")]
    assert len(made) <= MOST_WRITES, writes
    assert world.polls == []
    assert (world.failures, in_workshop(world)) == ([], [])


HAPPENINGS = (
    *("order", "withdraw", "os only", "start", "deallocate", "shutdown", "read the disk"),
    *("time", "hour", "full", "no copy"),
)
histories = st.lists(st.sampled_from(HAPPENINGS), min_size=3, max_size=12)


@given(acts=histories, words=st.sampled_from([{}, {"data_disks": [{}]}, {"ails": WHY}]))
@example(acts=["order", "time", "time", "withdraw", "order", "hour"], words={})
@example(acts=["order", "time", "deallocate", "time", "start", "hour"], words={"data_disks": [{}]})
@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_a_kept_vm_never_knows(spine: Spine, acts: list[str], words: Json) -> None:
    """Over any history: the app writes nothing of the VM but tags, and the workshop gets empty.

    Its power state is what people and its guest made it, and its disk is what it was.
    """
    empty(spine.client)
    world = opened(spine).under(**KEEPING)
    vm = world.vm(**words)
    before = vm.facts
    world.forget_requests()
    for act in [*acts, *["time"] * 30, *["hour"] * 5]:
        happen(world, vm, act)
        assert set(kinds(vm.writes)) <= {"tags"}
        after = vm.facts
        same = ("generalized", "sysprep", "osDisk", "osDiskTags", "dataDisks")
        assert {name: after[name] for name in same} == {name: before[name] for name in same}
    assert in_workshop(world) == []
    for image in world.client.captures():
        assert image["sysprep"] == "succeeded", image


def happen(world: Spine, vm: Vm, act: str) -> None:
    """Let something happen, if it can; then a sweep."""
    before = world.client.now()
    with suppress(HttpResponseError, SteeringError, KeyError):
        match act:
            case "order":
                vm.order("golden/windows", keep="yes")
            case "os only":
                vm.tag({"stillframe-disks": "os"})
            case "withdraw":
                vm.withdraw()
            case "start" | "deallocate":
                vm.power(act)
            case "shutdown":
                vm.guest(act)
            case "read the disk":
                path = f"{vm.facts['osDisk']}/beginGetAccess?api-version=2026-03-02"
                world.owner("POST", path, {"access": "Read", "durationInSeconds": 90})
            case "full":
                world.refuse("PUT", r"virtualMachines/keep-[^/]*$", 409, "SkuNotAvailable")
            case "no copy":
                doomed = {"code": "InternalServerError", "message": "No."}
                world.fault("PUT", r"/(disks|snapshots)/keep-", operation=doomed)
    world.let(LONG if act == "hour" else 300)
    world.sweep(before)
