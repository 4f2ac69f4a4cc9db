"""From any state the loop comes to rest, and at rest a sweep costs the lists alone.

The spine is called as events and timer would call it, on VMs in whatever state; Hypothesis draws
what has become of them before.
"""

from contextlib import suppress
from dataclasses import dataclass

import pytest
from azure.core.exceptions import HttpResponseError
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from shared.model.settings import ProofPolicy
from shared.model.tags import Status
from tests.stories.world import Spine, Vm, beyond_lists, empty, kinds

LOOKS = 8
"""More than a capture with two failed images takes, with the time of an operation between."""

GRACE = 3600
"""Simulated seconds until a VM that stands stopped is alerted."""

RESTING = {"waiting", "captured", "refused", "failed", "not-generalized"}
ORDERS = [None, "yes", "managed-image", "golden/windows", "golden/missing", "nonsense"]
FAILED = {"code": "InternalExecutionError", "message": "No."}
INSTANTS = ["2026-01-01T00:00:00.000Z", "9999-12-31T23:59:59.999Z", "no instant"]
LABELS = ["managed-image", "golden/windows", "golden/windows/1.0.0", "web-20260101-000000000", ""]


@dataclass(frozen=True)
class Before:
    """What has become of a VM before the first look."""

    power: str
    generalized: bool
    security: str
    order: str | None
    ours: dict[str, str]
    failing: int
    number: str | None
    proof: ProofPolicy
    rights: bool
    sysprep: str = "never"
    moves: str = "never"


FROM_THE_FUTURE = Before(
    power="running",
    generalized=False,
    security="Standard",
    order="yes",
    ours={
        "stillframe-status": "capturing",
        "stillframe-image": "golden/windows",
        "stillframe-as-of": "9999-12-31T23:59:59.999Z",
    },
    failing=0,
    number=None,
    proof=ProofPolicy.OFF,
    rights=True,
)
"""A VM with tags of a capture that is yet to come, as a template or a hand may have left them."""


def ours() -> st.SearchStrategy[dict[str, str]]:
    """Draw tags of ours as they may have been left, by us or by somebody's template."""
    return st.fixed_dictionaries(
        {},
        optional={
            "stillframe-status": st.sampled_from([*map(str, Status), "done", ""]),
            "stillframe-detail": st.just("as it was"),
            "stillframe-image": st.sampled_from(LABELS),
            "stillframe-as-of": st.sampled_from(INSTANTS),
        },
    )


befores = st.builds(
    Before,
    power=st.sampled_from(["running", "stopped", "deallocated"]),
    generalized=st.booleans(),
    security=st.sampled_from(["Standard", "Standard", "TrustedLaunch"]),
    order=st.sampled_from(ORDERS),
    ours=ours(),
    failing=st.integers(0, 4),
    number=st.sampled_from([None, None, "1.0.0", "1"]),
    proof=st.sampled_from(ProofPolicy),
    sysprep=st.sampled_from(["never", "succeeded", "succeeded", "failed"]),
    moves=st.sampled_from(["never", "both"]),
    rights=st.sampled_from([True, True, True, False]),
)


def staged(spine: Spine, before: Before) -> Vm:
    """Bring a VM into the state that was drawn, in a subscription of its own."""
    empty(spine.client)
    spine.client.settings(access_moves_ownership=before.moves)
    spine.under(proof=before.proof).definition()
    if before.failing:
        spine.fault("PUT", "/images/", operation=FAILED, count=before.failing)
    if not before.rights:
        spine.forbid("Microsoft.Compute/virtualMachines/generalize/action")
    tags = dict(before.ours)
    if before.order is not None:
        tags["stillframe-capture"] = before.order
    if before.number is not None:
        tags["stillframe-version"] = before.number
    vm = spine.vm(
        power=before.power,
        sysprep="never" if before.power == "running" else before.sysprep,
        generalized=before.generalized and before.power != "running",
        security_type=before.security,
        tags=tags,
    )
    spine.forget_requests()
    return vm


def guarded(spine: Spine) -> None:
    """Let the cost guard mark what stands stopped, and alert; or clear what does no longer."""
    spine.sweep()
    spine.let(GRACE)
    report = spine.sweep()
    assert (report.failed, report.untold) == ({}, {})


