"""Preflight: what makes a capture impossible is reported while the VM still runs.

Each row of the table is a combination that Azure would refuse only after the VM is generalized and
lost.
"""

from dataclasses import dataclass, field

import pytest

from simulator.simulator import SUBSCRIPTION
from tests.stories.world import GALLERY, IMAGES, Json, Spine, kinds

PLAN = {"publisher": "contoso", "product": "server", "name": "hourly"}
ELSEWHERE = "99999999-8888-4777-8666-555555555555"
FOREIGN = (
    f"/subscriptions/{ELSEWHERE}/resourceGroups/{IMAGES}/providers/Microsoft.Compute"
    f"/galleries/{GALLERY}/images/windows"
)
KEY = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/keys/providers/Microsoft.Compute"
KEYED = {"managedDisk": {"diskEncryptionSet": {"id": f"{KEY}/diskEncryptionSets/own"}}}
FLEET = f"{KEY}/virtualMachineScaleSets/fleet"
EVERYWHERE = tuple(f"/subscriptions/{one}/" for one in (SUBSCRIPTION, ELSEWHERE))
"""Lets orders name any target, so that what else stands in the way is told."""

REFUSED = ["tags", "tags"]
"""What a refusal writes: its words, with a note that it is to be told, and the note away."""

MANAGED, TO_GALLERY = "managed-image", "golden/windows"


@dataclass(frozen=True)
class Row:
    """A VM, a definition and an order that are incompatible, and parts of the message."""

    why: str
    order: str = TO_GALLERY
    vm: Json = field(default_factory=dict)
    definition: Json = field(default_factory=dict)
    others: dict[str, str] = field(default_factory=dict)


ROWS = {
    "nonsense": Row("is not a valid target", order="please"),
    "empty": Row("is not a valid target", order=""),
    "too many parts": Row("is not a valid target", order="golden/windows/1.0.0"),
    "no definition": Row("golden/linux does not exist", order="golden/linux"),
    "no gallery": Row("silver/windows does not exist", order="silver/windows"),
    "trusted launch": Row("Trusted Launch", MANAGED, {"security_type": "TrustedLaunch"}),
    "confidential, managed": Row("confidential", MANAGED, {"security_type": "ConfidentialVM"}),
    "confidential": Row("confidential", vm={"security_type": "ConfidentialVM"}),
    "more secure": Row("TrustedLaunch", vm={"security_type": "TrustedLaunch"}),
    "less secure": Row("Standard", definition={"security": "TrustedLaunch"}),
    "supported": Row(
        "TrustedLaunchSupported",
        vm={"security_type": "TrustedLaunch"},
        definition={"security": "TrustedLaunchSupported"},
    ),
    "older": Row("generation V1", vm={"generation": "V1"}),
    "newer": Row("generation V2", definition={"hyperVGeneration": "V1"}),
    "other system": Row("Linux", vm={"os": "Linux"}),
    "specialized": Row("specialized", definition={"osState": "Specialized"}),
    "other processor": Row("Arm64", vm={"architecture": "Arm64"}),
    "slower network": Row(
        "accelerated networking",
        vm={"accelerated_network": False},
        definition={"features": [{"name": "IsAcceleratedNetworkSupported", "value": "True"}]},
    ),
    "plan": Row("contoso", vm={"plan": PLAN}),
    "no plan": Row("no purchase plan", definition={"purchasePlan": PLAN}),
    "other plan": Row(
        "monthly", vm={"plan": PLAN | {"name": "monthly"}}, definition={"purchasePlan": PLAN}
    ),
    "nvme": Row("NVMe", vm={"disk_controller": "NVMe"}),
    "ephemeral": Row("ephemeral", vm={"os_disk": {"diffDiskSettings": {"option": "Local"}}}),
    "unmanaged": Row("unmanaged", vm={"os_disk": {"vhd": {"uri": "https://a.blob/b.vhd"}}}),
    "unmanaged data": Row(
        "unmanaged", vm={"data_disks": [{"vhd": {"uri": "https://a.blob/c.vhd"}}]}
    ),
    "ultra": Row(
        "Ultra", vm={"data_disks": [{"managedDisk": {"storageAccountType": "UltraSSD_LRS"}}]}
    ),
    "premium v2": Row(
        "Premium SSD v2",
        MANAGED,
        {"data_disks": [{"managedDisk": {"storageAccountType": "PremiumV2_LRS"}}]},
    ),
    "nvme, managed": Row("cannot boot a managed image", MANAGED, {"disk_controller": "NVMe"}),
    "large": Row("4096 GiB", vm={"data_disks": [{"diskSizeGB": 4096}]}),
    "large, system": Row("its OS disk has 4095 GiB", vm={"os_disk": {"diskSizeGB": 4095}}),
    "encrypted by its guest": Row(
        "Azure Disk Encryption", vm={"os_disk": {"encryptionSettings": {"enabled": True}}}
    ),
    "own key, other subscription": Row("customer-managed key", FOREIGN, {"os_disk": KEYED}),
    "managed by a scale set": Row("scale set", vm={"managed_by": FLEET}),
    "in a scale set": Row(
        "scale set", vm={"properties": {"virtualMachineScaleSet": {"id": FLEET}}}
    ),
    "number of a managed image": Row("no version", MANAGED, others={"version": "1.0.0"}),
    "no number": Row("is not a valid version", others={"version": "latest"}),
    "leading zero": Row("is not a valid version", others={"version": "1.02.3"}),
    "too high a number": Row("is not a valid version", others={"version": "1.2.2147483648"}),
    "neither yes nor no": Row("neither yes nor no", others={"latest": "maybe"}),
}


