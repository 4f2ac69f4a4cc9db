"""What ARM shows of VMs, and how they change: as recorded, unless noted otherwise."""

from typing import Any

import pytest

from simulator.simulator import Simulator
from tests.simulator.conftest import Arms

type Json = dict[str, Any]

ADMIN = {"computerName": "web", "adminUsername": "azureuser", "adminPassword": "S3cret-of-a-VM"}


def body(storage: Json, **members: object) -> Json:
    """Return the PUT of a VM."""
    properties = {
        "hardwareProfile": {"vmSize": "Standard_D4s_v5"},
        "storageProfile": storage,
        "osProfile": dict(ADMIN),
        "networkProfile": {"networkInterfaces": [{"id": "/subscriptions/x/nic"}]},
    }
    return {"location": "westeurope", "properties": properties} | members


MARKET = {
    "imageReference": {
        "publisher": "Canonical",
        "offer": "ubuntu-24_04-lts",
        "sku": "server",
        "version": "latest",
    },
    "osDisk": {"createOption": "fromImage"},
}


@pytest.fixture
def base(sim: Simulator) -> str:
    """Give the compute provider's path in a group."""
    sim.client.settings(unknown_interfaces="accept")
    group = sim.client.create_group("rg-vms")
    return f"{group}/providers/Microsoft.Compute"


def made(sim: Simulator, arm: Arms, vm: str, asked: Json) -> Json:
    """Create a VM, wait for it, and return its body."""
    answer = arm("owner")("PUT", vm, asked)
    assert answer.status_code == 201, answer.text
    sim.client.advance(60)
    shown: Json = arm("owner")("GET", vm).json()
    return shown


def view(arm: Arms, vm: str) -> Json:
    """Return a VM's instance view."""
    shown: Json = arm("owner")("GET", f"{vm}/instanceView").json()
    return shown


def test_of_a_deallocated_vm_nothing_is_known_of_its_guest(sim: Simulator, arm: Arms) -> None:
    """Its instance view has disks, generation, statuses and boot diagnostics, no agent."""
    vm = sim.client.create_vm("web")
    assert {"vmAgent", "osName", "osVersion", "computerName"} <= set(view(arm, vm))
    sim.client.create_vm("off", power="deallocated")
    off = view(arm, vm.replace("/web", "/off"))
    assert set(off) == {"disks", "bootDiagnostics", "hyperVGeneration", "statuses"}


@pytest.mark.parametrize(
    ("profile", "shown"),
    [
        ({"enabled": True}, {}),
        ({"enabled": False}, None),
        (
            {"enabled": True, "storageUri": "https://logs.blob.core.windows.net/"},
            {"consoleScreenshotBlobUri", "serialConsoleLogBlobUri"},
        ),
    ],
)
def test_boot_diagnostics(sim: Simulator, arm: Arms, profile: Json, shown: object) -> None:
    """Managed by Azure: an empty object; in an account: two of its URLs; off: no member."""
    said = {"diagnosticsProfile": {"bootDiagnostics": profile}}
    found = view(arm, sim.client.create_vm("web-01", properties=said)).get("bootDiagnostics")
    if not isinstance(shown, set):
        assert found == shown
        return
    assert found
    assert set(found) == shown
    for address in found.values():
        assert address.startswith("https://logs.blob.core.windows.net/bootdiagnostics-web01-")


def test_a_change_of_the_os_profile_keeps_the_rest_and_shows_no_secret(
    sim: Simulator, arm: Arms, base: str
) -> None:
    """Azure merges it from a PATCH or PUT; the password of a second PUT is not shown."""
    vm = f"{base}/virtualMachines/web"
    before = made(sim, arm, vm, body(MARKET))["properties"]["osProfile"]
    change = {"properties": {"osProfile": {"allowExtensionOperations": "false"}}}
    assert arm("owner")("PATCH", vm, change).status_code == 200
    sim.client.advance(10)
    assert arm("owner")("PUT", vm, body(MARKET)).status_code == 200
    sim.client.advance(10)
    shown = arm("owner")("GET", vm)
    assert ADMIN["adminPassword"] not in shown.text
    assert shown.json()["properties"]["osProfile"] == before | {"allowExtensionOperations": False}


