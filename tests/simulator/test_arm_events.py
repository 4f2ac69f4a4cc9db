"""What is published to Event Grid: ARM's operations at their end, guests only as annotations."""

import pytest

from simulator.eventgrid.events import ArmEvent
from simulator.eventgrid.grid import EventGrid
from simulator.simulator import Simulator
from tests.simulator.conftest import Arms


class Told(EventGrid):
    """An Event Grid that records what is published."""

    def __init__(self, sim: Simulator) -> None:
        super().__init__(
            sim.arm.world.clock,
            subscription_id=sim.subscription_id,
            tenant_id=sim.tenant_id,
        )
        self.operations: list[ArmEvent] = []
        self.health: list[str] = []

    def arm(self, event: ArmEvent) -> None:
        """Record an operation."""
        self.operations.append(event)

    def annotation(self, vm_id: str, name: str, context: str, reason: str, summary: str) -> None:
        """Record an annotation by its name."""
        assert all((vm_id, context, reason, summary))
        self.health.append(name)

    def availability(self, vm_id: str, state: str, previous: str) -> None:
        """Record a change of availability."""
        assert vm_id
        self.health.append(f"{previous}->{state}")

    def names(self) -> list[tuple[str, str, bool]]:
        """Return the published ARM operations in short."""
        return [(e.verb, e.operation_name.split("/", 1)[1], e.succeeded) for e in self.operations]


@pytest.fixture
def told(sim: Simulator, monkeypatch: pytest.MonkeyPatch) -> Told:
    """Listen at the interface between ARM and Event Grid."""
    listener = Told(sim)
    monkeypatch.setattr(sim.arm.world, "grid", listener)
    return listener


@pytest.mark.parametrize(
    ("act", "seconds", "health", "power"),
    [
        ("sysprep", 53, ["VirtualMachineStoppedInternally", "Available->Unavailable"], "stopped"),
        ("shutdown", 8, ["VirtualMachineStoppedInternally", "Available->Unavailable"], "stopped"),
        ("sysprep-fails", 60, [], "running"),
        (
            "sysprep-fails-and-shuts-down",
            53,
            ["VirtualMachineStoppedInternally", "Available->Unavailable"],
            "stopped",
        ),
        ("hibernate", 20, ["VirtualMachineStoppedInternally", "Available->Unavailable"], "stopped"),
        ("crash", 1, ["VirtualMachineCrashed", "Available->Unavailable"], "stopped"),
        ("reboot", 30, ["VirtualMachineRestarted"], "running"),
    ],
)
def test_a_guest_makes_no_arm_event(  # noqa: PLR0913, PLR0917 fixtures and a row of the table
    sim: Simulator, told: Told, act: str, seconds: int, health: list[str], power: str
) -> None:
    """What a guest does by itself is published by Resource Health or not at all."""
    vm = sim.client.create_vm("web")
    sim.client.guest(vm, act)
    sim.client.advance(seconds - 0.5)
    assert told.health == []
    sim.client.advance(1)
    assert told.health == health
    assert told.operations == []
    assert sim.client.vm(vm)["power"] == power


def test_sysprep_leaves_its_mark_on_the_disk(sim: Simulator, told: Told) -> None:
    """Done, failed with its own message, or interrupted: the hidden fact that a proof must find."""
    assert told.operations == []
    done, failed = sim.client.create_vm("done"), sim.client.create_vm("failed")
    sim.client.guest(done, "sysprep")
    sim.client.guest(failed, "sysprep-fails", why="0x80073cf2: an app")
    assert sim.client.vm(done)["sysprep"] == "running"
    sim.client.advance(60)
    assert sim.client.vm(done)["sysprep"] == "succeeded"
    assert sim.client.vm(failed)["sysprepError"] == "0x80073cf2: an app"


def test_sysprep_cut_off_by_a_deallocation(sim: Simulator, arm: Arms) -> None:
    """ARM does not wait for the guest: a Sysprep in progress stays half done."""
    vm = sim.client.create_vm("web")
    sim.client.guest(vm, "sysprep")
    sim.client.advance(10)
    arm("app")("POST", f"{vm}/deallocate")
    sim.client.advance(60)
    assert sim.client.vm(vm)["sysprep"] == "failed"


def test_an_operation_is_told_at_its_end(sim: Simulator, told: Told, arm: Arms) -> None:
    """Nothing at the 202; ResourceActionSuccess at the end of the deallocation, with its caller."""
    vm = sim.client.create_vm("web")
    arm("app")("POST", f"{vm}/deallocate", x_ms_correlation_request_id="abc")
    assert told.operations == []
    assert told.health == ["VirtualMachineDeallocationInitiated"]
    sim.client.advance(11)
    (event,) = told.operations
    assert event.operation_name == "Microsoft.Compute/virtualMachines/deallocate/action"
    assert (event.verb, event.succeeded, event.resource_uri) == ("Action", True, vm)
    assert event.caller_app_id == sim.environment("app")["AZURE_CLIENT_ID"]
    assert event.correlation_id == "abc"
    assert told.health[1:] == ["Available->Unavailable"]


def test_failures_are_told_and_reads_are_not(sim: Simulator, told: Told, arm: Arms) -> None:
    """Refused actions, doomed operations, forbidden writes are failures; GETs publish nothing."""
    vm = sim.client.create_vm("web")
    arm("app")("GET", vm)
    arm("app")("POST", f"{vm}/generalize")
    arm("reader")("PATCH", vm, {"tags": {}})
    sim.client.fault(path="/deallocate", operation={"code": "InternalExecutionError"})
    arm("app")("POST", f"{vm}/deallocate")
    sim.client.advance(11)
    assert told.names() == [
        ("Action", "virtualMachines/generalize/action", False),
        ("Write", "virtualMachines/write", False),
        ("Action", "virtualMachines/deallocate/action", False),
    ]


def test_tags_by_either_way(sim: Simulator, told: Told, arm: Arms) -> None:
    """The tags API is published at once, on tags/default; the VM's PATCH when it is done."""
    vm = sim.client.create_vm("web")
    tags = f"{vm}/providers/Microsoft.Resources/tags/default"
    arm("app")("PATCH", tags, {"operation": "Merge", "properties": {"tags": {"a": "1"}}})
    assert told.names() == [("Write", "tags/write", True)]
    assert told.operations[0].resource_uri == tags
    arm("owner")("PATCH", vm, {"tags": {"b": "2"}})
    sim.client.advance(5)
    assert told.names()[1:] == [("Write", "virtualMachines/write", True)]


def test_deleting_nothing_is_told_to_nobody(sim: Simulator, told: Told, arm: Arms) -> None:
    """A 204 publishes nothing."""
    vm = sim.client.create_vm("web")
    arm("owner")("DELETE", vm.replace("/web", "/none"))
    assert told.operations == []


def test_the_annotation_comes_before_the_state(sim: Simulator, told: Told) -> None:
    """With a lag the guest is off and annotated while ARM still shows it running."""
    vm = sim.client.create_vm("web")
    sim.client.settings(durations={"shutdownLag": 40})
    sim.client.guest(vm, "shutdown")
    sim.client.advance(9)
    assert told.health == ["VirtualMachineStoppedInternally"]
    assert sim.client.vm(vm)["power"] == "running"
    sim.client.advance(40)
    assert told.health[1:] == ["Available->Unavailable"]
    assert sim.client.vm(vm)["power"] == "stopped"
