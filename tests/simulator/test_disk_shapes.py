"""Disks and snapshots: how they are created, what ARM shows of them, how it answers a write."""

from typing import Any

import pytest

from simulator.simulator import Simulator
from tests.simulator.conftest import Arms, Computes, Reads
from tests.simulator.disk_opening import granted

RECORDED = "api-version=2023-04-02"


def body_of(option: str, sku: str = "Premium_LRS", **properties: object) -> dict[str, Any]:
    """Return the body of a disk or snapshot; `creation` is the rest of its creationData."""
    creation = {"createOption": option} | dict(properties.pop("creation", {}))  # type: ignore[call-overload] # JSON
    given = {"creationData": creation} | properties
    return {"location": "westeurope", "tags": {}, "sku": {"name": sku}, "properties": given}


def code(answer: Any) -> tuple[int, str]:  # noqa: ANN401 an answer
    """Return status and code of a refusal."""
    return answer.status_code, answer.json()["error"]["code"]


@pytest.fixture
def base(sim: Simulator) -> str:
    """Give the path of the compute provider in an existing group."""
    group = sim.client.create_group("rg-vms")
    return f"{group}/providers/Microsoft.Compute"


def test_the_answer_to_a_new_disk(sim: Simulator, arm: Arms, base: str) -> None:
    """It has the disk's id and what was sent, no more; before 2021 neither id nor name."""
    owner, body = arm("owner"), body_of("Empty", diskSizeGB=10)
    put = owner("PUT", f"{base}/disks/d?{RECORDED}", body)
    assert put.status_code == 202
    assert put.json() == {
        "name": "d",
        "id": f"{base}/disks/d",
        "type": "Microsoft.Compute/disks",
        **body,
        "properties": body["properties"] | {"provisioningState": "Updating"},
    }
    old = owner("PUT", f"{base}/disks/e?api-version=2020-06-30", body).json()
    assert old == body | {
        "properties": put.json()["properties"] | {"isArmResource": True},
    }
    assert owner("GET", f"{base}/disks/d").json()["properties"]["provisioningState"] == "Updating"
    sim.client.advance(1)
    assert owner("GET", f"{base}/disks/d").json()["properties"]["provisioningState"] == "Succeeded"


@pytest.mark.parametrize(
    ("disk", "shown"),
    [
        (("Premium_LRS", 2), (120, 25, "P1")),
        (("Premium_LRS", 5), (120, 25, "P2")),
        (("Premium_LRS", 10), (120, 25, "P3")),
        (("Premium_LRS", 30), (120, 25, "P4")),
        (("Premium_LRS", 200), (1100, 125, "P15")),
        (("Premium_LRS", 1024), (5000, 200, "P30")),
        (("StandardSSD_LRS", 4), (500, 100, None)),
        (("Standard_LRS", 10), (500, 60, None)),
    ],
)
def test_how_fast_a_disk_is(
    sim: Simulator, arm: Arms, base: str, disk: tuple[str, int], shown: tuple[object, ...]
) -> None:
    """By account type and size, as recorded; values sent by a client have no effect."""
    body = body_of("Empty", disk[0], diskSizeGB=disk[1], diskIOPSReadWrite=9999)
    arm("owner")("PUT", f"{base}/disks/d", body)
    sim.client.advance(1)
    properties = arm("owner")("GET", f"{base}/disks/d").json()["properties"]
    speed = tuple(
        properties.get(name) for name in ("diskIOPSReadWrite", "diskMBpsReadWrite", "tier")
    )
    assert speed == shown


def test_a_disk_may_be_faster_than_its_size(arm: Arms, base: str) -> None:
    """A Premium disk of a higher tier has that tier's speed; an Ultra one the given speed."""
    owner = arm("owner")
    owner("PUT", f"{base}/disks/d", body_of("Empty", diskSizeGB=10, tier="P15"))
    ultra = body_of("Empty", "UltraSSD_LRS", diskSizeGB=4, diskIOPSReadWrite=510)
    owner("PUT", f"{base}/disks/u", ultra)
    shown = owner("GET", f"{base}/disks/d").json()["properties"]
    assert (shown["tier"], shown["diskIOPSReadWrite"]) == ("P15", 1100)
    assert owner("GET", f"{base}/disks/u").json()["properties"]["diskIOPSReadWrite"] == 510


