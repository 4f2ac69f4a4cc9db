"""What would make a capture impossible, and what must be read to know."""

from dataclasses import replace
from typing import Any

import pytest

from shared.capture.preflight import generation, preflight
from shared.capture.rights import DATA_ON_DISK, ON_DISK
from shared.model.facts import (
    AttachedDisk,
    Look,
    Missing,
    Permission,
    Plan,
    PowerState,
    Refusal,
    Rights,
)
from shared.model.ids import GalleryTarget
from shared.model.settings import ProofPolicy
from shared.model.steps import (
    Order,
    ReadDataDisks,
    ReadDefinition,
    ReadDisk,
    ReadDiskRights,
    ReadImage,
    ReadRights,
)
from tests.unit.making import (
    DISKS,
    ELSEWHERE,
    GALLERY,
    MANAGED,
    PLAN,
    Facts,
    definition,
    disk,
    image,
    order,
    rights,
    vm,
)

REQUIRED = ProofPolicy.REQUIRED
STANDARD = {"security_type": None}
FAR_GALLERY = GalleryTarget(ELSEWHERE, "golden", "gallery", "windows")
DATA = AttachedDisk(f"{DISKS}/data", "Premium_LRS", 1024)
NUMBER = GALLERY.version("1.0.0")
UNSURE = AttachedDisk(f"{DISKS}/data")
VM_TAGS = (
    "stillframe-status",
    "stillframe-detail",
    "stillframe-image",
    "stillframe-image-group",
    "stillframe-as-of",
    "stillframe-proof",
    "stillframe-by",
    "stillframe-untold",
    "stillframe-billed-since",
    "stillframe-billed-alerted",
)
DISK_TAGS = (
    *VM_TAGS,
    "stillframe-source-group",
    "stillframe-source-vm",
    "stillframe-source-id",
)


def why(facts: Facts, asked: Order | None = None) -> str:
    """Give the words of the refusal of an order of which everything has been read."""
    finding = preflight(facts.look(), asked or order(), REQUIRED)
    assert isinstance(finding, Refusal), finding
    return finding.why


def standard(**changes: Any) -> Facts:  # noqa: ANN401 - fields of ObservedVm
    """Make the facts of a VM without Trusted Launch, as a managed image needs it."""
    return Facts(
        vm=vm(**{**STANDARD, **changes}), disk=disk(**STANDARD), definition=definition(**STANDARD)
    )


@pytest.mark.parametrize(
    ("facts", "asked"),
    [
        (Facts(), order()),
        (standard(), order()),
        (standard(), order(MANAGED)),
        (Facts(images={NUMBER.key: Missing.GONE}), order(version=NUMBER.version)),
        (Facts(vm=vm(data_disks=(DATA, DATA))), order()),
        (Facts(vm=vm(data_disks=(UNSURE,)), data_disks=(disk(),)), order()),
        (Facts(vm=vm(plan=PLAN), definition=definition(plan=PLAN)), order()),
        (Facts(disk=disk(customer_key=True)), order()),
        (Facts(), order(FAR_GALLERY)),
    ],
)
def test_a_good_order_has_nothing_in_its_way(facts: Facts, asked: Order) -> None:
    """What Azure can capture is not refused."""
    assert preflight(facts.look(), asked, REQUIRED) is None


def test_facts_are_asked_for_one_by_one() -> None:
    """The checks ask for facts in the order of their cost, and for none twice."""
    facts = Facts(vm=vm(data_disks=(UNSURE,)), data_disks=(disk(),))
    asked, look = order(version=NUMBER.version), Look(vm=facts.vm)
    needed = []
    while what := preflight(look, asked, REQUIRED):
        assert not isinstance(what, Refusal)
        needed.append(what)
        look = facts.show(look, what)
    assert needed == [
        ReadDisk(),
        ReadDataDisks(),
        ReadDefinition(GALLERY),
        ReadImage(NUMBER),
        ReadRights(GALLERY),
    ]


def test_a_managed_image_asks_for_no_definition() -> None:
    """What a gallery needs is not read for a managed image, nor disks that the VM has not."""
    look = Look(vm=standard().vm, disk=disk())
    assert preflight(look, order(MANAGED), REQUIRED) == ReadRights(MANAGED)


