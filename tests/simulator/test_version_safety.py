"""Gallery image versions: retention, what blocks deletion, and what a later request keeps."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from simulator.simulator import Simulator
from tests.simulator.conftest import Arms

BLOCKED = "DeleteGalleryImageVersionBlockedBeforeEndOfLife"
OLD, NEW = "api-version=2025-12-03", "api-version=2026-03-03"
BLOCK = {"blockDeletionBeforeEndOfLife": True}
FREE = {"blockDeletionBeforeEndOfLife": False}


def code(answer: Any) -> tuple[int, str]:  # noqa: ANN401 an answer
    """Return status and code of a refusal."""
    return answer.status_code, answer.json()["error"]["code"]


class Versions:
    """An image definition, and versions of it that are made from one VM."""

    def __init__(self, sim: Simulator, arm: Arms) -> None:
        words = {"power": "deallocated", "generalized": True, "generation": "V1"}
        self.vm, self.owner, self.sim = sim.client.create_vm("web", **words), arm("owner"), sim
        gallery = self.vm.replace("virtualMachines/web", "galleries/golden")
        identifier = {"publisher": "contoso", "offer": "web", "sku": "base"}
        given = {"osType": "Windows", "osState": "Generalized", "identifier": identifier}
        properties = given | {"hyperVGeneration": "V1"}
        self.owner("PUT", gallery, {"location": "westeurope"})
        self.owner(
            "PUT", f"{gallery}/images/i", {"location": "westeurope", "properties": properties}
        )
        self.path = f"{gallery}/images/i/versions/1.0.0"

    def put(
        self, api: str, safety: object = None, publishing: object = None, *, method: str = "PUT"
    ) -> Any:  # noqa: ANN401 an answer
        """Write the version, and wait for the end of the operation."""
        properties: dict[str, object] = {
            "storageProfile": {"source": {"virtualMachineId": self.vm}},
            "safetyProfile": safety,
            "publishingProfile": publishing,
        }
        body = {"location": "westeurope", "properties": properties}
        answer = self.owner(method, f"{self.path}?{api}", body)
        self.sim.client.advance(1300)
        return answer

    def get(self) -> dict[str, Any]:
        """Return the version's properties."""
        found: dict[str, Any] = self.owner("GET", self.path).json()["properties"]
        return found


@pytest.fixture
def versions(sim: Simulator, arm: Arms) -> Versions:
    """Make a definition."""
    return Versions(sim, arm)


def test_what_a_version_shows_of_itself(versions: Versions) -> None:
    """Nothing that was not sent: no replication mode, data disks, deletion block or tags."""
    assert versions.put(OLD).status_code == 201
    shown = versions.get()
    assert shown["safetyProfile"] == {
        "reportedForPolicyViolation": False,
        "allowDeletionOfReplicatedLocations": False,
    }
    assert shown["publishingProfile"].keys() == {
        "targetRegions", "replicaCount", "excludeFromLatest", "publishedDate",
        "storageAccountType",
    }  # fmt: skip
    copied = {"sizeInGB": 127, "hostCaching": "ReadWrite", "source": {}}
    source = {"virtualMachineId": versions.vm}
    assert shown["storageProfile"] == {"source": source, "osDiskImage": copied}
    assert "tags" not in versions.owner("GET", versions.path).json()


def test_a_disk_of_data_has_no_source(sim: Simulator, versions: Versions) -> None:
    """The source of the OS disk is empty, as recorded."""
    words = {"power": "deallocated", "generalized": True, "generation": "V1"}
    versions.vm = sim.client.create_vm("data", data_disks=[{"diskSizeGB": 10}], **words)
    versions.put(OLD)
    storage = versions.get()["storageProfile"]
    assert storage["dataDiskImages"] == [{"lun": 0, "sizeInGB": 10, "hostCaching": "None"}]
    assert storage["osDiskImage"]["source"] == {}


