"""The simulator and real Azure: the same requests, compared member by member with recordings.

The shape is compared: status, header names, and for each member of the body its name and
type. The recordings are not part of the project; without them these tests are skipped. What the
simulator adds or lacks on purpose is in the tables below, with its reason.
"""

import json
import os
from pathlib import Path
from typing import Any

import pytest
import requests

from simulator.simulator import Simulator
from tests.simulator.conftest import Arms

RECORDINGS = Path(os.environ.get("AZURE_RECORDINGS", "../shared/reference/recordings"))
pytestmark = pytest.mark.skipif(not RECORDINGS.is_dir(), reason="no recordings here")

# Members of today's api-versions that recordings of older ones cannot have.
NEWER = {
    "etag",
    "timeCreated",
    "hyperVGeneration",
    "deleteOption",
    "diskControllerType",
    "exactVersion",
    "securityProfile",
    "zoneResilient",
    "safetyProfile",
    "replicationMode",
    "architecture",
    "supportedCapabilities",
    "encryption",
    "networkAccessPolicy",
    "publicNetworkAccess",
    "diskIOPSReadWrite",
    "diskMBpsReadWrite",
    "diskSizeBytes",
    "LastOwnershipUpdateTime",
    "allowExtensionOperations",
    "requireGuestProvisionSignal",
    "provisionVMAgent",
    "computerName",
    "osName",
    "osVersion",
    "source",
    "diagnosticsProfile",
    "priority",
    "tags",
    "isArmResource",
    "toBeDetached",
    "virtualMachineId",
    "uniqueId",
}
# What only the recorded VMs have, or only ours: unmanaged disks, boot
# diagnostics, extensions; a managed image as the source of a version.
OF_THAT_VM = {
    "vhd",
    "blobUri",
    "linuxConfiguration",
    "windowsConfiguration",
    "managedDisk",
    "resources",
    "extensions",
    "extensionHandlers",
    "bootDiagnostics",
    "identity",
    "storageUri",
    "diskSizeGB",
    "patchSettings",
    "imageReference",
    "networkInterfaces.0.properties",
    "storageProfile.source.id",
    "description",
    "recommended",
    "disallowed",
    "dataDiskImages",
    "sku",
    "properties.tier",
}
# Headers that Azure's own servers add and clients cannot rely on.
OF_THE_FLEET = {"x-ms-served-by", "server", "azure-asyncnotification", "retry-after"}


def entry(file: str, number: int) -> dict[str, Any]:
    """Return a recorded exchange."""
    recorded = json.loads((RECORDINGS / file).read_text())["entries"]
    return next(found for found in recorded if found.get("n") == number)


def excused(at: str, name: str) -> bool:
    """Say whether a difference in a member is intended."""
    return name in NEWER | OF_THAT_VM or ".".join((at + name).split(".")[-3:]) in OF_THAT_VM


def differences(real: Any, ours: Any, at: str = "") -> list[str]:  # noqa: ANN401 JSON
    """List where two bodies differ in members or types, except for what is excused above."""
    if isinstance(real, dict) and isinstance(ours, dict):
        found = [f"lacks {at}{n}" for n in real.keys() - ours.keys() if not excused(at, n)]
        found += [f"adds {at}{n}" for n in ours.keys() - real.keys() if not excused(at, n)]
        for name in real.keys() & ours.keys() - {"tags"}:
            found += differences(real[name], ours[name], f"{at}{name}.")
        return found
    if isinstance(real, list) and isinstance(ours, list):
        return differences(real[0], ours[0], f"{at}0.") if real and ours else []
    same = type(real) is type(ours)
    return [] if same else [f"{at[:-1]}: {type(real).__name__} is {type(ours).__name__} here"]


def compare(recorded: dict[str, Any], answer: requests.Response) -> list[str]:
    """List all differences between a recorded response and ours."""
    real = recorded["response"]
    found = [] if real["status"] == answer.status_code else [f"status {answer.status_code}"]
    ours = {name.lower() for name in answer.headers}
    found += [f"header {name}" for name in real["headers"].keys() - ours - OF_THE_FLEET]
    return found + differences(real["body"] or None, answer.json() if answer.content else None)


@pytest.fixture
def vm(sim: Simulator) -> str:
    """Make a Linux VM with data disks, like the recorded ones."""
    return sim.client.create_vm("web", os="Linux", generation="V1", data_disks=[{}, {}])