def test_a_running_vm_shows_its_data_disks_itself() -> None:
    """If the VM's model has size and storage type, no disk is read."""
    look = Look(vm=vm(data_disks=(DATA,)), disk=disk())
    assert preflight(look, order(), REQUIRED) == ReadDefinition(GALLERY)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"os_disk": AttachedDisk(f"{DISKS}/os", ephemeral=True)}, "ephemeral"),
        ({"os_disk": AttachedDisk(None)}, "unmanaged disks"),
        ({"data_disks": (DATA, AttachedDisk(None))}, "unmanaged disks"),
        ({"encrypted_by_guest": True}, "Azure Disk Encryption"),
        ({"os_disk": AttachedDisk(f"{DISKS}/os", encrypted_by_guest=True)}, "Disk Encryption"),
        ({"security_type": "ConfidentialVM"}, "confidential VM"),
    ],
)
def test_the_model_shows_what_no_image_can_be_made_of(changes: Any, words: str) -> None:  # noqa: ANN401 - fields
    """What the VM's own model shows is refused before anything else is read."""
    finding = preflight(Look(vm=vm(**changes)), order(), REQUIRED)
    assert isinstance(finding, Refusal)
    assert words in finding.why


def test_trusted_launch_is_no_managed_image() -> None:
    """A Trusted Launch VM needs a gallery, and the refusal says so."""
    finding = preflight(Look(vm=vm()), order(MANAGED), REQUIRED)
    assert isinstance(finding, Refusal)
    assert "Trusted Launch VM cannot become a managed image" in finding.why


def test_a_managed_image_lies_in_its_vms_subscription() -> None:
    """Managed images in another subscription are refused, however that is written."""
    far = replace(MANAGED, subscription=ELSEWHERE)
    assert "must be in the subscription of its VM" in why(standard(), order(far))
    shouted = replace(MANAGED, subscription=MANAGED.subscription.upper())
    assert preflight(standard().look(), order(shouted), REQUIRED) is None


@pytest.mark.parametrize(
    ("seen", "words"),
    [
        (Missing.GONE, "its OS disk does not exist"),
        (Missing.DENIED, "its OS disk cannot be read by the app"),
        (disk(released=None), "has no LastOwnershipUpdateTime"),
        (disk(encrypted_by_guest=True), "Azure Disk Encryption"),
        (disk(security_type="ConfidentialVM_DiskEncryptedWithPlatformKey"), "confidential"),
        (disk(sku="UltraSSD_LRS"), "its OS disk is an Ultra disk"),
        (disk(sku="premiumv2_lrs"), "its OS disk is a Premium SSD v2 disk"),
        (disk(size_gb=2049), "its OS disk has 2049 GiB"),
    ],
)
def test_the_os_disk_may_stand_in_the_way(seen: Any, words: str) -> None:  # noqa: ANN401 - a disk or none
    """Each reason is named."""
    assert words in why(Facts(disk=seen))


@pytest.mark.parametrize(
    ("seen", "words"),
    [
        (Missing.GONE, "one of its data disks does not exist"),
        (Missing.DENIED, "one of its data disks cannot be read by the app"),
        (disk(encrypted_by_guest=True), "Azure Disk Encryption"),
        (disk(sku="UltraSSD_LRS"), "one of its data disks is an Ultra disk"),
        (disk(sku="PremiumV2_LRS"), "one of its data disks is a Premium SSD v2 disk"),
        (disk(size_gb=2049), "one of its data disks has 2049 GiB"),
    ],
)
def test_a_data_disk_may_stand_in_the_way(seen: Any, words: str) -> None:  # noqa: ANN401 - a disk or none
    """Every data disk is read, if the VM's model does not have its properties."""
    facts = Facts(vm=vm(data_disks=(DATA, UNSURE)), data_disks=(disk(), seen))
    assert words in why(facts)


@pytest.mark.parametrize(
    ("attached", "words"),
    [
        (replace(DATA, sku="UltraSSD_LRS"), "an Ultra disk"),
        (replace(DATA, sku="PremiumV2_LRS"), "a Premium SSD v2 disk"),
        (replace(DATA, encrypted_by_guest=True), "Azure Disk Encryption"),
        (replace(DATA, size_gb=4096), "4096 GiB"),
    ],
)
def test_a_running_vms_data_disk_may_stand_in_the_way(attached: AttachedDisk, words: str) -> None:
    """The same is found in the VM's model, while it runs."""
    assert words in why(Facts(vm=vm(data_disks=(DATA, attached))))


def test_only_a_gallery_minds_a_large_disk() -> None:
    """A managed image takes a disk of any size; a gallery version up to two terabytes."""
    facts = standard(data_disks=(replace(DATA, size_gb=4096),))
    assert preflight(facts.look(), order(MANAGED), REQUIRED) is None
    largest = Facts(vm=vm(data_disks=(replace(DATA, size_gb=2048),)), disk=disk(size_gb=2048))
    assert preflight(largest.look(), order(), REQUIRED) is None