def test_location_and_tags_are_enough_for_a_version_that_is_there(versions: Versions) -> None:
    """200, Updating, and the body is kept."""
    versions.put(OLD, publishing={"replicaCount": 2, "replicationMode": "Full"})
    before = versions.get()
    body = {"location": "westeurope", "tags": {}}
    answer = versions.owner("PUT", f"{versions.path}?{OLD}", body)
    assert answer.status_code == 200
    assert answer.json()["tags"] == {}
    assert answer.json()["properties"] == before | {"provisioningState": "Updating"}


@pytest.mark.parametrize("query", ["", "&bypassSoftDelete=true"])
def test_a_version_that_is_to_stay(versions: Versions, query: str) -> None:
    """It cannot be deleted before its end of life, but after it."""
    end = versions.sim.client.now() + timedelta(days=10)
    versions.put(OLD, BLOCK, {"endOfLifeDate": end.isoformat()})
    assert versions.get()["safetyProfile"]["blockDeletionBeforeEndOfLife"] is True
    delete = f"{versions.path}?{NEW}{query}"
    assert code(versions.owner("DELETE", delete)) == (409, BLOCKED)
    versions.sim.client.advance(10 * 86400)
    assert versions.owner("DELETE", delete).status_code == 202


def test_a_version_that_is_to_stay_for_good(versions: Versions) -> None:
    """Without an end of life it can never be deleted."""
    versions.put(OLD, BLOCK)
    versions.sim.client.advance(300 * 86400)
    assert code(versions.owner("DELETE", versions.path)) == (409, BLOCKED)


def test_a_version_that_is_to_stay_keeps_its_group(versions: Versions) -> None:
    """The deletion of the group fails at its end: only the version and its parents remain."""
    versions.put(OLD, BLOCK)
    group, _, name = versions.path.partition("/providers/")
    versions.sim.client.settings(retry_after=7)
    deletion = versions.owner("DELETE", group)
    poll = deletion.headers["Location"].removeprefix(versions.sim.arm_endpoint)
    assert (deletion.status_code, deletion.headers["Retry-After"]) == (202, "7")
    assert versions.owner("GET", poll).headers["Retry-After"] == "7"
    versions.sim.client.advance(10)
    failed = versions.owner("GET", poll)
    assert code(failed) == (409, "ResourceGroupDeletionBlocked")
    assert f"resources with identifiers '{name}' could not" in failed.json()["error"]["message"]
    shown = versions.owner("GET", group).json()
    assert shown["properties"]["provisioningState"] == "Succeeded"
    left = versions.owner("GET", f"{group}/resources").json()["value"]
    assert [one["name"] for one in left] == ["golden", "golden/i", "golden/i/1.0.0"]


def test_a_silent_version_stays_for_six_months(versions: Versions) -> None:
    """From 2026-03-03 on; the api-version of the DELETE does not matter."""
    versions.put(NEW)
    shown = versions.get()
    published, end = (
        datetime.fromisoformat(shown["publishingProfile"][name])
        for name in ("publishedDate", "endOfLifeDate")
    )
    assert shown["safetyProfile"]["blockDeletionBeforeEndOfLife"] is True
    assert (end.year * 12 + end.month) - (published.year * 12 + published.month) == 6
    assert code(versions.owner("DELETE", f"{versions.path}?{OLD}")) == (409, BLOCKED)
    versions.sim.client.advance((end - versions.sim.client.now()).total_seconds())
    assert versions.owner("DELETE", f"{versions.path}?{OLD}").status_code == 202


@pytest.mark.parametrize("method", ["PUT", "PATCH"])
def test_a_version_is_set_free(versions: Versions, method: str) -> None:
    """By a PUT or PATCH that says so; its end of life does not change."""
    versions.put(NEW)
    end = versions.get()["publishingProfile"]["endOfLifeDate"]
    assert versions.put(NEW, FREE, method=method).status_code == 200
    shown = versions.get()
    assert shown["safetyProfile"]["blockDeletionBeforeEndOfLife"] is False
    assert shown["publishingProfile"]["endOfLifeDate"] == end
    assert versions.owner("DELETE", versions.path).status_code == 202


