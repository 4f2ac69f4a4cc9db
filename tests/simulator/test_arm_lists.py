"""Lists: pages, casing, the status-only form; and tags."""

import pytest

from simulator.simulator import Simulator
from tests.simulator.conftest import Arms, Computes


def test_pages_show_every_vm_once(sim: Simulator, compute: Computes) -> None:
    """With any page size, the SDK's iterator yields each VM exactly once."""
    for number in range(7):
        sim.client.create_vm(f"vm{number}", group=f"rg-{number % 2}")
    sim.client.settings(page_size=3)
    client = compute()
    assert [vm.name for vm in client.virtual_machines.list_all()] == [f"vm{n}" for n in range(7)]
    assert [vm.name for vm in client.virtual_machines.list("RG-0")] == ["vm0", "vm2", "vm4", "vm6"]
    lists = [r for r in sim.client.requests() if "skiptoken" in r["query"].lower()]
    assert len(lists) == 3


def test_what_comes_and_goes_between_pages_hides_nothing(sim: Simulator, arm: Arms) -> None:
    """A VM deleted between two pages does not shift another out of the list."""
    ids = [sim.client.create_vm(f"vm{number}") for number in range(4)]
    sim.client.settings(page_size=2)
    owner = arm("owner")
    path = f"/subscriptions/{sim.subscription_id}/providers/Microsoft.Compute/virtualMachines"
    first = owner("GET", path).json()
    owner("DELETE", ids[0])
    sim.client.advance(15)
    second = owner("GET", first["nextLink"].removeprefix(sim.arm_endpoint)).json()
    assert [vm["name"] for vm in second["value"]] == ["vm2", "vm3"]
    assert "nextLink" not in second


def test_casing(sim: Simulator, arm: Arms) -> None:
    """Lists show the group in upper case, a GET echoes the caller's case, and any case matches."""
    sim.client.create_vm("Web", group="rg-Mixed")
    app, base = arm("app"), f"/subscriptions/{sim.subscription_id}"
    (listed,) = app("GET", f"{base}/providers/Microsoft.Compute/virtualMachines").json()["value"]
    assert "/resourceGroups/RG-MIXED/" in listed["id"]
    path = f"{base}/RESOURCEGROUPS/rG-mIXED/providers/microsoft.compute/VIRTUALMACHINES/wEB"
    assert "/resourceGroups/rG-mIXED/" in app("GET", path).json()["id"]


def test_status_only_tells_states_and_no_more(sim: Simulator, compute: Computes) -> None:
    """`statusOnly=true` returns the instance view's statuses, without tags and size."""
    sim.client.create_vm("on")
    sim.client.create_vm("off", power="stopped", tags={"a": "b"})
    listed = list(compute().virtual_machines.list_all(status_only="true"))
    shown = {
        vm.name: vm.instance_view.statuses[-1].code
        for vm in listed
        if vm.instance_view and vm.instance_view.statuses
    }
    assert shown == {"on": "PowerState/running", "off": "PowerState/stopped"}
    assert all(vm.tags is None and vm.hardware_profile is None for vm in listed)


def test_a_patch_of_tags_replaces_the_map_and_the_tags_api_merges(
    sim: Simulator, arm: Arms
) -> None:
    """The VM's own PATCH removes tags that it does not name; the tags API keeps them."""
    vm = sim.client.create_vm("web", tags={"a": "1", "B": "2"})
    owner, tags = arm("owner"), f"{vm}/providers/Microsoft.Resources/tags/default"
    merged = owner("PATCH", tags, {"operation": "Merge", "properties": {"tags": {"b": "3"}}})
    assert merged.json()["properties"]["tags"] == {"a": "1", "B": "3"}
    gone = owner("PATCH", tags, {"operation": "Delete", "properties": {"tags": {"a": "1"}}})
    assert gone.json()["properties"]["tags"] == {"B": "3"}
    owner("PATCH", vm, {"tags": {"c": "4"}})
    assert owner("GET", tags).json()["properties"]["tags"] == {"c": "4"}


