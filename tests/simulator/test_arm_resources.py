"""Microsoft.Resources: tags above resources, lists of everything, regions, groups."""

from datetime import datetime

import pytest

from simulator.arm.core import ids
from simulator.simulator import Simulator
from tests.simulator.conftest import Arms

TAGS = "/providers/Microsoft.Resources/tags/default"


@pytest.fixture
def base(sim: Simulator) -> str:
    """Give the subscription's id."""
    return f"/subscriptions/{sim.subscription_id}"


@pytest.mark.parametrize("group", ["", "/resourceGroups/rg-a"])
def test_tags_of_the_subscription_and_of_a_group(
    sim: Simulator, arm: Arms, base: str, group: str
) -> None:
    """PUT, PATCH and DELETE are 200 as recorded, and the subscription and group show the tags."""
    sim.client.create_group("rg-a")
    owner, tagged = arm("owner"), base + group
    made = owner("PUT", tagged + TAGS, {"properties": {"tags": {"a": "1", "b": ""}}})
    assert (made.status_code, made.json()) == (
        200,
        {
            "id": tagged + TAGS,
            "name": "default",
            "type": "Microsoft.Resources/tags",
            "properties": {"tags": {"a": "1", "b": ""}},
        },
    )
    for operation, named, left in (
        ("Merge", {"c": "3"}, {"a": "1", "b": "", "c": "3"}),
        ("Delete", {"a": "1", "b": "other"}, {"b": "", "c": "3"}),
        ("Replace", {"d": "4"}, {"d": "4"}),
    ):
        body = {"operation": operation, "properties": {"tags": named}}
        changed = owner("PATCH", tagged + TAGS, body)
        assert (changed.status_code, changed.json()["properties"]["tags"]) == (200, left)
    assert owner("GET", tagged + TAGS).json()["properties"]["tags"] == {"d": "4"}
    assert owner("GET", tagged).json()["tags"] == {"d": "4"}
    gone = owner("DELETE", tagged + TAGS)
    assert (gone.status_code, gone.content) == (200, b"")
    assert "tags" not in owner("GET", tagged).json()


def test_tags_of_the_subscription_ask_for_the_right_to_write_tags_there(
    sim: Simulator, arm: Arms, base: str
) -> None:
    """Microsoft.Resources/tags/write at the subscription; a reset removes the tags."""
    body = {"operation": "Merge", "properties": {"tags": {"a": "1"}}}
    refused = arm("reader")("PATCH", base + TAGS, body)
    assert refused.status_code == 403
    said = f"perform action 'Microsoft.Resources/tags/write' over scope '{base}'"
    assert said in refused.json()["error"]["message"]
    owner = arm("owner")
    assert owner("PATCH", base + TAGS, body).status_code == 200
    assert arm("reader")("GET", base + TAGS).json()["properties"]["tags"] == {"a": "1"}
    sim.client.reset()
    assert owner("GET", base + TAGS).json()["properties"]["tags"] == {}


def test_groups_by_their_tags(sim: Simulator, arm: Arms, base: str) -> None:
    """A tag's name and value, or the name alone; other filters are not simulated."""
    sim.client.create_group("rg-a", kind="new", other="old")
    sim.client.create_group("rg-b", kind="old")
    owner = arm("owner")

    def found(said: str) -> list[str]:
        answer = owner("GET", f"{base}/resourceGroups?$filter={said}")
        return [group["name"] for group in answer.json()["value"]]

    assert found("tagname eq 'kind' and tagvalue eq 'old'") == ["rg-b"]
    assert found("tagName eq 'KIND'") == ["rg-a", "rg-b"]
    for said in (
        "name eq 'rg-a'",
        "tagvalue eq 'old'",
        "tagname ne 'kind'",
        "tagname eq 'kind' and",
        "tagname eq 'kind' or tagname eq 'other'",
        "tagname eq 'kind' and tagname eq 'other'",
        "nonsense",
    ):
        assert owner("GET", f"{base}/resourceGroups?$filter={said}").status_code == 501


