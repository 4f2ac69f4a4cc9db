"""Disks and snapshots: how to recover a VM from the disk of a generalized one."""

from typing import Any

from azure.mgmt.compute.models import Disk, Snapshot, VirtualMachine

from simulator.simulator import Simulator
from tests.simulator.conftest import Arms, Computes


def copy_of(source: str | None) -> dict[str, Any]:
    """Return the body of a disk or snapshot that copies another."""
    creation = {"createOption": "Copy", "sourceResourceId": source}
    return {"location": "westeurope", "properties": {"creationData": creation}}


def test_a_vm_from_a_copy_of_a_generalized_ones_disk(sim: Simulator, compute: Computes) -> None:
    """Snapshot, disk, attach: the new VM runs, the old one is still generalized."""
    vm = sim.client.create_vm(
        "old", power="deallocated", generalized=True, security_type="Standard"
    )
    client = compute("owner")
    old_disk = sim.client.vm(vm)["osDisk"]
    client.snapshots.begin_create_or_update(
        "rg-vms", "kept", Snapshot(copy_of(old_disk)), polling=False
    )
    sim.client.advance(1)
    kept = client.snapshots.get("rg-vms", "kept")
    client.disks.begin_create_or_update("rg-vms", "again", Disk(copy_of(kept.id)), polling=False)
    sim.client.advance(1)
    disk = client.disks.get("rg-vms", "again")
    assert (disk.disk_state, disk.disk_size_gb, disk.os_type) == ("Unattached", 127, "Windows")
    storage = {"osDisk": {"createOption": "Attach", "managedDisk": {"id": disk.id}}}
    properties = {"hardwareProfile": {"vmSize": "Standard_D2s_v5"}, "storageProfile": storage}
    body = VirtualMachine({"location": "westeurope", "properties": properties})
    client.virtual_machines.begin_create_or_update("rg-vms", "new", body, polling=False)
    sim.client.advance(30)
    view = client.virtual_machines.instance_view("rg-vms", "new")
    assert view.hyper_v_generation == "V2"
    assert [status.code for status in view.statuses or []][-1] == "PowerState/running"
    assert client.disks.get("rg-vms", "again").disk_state == "Attached"


def test_a_disk_that_a_vm_holds_stays(sim: Simulator, arm: Arms) -> None:
    """It can neither be deleted nor attached to another VM."""
    disk = sim.client.vm(sim.client.create_vm("web"))["osDisk"]
    owner = arm("owner")
    assert owner("DELETE", disk).json()["error"]["code"] == "OperationNotAllowed"
    storage = {"osDisk": {"createOption": "Attach", "managedDisk": {"id": disk}}}
    properties = {"hardwareProfile": {"vmSize": "Standard_D2s_v5"}, "storageProfile": storage}
    other = disk.split("/disks/")[0] + "/virtualMachines/other"
    answer = owner("PUT", other, {"location": "westeurope", "properties": properties})
    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "ConflictingUserInput")


def test_data_disks_come_and_go(sim: Simulator, arm: Arms) -> None:
    """A PATCH that names other data disks detaches the old disk and creates the new one."""
    vm = sim.client.create_vm("web", data_disks=[{}])
    (old,) = sim.client.vm(vm)["dataDisks"]
    owner = arm("owner")
    disks = [{"lun": 5, "createOption": "Empty", "diskSizeGB": 16}]
    owner("PATCH", vm, {"properties": {"storageProfile": {"dataDisks": disks}}})
    sim.client.advance(5)
    (new,) = sim.client.vm(vm)["dataDisks"]
    assert new != old
    assert owner("GET", old).json()["properties"]["diskState"] == "Unattached"
    assert owner("GET", new).json()["managedBy"].lower() == vm.lower()


def test_what_may_be_changed_on_a_disk(sim: Simulator, arm: Arms) -> None:
    """Size can grow but not shrink; network access can be closed."""
    disk = sim.client.vm(sim.client.create_vm("web"))["osDisk"]
    owner = arm("owner")
    changed = {"diskSizeGB": 256, "networkAccessPolicy": "DenyAll"}
    assert owner("PATCH", disk, {"properties": changed}).status_code == 202
    sim.client.advance(1)
    shown = owner("GET", disk).json()["properties"]
    assert (shown["diskSizeGB"], shown["networkAccessPolicy"]) == (256, "DenyAll")
    smaller = owner("PATCH", disk, {"properties": {"diskSizeGB": 64}})
    assert smaller.json()["error"]["code"] == "OperationNotAllowed"
