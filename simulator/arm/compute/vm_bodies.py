"""The bodies of a VM: its model, its instance view, its row in a status-only list.

Takes a `Vm`, gives dicts. An instance view has no time for a power state, and a deallocated VM's
model lacks the size and account type of its disks: clients that rely on either break here too.
"""

from datetime import datetime

from simulator.arm.compute.records import Attachment, Vm
from simulator.arm.core import ids
from simulator.arm.core.errors import Failure, Json
from simulator.arm.core.wire import stamp

AGENT_VERSION = "2.7.41491.1183"

_SHOWN_PROVISIONING = {
    "Succeeded": "Provisioning succeeded",
    "Failed": "Provisioning failed",
    "Canceled": "Provisioning canceled",
}


def vm_body(vm: Vm, group: str, now: datetime | None = None, *, user_data: bool = False) -> Json:
    """Return a VM's model, with its group in the caller's casing; `now` adds the instance view."""
    properties = {
        "hardwareProfile": vm.properties["hardwareProfile"],
        "provisioningState": vm.provisioning,
        "vmId": vm.vm_id,
        "storageProfile": _storage_profile(vm),
        **vm.properties,
        "timeCreated": stamp(vm.created),
    }
    if not user_data:
        properties.pop("userData", None)
    if now:
        properties["instanceView"] = instance_view(vm, now)
    body: Json = {
        "name": vm.name,
        "id": ids.with_group(vm.id, group),
        "type": Vm.kind,
        "location": vm.location,
    }
    optional = {
        "plan": vm.plan,
        "zones": vm.zones,
        "identity": vm.identity,
        "managedBy": vm.managed_by,
    }
    body |= {name: value for name, value in optional.items() if value}
    return body | {"tags": vm.tags, "properties": properties, "etag": f'"{vm.etag}"'}


def status_row(vm: Vm) -> Json:
    """Return a VM's row in a status-only list: location and statuses only."""
    return {
        "name": vm.name,
        "id": ids.with_group(vm.id, vm.group.upper()),
        "type": Vm.kind,
        "location": vm.location,
        "properties": {"instanceView": {"statuses": statuses(vm)}},
    }


def instance_view(vm: Vm, now: datetime) -> Json:
    """Return a VM's instance view; of a deallocated VM it has nothing about the guest."""
    view: Json = {}
    if vm.agent_seen and vm.allocated:
        seen = now if vm.guest_runs else vm.agent_seen
        computer = (vm.properties.get("osProfile") or {}).get("computerName")
        windows = vm.os_type == "Windows"
        view = {
            **({"computerName": computer} if computer else {}),
            "osName": "Windows Server 2022 Datacenter" if windows else "ubuntu",
            "osVersion": "10.0.20348.2700" if windows else "22.04",
            "vmAgent": _agent(seen),
        }
    view["disks"] = [_disk_status(attachment, vm) for attachment in vm.disks]
    boot = _boot_diagnostics(vm)
    if boot is not None:
        view["bootDiagnostics"] = boot
    view["hyperVGeneration"] = vm.generation
    return view | {"statuses": statuses(vm)}


def _boot_diagnostics(vm: Vm) -> Json | None:
    """Return where a VM's screenshot and serial log are; an empty object for managed storage."""
    profile: Json = (vm.properties.get("diagnosticsProfile") or {}).get("bootDiagnostics") or {}
    if not profile.get("enabled"):
        return None
    if not profile.get("storageUri"):
        return {}
    plain = "".join(letter for letter in vm.name.lower() if letter.isalnum())[:9]
    folder = f"{profile['storageUri'].rstrip('/')}/bootdiagnostics-{plain}-{vm.vm_id}"
    blob = f"{folder}/{vm.name}.{vm.vm_id}"
    return {
        "consoleScreenshotBlobUri": f"{blob}.screenshot.bmp",
        "serialConsoleLogBlobUri": f"{blob}.serialconsole.log",
    }


def statuses(vm: Vm) -> list[Json]:
    """Return the statuses in Azure's order: provisioning, then generalized, then power."""
    found = [_provisioning(vm.provisioning, vm.settled, vm.failure)]
    if vm.generalized:
        found.append(_status("OSState/generalized", "VM generalized"))
    if vm.hibernated:
        found.append(_status("HibernationState/Hibernated", "VM hibernated"))
    found.append(_status(f"PowerState/{vm.power}", f"VM {vm.power}"))
    return found


def _status(code: str, shown: str) -> Json:
    return {"code": code, "level": "Info", "displayStatus": shown}


def _provisioning(state: str, settled: datetime | None, failure: Failure | None = None) -> Json:
    status = _status(f"ProvisioningState/{state.lower()}", _SHOWN_PROVISIONING.get(state, state))
    if state == "Failed":
        status["level"] = "Error"
    if state == "Failed" and failure:
        status |= {"code": f"{status['code']}/{failure.code}", "message": failure.message}
    if settled and state in _SHOWN_PROVISIONING:
        status["time"] = stamp(settled)
    return status


def _agent(seen: datetime) -> Json:
    """Return the agent's status; a stopped VM's agent still reads Ready, with an old time."""
    status = _status("ProvisioningState/succeeded", "Ready")
    status["message"] = "Guest Agent is running"
    status["time"] = seen.replace(microsecond=0).isoformat()
    return {"vmAgentVersion": AGENT_VERSION, "statuses": [status]}


def _disk_status(attachment: Attachment, vm: Vm) -> Json:
    settled = vm.settled or vm.created
    return {"name": attachment.disk.name, "statuses": [_provisioning("Succeeded", settled)]}


def _storage_profile(vm: Vm) -> Json:
    profile: Json = {}
    if vm.image_reference:
        profile["imageReference"] = vm.image_reference
    profile["osDisk"] = {"osType": vm.os_type} | _held(vm.os_disk, vm)
    profile["dataDisks"] = [
        {"lun": disk.lun} | _held(disk, vm) | {"toBeDetached": disk.leaving}
        for disk in vm.data_disks
    ]
    if vm.disk_controller:
        profile["diskControllerType"] = vm.disk_controller
    return profile


def _held(attachment: Attachment, vm: Vm) -> Json:
    """Return a disk as its VM shows it; a disk that is still being created has no id yet."""
    disk = attachment.disk
    body: Json = {"name": disk.name} | attachment.settings
    if disk.vhd:
        return body | {"vhd": {"uri": disk.vhd}, "diskSizeGB": disk.size_gb}
    fate = {"deleteOption": body.pop("deleteOption")}
    known = {} if attachment.fresh else {"id": disk.id}
    if not vm.allocated:
        return body | {"managedDisk": known} | fate
    managed = {"storageAccountType": disk.sku} | known
    return body | {"managedDisk": managed} | fate | {"diskSizeGB": disk.size_gb}