def test_a_disk_has_an_id_that_no_other_has(sim: Simulator, arm: Arms, base: str) -> None:
    """One created with a VM has it in its name; a copy names its source's, and has its own."""
    owner = arm("owner")
    disk = sim.client.vm(sim.client.create_vm("web", power="deallocated"))["osDisk"]
    source = owner("GET", disk).json()["properties"]["uniqueId"]
    assert disk.endswith("_" + source.replace("-", ""))
    again = disk.rsplit("/", 1)[1].replace("web", "again")
    owner("PUT", f"{base}/disks/{again}", body_of("Copy", creation={"sourceResourceId": disk}))
    copy = owner("GET", f"{base}/disks/{again}").json()["properties"]
    assert copy["creationData"]["sourceUniqueId"] == source
    assert copy["hyperVGeneration"] == "V2"
    assert copy["securityProfile"] == {"securityType": "TrustedLaunch"}


def test_what_disks_are_made_of(sim: Simulator, arm: Arms, base: str) -> None:
    """A platform image, a blob, an upload: each with the members that Azure shows."""
    owner = arm("owner")
    skus = "Publishers/MicrosoftWindowsServer/ArtifactTypes/VMImage/Offers/WindowsServer/Skus"
    image = f"/Subscriptions/s/Providers/Microsoft.Compute/Locations/westeurope/{skus}"
    reference = {"imageReference": {"id": f"{image}/2022-datacenter-smalldisk-g2/Versions/1.2.3"}}
    blob = {"storageAccountId": "/an/account", "sourceUri": "https://a.blob.core.windows.net/v"}
    made = {
        "image": body_of("FromImage", creation=reference),
        "blob": body_of("Import", creation=blob, osType="Linux"),
        "upload": body_of("Upload", creation={"uploadSizeBytes": 21474836992}),
    }
    for name, body in made.items():
        assert owner("PUT", f"{base}/disks/{name}", body).status_code == 202
    sim.client.advance(1)
    shown = {name: owner("GET", f"{base}/disks/{name}").json()["properties"] for name in made}
    assert shown["image"]["osType"] == "Windows"
    assert (shown["image"]["hyperVGeneration"], shown["image"]["diskSizeGB"]) == ("V2", 30)
    assert (shown["blob"]["osType"], shown["blob"]["diskSizeGB"]) == ("Linux", 30)
    assert shown["upload"]["diskState"] == "ReadyToUpload"
    assert shown["upload"]["tier"] == "P4"
    assert not {"diskSizeGB", "diskSizeBytes"} & shown["upload"].keys()
    unread = {"access": "Read", "durationInSeconds": 60}
    answer = owner("POST", f"{base}/disks/upload/beginGetAccess", unread)
    assert code(answer) == (409, "OperationNotAllowed")


@pytest.mark.parametrize(
    ("body", "refused"),
    [
        ({"location": "westeurope"}, "disk.Properties"),
        (body_of("Empty"), "diskSizeGB"),
        (body_of("Import", creation={"sourceUri": "https://x"}), "storageAccountId"),
        (body_of("Import", creation={"storageAccountId": "/x"}), "sourceUri"),
        (body_of("Upload"), "uploadSizeBytes"),
        (body_of("Copy"), "sourceResourceId"),
        (body_of("FromImage"), "id"),
    ],
)
def test_what_a_disk_must_say(arm: Arms, base: str, body: object, refused: str) -> None:
    """Each way to create a disk requires certain members."""
    answer = arm("owner")("PUT", f"{base}/disks/d", body)
    assert code(answer) == (400, "InvalidParameter")
    assert f"Required parameter '{refused}' is missing" in answer.text


