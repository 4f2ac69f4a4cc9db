"""Least privilege, played: what the template grants is enough, and nothing of it is needless.

The app has exactly the roles of the widest template. Each story is told once as it should end; then
again for each action that is said to be there for it, without that action, and ends otherwise.
"""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from shared.model.errors import Refused, Transient
from shared.model.ids import find_copy
from shared.model.settings import BootTest, GuardAction, KeepSource
from shared.reconcile import reconcile_copy
from simulator.simulator import SUBSCRIPTION
from simulator.template import Known, read_template
from tests.stories.workshop import in_workshop, make_workshop
from tests.stories.world import IMAGES, INFRA, Json, Spine, Vm, empty

WIDEST = "wide"
"""The template that grants everything there is to grant, by its snapshot's name."""

COMPUTE = "Microsoft.Compute"
POINTS = f"{COMPUTE}/restorePointCollections"
ROLES = "Microsoft.Authorization/roleDefinitions"
SEND = "Microsoft.EventGrid/events/send/action"
HOUR = 3600
BOOTING = "capture-workshop"


def version(world: Spine) -> object:
    """A gallery version is made, and told."""
    world.definition()
    return captured(world, world.vm(), "golden/windows")


def managed(world: Spine) -> object:
    """A managed image is made, and told."""
    return captured(world, world.vm(), "managed-image")


def entra_only(world: Spine) -> object:
    """A disk is read that wants a token beside its address."""
    world.definition()
    vm = world.vm(disk_properties={"dataAccessAuthMode": "AzureActiveDirectory"})
    return captured(world, vm, "golden/windows")


def guarded(world: Spine) -> object:
    """What stands stopped is told, and deallocated unless locked; an opt-out holds."""
    policy = {"guard_action": GuardAction.DEALLOCATE, "guard_deallocate_after": timedelta(hours=2)}
    world.under(**policy)
    world.client.create_group("kept", **{"stillframe-cost-guard": "ignore"})
    stopped: Json = {"power": "stopped", "stopped_since": 5 * HOUR}
    vms = [world.vm("plain", **stopped), world.vm("locked", **stopped)]
    vms.append(world.vm("spared", group="kept", **stopped))
    world.lock(vms[1].id, "CanNotDelete")
    for _ in range(4):
        world.sweep()
        world.let(300)
    told = [one for one in world.outcomes if one["type"] == "Stillframe.VmStillBilled"]
    known = {(one["subject"], one["data"]["sinceKnownBy"]) for one in told}
    return known, [vm.state[0] for vm in vms]


def orphaned(world: Spine) -> object:
    """A VM deleted while its version is made: an hour later the version's own tags tell."""
    world.definition()
    world.client.settings(durations={"version": 2 * HOUR})
    vm = world.vm()
    captured(world, vm, "golden/windows")
    vm.delete()
    world.let(2 * HOUR)
    world.sweep(world.client.now() - timedelta(hours=1))
    return [one["type"] for one in world.outcomes]


def booted(world: Spine) -> object:
    """An image is booted, with its screenshot; what was left in the workshop is deleted."""
    make_workshop(world, BOOTING)
    group = world.group(BOOTING)
    network = f"{group}/providers/Microsoft.Network"
    subnet = {"id": f"{network}/virtualNetworks/{BOOTING}-westeurope/subnets/machines"}
    address = {"name": "ipconfig1", "properties": {"subnet": subnet}}
    nic: Json = {"location": "westeurope", "properties": {"ipConfigurations": [address]}}
    world.owner("PUT", f"{network}/networkInterfaces/boot-0-1-nic?api-version=2022-05-01", nic)
    empty = {"creationData": {"createOption": "Empty"}, "diskSizeGB": 4}
    disk = f"{group}/providers/{COMPUTE}/disks/boot-0-1-os?api-version=2026-03-02"
    world.owner("PUT", disk, {"location": "westeurope", "properties": empty})
    world.under(workshop=BOOTING, boot_test=BootTest.ALWAYS)
    world.definition()
    vm = world.vm()
    captured(world, vm, "golden/windows")
    world.sweep_for(HOUR)
    pictures = [one["data"].get("boot", {}).get("screenshot", "") for one in world.outcomes]
    return vm.status, in_workshop(world, BOOTING), [one.endswith(".png") for one in pictures]


def kept(world: Spine) -> object:
    """A copy of a running VM is captured, from a snapshot; events of its parts lead to the VM."""
    return copied(world, "snapshots/{name}-snapshot")


def kept_with_disks(world: Spine) -> object:
    """The same of a VM with data disks, from a restore point."""
    return copied(world, "restorePointCollections/{name}-points", data_disks=[{}])


