"""Capturing a managed image through real Azure clients."""

from azure.mgmt.compute.models import Image

from simulator.simulator import Simulator
from tests.simulator.conftest import Computes


def power(compute: Computes, group: str, name: str) -> str:
    """Return the last status of a VM."""
    view = compute().virtual_machines.instance_view(group, name)
    return str((view.statuses or [])[-1].code)


def test_a_sysprepped_vm_becomes_an_image(sim: Simulator, compute: Computes) -> None:
    """Sysprep, deallocate, generalize and PUT give an image of a generalized disk."""
    vm = sim.client.create_vm("web", generation="V1", data_disks=[{}])
    client = compute()
    sim.client.guest(vm, "sysprep")
    sim.client.advance(60)
    assert power(compute, "rg-vms", "web") == "PowerState/stopped"
    client.virtual_machines.begin_deallocate("rg-vms", "web", polling=False)
    assert power(compute, "rg-vms", "web") == "PowerState/deallocating"
    sim.client.advance(11)
    client.virtual_machines.generalize("rg-vms", "web")
    body = {
        "location": "westeurope",
        "properties": {"sourceVirtualMachine": {"id": vm}, "hyperVGeneration": "V1"},
    }
    client.images.begin_create_or_update("rg-vms", "img", Image(body), polling=False)
    assert client.images.get("rg-vms", "img").provisioning_state == "Creating"
    sim.client.advance(8)
    assert client.images.get("rg-vms", "img").provisioning_state == "Succeeded"
    (capture,) = sim.client.captures()
    assert capture["sysprep"] == "succeeded"
    assert len(capture["dataDisks"]) == 1