def test_a_copy_of_what_is_elsewhere(sim: Simulator, arm: Arms, base: str) -> None:
    """A source in another region is not found, in Azure's words, nor is a missing one."""
    disk = sim.client.vm(sim.client.create_vm("web", location="eastus"))["osDisk"]
    for source in (disk, disk + "x"):
        body = body_of("Copy", creation={"sourceResourceId": source})
        for kind in ("snapshots", "disks"):
            answer = arm("owner")("PUT", f"{base}/{kind}/kept", body)
            assert code(answer) == (404, "NotFound")
            name = source.rsplit("/", 1)[1]
            assert answer.json()["error"]["message"] == f"Resource {name} is not found."


def test_what_no_copy_can_be(sim: Simulator, arm: Arms, base: str) -> None:
    """Smaller than its source, or of another security type; nor without permission."""
    disk = sim.client.vm(sim.client.create_vm("web"))["osDisk"]
    creation = {"sourceResourceId": disk}
    owner = arm("owner")
    smaller = body_of("Copy", creation=creation, diskSizeGB=64)
    assert code(owner("PUT", f"{base}/disks/d", smaller)) == (400, "InvalidParameter")
    secured = body_of("Copy", creation=creation, securityProfile={"securityType": "TrustedLaunch"})
    assert code(owner("PUT", f"{base}/disks/d", secured)) == (400, "BadRequest")
    roles = sim.client.roles()
    for role in roles["roleDefinitions"]:
        for permission in role["properties"]["permissions"]:
            actions = permission["actions"]
            if "Microsoft.Compute/disks/beginGetAccess/action" in actions:
                actions.remove("Microsoft.Compute/disks/beginGetAccess/action")
                actions.append("Microsoft.Compute/snapshots/write")
    sim.client.set_roles(roles)
    answer = arm("app")("PUT", f"{base}/snapshots/s", body_of("Copy", creation=creation))
    assert code(answer) == (403, "LinkedAuthorizationFailed")


def test_a_disk_keeps_what_it_was_made_of(sim: Simulator, arm: Arms, base: str) -> None:
    """A GET's body may be PUT again with changes; another creationData is refused."""
    owner, path = arm("owner"), f"{base}/disks/d"
    owner("PUT", path, body_of("Empty", diskSizeGB=10))
    sim.client.advance(1)
    shown = owner("GET", path).json()
    properties = shown["properties"] | {"networkAccessPolicy": "DenyAll", "uniqueId": "mine"}
    put = owner("PUT", path, shown | {"properties": properties})
    assert put.status_code == 202
    assert "timeCreated" not in put.json()["properties"]
    sim.client.advance(1)
    again = owner("GET", path).json()["properties"]
    assert again == shown["properties"] | {"networkAccessPolicy": "DenyAll"}
    upload = body_of("Upload", creation={"uploadSizeBytes": 1024})
    assert code(owner("PUT", path, upload)) == (409, "PropertyChangeNotAllowed")


def test_what_a_snapshot_shows(sim: Simulator, arm: Arms, base: str) -> None:
    """All that Azure is recorded to show; incremental snapshots of a disk are a family."""
    owner = arm("owner")
    disk = sim.client.vm(sim.client.create_vm("web"))["osDisk"]
    unique = owner("GET", disk).json()["properties"]["uniqueId"]
    body = body_of("Copy", "Standard_LRS", creation={"sourceResourceId": disk}, incremental=True)
    put = owner("PUT", f"{base}/snapshots/one?api-version=2023-10-02", body)
    assert put.json()["sku"] == {"name": "Standard_LRS"}
    assert put.json()["properties"] == body["properties"] | {"provisioningState": "Updating"}
    owner("PUT", f"{base}/snapshots/two", body)
    sim.client.advance(1)
    one, two = (
        owner("GET", f"{base}/snapshots/{name}").json()["properties"] for name in ("one", "two")
    )
    kept = {
        "osType": "Windows",
        "hyperVGeneration": "V2",
        "encryption": {"type": "EncryptionAtRestWithPlatformKey"},
        "incremental": True,
        "networkAccessPolicy": "AllowAll",
        "publicNetworkAccess": "Enabled",
        "diskSizeGB": 127,
        "diskSizeBytes": 127 * 1024**3,
        "provisioningState": "Succeeded",
    }
    assert kept.items() <= one.items()
    assert one["creationData"]["sourceUniqueId"] == unique
    assert one["uniqueId"] != two["uniqueId"]
    assert one["incrementalSnapshotFamilyId"] == two["incrementalSnapshotFamilyId"]


