"""The copy of a VM that is kept, in Azure's terms: bodies of its PUTs, and how far it has come.

Each write is one request that is started and not awaited. What is copied inherits only the bytes,
so account type and encryption set are stated again; Trusted Launch is inherited, and must not be.
"""

from collections.abc import Mapping
from typing import Any

from shared.cloud import wire
from shared.cloud.arm import Arm
from shared.cloud.observe import lower_names
from shared.cloud.temporary import interface_body, interface_id, security_body
from shared.model.errors import Transient
from shared.model.facts import Look, Missing, ObservedDisk, ObservedVm, Provisioning, Way
from shared.model.ids import CopyRef, VmRef
from shared.model.steps import Assemble, CloneStep, Copy, Take
from shared.model.tags import CloneTag, Tag
from shared.workshop.clone import clone_tags, kept_vm
from shared.workshop.machine import TrialMachine

SYSPREP = (
    "Start-Sleep -Seconds 30; "
    "Remove-Item -Recurse -Force $env:windir\\Panther -ErrorAction SilentlyContinue; "
    "Set-ItemProperty HKLM:\\SYSTEM\\CurrentControlSet\\Services\\cdrom -Name Start -Value 1; "
    "Start-Process $env:windir\\System32\\Sysprep\\sysprep.exe "
    "-ArgumentList '/generalize','/oobe','/shutdown','/mode:vm','/quiet'"
)
"""Run as the system; detached, because the agent ends with Sysprep."""

WAAGENT = (
    "nohup sh -c 'sleep 30; waagent -deprovision+user -force; truncate -s 0 /etc/machine-id; "
    "poweroff' >/dev/null 2>&1 &"
)
POINT = "p"


def prepare(arm: Arm, vm: ObservedVm) -> None:
    """Start Sysprep or waagent in a copied VM.

    The command is named after the VM, because a guest runs a name that it has run before only once.
    """
    script = SYSPREP if vm.os_type == "Windows" else WAAGENT
    arm.run_command(vm.ref, vm.ref.name, vm.location, script)


def make(arm: Arm, look: Look, step: CloneStep, by: str) -> None:
    """Start a step of a copy."""
    match step:
        case Take():
            _take(arm, look, step, by)
        case Copy():
            _copy(arm, look, step, by)
        case Assemble():
            _assemble(arm, look, step, by)


def discard(arm: Arm, vm: ObservedVm) -> None:
    """Start to delete a copied VM, and what its disks were copied from."""
    arm.delete_vm(vm.ref)
    match vm.tags.get(CloneTag.HOW):
        case Way.SNAPSHOT:
            arm.delete(snapshot_id(vm.ref))
        case Way.POINT:
            arm.delete(collection_id(vm.ref))


def copied_vm(arm: Arm, ref: CopyRef) -> VmRef | None:
    """Return the VM that something is part of a copy of, by its tags."""
    found = arm.tags(ref.id)
    if isinstance(found, Missing):
        return None
    return kept_vm(VmRef(ref.subscription, ref.group, ref.name), lower_names(found.tags))


def disks_of(arm: Arm, look: Look, ref: VmRef, way: Way | None) -> Provisioning | Missing:
    """Return the worst state of the disks that a copied VM will have, as far as they are copied."""
    ids = [disk_id(ref)]
    if way in (None, Way.COPY):
        ids += [disk_id(ref, disk.lun) for disk in look.vm.data_disks if _wanted(look)]
    states: list[Provisioning] = []
    for each in ids:
        disk = arm.disk(each)
        if isinstance(disk, Missing):
            return Missing.GONE
        states.append(Provisioning(disk.properties.provisioning_state))
    settled = [state for state in states if state is not Provisioning.SUCCEEDED]
    return settled[0] if settled else Provisioning.SUCCEEDED


def _wanted(look: Look) -> bool:
    """Whether the data disks are to be captured too."""
    return look.vm.tags.get(Tag.DISKS, "").strip().lower() != "os"


def taken(arm: Arm, ref: VmRef) -> tuple[Provisioning | Missing, Way | None]:
    """Return the state of the snapshot or restore point that disks are copied from."""
    snapshot = arm.snapshot(snapshot_id(ref))
    if not isinstance(snapshot, Missing):
        return Provisioning(snapshot.properties.provisioning_state), Way.SNAPSHOT
    point = arm.restore_point(collection_id(ref), POINT)
    if not isinstance(point, Missing):
        return Provisioning(point.properties.provisioning_state), Way.POINT
    return Missing.GONE, None


def snapshot_id(ref: VmRef) -> str:
    """Return the id of the snapshot of a VM's OS disk."""
    return f"{ref.group_id}/providers/Microsoft.Compute/snapshots/{ref.name}-snapshot"


def collection_id(ref: VmRef) -> str:
    """Return the id of the collection with a VM's restore point."""
    return f"{ref.group_id}/providers/Microsoft.Compute/restorePointCollections/{ref.name}-points"


def disk_id(ref: VmRef, lun: int | None = None) -> str:
    """Return the id of a copied VM's OS disk, or of a data disk."""
    part = "os" if lun is None else f"data-{lun}"
    return f"{ref.group_id}/providers/Microsoft.Compute/disks/{ref.name}-{part}"


def _tags(look: Look, step: CloneStep, by: str) -> dict[str, str]:
    """Return the tags of what is made: its VM's, and of what it is a copy; no order."""
    begun = step.say.as_of
    assert begun  # noqa: S101 a copy is begun before anything is made
    tags = clone_tags(look.vm, step.order, begun, step.way.value, by)
    orders = (Tag.CAPTURE, Tag.VERSION, Tag.LATEST, Tag.TEST)
    if isinstance(step, Assemble):
        return tags
    return {name: value for name, value in tags.items() if name not in orders}


