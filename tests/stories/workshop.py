"""A workshop for the stories: its resource group and network, and what is in it."""

from collections.abc import Callable
from functools import partial

import pytest

from shared.model.settings import BootTest
from shared.workshop.boot import PREFIX as TRIALS
from shared.workshop.clone import PREFIX as CLONES
from tests.stories.world import Json, Spine, Vm, World

WORKSHOP = "stillframe-workshop"
DEFINITION = "windows"
UNDER: Json = {"workshop": WORKSHOP, "boot_test": BootTest.WHEN_ASKED}
VERSIONS = "api-version=2026-03-03"


def make_workshop(world: World, name: str = WORKSHOP) -> None:
    """Make the group and the network that the template makes."""
    group = world.client.create_group(name)
    network = f"{group}/providers/Microsoft.Network/virtualNetworks/{name}-westeurope"
    subnet = {"name": "machines", "properties": {"addressPrefix": "10.255.255.0/24"}}
    space = {"addressPrefixes": ["10.255.255.0/24"]}
    body = {"location": "westeurope", "properties": {"addressSpace": space, "subnets": [subnet]}}
    world.owner("PUT", f"{network}?api-version=2022-05-01", body)


def opened(spine: Spine) -> Spine:
    """Give a world whose app has the workshop, and a definition."""
    spine.deploy_roles("workshop")
    make_workshop(spine)
    spine.definition(DEFINITION)
    return spine.under(**UNDER).restart()


def in_workshop(world: World, name: str = WORKSHOP) -> list[str]:
    """Return the names of what is temporary in the workshop."""
    group = world.group(name)
    rows = world.owner("GET", f"{group}/resources?api-version=2021-04-01")["value"]
    return sorted(row["name"] for row in rows if row["name"].startswith((TRIALS, CLONES)))


def trial_vms(world: World) -> list[Json]:
    """Return the VMs in the workshop, as they really are."""
    inside = f"/resourcegroups/{WORKSHOP}/"
    return [one for one in world.client.vms() if inside in one["id"].lower()]


def latest(world: World, definition: str = DEFINITION) -> Json | None:
    """Return what the version is really made from that a new VM would get; None without one."""
    gallery = f"{world.group('images')}/providers/Microsoft.Compute/galleries/golden"
    path = f"{gallery}/images/{definition}/versions?{VERSIONS}"
    rows = [
        row
        for row in world.owner("GET", path)["value"]
        if row["properties"]["provisioningState"] == "Succeeded"
        and not row["properties"]["publishingProfile"].get("excludeFromLatest")
    ]
    if not rows:
        return None
    best = max(rows, key=lambda row: [int(part) for part in row["name"].split(".")])
    (made,) = [one for one in world.client.captures() if one["id"].lower() == best["id"].lower()]
    return made


def ordered(world: Spine, vm: Vm, target: str = "golden/windows", **others: str) -> None:
    """Order an image that is booted, and let Sysprep run."""
    vm.order(target, test="yes", **others)
    world.look(vm)
    vm.guest("sysprep")
    world.let(120)


class Died(BaseException):
    """The process ends."""


OPERATIONS = ("create_vm", "put_version", "delete_vm", "deallocate", "generalize")
"""The requests that the SDK's own operations send, in the client's words."""


def ends_after(world: Spine, points: int, step: Callable[[], None], steps: int = 4) -> bool:
    """Take steps until the process ends before or after one of its requests to ARM; say if it did.

    Point 0 is before the first request, 1 after it, and so on.
    """
    arm, left = world.azure.arm, [points]

    def counted(call: Callable[..., object], *args: object, **named: object) -> object:
        if left[0] == 0:
            raise Died
        done = call(*args, **named)
        if left[0] == 1:
            raise Died
        left[0] -= 2
        return done

    with pytest.MonkeyPatch.context() as patched:
        for name in ("_ask", *OPERATIONS):
            patched.setattr(arm, name, partial(counted, getattr(arm, name)))
        try:
            for _ in range(steps):
                step()
        except Died:
            return True
    return False
