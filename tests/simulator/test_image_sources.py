"""Managed images and gallery image versions of disks, snapshots and blobs."""

from typing import Any

import pytest

from simulator.simulator import Simulator
from tests.simulator.conftest import Arms

OLD = {"generation": "V1", "power": "deallocated"}
BLOB = "https://account.blob.core.windows.net/vhds/os.vhd"


def image_of(os_disk: dict[str, Any], *data: dict[str, Any], **properties: object) -> Any:  # noqa: ANN401 JSON
    """Return the body of an image of disks."""
    named = {"osType": "Windows", "osState": "Generalized"} | os_disk
    storage: dict[str, Any] = {"osDisk": named}
    if data:
        storage["dataDisks"] = list(data)
    given: dict[str, object] = {"storageProfile": storage, "hyperVGeneration": "V1"} | properties
    return {"location": "westeurope", "properties": given}


def code(answer: Any) -> tuple[int, str]:  # noqa: ANN401 an answer
    """Return status and code of a refusal."""
    return answer.status_code, answer.json()["error"]["code"]


@pytest.fixture
def vm(sim: Simulator) -> str:
    """Make a VM of the first generation with a generalized OS disk, deallocated."""
    return sim.client.create_vm("web", sysprep="succeeded", data_disks=[{"diskSizeGB": 64}], **OLD)


@pytest.fixture
def image(vm: str) -> str:
    """Give the id of an image that does not exist yet."""
    return vm.replace("virtualMachines/web", "images/img")


def snapshot_of(sim: Simulator, arm: Arms, disk: str) -> str:
    """Take a snapshot of a disk and return its id."""
    path = disk.split("/disks/", maxsplit=1)[0] + "/snapshots/kept"
    creation = {"createOption": "Copy", "sourceResourceId": disk}
    body = {"location": "westeurope", "properties": {"creationData": creation}}
    assert arm("owner")("PUT", path, body).status_code == 202
    sim.client.advance(1)
    return path


def test_an_image_of_disks(sim: Simulator, arm: Arms, vm: str, image: str) -> None:
    """It names its source; caching, account type and the sizes are Azure's."""
    facts, owner = sim.client.vm(vm), arm("owner")
    data = {"lun": 3, "managedDisk": {"id": facts["dataDisks"][0]}, "caching": "ReadOnly"}
    body = image_of({"managedDisk": {"id": facts["osDisk"]}}, data)
    put = owner("PUT", image, body)
    assert put.status_code == 201
    filled_in = {"caching": "None", "storageAccountType": "Standard_LRS"}
    os_disk = body["properties"]["storageProfile"]["osDisk"] | filled_in
    shown = put.json()["properties"]
    assert "sourceVirtualMachine" not in shown
    assert shown["storageProfile"] == {
        "osDisk": os_disk,
        "dataDisks": [data | {"storageAccountType": "Standard_LRS"}],
    }
    assert (shown["provisioningState"], shown["hyperVGeneration"]) == ("Creating", "V1")
    sim.client.advance(8)
    made = owner("GET", image).json()["properties"]
    assert made["provisioningState"] == "Succeeded"
    assert made["storageProfile"]["osDisk"] == os_disk | {"diskSizeGB": 127}
    assert made["storageProfile"]["dataDisks"][0]["diskSizeGB"] == 64


def test_what_an_image_of_a_disk_is_really_made_of(
    sim: Simulator, arm: Arms, vm: str, image: str
) -> None:
    """The steering API has the disk and the result of Sysprep on it."""
    facts = sim.client.vm(vm)
    arm("owner")("PUT", image, image_of({"managedDisk": {"id": facts["osDisk"]}}))
    (capture,) = sim.client.captures()
    assert (capture["source"], capture["osDisk"]) == (facts["osDisk"], facts["osDisk"])
    assert capture["sysprep"] == "succeeded"


def test_an_image_of_a_snapshot(sim: Simulator, arm: Arms, vm: str, image: str) -> None:
    """Changes of the disk after the snapshot do not affect the image."""
    snapshot = snapshot_of(sim, arm, sim.client.vm(vm)["osDisk"])
    owner = arm("owner")
    owner("POST", f"{vm}/start")
    sim.client.advance(30)
    assert sim.client.vm(vm)["sysprep"] == "never"
    put = owner("PUT", image, image_of({"snapshot": {"id": snapshot}}))
    assert put.status_code == 201
    assert put.json()["properties"]["storageProfile"]["osDisk"]["snapshot"] == {"id": snapshot}
    assert put.json()["properties"]["storageProfile"]["dataDisks"] == []
    (capture,) = sim.client.captures()
    assert (capture["osDisk"], capture["sysprep"]) == (snapshot, "succeeded")


