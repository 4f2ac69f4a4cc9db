"""Resource Health: since when a VM is in its state; and other reads of a cost guard."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from simulator.client import SteeringError
from simulator.simulator import Simulator
from tests.simulator.conftest import Arms, Computes

TAIL = "providers/Microsoft.ResourceHealth/availabilityStatuses"
API = "api-version=2023-10-01-preview"


def health(arm: Arms, vm: str) -> dict[str, Any]:
    """Return the properties of a VM's current status, as the app reads them."""
    answer = arm("app")("GET", f"{vm}/{TAIL}/current?{API}")
    assert answer.status_code == 200
    properties: dict[str, Any] = answer.json()["properties"]
    return properties


def occurred(properties: dict[str, Any]) -> datetime:
    """Return the time of the last change."""
    return datetime.fromisoformat(properties["occuredTime"])


def test_the_documented_form(sim: Simulator, arm: Arms) -> None:
    """A running VM is Available since its creation; the id leads to the status itself."""
    vm = sim.client.create_vm("web", age=7200, location="northeurope")
    answer = arm("app")("GET", f"{vm}/{TAIL}/current?{API}").json()
    assert answer["id"] == f"{vm}/{TAIL}/current"
    assert (answer["name"], answer["location"]) == ("current", "northeurope")
    assert answer["type"] == "Microsoft.ResourceHealth/AvailabilityStatuses"
    status = answer["properties"]
    assert (status["availabilityState"], status["title"]) == ("Available", "Available")
    assert occurred(status) == sim.client.now() - timedelta(seconds=7200)
    assert datetime.fromisoformat(status["reportedTime"]) == sim.client.now()


def test_every_api_version_spells_it_so(sim: Simulator, arm: Arms) -> None:
    """Old and new api-versions both use `occuredTime`, never `occurredTime`."""
    vm = sim.client.create_vm("web")
    for version in ("2015-01-01", "2018-07-01-preview", "2023-10-01-preview", "2025-05-01"):
        answer = arm("app")("GET", f"{vm}/{TAIL}/current?api-version={version}").json()
        assert "occuredTime" in answer["properties"]
        assert "occurredTime" not in answer["properties"]


@pytest.mark.parametrize("act", ["sysprep", "shutdown", "hibernate"])
def test_a_guest_that_stops_itself(sim: Simulator, arm: Arms, act: str) -> None:
    """It is Unavailable since the instant at which it stopped, however late it is read."""
    vm = sim.client.create_vm("web")
    sim.client.guest(vm, act)
    sim.client.advance(60)
    status = health(arm, vm)
    assert status["availabilityState"] == "Unavailable"
    assert status["title"] == "Stopped by user or process"
    assert (status["reasonType"], status["context"]) == ("User Initiated", "Customer Initiated")
    before = occurred(status)
    sim.client.advance(86400)
    assert occurred(health(arm, vm)) == before < sim.client.now() - timedelta(days=1)


def test_a_crash_is_the_platforms(sim: Simulator, arm: Arms) -> None:
    """A guest that crashes has no user-initiated stop."""
    vm = sim.client.create_vm("web")
    sim.client.guest(vm, "crash")
    sim.client.advance(1)
    status = health(arm, vm)
    assert (status["title"], status["reasonType"]) == ("Crashed", "Unplanned")


def test_it_follows_what_arm_does(sim: Simulator, arm: Arms, compute: Computes) -> None:
    """Stopped, deallocated, started: each has its title, and the time of its operation's end."""
    vm = sim.client.create_vm("web")
    machines = compute("owner").virtual_machines
    told = []
    for begin in (machines.begin_power_off, machines.begin_deallocate, machines.begin_start):
        begin("rg-vms", "web", polling=False)
        sim.client.advance(3600)
        told.append(health(arm, vm))
    assert [status["title"] for status in told] == [
        "Stopped by user",
        "Stopped and deallocated",
        "Available",
    ]
    now = sim.client.now()
    ends = [now - timedelta(seconds=3 * 3600 - 15), now - timedelta(seconds=2 * 3600 - 11)]
    assert [occurred(status) for status in told] == [*ends, now - timedelta(seconds=3600 - 20)]


def test_a_stop_of_what_stands_changes_nothing(
    sim: Simulator, arm: Arms, compute: Computes
) -> None:
    """A powerOff of a stopped VM does not change the time."""
    vm = sim.client.create_vm("web", power="stopped", stopped_since=500)
    before = occurred(health(arm, vm))
    compute("owner").virtual_machines.begin_power_off("rg-vms", "web", polling=False)
    sim.client.advance(60)
    assert occurred(health(arm, vm)) == before


def test_a_reboot_begins_anew(sim: Simulator, arm: Arms) -> None:
    """A guest's own reboot is a change of health; the VM is available from that time."""
    vm = sim.client.create_vm("web")
    sim.client.guest(vm, "reboot")
    sim.client.advance(30)
    assert occurred(health(arm, vm)) == sim.client.now()