def test_a_managed_image_boots_no_size_on_nvme() -> None:
    """Such a VM would be generalized for an image that none of its size starts from."""
    facts = standard(disk_controller="NVMe")
    found = preflight(facts.look(), order(MANAGED), REQUIRED)
    assert isinstance(found, Refusal)
    assert "cannot boot a managed image" in found.why


@pytest.mark.parametrize("seen", [Missing.GONE, Missing.DENIED])
def test_the_definition_must_be_there(seen: Missing) -> None:
    """A definition that is not there, or not for us, is refused by its name."""
    assert why(Facts(definition=seen)).startswith("image definition gallery/windows ")


@pytest.mark.parametrize(
    ("changes", "of_vm", "words"),
    [
        ({"os_state": "Specialized"}, {}, "specialized images and the VM is to be generalized"),
        ({"os_type": "Linux"}, {}, "for Linux and the VM is Windows"),
        ({"generation": "V1"}, {}, "for generation V1 and the VM is generation V2"),
        ({"security_type": None}, {}, "security type Standard"),
        ({"security_type": "TrustedLaunchSupported"}, {}, "security type TrustedLaunchSupported"),
        ({}, {"security_type": None}, "the VM is security type Standard"),
        ({"architecture": "Arm64"}, {}, "for Arm64 and the VM is x64"),
        ({"accelerated_network": True}, {}, "accelerated networking and the VM is without it"),
        ({"plan": PLAN}, {}, "the VM is no purchase plan"),
        ({}, {"plan": PLAN}, "for no purchase plan"),
        ({"plan": PLAN}, {"plan": Plan("contoso", "server", "byol")}, "byol"),
        ({}, {"disk_controller": "NVMe"}, "does not name NVMe"),
    ],
)
def test_the_definition_must_match(changes: Any, of_vm: Any, words: str) -> None:  # noqa: ANN401 - fields
    """Each difference that Azure would find after generalize is found before it."""
    facts = Facts(
        vm=vm(**of_vm), disk=disk(accelerated_network=False), definition=definition(**changes)
    )
    assert words in why(facts)


def test_a_definition_may_be_written_in_any_case() -> None:
    """Azure's words are compared without case."""
    theirs = definition(
        os_type="WINDOWS", os_state="generalized", generation="v2", architecture="X64",
        security_type="trustedlaunch",
    )  # fmt: skip
    assert preflight(Facts(definition=theirs).look(), order(), REQUIRED) is None


def test_nvme_goes_where_nvme_is_named() -> None:
    """A definition whose feature names NVMe takes a VM on NVMe."""
    theirs = definition(disk_controllers=frozenset({"scsi", "nvme"}))
    facts = Facts(vm=vm(disk_controller="NVMe"), definition=theirs)
    assert preflight(facts.look(), order(), REQUIRED) is None


@pytest.mark.parametrize(
    ("of_vm", "of_disk", "expected"), [("V2", "V1", "V2"), (None, "V2", "V2"), (None, None, None)]
)
def test_the_generation_is_the_vms_or_its_disks(
    of_vm: str | None, of_disk: str | None, expected: str | None
) -> None:
    """The instance view's generation counts; without it the disk's, else it is unknown."""
    look = Look(vm=vm(generation=of_vm), disk=disk(generation=of_disk))
    assert generation(look) == expected


def test_an_unread_disk_has_no_generation() -> None:
    """A disk that is not there says nothing of the generation."""
    assert generation(Look(vm=vm(generation=None), disk=Missing.GONE)) is None


def test_an_unknown_generation_is_refused() -> None:
    """A VM of which Azure shows no generation is refused: a wrong guess shows after generalize."""
    facts = Facts(vm=vm(generation=None), disk=disk(generation=None))
    finding = preflight(facts.look(), order(), REQUIRED)
    assert isinstance(finding, Refusal)
    assert "generation" in finding.why


def test_a_data_disk_under_a_customers_key_stays_in_its_subscription() -> None:
    """A customer's key on a data disk alone is enough to refuse a gallery elsewhere."""
    locked = replace(DATA, customer_key=True)
    assert "key" in why(Facts(vm=vm(data_disks=(locked,))), order(FAR_GALLERY))


@pytest.mark.parametrize("seen", [Missing.DENIED, image(NUMBER)])
def test_an_owners_number_must_be_free(seen: Any) -> None:  # noqa: ANN401 - an image or none
    """A number that is taken, or that cannot be asked for, is refused and never changed."""
    taken = {NUMBER.key: seen}
    assert "1.0.0 already exists" in why(Facts(images=taken), order(version=NUMBER.version))


def test_a_customers_key_stays_in_its_subscription() -> None:
    """An OS disk under a customer's key does not go to a gallery in another subscription."""
    facts = Facts(disk=disk(customer_key=True))
    assert "customer-managed key" in why(facts, order(FAR_GALLERY))