@pytest.mark.parametrize("way", ["left out", "toBeDetached"])
def test_a_data_disk_is_detached(sim: Simulator, arm: Arms, way: str) -> None:
    """A disk that is omitted, or marked as detached, is detaching until the operation ends."""
    vm = sim.client.create_vm("web", data_disks=[{}, {}])
    shown = arm("owner")("GET", vm).json()["properties"]["storageProfile"]["dataDisks"]
    kept = [shown[0]] if way == "left out" else [shown[0], shown[1] | {"toBeDetached": True}]
    answer = arm("owner")("PATCH", vm, {"properties": {"storageProfile": {"dataDisks": kept}}})
    leaving = answer.json()["properties"]["storageProfile"]["dataDisks"]
    assert [disk["toBeDetached"] for disk in leaving] == [False, True]
    sim.client.advance(10)
    after = arm("owner")("GET", vm).json()["properties"]["storageProfile"]["dataDisks"]
    assert [disk["name"] for disk in after] == [shown[0]["name"]]
    disk = arm("owner")("GET", shown[1]["managedDisk"]["id"]).json()
    assert disk["properties"]["diskState"] == "Unattached"


def test_a_new_disk_has_no_id_yet(sim: Simulator, arm: Arms, base: str) -> None:
    """The PUT of a VM, or of one more disk of it, answers without ids of what is being created."""
    vm = f"{base}/virtualMachines/web"
    first = arm("owner")("PUT", vm, body(MARKET)).json()["properties"]["storageProfile"]
    assert "id" not in first["osDisk"]["managedDisk"]
    sim.client.advance(60)
    more = {"properties": {"storageProfile": {"dataDisks": [{"lun": 0, "createOption": "empty"}]}}}
    second = arm("owner")("PATCH", vm, more).json()["properties"]["storageProfile"]
    assert "id" in second["osDisk"]["managedDisk"]
    assert "id" not in second["dataDisks"][0]["managedDisk"]
    sim.client.advance(10)
    third = arm("owner")("GET", vm).json()["properties"]["storageProfile"]
    assert "id" in third["dataDisks"][0]["managedDisk"]


def captured(sim: Simulator, arm: Arms, base: str) -> str:
    """Make a managed image of a VM with two data disks, of 4 and 8 GiB at luns 1 and 5."""
    disks = [
        {"lun": 1, "createOption": "Empty", "diskSizeGB": 4},
        {"lun": 5, "createOption": "Empty", "diskSizeGB": 8, "caching": "ReadOnly"},
    ]
    vm = sim.client.create_vm(
        "source", generation="V1", power="stopped", generalized=True, data_disks=disks
    )
    asked = {"sourceVirtualMachine": {"id": vm}, "hyperVGeneration": "V1"}
    image = f"{base}/images/golden"
    arm("owner")("PUT", image, {"location": "westeurope", "properties": asked})
    sim.client.advance(30)
    return image


@pytest.mark.parametrize(
    ("named", "sizes"),
    [
        (None, {1: 4, 5: 8}),
        (
            [{"lun": 1, "createOption": "fromImage"}, {"lun": 5, "createOption": "fromImage"}],
            {1: 4, 5: 8},
        ),
        (
            [
                {"lun": 1, "createOption": "fromImage", "diskSizeGB": 16},
                {"lun": 5, "createOption": "fromImage"},
                {"lun": 9, "createOption": "empty", "diskSizeGB": 32},
            ],
            {1: 16, 5: 8, 9: 32},
        ),
    ],
)
def test_a_vm_has_the_data_disks_of_its_image(
    sim: Simulator, arm: Arms, base: str, named: list[Json] | None, sizes: dict[int, int]
) -> None:
    """All data disks, with the image's sizes, unless the request overrides them."""
    storage: Json = {"imageReference": {"id": captured(sim, arm, base)}}
    storage |= {} if named is None else {"dataDisks": named}
    shown = made(sim, arm, f"{base}/virtualMachines/web", body(storage))["properties"]
    disks = shown["storageProfile"]["dataDisks"]
    assert {disk["lun"]: disk["diskSizeGB"] for disk in disks} == sizes
    made_of_it = [disk for disk in disks if disk["createOption"] == "FromImage"]
    assert len(made_of_it) == 2


