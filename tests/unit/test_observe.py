"""From Azure's JSON to the nouns: what each field means, and what it means when it is left out."""

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
    """Read a body as the app reads an answer."""
    return msgspec.json.decode(json.dumps(body), type=shape)


def seen(*codes: str, **changes: Any) -> ObservedVm:  # noqa: ANN401 - JSON
    """Observe a VM with such status codes and top-level fields."""
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
    """Observe a managed disk with such properties."""
    body = {"id": f"{DISKS}/os", "sku": {"name": "Premium_LRS"}, "properties": properties}
    return observe.observed_disk(decoded(body, wire.Disk))


def defined(**properties: Any) -> Definition:  # noqa: ANN401 - JSON
    """Observe an image definition with such properties."""
    body = {"properties": {"osType": "Windows", "osState": "Generalized", **properties}}
    return observe.observed_definition(decoded(body, wire.Definition))


def version(number: str, state: str = "Succeeded", **profile: Any) -> wire.Version:  # noqa: ANN401 - JSON
    """Read a gallery version with such a publishing profile."""
    properties = {"provisioningState": state, "publishingProfile": profile}
    return decoded({"id": VERSION.id, "name": number, "properties": properties}, wire.Version)


def test_a_bare_vm_is_a_vm() -> None:
    """Whatever Azure leaves out is empty, and a power state that is not there is unknown."""
    vm = observe.observed_vm(REF, decoded({"id": REF.id}, wire.Vm))
    assert (vm.ref, vm.power, vm.tags, vm.provisioning) == (REF, PowerState.UNKNOWN, {}, "unknown")
    assert not any((vm.generalized, vm.hibernated, vm.in_scale_set, vm.encrypted_by_guest))
    assert (vm.os_disk, vm.data_disks, vm.plan) == (AttachedDisk(None), (), None)


def test_nulls_are_as_good_as_nothing() -> None:
    """A field that is null is a field that is left out."""
    vm = seen(tags=None, plan=None, resources=None, managedBy=None, properties={
        "securityProfile": None, "virtualMachineScaleSet": None, "instanceView": None,
    })  # fmt: skip
    assert (vm.tags, vm.plan, vm.security_type, vm.in_scale_set) == ({}, None, None, False)
    assert vm.power is PowerState.UNKNOWN


@pytest.mark.parametrize("power", list(PowerState))
def test_the_power_state_stands_anywhere_among_the_statuses(power: PowerState) -> None:
    """It is found by its prefix: its place in the list says nothing."""
    codes = ["ProvisioningState/succeeded", "OSState/generalized", power.value]
    assert seen(*codes).power is power
    assert seen(*reversed(codes)).power is power


@pytest.mark.parametrize("codes", [[], ["ProvisioningState/succeeded"], ["PowerState/dreaming"]])
def test_a_power_state_that_nobody_knows_is_unknown(codes: list[str]) -> None:
    """A state that is missing, or new, is never taken for a known one."""
    assert seen(*codes).power is PowerState.UNKNOWN


@pytest.mark.parametrize(
    ("code", "field"),
    [("OSState/generalized", "generalized"), ("HibernationState/Hibernated", "hibernated")],
)
def test_the_instance_view_alone_shows_the_marks(code: str, field: str) -> None:
    """Generalized and hibernated are statuses, and nothing else says so."""
    assert getattr(seen(code), field)
    assert not getattr(seen("PowerState/deallocated"), field)


def test_names_of_tags_have_no_case() -> None:
    """Tags are found in whatever case their owner wrote them; values stay as they are."""
    assert seen(tags={"Stillframe-CAPTURE": "Yes"}).tags == {"stillframe-capture": "Yes"}


@pytest.mark.parametrize(
    "changes",
    [
        {"properties": {"virtualMachineScaleSet": {"id": "/subscriptions/s/.../vmss"}}},
        {"managedBy": "/subscriptions/s/.../vmss"},
    ],
)
def test_either_word_makes_it_a_scale_sets_member(changes: dict[str, Any]) -> None:
    """A member of a scale set says so in one of two places."""
    assert seen(**changes).in_scale_set


def test_a_vms_model_is_read() -> None:
    """Size, storage type, generation, security, plan and controller come from their fields."""
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
    """Azure Disk Encryption is seen by its extension, under either system's name."""
    vm = seen(resources=[{"id": "list item"}, {"properties": {"type": kind}}])
    assert vm.encrypted_by_guest is encrypted


@pytest.mark.parametrize("enabled", [True, False, None])
def test_disk_encryption_is_in_the_disks(enabled: bool | None) -> None:  # noqa: FBT001
    """It is seen in the VM's disk and in the disk itself as well, where it is switched on."""
    os_disk = {"encryptionSettings": {"enabled": enabled}}
    vm = seen(properties={"storageProfile": {"osDisk": os_disk}})
    seen_itself = disk(encryptionSettingsCollection={"enabled": enabled})
    assert vm.os_disk.encrypted_by_guest is bool(enabled)
    assert seen_itself.encrypted_by_guest is bool(enabled)


