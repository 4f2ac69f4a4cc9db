"""Conversion of Azure's JSON to facts: what each field means, and what its absence means."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest

from shared.cloud import observe, wire
from shared.model.facts import (
    AttachedDisk,
    Definition,
    Missing,
    ObservedDisk,
    ObservedVm,
    Permission,
    Plan,
    PowerState,
    Region,
)
from shared.model.ids import ManagedImageRef, VmRef
from tests.unit.making import DISKS, PLAN, REF, VERSION

RECORDINGS = Path(__file__).parents[3] / "shared" / "reference" / "recordings"
IMAGE = ManagedImageRef(REF.subscription, "golden", "web-01-20260504")


def decoded[T](body: object, shape: type[T]) -> T:
    """Decode a body as the app decodes a response."""
    return msgspec.json.decode(json.dumps(body), type=shape)


def seen(*codes: str, **changes: Any) -> ObservedVm:  # noqa: ANN401 - JSON
    """Observe a VM with these status codes and top-level fields."""
    properties = {
        "vmId": "0f0e",
        "provisioningState": "Succeeded",
        "storageProfile": {"osDisk": {"osType": "Windows", "managedDisk": {"id": f"{DISKS}/os"}}},
        "instanceView": {"statuses": [{"code": code} for code in codes]},
        **changes.pop("properties", {}),
    }
    body = {"id": REF.id, "location": "westeurope", "properties": properties, **changes}
    return observe.observed_vm(REF, decoded(body, wire.Vm))


def disk(**properties: Any) -> ObservedDisk:  # noqa: ANN401 - JSON
    """Observe a managed disk with these properties."""
    body = {"id": f"{DISKS}/os", "sku": {"name": "Premium_LRS"}, "properties": properties}
    return observe.observed_disk(decoded(body, wire.Disk))


def defined(**properties: Any) -> Definition:  # noqa: ANN401 - JSON
    """Observe an image definition with these properties."""
    body = {"properties": {"osType": "Windows", "osState": "Generalized", **properties}}
    return observe.observed_definition(decoded(body, wire.Definition))


def version(number: str, state: str = "Succeeded", **profile: Any) -> wire.Version:  # noqa: ANN401 - JSON
    """Decode a gallery version with this publishing profile."""
    properties = {"provisioningState": state, "publishingProfile": profile}
    return decoded({"id": VERSION.id, "name": number, "properties": properties}, wire.Version)


def test_a_bare_vm_is_a_vm() -> None:
    """Fields that Azure omits are empty, and a missing power state is `UNKNOWN`."""
    vm = observe.observed_vm(REF, decoded({"id": REF.id}, wire.Vm))
    assert (vm.ref, vm.power, vm.tags, vm.provisioning) == (REF, PowerState.UNKNOWN, {}, "unknown")
    assert not any((vm.generalized, vm.hibernated, vm.in_scale_set, vm.encrypted_by_guest))
    assert (vm.os_disk, vm.data_disks, vm.plan) == (AttachedDisk(None), (), None)


def test_nulls_are_as_good_as_nothing() -> None:
    """A null field is read like an omitted field."""
    vm = seen(tags=None, plan=None, resources=None, managedBy=None, properties={
        "securityProfile": None, "virtualMachineScaleSet": None, "instanceView": None,
    })  # fmt: skip
    assert (vm.tags, vm.plan, vm.security_type, vm.in_scale_set) == ({}, None, None, False)
    assert vm.power is PowerState.UNKNOWN


@pytest.mark.parametrize("power", list(PowerState))
def test_the_power_state_stands_anywhere_among_the_statuses(power: PowerState) -> None:
    """It is found by its prefix, not by its position in the list."""
    codes = ["ProvisioningState/succeeded", "OSState/generalized", power.value]
    assert seen(*codes).power is power
    assert seen(*reversed(codes)).power is power


@pytest.mark.parametrize("codes", [[], ["ProvisioningState/succeeded"], ["PowerState/dreaming"]])
def test_a_power_state_that_nobody_knows_is_unknown(codes: list[str]) -> None:
    """A missing or new state is not mapped to a known state."""
    assert seen(*codes).power is PowerState.UNKNOWN


@pytest.mark.parametrize(
    ("code", "field"),
    [("OSState/generalized", "generalized"), ("HibernationState/Hibernated", "hibernated")],
)
def test_the_instance_view_alone_shows_the_marks(code: str, field: str) -> None:
    """Generalized and hibernated are read only from the statuses."""
    assert getattr(seen(code), field)
    assert not getattr(seen("PowerState/deallocated"), field)


def test_names_of_tags_have_no_case() -> None:
    """Tag names are converted to lower case; values are unchanged."""
    assert seen(tags={"Stillframe-CAPTURE": "Yes"}).tags == {"stillframe-capture": "Yes"}


@pytest.mark.parametrize(
    "changes",
    [
        {"properties": {"virtualMachineScaleSet": {"id": "/subscriptions/s/.../vmss"}}},
        {"managedBy": "/subscriptions/s/.../vmss"},
    ],
)
def test_either_word_makes_it_a_scale_sets_member(changes: dict[str, Any]) -> None:
    """A scale set member has either `virtualMachineScaleSet` or `managedBy`."""
    assert seen(**changes).in_scale_set


def test_a_vms_model_is_read() -> None:
    """Disks, generation, security type, plan and disk controller are read from their fields."""
    managed = {"id": f"{DISKS}/data", "storageAccountType": "UltraSSD_LRS"}
    vm = seen(
        plan={"publisher": "contoso", "product": "server", "name": "hourly"},
        properties={
            "securityProfile": {"securityType": "TrustedLaunch"},
            "instanceView": {"hyperVGeneration": "V2"},
            "storageProfile": {
                "osDisk": {"osType": "Linux", "diffDiskSettings": {"option": "Local"}},
                "dataDisks": [{"lun": 0, "diskSizeGB": 64, "managedDisk": managed}],
                "diskControllerType": "NVMe",
            },
        },
    )
    assert (vm.plan, vm.security_type, vm.generation) == (PLAN, "TrustedLaunch", "V2")
    assert (vm.os_type, vm.disk_controller) == ("Linux", "NVMe")
    assert vm.os_disk == AttachedDisk(None, ephemeral=True)
    assert vm.data_disks == (AttachedDisk(f"{DISKS}/data", "UltraSSD_LRS", 64),)


@pytest.mark.parametrize(
    ("kind", "encrypted"),
    [
        ("AzureDiskEncryption", True),
        ("azurediskencryptionforlinux", True),
        ("CustomScriptExtension", False),
        (None, False),
    ],
)
def test_disk_encryption_is_an_extension(kind: str | None, encrypted: bool) -> None:  # noqa: FBT001
    """Azure Disk Encryption is detected by its extension, for Windows and for Linux."""
    vm = seen(resources=[{"id": "list item"}, {"properties": {"type": kind}}])
    assert vm.encrypted_by_guest is encrypted


@pytest.mark.parametrize("enabled", [True, False, None])
def test_disk_encryption_is_in_the_disks(enabled: bool | None) -> None:  # noqa: FBT001
    """It is also detected in the VM's disk and in the managed disk, if it is enabled."""
    os_disk = {"encryptionSettings": {"enabled": enabled}}
    vm = seen(properties={"storageProfile": {"osDisk": os_disk}})
    seen_itself = disk(encryptionSettingsCollection={"enabled": enabled})
    assert vm.os_disk.encrypted_by_guest is bool(enabled)
    assert seen_itself.encrypted_by_guest is bool(enabled)