@pytest.mark.parametrize(
    ("named", "words"),
    [
        ([], "does not have required value(s) for image"),
        ([{"lun": 1, "createOption": "fromImage"}], "does not have required value(s) for image"),
        (
            [{"lun": 1, "createOption": "empty"}, {"lun": 5, "createOption": "fromImage"}],
            "Cannot specify user image overrides",
        ),
    ],
)
def test_a_list_must_name_each_disk_of_the_image(
    sim: Simulator, arm: Arms, base: str, named: list[Json], words: str
) -> None:
    """An empty list, one that omits a lun, and one that puts another disk there are 400."""
    storage = {"imageReference": {"id": captured(sim, arm, base)}, "dataDisks": named}
    answer = arm("owner")("PUT", f"{base}/virtualMachines/web", body(storage))
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "InvalidParameter")
    assert words in answer.json()["error"]["message"]


def test_identities_show_their_principals(sim: Simulator, arm: Arms, base: str) -> None:
    """Azure's ids of each are shown and kept; `None` removes the identity."""
    user = "/subscriptions/s/resourceGroups/g/providers/Microsoft.ManagedIdentity/x/u"
    vm, owner = f"{base}/virtualMachines/web", arm("owner")
    first = made(sim, arm, vm, body(MARKET, identity={"type": "SystemAssigned"}))["identity"]
    assert set(first) == {"type", "principalId", "tenantId"}
    both = {"type": "SystemAssigned,UserAssigned", "userAssignedIdentities": {user: {}}}
    owner("PATCH", vm, {"identity": both})
    sim.client.advance(10)
    second = owner("GET", vm).json()["identity"]
    assert second["type"] == "SystemAssigned, UserAssigned"
    assert second["principalId"] == first["principalId"]
    assert set(second["userAssignedIdentities"][user]) == {"principalId", "clientId"}
    owner("PATCH", vm, {"identity": {"type": "None"}})
    sim.client.advance(10)
    assert "identity" not in owner("GET", vm).json()


@pytest.mark.parametrize(
    ("properties", "status"),
    [
        ({"priority": "Regular"}, (409, "PropertyChangeNotAllowed")),
        ({"priority": "Low"}, (200, None)),
        ({"billingProfile": {"maxPrice": 1}}, (409, "OperationNotAllowed")),
        ({"priority": "Spot", "billingProfile": {"maxPrice": -1}}, (200, None)),
    ],
)
def test_what_a_spot_vm_keeps(
    sim: Simulator, arm: Arms, properties: Json, status: tuple[int, str | None]
) -> None:
    """It never becomes a regular VM; while it is allocated its maximum price is fixed."""
    vm = sim.client.create_vm("web", priority="Spot")
    answer = arm("owner")("PATCH", vm, {"properties": properties})
    assert (answer.status_code, (answer.json().get("error") or {}).get("code")) == status


def test_a_regular_vm_stays_one_and_a_free_one_may_change_its_price(
    sim: Simulator, arm: Arms
) -> None:
    """Spot for a regular VM is refused; the maximum price of a deallocated VM may change."""
    regular = arm("owner")(
        "PATCH", sim.client.create_vm("web"), {"properties": {"priority": "Spot"}}
    )
    assert regular.json()["error"]["code"] == "PropertyChangeNotAllowed"
    spot = sim.client.create_vm("spot", priority="Spot", power="deallocated")
    price = {"properties": {"billingProfile": {"maxPrice": 1}}}
    assert arm("owner")("PATCH", spot, price).status_code == 200


