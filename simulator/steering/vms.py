"""Creates VMs by steering: of any age, without an operation and without an event.

Takes a few settings (`name`, `group`, and what should differ from a usual VM), gives a `Vm` as if
it had been created long ago. Also shows the state of a VM that ARM does not show.
"""

from datetime import UTC, datetime, timedelta

from simulator.arm.compute.conditions import AVAILABLE, LEFT_BY_ARM, STOPPED_INSIDE
from simulator.arm.compute.disk_bodies import disk_state
from simulator.arm.compute.guest_acts import DEFAULT_SYSPREP_ERROR
from simulator.arm.compute.machine import Power
from simulator.arm.compute.records import Disk, Sysprep, Vm
from simulator.arm.compute.vm_build import build_vm
from simulator.arm.compute.vm_disks import take_disks
from simulator.arm.compute.vms import forget_vm
from simulator.arm.core import ids
from simulator.arm.core.errors import Json
from simulator.arm.core.resource import Group
from simulator.arm.core.world import World
from simulator.arm.network.records import Interface
from simulator.contents.disk import LAYOUTS

_WINDOWS = {"publisher": "MicrosoftWindowsServer", "offer": "WindowsServer", "version": "latest"}
_LINUX = {"publisher": "Canonical", "offer": "ubuntu-24_04-lts", "version": "latest"}
# Disks that have not moved since then have no LastOwnershipUpdateTime.
_BEFORE_INSTANTS = datetime(2022, 6, 1, tzinfo=UTC)
# A VM that is created as stopped was shut down by its guest.
_CONDITIONS = LEFT_BY_ARM | {Power.RUNNING: AVAILABLE, Power.STOPPED: STOPPED_INSIDE}
DEFAULTS: Json = {
    "group": "rg-vms",
    "location": "westeurope",
    "os": "Windows",
    "generation": "V2",
    "security_type": None,
    "size": "Standard_D4s_v5",
    "os_disk": {},
    "data_disks": [],
    "tags": {},
    "plan": None,
    "disk_controller": "SCSI",
    "architecture": "x64",
    "accelerated_network": True,
    "age": 86400.0,
    "power": "running",
    "stopped_since": None,
    "generalized": False,
    "sysprep": "never",
    "why": None,
    "layout": None,
    "boots": True,
    "ails": None,
    "disk_properties": {},
    "instant": "known",
    "zones": None,
    "managed_by": None,
    "license_type": None,
    "priority": None,
    "ephemeral": False,
    "properties": {},
}


def create_vm(world: World, words: Json) -> Vm:
    """Create a VM of `age` seconds and its group; ValueError for an unknown setting.

    An existing VM of that name is deleted first, without an event.
    """
    unknown = set(words) - set(DEFAULTS) - {"name"}
    if unknown:
        msg = f"no such setting of a VM: {sorted(unknown)}"
        raise ValueError(msg)
    said = DEFAULTS | words
    group_id = ids.group_id(world.subscription, said["group"])
    if world.find(Group, group_id) is None:
        world.add(Group(id=group_id, location=said["location"]))
    vm_id = f"{group_id}/providers/{Vm.kind}/{said['name']}"
    former = world.find(Vm, vm_id)
    if former:
        _forget(world, former)
    vm, _ = build_vm(world, vm_id, _body(world.subscription, said), said["generation"])
    take_disks(world, vm, vm.disks)
    world.add(vm)
    _give_interface(world, vm)
    vm.architecture = said["architecture"]
    vm.os_disk.disk.properties["supportedCapabilities"] |= {
        "architecture": said["architecture"],
        "acceleratedNetwork": said["accelerated_network"],
    }
    vm.tags = dict(said["tags"])
    _put_into(world, vm, said)
    return vm


def _give_interface(world: World, vm: Vm) -> None:
    """Create the interface that a VM refers to."""
    (named,) = vm.properties["networkProfile"]["networkInterfaces"]
    address = {"privateIPAllocationMethod": "Dynamic", "primary": True}
    properties = {
        "ipConfigurations": [{"name": "ipconfig1", "properties": address}],
        "enableAcceleratedNetworking": True,
    }
    world.add(Interface(id=named["id"], location=vm.location, properties=properties, owner=vm))


def _forget(world: World, former: Vm) -> None:
    if former.operation:
        world.operations.preempt(former.operation)
    forget_vm(world, former)


def hidden_facts(vm: Vm) -> Json:
    """Return the real state of a VM, which ARM does not show."""
    disk = vm.os_disk.disk
    return {
        "id": vm.id,
        "name": vm.name,
        "power": vm.power,
        "provisioning": vm.provisioning,
        "generalized": vm.generalized,
        "guestRuns": vm.guest_runs,
        "guestAct": vm.guest_act,
        "boots": vm.boots,
        "sysprep": disk.sysprep,
        "sysprepError": disk.sysprep_error,
        "osDisk": disk.id,
        "osDiskTags": disk.tags,
        "vmId": vm.vm_id,
        "osDiskState": disk_state(disk),
        "dataDisks": [attachment.disk.id for attachment in vm.data_disks],
        "tags": vm.tags,
    }


