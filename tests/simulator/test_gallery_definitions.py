"""Galleries and definitions: defaults, what is shown and what is fixed."""

from typing import Any

import pytest

from simulator.simulator import Simulator
from tests.simulator.conftest import Arms

SUPPORTED = {"name": "SecurityType", "value": "TrustedLaunchSupported"}
NVME = {"name": "DiskControllerTypes", "value": "SCSI, NVMe"}
TRUSTED = {"name": "SecurityType", "value": "TrustedLaunch"}
NONE = {"name": "SecurityType", "value": "None"}


def body_of(sku: str = "base", **properties: object) -> dict[str, Any]:
    """Return the body of a definition."""
    given: dict[str, object] = {
        "osType": "Windows",
        "osState": "Generalized",
        "identifier": {"publisher": "contoso", "offer": "web", "sku": sku},
    }
    return {"location": "westeurope", "properties": given | properties}


def code(answer: Any) -> tuple[int, str]:  # noqa: ANN401 an answer
    """Return status and code of a refusal."""
    return answer.status_code, answer.json()["error"]["code"]


@pytest.fixture
def gallery(sim: Simulator, arm: Arms) -> str:
    """Make a gallery and return its id."""
    path = f"{sim.client.create_group('rg-vms')}/providers/Microsoft.Compute/galleries/golden"
    assert arm("owner")("PUT", path, {"location": "westeurope"}).status_code == 201
    sim.client.advance(1)
    return path


@pytest.mark.parametrize(
    ("api", "given", "generation", "features"),
    [
        ("2023-07-03", {}, "V1", None),
        ("2024-03-03", {"features": [NVME]}, "V1", [NVME]),
        ("2025-03-03", {}, "V2", [SUPPORTED]),
        ("2025-03-03", {"features": []}, "V2", [SUPPORTED]),
        ("2025-03-03", {"features": [NVME]}, "V2", [NVME, SUPPORTED]),
        ("2025-03-03", {"features": [TRUSTED]}, "V1", [TRUSTED]),
        ("2025-03-03", {"features": [NONE]}, "V1", [NONE]),
        ("2025-03-03", {"hyperVGeneration": "V2"}, "V2", None),
        ("2026-03-03", {"hyperVGeneration": "V1", "features": [NVME]}, "V1", [NVME]),
    ],
)
def test_what_a_definition_leaves_out(  # noqa: PLR0913, PLR0917 fixtures and a row of the table
    arm: Arms,
    gallery: str,
    api: str,
    given: dict[str, Any],
    generation: str,
    features: object,
) -> None:
    """Without generation and security it is secured from 2025-03-03 on; before that it is Gen1."""
    put = arm("owner")("PUT", f"{gallery}/images/i?api-version={api}", body_of(**given))
    properties = put.json()["properties"]
    assert properties["hyperVGeneration"] == generation
    assert properties.get("features") == features


def test_security_type_none_takes_a_standard_vm(sim: Simulator, arm: Arms, gallery: str) -> None:
    """`None` means Standard: a standard VM fits, a Trusted Launch VM does not."""
    owner = arm("owner")
    body = body_of(hyperVGeneration="V2", features=[{"name": "securitytype", "value": "none"}])
    put = owner("PUT", f"{gallery}/images/i", body)
    assert put.json()["properties"]["features"] == [NONE]
    words = {"power": "deallocated", "generalized": True}
    good = sim.client.create_vm("good", security_type="Standard", **words)
    bad = sim.client.create_vm("bad", **words)
    version = f"{gallery}/images/i/versions/1.0.0"

    def asked(vm: str) -> Any:  # noqa: ANN401 an answer
        source = {"storageProfile": {"source": {"virtualMachineId": vm}}}
        return owner("PUT", version, {"location": "westeurope", "properties": source})

    assert code(asked(bad)) == (400, "InvalidParameter")
    assert asked(good).status_code == 201


def test_features_come_in_any_case(arm: Arms, gallery: str) -> None:
    """They are stored in Azure's casing, as recorded for ConfidentialVm and true."""
    features = [
        {"name": "SecurityType", "value": "ConfidentialVm"},
        {"name": "IsAcceleratedNetworkSupported", "value": "true"},
    ]
    put = arm("owner")("PUT", f"{gallery}/images/i", body_of(features=features))
    values = [feature["value"] for feature in put.json()["properties"]["features"]]
    assert values == ["ConfidentialVM", "True"]


def test_members_that_were_not_sent(sim: Simulator, arm: Arms, gallery: str) -> None:
    """Neither tags nor empty members are shown, and the architecture from 2021-10-01 on."""
    owner = arm("owner")
    assert "tags" not in owner("GET", gallery).json()
    put = owner("PUT", f"{gallery}/images/i", body_of(disallowed={}, features=[]) | {"tags": {}})
    assert put.json()["tags"] == {}
    sim.client.advance(1)
    for api, shown in (("2019-12-01", None), ("2021-10-01", "x64")):
        got = owner("GET", f"{gallery}/images/i?api-version={api}").json()["properties"]
        assert "disallowed" not in got
        assert got.get("architecture") == shown
    tags = "/providers/Microsoft.Resources/tags/default?api-version=2024-11-01"
    owner("PUT", gallery + tags, {"properties": {"tags": {"a": "b"}}})
    assert owner("GET", gallery).json()["tags"] == {"a": "b"}


def test_features_are_fixed_unless_the_request_says_so(
    sim: Simulator, arm: Arms, gallery: str
) -> None:
    """With allowUpdateImage the sent features replace the old ones; it is not shown itself."""
    owner, path = arm("owner"), f"{gallery}/images/i"
    owner("PUT", path, body_of(hyperVGeneration="V2", features=[TRUSTED]))
    sim.client.advance(1)
    other = body_of(hyperVGeneration="V2", features=[NVME])
    assert code(owner("PUT", path, other)) == (409, "PropertyChangeNotAllowed")
    other["properties"]["allowUpdateImage"] = True
    put = owner("PUT", path, other)
    assert put.status_code == 200
    assert put.json()["properties"]["features"] == [NVME]
    assert "allowUpdateImage" not in put.json()["properties"]


def test_two_definitions_of_one_identifier(sim: Simulator, arm: Arms, gallery: str) -> None:
    """In a gallery no two have the same publisher, offer and sku."""
    owner = arm("owner")
    assert owner("PUT", f"{gallery}/images/one", body_of()).status_code == 201
    answer = owner("PUT", f"{gallery}/images/two", body_of())
    assert code(answer) == (409, "Conflict")
    assert "(publisher:contoso, offer:web, sku:base) already exists" in answer.text
    assert owner("PUT", f"{gallery}/images/two", body_of("other")).status_code == 201
    sim.client.advance(1)
    refused = owner("DELETE", gallery)
    assert code(refused) == (409, "CannotDeleteResource")
    assert refused.json()["error"]["message"] == (
        "Cannot delete resource while nested resources exist. Some existing nested resource IDs "
        "include: 'Microsoft.Compute/galleries/golden/images/one, "
        "Microsoft.Compute/galleries/golden/images/two'. Please delete all nested resources before "
        "deleting this resource."
    )