def test_resources_by_a_tag_come_without_their_tags(sim: Simulator, arm: Arms, base: str) -> None:
    """The value is that of the named tag; other properties can be filtered in addition."""
    sim.client.create_vm("web", tags={"a": "x and y", "b": "2"})
    owner = arm("owner")
    vms = f"{base}/resources?$filter=resourceType eq '{ids.VMS}' and tagName eq 'a'"
    (by_name,) = owner("GET", vms).json()["value"]
    assert by_name["tags"] == {"a": "x and y", "b": "2"}
    (by_value,) = owner("GET", f"{vms} and tagValue eq 'x and y'").json()["value"]
    assert (by_value["name"], "tags" in by_value) == ("web", False)
    assert owner("GET", f"{vms} and tagValue eq '2'").json()["value"] == []


def test_what_the_list_of_resources_shows(sim: Simulator, arm: Arms, base: str) -> None:
    """A disk's sku and VM; times and state on request, and no other expansion."""
    vm = sim.client.create_vm("web")
    owner, path = arm("owner"), f"{base}/resourceGroups/rg-vms/resources"
    plain = {one["type"]: one for one in owner("GET", path).json()["value"]}
    assert plain[ids.DISKS]["managedBy"] == vm
    assert plain[ids.DISKS]["sku"] == {"name": "Premium_LRS", "tier": "Premium"}
    assert "sku" not in plain[ids.VMS]
    on_demand = {"createdTime", "changedTime", "provisioningState"}
    assert not any(on_demand & one.keys() for one in plain.values())
    for one in owner("GET", f"{path}?$expand=createdTime,ProvisioningState").json()["value"]:
        assert one["provisioningState"] == "Succeeded"
        assert one["createdTime"].endswith("+00:00")
        assert "changedTime" not in one
    made = sim.client.now()
    body = {"location": "westeurope"}
    owner("PUT", f"{base}/resourceGroups/rg-vms/providers/{ids.GALLERIES}/golden", body)
    sim.client.advance(60)
    (gallery,) = owner("GET", f"{path}?$filter=name eq 'golden'&$expand=createdTime").json()[
        "value"
    ]
    assert datetime.fromisoformat(gallery["createdTime"]) == made
    assert owner("GET", f"{path}?$expand=everything").status_code == 501


def test_every_region_says_where_it_is(arm: Arms, base: str) -> None:
    """Coordinates as text, the geography in the long name, the paired region."""
    listed = arm("owner")("GET", f"{base}/locations").json()["value"]
    assert {one["name"] for one in listed} == set(ids.REGIONS)
    regions = {one["name"]: one for one in listed}
    assert regions["westeurope"]["regionalDisplayName"] == "(Europe) West Europe"
    assert regions["westeurope"]["metadata"] == {
        "regionType": "Physical",
        "regionCategory": "Recommended",
        "geography": "Europe",
        "geographyGroup": "Europe",
        "longitude": "4.9",
        "latitude": "52.3667",
        "physicalLocation": "Netherlands",
        "pairedRegion": [{"name": "northeurope", "id": f"{base}/locations/northeurope"}],
    }
    assert regions["polandcentral"]["metadata"]["pairedRegion"] == []
    assert all(abs(float(one["metadata"]["latitude"])) < 66 for one in listed)


def test_a_group_shows_what_it_was_sent(arm: Arms, base: str) -> None:
    """`managedBy` and tags, even if empty; neither if it was never sent."""
    owner, group = arm("owner"), f"{base}/resourceGroups/rg-a"
    made = owner("PUT", group, {"location": "westeurope"}).json()
    assert made.keys() == {"id", "name", "type", "location", "properties"}
    body = {"location": "westeurope", "managedBy": f"{base}/some", "tags": {}}
    shown = owner("PUT", group, body).json()
    assert (shown["managedBy"], shown["tags"]) == (f"{base}/some", {})
    assert owner("PATCH", group, {"tags": {"a": "1"}}).json()["tags"] == {"a": "1"}
    assert owner("GET", group).json()["managedBy"] == f"{base}/some"


def test_a_groups_deletion_says_when_to_come_again(sim: Simulator, arm: Arms) -> None:
    """Its answer and each poll have the configured Retry-After, and none by default."""
    owner = arm("owner")
    for after in (None, 3):
        sim.client.settings(retry_after=after)
        gone = owner("DELETE", sim.client.create_group("rg-gone"))
        look = owner("GET", gone.headers["Location"].removeprefix(sim.arm_endpoint))
        assert look.status_code == 202
        said = [answer.headers.get("Retry-After") for answer in (gone, look)]
        assert said == [after and str(after)] * 2
        sim.client.advance(60)
