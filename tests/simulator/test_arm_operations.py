"""Operations in progress, as the SDK's own pollers see them."""

import pytest
from azure.core.exceptions import HttpResponseError, ResourceExistsError
from azure.mgmt.compute.models import VirtualMachine

from simulator.simulator import Simulator
from tests.simulator.conftest import Arms, Computes

VM = "/resourceGroups/rg-vms/providers/Microsoft.Compute/virtualMachines/web"


def codes(compute: Computes) -> list[str | None]:
    """Return the codes of the VM's statuses."""
    view = compute("owner").virtual_machines.instance_view("rg-vms", "web")
    return [status.code for status in view.statuses or []]


def test_the_sdk_polls_a_deallocation_to_its_end(sim: Simulator, compute: Computes) -> None:
    """Default polling of begin_deallocate follows the headers until the VM is deallocated."""
    sim.client.create_vm("web")
    sim.client.settings(retry_after=1)
    sim.client.set_speed(200)
    poller = compute().virtual_machines.begin_deallocate("rg-vms", "web")
    poller.result(timeout=30)
    assert poller.status() == "Succeeded"
    assert codes(compute)[-1] == "PowerState/deallocated"


def test_started_is_not_done(sim: Simulator, compute: Computes) -> None:
    """An accepted deallocation shows deallocating and Updating until its duration has passed."""
    sim.client.create_vm("web")
    compute().virtual_machines.begin_deallocate("rg-vms", "web", polling=False)
    sim.client.advance(10.9)
    assert codes(compute) == ["ProvisioningState/updating", "PowerState/deallocating"]
    sim.client.advance(0.2)
    assert codes(compute) == ["ProvisioningState/succeeded", "PowerState/deallocated"]


def test_a_vm_that_starts_from_deallocated_shows_stopped(sim: Simulator, compute: Computes) -> None:
    """Start passes through stopped and starting: stopped alone does not prove a billed VM."""
    sim.client.create_vm("web", power="deallocated")
    compute("owner").virtual_machines.begin_start("rg-vms", "web", polling=False)
    assert codes(compute)[-1] == "PowerState/stopped"
    sim.client.advance(4)
    assert codes(compute)[-1] == "PowerState/starting"
    sim.client.advance(20)
    assert codes(compute)[-1] == "PowerState/running"


def test_ownership_moves_on_deallocation_and_start(sim: Simulator, compute: Computes) -> None:
    """LastOwnershipUpdateTime is the time at which the deallocation ended."""
    vm = sim.client.create_vm("web")
    disk = sim.client.vm(vm)["osDisk"].rsplit("/", 1)[1]
    client = compute("owner")
    before = client.disks.get("rg-vms", disk)
    client.virtual_machines.begin_deallocate("rg-vms", "web", polling=False)
    sim.client.advance(11)
    released = sim.client.now()
    after = client.disks.get("rg-vms", disk)
    assert before.disk_state == "Attached"
    assert after.disk_state == "Reserved"
    assert after.last_ownership_update_time == released
    client.virtual_machines.begin_start("rg-vms", "web", polling=False)
    sim.client.advance(20)
    assert client.disks.get("rg-vms", disk).last_ownership_update_time == sim.client.now()


def test_a_second_operation_is_a_conflict(sim: Simulator, compute: Computes) -> None:
    """While a VM deallocates, another deallocation is 409 Conflict and changes nothing."""
    sim.client.create_vm("web")
    client = compute()
    client.virtual_machines.begin_deallocate("rg-vms", "web", polling=False)
    with pytest.raises(ResourceExistsError) as refused:
        client.virtual_machines.begin_deallocate("rg-vms", "web", polling=False)
    assert refused.value.error is not None
    assert refused.value.error.code == "Conflict"


def test_a_deallocation_preempts_a_start(sim: Simulator, arm: Arms) -> None:
    """The start's poll answers Failed, OperationPreempted; the VM ends deallocated."""
    sim.client.create_vm("web", power="stopped")
    owner = arm("owner")
    path = f"/subscriptions/{sim.subscription_id}{VM}"
    started = owner("POST", f"{path}/start")
    sim.client.advance(1)
    assert owner("POST", f"{path}/deallocate").status_code == 202
    poll = started.headers["Azure-AsyncOperation"].removeprefix(sim.arm_endpoint)
    body = owner("GET", poll).json()
    assert (body["status"], body["error"]["code"]) == ("Failed", "OperationPreempted")
    sim.client.advance(60)
    assert (
        owner("GET", f"{path}/instanceView").json()["statuses"][-1]["code"].endswith("/deallocated")
    )