def test_user_data_is_shown_to_those_who_ask(sim: Simulator, arm: Arms) -> None:
    """`$expand` takes both of its words at once; without userData there is none."""
    vm = sim.client.create_vm("web", properties={"userData": "aGVsbG8="})
    owner = arm("owner")
    assert "userData" not in owner("GET", vm).json()["properties"]
    shown = owner("GET", f"{vm}?$expand=instanceView,userData").json()["properties"]
    assert shown["userData"] == "aGVsbG8="
    assert "instanceView" in shown


def test_a_version_of_a_vm_came_with_an_api_version(sim: Simulator, arm: Arms) -> None:
    """Before it there is no etag in body or header, and If-Match is ignored; nor with a view."""
    vm, owner = sim.client.create_vm("web"), arm("owner")
    new, old = owner("GET", vm), owner("GET", f"{vm}?api-version=2023-09-01")
    assert new.headers["ETag"] == new.json()["etag"]
    assert "ETag" not in old.headers
    assert "etag" not in old.json()
    assert "ETag" not in owner("GET", f"{vm}?$expand=instanceView").headers
    patch = {"tags": {"a": "b"}}
    refused = owner("PATCH", vm, patch, If_Match='"99"')
    assert (refused.status_code, refused.json()["error"]["code"]) == (412, "PreconditionFailed")
    taken = owner("PATCH", f"{vm}?api-version=2023-09-01", patch, If_Match='"99"')
    assert taken.status_code == 200


@pytest.mark.parametrize(
    ("named", "system"),
    [
        ("MicrosoftSQLServer sql2022-ws2022", "Windows"),
        ("MicrosoftWindowsServer WindowsServer", "Windows"),
        ("MicrosoftSQLServer sql2022-ubuntupro2004", "Linux"),
        ("microsoft-aks aks", "Linux"),
        ("MicrosoftCBLMariner cbl-mariner", "Linux"),
        ("Canonical ubuntu-24_04-lts", "Linux"),
    ],
)
def test_the_system_of_a_marketplace_image(
    sim: Simulator, arm: Arms, base: str, named: str, system: str
) -> None:
    """Microsoft's own are Windows, except those whose offer or publisher names a Linux."""
    publisher, offer = named.split()
    image = {"publisher": publisher, "offer": offer, "sku": "x", "version": "latest"}
    storage = MARKET | {"imageReference": image}
    shown = made(sim, arm, f"{base}/virtualMachines/web", body(storage))["properties"]
    assert shown["storageProfile"]["osDisk"]["osType"] == system


@pytest.mark.parametrize(
    ("size", "account"),
    [
        ("Standard_D4s_v5", "Premium_LRS"),
        ("Standard_DS1_v2", "Premium_LRS"),
        ("Standard_B1ms", "Premium_LRS"),
        ("Standard_E8-4ads_v5", "Premium_LRS"),
        ("Standard_D2_v3", "Standard_LRS"),
        ("Standard_A1_v2", "Standard_LRS"),
        ("Standard_E4d_v5", "Standard_LRS"),
    ],
)
def test_a_size_tells_the_account_of_a_disk(
    sim: Simulator, arm: Arms, base: str, size: str, account: str
) -> None:
    """A disk without a storage type is on Premium storage if the size supports it."""
    asked = body(MARKET)
    asked["properties"]["hardwareProfile"]["vmSize"] = size
    shown = made(sim, arm, f"{base}/virtualMachines/web", asked)["properties"]["storageProfile"]
    assert shown["osDisk"]["managedDisk"]["storageAccountType"] == account


def test_an_interface_of_which_nothing_is_said(sim: Simulator, arm: Arms, base: str) -> None:
    """Properties that are empty, or all null, are not shown."""
    asked = body(MARKET)
    said = {"id": "/subscriptions/x/nic", "properties": {"deleteOption": None}}
    asked["properties"]["networkProfile"]["networkInterfaces"] = [said]
    shown = made(sim, arm, f"{base}/virtualMachines/web", asked)["properties"]
    assert shown["networkProfile"]["networkInterfaces"] == [{"id": "/subscriptions/x/nic"}]
