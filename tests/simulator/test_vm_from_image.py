"""VMs from images: how they start, and what their interfaces and disks do when they go."""

from typing import Any

import pytest

from simulator.simulator import Simulator
from tests.simulator.conftest import Arms, Reads

type Json = dict[str, Any]

VERSION = "galleries/g/images/d/versions/1.0.0"
TRUSTED = {
    "securityType": "TrustedLaunch",
    "uefiSettings": {"secureBootEnabled": True, "vTpmEnabled": True},
}


@pytest.fixture
def group(sim: Simulator, arm: Arms) -> str:
    """Make a group with a network and a gallery with a definition; return the group's id."""
    owner, group = arm("owner"), sim.client.create_group("rg")
    space = {"addressPrefixes": ["10.0.0.0/24"]}
    subnet = {"name": "s", "properties": {"addressPrefix": "10.0.0.0/24"}}
    network = {"addressSpace": space, "subnets": [subnet]}
    owner("PUT", f"{group}/providers/Microsoft.Network/virtualNetworks/n", resource(network))
    compute = f"{group}/providers/Microsoft.Compute"
    owner("PUT", f"{compute}/galleries/g", resource({}))
    definition = {
        "osType": "Windows",
        "osState": "Generalized",
        "hyperVGeneration": "V2",
        "identifier": {"publisher": "p", "offer": "o", "sku": "s"},
        "features": [{"name": "SecurityType", "value": "TrustedLaunch"}],
    }
    sim.client.advance(5)
    owner("PUT", f"{compute}/galleries/g/images/d", resource(definition))
    sim.client.advance(5)
    return group


def resource(properties: Json, **members: object) -> Json:
    """Return a body."""
    return {"location": "westeurope", "properties": properties} | members


def capture(sim: Simulator, arm: Arms, group: str, **words: object) -> str:
    """Make a version of a VM with these words, and return its id."""
    source = sim.client.create_vm(
        "source", group="rg", power="deallocated", generalized=True, data_disks=[{}], **words
    )
    version = f"{group}/providers/Microsoft.Compute/{VERSION}"
    body = {"storageProfile": {"source": {"virtualMachineId": source}}}
    assert arm("owner")("PUT", version, resource(body)).status_code == 201
    sim.client.advance(500)
    return version


def interface(arm: Arms, group: str, name: str = "nic") -> str:
    """Create an interface and return its id."""
    subnet = f"{group}/providers/Microsoft.Network/virtualNetworks/n/subnets/s"
    named = f"{group}/providers/Microsoft.Network/networkInterfaces/{name}"
    address = {"name": "ipconfig1", "properties": {"subnet": {"id": subnet}}}
    answer = arm("owner")("PUT", named, resource({"ipConfigurations": [address]}))
    assert answer.status_code == 201, answer.text
    return named


def vm_body(image: str, nic: str, **properties: object) -> Json:
    """Return the PUT of a VM from an image, whose disks and interface go with it."""
    gone = {"deleteOption": "Delete"}
    return resource(
        {
            "hardwareProfile": {"vmSize": "Standard_D4s_v5"},
            "storageProfile": {
                "imageReference": {"id": image},
                "osDisk": {"createOption": "FromImage"} | gone,
                "dataDisks": [{"lun": 0, "createOption": "FromImage"} | gone],
            },
            "osProfile": {"computerName": "t", "adminUsername": "u", "adminPassword": "p4ssWord!x"},
            "networkProfile": {"networkInterfaces": [{"id": nic, "properties": gone}]},
            "securityProfile": TRUSTED,
            "diagnosticsProfile": {"bootDiagnostics": {"enabled": True}},
        }
        | properties
    )


def vm_id(group: str, name: str = "t") -> str:
    """Return a VM's id."""
    return f"{group}/providers/Microsoft.Compute/virtualMachines/{name}"


@pytest.mark.parametrize(
    ("words", "code"),
    [
        ({"sysprep": "succeeded"}, "ProvisioningState/succeeded"),
        ({}, "ProvisioningState/failed/OSProvisioningClientError"),
        (
            {"sysprep": "succeeded", "boots": False},
            "ProvisioningState/failed/OSProvisioningTimedOut",
        ),
    ],
)
def test_how_a_vm_from_an_image_starts(
    sim: Simulator, arm: Arms, group: str, words: Json, code: str
) -> None:
    """Generalized: succeeds. Not: the agent is detected, it fails. Does not start: silence."""
    owner, version = arm("owner"), capture(sim, arm, group, **words)
    made = owner("PUT", vm_id(group), vm_body(version, interface(arm, group)))
    assert made.status_code == 201, made.text
    sim.client.advance(1300)
    view = owner("GET", f"{vm_id(group)}/instanceView").json()
    assert [status["code"] for status in view["statuses"]] == [code, "PowerState/running"]
    assert ("vmAgent" in view) == words.get("boots", True)