def workshop_of(world: Spine) -> str:
    """Return the name of the workshop in which the app has a role."""
    granted = world.client.roles()["roleAssignments"]
    scopes = [str(one["properties"]["scope"]) for one in granted]
    return next(scope.rpartition("/")[2] for scope in scopes if scope.endswith("-workshop"))


def copied(world: Spine, part: str, **words: Any) -> object:  # noqa: ANN401 a VM's words
    """Let a copy be captured; return how it ended, whether its part led to it, and what is left."""
    workshop = workshop_of(world)
    make_workshop(world, workshop)
    world.under(workshop=workshop, keep_source=KeepSource.ALWAYS)
    world.definition()
    vm = world.vm(**words)
    vm.order("golden/windows")
    world.look(vm)
    world.let(130)
    name = next((each.rpartition("-")[0] for each in in_workshop(world, workshop)), "nothing")
    made = f"{world.group(workshop)}/providers/{COMPUTE}/{part.format(name=name)}"
    ref = find_copy(made)
    assert ref
    led = reconcile_copy(world.azure, ref, world.client.now())
    world.sweep_for(HOUR)
    return vm.status, vm.state, led is not None, in_workshop(world, workshop)


def disposed(world: Spine) -> object:
    """A captured VM is deleted with all that is its own; a locked one is kept."""
    world.under(disposes=True)
    world.definition()
    vms = [world.vm("gone", data_disks=[{}]), world.vm("locked")]
    for vm in vms:
        vm.order("golden/windows", after="delete")
        world.look(vm)
        vm.guest("sysprep")
    world.let(300)
    world.lock(vms[1].facts["osDisk"], "CanNotDelete")
    for _ in range(8):
        world.let(300)
        world.sweep(world.client.now() - timedelta(minutes=5))
    rows = world.owner("GET", f"{world.group('rg-vms')}/resources?api-version=2021-04-01")["value"]
    return sorted(row["type"].rpartition("/")[2] for row in rows)


def captured(world: Spine, vm: Vm, target: str) -> object:
    """Order an image and let Sysprep run; return what came of it."""
    vm.order(target)
    world.look(vm)
    vm.guest("sysprep")
    world.let(300)
    world.carry(vm)
    return vm.status, len(vm.images), [one["type"] for one in world.outcomes]


IMAGE = ("captured", 1, ["Stillframe.ImageCaptured"])
BILLS = (
    {("plain", "resource-graph"), ("locked", "resource-graph")},
    ["deallocated", "stopped", "stopped"],
)
ENDS: dict[Callable[[Spine], object], object] = {
    version: IMAGE,
    managed: IMAGE,
    entra_only: IMAGE,
    guarded: BILLS,
    orphaned: ["Stillframe.ImageCaptured"],
    booted: ("captured", [], [True]),
    disposed: ["disks", "networkInterfaces", "virtualMachines"],
    kept: ("captured", ("running", False), True, []),
    kept_with_disks: ("captured", ("running", False), True, []),
}
NEEDED_FOR = {
    "Microsoft.Authorization/locks/read": guarded,
    "Microsoft.Authorization/permissions/read": version,
    f"{COMPUTE}/disks/beginGetAccess/action": version,
    f"{COMPUTE}/disks/delete": booted,
    f"{COMPUTE}/disks/download/action": entra_only,
    f"{COMPUTE}/disks/endGetAccess/action": version,
    f"{COMPUTE}/disks/read": version,
    f"{COMPUTE}/disks/write": booted,
    f"{COMPUTE}/galleries/read": orphaned,
    f"{COMPUTE}/galleries/images/read": version,
    f"{COMPUTE}/galleries/images/versions/read": version,
    f"{COMPUTE}/galleries/images/versions/write": version,
    f"{COMPUTE}/images/read": managed,
    f"{COMPUTE}/images/write": managed,
    f"{COMPUTE}/locations/diskOperations/read": version,
    f"{POINTS}/delete": kept_with_disks,
    f"{POINTS}/read": kept_with_disks,
    f"{POINTS}/restorePoints/diskRestorePoints/beginGetAccess/action": kept_with_disks,
    f"{POINTS}/restorePoints/read": kept_with_disks,
    f"{POINTS}/restorePoints/write": kept_with_disks,
    f"{POINTS}/write": kept_with_disks,
    f"{COMPUTE}/snapshots/beginGetAccess/action": kept,
    f"{COMPUTE}/snapshots/delete": kept,
    f"{COMPUTE}/snapshots/read": kept,
    f"{COMPUTE}/snapshots/write": kept,
    f"{COMPUTE}/virtualMachines/deallocate/action": version,
    f"{COMPUTE}/virtualMachines/delete": booted,
    f"{COMPUTE}/virtualMachines/generalize/action": version,
    f"{COMPUTE}/virtualMachines/read": version,
    f"{COMPUTE}/virtualMachines/retrieveBootDiagnosticsData/action": booted,
    f"{COMPUTE}/virtualMachines/runCommands/write": kept,
    f"{COMPUTE}/virtualMachines/write": version,
    "Microsoft.Network/networkInterfaces/delete": booted,
    "Microsoft.Network/networkInterfaces/join/action": booted,
    "Microsoft.Network/networkInterfaces/read": booted,
    "Microsoft.Network/networkInterfaces/write": booted,
    "Microsoft.Network/virtualNetworks/subnets/join/action": booted,
    "Microsoft.ResourceHealth/availabilityStatuses/read": guarded,
    "Microsoft.Resources/subscriptions/resourceGroups/read": guarded,
    "Microsoft.Resources/subscriptions/resourceGroups/resources/read": booted,
    "Microsoft.Resources/tags/write": version,
    SEND: version,
}
"""Each action, and the story that needs it."""