def test_a_snapshot_of_a_snapshot(sim: Simulator, arm: Arms, base: str) -> None:
    """It holds what the first holds, and so does a disk made from it."""
    vm = sim.client.create_vm("web", power="deallocated", sysprep="succeeded", generation="V1")
    source, owner = sim.client.vm(vm)["osDisk"], arm("owner")
    for path in ("snapshots/one", "snapshots/two", "disks/again"):
        body = body_of("Copy", creation={"sourceResourceId": source})
        assert owner("PUT", f"{base}/{path}", body).status_code == 202
        sim.client.advance(1)
        source = f"{base}/{path}"
    os_disk = {"osType": "Windows", "osState": "Generalized", "managedDisk": {"id": source}}
    properties = {"storageProfile": {"osDisk": os_disk}, "hyperVGeneration": "V1"}
    owner("PUT", f"{base}/images/i", {"location": "westeurope", "properties": properties})
    (capture,) = sim.client.captures()
    assert capture["sysprep"] == "succeeded"


def test_a_snapshot_can_be_changed(sim: Simulator, arm: Arms, base: str) -> None:
    """Tags and network access; not whether it is incremental, and not during an operation."""
    owner, path = arm("owner"), f"{base}/snapshots/s"
    body = body_of("Empty", "Standard_LRS", diskSizeGB=5)
    assert owner("PUT", path, body).status_code == 202
    assert code(owner("PATCH", path, {"tags": {"a": "b"}})) == (409, "Conflict")
    sim.client.advance(1)
    closed = body_of("Empty", "Standard_LRS", diskSizeGB=5, publicNetworkAccess="Disabled")
    assert owner("PUT", path, closed).status_code == 202
    sim.client.advance(1)
    assert owner("PATCH", path, {"tags": {"a": "b"}}).status_code == 202
    sim.client.advance(1)
    shown = owner("GET", path).json()
    assert (shown["tags"], shown["properties"]["publicNetworkAccess"]) == ({"a": "b"}, "Disabled")
    incremental = body_of("Empty", "Standard_LRS", diskSizeGB=5, incremental=True)
    assert code(owner("PUT", path, incremental)) == (409, "PropertyChangeNotAllowed")


def test_a_disk_of_a_gallery_version(sim: Simulator, arm: Arms, base: str) -> None:
    """It is as large as the captured disk, in the regions of the version."""
    owner, app = arm("owner"), arm("app")
    words = {"power": "deallocated", "generalized": True, "generation": "V1"}
    vm = sim.client.create_vm("web", data_disks=[{"diskSizeGB": 64}], **words)
    gallery = f"{base}/galleries/g"
    identifier = {"publisher": "p", "offer": "o", "sku": "s"}
    given = {"osType": "Windows", "osState": "Generalized", "identifier": identifier}
    owner("PUT", gallery, {"location": "westeurope"})
    definition = given | {"hyperVGeneration": "V1"}
    owner("PUT", f"{gallery}/images/i", {"location": "westeurope", "properties": definition})
    version = f"{gallery}/images/i/versions/1.0.0"
    source = {"storageProfile": {"source": {"virtualMachineId": vm}}}
    assert app("PUT", version, {"location": "westeurope", "properties": source}).status_code == 201
    reference: dict[str, object] = {"id": version}
    body = body_of("FromImage", creation={"galleryImageReference": reference})
    early = owner("PUT", f"{base}/disks/d", body)
    assert code(early) == (404, "GalleryImageNotFound")
    sim.client.advance(421)
    assert owner("PUT", f"{base}/disks/d", body).status_code == 202
    shown = owner("GET", f"{base}/disks/d").json()["properties"]
    assert (shown["osType"], shown["diskSizeGB"], shown["hyperVGeneration"]) == (
        "Windows", 127, "V1",
    )  # fmt: skip
    reference["lun"] = 0
    owner("PUT", f"{base}/disks/data", body)
    assert owner("GET", f"{base}/disks/data").json()["properties"]["diskSizeGB"] == 64
    reference["lun"] = 1
    assert code(owner("PUT", f"{base}/disks/no", body)) == (400, "InvalidParameter")
    elsewhere = body | {"location": "eastus"}
    assert code(owner("PUT", f"{base}/disks/no", elsewhere)) == (404, "GalleryImageNotFound")


