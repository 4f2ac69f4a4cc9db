"""Galleries: why and when a version is refused, and the result of a valid one."""

from typing import Any

import pytest
from azure.core.exceptions import HttpResponseError
from azure.mgmt.compute.models import GalleryImageVersion

from simulator.simulator import Simulator
from tests.simulator.conftest import Arms, Computes

READY = {"power": "deallocated", "generalized": True}


def definition(**properties: object) -> dict[str, Any]:
    """Return the body of a definition that accepts the usual VM."""
    given: dict[str, object] = {
        "osType": "Windows",
        "osState": "Generalized",
        "hyperVGeneration": "V2",
        "features": [{"name": "SecurityType", "value": "TrustedLaunch"}],
        "identifier": {"publisher": "contoso", "offer": "web", "sku": "base"},
    }
    return {"location": "westeurope", "properties": given | properties}


def version(vm: str, **publishing: object) -> dict[str, Any]:
    """Return the body of a version made directly from a VM."""
    storage = {"source": {"virtualMachineId": vm}}
    profile = {"targetRegions": [{"name": "West Europe"}]} | publishing
    properties = {"publishingProfile": profile, "storageProfile": storage}
    return {"location": "westeurope", "properties": properties}


@pytest.fixture
def gallery(sim: Simulator, arm: Arms) -> str:
    """Make a gallery and return its id."""
    sim.client.create_group("rg-vms")
    group = f"/subscriptions/{sim.subscription_id}/resourceGroups/rg-vms"
    gallery = f"{group}/providers/Microsoft.Compute/galleries/golden"
    assert arm("owner")("PUT", gallery, {"location": "westeurope"}).status_code == 201
    sim.client.advance(1)
    return gallery


def define(sim: Simulator, arm: Arms, gallery: str, **properties: object) -> str:
    """Make a definition and return its id."""
    path = f"{gallery}/images/web"
    assert arm("owner")("PUT", path, definition(**properties)).status_code == 201
    sim.client.advance(1)
    return path


def test_a_version_from_a_vm(sim: Simulator, compute: Computes, arm: Arms, gallery: str) -> None:
    """It is Creating for seven minutes, then has the disks' sizes and the regions' long names."""
    define(sim, arm, gallery)
    vm = sim.client.create_vm("web", sysprep="succeeded", data_disks=[{"diskSizeGB": 64}], **READY)
    client = compute("app")
    versions = client.gallery_image_versions
    versions.begin_create_or_update(
        "rg-vms", "golden", "web", "1.0.0", GalleryImageVersion(version(vm)), polling=False
    )
    assert versions.get("rg-vms", "golden", "web", "1.0.0").provisioning_state == "Creating"
    sim.client.advance(420)
    made = versions.get("rg-vms", "golden", "web", "1.0.0", expand="ReplicationStatus")
    assert made.provisioning_state == "Succeeded"
    assert made.publishing_profile is not None
    assert [r.name for r in made.publishing_profile.target_regions or []] == ["West Europe"]
    assert made.storage_profile is not None
    assert [d.size_in_gb for d in made.storage_profile.data_disk_images or []] == [64]
    assert made.replication_status is not None
    assert made.replication_status.aggregated_state == "Completed"
    (capture,) = sim.client.captures()
    assert (capture["sysprep"], len(capture["dataDisks"])) == ("succeeded", 1)


def test_more_regions_take_longer(sim: Simulator, arm: Arms, gallery: str) -> None:
    """A second region adds half the time of the first."""
    path = f"{define(sim, arm, gallery)}/versions/1.0.0"
    vm = sim.client.create_vm("web", **READY)
    regions = [{"name": "westeurope"}, {"name": "northeurope", "regionalReplicaCount": 2}]
    arm("app")("PUT", path, version(vm, targetRegions=regions))
    sim.client.advance(629)
    assert arm("app")("GET", path).json()["properties"]["provisioningState"] == "Creating"
    sim.client.advance(2)
    assert arm("app")("GET", path).json()["properties"]["provisioningState"] == "Succeeded"


