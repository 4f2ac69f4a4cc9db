"""Paths as clients write them, which ARM normalizes before routing."""

import pytest

from simulator.simulator import Simulator
from tests.simulator.conftest import Arms

LOCK = "/providers/Microsoft.Authorization/locks/kept?api-version=2016-09-01"


def crooked(path: str) -> list[str]:
    """Return a path with empty segments, with a doubled first slash, with encoded slashes."""
    tail = path.partition("/providers/")[2]
    return [
        path.replace("/virtualMachines/", "//virtualMachines/"),
        f"/{path}",
        path.replace(tail, tail.replace("/", "%2F")),
    ]


@pytest.mark.parametrize("way", [0, 1, 2])
def test_a_crooked_path_leads_to_the_same_vm(sim: Simulator, arm: Arms, way: int) -> None:
    """Empty segments and encoded slashes in a path are collapsed and decoded before routing."""
    vm = sim.client.create_vm("web")
    answer = arm("owner")("GET", crooked(vm)[way])
    assert (answer.status_code, answer.json()["id"]) == (200, vm)


def test_a_lock_put_by_an_empty_segment_holds(sim: Simulator, arm: Arms) -> None:
    """A lock whose path has an empty segment applies to the VM itself and refuses its deletion."""
    vm, owner = sim.client.create_vm("web"), arm("owner")
    level = {"properties": {"level": "CanNotDelete"}}
    assert owner("PUT", crooked(vm)[0] + LOCK, level).json()["id"].startswith(f"{vm}/")
    answer = owner("DELETE", vm)
    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "ScopeLocked")


def test_a_crooked_path_leads_to_the_same_topic(sim: Simulator, arm: Arms) -> None:
    """Event Grid's resources are found by paths with empty or encoded segments too."""
    group, owner = sim.client.create_group("rg-vms"), arm("owner")
    topic = f"{group}/providers/Microsoft.EventGrid/topics/orders"
    api = "?api-version=2025-02-15"
    assert owner("PUT", topic + api, {"location": "westeurope"}).status_code == 201
    for path in (topic.replace("/topics/", "//topics/"), topic.replace("/orders", "%2Forders")):
        answer = owner("GET", path + api)
        assert (answer.status_code, answer.json()["id"]) == (200, topic)