NOT_PLAYED = {f"{COMPUTE}/diskEncryptionSets/read"}
"""Granted by a parameter of its own because Azure may ask for it; nothing here does (inferred)."""


@pytest.fixture
def world(spine: Spine) -> Spine:
    """Give the world with the app granted the widest template's roles, and nothing remembered."""
    grant(spine)
    return spine.restart()


def grant(world: Spine, *, but: str = "", template: str = WIDEST) -> None:
    """Grant the app what a template grants, but for one action."""
    world.deploy_roles(template)
    roles = world.client.roles()
    for role in roles["roleDefinitions"]:
        for permission in role["properties"]["permissions"]:
            for kind in ("actions", "dataActions"):
                granted = permission.get(kind, [])
                permission[kind] = [action for action in granted if action != but]
    world.client.set_roles(roles)


def actions_of(template: str) -> set[str]:
    """Return every action of the app's own roles in a template."""
    known = Known(SUBSCRIPTION, "0a", "0b")
    roles = read_template(INFRA / "snapshots" / f"{template}.snapshot.json", known).of(ROLES)
    of_app = [
        role["properties"] for role in roles if " wait (" not in role["properties"]["roleName"]
    ]
    permissions = [one for role in of_app for one in role["permissions"]]
    return {action for one in permissions for action in one["actions"] + one["dataActions"]}


def test_each_action_has_its_story() -> None:
    """The table names every action of the app's own roles, and no other."""
    assert actions_of(WIDEST) | {SEND} == set(NEEDED_FOR) | NOT_PLAYED


@pytest.mark.parametrize("story", ENDS, ids=lambda story: story.__name__)
def test_what_is_granted_is_enough(world: Spine, story: Callable[[Spine], object]) -> None:
    """With the template's roles each story ends as it should."""
    assert story(world) == ENDS[story]


@pytest.mark.parametrize("action", NEEDED_FOR)
def test_nothing_granted_is_needless(world: Spine, action: str) -> None:
    """Without the action, the story that it is there for ends otherwise."""
    grant(world, but=action)
    story = NEEDED_FOR[action]
    try:
        came_of_it = story(world)
    except (Refused, Transient) as error:
        came_of_it = error
    assert came_of_it != ENDS[story]


COPIES_ONLY = "keeping"
"""The template whose app may change no VM outside its workshop."""


def needed_by_copies() -> dict[str, Callable[[Spine], object]]:
    """Return what that template grants for copies, each with a story of a copy that needs it."""
    copies = {version: kept, kept: kept, kept_with_disks: kept_with_disks}
    granted = actions_of(COPIES_ONLY)
    found = {action: copies.get(story) for action, story in NEEDED_FOR.items() if action in granted}
    return {action: story for action, story in found.items() if story}


def test_copies_only_is_enough(world: Spine) -> None:
    """With the smaller roles a copy is captured, whatever its disks are."""
    for story in (kept, kept_with_disks):
        empty(world.client)
        world.deploy_roles(COPIES_ONLY)
        world.restart()
        assert story(world) == ENDS[story]


@pytest.mark.parametrize("action", needed_by_copies())
def test_nothing_that_copies_get_is_needless(world: Spine, action: str) -> None:
    """Without the action, and with nothing but those roles, the copy's story ends otherwise."""
    grant(world, but=action, template=COPIES_ONLY)
    story = needed_by_copies()[action]
    try:
        came_of_it = story(world)
    except (Refused, Transient) as error:
        came_of_it = error
    assert came_of_it != ENDS[story]


def test_outside_the_image_group_no_image_is_written(world: Spine) -> None:
    """An order for another group that is allowed is refused while the VM runs, naming the right."""
    elsewhere = world.definition().replace(f"/{IMAGES}/", "/others/", 1)
    world.under(targets=(f"{elsewhere}/".lower(),))
    vm = world.vm()
    vm.order(elsewhere)
    world.look(vm)
    assert vm.status == "refused"
    assert "cannot be read by the app" in str(vm.said("detail"))