@pytest.mark.parametrize("power", ["stopped", "deallocated"])
def test_a_vm_that_stood_before_anybody_watched(sim: Simulator, arm: Arms, power: str) -> None:
    """The time given by steering; without one, for as long as the VM exists."""
    vm = sim.client.create_vm("web", age=900, power=power, stopped_since=300)
    old = sim.client.create_vm("old", age=900, power=power)
    now = sim.client.now()
    assert occurred(health(arm, vm)) == now - timedelta(seconds=300)
    assert occurred(health(arm, old)) == now - timedelta(seconds=900)
    disks = arm("app")("GET", f"{vm.rsplit('/', 2)[0]}/disks".replace("virtualMachines/", ""))
    moved = [disk["properties"]["LastOwnershipUpdateTime"] for disk in disks.json()["value"]]
    seconds = 300 if power == "deallocated" else 900
    assert datetime.fromisoformat(moved[0]) == now - timedelta(seconds=seconds)


@pytest.mark.parametrize(
    "words", [{}, {"power": "stopped", "stopped_since": 101}, {"power": "stopped", "age": 1}]
)
def test_a_stop_that_cannot_be(sim: Simulator, words: dict[str, object]) -> None:
    """A running VM has no stop, and a stop cannot precede the VM's creation."""
    with pytest.raises(SteeringError, match="stopped_since"):
        sim.client.create_vm("web", **({"age": 100, "stopped_since": 50} | words))


def test_lists(sim: Simulator, arm: Arms) -> None:
    """Subscription and group list every VM's status, in pages."""
    ids = [sim.client.create_vm(f"vm{n}", group=f"rg-{n % 2}") for n in range(5)]
    sim.client.settings(page_size=2)
    app = arm("app")
    path, seen = f"/subscriptions/{sim.subscription_id}/{TAIL}?{API}", []
    while path:
        page = app("GET", path).json()
        seen += [status["id"] for status in page["value"]]
        path = page.get("nextLink", "").removeprefix(sim.arm_endpoint)
    assert seen == [f"{vm}/{TAIL}/current" for vm in ids]
    group = f"/subscriptions/{sim.subscription_id}/resourceGroups/RG-1/{TAIL}?{API}"
    assert len(app("GET", group).json()["value"]) == 2


def test_it_may_know_nothing(sim: Simulator, arm: Arms) -> None:
    """Unknown has no useful time; `none` is 404, and an empty list."""
    vm = sim.client.create_vm("web", power="stopped", age=900)
    sim.client.settings(health="unknown")
    status = health(arm, vm)
    assert (status["availabilityState"], occurred(status)) == ("Unknown", sim.client.now())
    sim.client.settings(health="none")
    app = arm("app")
    assert app("GET", f"{vm}/{TAIL}/current").status_code == 404
    assert app("GET", f"/subscriptions/{sim.subscription_id}/{TAIL}").json() == {"value": []}


def test_rights_and_limits_of_it(sim: Simulator, arm: Arms) -> None:
    """It requires its own action; a missing VM is 404, and history is not simulated."""
    vm = sim.client.create_vm("web")
    app = arm("app")
    assert app("GET", f"{vm}x/{TAIL}/current").json()["error"]["code"] == "ResourceNotFound"
    assert app("GET", f"{vm}/{TAIL}").status_code == 501
    assert app("GET", f"{vm}/{TAIL}/current?$expand=recommendedactions").status_code == 501
    roles = sim.client.roles()
    for role in roles["roleDefinitions"]:
        for permission in role["properties"]["permissions"]:
            permission["notActions"] = ["Microsoft.ResourceHealth/availabilityStatuses/read"]
    sim.client.set_roles(roles)
    assert app("GET", f"{vm}/{TAIL}/current").json()["error"]["code"] == "AuthorizationFailed"


def test_words_that_change_the_price(sim: Simulator, compute: Computes) -> None:
    """Licence, priority and an ephemeral disk are shown in the VM's model as in Azure."""
    sim.client.create_vm("hybrid", license_type="Windows_Server")
    sim.client.create_vm("spot", priority="Spot")
    sim.client.create_vm("small", ephemeral=True)
    machines = compute().virtual_machines
    assert machines.get("rg-vms", "hybrid").license_type == "Windows_Server"
    spot = machines.get("rg-vms", "spot")
    assert (spot.priority, spot.eviction_policy) == ("Spot", "Deallocate")
    assert spot.license_type is None
    profile = machines.get("rg-vms", "small").storage_profile
    assert profile
    assert profile.os_disk
    assert profile.os_disk.diff_disk_settings
    assert profile.os_disk.diff_disk_settings.option == "Local"