def test_a_bare_disk_is_a_disk() -> None:
    """Fields that a disk omits are None: unknown, not False."""
    body = {"id": f"{DISKS}/os"}
    bare = observe.observed_disk(decoded(body, wire.Disk))
    assert (bare.sku, bare.size_gb, bare.released, bare.generation) == (None, None, None, None)
    assert (bare.architecture, bare.accelerated_network) == (None, None)
    assert not any((bare.access_open, bare.customer_key, bare.encrypted_by_guest))


def test_a_disks_properties_are_read() -> None:
    """Each property that a rule needs is read from its field."""
    full = disk(
        diskSizeGB=127,
        hyperVGeneration="V2",
        securityProfile={"securityType": "TrustedLaunch"},
        supportedCapabilities={"architecture": "Arm64", "acceleratedNetwork": False},
        encryption={"type": "EncryptionAtRestWithCustomerKey", "diskEncryptionSetId": "/set"},
    )
    assert (full.sku, full.size_gb, full.generation) == ("Premium_LRS", 127, "V2")
    assert (full.security_type, full.architecture) == ("TrustedLaunch", "Arm64")
    assert full.accelerated_network is False
    assert full.customer_key
    assert not disk(encryption={"type": "EncryptionAtRestWithPlatformKey"}).customer_key


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("2026-05-04T09:48:07.2501234+00:00", datetime(2026, 5, 4, 9, 48, 7, 250_123, tzinfo=UTC)),
        ("2026-05-04T11:48:07+02:00", datetime(2026, 5, 4, 9, 48, 7, tzinfo=UTC)),
        ("2026-05-04T09:48:07Z", datetime(2026, 5, 4, 9, 48, 7, tzinfo=UTC)),
        (None, None),
    ],
)
def test_when_a_disk_changed_hands(text: str | None, instant: datetime | None) -> None:
    """Azure writes seven fractional digits and any offset; the name begins with a capital."""
    assert disk(LastOwnershipUpdateTime=text).released == instant
    assert disk(lastOwnershipUpdateTime=text).released is None