def test_a_doomed_operation_ends_failed(sim: Simulator, compute: Computes) -> None:
    """The poller raises with the injected code; the VM is in its old state, Failed."""
    sim.client.create_vm("web")
    sim.client.settings(retry_after=1)
    sim.client.fault(
        path="/deallocate", operation={"code": "InternalExecutionError", "message": "no"}
    )
    sim.client.set_speed(200)
    poller = compute().virtual_machines.begin_deallocate("rg-vms", "web")
    with pytest.raises(HttpResponseError) as failed:
        poller.result(timeout=30)
    assert failed.value.status_code == 200
    assert failed.value.error is not None
    assert failed.value.error.code == "InternalExecutionError"
    failed_state = "ProvisioningState/failed/InternalExecutionError"
    assert codes(compute) == [failed_state, "PowerState/running"]


def test_a_created_vm_runs_in_the_end(sim: Simulator, compute: Computes) -> None:
    """PUT of a VM goes through Creating, stopped and starting; its disks exist at once."""
    sim.client.create_group("rg-vms")
    body = {
        "location": "westeurope",
        "tags": {"a": "b"},
        "properties": {
            "hardwareProfile": {"vmSize": "Standard_D2s_v5"},
            "storageProfile": {
                "imageReference": {
                    "publisher": "MicrosoftWindowsServer",
                    "offer": "WindowsServer",
                    "sku": "2022-datacenter-g2",
                    "version": "latest",
                }
            },
            "osProfile": {
                "computerName": "web",
                "adminUsername": "someone",
                "adminPassword": "not-to-be-shown",
            },
        },
    }
    client = compute("owner")
    client.virtual_machines.begin_create_or_update(
        "rg-vms", "web", VirtualMachine(body), polling=False
    )
    made = client.virtual_machines.get("rg-vms", "web")
    assert made.provisioning_state == "Creating"
    assert made.os_profile is not None
    assert made.os_profile.admin_password is None
    assert codes(compute)[-1] == "PowerState/stopped"
    sim.client.advance(30)
    assert codes(compute) == ["ProvisioningState/succeeded", "PowerState/running"]
    assert [disk.os_type for disk in client.disks.list()] == ["Windows"]


def test_a_deleted_vm_is_gone_and_deleting_again_is_204(
    sim: Simulator, compute: Computes, arm: Arms
) -> None:
    """DELETE of a missing resource is no error; the disks are kept, unattached."""
    sim.client.create_vm("web")
    client = compute("owner")
    client.virtual_machines.begin_delete("rg-vms", "web", polling=False)
    sim.client.advance(15)
    path = f"/subscriptions/{sim.subscription_id}{VM}"
    assert arm("owner")("GET", path).status_code == 404
    assert arm("owner")("DELETE", path).status_code == 204
    assert [disk.disk_state for disk in client.disks.list()] == ["Unattached"]


def test_a_deallocated_model_lacks_size_and_account_type(sim: Simulator, compute: Computes) -> None:
    """A client cannot read a disk's size from a VM that is deallocated."""
    sim.client.create_vm("web", power="deallocated", data_disks=[{"diskSizeGB": 64}])
    model = compute().virtual_machines.get("rg-vms", "web")
    assert model.storage_profile is not None
    (data,) = model.storage_profile.data_disks or []
    assert data.disk_size_gb is None
    assert data.managed_disk is not None
    assert data.managed_disk.storage_account_type is None


def test_what_could_not_be_deleted_is_still_there(sim: Simulator, arm: Arms) -> None:
    """A deletion that fails leaves the disk, marked Failed; the next deletion may succeed."""
    group = sim.client.create_group("rg-vms")
    disk = f"{group}/providers/Microsoft.Compute/disks/d"
    wanted = {"creationData": {"createOption": "Empty"}, "diskSizeGB": 4}
    owner = arm("owner")
    owner("PUT", disk, {"location": "westeurope", "properties": wanted})
    sim.client.advance(1)
    sim.client.fault(method="DELETE", operation={"code": "InternalExecutionError"})
    assert owner("DELETE", disk).status_code == 202
    sim.client.advance(1)
    assert owner("GET", disk).json()["properties"]["provisioningState"] == "Failed"
    assert owner("DELETE", disk).status_code == 202
    sim.client.advance(1)
    assert owner("GET", disk).status_code == 404