def test_an_image_of_a_blob(sim: Simulator, arm: Arms, image: str) -> None:
    """A blob is named by its URI; a size that is sent is shown at once."""
    put = arm("owner")("PUT", image, image_of({"blobUri": BLOB, "diskSizeGB": 40}))
    assert put.status_code == 201
    os_disk = put.json()["properties"]["storageProfile"]["osDisk"]
    assert (os_disk["blobUri"], os_disk["diskSizeGB"]) == (BLOB, 40)
    (capture,) = sim.client.captures()
    assert (capture["source"], capture["sysprep"]) == (BLOB, "never")


def test_an_image_of_the_blob_of_a_vms_unmanaged_disk(
    sim: Simulator, arm: Arms, image: str
) -> None:
    """It holds what that VM has left on its disk."""
    sim.client.create_vm("vhd", sysprep="succeeded", os_disk={"vhd": {"uri": BLOB}}, **OLD)
    assert arm("owner")("PUT", image, image_of({"blobUri": BLOB})).status_code == 201
    (capture,) = sim.client.captures()
    assert capture["sysprep"] == "succeeded"


@pytest.mark.parametrize(
    ("body", "missing"),
    [
        (image_of({"blobUri": BLOB}, hyperVGeneration=None), "hyperVGeneration"),
        (image_of({"blobUri": BLOB, "osType": None}), "osDisk.osType"),
        (image_of({"blobUri": BLOB, "osState": None}), "osDisk.osState"),
        (image_of({}), "osDisk"),
        ({"location": "westeurope", "properties": {"hyperVGeneration": "V1"}}, "storageProfile"),
    ],
)
def test_what_an_image_of_disks_must_say(arm: Arms, image: str, body: object, missing: str) -> None:
    """OS type, OS state, generation and a source are required, in Azure's words."""
    answer = arm("owner")("PUT", image, body)
    assert code(answer) == (400, "InvalidParameter")
    refused = answer.json()["error"]
    assert refused["target"] == missing
    assert refused["message"] == f"Required parameter '{missing}' is missing (null)."
    assert arm("owner")("GET", image).status_code == 404


def test_an_old_api_version_needs_no_generation(arm: Arms, image: str) -> None:
    """Before 2019-03-01 the default is the first generation."""
    body = image_of({"blobUri": BLOB}, hyperVGeneration=None)
    put = arm("owner")("PUT", f"{image}?api-version=2018-10-01", body)
    assert put.json()["properties"]["hyperVGeneration"] == "V1"


def test_sources_that_an_image_cannot_have(sim: Simulator, arm: Arms, vm: str, image: str) -> None:
    """A missing or running VM, a Trusted Launch VM, or another type than the body says."""
    disk, owner = sim.client.vm(vm)["osDisk"], arm("owner")
    missing = image_of({"managedDisk": {"id": disk + "x"}})
    assert code(owner("PUT", image, missing)) == (404, "ResourceNotFound")
    gone = image_of({"snapshot": {"id": disk.replace("/disks/", "/snapshots/")}})
    assert code(owner("PUT", image, gone)) == (404, "ResourceNotFound")
    running = sim.client.vm(sim.client.create_vm("on", generation="V1"))["osDisk"]
    answer = owner("PUT", image, image_of({"managedDisk": {"id": running}}))
    assert code(answer) == (409, "Conflict")
    trusted = sim.client.vm(sim.client.create_vm("tl", power="deallocated"))["osDisk"]
    body = image_of({"managedDisk": {"id": trusted}}, hyperVGeneration="V2")
    answer = owner("PUT", image, body)
    assert code(answer) == (409, "OperationNotAllowed")
    assert answer.json()["error"]["message"] == (
        "Creation of managed images are not supported for virtual machine with TrustedLaunch "
        "security type."
    )
    source = {"managedDisk": {"id": disk}}
    for wrong in (
        image_of(source, hyperVGeneration="V2"),
        image_of(source | {"osType": "Linux"}),
        image_of(source | {"blobUri": BLOB}),
        image_of(source) | {"location": "northeurope"},
    ):
        assert code(owner("PUT", image, wrong)) == (400, "InvalidParameter")


def test_the_app_may_not_make_images_of_any_disk(
    sim: Simulator, arm: Arms, vm: str, image: str
) -> None:
    """The permission to read the disk's contents is also required."""
    roles = sim.client.roles()
    for role in roles["roleDefinitions"]:
        for permission in role["properties"]["permissions"]:
            if "Microsoft.Compute/disks/beginGetAccess/action" in permission["actions"]:
                permission["actions"].remove("Microsoft.Compute/disks/beginGetAccess/action")
    sim.client.set_roles(roles)
    body = image_of({"managedDisk": {"id": sim.client.vm(vm)["osDisk"]}})
    assert code(arm("app")("PUT", image, body)) == (403, "LinkedAuthorizationFailed")