def test_a_bare_disk_is_a_disk() -> None:
    """Whatever a disk leaves out is not known, never no."""
    body = {"id": f"{DISKS}/os"}
    bare = observe.observed_disk(decoded(body, wire.Disk))
    assert (bare.sku, bare.size_gb, bare.released, bare.generation) == (None, None, None, None)
    assert (bare.architecture, bare.accelerated_network) == (None, None)
    assert not any((bare.access_open, bare.customer_key, bare.encrypted_by_guest))


def test_a_disks_properties_are_read() -> None:
    """Each property of a disk that a rule needs comes from its field."""
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
    """Azure writes seven digits of a second and any offset; the property begins with a capital."""
    assert disk(LastOwnershipUpdateTime=text).released == instant
    assert disk(lastOwnershipUpdateTime=text).released is None


@pytest.mark.parametrize(
    ("state", "opened"),
    [("Reserved", False), ("Attached", False), ("ActiveSAS", True), ("ActiveSASFrozen", True)],
)
def test_access_to_a_disk_is_a_state(state: str, opened: bool) -> None:  # noqa: FBT001
    """Either state of a shared access signature means that access is open."""
    assert disk(diskState=state).access_open is opened


def test_a_bare_definition_is_of_the_first_generation() -> None:
    """A definition that says nothing is generation 1, x64, SCSI and without security type."""
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
    """Features are names and values in any case; disk controllers are a list, by either name."""
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
    """An empty plan is no plan."""
    assert defined(purchasePlan=plan).plan is None
    assert seen(plan={"name": "hourly"}).plan == Plan("", "", "hourly")


def test_where_the_newest_version_went() -> None:
    """Numbers are compared as numbers, and only what Succeeded counts."""
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
    """A managed image has its VM, in whatever case, and tags under lower-case names."""
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
    """A version made straight from a VM names it in one of two places; others have no VM."""
    body = {"id": VERSION.id, "properties": {"storageProfile": {"source": source}}}
    made = observe.observed_version(VERSION, decoded(body, wire.Version))
    assert made.source == expected
    bare = observe.observed_version(VERSION, decoded({"id": VERSION.id}, wire.Version))
    assert bare.source is None


def test_a_failed_version_says_why() -> None:
    """What Azure says of the regions that failed is the reason; of the others nothing is said."""
    summary = [
        {"region": "West Europe", "state": "Failed", "details": "no room"},
        {"region": "North Europe", "state": "Completed", "details": ""},
    ]
    body = {"id": VERSION.id, "properties": {"replicationStatus": {"summary": summary}}}
    assert observe.observed_version(VERSION, decoded(body, wire.Version)).why == (
        "West Europe: no room"
    )


def test_an_instant_without_an_offset_is_utc() -> None:
    """A disk's instant that lacks its offset is read as UTC, as all of Azure's are."""
    body = {"id": "x", "properties": {"LastOwnershipUpdateTime": "2026-01-02T03:04:05"}}
    released = observe.observed_disk(decoded(body, wire.Disk)).released
    assert released == datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def test_grants_are_read() -> None:
    """The permissions API's answer keeps its patterns; who may not ask has none."""
    body = {"value": [{"actions": ["*/read"], "notActions": ["x"], "dataActions": ["y"]}, {}]}
    assert observe.granted(decoded(body, wire.Grants)) == (
        Permission(("*/read",), ("x",), ("y",)),
        Permission(()),
    )
    assert observe.granted(Missing.DENIED) is None


def recorded(kind: str) -> Iterator[dict[str, Any]]:
    """Give the bodies of a resource type that real Azure was recorded to answer."""
    for path in sorted(RECORDINGS.glob("*.json")):
        for entry in json.loads(path.read_text())["entries"]:
            body = entry["response"]["body"]
            for one in body.get("value", [body]) if isinstance(body, dict) else []:
                if isinstance(one, dict) and str(one.get("type", "")).lower() == kind.lower():
                    yield one


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
    """Every recorded body of a type that the app reads can be read."""
    bodies = list(recorded(kind))
    assert bodies
    for body in bodies:
        decoded(body, shape)


@pytest.mark.skipif(not RECORDINGS.exists(), reason="no recordings here")
def test_recorded_vms_are_seen_as_they_were() -> None:
    """Recorded VMs have an operating system and are settled; with a view, a power state too."""
    for body in recorded("Microsoft.Compute/virtualMachines"):
        ref = VmRef.find(body["id"])
        assert ref is not None
        vm = observe.observed_vm(ref, decoded(body, wire.Vm))
        view = body["properties"].get("instanceView") or {}
        codes = {status["code"] for status in view.get("statuses", [])}
        assert (vm.os_type, vm.vm_id) != ("", "")
        assert vm.power.value in codes | {PowerState.UNKNOWN}
        assert vm.generalized is ("OSState/generalized" in codes)
