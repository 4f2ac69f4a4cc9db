"""Boot tests: an image is booted in the workshop before anybody gets it as `latest`."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial

import pytest
import requests
from azure.core.exceptions import HttpResponseError
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from shared.model.ids import VmRef, find_image
from shared.model.settings import BootTest, ProofPolicy
from shared.reconcile import reconcile, reconcile_image
from shared.workshop.boot import DEADLINE
from simulator.client import SteeringError
from tests.stories.workshop import (
    UNDER,
    ends_after,
    in_workshop,
    latest,
    make_workshop,
    opened,
    ordered,
    trial_vms,
)
from tests.stories.world import Hosted, Json, Spine, Vm, empty

LONG = 3600


@pytest.fixture
def world(spine: Spine) -> Spine:
    """Give the world with the app that has a workshop, and a definition."""
    return opened(spine)


def carried(world: Spine, vm: Vm, seconds: int = 2 * LONG) -> None:
    """Let sweeps carry an order for a while."""
    world.carry(vm, 3)
    world.sweep_for(seconds)


def test_an_image_that_boots_becomes_latest(world: Spine) -> None:
    """Excluded until it has booted, then captured and latest; nothing stays in the workshop."""
    vm = world.vm()
    ordered(world, vm)
    world.carry(vm, 3)
    assert vm.status == "capturing"
    assert latest(world) is None
    world.sweep_for(LONG)
    assert (vm.status, world.reasons) == ("captured", ["captured"])
    made = latest(world)
    assert made is not None
    assert (made["tags"]["stillframe-boot"], made["source"]) == ("booted", vm.id)
    assert "it booted and was ready after" in str(vm.said("detail"))
    assert in_workshop(world) == []
    (told,) = world.outcomes
    assert told["data"]["boot"]["verdict"] == "booted"
    assert told["data"]["boot"]["screenshot"].endswith("-1.png")


def test_a_visit_that_comes_second_names_the_same_screenshot(world: Spine) -> None:
    """Its test VM is gone, with its screenshot; what the first visit has kept is still there."""
    vm = world.vm()
    ordered(world, vm)
    carried(world, vm)
    (told,) = world.outcomes
    shown = told["data"]["boot"]["screenshot"]
    name = shown.rpartition("/")[2].removesuffix(".png")
    source = VmRef.find(vm.id)
    assert source
    gone = replace(source, group="stillframe-workshop", name="boot-gone-1")
    assert world.azure.keep_picture(gone, name) == shown
    assert world.azure.keep_picture(gone, "another") == ""


def test_an_image_that_does_not_boot_is_never_latest(world: Spine) -> None:
    """The order failed, in Azure's words; the older version stays latest."""
    good = world.vm("good")
    ordered(world, good)
    carried(world, good)
    world.let(60)
    bad = world.vm("bad", boots=False)
    ordered(world, bad)
    carried(world, bad)
    assert bad.status == "failed"
    assert "OSProvisioningTimedOut" in str(bad.said("detail"))
    assert world.reasons == ["captured", "failed"]
    made = latest(world)
    assert made is not None
    assert made["source"] == good.id
    assert in_workshop(world) == []
    assert world.outcomes[-1]["data"]["boot"]["verdict"] == "does-not-boot"


def test_an_image_that_is_not_prepared_is_never_latest(world: Spine) -> None:
    """Without proof a disk that was not generalized is captured, and the boot test finds it."""
    world.under(**UNDER, proof=ProofPolicy.OFF)
    vm = world.vm()
    vm.order("golden/windows", test="yes")
    world.look(vm)
    vm.guest("shutdown")
    world.let(120)
    carried(world, vm)
    assert (vm.status, latest(world)) == ("failed", None)
    assert "not prepared" in str(vm.said("detail"))
    assert in_workshop(world) == []