def test_deallocate_generalize_capture(sim: Simulator, arm: Arms, vm: str) -> None:
    """The recorded capture of a managed image, exchange by exchange."""
    file, app = "flow_deallocate_generalize_image.json", arm("owner")
    seen = {20: app("GET", vm), 21: app("POST", f"{vm}/deallocate")}
    poll, monitor = (
        seen[21].headers[name].removeprefix(sim.arm_endpoint)
        for name in ("Azure-AsyncOperation", "Location")
    )
    seen[22] = app("GET", poll)
    sim.client.advance(11)
    seen |= {23: app("GET", poll), 24: app("GET", monitor), 25: app("POST", f"{vm}/generalize")}
    image = vm.replace("virtualMachines/web", "images/img")
    body = {
        "location": "westeurope",
        "tags": {},
        "properties": {"sourceVirtualMachine": {"id": vm}, "hyperVGeneration": "V1"},
    }
    seen[26] = app("PUT", image, body)
    sim.client.advance(8)
    seen |= {28: app("GET", image), 30: app("DELETE", image)}
    found = {number: compare(entry(file, number), answer) for number, answer in seen.items()}
    assert {number: what for number, what in found.items() if what} == {}


def test_the_instance_view_of_a_deallocated_vm(sim: Simulator, arm: Arms, vm: str) -> None:
    """Statuses in the recorded order and form."""
    arm("app")("POST", f"{vm}/deallocate")
    sim.client.advance(11)
    answer = arm("app")("GET", f"{vm}?$expand=instanceView")
    recorded = entry("flow_disks_snapshots_deallocated_iv.json", 124)
    # Recorded in 2017; the nine of later years show nothing of a deallocated VM's guest.
    del recorded["response"]["body"]["properties"]["instanceView"]["vmAgent"]
    assert compare(recorded, answer) == []
    codes = [status["code"] for status in answer.json()["properties"]["instanceView"]["statuses"]]
    assert codes == ["ProvisioningState/succeeded", "PowerState/deallocated"]


def test_a_disk_of_a_deallocated_vm(sim: Simulator, arm: Arms, vm: str) -> None:
    """Reserved, and managed by its VM."""
    arm("app")("POST", f"{vm}/deallocate")
    sim.client.advance(11)
    answer = arm("app")("GET", sim.client.vm(vm)["osDisk"])
    assert compare(entry("flow_disks_snapshots_deallocated_iv.json", 266), answer) == []
    assert answer.json()["properties"]["diskState"] == "Reserved"


def test_a_list_and_its_tags(sim: Simulator, arm: Arms, vm: str) -> None:
    """The list of 2025, the tags API, and the VM read again."""
    app = arm("app")
    path = f"/subscriptions/{sim.subscription_id}/providers/Microsoft.Compute/virtualMachines"
    body = {"operation": "Merge", "properties": {"tags": {"a": "1"}}}
    seen = {
        0: app("GET", path),
        1: app("PATCH", f"{vm}/providers/Microsoft.Resources/tags/default", body),
        2: app("GET", vm),
    }
    found = {n: compare(entry("list_all_2025.json", n), answer) for n, answer in seen.items()}
    assert {number: what for number, what in found.items() if what} == {}


def test_a_gallery_and_its_versions(sim: Simulator, arm: Arms) -> None:
    """The recorded sequence from an empty group to a replicated version."""
    file, owner = "flow_gallery_image_version.json", arm("owner")
    old = "api-version=2019-12-01"
    words = {"power": "deallocated", "generalized": True, "security_type": "Standard"}
    vm = sim.client.create_vm("web", os="Linux", generation="V1", data_disks=[{}], **words)
    gallery = vm.replace("virtualMachines/web", "galleries/golden")
    definition, version = f"{gallery}/images/web", f"{gallery}/images/web/versions/1.0.0"
    seen = {1: owner("PUT", f"{gallery}?{old}", {**entry(file, 1)["request"]["body"]})}
    seen[4] = owner("PUT", f"{definition}?{old}", entry(file, 4)["request"]["body"])
    sim.client.advance(1)
    seen |= {3: owner("GET", gallery), 6: owner("GET", definition)}
    regions = [{"name": "westeurope"}, {"name": "eastus2", "regionalReplicaCount": 1}]
    source = {"source": {"virtualMachineId": vm}}
    properties = {"publishingProfile": {"targetRegions": regions}, "storageProfile": source}
    body = {"location": "westeurope", "properties": properties}
    seen[41] = owner("PUT", f"{version}?api-version=2023-07-03", body)
    sim.client.advance(630)
    seen |= {61: owner("GET", version), 63: owner("GET", f"{version}?$expand=ReplicationStatus")}
    seen |= {69: owner("GET", f"{definition}/versions"), 70: owner("DELETE", version)}
    found = {number: compare(entry(file, number), answer) for number, answer in seen.items()}
    assert {number: what for number, what in found.items() if what} == {}


def test_bodies_are_indented_by_two_with_crlf(arm: Arms, vm: str) -> None:
    """The format of the compute provider's JSON."""
    text = arm("app")("GET", vm).content
    assert text.startswith(b'{\r\n  "name": "web",\r\n  "id": ')
