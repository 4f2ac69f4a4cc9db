"""What the template's roles grant: at which scope, by which parameter, without wildcards."""

import re
from typing import Any

import pytest

from simulator.arm.core.rbac import action_of
from simulator.arm.routes import ROUTES
from simulator.simulator import SUBSCRIPTION
from simulator.template import Template
from tests.deployment.test_infra import README, SNAPSHOTS, WITH_APP, template

type Json = dict[str, Any]

GROUP = f"/subscriptions/{SUBSCRIPTION}/resourceGroups"
COMPUTE = "Microsoft.Compute"
POINTS = f"{COMPUTE}/restorePointCollections/restorePoints"


def granted(name: str) -> dict[str, set[str]]:
    """Return the actions that a template's custom roles grant, and data actions, by their scope."""
    deployed = template(name)
    roles = {one["id"]: one["properties"] for one in of_kind(deployed, "roleDefinitions")}
    found: dict[str, set[str]] = {}
    for one in of_kind(deployed, "roleAssignments"):
        scope = one["id"].partition("/providers/Microsoft.Authorization/")[0]
        if role := roles.get(one["properties"]["roleDefinitionId"]):
            found.setdefault(scope, set()).update(actions(role))
    return found


def everywhere(name: str) -> set[str]:
    """Return all that a template grants by custom roles, at any scope."""
    return set().union(*granted(name).values())


def actions(role: Json) -> list[str]:
    """Return a role's actions and data actions."""
    return [
        action
        for permission in role["permissions"]
        for action in permission["actions"] + permission["dataActions"]
    ]


def of_kind(deployed: Template, kind: str) -> list[Json]:
    """Return the resources of a type of Microsoft.Authorization."""
    return deployed.of(f"Microsoft.Authorization/{kind}")


@pytest.mark.parametrize("name", SNAPSHOTS)
def test_roles_have_no_wildcard_and_no_unknown_action(name: str) -> None:
    """Each action is one that a request of Azure's clients needs, written out."""
    asked = {action_of(route.method, _any_path(route.template))[0].lower() for route in ROUTES}
    # Reading a disk by its URL is no request to ARM; encryption sets and apps are not simulated.
    # Joins are asked for by requests that name what they join.
    asked |= {
        "microsoft.network/networkinterfaces/join/action",
        "microsoft.network/virtualnetworks/subnets/join/action",
        f"{COMPUTE}/snapshots/beginGetAccess/action".lower(),
        f"{POINTS}/diskRestorePoints/beginGetAccess/action".lower(),
        "microsoft.web/sites/functions/read",
        "microsoft.web/sites/host/properties/read",
        "microsoft.web/sites/host/sync/action",
        f"{COMPUTE}/disks/download/action".lower(),
        f"{COMPUTE}/diskEncryptionSets/read".lower(),
    }
    for role in of_kind(template(name), "roleDefinitions"):
        assert {action.lower() for action in actions(role["properties"])} <= asked
        assert not any("*" in action for action in actions(role["properties"]))


def _any_path(pattern: str) -> str:
    """Return a path that a route's pattern matches."""
    scope = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/g"
    return re.sub(r"\{\w+\}", "x", pattern.replace("{scope}", scope))


IMAGES = {
    f"{COMPUTE}/galleries/images/versions/write",
    f"{COMPUTE}/images/write",
}
ON_VMS = {
    f"{COMPUTE}/virtualMachines/deallocate/action",
    f"{COMPUTE}/virtualMachines/generalize/action",
    f"{COMPUTE}/virtualMachines/write",
    f"{COMPUTE}/disks/beginGetAccess/action",
    f"{COMPUTE}/disks/endGetAccess/action",
    f"{COMPUTE}/disks/download/action",
}