def test_what_azure_has_no_room_for_is_tried_again(world: Spine) -> None:
    """No capacity: no verdict, said in Azure's words, tried again later; then it boots."""
    words = {"message": "The requested VM size is currently not available."}
    world.refuse("PUT", r"virtualMachines/boot-[^/]*$", 409, "SkuNotAvailable", count=2, **words)
    vm = world.vm()
    ordered(world, vm)
    carried(world, vm, LONG // 2)
    assert vm.status == "capturing"
    assert "SkuNotAvailable" in str(vm.said("detail"))
    assert latest(world) is None
    world.sweep_for(3 * LONG)
    assert (vm.status, world.reasons) == ("captured", ["captured"])
    assert vm.images[0]["tags"]["stillframe-boot-attempts"] == "2"
    assert in_workshop(world) == []


def test_what_is_never_known_fails_in_the_end(world: Spine) -> None:
    """After the last attempt without a verdict the order failed, and the image stays excluded."""
    world.refuse("PUT", r"virtualMachines/boot-[^/]*$", 403, "RequestDisallowedByPolicy", count=99)
    vm = world.vm()
    ordered(world, vm)
    world.carry(vm, 3)
    for _ in range(24):
        world.let(LONG)
        world.sweep(world.client.now() - timedelta(hours=1))
    assert (vm.status, world.reasons, latest(world)) == ("failed", ["failed"], None)
    assert "RequestDisallowedByPolicy" in str(vm.said("detail"))
    assert in_workshop(world) == []


def test_a_version_that_its_owner_excludes_stays_excluded(world: Spine) -> None:
    """`stillframe-latest: no` holds, whatever the test says."""
    vm = world.vm()
    ordered(world, vm, latest="no")
    carried(world, vm)
    assert (vm.status, latest(world)) == ("captured", None)
    assert vm.images[0]["tags"]["stillframe-boot"] == "booted"


def test_a_managed_image_is_tested_too(world: Spine) -> None:
    """It is captured when it has booted; its tags say so."""
    vm = world.vm()
    ordered(world, vm, "managed-image")
    carried(world, vm)
    assert vm.status == "captured"
    assert vm.images[0]["tags"]["stillframe-boot"] == "booted"
    assert in_workshop(world) == []


def test_a_source_may_go_before_its_image_is_tested(world: Spine) -> None:
    """Its image has what the test VM needs; once an hour images are looked at."""
    vm = world.vm(data_disks=[{}], security_type="Standard")
    ordered(world, vm)
    world.carry(vm, 2)
    source = vm.id
    vm.delete()
    world.let(120)
    for _ in range(3):
        world.let(LONG)
        world.sweep(world.client.now() - timedelta(hours=1))
    made = latest(world)
    assert made is not None
    assert made["source"] == source
    assert in_workshop(world) == []
    assert world.reasons == ["captured"]


def test_a_test_vm_is_like_its_source(world: Spine) -> None:
    """Size, security and data disks are the source's; its tags too, but for Stillframe's."""
    world.definition("secure", security="TrustedLaunch")
    vm = world.vm(
        security_type="TrustedLaunch", data_disks=[{}, {}], size="Standard_E4ds_v5",
        tags={"Cost Center": "7"}, license_type="Windows_Server",
    )  # fmt: skip
    ordered(world, vm, "golden/secure")
    world.carry(vm, 3)
    (trial,) = trial_vms(world)
    shown = world.owner("GET", f"{trial['id']}?api-version=2026-04-01")
    own, properties = shown["tags"], shown["properties"]
    assert own == {"cost center": "7"}
    assert properties["hardwareProfile"]["vmSize"] == "Standard_E4ds_v5"
    assert properties["securityProfile"]["securityType"] == "TrustedLaunch"
    assert properties["licenseType"] == "Windows_Server"
    assert len(properties["storageProfile"]["dataDisks"]) == 2
    assert "adminPassword" not in str(properties)
    world.sweep_for(LONG)
    assert vm.status == "captured"


@pytest.mark.parametrize(
    ("policy", "asked", "status"),
    [
        (BootTest.OFF, "yes", "refused"),
        (BootTest.ALWAYS, "no", "refused"),
        (BootTest.WHEN_ASKED, "maybe", "refused"),
        (BootTest.WHEN_ASKED, "no", "waiting"),
        (BootTest.ALWAYS, "yes", "waiting"),
    ],
)
def test_what_may_be_asked(world: Spine, policy: BootTest, asked: str, status: str) -> None:
    """The tag asks for a test; without a workshop it is refused, and so is an opt-out of always."""
    world.under(boot_test=policy)
    vm = world.vm()
    vm.order("golden/windows", test=asked)
    world.look(vm)
    assert vm.status == status


def test_always_needs_no_tag(world: Spine) -> None:
    """With BOOT_TEST=always every image is booted."""
    world.under(boot_test=BootTest.ALWAYS)
    vm = world.vm()
    vm.order("golden/windows")
    world.look(vm)
    vm.guest("sysprep")
    world.let(120)
    carried(world, vm)
    assert vm.images[0]["tags"]["stillframe-boot"] == "booted"


def test_a_dry_run_boots_nothing(world: Spine) -> None:
    """Nothing is created, and what is left in the workshop stays."""
    vm = world.vm()
    ordered(world, vm)
    world.carry(vm, 1)
    world.under(dry_run=True)
    world.forget_requests()
    world.let(300)
    world.sweep_for(LONG)
    assert world.writes == []


def test_the_workshop_is_left_to_itself(world: Spine) -> None:
    """Whatever else is in the workshop, and no test VM is billed: neither is touched."""
    kept = world.vm("somebodys", group="stillframe-workshop", power="stopped")
    world.sweep_for(LONG)
    assert kept.state == ("stopped", False)
    assert world.writes == []


CASES: dict[str, Json] = {"boots": {}, "does not boot": {"boots": False}}


@pytest.mark.parametrize("words", CASES.values(), ids=CASES)
def test_a_process_may_end_at_any_request(world: Spine, words: Json) -> None:
    """Before and after each request of a boot test; then sweeps alone: told once, nothing left."""
    points = 0
    while True:
        world.client.reset()
        world.client.settings(durations={"version": 60, "access": 0}, retry_after=0)
        world.client.create_group("images")
        opened(world)
        vm = world.vm(f"vm-{points}", **words)
        ordered(world, vm)
        world.carry(vm, 2)
        died = ends_after(world, points, partial(step, world, vm))
        world.restart()
        for _ in range(5):
            world.let(LONG // 2)
            world.sweep(world.client.now() - timedelta(minutes=30))
        expected = "failed" if words else "captured"
        assert (vm.status, in_workshop(world)) == (expected, [])
        assert set(world.reasons) == {expected}
        assert len({one["id"] for one in world.outcomes}) == 1
        assert (latest(world) is not None) == (not words)
        if not died:
            break
        points += 1
    print(f"{points} points")  # noqa: T201 shown by pytest -s: how much is tried
    assert points >= 40


def step(world: Spine, vm: Vm) -> None:
    """Take the looks that events would cause: at the image and at the test VM."""
    now = world.client.now()
    for trial in trial_vms(world):
        ref = VmRef.find(trial["id"])
        assert ref
        reconcile(world.azure, ref, now)
    for image in vm.images:
        named = find_image(image["id"])
        assert named
        reconcile_image(world.azure, named, now)
    world.let(700)


MORE_WRITES, MORE_READS = 5, 7
"""Beyond a capture without a test; asking for the screenshot's URL, a POST, is one of the reads."""


def test_events_alone_carry_a_test_through(booting: Hosted) -> None:
    """Captured and latest without a sweep, at five writes and seven reads more; no run fails."""
    booting.definition()
    sums = []
    for name, test in (("plain", "no"), ("tested", "yes")):
        vm = booting.vm(name)
        booting.forget_requests()
        vm.order("golden/windows", test=test)
        vm.sysprep()
        assert vm.status == "captured"
        made = latest(booting)
        assert made is not None
        assert made["source"] == vm.id
        writes = [one for one in booting.writes if not one["path"].endswith("DiagnosticsData")]
        sums.append((len(writes), len(booting.requests) - len(writes)))
    (plain_writes, plain_reads), (tested_writes, tested_reads) = sums
    assert tested_writes - plain_writes <= MORE_WRITES
    assert tested_reads - plain_reads <= MORE_READS
    assert booting.polls == []
    assert (booting.failures, in_workshop(booting)) == ([], [])


def test_events_alone_end_one_that_fails(booting: Hosted) -> None:
    """Its VM's failed creation is an event too: the order failed, without a sweep."""
    booting.definition()
    vm = booting.vm(boots=False)
    vm.order("golden/windows", test="yes")
    vm.sysprep()
    assert (vm.status, booting.reasons, latest(booting)) == ("failed", ["failed"], None)
    assert (booting.failures, in_workshop(booting)) == ([], [])


@pytest.fixture
def booting(play: Callable[[str], Hosted]) -> Hosted:
    """Give the world with the app deployed with a workshop."""
    world = play("booting")
    make_workshop(world)
    return world


HAPPENINGS = ("order", "sysprep", "shutdown", "deallocate", "time", "hour", "gone", "sweep", "full")
histories = st.lists(
    st.tuples(st.sampled_from(HAPPENINGS), st.sampled_from([0, 1])), min_size=4, max_size=14
)
CAPTURED = [("order", 0), ("sysprep", 0), ("time", 0), ("sweep", 0), ("sweep", 0), ("hour", 0)]
GOES = [("order", 0), ("sysprep", 0), ("sweep", 0), ("sweep", 0), ("time", 0), ("gone", 0)]


@given(acts=histories, boots=st.tuples(st.booleans(), st.booleans()))
@example(acts=[*CAPTURED, *((act, 1) for act, _ in CAPTURED)], boots=(True, False))
@example(acts=[*GOES, ("hour", 0), ("hour", 0)], boots=(True, True))
@settings(
    max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_latest_always_boots(
    spine: Spine, acts: list[tuple[str, int]], boots: tuple[bool, bool]
) -> None:
    """Over any history: whoever gets `latest` gets what boots, and the workshop is never old.

    Proof and boot test never contradict each other: what the disk showed to be generalized is never
    called not prepared.
    """
    empty(spine.client)
    world = opened(spine).under(boot_test=BootTest.ALWAYS)
    vms = [world.vm(f"vm{n}", boots=able) for n, able in enumerate(boots)]
    for act, which in [*acts, *[("hour", 0)] * 6, ("time", 0)]:
        happen(world, vms[which], act)
        hold(world)
    assert in_workshop(world) == []


def happen(world: Spine, vm: Vm, act: str) -> None:
    """Let something happen, if it can; then a sweep."""
    before = world.client.now()
    with suppress(HttpResponseError, SteeringError, requests.HTTPError):
        match act:
            case "order":
                vm.order("golden/windows")
            case "sysprep" | "shutdown":
                vm.guest(act)
            case "deallocate":
                vm.power(act)
            case "gone":
                vm.delete()
            case "full":
                world.refuse("PUT", r"virtualMachines/boot-[^/]*$", 409, "SkuNotAvailable")
    world.let(LONG if act == "hour" else 150)
    world.sweep(before)


def hold(world: Spine) -> None:
    """Assert the guarantees in the current state."""
    made = latest(world)
    if made is not None:
        assert made["boots"], made
        assert made["sysprep"] == "succeeded", made
        assert made["tags"]["stillframe-boot"] == "booted", made
    for one in world.client.captures():
        proved = one["tags"].get("stillframe-proof") == "generalized"
        assert not proved or one["tags"].get("stillframe-boot") != "not-prepared", one
    now = world.client.now()
    for trial in trial_vms(world):
        path = f"{trial['id']}?api-version=2026-04-01"
        created = datetime.fromisoformat(world.owner("GET", path)["properties"]["timeCreated"])
        assert now - created <= DEADLINE + timedelta(minutes=61), trial