def _body(subscription: str, said: Json) -> Json:
    windows = said["os"] == "Windows"
    image = dict(_WINDOWS if windows else _LINUX)
    modern = said["generation"] == "V2"
    image["sku"] = (
        ("2022-datacenter-azure-edition" if modern else "2022-datacenter")
        if windows
        else ("server" if modern else "server-gen1")
    )
    security = said["security_type"] or ("TrustedLaunch" if modern else "Standard")
    interface = f"{said['name']}-nic"
    properties: Json = {
        "hardwareProfile": {"vmSize": said["size"]},
        "storageProfile": {
            "imageReference": image,
            "osDisk": _os_disk(said),
            "dataDisks": [{"lun": n} | disk for n, disk in enumerate(said["data_disks"])],
            "diskControllerType": said["disk_controller"],
        },
        "osProfile": {"computerName": said["name"][:15], "adminUsername": "azureuser"},
        "networkProfile": {
            "networkInterfaces": [_interface(subscription, said["group"], interface)]
        },
        "diagnosticsProfile": {"bootDiagnostics": {"enabled": True}},
    }
    if security != "Standard":
        uefi = {"secureBootEnabled": True, "vTpmEnabled": True}
        properties["securityProfile"] = {"uefiSettings": uefi, "securityType": security}
    properties |= {name: value for name, value in _billing(said).items() if value}
    body = {"location": said["location"], "plan": said["plan"], "zones": said["zones"]}
    body["managedBy"] = said["managed_by"]
    return body | {"properties": properties | said["properties"]}


def _os_disk(said: Json) -> Json:
    disk: Json = {"createOption": "FromImage", "osType": said["os"]}
    if said["ephemeral"]:
        disk |= {"caching": "ReadOnly", "diffDiskSettings": {"option": "Local"}}
    disk |= said["os_disk"]
    return disk


def _billing(said: Json) -> Json:
    """Return the properties that change the price of a VM: licence and priority."""
    spot = said["priority"] == "Spot"
    return {
        "licenseType": said["license_type"],
        "priority": said["priority"],
        "evictionPolicy": "Deallocate" if spot else None,
        "billingProfile": {"maxPrice": -1} if spot else None,
    }


def _interface(subscription: str, group: str, name: str) -> Json:
    path = f"resourceGroups/{group}/providers/Microsoft.Network/networkInterfaces/{name}"
    return {"id": f"/subscriptions/{subscription}/{path}"}


def _put_into(world: World, vm: Vm, said: Json) -> None:
    """Bring a VM into the requested state."""
    since = world.clock.now() - timedelta(seconds=said["age"])
    off = _stopped_at(world, said)
    vm.settled = since
    vm.agent_seen = vm.condition_since = off or since
    released = off if said["power"] == Power.DEALLOCATED else None
    known = _instant_is_known(said)
    made = since if known else min(since, _BEFORE_INSTANTS)
    vm.created = made
    for attachment in vm.disks:
        attachment.fresh, attachment.disk.created = False, made
        attachment.disk.moved = (released or since) if known else None
    vm.power = Power(said["power"])
    vm.condition = _CONDITIONS[vm.power]
    vm.guest_runs = vm.power is Power.RUNNING
    vm.boots = 1
    vm.generalized = said["generalized"]
    _put_on(vm.os_disk.disk, said)


def _put_on(disk: Disk, said: Json) -> None:
    """Set the contents of an OS disk, and its properties in ARM, as requested."""
    if said["layout"] not in {None, *LAYOUTS}:
        msg = f"no such layout: {said['layout']}; there are {sorted(LAYOUTS)}"
        raise ValueError(msg)
    disk.sysprep, disk.layout = Sysprep(said["sysprep"]), said["layout"]
    disk.boots, disk.ails = bool(said["boots"]), said["ails"]
    if disk.sysprep is Sysprep.FAILED and disk.os_type == "Windows":
        disk.sysprep_error = said["why"] or DEFAULT_SYSPREP_ERROR
    disk.properties |= said["disk_properties"]


def _instant_is_known(said: Json) -> bool:
    """Say whether a VM's disks have a LastOwnershipUpdateTime; ValueError for another value."""
    if said["instant"] not in {"known", "unknown"}:
        msg = f"instant: known or unknown, not {said['instant']}"
        raise ValueError(msg)
    return bool(said["instant"] == "known")


def _stopped_at(world: World, said: Json) -> datetime | None:
    """Return when a VM was stopped, None by default; ValueError if that contradicts its state."""
    seconds = said["stopped_since"]
    if seconds is None:
        return None
    if said["power"] == Power.RUNNING or not 0 <= seconds <= said["age"]:
        msg = "stopped_since: only for a VM that does not run, and at most its age"
        raise ValueError(msg)
    return world.clock.now() - timedelta(seconds=seconds)
