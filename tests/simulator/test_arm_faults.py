"""Faults on request, throttling, and the log of all requests."""

import pytest
import requests
from azure.core.exceptions import ResourceExistsError

from simulator.client import SteeringError
from simulator.simulator import Simulator
from tests.simulator.conftest import Arms, Computes


def test_an_error_on_the_next_requests(sim: Simulator, arm: Arms) -> None:
    """The next two matching requests fail as configured, the third does not."""
    vm = sim.client.create_vm("web")
    error = {"status": 503, "code": "ServerBusy", "message": "x", "headers": {"Retry-After": "7"}}
    sim.client.fault(method="GET", path="/web$", count=2, error=error)
    app = arm("app")
    answers = [app("GET", vm) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [503, 503, 200]
    assert answers[0].headers["Retry-After"] == "7"


def test_a_fault_for_one_caller(sim: Simulator, arm: Arms) -> None:
    """A fault with a caller does not affect other callers."""
    vm = sim.client.create_vm("web")
    app = sim.environment("app")["AZURE_CLIENT_ID"]
    sim.client.fault(caller=app, throttle=30, count=None)
    assert arm("owner")("GET", vm).status_code == 200
    refused = arm("app")("GET", vm)
    assert (refused.status_code, refused.headers["Retry-After"]) == (429, "30")
    sim.client.clear_faults()
    assert arm("app")("GET", vm).status_code == 200


def test_a_dropped_connection_after_the_deed(sim: Simulator, arm: Arms) -> None:
    """The client gets no answer, and the deallocation is in progress anyway."""
    vm = sim.client.create_vm("web")
    sim.client.fault(path="/deallocate", drop=True)
    with pytest.raises(requests.ConnectionError):
        arm("app")("POST", f"{vm}/deallocate")
    assert sim.client.vm(vm)["power"] == "deallocating"


def test_latency_is_waited_for(sim: Simulator, arm: Arms) -> None:
    """A request with latency is answered late, and its log entry has the duration."""
    vm = sim.client.create_vm("web")
    sim.client.fault(latency=0.05)
    assert arm("app")("GET", vm).status_code == 200
    assert sim.client.requests()[-1]["milliseconds"] >= 50


def test_a_fault_that_makes_no_sense(sim: Simulator) -> None:
    """Unknown words are refused, so that no story relies on a fault that does not exist."""
    with pytest.raises(SteeringError, match="unknown"):
        sim.client.fault(pth="/web", drop=True)
    with pytest.raises(SteeringError, match="one of"):
        sim.client.fault(path="/web")


def test_throttling_by_azures_figures(sim: Simulator, compute: Computes) -> None:
    """Twelve deallocations of one VM, then 429 with Retry-After; other VMs are not affected."""
    sim.client.settings(throttling=True)
    sim.client.create_vm("web", power="deallocated")
    sim.client.create_vm("other", power="deallocated")
    client = compute("owner")
    for _ in range(12):
        client.virtual_machines.begin_deallocate("rg-vms", "web", polling=False)
        sim.client.advance(1)
    with pytest.raises(Exception, match="too many requests"):
        client.virtual_machines.begin_deallocate("rg-vms", "web", polling=False)
    client.virtual_machines.begin_deallocate("rg-vms", "other", polling=False)
    sim.client.advance(60)
    client.virtual_machines.begin_deallocate("rg-vms", "web", polling=False)


def test_throttling_is_off_until_asked_for(sim: Simulator, arm: Arms) -> None:
    """Headers show the remaining requests; nothing is refused."""
    vm = sim.client.create_vm("web")
    app = arm("app")
    answers = [app("GET", vm) for _ in range(40)]
    assert {answer.status_code for answer in answers} == {200}
    remaining = answers[0].headers["x-ms-ratelimit-remaining-resource"]
    assert remaining.startswith("Microsoft.Compute/LowCostGetSubscriptionMaximum;")


def test_the_log(sim: Simulator, compute: Computes, arm: Arms) -> None:
    """Every request is logged with caller, action and status, and can be filtered by caller."""
    sim.client.create_vm("web", power="deallocated")
    compute("app").virtual_machines.generalize("rg-vms", "web")
    with pytest.raises(ResourceExistsError):
        compute("owner").virtual_machines.begin_start("rg-vms", "web", polling=False)
    (one,) = sim.client.requests(caller="app")
    assert one["action"] == "Microsoft.Compute/virtualMachines/generalize/action"
    assert (one["method"], one["status"]) == ("POST", 200)
    (other,) = sim.client.requests(after=str(one["number"]))
    assert (other["status"], other["code"]) == (409, "OperationNotAllowed")
    now = sim.client.now().isoformat()
    sim.client.advance(1)
    arm("app")("GET", "/subscriptions")
    assert [r["path"] for r in sim.client.requests(since=now)][-1] == "/subscriptions"
    sim.client.clear_requests()
    assert sim.client.requests() == []


def test_unknown_settings_are_refused(sim: Simulator) -> None:
    """An unknown duration or setting is refused, not silently ignored."""
    with pytest.raises(SteeringError, match="no such setting"):
        sim.client.settings(durations={"dealocate": 1})
    with pytest.raises(SteeringError, match="no such setting"):
        sim.client.create_vm("web", sise="Standard_D2s_v5")


def test_reset_leaves_nothing_behind(sim: Simulator, arm: Arms) -> None:
    """VMs, faults, settings, roles and scheduled actions are gone."""
    vm = sim.client.create_vm("web")
    sim.client.guest(vm, "shutdown")
    sim.client.fault(drop=True, count=None)
    sim.client.settings(page_size=1, throttling=True)
    sim.client.reset()
    assert sim.client.vms() == []
    assert sim.client.settings()["page_size"] == 1000
    assert sim.client.settings()["throttling"] is False
    assert arm("owner")("GET", "/subscriptions").status_code == 200
    sim.client.advance(60)


@pytest.mark.parametrize(
    ("member", "how", "shown"),
    [
        ("tags", "null", {"tags": None}),
        ("tags", "missing", {}),
        ("properties.storageProfile.osDisk.osType", "null", {"tags": {"a": "b"}}),
        ("nothing.of.this", "missing", {"tags": {"a": "b"}}),
        ("tags.a.b", "null", {"tags": {"a": "b"}}),
    ],
)
def test_a_member_that_is_not_there(
    sim: Simulator, arm: Arms, member: str, how: str, shown: dict[str, object]
) -> None:
    """A member of an answer is null or missing; the resource and the next answer are whole."""
    vm = sim.client.create_vm("web", tags={"a": "b"})
    sim.client.fault(path="/web$", spoil={"member": member, "as": how})
    spoilt, whole = arm("app")("GET", vm).json(), arm("app")("GET", vm).json()
    assert {name: value for name, value in spoilt.items() if name == "tags"} == shown
    disk = spoilt["properties"]["storageProfile"]["osDisk"]
    assert disk["osType"] == (None if member.endswith("osType") else "Windows")
    assert whole["tags"] == {"a": "b"}


@pytest.mark.parametrize("how", ["null", "missing"])
def test_a_row_that_is_not_there(sim: Simulator, arm: Arms, how: str) -> None:
    """A row of a list can only be null; the list's own `value` can also be missing."""
    sim.client.create_vm("web")
    base = f"/subscriptions/{sim.subscription_id}/providers/Microsoft.Compute/virtualMachines"
    sim.client.fault(path="virtualMachines$", spoil={"member": "value.0", "as": how})
    assert arm("app")("GET", base).json()["value"] == [None]
    sim.client.fault(path="virtualMachines$", spoil={"member": "value", "as": how})
    assert arm("app")("GET", base).json() == ({"value": None} if how == "null" else {})


def test_a_member_is_spoilt_in_two_ways_only(sim: Simulator) -> None:
    """Any other word is refused."""
    with pytest.raises(SteeringError, match="null or missing"):
        sim.client.fault(spoil={"member": "tags", "as": "empty"})