@pytest.mark.parametrize("row", ROWS.values(), ids=ROWS)
def test_what_cannot_be_captured_is_refused_while_it_runs(spine: Spine, row: Row) -> None:
    """The reason is on the VM, nothing else is written, and a second look adds nothing."""
    spine.under(targets=EVERYWHERE).definition(**row.definition)
    vm = spine.vm(**row.vm)
    vm.order(row.order, **row.others)
    spine.forget_requests()
    assert spine.look(vm).status == "refused"
    assert vm.status == "refused"
    assert row.why in str(vm.said("detail"))
    assert vm.state == ("running", False)
    assert kinds(spine.writes) == REFUSED
    (outcome,) = spine.outcomes
    assert outcome["type"] == "Stillframe.CaptureRefused"
    spine.look(vm)
    assert kinds(spine.writes) == REFUSED
    assert len(spine.outcomes) == 1


@pytest.mark.parametrize("row", ROWS.values(), ids=ROWS)
def test_what_cannot_be_captured_is_not_touched_once_it_has_stopped(spine: Spine, row: Row) -> None:
    """Late orders are refused as well: the VM is neither deallocated nor generalized."""
    spine.under(targets=EVERYWHERE).definition(**row.definition)
    vm = spine.vm(**row.vm, power="stopped")
    vm.order(row.order, **row.others)
    spine.forget_requests()
    assert spine.look(vm).status == "refused"
    assert vm.state == ("stopped", False)
    assert kinds(spine.writes) == REFUSED


def test_yes_without_a_default_target_is_refused(spine: Spine) -> None:
    """`yes` means CAPTURE_TARGET; without that setting, it is ambiguous."""
    vm = spine.vm()
    vm.order("yes")
    assert spine.under(capture_target="").look(vm).status == "refused"
    assert "default target" in str(vm.said("detail"))


def test_managed_images_stay_in_their_vms_subscription(spine: Spine) -> None:
    """IMAGE_RESOURCE_GROUP in another subscription is only for galleries."""
    vm = spine.vm()
    vm.order(MANAGED)
    assert spine.under(image_group=(ELSEWHERE, IMAGES), targets=()).look(vm).status == "refused"
    assert ELSEWHERE in str(vm.said("detail"))


def test_an_owners_number_that_exists_is_refused(spine: Spine) -> None:
    """An existing number is reported before the VM is lost, and not changed."""
    spine.definition()
    first, second = spine.vm("first", power="deallocated", sysprep="succeeded"), spine.vm("second")
    first.order(TO_GALLERY, version="1.0.0")
    spine.carry(first)
    assert first.status == "captured"
    second.order(TO_GALLERY, version="1.0.0")
    spine.look(second)
    assert second.status == "refused"
    assert "1.0.0 already exists" in str(second.said("detail"))
    second.order(TO_GALLERY, version="1.0.1")
    spine.look(second)
    assert (second.status, second.said("image")) == ("waiting", "golden/windows/1.0.1")


def test_a_hibernated_vm_is_refused(spine: Spine) -> None:
    """The session of a hibernated VM must not become part of an image."""
    vm = spine.vm(properties={"additionalCapabilities": {"hibernationEnabled": True}})
    spine.owner("POST", f"{vm.id}/deallocate?hibernate=true&api-version=2026-04-01")
    spine.let(60)
    vm.order(MANAGED)
    spine.look(vm)
    assert vm.status == "refused"
    assert "hibernated" in str(vm.said("detail"))