def _take(arm: Arm, look: Look, step: Take, by: str) -> None:
    vm, tags = look.vm, _tags(look, step, by)
    if step.way is Way.SNAPSHOT:
        properties = {"creationData": _copy_of(vm.os_disk.id), "incremental": True}
        body = {"location": vm.location, "tags": tags, "properties": properties}
        arm.put_snapshot(snapshot_id(step.ref), body)
        return
    source = {"source": {"id": vm.ref.id}}
    arm.put_collection(
        collection_id(step.ref), {"location": vm.location, "tags": tags, "properties": source}
    )
    arm.put_restore_point(collection_id(step.ref), POINT)


def _copy(arm: Arm, look: Look, step: Copy, by: str) -> None:
    vm, tags = look.vm, _tags(look, step, by)
    os_disk = look.disk if isinstance(look.disk, ObservedDisk) else None
    source = {
        Way.COPY: lambda: _copy_of(vm.os_disk.id),
        Way.SNAPSHOT: lambda: _copy_of(snapshot_id(step.ref)),
        Way.POINT: lambda: _of_point(arm, step.ref),
    }[step.way]()
    arm.put_disk(disk_id(step.ref), _disk_body(vm.location, tags, source, os_disk))
    if step.way is not Way.COPY or step.order.os_only:
        return
    for disk, seen in zip(vm.data_disks, look.data_disks or (), strict=False):
        known = seen if isinstance(seen, ObservedDisk) else None
        body = _disk_body(vm.location, tags, _copy_of(disk.id), known)
        arm.put_disk(disk_id(step.ref, disk.lun), body)


def _of_point(arm: Arm, ref: VmRef) -> dict[str, Any]:
    storage = _point_storage(arm, ref)
    point = storage.os_disk.disk_restore_point
    return {"createOption": "Restore", "sourceResourceId": point.id if point else None}


def _point_storage(arm: Arm, ref: VmRef) -> wire.PointStorage:
    point = arm.restore_point(collection_id(ref), POINT)
    if isinstance(point, Missing):
        msg = f"the restore point of {ref.name} is gone"
        raise Transient(msg)
    return point.properties.source_metadata.storage_profile


def _copy_of(source: str | None) -> dict[str, Any]:
    return {"createOption": "Copy", "sourceResourceId": source}


def _disk_body(
    location: str, tags: Mapping[str, str], source: Mapping[str, Any], disk: ObservedDisk | None
) -> dict[str, Any]:
    properties: dict[str, Any] = {"creationData": dict(source)}
    if disk and disk.encryption_set:
        properties["encryption"] = {
            "type": "EncryptionAtRestWithCustomerKey",
            "diskEncryptionSetId": disk.encryption_set,
        }
    sku = {"sku": {"name": disk.sku}} if disk and disk.sku else {}
    return {"location": location, "tags": dict(tags), **sku, "properties": properties}


def _assemble(arm: Arm, look: Look, step: Assemble, by: str) -> None:
    vm, ref, tags = look.vm, step.ref, _tags(look, step, by)
    theirs = {name: value for name, value in tags.items() if not name.startswith("stillframe-")}
    arm.put_interface(interface_id(ref), interface_body(vm.location, ref, theirs))
    arm.create_vm(ref, _vm_body(vm, ref, tags, _data_disks(arm, look, step)))


def _data_disks(arm: Arm, look: Look, step: Assemble) -> list[dict[str, Any]]:
    if step.order.os_only:
        return []
    gone = {"deleteOption": "Delete"}
    if step.way is not Way.POINT:
        return [
            {
                "lun": disk.lun,
                "createOption": "Attach",
                "managedDisk": {"id": disk_id(step.ref, disk.lun)},
                **gone,
            }
            for disk in look.vm.data_disks
        ]
    return [
        {
            "lun": disk.lun,
            "name": f"{step.ref.name}-data-{disk.lun}",
            "createOption": "Restore",
            "sourceResource": {"id": disk.disk_restore_point.id},
            **gone,
        }
        for disk in _point_storage(arm, step.ref).data_disks
        if disk.disk_restore_point
    ]


def _vm_body(
    vm: ObservedVm, ref: VmRef, tags: Mapping[str, str], data: list[dict[str, Any]]
) -> dict[str, Any]:
    """Return the PUT body of a copied VM: without osProfile, extensions and identities."""
    machine = TrialMachine(
        size=vm.machine.size,
        os_type=vm.os_type,
        security_type=vm.security_type or "",
        secure_boot=vm.secure_boot,
        vtpm=vm.vtpm,
        host_encryption=vm.host_encryption,
    )
    gone = {"deleteOption": "Delete"}
    storage: dict[str, Any] = {
        "osDisk": {
            "osType": vm.os_type,
            "createOption": "Attach",
            "managedDisk": {"id": disk_id(ref)},
            **gone,
        },
        "dataDisks": data,
    }
    if vm.disk_controller:
        storage["diskControllerType"] = vm.disk_controller
    nic = {"id": interface_id(ref), "properties": {"primary": True, **gone}}
    body: dict[str, Any] = {
        "location": vm.location,
        "tags": dict(tags),
        "properties": {
            "hardwareProfile": {"vmSize": machine.size},
            "storageProfile": storage,
            "networkProfile": {"networkInterfaces": [nic]},
            "diagnosticsProfile": {"bootDiagnostics": {"enabled": True}},
            **security_body(machine),
            **({"licenseType": vm.license_type} if vm.license_type else {}),
        },
    }
    return body | (
        {"plan": {"publisher": vm.plan.publisher, "product": vm.plan.product, "name": vm.plan.name}}
        if vm.plan
        else {}
    )
