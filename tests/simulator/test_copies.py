"""Copies of a running VM: snapshots, restore points, a VM on them, and scripts that run in it."""

from typing import Any

import pytest

from simulator.simulator import Simulator
from tests.simulator.conftest import Arms
from tests.simulator.test_vm_from_image import code_of, resource, vm_id

type Json = dict[str, Any]

SYSPREP = "Start-Sleep 30; Start-Process sysprep.exe '/generalize /oobe /shutdown /quiet'"


@pytest.fixture
def group(sim: Simulator) -> str:
    """Make a group; VMs may name interfaces that do not exist."""
    sim.client.settings(unknown_interfaces="accept")
    return sim.client.create_group("rg")


def attached(disk: str, os: object = "Windows", **properties: object) -> Json:
    """Return the PUT of a VM on a disk."""
    return resource(
        {
            "hardwareProfile": {"vmSize": "Standard_D4s_v5"},
            "storageProfile": {
                "osDisk": {
                    "osType": os,
                    "createOption": "Attach",
                    "managedDisk": {"id": disk},
                    "deleteOption": "Delete",
                }
            },
        }
        | properties
    )


def copied(sim: Simulator, arm: Arms, group: str, **words: object) -> str:
    """Make a VM on a copy of a running VM's disk, and return its id."""
    source = sim.client.create_vm("source", group="rg", security_type="Standard", **words)
    disk = f"{group}/providers/Microsoft.Compute/disks/copy"
    creation = {"createOption": "Copy", "sourceResourceId": sim.client.vm(source)["osDisk"]}
    assert arm("owner")("PUT", disk, resource({"creationData": creation})).status_code == 202
    sim.client.advance(5)
    answer = arm("owner")("PUT", vm_id(group), attached(disk, words.get("os", "Windows")))
    assert answer.status_code == 201, answer.text
    sim.client.advance(60)
    return vm_id(group)


def command(script: str) -> Json:
    """Return the PUT of a run command."""
    return resource({"source": {"script": script}, "asyncExecution": True})


@pytest.mark.parametrize(
    ("ails", "power", "sysprep"),
    [(None, "stopped", "succeeded"), ("An app is in the way.", "running", "failed")],
)
def test_a_script_runs_sysprep_on_the_disk(  # noqa: PLR0913, PLR0917 fixtures and a case
    sim: Simulator, arm: Arms, group: str, ails: str | None, power: str, sysprep: str
) -> None:
    """After its pause, as the system on that disk lets it; the source knows nothing of it."""
    vm = copied(sim, arm, group, ails=ails)
    owner = arm("owner")
    assert owner("PUT", f"{vm}/runCommands/go", command(SYSPREP)).status_code == 201
    sim.client.advance(25)
    assert sim.client.vm(vm)["guestAct"] is None
    sim.client.advance(120)
    facts = sim.client.vm(vm)
    assert (facts["power"], facts["sysprep"], facts["sysprepError"]) == (power, sysprep, ails)
    source = next(one for one in sim.client.vms() if one["name"] == "source")
    assert (source["power"], source["sysprep"]) == ("running", "never")
    code = "OperationNotAllowed" if power == "stopped" else None
    again = owner("PUT", f"{vm}/runCommands/other", command("hostname"))
    assert (again.json().get("error") or {}).get("code") == code


def test_linux_powers_off_by_its_script(sim: Simulator, arm: Arms, group: str) -> None:
    """Waagent does not shut the guest down; the script does."""
    vm = copied(sim, arm, group, os="Linux")
    script = "nohup sh -c 'sleep 30; waagent -deprovision+user -force; poweroff' &"
    arm("owner")("PUT", f"{vm}/runCommands/go", command(script))
    sim.client.advance(120)
    facts = sim.client.vm(vm)
    assert (facts["power"], facts["sysprep"]) == ("stopped", "succeeded")


def test_what_an_attached_disk_refuses(sim: Simulator, arm: Arms, group: str) -> None:
    """No osProfile, and the security type of the disk."""
    source = sim.client.create_vm("source", group="rg", security_type="Standard")
    disk = f"{group}/providers/Microsoft.Compute/disks/copy"
    creation = {"createOption": "Copy", "sourceResourceId": sim.client.vm(source)["osDisk"]}
    owner = arm("owner")
    owner("PUT", disk, resource({"creationData": creation}))
    assert code_of(owner("PUT", vm_id(group), attached(disk))) == "Conflict"
    sim.client.advance(5)
    profile = {"computerName": "t", "adminUsername": "u"}
    secured = {"securityType": "TrustedLaunch"}
    for changed, code in (
        ({"osProfile": profile}, "InvalidParameter"),
        ({"securityProfile": secured}, "BadRequest"),
    ):
        assert code_of(owner("PUT", vm_id(group), attached(disk, **changed))) == code
    assert owner("GET", disk).json()["properties"]["diskState"] == "Unattached"


def test_a_restore_point_has_all_disks(sim: Simulator, arm: Arms, group: str) -> None:
    """Its disks' ids are read from it; an OS disk is made of one, a data disk with its VM."""
    source = sim.client.create_vm(
        "source", group="rg", security_type="Standard", data_disks=[{"diskSizeGB": 64}]
    )
    owner = arm("owner")
    collection = f"{group}/providers/Microsoft.Compute/restorePointCollections/c"
    assert owner("PUT", collection, resource({"source": {"id": source}})).status_code == 201
    point = f"{collection}/restorePoints/p"
    body = {"properties": {"consistencyMode": "CrashConsistent"}}
    assert owner("PUT", point, body).status_code == 201
    sim.client.advance(90)
    shown = owner("GET", point).json()["properties"]
    assert shown["provisioningState"] == "Succeeded"
    storage = shown["sourceMetadata"]["storageProfile"]
    os_point = storage["osDisk"]["diskRestorePoint"]["id"]
    (data,) = storage["dataDisks"]
    disk = f"{group}/providers/Microsoft.Compute/disks/copy"
    creation = {"createOption": "Restore", "sourceResourceId": os_point}
    assert owner("PUT", disk, resource({"creationData": creation})).status_code == 202
    sim.client.advance(5)
    whole = attached(disk)
    whole["properties"]["storageProfile"]["dataDisks"] = [
        {
            "lun": data["lun"],
            "createOption": "Restore",
            "sourceResource": {"id": data["diskRestorePoint"]["id"]},
        }
    ]
    assert owner("PUT", vm_id(group), whole).status_code == 201
    sim.client.advance(60)
    (made,) = owner("GET", vm_id(group)).json()["properties"]["storageProfile"]["dataDisks"]
    assert made["diskSizeGB"] == 64
    assert owner("DELETE", collection).status_code == 202
    sim.client.advance(5)
    assert owner("GET", point).status_code == 404
    assert sim.client.vm(source)["power"] == "running"


def test_what_a_restore_point_refuses(sim: Simulator, arm: Arms, group: str) -> None:
    """A size without Premium storage; what is not simulated says so."""
    owner = arm("owner")
    modes = {"properties": {"consistencyMode": "CrashConsistent"}}
    for name, words, body, code in (
        ("a", {"size": "Standard_D4_v5"}, modes, "OperationNotAllowed"),
        ("b", {"power": "deallocated"}, modes, "NotSimulated"),
        ("c", {}, {}, "NotSimulated"),
    ):
        source = sim.client.create_vm(name, group="rg", **words)
        collection = f"{group}/providers/Microsoft.Compute/restorePointCollections/{name}"
        owner("PUT", collection, resource({"source": {"id": source}}))
        assert code_of(owner("PUT", f"{collection}/restorePoints/p", body)) == code