@pytest.mark.parametrize(
    ("state", "opened"),
    [("Reserved", False), ("Attached", False), ("ActiveSAS", True), ("ActiveSASFrozen", True)],
)
def test_access_to_a_disk_is_a_state(state: str, opened: bool) -> None:  # noqa: FBT001
    """Both `ActiveSAS` and `ActiveSASFrozen` mean that access is open."""
    assert disk(diskState=state).access_open is opened


def test_a_bare_definition_is_of_the_first_generation() -> None:
    """The defaults of a definition are generation 1, x64, SCSI and no security type."""
    assert defined() == Definition(
        os_type="Windows",
        os_state="Generalized",
        generation="V1",
        architecture="x64",
        security_type=None,
        disk_controllers=frozenset({"scsi"}),
        accelerated_network=False,
        plan=None,
    )


@pytest.mark.parametrize("controllers", ["DISKCONTROLLERTYPES", "DiskControllerType"])
def test_features_of_a_definition_are_read(controllers: str) -> None:
    """Feature names have any case; disk controllers are a list, under either name."""
    features = [
        {"name": "SecurityType", "value": "TrustedLaunch"},
        {"name": controllers, "value": "SCSI, NVMe"},
        {"name": "IsAcceleratedNetworkSupported", "value": "True"},
    ]
    full = defined(
        features=features,
        hyperVGeneration="V2",
        architecture="Arm64",
        purchasePlan={"publisher": "contoso", "product": "server", "name": "hourly"},
    )
    assert (full.generation, full.architecture, full.plan) == ("V2", "Arm64", PLAN)
    assert (full.security_type, full.accelerated_network) == ("TrustedLaunch", True)
    assert full.disk_controllers == {"scsi", "nvme"}


@pytest.mark.parametrize("plan", [None, {}, {"publisher": "contoso"}])
def test_a_plan_without_a_name_is_none(plan: dict[str, str] | None) -> None:
    """A plan without a name is read as None."""
    assert defined(purchasePlan=plan).plan is None
    assert seen(plan={"name": "hourly"}).plan == Plan("", "", "hourly")


def test_where_the_newest_version_went() -> None:
    """Version numbers are compared as numbers, and only succeeded versions count."""
    target = {"name": "North Europe", "regionalReplicaCount": 2}
    versions = [
        version("1.9.0", targetRegions=[{"name": "uksouth"}]),
        version("1.10.0", targetRegions=[{**target, "storageAccountType": "Standard_ZRS"}]),
        version("2.0.0", "Failed", targetRegions=[{"name": "francecentral"}]),
    ]
    assert observe.newest_regions(versions) == (Region("North Europe", 2, "Standard_ZRS"),)
    assert observe.newest_regions(versions[2:]) == ()
    assert observe.newest_regions([version("1.0.0", targetRegions=None)]) == ()
    bare = decoded(
        {"id": "v", "name": "x", "properties": {"provisioningState": "Succeeded"}}, wire.Version
    )
    assert observe.newest_regions([bare]) == ()


