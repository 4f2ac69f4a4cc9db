"""Azure's refusals, each with its HTTP status and error code."""

import pytest

from simulator.simulator import Simulator
from tests.simulator.conftest import Arms

COMPUTE = "/resourceGroups/rg-vms/providers/Microsoft.Compute"


def code(answer: object) -> tuple[int, str]:
    """Return status and code of an answer."""
    return answer.status_code, answer.json()["error"]["code"]  # type: ignore[attr-defined] # requests' answer


@pytest.fixture
def base(sim: Simulator) -> str:
    """Give the path of the compute provider in an existing group."""
    sim.client.create_group("rg-vms")
    return f"/subscriptions/{sim.subscription_id}{COMPUTE}"


def image_of(vm: str, **properties: object) -> dict[str, object]:
    """Return the body of a managed image's PUT."""
    given = {"sourceVirtualMachine": {"id": vm}, "hyperVGeneration": "V1"} | properties
    return {"location": "westeurope", "properties": given}


def test_what_does_not_exist(sim: Simulator, base: str, arm: Arms) -> None:
    """Unknown VM, group and subscription are three different 404s; no GUID is 400."""
    owner = arm("owner")
    assert code(owner("GET", f"{base}/virtualMachines/no")) == (404, "ResourceNotFound")
    elsewhere = base.replace("rg-vms", "rg-none")
    assert code(owner("GET", f"{elsewhere}/virtualMachines/no")) == (404, "ResourceGroupNotFound")
    assert code(owner("PUT", f"{elsewhere}/virtualMachines/no", {})) == (
        404,
        "ResourceGroupNotFound",
    )
    other = "/subscriptions/00000000-0000-4000-8000-000000000000"
    assert code(owner("GET", other)) == (404, "SubscriptionNotFound")
    assert code(owner("GET", "/subscriptions/mine")) == (400, "InvalidSubscriptionId")
    operation = f"/subscriptions/{sim.subscription_id}/providers/Microsoft.Compute/locations/x"
    assert code(owner("GET", f"{operation}/operations/none")) == (404, "NotFound")


def test_malformed_requests(base: str, arm: Arms) -> None:
    """A missing api-version, a body that is not an object and a missing member are 400."""
    owner, vm = arm("owner"), f"{base}/virtualMachines/web"
    assert code(owner("GET", f"{vm}?api-version=")) == (400, "MissingApiVersionParameter")
    assert code(owner("PUT", vm, [1])) == (400, "InvalidRequestContent")
    assert code(owner("PUT", vm, {"location": "westeurope"})) == (400, "InvalidParameter")


@pytest.mark.parametrize(
    ("path", "given", "refused"),
    [
        ("virtualMachines/web", "new", (400, "NoRegisteredProviderFound")),
        ("virtualMachines/web", "2026-03-03", (400, "NoRegisteredProviderFound")),
        ("virtualMachines/web/deallocate", "2026-03-03", (400, "NoRegisteredProviderFound")),
        ("virtualMachines", "2026-03-03", (400, "NoRegisteredProviderFound")),
        ("galleries/g/images/i/versions/1.0.0", "2026-04-01", (400, "NoRegisteredProviderFound")),
        ("disks/d", "2026-04-01", (400, "NoRegisteredProviderFound")),
        ("virtualMachines/web", "2015-06-15", (404, "ResourceNotFound")),
    ],
)
def test_an_api_version_that_a_type_has_not(
    base: str, arm: Arms, path: str, given: str, refused: tuple[int, str]
) -> None:
    """A type supports only its own api-versions, whichever other types have the version."""
    method = "POST" if path.endswith("deallocate") else "GET"
    answer = arm("owner")(method, f"{base}/{path}?api-version={given}")
    assert code(answer) == refused
    message = answer.json()["error"]["message"]
    assert f"API version '{given}' for type" in message or refused[0] == 404


def test_an_api_version_says_what_there_is(sim: Simulator, arm: Arms) -> None:
    """The refusal has the type, the supported versions, and the resource's location."""
    vm = sim.client.create_vm("web", location="northeurope")
    message = arm("owner")("GET", f"{vm}?api-version=2026-04-02").json()["error"]["message"]
    assert message.startswith(
        "No registered resource provider found for location 'northeurope' and API version "
        "'2026-04-02' for type 'virtualMachines'. The supported api-versions are "
        "'2015-05-01-preview, 2015-06-15, "
    )
    assert ", 2026-04-01'. The supported locations are 'eastus, " in message