def test_all_that_is_its_own_goes_with_it(sim: Simulator, arm: Arms, group: str) -> None:
    """With deleteOption Delete, disks and interface of a VM are deleted with it."""
    owner, version = arm("owner"), capture(sim, arm, group, sysprep="succeeded")
    before = kinds(arm, group)
    owner("PUT", vm_id(group), vm_body(version, interface(arm, group)))
    sim.client.advance(200)
    owner("DELETE", f"{vm_id(group)}?forceDeletion=true")
    sim.client.advance(60)
    assert kinds(arm, group) == before


def kinds(arm: Arms, group: str) -> list[str]:
    """Return the types of what is in a group."""
    return sorted(row["type"] for row in arm("owner")("GET", f"{group}/resources").json()["value"])


def test_an_interface_is_held(sim: Simulator, arm: Arms, group: str) -> None:
    """In use: 400 NicInUse. For 180 seconds after its VM: 400 NicReservedForAnotherVm."""
    owner, version = arm("owner"), capture(sim, arm, group, sysprep="succeeded")
    nic = interface(arm, group)
    body = vm_body(version, nic, networkProfile={"networkInterfaces": [{"id": nic}]})
    assert owner("PUT", vm_id(group), body).status_code == 201
    assert code_of(owner("DELETE", nic)) == "NicInUse"
    assert code_of(owner("PUT", vm_id(group, "other"), body)) == "NicInUse"
    owner("DELETE", vm_id(group))
    sim.client.advance(60)
    assert code_of(owner("DELETE", nic)) == "NicReservedForAnotherVm"
    assert code_of(owner("PUT", vm_id(group, "other"), body)) == "NicReservedForAnotherVm"
    sim.client.advance(180)
    assert owner("DELETE", nic).status_code == 202


def code_of(answer: Any) -> str:  # noqa: ANN401 a response
    """Return the error's code."""
    return str(answer.json()["error"]["code"])


def test_what_a_vm_from_an_image_must_have(sim: Simulator, arm: Arms, group: str) -> None:
    """Refused without a trace: security type, unknown interface, a long name, no right."""
    owner, version = arm("owner"), capture(sim, arm, group, sysprep="succeeded")
    nic, long = interface(arm, group), {"computerName": "x" * 16, "adminUsername": "u"}
    before = kinds(arm, group)
    for principal, changed, expected in (
        ("owner", {"securityProfile": {}}, "BadRequest"),
        (
            "owner",
            {"networkProfile": {"networkInterfaces": [{"id": f"{nic}x"}]}},
            "InvalidResourceReference",
        ),
        ("owner", {"osProfile": long}, "InvalidParameter"),
        ("app", {}, "LinkedAuthorizationFailed"),
    ):
        body = vm_body(version, nic, **changed)
        assert code_of(arm(principal)("PUT", vm_id(group), body)) == expected
    assert kinds(arm, group) == before
    assert owner("DELETE", nic).status_code == 202


def test_boot_diagnostics(sim: Simulator, arm: Arms, group: str, read: Reads) -> None:
    """A running VM has a screenshot, a PNG, and a serial log; the URLs end with the VM."""
    owner, version = arm("owner"), capture(sim, arm, group, sysprep="succeeded")
    owner("PUT", vm_id(group), vm_body(version, interface(arm, group)))
    sim.client.advance(200)
    given = owner("POST", f"{vm_id(group)}/retrieveBootDiagnosticsData").json()
    picture, log = (read(given[name]) for name in sorted(given))
    assert picture.content.startswith(b"\x89PNG")
    assert "login" in log.text
    wrong = given["consoleScreenshotBlobUri"].partition("?")[0] + "?sig=x"
    assert read(wrong).status_code == 403
    owner("DELETE", vm_id(group))
    sim.client.advance(60)
    assert read(given["consoleScreenshotBlobUri"]).status_code == 404
