"""The action that a request needs follows from its method and path alone."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.arm.core.rbac import DEFAULT_ROLES, Rbac, action_of, read_roles
from simulator.arm.routes import ROUTES

SUB = "/subscriptions/5a1e0000-0000-4000-8000-00000000a2e5"
GROUP = f"{SUB}/resourceGroups/rg"
VM = f"{GROUP}/providers/Microsoft.Compute/virtualMachines/web"
COMPUTE = "Microsoft.Compute"


@pytest.mark.parametrize(
    ("method", "path", "action", "scope"),
    [
        ("GET", VM, f"{COMPUTE}/virtualMachines/read", VM),
        ("PUT", VM, f"{COMPUTE}/virtualMachines/write", VM),
        ("PATCH", VM, f"{COMPUTE}/virtualMachines/write", VM),
        ("DELETE", VM, f"{COMPUTE}/virtualMachines/delete", VM),
        ("POST", f"{VM}/deallocate", f"{COMPUTE}/virtualMachines/deallocate/action", VM),
        ("GET", f"{VM}/instanceView", f"{COMPUTE}/virtualMachines/instanceView/read", VM),
        ("GET", VM.removesuffix("/web"), f"{COMPUTE}/virtualMachines/read", GROUP),
        ("GET", GROUP, "Microsoft.Resources/subscriptions/resourceGroups/read", GROUP),
        ("DELETE", GROUP, "Microsoft.Resources/subscriptions/resourceGroups/delete", GROUP),
        (
            "GET",
            f"{SUB}/resourceGroups",
            "Microsoft.Resources/subscriptions/resourceGroups/read",
            SUB,
        ),
        ("GET", SUB, "Microsoft.Resources/subscriptions/read", SUB),
        (
            "PATCH",
            f"{VM}/providers/Microsoft.Resources/tags/default",
            "Microsoft.Resources/tags/write",
            VM,
        ),
        (
            "GET",
            f"{VM}/providers/Microsoft.Authorization/permissions",
            "Microsoft.Authorization/permissions/read",
            VM,
        ),
        (
            "PUT",
            f"{GROUP}/providers/Microsoft.Authorization/locks/l",
            "Microsoft.Authorization/locks/write",
            GROUP,
        ),
        (
            "GET",
            f"{SUB}/providers/{COMPUTE}/locations/westeurope/operations/x",
            f"{COMPUTE}/locations/operations/read",
            f"{SUB}/providers/{COMPUTE}/locations/westeurope/operations/x",
        ),
        (
            "PUT",
            f"{GROUP}/providers/{COMPUTE}/galleries/g/images/i/versions/1.0.0",
            f"{COMPUTE}/galleries/images/versions/write",
            f"{GROUP}/providers/{COMPUTE}/galleries/g/images/i/versions/1.0.0",
        ),
    ],
)
def test_actions(method: str, path: str, action: str, scope: str) -> None:
    """The action is Azure's, and the scope is the resource that the request is about."""
    assert action_of(method, path) == (action, scope)


def test_every_route_has_an_action() -> None:
    """There is no route that a role could not grant."""
    shape = re.compile(r"(Microsoft\.\w+|\{namespace\})/[\w/]*(read|write|delete|action)")
    for route in ROUTES:
        assert shape.fullmatch(action_of(route.method, route.template)[0]), route


names = st.text(st.characters(codec="ascii", categories=["L", "N"]), min_size=1, max_size=8)


@given(names, names)
def test_what_is_granted_is_read_without_case(group: str, name: str) -> None:
    """Scopes and actions compare without case; a role on a group does not match longer names."""
    roles = read_roles(DEFAULT_ROLES)
    app = next(p["objectId"] for p in roles["principals"] if p["name"] == "app")
    for assignment in roles["roleAssignments"]:
        if assignment["properties"]["principalId"] == app:
            assignment["properties"]["scope"] = f"{SUB}/resourceGroups/{group}"
    rbac = Rbac(SUB.rsplit("/", 1)[1], roles)
    vm = f"{SUB}/RESOURCEGROUPS/{group.upper()}/providers/{COMPUTE}/virtualMachines/{name}"
    caller = rbac.named("app")
    assert rbac.allows(caller, "MICROSOFT.COMPUTE/VIRTUALMACHINES/READ", vm)
    other = vm.replace(f"/{group.upper()}/", f"/{group.upper()}x/")
    assert not rbac.allows(caller, f"{COMPUTE}/virtualMachines/read", other)
    assert not rbac.allows(caller, f"{COMPUTE}/virtualMachines/start/action", vm)