def test_what_is_made_of_images_and_blobs_reads_zero(
    at_once: Simulator, arm: Arms, compute: Computes, read: Reads
) -> None:
    """Nothing is on it, whatever its OS type."""
    base = f"{at_once.client.create_group('rg-vms')}/providers/Microsoft.Compute"
    blob = {"storageAccountId": "/an/account", "sourceUri": "https://a.blob.core.windows.net/v"}
    body = body_of("Import", creation=blob, osType="Windows")
    arm("owner")("PUT", f"{base}/disks/d", body)
    at_once.client.advance(1)
    first = read(granted(compute("owner"), f"{base}/disks/d"), "bytes=0-65535")
    assert first.status_code == 206
    assert not any(first.content)


def test_an_old_api_version_has_no_instant(sim: Simulator, arm: Arms) -> None:
    """LastOwnershipUpdateTime came with 2023-04-02."""
    disk = sim.client.vm(sim.client.create_vm("web"))["osDisk"]
    for api, there in (("2023-01-02", False), ("2023-04-02", True)):
        properties = arm("owner")("GET", f"{disk}?api-version={api}").json()["properties"]
        assert ("LastOwnershipUpdateTime" in properties) is there


def instant(arm: Arms, disk: str) -> str | None:
    """Return the LastOwnershipUpdateTime of a disk, as ARM shows it."""
    found: str | None = (
        arm("owner")("GET", disk).json()["properties"].get("LastOwnershipUpdateTime")
    )
    return found


def test_a_disk_that_never_told_its_instant(sim: Simulator, arm: Arms) -> None:
    """A VM that runs since before 2023 has none on any disk; deallocation sets it."""
    vm = sim.client.create_vm("web", data_disks=[{}], instant="unknown")
    facts, owner = sim.client.vm(vm), arm("owner")
    disks = [facts["osDisk"], *facts["dataDisks"]]
    assert [instant(arm, disk) for disk in disks] == [None, None]
    assert owner("GET", disks[0]).json()["properties"]["timeCreated"] < "2023"
    owner("POST", f"{vm}/deallocate")
    sim.client.advance(11)
    now = sim.client.now().isoformat()[:19]
    assert [str(instant(arm, disk))[:19] for disk in disks] == [now, now]


def test_starting_tells_the_instant_too(sim: Simulator, arm: Arms) -> None:
    """A deallocated disk without an instant gets one when its VM is started."""
    vm = sim.client.create_vm("web", power="deallocated", instant="unknown")
    disk = sim.client.vm(vm)["osDisk"]
    assert instant(arm, disk) is None
    arm("owner")("POST", f"{vm}/start")
    sim.client.advance(20)
    assert instant(arm, disk) is not None


def test_a_vm_in_the_place_of_another(sim: Simulator, arm: Arms) -> None:
    """The former VM's disks are free: no disk shows a VM that does not hold it."""
    vm = sim.client.create_vm("web")
    old = sim.client.vm(vm)["osDisk"]
    arm("owner")("DELETE", vm)
    assert sim.client.create_vm("web") == vm
    sim.client.advance(15)
    shown = arm("owner")("GET", old).json()
    assert (shown["properties"]["diskState"], shown.get("managedBy")) == ("Unattached", None)
    new = sim.client.vm(vm)["osDisk"]
    assert new != old
    assert arm("owner")("GET", new).json()["properties"]["diskState"] == "Attached"
