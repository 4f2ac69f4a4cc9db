"""Permissions: tokens, roles, the permissions API and locks."""

from typing import Any

import pytest
import requests
from azure.core.exceptions import HttpResponseError
from azure.identity import ClientSecretCredential, ManagedIdentityCredential

from simulator.simulator import Simulator
from tests.simulator.conftest import Arms, Computes

VM = "/resourceGroups/rg-vms/providers/Microsoft.Compute/virtualMachines/web"
OPERATOR = "5f000000-0000-4000-8000-000000000001"


def without(roles: dict[str, Any], *actions: str) -> dict[str, Any]:
    """Return a role file in which the capture role lacks some actions."""
    for role in roles["roleDefinitions"]:
        if role["id"].endswith(OPERATOR):
            (permission,) = role["properties"]["permissions"]
            permission["notActions"] = list(actions)
    return roles


def error(answer: requests.Response) -> tuple[int, str]:
    """Return status and code."""
    return answer.status_code, answer.json()["error"]["code"]


def test_no_token_a_foreign_one_one_for_others_and_an_expired_one(
    sim: Simulator, arm: Arms
) -> None:
    """Each is 401 with a challenge that names the authority."""
    url = f"{sim.arm_endpoint}/subscriptions?api-version=2022-12-01"
    for authorization in (None, "Bearer eyJhbGciOiJub25lIn0.e30.", "Basic abc"):
        headers = {"Authorization": authorization} if authorization else {}
        answer = requests.get(url, headers=headers, verify=str(sim.ca_path), timeout=30)
        assert answer.status_code == 401
        assert "authorization_uri=" in answer.headers["WWW-Authenticate"]
    query = {"api-version": "2019-08-01", "resource": "https://eventgrid.azure.net"}
    environment = sim.environment()
    answer = requests.get(
        environment["IDENTITY_ENDPOINT"],
        params=query,
        headers={"X-IDENTITY-HEADER": environment["IDENTITY_HEADER"]},
        timeout=30,
    )
    elsewhere = {"Authorization": f"Bearer {answer.json()['access_token']}"}
    answer = requests.get(url, headers=elsewhere, verify=str(sim.ca_path), timeout=30)
    assert error(answer) == (401, "InvalidAuthenticationTokenAudience")
    sim.client.settings(durations={"token": 3600})
    app = arm("app")
    sim.client.advance(3599)
    assert app("GET", "/subscriptions").status_code == 200
    sim.client.advance(2)
    assert error(app("GET", "/subscriptions")) == (401, "ExpiredAuthenticationToken")


def test_an_action_that_is_not_granted(sim: Simulator, arm: Arms) -> None:
    """403 AuthorizationFailed names the client, the action and the scope."""
    vm = sim.client.create_vm("web")
    answer = arm("reader")("POST", f"{vm}/deallocate")
    assert error(answer) == (403, "AuthorizationFailed")
    message = answer.json()["error"]["message"]
    assert "'Microsoft.Compute/virtualMachines/deallocate/action'" in message
    assert f"'{vm}'" in message
    assert arm("reader")("GET", vm).status_code == 200


def test_a_grant_on_one_group_ends_there(sim: Simulator, arm: Arms) -> None:
    """An assignment applies to its scope and below, and nowhere else."""
    inside, outside = sim.client.create_vm("web"), sim.client.create_vm("web", group="rg-other")
    roles = sim.client.roles()
    for assignment in roles["roleAssignments"]:
        if assignment["properties"]["roleDefinitionId"].endswith(OPERATOR):
            assignment["properties"]["scope"] = inside.split("/providers/")[0].upper()
    sim.client.set_roles(roles)
    assert arm("app")("GET", inside).status_code == 200
    assert error(arm("app")("GET", outside)) == (403, "AuthorizationFailed")


def test_a_source_that_may_not_be_used(sim: Simulator, arm: Arms) -> None:
    """The image may be written, but its source not read: LinkedAuthorizationFailed."""
    words = {"power": "deallocated", "generalized": True, "generation": "V1"}
    vm = sim.client.create_vm("web", **words)
    sim.client.set_roles(without(sim.client.roles(), "Microsoft.Compute/virtualMachines/read"))
    body = {
        "location": "westeurope",
        "properties": {"sourceVirtualMachine": {"id": vm}, "hyperVGeneration": "V1"},
    }
    path = vm.replace("virtualMachines/web", "images/img")
    assert error(arm("app")("PUT", path, body)) == (403, "LinkedAuthorizationFailed")