TRUSTED = {"features": [{"name": "SecurityType", "value": "TrustedLaunch"}]}
SUPPORTED = {"features": [{"name": "SecurityType", "value": "TrustedLaunchSupported"}]}
NVME = {"features": [*TRUSTED["features"], {"name": "DiskControllerTypes", "value": "SCSI, NVMe"}]}
FAST = {
    "features": [*TRUSTED["features"], {"name": "IsAcceleratedNetworkSupported", "value": "True"}]
}
PLAN = {"publisher": "contoso", "product": "web", "name": "base"}


@pytest.mark.parametrize(
    ("words", "properties", "expected"),
    [
        ({"generalized": False}, {}, (400, "BadRequest")),
        ({"os": "Linux"}, {}, (400, "BadRequest")),
        ({"plan": PLAN}, {}, (400, "BadRequest")),
        ({"architecture": "Arm64"}, {}, (400, "BadRequest")),
        ({"disk_controller": "NVMe"}, {}, (400, "BadRequest")),
        ({"generation": "V1"}, {}, (409, "Conflict")),
        ({"security_type": "Standard"}, {}, (400, "InvalidParameter")),
        ({}, {"features": []}, (400, "InvalidParameter")),
        ({}, SUPPORTED, (400, "InvalidParameter")),
        ({"managed_by": "/a/scale/set"}, {}, (400, "InvalidParameter")),
        ({"os_disk": {"diffDiskSettings": {"option": "Local"}}}, {}, (409, "OperationNotAllowed")),
        ({"os_disk": {"vhd": {"uri": "https://x"}}}, {}, (400, "InvalidParameter")),
        ({"accelerated_network": False}, FAST, (400, "BadRequest")),
        ({"disk_controller": "NVMe"}, NVME, None),
        ({}, FAST, None),
        ({"plan": PLAN}, {"purchasePlan": PLAN}, None),
    ],
)
def test_what_is_refused_at_once(  # noqa: PLR0913, PLR0917 fixtures and a row of the table
    sim: Simulator,
    arm: Arms,
    gallery: str,
    words: dict[str, object],
    properties: dict[str, object],
    expected: tuple[int, str] | None,
) -> None:
    """A source that does not fit its definition is refused at the PUT and leaves no version."""
    path = f"{define(sim, arm, gallery, **properties)}/versions/1.0.0"
    vm = sim.client.create_vm("web", **(READY | words))
    answer = arm("app")("PUT", path, version(vm))
    if expected is None:
        assert answer.status_code == 201
    else:
        assert (answer.status_code, answer.json()["error"]["code"]) == expected
        assert arm("app")("GET", path).status_code == 404


@pytest.mark.parametrize(
    "disk",
    [
        {"diskSizeGB": 4096},
        {"managedDisk": {"storageAccountType": "UltraSSD_LRS"}},
        {"managedDisk": {"storageAccountType": "PremiumV2_LRS"}},
    ],
)
def test_what_fails_too_late(sim: Simulator, arm: Arms, gallery: str, disk: object) -> None:
    """Accepted, then Failed; the failed version remains and blocks its number."""
    path = f"{define(sim, arm, gallery)}/versions/1.0.0"
    vm = sim.client.create_vm("web", data_disks=[disk], **READY)
    app = arm("app")
    answer = app("PUT", path, version(vm))
    assert answer.status_code == 201
    sim.client.advance(421)
    poll = answer.headers["Azure-AsyncOperation"].removeprefix(sim.arm_endpoint)
    assert app("GET", poll).json()["status"] == "Failed"
    assert app("GET", path).json()["properties"]["provisioningState"] == "Failed"
    again = app("PUT", path, version(vm))
    assert (again.status_code, again.json()["error"]["code"]) == (409, "Conflict")
    assert app("PUT", path.replace("1.0.0", "1.0.1"), version(vm)).status_code == 201


def test_a_shallow_version_takes_a_larger_disk(sim: Simulator, arm: Arms, gallery: str) -> None:
    """With shallow replication a disk of four terabytes does not fail."""
    path = f"{define(sim, arm, gallery)}/versions/1.0.0"
    vm = sim.client.create_vm("web", data_disks=[{"diskSizeGB": 4096}], **READY)
    arm("app")("PUT", path, version(vm, replicationMode="Shallow"))
    sim.client.advance(421)
    assert arm("app")("GET", path).json()["properties"]["provisioningState"] == "Succeeded"