def test_the_same_image_of_a_disk_again(sim: Simulator, arm: Arms, vm: str, image: str) -> None:
    """The same source: 200, Updating, captured once; another source: PropertyChangeNotAllowed."""
    facts, owner = sim.client.vm(vm), arm("owner")
    body = image_of({"managedDisk": {"id": facts["osDisk"]}})
    owner("PUT", image, body)
    sim.client.advance(8)
    again = owner("PUT", image, body | {"tags": {"a": "b"}})
    assert again.status_code == 200
    assert again.json()["properties"]["provisioningState"] == "Updating"
    sim.client.advance(1)
    assert owner("GET", image).json()["properties"]["provisioningState"] == "Succeeded"
    other = image_of({"managedDisk": {"id": facts["dataDisks"][0]}})
    assert code(owner("PUT", image, other)) == (409, "PropertyChangeNotAllowed")
    assert len(sim.client.captures()) == 1


def test_what_an_image_of_a_vm_shows(sim: Simulator, arm: Arms, vm: str, image: str) -> None:
    """Sizes only once it is created; zone resilience only if it was sent."""
    owner = arm("owner")
    owner("POST", f"{vm}/generalize")
    properties = {"sourceVirtualMachine": {"id": vm}, "hyperVGeneration": "V1"}
    body = {"location": "westeurope", "properties": properties}
    storage = owner("PUT", image, body).json()["properties"]["storageProfile"]
    assert "zoneResilient" not in storage
    assert "diskSizeGB" not in storage["osDisk"] | storage["dataDisks"][0]
    sim.client.advance(8)
    storage = owner("GET", image).json()["properties"]["storageProfile"]
    assert (storage["osDisk"]["diskSizeGB"], storage["dataDisks"][0]["diskSizeGB"]) == (127, 64)
    resilient = body | {"properties": properties | {"storageProfile": {"zoneResilient": True}}}
    storage = owner("PUT", f"{image}2", resilient).json()["properties"]["storageProfile"]
    assert storage["zoneResilient"] is True


def define(sim: Simulator, arm: Arms, base: str, **properties: object) -> str:
    """Make a gallery and a definition of the first generation, and return the definition's id."""
    owner, gallery = arm("owner"), f"{base}/galleries/golden"
    owner("PUT", gallery, {"location": "westeurope"})
    given = {
        "osType": "Windows",
        "osState": "Generalized",
        "hyperVGeneration": "V1",
        "identifier": {"publisher": "contoso", "offer": "web", "sku": "base"},
    }
    body = {"location": "westeurope", "properties": given | properties}
    assert owner("PUT", f"{gallery}/images/web", body).status_code == 201
    sim.client.advance(1)
    return f"{gallery}/images/web"


def version_of(**storage: object) -> dict[str, object]:
    """Return the body of a version."""
    return {"location": "westeurope", "properties": {"storageProfile": storage}}


def test_a_version_of_an_image_of_a_disk(sim: Simulator, arm: Arms, vm: str, image: str) -> None:
    """It has the same source, after the image is complete; the facts behind both are the same."""
    owner, disk = arm("owner"), sim.client.vm(vm)["osDisk"]
    version = define(sim, arm, image.split("/images/", maxsplit=1)[0]) + "/versions/1.0.0"
    owner("PUT", image, image_of({"managedDisk": {"id": disk}}))
    body = version_of(source={"id": image})
    assert code(owner("PUT", version, body)) == (409, "Conflict")
    sim.client.advance(8)
    assert owner("PUT", version, body).status_code == 201
    sim.client.advance(421)
    storage = owner("GET", version).json()["properties"]["storageProfile"]
    copied = {"sizeInGB": 127, "hostCaching": "None", "source": {}}
    assert storage == {"source": {"id": image}, "osDiskImage": copied}
    of_image, of_version = sim.client.captures()
    assert of_image["sysprep"] == of_version["sysprep"] == "succeeded"
    assert of_version["osDisk"] == disk


def test_a_managed_image_fits_no_secured_definition(
    sim: Simulator, arm: Arms, vm: str, image: str
) -> None:
    """An image is standard; a definition of Trusted Launch requires more."""
    owner = arm("owner")
    owner("PUT", image, image_of({"managedDisk": {"id": sim.client.vm(vm)["osDisk"]}}))
    sim.client.advance(8)
    features = [{"name": "SecurityType", "value": "TrustedLaunch"}]
    definition = define(sim, arm, image.split("/images/", maxsplit=1)[0], features=features)
    answer = owner("PUT", f"{definition}/versions/1.0.0", version_of(source={"id": image}))
    assert code(answer) == (400, "InvalidParameter")