def test_what_came_with_a_later_api_version(sim: Simulator, base: str, arm: Arms) -> None:
    """The instance view's route came in 2017, the list of states in 2019."""
    vm, owner = sim.client.create_vm("web"), arm("owner")
    early, late = "api-version=2016-03-30", "api-version=2017-03-30"
    assert code(owner("GET", f"{vm}/instanceView?{early}")) == (404, "InvalidResourceType")
    assert owner("GET", f"{vm}/instanceView?{late}").status_code == 200
    lists = f"{base}/virtualMachines?statusOnly=true&api-version"
    (early_row,) = owner("GET", f"{lists}=2019-03-01").json()["value"]
    (late_row,) = owner("GET", f"{lists}=2019-07-01").json()["value"]
    assert "storageProfile" in early_row["properties"]
    assert set(late_row["properties"]) == {"instanceView"}


@pytest.mark.parametrize(
    ("tail", "given", "known"),
    [
        ("Microsoft.Authorization/locks", "2020-05-01", "'2015-01-01,2015-05-01-preview,"),
        ("Microsoft.Authorization/permissions", "2016-09-01", "'2015-07-01,2018-01-01-preview,"),
        (
            "Microsoft.ResourceHealth/availabilityStatuses/current",
            "2018-07-01",
            "'2015-01-01,2017-07-01,2018-07-01-preview,",
        ),
    ],
)
def test_an_api_version_that_an_extension_has_not(
    sim: Simulator, arm: Arms, tail: str, given: str, known: str
) -> None:
    """Extension types are 404, with the supported versions."""
    vm = sim.client.create_vm("web")
    answer = arm("owner")("GET", f"{vm}/providers/{tail}?api-version={given}")
    assert code(answer) == (404, "InvalidResourceType")
    assert f"The supported api-versions are {known}" in answer.json()["error"]["message"]


def test_an_api_version_that_arm_itself_has_not(sim: Simulator, base: str, arm: Arms) -> None:
    """ARM's own routes list ARM's own api-versions; tags came in 2019."""
    owner, group = arm("owner"), base.partition("/providers/")[0]
    for path in ("/subscriptions", group, f"{group}/resources"):
        answer = owner("GET", f"{path}?api-version=2026-04-01")
        assert code(answer) == (400, "InvalidApiVersionParameter")
        assert "supported versions are '2025-04-01,2025-03-01," in answer.text
    vm = sim.client.create_vm("web")
    tags = f"{vm}/providers/Microsoft.Resources/tags/default"
    assert owner("GET", f"{tags}?api-version=2019-10-01").status_code == 200
    assert code(owner("GET", f"{tags}?api-version=2019-09-01")) == (404, "InvalidResourceType")


@pytest.mark.parametrize(
    ("body", "refused"),
    [
        ({"properties": "none"}, (400, "BadRequest", "properties")),
        ({"properties": {"diskSizeGB": "four"}}, (400, "BadRequest", "properties.diskSizeGB")),
        ({"properties": {"diskSizeGB": True}}, (400, "BadRequest", "properties.diskSizeGB")),
        (
            {"properties": {"creationData": {"createOption": ["Empty"]}}},
            (400, "BadRequest", "properties.creationData.createOption"),
        ),
        (
            {"properties": {"shareInfo": [{}, 7]}},
            (400, "BadRequest", "properties.shareInfo[1]"),
        ),
        (
            {"properties": {"shareInfo": [{"vmUri": 7}]}},
            (400, "BadRequest", "properties.shareInfo[0].vmUri"),
        ),
        ({"zones": ["1", 2]}, (400, "InvalidRequestContent", "zones[1]")),
        ({"location": 7}, (400, "InvalidRequestContent", "location")),
    ],
)
def test_a_member_of_another_kind_is_named(
    base: str, arm: Arms, body: object, refused: tuple[int, str, str]
) -> None:
    """Text for a number, a list for text: 400, and the message has the member's path."""
    answer = arm("owner")("PUT", f"{base}/disks/d", body)
    assert code(answer) == refused[:2]
    assert f"'{refused[2]}'" in answer.text