@pytest.mark.parametrize(
    ("api", "method", "blocked"),
    [(NEW, "PUT", True), (NEW, "PATCH", False), (OLD, "PUT", False), (OLD, "PATCH", False)],
)
def test_a_silent_update_of_a_free_version(
    versions: Versions, api: str, method: str, blocked: object
) -> None:
    """A PUT without the member blocks it again, from 2026-03-03 on; nothing else does."""
    versions.put(NEW, FREE)
    versions.put(api, method=method)
    assert versions.get()["safetyProfile"]["blockDeletionBeforeEndOfLife"] is blocked


def test_a_silent_update_by_the_new_api_version(versions: Versions) -> None:
    """A version made with an old api-version is then blocked as well."""
    versions.put(OLD)
    versions.put(NEW, method="PATCH")
    shown = versions.get()
    assert shown["safetyProfile"]["blockDeletionBeforeEndOfLife"] is True
    assert "endOfLifeDate" in shown["publishingProfile"]


@pytest.mark.parametrize(
    ("date", "refused"),
    [("2020-01-01", (400, "InvalidParameter")), ("soon", (400, "BadRequest"))],
)
def test_an_end_of_life_lies_ahead(versions: Versions, date: str, refused: tuple[int, str]) -> None:
    """A time in the past, or none, is refused with the documented message."""
    assert code(versions.put(OLD, publishing={"endOfLifeDate": date})) == refused


def test_a_region_is_kept(versions: Versions) -> None:
    """A region may be added, removed only if the version allows it; none may be there twice."""
    one, two = [{"name": "westeurope"}], [{"name": "West Europe"}, {"name": "eastus"}]
    versions.put(OLD, publishing={"targetRegions": one})
    assert versions.put(OLD, publishing={"targetRegions": two}).status_code == 200
    fewer = versions.put(OLD, publishing={"targetRegions": one})
    assert code(fewer) == (409, "OperationNotAllowed")
    allowed = {"allowDeletionOfReplicatedLocations": True}
    assert versions.put(OLD, allowed, {"targetRegions": one}).status_code == 200
    twice = [{"name": "westeurope"}, {"name": "West Europe"}]
    assert code(versions.put(OLD, publishing={"targetRegions": twice})) == (400, "InvalidParameter")


def test_what_a_patch_of_the_profile_leaves(versions: Versions) -> None:
    """A PATCH merges; replication mode and storage cannot be changed."""
    versions.put(OLD, publishing={"replicaCount": 3, "replicationMode": "Shallow"})
    versions.put(OLD, publishing={"excludeFromLatest": True}, method="PATCH")
    profile = versions.get()["publishingProfile"]
    assert (profile["replicaCount"], profile["excludeFromLatest"]) == (3, True)
    assert profile["replicationMode"] == "Shallow"
    for fixed in ({"replicationMode": "Full"}, {"storageAccountType": "Premium_LRS"}):
        refused = versions.put(OLD, publishing=fixed, method="PATCH")
        assert code(refused) == (409, "PropertyChangeNotAllowed")


def test_a_source_in_another_region(sim: Simulator, versions: Versions) -> None:
    """It is not found, in documented words, like one that does not exist."""
    words = {"power": "deallocated", "generalized": True, "generation": "V1"}
    for vm in (sim.client.create_vm("away", location="eastus", **words), versions.vm + "x"):
        versions.vm = vm
        answer = versions.put(OLD)
        assert code(answer) == (404, "NotFound")
        assert answer.json()["error"]["message"] == (
            f"Source {vm} is not found. Please check source exists, and is in the same region as "
            "gallery image version being created."
        )
