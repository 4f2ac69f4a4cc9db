"""The main guarantee, over any history: no VM is lost before Sysprep has completed.

Whatever users, guests, backups, faults and time do, in any order, with the app's default settings
(`PROOF=required`): it generalizes no VM whose guest has not completed Sysprep, and creates no image
of such a disk, even if somebody else has marked its VM as generalized.
"""

from contextlib import suppress

from azure.core.exceptions import HttpResponseError
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from shared.model.errors import Transient
from simulator.client import SteeringError
from tests.stories.world import Spine, Vm, empty, kinds

GUESTS = ("sysprep", "sysprep-fails", "sysprep-fails-and-shuts-down", "shutdown", "crash")
LINUX_GUESTS = ("deprovision", "shutdown", "reboot")
OWNERS = ("start", "powerOff", "deallocate", "generalize")
OTHERS = ("order", "withdraw", "read the disk", "fault", "look", "time", "a minute")
ACTS = (*GUESTS, *LINUX_GUESTS, *OWNERS, *OTHERS)

histories = st.lists(st.sampled_from(ACTS), max_size=10)
WITHOUT_SYSPREP = ["order", "shutdown", "time"]
MARKED_BY_HAND = ["order", "powerOff", "generalize", "time", "deallocate", "time"]
STARTED_AGAIN = ["sysprep", "time", "start", "time", "order", "powerOff", "time"]


def happen(spine: Spine, vm: Vm, act: str) -> None:
    """Let something happen, if the VM's state allows it."""
    match act:
        case "order":
            with suppress(HttpResponseError):  # it is generalized by now
                vm.order("managed-image")
        case "withdraw":
            with suppress(HttpResponseError, KeyError):
                vm.withdraw()
        case "read the disk":
            path = f"{vm.facts['osDisk']}/beginGetAccess?api-version=2026-03-02"
            with suppress(HttpResponseError):
                spine.owner("POST", path, {"access": "Read", "durationInSeconds": 90})
        case "fault":
            spine.client.disk_fault(cut=5000, nth=3)
        case "time":
            spine.let(400)
        case "a minute":
            spine.let(60)
        case _ if act in OWNERS:
            with suppress(HttpResponseError):
                vm.power(act)
        case "look":
            pass  # and so it does below, after whatever happens
        case _:
            with suppress(SteeringError):  # its guest is off, busy, or of the other system
                vm.guest(act)
    with suppress(Transient):
        spine.look(vm)
    spine.sweep()


def hold(spine: Spine, vm: Vm) -> None:
    """Assert the guarantee in the current state."""
    for image in vm.images:
        assert image["sysprep"] == "succeeded", image
    generalized_by_app = "generalize" in kinds(spine.writes)
    assert not generalized_by_app or vm.facts["sysprep"] == "succeeded"


@given(
    acts=histories,
    os=st.sampled_from(["Windows", "Windows", "Linux"]),
    moves=st.sampled_from(["never", "opening", "closing", "both"]),
)
@example(acts=WITHOUT_SYSPREP, os="Windows", moves="never")
@example(acts=MARKED_BY_HAND, os="Windows", moves="both")
@example(acts=STARTED_AGAIN, os="Windows", moves="both")
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_nothing_is_lost_that_had_not_ended(
    spine: Spine, acts: list[str], os: str, moves: str
) -> None:
    """No history makes the app generalize or capture a disk that is not generalized."""
    empty(spine.client)
    spine.client.settings(access_moves_ownership=moves)
    vm = spine.vm(os=os, generation="V1", age=3600)
    spine.forget_requests()
    for act in [*acts, "time", "time", "time"]:
        happen(spine, vm, act)
        hold(spine, vm)


@given(end=st.sampled_from([0, 1, 2]), pause=st.integers(1, 200))
@settings(max_examples=10, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_what_had_ended_is_captured(spine: Spine, end: int, pause: int) -> None:
    """The app does not pass by doing nothing: a generalized disk is captured."""
    empty(spine.client)
    vm = spine.vm()
    vm.order("managed-image")
    spine.look(vm)
    vm.guest("sysprep")
    spine.let(pause)
    for act in ["time", "look", "look"][end:] + ["time"] * 3:
        happen(spine, vm, act)
    hold(spine, vm)
    assert (vm.status, len(vm.images)) == ("captured", 1)
