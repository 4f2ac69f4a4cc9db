"""The VM's power states: the table is complete, and no sequence breaks a guarantee of Azure."""

import asyncio
from datetime import UTC, datetime
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.arm.compute.guest_acts import ONLY, GuestAct, GuestIsOff, let
from simulator.arm.compute.machine import TABLE, Act, Move, Power, preempts, verdict
from simulator.arm.compute.records import Vm
from simulator.arm.compute.vm_build import _architecture
from simulator.arm.compute.vm_power import begin
from simulator.arm.core.errors import ArmError
from simulator.arm.core.world import World
from simulator.clock import Clock
from simulator.eventgrid.grid import EventGrid
from simulator.steering.vms import create_vm

SUBSCRIPTION = "5a1e0000-0000-4000-8000-00000000a2e5"
SETTLED = {Power.RUNNING, Power.STOPPED, Power.DEALLOCATED}


def world() -> World:
    """Make an empty subscription with a stopped clock."""
    clock = Clock(speed=0, start=datetime(2026, 1, 1, tzinfo=UTC))
    grid = EventGrid(clock, subscription_id=SUBSCRIPTION, tenant_id=SUBSCRIPTION)
    return World(clock, grid, subscription=SUBSCRIPTION, tenant=SUBSCRIPTION)


def test_the_table_knows_every_state_and_act() -> None:
    """Each pair of power state and act is defined."""
    assert set(TABLE) == set(product(Power, Act))


@pytest.mark.parametrize(("power", "act"), list(product(sorted(SETTLED), Act)))
def test_a_settled_vm_moves_to_a_settled_state(power: Power, act: Act) -> None:
    """Whatever is accepted ends as running, stopped or deallocated."""
    found = verdict("vm", power, act, generalized=False, under_way=None)
    assert isinstance(found, ArmError) or found.to in SETTLED


@pytest.mark.parametrize("power", sorted(SETTLED))
@pytest.mark.parametrize("act", [Act.START, Act.RESTART])
def test_a_generalized_vm_never_starts(power: Power, act: Act) -> None:
    """Start and restart of a generalized VM are OperationNotAllowed in every state."""
    found = verdict("vm", power, act, generalized=True, under_way=None)
    assert isinstance(found, ArmError)
    assert (found.status, found.code) == (409, "OperationNotAllowed")
    assert "generalized" in found.message


@pytest.mark.parametrize(("act", "under_way"), list(product(Act, [*Act, "create", "update"])))
def test_only_a_deallocation_may_overtake(act: Act, under_way: str) -> None:
    """While an operation is in progress all others are a conflict."""
    found = verdict("vm", Power.RUNNING, act, generalized=False, under_way=under_way)
    if preempts(act, under_way):
        assert found == Move(Power.DEALLOCATED, (Power.DEALLOCATING,))
    else:
        assert isinstance(found, ArmError)
        assert found.code == "Conflict"


step = st.one_of(
    st.sampled_from(sorted(Act)), st.sampled_from(sorted(GuestAct)), st.integers(1, 60)
)


@given(
    st.lists(step, max_size=25),
    st.sampled_from(["running", "stopped", "deallocated"]),
    st.sampled_from(["Windows", "Linux"]),
)
@settings(max_examples=150, deadline=None)
def test_any_story_keeps_azures_promises(
    story: list[Act | GuestAct | int], power: str, system: str
) -> None:
    """At rest a VM is settled; a guest runs only in a running VM; generalized VMs never run."""
    asyncio.run(tell(story, power, system))


async def tell(story: list[Act | GuestAct | int], power: str, system: str) -> None:
    """Run a story, with checks after each step."""
    azure = world()
    vm = create_vm(azure, {"name": "vm", "power": power, "os": system})
    for told in story:
        if isinstance(told, int):
            await azure.clock.advance(told)
        elif isinstance(told, GuestAct):
            try_guest(azure, vm, told)
        else:
            try_act(azure, vm, told)
        check(vm)
    await azure.clock.advance(3600)
    check(vm)
    assert vm.operation is None
    assert vm.guest_act is None


def try_guest(azure: World, vm: Vm, act: GuestAct) -> None:
    """Let the guest act if it can."""
    try:
        let(azure, vm, act)
    except GuestIsOff:
        assert not vm.guest_runs or vm.guest_act
    except ValueError:
        assert ONLY[act] != vm.os_type


def try_act(azure: World, vm: Vm, act: Act) -> None:
    """Request an act as ARM would."""
    under_way = vm.operation.act if vm.operation else None
    found = verdict(vm.name, vm.power, act, generalized=vm.generalized, under_way=under_way)
    if isinstance(found, ArmError):
        return
    if act is Act.GENERALIZE:
        vm.generalized = True
    else:
        begin(azure, vm, act, found, None)


def check(vm: Vm) -> None:
    """Check a VM's invariants."""
    assert vm.operation or vm.power in SETTLED
    assert not (vm.guest_runs and vm.power in (Power.DEALLOCATED, Power.STOPPED))
    assert not (vm.generalized and vm.guest_runs)
    assert (vm.provisioning == "Updating") == (vm.operation is not None)


@pytest.mark.parametrize(
    ("size", "architecture"),
    [("Standard_D4ps_v5", "Arm64"), ("Standard_D4s_v5", "x64"), ("Standard_E8-4pds_v6", "Arm64")],
)
def test_a_size_tells_the_architecture(size: str, architecture: str) -> None:
    """A `p` in the name of a size means Arm."""
    assert _architecture(size) == architecture