def test_the_permissions_api_tells_what_holds(sim: Simulator, arm: Arms) -> None:
    """It lists the role's actions and notActions, as in the role file."""
    vm = sim.client.create_vm("web")
    sim.client.set_roles(without(sim.client.roles(), "Microsoft.Compute/*/generalize/action"))
    answer = arm("app")("GET", f"{vm}/providers/Microsoft.Authorization/permissions")
    listed = answer.json()["value"]
    assert any("Microsoft.Compute/virtualMachines/write" in entry["actions"] for entry in listed)
    assert any("Microsoft.Compute/*/generalize/action" in p["notActions"] for p in listed)
    assert error(arm("app")("POST", f"{vm}/generalize")) == (403, "AuthorizationFailed")


@pytest.mark.parametrize(
    ("level", "method", "refused"),
    [
        ("CanNotDelete", "DELETE", True),
        ("CanNotDelete", "POST", False),
        ("ReadOnly", "DELETE", True),
        ("ReadOnly", "POST", True),
        ("ReadOnly", "PATCH", True),
        ("ReadOnly", "GET", False),
    ],
)
def test_locks(sim: Simulator, arm: Arms, level: str, method: str, *, refused: bool) -> None:
    """A lock on the group applies to the VM; ReadOnly blocks actions too."""
    vm = sim.client.create_vm("web")
    owner, group = arm("owner"), vm.split("/providers/")[0]
    lock = f"{group}/providers/Microsoft.Authorization/locks/keep"
    assert owner("PUT", lock, {"properties": {"level": level}}).status_code == 201
    path = f"{vm}/deallocate" if method == "POST" else vm
    answer = owner(method, path, {"tags": {}} if method == "PATCH" else None)
    assert (answer.status_code == 409) is refused
    if refused:
        assert error(answer) == (409, "ScopeLocked")
        assert owner("DELETE", lock).status_code == 200
        assert owner(method, path, {"tags": {}}).status_code < 300


def test_a_lock_forbids_tags(sim: Simulator, arm: Arms) -> None:
    """Tags written through the tags API are writes to the resource."""
    vm = sim.client.create_vm("web")
    owner = arm("owner")
    locks = f"{vm}/providers/Microsoft.Authorization/locks"
    owner("PUT", f"{locks}/l", {"properties": {"level": "ReadOnly"}})
    tags = f"{vm}/providers/Microsoft.Resources/tags/default"
    body = {"operation": "Merge", "properties": {"tags": {"a": "1"}}}
    assert error(owner("PATCH", tags, body)) == (409, "ScopeLocked")
    assert [lock["name"] for lock in owner("GET", locks).json()["value"]] == ["l"]


def test_a_service_principal_and_imds(sim: Simulator, monkeypatch: pytest.MonkeyPatch) -> None:
    """The real credentials get tokens from Entra's endpoint and from IMDS."""
    scope = f"{sim.arm_endpoint}/.default"
    app = sim.environment()["AZURE_CLIENT_ID"]
    with ClientSecretCredential(
        sim.tenant_id, app, "app-secret", disable_instance_discovery=True
    ) as credential:
        assert credential.get_token(scope).token
    monkeypatch.delenv("IDENTITY_ENDPOINT")
    monkeypatch.delenv("IDENTITY_HEADER")
    with ManagedIdentityCredential(client_id=app) as credential:
        assert credential.get_token(scope).token


def test_a_wrong_secret(sim: Simulator) -> None:
    """Entra answers 401 invalid_client."""
    answer = requests.post(
        f"{sim.arm_endpoint}/{sim.tenant_id}/oauth2/v2.0/token",
        data={"grant_type": "client_credentials", "client_id": "x", "client_secret": "y"},
        verify=str(sim.ca_path),
        timeout=30,
    )
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")


def test_the_sdk_shows_the_refusal(sim: Simulator, compute: Computes) -> None:
    """The SDK raises HttpResponseError with Azure's code."""
    sim.client.create_vm("web")
    with pytest.raises(HttpResponseError) as refused:
        compute("reader").virtual_machines.begin_deallocate("rg-vms", "web", polling=False)
    assert refused.value.error is not None
    assert refused.value.error.code == "AuthorizationFailed"