DISK = {"creationData": {"createOption": "Empty"}, "diskSizeGB": 4}


@pytest.mark.parametrize(
    ("member", "value", "kind"),
    [
        ("networkAccessPolicy", "AllowSome", "NetworkAccessPolicy"),
        ("creationData", {"createOption": "Emtpy"}, "DiskCreateOption"),
        ("osType", "Solaris", "OperatingSystemTypes"),
        ("hyperVGeneration", "V3", "HyperVGeneration"),
    ],
)
def test_an_unknown_value_is_refused(
    base: str, arm: Arms, member: str, value: object, kind: str
) -> None:
    """A value that is not in Azure's enumeration is 400, with the recorded message."""
    body = {"location": "westeurope", "properties": DISK | {member: value}}
    answer = arm("owner")("PUT", f"{base}/disks/d", body)
    assert code(answer) == (400, "BadRequest")
    assert answer.json()["error"]["message"].startswith("Error converting value")
    assert f"to type '{kind}'. Path 'properties.{member}" in answer.json()["error"]["message"]


def test_names_and_values_come_in_any_case_and_go_out_in_azures(base: str, arm: Arms) -> None:
    """Members and enumerations are stored in Azure's own casing, whatever the client sent."""
    properties = {
        "CREATIONDATA": {"CreateOption": "empty"},
        "disksizegb": 4,
        "osType": "windows",
        "hyperVGeneration": "v2",
        "networkAccessPolicy": "denyall",
    }
    body = {"Location": "West Europe", "SKU": {"Name": "standard_lrs"}, "properties": properties}
    owner = arm("owner")
    assert owner("PUT", f"{base}/disks/d", body).status_code == 202
    shown = owner("GET", f"{base}/disks/d").json()
    kept = {"osType": "Windows", "hyperVGeneration": "V2", "networkAccessPolicy": "DenyAll"}
    assert kept.items() <= shown["properties"].items()
    assert shown["properties"]["creationData"] == {"createOption": "Empty"}
    assert (shown["location"], shown["sku"]["name"]) == ("westeurope", "Standard_LRS")


@pytest.mark.parametrize(
    ("path", "body", "refused"),
    [
        ("disks/d", {"AccountType": "x"}, ("InvalidRequestContent", "'ResourceDefinition'")),
        ("virtualMachines/web", {"resources": []}, ("InvalidRequestContent", "'resources'")),
        ("locks", {"level": "ReadOnly"}, ("InvalidRequestContent", "'ManagementLockDefinition'")),
        (
            "virtualMachines/web",
            {"properties": {"storageProfile": {"dataDisks": [{"lun": 0, "size": 4}]}}},
            ("BadRequest", "'properties.storageProfile.dataDisks[0].size'"),
        ),
        (
            "images/i",
            {"properties": {"storageProfile": {"osDisk": {"hyperVGeneration": "V1"}}}},
            ("BadRequest", "'properties.storageProfile.osDisk.hyperVGeneration'"),
        ),
    ],
)
def test_an_unknown_member_is_refused_where_azure_is_known_to(
    base: str, arm: Arms, path: str, body: object, refused: tuple[str, str]
) -> None:
    """Beside `properties` for every type, inside them for VMs and images: as recorded."""
    locks = f"{base.partition('/providers/')[0]}/providers/Microsoft.Authorization/locks/l"
    answer = arm("owner")("PUT", locks if path == "locks" else f"{base}/{path}", body)
    assert code(answer) == (400, refused[0])
    message = answer.json()["error"]["message"]
    assert "Could not find member '" in message
    assert refused[1] in message


def test_an_unknown_member_is_noted_elsewhere(sim: Simulator, base: str, arm: Arms) -> None:
    """What Azure does with it in a disk is unknown: it is accepted and reported as a difference."""
    sim.client.ask("DELETE", "differences")
    body = {"location": "westeurope", "properties": DISK | {"colour": "red"}}
    assert arm("owner")("PUT", f"{base}/disks/d", body).status_code == 202
    found = [one for one in sim.client.differences() if "colour" in one]
    assert [one.partition(": ")[2] for one in found] == [
        "request: properties.colour: not in DiskProperties"
    ]
    sim.client.ask("DELETE", "differences")
    assert sim.client.differences() == {}