@given(before=befores)
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_from_any_state_it_comes_to_rest(spine: Spine, before: Before) -> None:
    """Looks and time bring a VM to a word that ends them; then a sweep costs the lists alone.

    A VM without an order ends without a tag of an order and is never touched otherwise. One that
    stands stopped is marked by a sweep and alerted when it is time, and is then at rest too.
    """
    vm = staged(spine, before)
    spine.carry(vm, LOOKS)
    rested, written = vm.facts, len(spine.writes)
    if before.order is None:
        assert vm.told == {}
        assert set(kinds(spine.writes)) <= {"tags"}
    else:
        assert vm.status in RESTING
    assert len(vm.images) <= 3
    spine.look(vm)
    assert vm.facts == rested
    assert len(spine.writes) == written
    for _ in range(2):  # the cost guard marks what stands stopped, and tells of it
        spine.sweep()
    spine.forget_requests()
    report = spine.sweep()
    assert (report.looked, report.failed) == (0, {})
    assert beyond_lists(spine.requests) == []


@given(before=befores)
@example(before=FROM_THE_FUTURE)
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_sweeps_alone_bring_it_to_the_same_rest(spine: Spine, before: Before) -> None:
    """Without a single event, hour by hour, every VM comes to a word that ends its looks."""
    vm = staged(spine, before)
    for _ in range(LOOKS):
        report = spine.sweep()
        assert report.failed == {}
        spine.let(900)
    assert vm.status in (RESTING if before.order is not None else {None})
    assert spine.sweep().looked == 0


ACTS = (
    "sysprep", "shutdown", "start", "deallocate", "powerOff", "generalize",
    "managed-image", "golden/windows", "withdraw", "look", "sweep", "time",
)  # fmt: skip


def happen(spine: Spine, vm: Vm, act: str) -> None:
    """Let something happen to a VM, as far as its state allows."""
    if act in ("sysprep", "shutdown"):
        if vm.facts["guestRuns"] and not vm.facts["guestAct"]:
            vm.guest(act)
    elif act in ("start", "deallocate", "powerOff", "generalize"):
        with suppress(HttpResponseError):
            vm.power(act)
    elif act == "withdraw":
        with suppress(HttpResponseError, KeyError):  # generalized, or never ordered
            vm.withdraw()
    elif act == "look":
        spine.look(vm)
    elif act == "sweep":
        spine.sweep()
    elif act == "time":
        spine.let(130)
    elif vm.facts["generalized"]:
        vm.tag_disk({"stillframe-capture": act})
    else:
        vm.order(act)
    spine.let(7)


@given(before=befores, acts=st.lists(st.sampled_from(ACTS), max_size=12))
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_happens_to_it_meanwhile_it_comes_to_rest(
    spine: Spine, before: Before, acts: list[str]
) -> None:
    """People, guests, looks and sweeps in any order: nothing is raised, and it comes to rest."""
    vm = staged(spine, before)
    for act in acts:
        happen(spine, vm, act)
    spine.let(300)
    spine.carry(vm, LOOKS)
    rested, word = vm.facts, vm.status
    assert word in (RESTING if "stillframe-capture" in vm.tags else {None})
    spine.look(vm)
    assert vm.facts == rested
    for _ in range(3):  # the cost guard may mark what stands stopped, tell of it, or take it back
        spine.sweep()
    assert spine.sweep().looked == 0
    assert vm.status == word


@given(befores=st.lists(befores, min_size=1, max_size=4))
@settings(max_examples=10, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_vm_that_nobody_ordered_is_never_touched(spine: Spine, befores: list[Before]) -> None:
    """Beside orders in any state, an unordered VM is looked at only while it stands stopped.

    Then it is marked and alerted, nothing else is written to it, and it is asked for no more.
    """
    staged(spine, befores[0])
    others = [
        spine.vm(f"other-{n}", power=one.power, security_type=one.security, tags={"team": "a"})
        for n, one in enumerate(befores[1:])
    ]
    before = [vm.facts for vm in others]
    guarded(spine)
    for vm, was in zip(others, before, strict=True):
        assert vm.facts | {"tags": vm.own_tags} == was
        assert set(kinds(vm.writes)) <= {"tags"}
        assert len(vm.writes) == (2 if was["power"] == "stopped" else 0)
    spine.forget_requests()
    spine.sweep()
    asked = [one for one in spine.requests if "/virtualmachines/other-" in one["path"].lower()]
    assert asked == []


@pytest.mark.parametrize("order", ["managed-image", "golden/windows"])
@pytest.mark.parametrize("operation", ["deallocate", "powerOff", "start", "update"])
def test_nothing_is_started_while_azure_is_busy(spine: Spine, order: str, operation: str) -> None:
    """During an operation of its owner a VM is left to it."""
    spine.definition()
    vm = spine.vm(power="stopped" if operation == "start" else "running")
    vm.order(order)
    spine.client.settings(durations={operation: 600})
    if operation == "update":
        vm.write_tags(vm.tags)
    else:
        vm.power(operation)
    spine.forget_requests()
    for _ in range(3):
        spine.look(vm)
        spine.sweep()
        spine.let(120)
    assert set(kinds(spine.writes)) <= {"tags"}