@pytest.mark.parametrize(
    "tags", [{"a" * 513: ""}, {"a<": ""}, {"a": "v" * 257}, {f"t{n}": "" for n in range(51)}]
)
def test_tags_beyond_azures_limits(sim: Simulator, arm: Arms, tags: dict[str, str]) -> None:
    """Too long, too many, forbidden characters: 400, and nothing is written."""
    vm = sim.client.create_vm("web")
    path = f"{vm}/providers/Microsoft.Resources/tags/default"
    body = {"operation": "Merge", "properties": {"tags": tags}}
    assert arm("app")("PATCH", path, body).status_code == 400
    assert sim.client.vm(vm)["tags"] == {}


def test_tags_while_an_operation_runs(sim: Simulator, arm: Arms) -> None:
    """They are accepted, or refused as a conflict if configured."""
    vm = sim.client.create_vm("web")
    app = arm("app")
    app("POST", f"{vm}/deallocate")
    path = f"{vm}/providers/Microsoft.Resources/tags/default"
    body = {"operation": "Merge", "properties": {"tags": {"a": "1"}}}
    assert app("PATCH", path, body).status_code == 200
    sim.client.settings(busy_tags="refuse")
    assert app("PATCH", path, body).json()["error"]["code"] == "Conflict"


def test_groups_and_what_is_in_them(sim: Simulator, arm: Arms) -> None:
    """A group is created, listed, and its deletion deletes all that it contains."""
    owner, base = arm("owner"), f"/subscriptions/{sim.subscription_id}/resourceGroups"
    assert owner("PUT", f"{base}/rg-vms", {"location": "West Europe"}).status_code == 201
    sim.client.create_vm("web")
    kinds = [r["type"] for r in owner("GET", f"{base}/rg-vms/resources").json()["value"]]
    assert sorted(kinds) == [
        "Microsoft.Compute/disks",
        "Microsoft.Compute/virtualMachines",
        "Microsoft.Network/networkInterfaces",
    ]
    deleted = owner("DELETE", f"{base}/rg-vms")
    result = deleted.headers["Location"].removeprefix(sim.arm_endpoint)
    assert owner("GET", result).status_code == 202
    sim.client.advance(10)
    assert owner("GET", result).status_code == 200
    listed = [group["name"] for group in owner("GET", base).json()["value"]]
    assert listed == ["simulator"]  # the group of the custom topic that exists from the start
    assert sim.client.vms() == []


def test_the_directory(sim: Simulator, arm: Arms) -> None:
    """Clients can read subscription, tenant, regions and providers."""
    owner, base = arm("owner"), f"/subscriptions/{sim.subscription_id}"
    assert owner("GET", "/subscriptions").json()["value"][0]["state"] == "Enabled"
    assert owner("GET", base).json()["tenantId"] == sim.tenant_id
    assert owner("GET", "/tenants").json()["value"][0]["tenantId"] == sim.tenant_id
    names = [region["name"] for region in owner("GET", f"{base}/locations").json()["value"]]
    assert "westeurope" in names
    provider = f"{base}/providers/Microsoft.Compute"
    assert owner("GET", provider).json()["registrationState"] == "Registered"
    assert owner("POST", f"{provider}/register").status_code == 200


def test_the_outcome_topic_is_found_where_arm_lists_it(sim: Simulator, arm: Arms) -> None:
    """The custom topic that exists from the start, also after a reset: its group, its endpoint."""
    sim.client.reset()
    subscription = f"/subscriptions/{sim.subscription_id}"
    (topic,) = arm("owner")("GET", f"{subscription}/providers/Microsoft.EventGrid/topics").json()[
        "value"
    ]
    assert topic["properties"]["endpoint"] == sim.environment()["OUTCOME_TOPIC"]
    group = topic["id"].partition("/providers/")[0]
    assert arm("owner")("GET", group).status_code == 200