@pytest.mark.parametrize("name", ["1.0", "1.0.0.0", "01.0.0", "1.0.x", "1.0.2147483648"])
def test_names_of_versions(sim: Simulator, arm: Arms, gallery: str, name: str) -> None:
    """Three int32 without leading zeros; otherwise 400."""
    path = f"{define(sim, arm, gallery)}/versions/{name}"
    vm = sim.client.create_vm("web", **READY)
    answer = arm("app")("PUT", path, version(vm))
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "InvalidParameter")


def test_the_same_number_again(sim: Simulator, arm: Arms, gallery: str) -> None:
    """Creating: Conflict; same source: 200, Updating; another source: PropertyChangeNotAllowed."""
    path = f"{define(sim, arm, gallery)}/versions/1.0.0"
    one, two = (sim.client.create_vm(name, **READY) for name in ("one", "two"))
    app = arm("app")
    assert app("PUT", path, version(one)).status_code == 201
    assert app("PUT", path, version(one)).json()["error"]["code"] == "Conflict"
    sim.client.advance(421)
    assert app("PUT", path, version(two)).json()["error"]["code"] == "PropertyChangeNotAllowed"
    again = app("PUT", path, version(one.upper(), excludeFromLatest=True))
    assert again.status_code == 200
    assert again.json()["properties"]["provisioningState"] == "Updating"
    assert again.json()["properties"]["publishingProfile"]["excludeFromLatest"] is True


def test_regions_without_its_own(sim: Simulator, arm: Arms, gallery: str) -> None:
    """Target regions must include the version's own."""
    path = f"{define(sim, arm, gallery)}/versions/1.0.0"
    vm = sim.client.create_vm("web", **READY)
    answer = arm("app")("PUT", path, version(vm, targetRegions=[{"name": "eastus"}]))
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "InvalidParameter")


def test_parents_come_first_and_go_last(sim: Simulator, arm: Arms, gallery: str) -> None:
    """A version without its definition is ParentResourceNotFound; parents of versions cannot go."""
    vm = sim.client.create_vm("web", **READY)
    owner, path = arm("owner"), f"{gallery}/images/web"
    answer = owner("PUT", f"{path}/versions/1.0.0", version(vm))
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "ParentResourceNotFound")
    define(sim, arm, gallery)
    owner("PUT", f"{path}/versions/1.0.0?api-version=2025-12-03", version(vm))
    refused = owner("DELETE", path).json()["error"]
    assert refused["code"] == "CannotDeleteResource"
    assert "include: 'Microsoft.Compute/galleries/golden/images/web/versions/1.0.0'. " in str(
        refused["message"]
    )
    owner("DELETE", f"{path}/versions/1.0.0")
    sim.client.advance(15)
    assert owner("DELETE", path).status_code == 202
    sim.client.advance(1)
    assert owner("DELETE", gallery).status_code == 202


def test_no_right_on_the_source(sim: Simulator, compute: Computes, arm: Arms, gallery: str) -> None:
    """Capturing a VM needs write on it: else LinkedAuthorizationFailed, through the SDK."""
    define(sim, arm, gallery)
    vm = sim.client.create_vm("web", **READY)
    roles = sim.client.roles()
    for role in roles["roleDefinitions"]:
        for permission in role["properties"]["permissions"]:
            if "Microsoft.Compute/virtualMachines/write" in permission["actions"]:
                permission["actions"].remove("Microsoft.Compute/virtualMachines/write")
    sim.client.set_roles(roles)
    with pytest.raises(HttpResponseError) as refused:
        compute("app").gallery_image_versions.begin_create_or_update(
            "rg-vms", "golden", "web", "1.0.0", GalleryImageVersion(version(vm)), polling=False
        )
    assert refused.value.error is not None
    assert refused.value.error.code == "LinkedAuthorizationFailed"