@pytest.mark.parametrize(("sent", "kept"), [("4", 4), (4, 4)])
def test_a_number_may_come_as_text(base: str, arm: Arms, sent: object, kept: int) -> None:
    """Azure accepts a number or Boolean that is sent as text, as recorded."""
    body = {
        "location": "westeurope",
        "properties": DISK | {"diskSizeGB": sent, "burstingEnabled": "true"},
    }
    assert arm("owner")("PUT", f"{base}/disks/d", body).status_code == 202
    shown = arm("owner")("GET", f"{base}/disks/d").json()["properties"]
    assert (shown["diskSizeGB"], shown["burstingEnabled"]) == (kept, True)


def test_null_is_nothing(base: str, arm: Arms) -> None:
    """A null member is the same as a missing one."""
    disk = {"creationData": {"createOption": "Empty", "sourceResourceId": None}, "diskSizeGB": 4}
    body = {"location": "westeurope", "sku": None, "zones": None, "properties": disk}
    answer = arm("owner")("PUT", f"{base}/disks/d", body)
    assert answer.status_code == 202
    assert answer.json()["properties"]["creationData"] == {"createOption": "Empty"}


def test_what_is_not_simulated_says_so(base: str, arm: Arms) -> None:
    """Unknown providers, unknown methods and access to snapshots answer 501 with their names."""
    owner = arm("owner")
    network = base.replace("Microsoft.Compute", "Microsoft.Network/loadBalancers/l")
    for method, path in (
        ("GET", network),
        ("POST", f"{base}/virtualMachines/web"),
        ("OPTIONS", f"{base}/virtualMachines/web"),
        ("POST", f"{base}/snapshots/s/beginGetAccess"),
    ):
        answer = owner(method, path)
        assert code(answer) == (501, "NotSimulated")
        assert "Not simulated" in answer.json()["error"]["message"]


def test_generalize_wants_a_vm_that_is_off(sim: Simulator, base: str, arm: Arms) -> None:
    """A running VM is refused, a stopped VM is accepted, also a second time."""
    sim.client.create_vm("web")
    path = f"{base}/virtualMachines/web/generalize"
    assert code(arm("app")("POST", path)) == (409, "OperationNotAllowed")
    sim.client.create_vm("off", power="stopped")
    for _ in range(2):
        assert arm("app")("POST", path.replace("/web/", "/off/")).status_code == 200


def test_generalize_is_refused_while_the_platform_lags(
    sim: Simulator, base: str, arm: Arms
) -> None:
    """A guest that has just shut down is still shown as running: 409 until the platform sees it."""
    vm = sim.client.create_vm("web")
    sim.client.settings(durations={"shutdownLag": 30})
    sim.client.guest(vm, "shutdown")
    sim.client.advance(8)
    path = f"{base}/virtualMachines/web/generalize"
    assert not sim.client.vm(vm)["guestRuns"]
    assert code(arm("app")("POST", path)) == (409, "OperationNotAllowed")
    sim.client.advance(30)
    assert arm("app")("POST", path).status_code == 200


@pytest.mark.parametrize("who", ["owner", "app"])
def test_a_generalized_vm_takes_no_tags(sim: Simulator, arm: Arms, who: str) -> None:
    """Not by any method of the tags API, nor with the VM itself; its OS disk accepts tags."""
    vm = sim.client.create_vm("web", power="deallocated", generalized=True, tags={"a": "b"})
    tags = "/providers/Microsoft.Resources/tags/default?api-version=2024-11-01"
    named = {"properties": {"tags": {"c": "d"}}}
    ask = arm(who)
    for method, path, body in (
        *(("PATCH", vm + tags, {"operation": op} | named) for op in ("Merge", "Replace", "Delete")),
        ("PUT", vm + tags, named),
        ("DELETE", vm + tags, None),
        ("PATCH", vm, {"tags": {"c": "d"}}),
    ):
        if who == "app" and method in ("PUT", "DELETE"):
            continue  # the app has no permission for those anyway
        answer = ask(method, path, body)
        assert answer.status_code == 409, (method, path, answer.text)
        assert answer.json()["error"]["code"] == "OperationNotAllowedOnGeneralizedVM"
    facts = sim.client.vm(vm)
    assert facts["tags"] == {"a": "b"}
    merged = ask("PATCH", facts["osDisk"] + tags, {"operation": "Merge"} | named)
    assert merged.status_code == 200
    assert sim.client.vm(vm)["osDiskTags"] == {"c": "d"}