def test_rights_are_asked_for_by_name() -> None:
    """A principal with read permission only is told each missing action."""
    words = why(Facts(rights=rights("*/read")))
    assert words.startswith(
        "the app has no permission for Microsoft.Compute/virtualMachines/deallocate"
    )
    assert "Microsoft.Compute/galleries/images/versions/write" in words


def test_who_may_not_ask_is_refused() -> None:
    """Permissions that cannot be read do not count as granted."""
    assert "permissions/read" in why(Facts(rights=Rights(None, None)))


CLOSED = [
    ({"network_access": "DenyAll"}, "networkAccessPolicy is DenyAll"),
    ({"network_access": "AllowPrivate"}, "networkAccessPolicy is AllowPrivate"),
    ({"public_access": "Disabled"}, "publicNetworkAccess is Disabled"),
]


@pytest.mark.parametrize(("closed", "words"), CLOSED)
@pytest.mark.parametrize("power", [PowerState.RUNNING, PowerState.DEALLOCATED])
def test_a_disk_that_cannot_be_read_is_refused_while_proof_is_required(
    closed: dict[str, Any], words: str, power: PowerState
) -> None:
    """A disk closed to the network gives no proof, which is said while its VM still runs."""
    facts = Facts(vm=vm(power=power), disk=disk(**closed))
    assert words in why(facts)
    for policy in (ProofPolicy.WHEN_READABLE, ProofPolicy.OFF):
        assert preflight(facts.look(), order(), policy) is None


@pytest.mark.parametrize(
    ("entra_only", "grant", "lacks"),
    [
        (False, Permission(ON_DISK), []),
        (False, Permission(ON_DISK[:1]), [ON_DISK[1]]),
        (False, Permission(("*",), ("*/beginGetAccess/action",)), [ON_DISK[0]]),
        (True, Permission(("*",)), list(DATA_ON_DISK)),
        (True, Permission(("*",), (), ("*",)), []),
        (True, Permission(("*",), (), ("*",), DATA_ON_DISK), list(DATA_ON_DISK)),
    ],
)
def test_the_right_to_read_the_disk_is_asked_for_while_the_vm_runs(
    entra_only: bool,  # noqa: FBT001 - a row of a table
    grant: Permission,
    lacks: list[str],
) -> None:
    """Missing permissions on the disk's content are named; some disks need a data action."""
    facts = Facts(
        vm=vm(power=PowerState.RUNNING), disk=disk(entra_only=entra_only), disk_rights=(grant,)
    )
    finding = preflight(facts.look(), order(), REQUIRED)
    refusal = Refusal(f"the app has no permission for {', '.join(lacks)}")
    assert finding == (refusal if lacks else None)


def test_rights_that_cannot_be_read_are_no_rights() -> None:
    """If the app may not read its permissions on a disk, that permission is named as missing."""
    facts = Facts(vm=vm(power=PowerState.RUNNING), disk_rights=Missing.DENIED)
    assert "Microsoft.Authorization/permissions/read" in why(facts)


def test_the_rights_on_a_free_disk_are_not_asked_for() -> None:
    """Opening a deallocated VM's disk tells as well, and nothing is lost if it is refused."""
    look = replace(Facts().look(), disk_rights=None)
    assert preflight(look, order(), REQUIRED) is None
    running = replace(look, vm=vm(power=PowerState.RUNNING))
    assert preflight(running, order(), REQUIRED) == ReadDiskRights()
    assert preflight(running, order(), ProofPolicy.WHEN_READABLE) is None


def crowd(number: int) -> dict[str, str]:
    """Give so many tags of others."""
    return {f"team-{n}": "images" for n in range(number)}


def test_a_vm_must_have_room_for_ten_tags() -> None:
    """Of the fifty that Azure allows; those that Stillframe wrote before have their room."""
    full = {**crowd(40), **dict.fromkeys(VM_TAGS, "before")}
    assert preflight(Facts(vm=vm(tags=full)).look(), order(), REQUIRED) is None
    assert why(Facts(vm=vm(tags=crowd(41)))) == (
        "it has 41 other tags, and Azure allows 50: Stillframe needs 10"
    )


def test_an_os_disk_must_have_room_for_thirteen_tags() -> None:
    """The words, and whose they are: all that it will remember once its VM is generalized."""
    full = {**crowd(37), **dict.fromkeys(DISK_TAGS, "before")}
    assert preflight(Facts(disk=disk(tags=full)).look(), order(), REQUIRED) is None
    assert why(Facts(disk=disk(tags=crowd(38)))) == (
        "its OS disk has 38 other tags, and Azure allows 50: Stillframe needs 13"
    )