def test_an_ephemeral_disk_forbids_to_deallocate(sim: Simulator, arm: Arms) -> None:
    """Azure refuses it, and the VM does not change."""
    vm = sim.client.create_vm("small", ephemeral=True, power="stopped")
    refused = arm("owner")("POST", f"{vm}/deallocate")
    assert (refused.status_code, refused.json()["error"]["code"]) == (409, "OperationNotAllowed")
    assert sim.client.vm(vm)["power"] == "stopped"


def test_all_locks_of_a_subscription(sim: Simulator, arm: Arms) -> None:
    """One request lists the locks on subscription, groups and VMs, each with its own id."""
    vm = sim.client.create_vm("web")
    base = f"/subscriptions/{sim.subscription_id}"
    scopes = [base, f"{base}/resourceGroups/rg-vms", vm]
    wanted = [f"{scope}/providers/Microsoft.Authorization/locks/keep" for scope in scopes]
    for lock in wanted:
        arm("owner")("PUT", lock, {"properties": {"level": "CanNotDelete"}})
    listed = arm("app")("GET", f"{base}/providers/Microsoft.Authorization/locks").json()["value"]
    assert [lock["id"] for lock in listed] == wanted


def test_groups_in_pages_with_their_tags(sim: Simulator, arm: Arms) -> None:
    """Every group comes once, with its tags, with any page size."""
    for number in range(5):
        sim.client.create_group(f"rg-{number}", owner=f"team{number}")
    sim.client.settings(page_size=2)
    path = f"/subscriptions/{sim.subscription_id}/resourceGroups"
    app, seen = arm("app"), dict[str, dict[str, str]]()
    while path:
        page = app("GET", path).json()
        seen |= {group["name"]: group.get("tags", {}) for group in page["value"]}
        path = page.get("nextLink", "").removeprefix(sim.arm_endpoint)
    made = {f"rg-{n}": {"owner": f"team{n}"} for n in range(5)}
    assert (
        seen == {"simulator": {}} | made
    )  # the group of the custom topic that exists from the start


QUERY = (
    "healthresources | where type =~ 'microsoft.resourcehealth/availabilitystatuses' "
    "| where tostring(properties.availabilityState) =~ 'Unavailable' "
    "| project id = tolower(tostring(properties.targetResourceId)), "
    "occurred = tostring(properties.occurredTime) | order by id asc"
)
GRAPH = "/providers/Microsoft.ResourceGraph/resources?api-version=2022-10-01"


def asked(sim: Simulator, **more: Any) -> dict[str, Any]:  # noqa: ANN401 - members of a body
    """Make the body of a query."""
    return {"subscriptions": [sim.subscription_id], "query": QUERY} | more


def test_resource_graph_shows_a_stop_after_five_minutes(sim: Simulator, arm: Arms) -> None:
    """With the instant that Resource Health has, ids in lower case; running VMs are left out."""
    vm = sim.client.create_vm("Web")
    sim.client.create_vm("runs")
    sim.client.guest(vm, "shutdown")
    sim.client.advance(60)
    app = arm("app")
    assert app("POST", GRAPH, asked(sim)).json()["data"] == []
    sim.client.advance(300)
    answer = app("POST", GRAPH, asked(sim)).json()
    assert (answer["count"], answer["totalRecords"], answer["resultTruncated"]) == (1, 1, "false")
    (row,) = answer["data"]
    assert row == {"id": vm.lower(), "occurred": health(arm, vm)["occuredTime"]}


def test_resource_graph_comes_in_pages(sim: Simulator, arm: Arms) -> None:
    """By `$top` and the token of the page before."""
    for number in range(5):
        sim.client.create_vm(f"vm{number}", power="stopped", stopped_since=3600.0)
    app, seen, token = arm("app"), [], None
    for _ in range(3):
        options = {"$top": 2} | ({"$skipToken": token} if token else {})
        page = app("POST", GRAPH, asked(sim, options=options)).json()
        seen += [row["id"].rpartition("/")[2] for row in page["data"]]
        token = page.get("$skipToken")
    assert (seen, token) == ([f"vm{number}" for number in range(5)], None)


def test_resource_graph_shows_what_the_caller_may_read(sim: Simulator, arm: Arms) -> None:
    """Without the action no row; another subscription and another query are refused."""
    sim.client.create_vm("web", power="stopped", stopped_since=3600.0)
    app = arm("app")
    other = asked(sim, subscriptions=["11111111-2222-3333-4444-555555555555"])
    assert app("POST", GRAPH, other).status_code == 400
    assert app("POST", GRAPH, asked(sim, query="resources")).status_code == 501
    roles = sim.client.roles()
    for role in roles["roleDefinitions"]:
        for permission in role["properties"]["permissions"]:
            permission["notActions"] = ["Microsoft.ResourceHealth/availabilityStatuses/read"]
    sim.client.set_roles(roles)
    assert app("POST", GRAPH, asked(sim)).json()["data"] == []