def test_an_image_names_its_source() -> None:
    """A managed image has its source VM, in any case, and tags with lower-case names."""
    body = {
        "id": IMAGE.id,
        "tags": {"Stillframe-Proof": "generalized"},
        "properties": {
            "provisioningState": "Succeeded",
            "sourceVirtualMachine": {"id": REF.id.upper()},
        },
    }
    made = observe.observed_managed_image(IMAGE, decoded(body, wire.Image))
    assert made.source is not None
    assert (made.source.key, made.provisioning) == (REF.key, "Succeeded")
    assert made.tags == {"stillframe-proof": "generalized"}
    bare = observe.observed_managed_image(IMAGE, decoded({"id": IMAGE.id}, wire.Image))
    assert (bare.source, bare.provisioning, bare.tags) == (None, "unknown", {})


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ({"virtualMachineId": REF.id}, REF),
        ({"id": REF.id}, REF),
        ({"id": IMAGE.id}, None),
        ({}, None),
        (None, None),
    ],
)
def test_a_version_names_its_source(source: object, expected: VmRef | None) -> None:
    """A version created from a VM has its id in one of two fields; others have no source VM."""
    body = {"id": VERSION.id, "properties": {"storageProfile": {"source": source}}}
    made = observe.observed_version(VERSION, decoded(body, wire.Version))
    assert made.source == expected
    bare = observe.observed_version(VERSION, decoded({"id": VERSION.id}, wire.Version))
    assert bare.source is None


def test_a_failed_version_says_why() -> None:
    """The reason is Azure's details of the failed regions only."""
    summary = [
        {"region": "West Europe", "state": "Failed", "details": "no room"},
        {"region": "North Europe", "state": "Completed", "details": ""},
    ]
    body = {"id": VERSION.id, "properties": {"replicationStatus": {"summary": summary}}}
    assert observe.observed_version(VERSION, decoded(body, wire.Version)).why == (
        "West Europe: no room"
    )


def test_an_instant_without_an_offset_is_utc() -> None:
    """A disk's time without an offset is read as UTC, which Azure uses."""
    body = {"id": "x", "properties": {"LastOwnershipUpdateTime": "2026-01-02T03:04:05"}}
    released = observe.observed_disk(decoded(body, wire.Disk)).released
    assert released == datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def test_grants_are_read() -> None:
    """The patterns of the permissions API are kept; if it was denied the result is None."""
    body = {"value": [{"actions": ["*/read"], "notActions": ["x"], "dataActions": ["y"]}, {}]}
    assert observe.granted(decoded(body, wire.Grants)) == (
        Permission(("*/read",), ("x",), ("y",)),
        Permission(()),
    )
    assert observe.granted(Missing.DENIED) is None


def recorded(kind: str) -> Iterator[dict[str, Any]]:
    """Yield the recorded response bodies of a resource type."""
    for path in sorted(RECORDINGS.glob("*.json")):
        for entry in json.loads(path.read_text())["entries"]:
            body = entry["response"]["body"]
            for row in body.get("value", [body]) if isinstance(body, dict) else []:
                if isinstance(row, dict) and str(row.get("type", "")).lower() == kind.lower():
                    yield row


@pytest.mark.skipif(not RECORDINGS.exists(), reason="no recordings here")
@pytest.mark.parametrize(
    ("kind", "shape"),
    [
        ("Microsoft.Compute/virtualMachines", wire.Vm),
        ("Microsoft.Compute/disks", wire.Disk),
        ("Microsoft.Compute/images", wire.Image),
        ("Microsoft.Compute/galleries/images", wire.Definition),
        ("Microsoft.Compute/galleries/images/versions", wire.Version),
    ],
)
def test_what_azure_was_recorded_to_say_is_understood(kind: str, shape: type[Any]) -> None:
    """Every recorded body of the types that the app reads can be decoded."""
    bodies = list(recorded(kind))
    assert bodies
    for body in bodies:
        decoded(body, shape)


@pytest.mark.skipif(not RECORDINGS.exists(), reason="no recordings here")
def test_recorded_vms_are_seen_as_they_were() -> None:
    """Recorded VMs have an OS type or vmId; power and generalized match the instance view."""
    for body in recorded("Microsoft.Compute/virtualMachines"):
        ref = VmRef.find(body["id"])
        assert ref is not None
        vm = observe.observed_vm(ref, decoded(body, wire.Vm))
        view = body["properties"].get("instanceView") or {}
        codes = {status["code"] for status in view.get("statuses", [])}
        assert (vm.os_type, vm.vm_id) != ("", "")
        assert vm.power.value in codes | {PowerState.UNKNOWN}
        assert vm.generalized is ("OSState/generalized" in codes)