def test_a_version_of_disks_and_snapshots(sim: Simulator, arm: Arms, vm: str) -> None:
    """Each disk keeps its source; sizes are shown when it is complete, caching at once."""
    owner, facts = arm("owner"), sim.client.vm(vm)
    snapshot = snapshot_of(sim, arm, facts["osDisk"])
    version = define(sim, arm, vm.split("/virtualMachines/", maxsplit=1)[0]) + "/versions/1.0.0"
    os_disk = {"source": {"id": snapshot}}
    data = {"lun": 2, "source": {"id": facts["dataDisks"][0]}}
    body = version_of(osDiskImage=os_disk, dataDiskImages=[data])
    put = owner("PUT", version, body)
    assert put.status_code == 201
    os_disk["hostCaching"], data["hostCaching"] = "ReadWrite", "ReadOnly"  # type: ignore[assignment] # JSON
    assert put.json()["properties"]["storageProfile"] == {
        "osDiskImage": os_disk,
        "dataDiskImages": [data],
    }
    sim.client.advance(421)
    storage = owner("GET", version).json()["properties"]["storageProfile"]
    assert storage["osDiskImage"] == os_disk | {"sizeInGB": 127}
    assert storage["dataDiskImages"] == [data | {"sizeInGB": 64}]
    (capture,) = sim.client.captures()
    assert (capture["osDisk"], capture["sysprep"]) == (snapshot, "succeeded")
    other = version_of(osDiskImage={"source": {"id": facts["osDisk"]}})
    assert code(owner("PUT", version, other)) == (409, "PropertyChangeNotAllowed")


def test_disks_that_no_version_can_be_made_of(sim: Simulator, arm: Arms, vm: str) -> None:
    """Missing, elsewhere, running, secured, of another kind, named twice: refused at the PUT."""
    owner, disk = arm("owner"), sim.client.vm(vm)["osDisk"]
    base = vm.split("/virtualMachines/", maxsplit=1)[0]
    version = define(sim, arm, base) + "/versions/1.0.0"

    def asked(disk_id: str, *data: dict[str, object]) -> tuple[int, str]:
        storage = {"osDiskImage": {"source": {"id": disk_id}}, "dataDiskImages": list(data)}
        return code(owner("PUT", version, version_of(**storage)))

    assert asked(disk + "x") == (404, "NotFound")
    words = {"generation": "V1", "location": "northeurope", "power": "deallocated"}
    away = sim.client.vm(sim.client.create_vm("away", **words))["osDisk"]
    assert asked(away) == (404, "NotFound")
    running = sim.client.vm(sim.client.create_vm("on", generation="V1"))["osDisk"]
    assert asked(running) == (409, "Conflict")
    second = sim.client.create_vm("v2", power="deallocated", security_type="Standard")
    assert asked(sim.client.vm(second)["osDisk"]) == (409, "Conflict")
    linux = sim.client.create_vm("linux", os="Linux", **OLD)
    assert asked(sim.client.vm(linux)["osDisk"]) == (400, "BadRequest")
    assert asked(vm) == (400, "InvalidParameter")
    assert asked(disk, {"lun": 0, "source": {"id": disk}}) == (400, "InvalidParameter")
    both = version_of(source={"virtualMachineId": vm}, osDiskImage={"source": {"id": disk}})
    assert code(owner("PUT", version, both)) == (400, "InvalidParameter")
    assert code(owner("PUT", version, version_of())) == (400, "InvalidParameter")


def test_a_supported_definition_takes_what_has_no_guest_state(
    sim: Simulator, arm: Arms, vm: str
) -> None:
    """Trusted Launch supported: a blob and a standard disk are accepted, Trusted Launch not."""
    features = [{"name": "SecurityType", "value": "TrustedLaunchSupported"}]
    base = vm.split("/virtualMachines/", maxsplit=1)[0]
    definition = define(sim, arm, base, features=features, hyperVGeneration="V2")
    versions = f"{definition}/versions"
    plain = sim.client.create_vm("plain", power="deallocated", security_type="Standard")
    trusted = sim.client.create_vm("trusted", power="deallocated", security_type="TrustedLaunch")
    of_trusted = version_of(osDiskImage={"source": {"id": sim.client.vm(trusted)["osDisk"]}})
    refused = arm("owner")("PUT", f"{versions}/1.0.0", of_trusted)
    assert code(refused) == (400, "InvalidParameter")
    of_disk = version_of(osDiskImage={"source": {"id": sim.client.vm(plain)["osDisk"]}})
    assert arm("owner")("PUT", f"{versions}/1.0.1", of_disk).status_code == 201
    of_blob = version_of(osDiskImage={"source": {"uri": BLOB, "id": "/an/account"}})
    assert arm("owner")("PUT", f"{versions}/1.0.2", of_blob).status_code == 201