def test_what_was_refused_is_taken_up_once_it_is_mended(spine: Spine) -> None:
    """A refusal lasts as long as its reason: an hourly look finds that it is fixed."""
    vm = spine.vm()
    vm.order("golden/windows")
    spine.look(vm)
    assert vm.status == "refused"
    spine.definition()
    now = spine.client.now()
    spine.let(3600)
    spine.sweep(since=now)
    assert vm.status == "waiting"


COMPUTE = "Microsoft.Compute"
MISSING = {
    "deallocate": f"{COMPUTE}/virtualMachines/deallocate/action",
    "generalize": f"{COMPUTE}/virtualMachines/generalize/action",
    "write": f"{COMPUTE}/virtualMachines/write",
    "version": f"{COMPUTE}/galleries/images/versions/write",
    "see version": f"{COMPUTE}/galleries/images/versions/read",
    "definition": f"{COMPUTE}/galleries/images/read",
    "ask": "Microsoft.Authorization/permissions/read",
    "disk": f"{COMPUTE}/disks/read",
}


@pytest.mark.parametrize("action", MISSING.values(), ids=MISSING)
def test_a_right_that_is_missing_is_told_while_the_vm_runs(spine: Spine, action: str) -> None:
    """Permissions on the VM, its disk and the definition, and the permission to read them."""
    spine.definition()
    spine.forbid(action)
    vm = spine.vm()
    vm.order(TO_GALLERY)
    assert spine.look(vm).status == "refused"
    assert kinds(spine.writes) == REFUSED
    told = str(vm.said("detail"))
    assert action in told or "cannot be read by the app" in told


@pytest.mark.parametrize("action", [f"{COMPUTE}/images/write", f"{COMPUTE}/images/read"])
def test_a_managed_image_needs_rights_where_it_goes(spine: Spine, action: str) -> None:
    """The permissions on the resource group of managed images are checked as well."""
    spine.forbid(action)
    vm = spine.vm()
    vm.order(MANAGED)
    spine.look(vm)
    assert (vm.status, kinds(spine.writes)) == ("refused", REFUSED)
    assert action in str(vm.said("detail"))


@pytest.mark.parametrize("order", [MANAGED, TO_GALLERY])
def test_rights_on_the_vm_alone_are_not_enough(spine: Spine, order: str) -> None:
    """If the app has its role only on the VM's group, every target is refused."""
    spine.definition()
    vm = spine.vm()
    spine.forbid(scope=vm.id.partition("/providers/")[0])
    vm.order(order)
    spine.look(vm)
    assert (vm.status, kinds(spine.writes)) == ("refused", REFUSED)


@pytest.mark.parametrize(
    ("order", "action"),
    [
        (MANAGED, f"{COMPUTE}/images/write"),
        (MANAGED, f"{COMPUTE}/virtualMachines/generalize/action"),
        (TO_GALLERY, f"{COMPUTE}/galleries/images/versions/write"),
        (TO_GALLERY, f"{COMPUTE}/virtualMachines/write"),
        (TO_GALLERY, "Microsoft.Authorization/permissions/read"),
    ],
)
def test_rights_taken_away_meanwhile_save_the_vm(spine: Spine, order: str, action: str) -> None:
    """They are read again before generalize: the VM is refused and can be started again."""
    spine.definition()
    vm = spine.vm()
    vm.order(order)
    spine.look(vm)
    assert vm.status == "waiting"
    vm.guest("sysprep")
    spine.let(300)
    spine.look(vm)
    spine.let(60)
    assert vm.state == ("deallocated", False)
    spine.forbid(action)
    spine.look(vm)
    assert (vm.status, vm.state) == ("refused", ("deallocated", False))
    assert action in str(vm.said("detail"))
    spine.forbid()
    spine.carry(vm, 2)
    assert vm.status == "captured"


def test_a_vm_that_the_app_may_not_read_is_left_alone(spine: Spine) -> None:
    """Without permissions on the VM the app can neither read nor report anything."""
    vm = spine.vm()
    vm.order(MANAGED)
    spine.forbid(scope=f"/subscriptions/{{subscription}}/resourceGroups/{IMAGES}")
    spine.forget_requests()
    assert spine.look(vm).seen == "denied"
    assert (spine.writes, vm.told) == ([], {})