@pytest.mark.parametrize(
    ("name", "on_vms", "on_images"),
    [
        ("usual", {f"/subscriptions/{SUBSCRIPTION}"}, {f"{GROUP}/images"}),
        ("fenced", {f"{GROUP}/in-scope"}, {f"{GROUP}/images"}),
        ("narrow", {f"{GROUP}/builds"}, {f"{GROUP}/stillframe-images"}),
    ],
)
def test_writes_are_granted_where_they_belong(
    name: str, on_vms: set[str], on_images: set[str]
) -> None:
    """VMs may be changed only in the capture scope, images written only in the image group."""
    scopes = granted(name)
    assert {scope for scope, actions in scopes.items() if actions & ON_VMS} == on_vms
    assert {scope for scope, actions in scopes.items() if actions & IMAGES} == on_images


DELETIONS = {
    f"{COMPUTE}/virtualMachines/delete",
    f"{COMPUTE}/disks/delete",
    f"{COMPUTE}/snapshots/delete",
    f"{COMPUTE}/restorePointCollections/delete",
    "Microsoft.Network/networkInterfaces/delete",
}


def test_only_the_workshop_is_deleted_from() -> None:
    """Every deletion that is granted, and every disk write, is in the workshop's group alone."""
    scopes = granted("guarding")
    workshops = {scope for scope in scopes if scope.endswith("/resourceGroups/stillframe-workshop")}
    assert len(workshops) == 1
    assert {scope for scope, actions in scopes.items() if actions & DELETIONS} == workshops
    for scope, actions in scopes.items():
        deletes = {action for action in actions if action.lower().endswith("/delete")}
        assert deletes == (DELETIONS if scope in workshops else set())
        assert (f"{COMPUTE}/disks/write" in actions) == (scope in workshops)


def test_copies_only_harm_no_vm() -> None:
    """With captureInPlace=false VMs change in the workshop only; elsewhere disks are copied."""
    scopes = granted("keeping")
    (workshop,) = [scope for scope in scopes if scope.endswith("/stillframe-workshop")]
    for scope, given in scopes.items():
        assert bool(given & ON_VMS - COPYING) == (scope == workshop), scope
    assert scopes[f"/subscriptions/{SUBSCRIPTION}"] & ON_VMS == COPYING


COPYING = {f"{COMPUTE}/disks/beginGetAccess/action"}


def test_off_means_off_reaches_every_watched_vm() -> None:
    """The right to deallocate, and none of the others, beyond the scope of captures."""
    watched = granted("owned")[f"/subscriptions/{SUBSCRIPTION}"]
    assert watched & ON_VMS == {f"{COMPUTE}/virtualMachines/deallocate/action"}
    assert granted("fenced")[f"/subscriptions/{SUBSCRIPTION}"] & ON_VMS == set()


CAPTURING = {"usual", "fenced", "guarding", "keeping", "owned", "wide", "workshop"}
BY_PARAMETER = {
    f"{COMPUTE}/virtualMachines/write": CAPTURING,
    f"{COMPUTE}/galleries/images/versions/write": CAPTURING,
    f"{COMPUTE}/disks/beginGetAccess/action": CAPTURING,
    f"{COMPUTE}/virtualMachines/delete": {"guarding", "keeping", "wide", "workshop"},
    f"{COMPUTE}/disks/delete": {"guarding", "keeping", "wide", "workshop"},
    f"{COMPUTE}/disks/download/action": {"wide"},
    f"{COMPUTE}/diskEncryptionSets/read": {"wide"},
    "Microsoft.Authorization/locks/read": {"guarding", "owned", "wide"},
}


@pytest.mark.parametrize("action", BY_PARAMETER)
def test_what_is_not_asked_for_is_not_granted(action: str) -> None:
    """Permissions for galleries, proof, Entra-only disks and the guard's policy are optional."""
    assert {name for name in WITH_APP if action in everywhere(name)} == BY_PARAMETER[action]


def test_each_action_is_explained() -> None:
    """The page on infra/ has the purpose of each action."""
    given = {action for name in WITH_APP for action in everywhere(name)}
    said = set(re.findall(r"^\| `(Microsoft\.[\w/]+)` \|", README, re.MULTILINE))
    assert given == said