def test_a_generalized_vm_never_starts(sim: Simulator, base: str, arm: Arms) -> None:
    """Start and restart are always refused, with Azure's message."""
    sim.client.create_vm("web", power="deallocated", generalized=True)
    for act in ("start", "restart"):
        answer = arm("owner")("POST", f"{base}/virtualMachines/web/{act}")
        assert code(answer) == (409, "OperationNotAllowed")
        assert "since the VM is generalized" in answer.json()["error"]["message"]


@pytest.mark.parametrize(
    ("words", "properties", "expected"),
    [
        ({"generalized": False}, {}, (409, "OperationNotAllowed")),
        ({"security_type": "TrustedLaunch", "generation": "V2"}, {}, (409, "OperationNotAllowed")),
        ({}, {"hyperVGeneration": "V2"}, (400, "InvalidParameter")),
        (
            {"generation": "V2", "security_type": "Standard"},
            {"hyperVGeneration": None},
            (400, "InvalidParameter"),
        ),
    ],
)
def test_a_managed_image_that_cannot_be(  # noqa: PLR0913, PLR0917 fixtures and a row of the table
    sim: Simulator,
    base: str,
    arm: Arms,
    words: dict[str, object],
    properties: dict[str, object],
    expected: tuple[int, str],
) -> None:
    """Not generalized, Trusted Launch, wrong or missing generation: refused at the PUT."""
    given = {"power": "deallocated", "generalized": True, "generation": "V1"} | words
    vm = sim.client.create_vm("web", **given)
    answer = arm("app")("PUT", f"{base}/images/img", image_of(vm, **properties))
    assert code(answer) == expected
    assert arm("app")("GET", f"{base}/images/img").status_code == 404


def test_the_same_image_again_captures_nothing(sim: Simulator, base: str, arm: Arms) -> None:
    """Same name and source: 200 and the old image; another source: PropertyChangeNotAllowed."""
    words = {"power": "deallocated", "generalized": True, "generation": "V1"}
    first = sim.client.create_vm("one", sysprep="succeeded", **words)
    second = sim.client.create_vm("two", **words)
    app, path = arm("app"), f"{base}/images/img"
    assert app("PUT", path, image_of(first)).status_code == 201
    assert code(app("PUT", path, image_of(first))) == (409, "Conflict")
    sim.client.advance(8)
    assert app("PUT", path, image_of(first)).status_code == 200
    assert code(app("PUT", path, image_of(second))) == (409, "PropertyChangeNotAllowed")
    assert [capture["source"] for capture in sim.client.captures()] == [first]


def test_etags(sim: Simulator, base: str, arm: Arms) -> None:
    """A PATCH with an old etag is 412; with the current etag it succeeds and the etag changes."""
    sim.client.create_vm("web")
    owner, path = arm("owner"), f"{base}/virtualMachines/web"
    old = owner("GET", path).json()["etag"]
    assert owner("PATCH", path, {"tags": {"a": "1"}}, If_Match=old).status_code == 200
    sim.client.advance(5)
    assert code(owner("PATCH", path, {"tags": {}}, If_Match=old)) == (412, "PreconditionFailed")
    assert code(owner("PUT", path, {}, If_None_Match="*")) == (412, "PreconditionFailed")


def test_a_vm_on_its_way_out_refuses_everything(sim: Simulator, base: str, arm: Arms) -> None:
    """Marked for deletion: deallocate is OperationNotAllowed with the reason."""
    sim.client.create_vm("web")
    owner, path = arm("owner"), f"{base}/virtualMachines/web"
    assert owner("DELETE", path).status_code == 202
    answer = owner("POST", f"{path}/deallocate")
    assert code(answer) == (409, "OperationNotAllowed")
    assert "marked for deletion" in answer.json()["error"]["message"]
