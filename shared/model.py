"""The nouns: what the steps say to each other, and nothing of how Azure is asked.

Enums hold the exact string that Azure, or a tag, has on the wire. Instants are aware and UTC, sizes
are GiB. A fact that nobody has read yet is `None`; one that was looked for and is not there is
`Missing`, so that "not known" is never taken for "no".
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Self

# What an event says ends in the path of a request: names are what Azure allows, and never `..`.
_NAMED = r"(?!\.+(?:[/?#]|\Z))[\w.()-]+"
_END = r"(?=[/?#]|\Z)"
_VM_ID = re.compile(
    rf"/subscriptions/(?P<subscription>{_NAMED})/resourceGroups/(?P<group>{_NAMED})"
    rf"/providers/Microsoft\.Compute/virtualMachines/(?P<name>{_NAMED}){_END}",
    re.IGNORECASE,
)
_IMAGE_ID = re.compile(
    rf"/subscriptions/(?P<subscription>{_NAMED})/resourceGroups/(?P<group>{_NAMED})"
    r"/providers/Microsoft\.Compute/"
    rf"(?:images/(?P<image>{_NAMED})"
    rf"|galleries/(?P<gallery>{_NAMED})/images/(?P<definition>{_NAMED})/versions/(?P<version>{_NAMED}))"
    rf"{_END}",
    re.IGNORECASE,
)
SEGMENT_LIMIT = 260
"""Longer than any name of Azure's that stands in an id; what is longer is no id."""


class PowerState(StrEnum):
    """What the instance view says of a VM's power; `UNKNOWN` where it says nothing."""

    STARTING = "PowerState/starting"
    RUNNING = "PowerState/running"
    STOPPING = "PowerState/stopping"
    STOPPED = "PowerState/stopped"
    DEALLOCATING = "PowerState/deallocating"
    DEALLOCATED = "PowerState/deallocated"
    UNKNOWN = "PowerState/unknown"


class Status(StrEnum):
    """The words of the tag `stillframe-status`."""

    WAITING = "waiting"
    DEALLOCATING = "deallocating"
    CAPTURING = "capturing"
    CAPTURED = "captured"
    NOT_GENERALIZED = "not-generalized"
    FAILED = "failed"
    REFUSED = "refused"


class Tag(StrEnum):
    """Names of the tags on a VM: the first four are people's, the others ours."""

    CAPTURE = "stillframe-capture"
    VERSION = "stillframe-version"
    LATEST = "stillframe-latest"
    COST_GUARD = "stillframe-cost-guard"
    STATUS = "stillframe-status"
    DETAIL = "stillframe-detail"
    IMAGE = "stillframe-image"
    IMAGE_GROUP = "stillframe-image-group"
    AS_OF = "stillframe-as-of"
    PROOF = "stillframe-proof"
    BY = "stillframe-by"
    UNTOLD = "stillframe-untold"
    BILLED_SINCE = "stillframe-billed-since"
    BILLED_ALERTED = "stillframe-billed-alerted"


WORD_TAGS = (
    Tag.STATUS,
    Tag.DETAIL,
    Tag.IMAGE,
    Tag.IMAGE_GROUP,
    Tag.AS_OF,
    Tag.PROOF,
    Tag.BY,
)
"""What Stillframe says on a VM of its order; `BY` is which function app does."""

ORDER_TAGS = (*WORD_TAGS, Tag.UNTOLD)
"""What Stillframe writes on a VM of an order, and takes away when the order is withdrawn.

`UNTOLD` stands while the outcome that the words tell of is not published yet: since when.
"""

BILLED_TAGS = (Tag.BILLED_SINCE, Tag.BILLED_ALERTED)
"""What the cost guard writes on a VM that is stopped but still billed."""


class SourceTag(StrEnum):
    """Names of the tags on an image: where it comes from, as of when, on what proof."""

    GROUP = "stillframe-source-group"
    VM = "stillframe-source-vm"
    VM_ID = "stillframe-source-id"
    AS_OF = "stillframe-as-of"
    PROOF = "stillframe-proof"
    PROOF_DETAIL = "stillframe-proof-detail"
    PROOF_WARNINGS = "stillframe-proof-warnings"
    STARTED = "stillframe-started"
    BY = "stillframe-by"
    TOLD = "stillframe-told"
    PLAN_PUBLISHER = "stillframe-plan-publisher"
    PLAN_PRODUCT = "stillframe-plan-product"
    PLAN_NAME = "stillframe-plan-name"


class Missing(StrEnum):
    """A fact that was asked for and cannot be had: `GONE` is not there, `DENIED` not for us."""

    GONE = "gone"
    DENIED = "denied"


@dataclass(frozen=True, slots=True)
class VmRef:
    """A virtual machine's id in its parts; names compare without case, so use `key` for that."""

    subscription: str
    group: str
    name: str

    @property
    def id(self) -> str:
        """The resource id."""
        return (
            f"/subscriptions/{self.subscription}/resourceGroups/{self.group}"
            f"/providers/Microsoft.Compute/virtualMachines/{self.name}"
        )

    @property
    def group_id(self) -> str:
        """The id of the resource group it lies in."""
        return f"/subscriptions/{self.subscription}/resourceGroups/{self.group}"

    @property
    def key(self) -> str:
        """The id as it is compared."""
        return self.id.lower()

    @classmethod
    def find(cls, text: str) -> Self | None:
        """Return the first VM id in an id, subject or url; None where there is none."""
        found = _VM_ID.search(text)
        if found is None or max(map(len, found.groups())) > SEGMENT_LIMIT:
            return None
        return cls(found["subscription"], found["group"], found["name"])


@dataclass(frozen=True, slots=True)
class ManagedImageRef:
    """A managed image's id in its parts."""

    subscription: str
    group: str
    name: str

    @property
    def id(self) -> str:
        """The resource id."""
        return (
            f"/subscriptions/{self.subscription}/resourceGroups/{self.group}"
            f"/providers/Microsoft.Compute/images/{self.name}"
        )

    @property
    def key(self) -> str:
        """The id as it is compared."""
        return self.id.lower()

    @property
    def label(self) -> str:
        """What the tag `stillframe-image` shows."""
        return self.name


@dataclass(frozen=True, slots=True)
class VersionRef:
    """A gallery image version's id in its parts."""

    subscription: str
    group: str
    gallery: str
    definition: str
    version: str

    @property
    def id(self) -> str:
        """The resource id."""
        return (
            f"/subscriptions/{self.subscription}/resourceGroups/{self.group}"
            f"/providers/Microsoft.Compute/galleries/{self.gallery}"
            f"/images/{self.definition}/versions/{self.version}"
        )

    @property
    def key(self) -> str:
        """The id as it is compared."""
        return self.id.lower()

    @property
    def label(self) -> str:
        """What the tag `stillframe-image` shows."""
        return f"{self.gallery}/{self.definition}/{self.version}"


type ImageRef = ManagedImageRef | VersionRef


def find_image(text: str) -> ImageRef | None:
    """Return the first image or gallery version id in an id, subject or url."""
    found = _IMAGE_ID.search(text)
    if found is None or max(len(part or "") for part in found.groups()) > SEGMENT_LIMIT:
        return None
    subscription, group = found["subscription"], found["group"]
    if found["image"]:
        return ManagedImageRef(subscription, group, found["image"])
    return VersionRef(subscription, group, found["gallery"], found["definition"], found["version"])


@dataclass(frozen=True, slots=True)
class ManagedImageTarget:
    """Managed images in a resource group."""

    subscription: str
    group: str

    @property
    def scope(self) -> str:
        """The id of what must be writable."""
        return self.group_id

    @property
    def group_id(self) -> str:
        """The id of the resource group."""
        return f"/subscriptions/{self.subscription}/resourceGroups/{self.group}"

    @property
    def label(self) -> str:
        """What the tag `stillframe-image` shows while no image is named yet."""
        return "managed-image"


@dataclass(frozen=True, slots=True)
class GalleryTarget:
    """Versions of an image definition in an Azure Compute Gallery."""

    subscription: str
    group: str
    gallery: str
    definition: str

    @property
    def scope(self) -> str:
        """The id of what must be writable: the image definition."""
        gallery = f"providers/Microsoft.Compute/galleries/{self.gallery}"
        return f"{self.group_id}/{gallery}/images/{self.definition}"

    @property
    def group_id(self) -> str:
        """The id of the resource group that the gallery lies in."""
        return f"/subscriptions/{self.subscription}/resourceGroups/{self.group}"

    @property
    def label(self) -> str:
        """What the tag `stillframe-image` shows while no version is named yet."""
        return f"{self.gallery}/{self.definition}"

    def version(self, number: str) -> VersionRef:
        """Return the version of that number."""
        return VersionRef(self.subscription, self.group, self.gallery, self.definition, number)


type Target = ManagedImageTarget | GalleryTarget


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why an order cannot be carried out, in words for its owner."""

    why: str


@dataclass(frozen=True, slots=True)
class Plan:
    """A marketplace purchase plan."""

    publisher: str
    product: str
    name: str


@dataclass(frozen=True, slots=True)
class Machine:
    """What a VM's list price depends on; `hybrid`: its Windows licence is brought along."""

    size: str
    region: str
    os_type: str
    hybrid: bool = False
    spot: bool = False


@dataclass(frozen=True, slots=True)
class AttachedDisk:
    """A disk as the VM's model shows it; a deallocated VM's model has lost `sku` and `size_gb`."""

    id: str | None
    sku: str | None = None
    size_gb: int | None = None
    ephemeral: bool = False
    encrypted_by_guest: bool = False
    customer_key: bool = False


@dataclass(frozen=True, slots=True)
class Words:
    """A change of tags: what to set, and what to take away with the values it has."""

    tags: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    removed: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))

    def __bool__(self) -> bool:
        """Whether it changes anything."""
        return bool(self.tags or self.removed)


@dataclass(frozen=True, slots=True)
class Memory:
    """The resource whose tags an order's words are written to: its id.

    `first` is what must be written along with the first words there, so that they are whole: whose
    they are, and what has been said already. `stale` are words of another VM that go then.
    """

    id: str
    first: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    stale: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))

    def changed(self, by: Words) -> Words:
        """Return the change of that resource's tags by which these words are said there."""
        if not self.first:
            return by
        first = {name: value for name, value in self.first.items() if name not in by.removed}
        whole = {**first, **by.tags}
        return Words(whole, {name: v for name, v in self.stale.items() if name not in whole})


@dataclass(frozen=True, slots=True, kw_only=True)
class ObservedVm:
    """A VM as one GET with its instance view showed it; `tags` have lower-case names.

    They are those that count: of a generalized VM what is remembered (`memory.py`).
    """

    ref: VmRef
    vm_id: str
    location: str
    tags: Mapping[str, str]
    memory: Memory
    provisioning: str
    power: PowerState
    generalized: bool
    hibernated: bool
    in_scale_set: bool
    os_type: str
    generation: str | None
    security_type: str | None
    plan: Plan | None
    disk_controller: str | None
    encrypted_by_guest: bool
    os_disk: AttachedDisk
    data_disks: tuple[AttachedDisk, ...]
    machine: Machine


@dataclass(frozen=True, slots=True)
class ListedVm:
    """What a subscription's lists show of a VM; `tags` are those that count, in lower case."""

    ref: VmRef
    tags: Mapping[str, str]
    power: PowerState = PowerState.UNKNOWN
    provisioning: str = ""
    machine: Machine | None = None
    ephemeral: bool = False
    vm_id: str = ""
    os_disk: str | None = None
    generalized: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ObservedDisk:
    """A managed disk; `released` is when it last changed hands (`LastOwnershipUpdateTime`)."""

    id: str
    sku: str | None
    size_gb: int | None
    released: datetime | None
    access_open: bool
    generation: str | None
    security_type: str | None
    architecture: str | None
    accelerated_network: bool | None
    encrypted_by_guest: bool
    customer_key: bool
    network_access: str | None = None
    public_access: str | None = None
    entra_only: bool = False
    tags: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))


@dataclass(frozen=True, slots=True, kw_only=True)
class Definition:
    """A gallery image definition: what its versions must be."""

    os_type: str
    os_state: str
    generation: str
    architecture: str
    security_type: str | None
    disk_controllers: frozenset[str]
    accelerated_network: bool
    plan: Plan | None


@dataclass(frozen=True, slots=True)
class Region:
    """One target region of a version: how many replicas, on what storage."""

    name: str
    replicas: int | None = None
    storage: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ObservedImage:
    """An image or gallery version: how far it is, and what it was made from."""

    ref: ImageRef
    provisioning: str
    source: VmRef | None
    tags: Mapping[str, str]
    why: str | None = None


@dataclass(frozen=True, slots=True)
class Permission:
    """One grant of the permissions API: patterns of actions, wildcards included.

    `data_actions` are those on what a resource holds, as the bytes of a disk.
    """

    actions: tuple[str, ...]
    not_actions: tuple[str, ...] = ()
    data_actions: tuple[str, ...] = ()
    not_data_actions: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Rights:
    """What the caller may do with the VM, and where the image goes; `None`: may not even ask."""

    vm: tuple[Permission, ...] | None
    target: tuple[Permission, ...] | None


class Proof(StrEnum):
    """What a disk says of itself, as the tag `stillframe-proof` has it."""

    GENERALIZED = "generalized"
    NOT_GENERALIZED = "not-generalized"
    CANNOT_TELL = "cannot-tell"
    NOT_READ = "not-read"


class Doubt(StrEnum):
    """What an image may have and should not: a warning, by what it is about."""

    MACHINE_ID = "machine-id"
    USER = "user"
    CUSTOM_DATA = "custom-data"
    VOLUME = "volume"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the OS disk said when it was read, and what that rests on, in words for people."""

    proof: Proof
    why: str
    warnings: Mapping[Doubt, str] = field(default_factory=lambda: MappingProxyType({}))


@dataclass(frozen=True, slots=True)
class Unread:
    """Why the OS disk could not be read at all: the server of its bytes does not answer."""

    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """All that has been read in this wake-up; grows only as the rules ask for more.

    `images` is by `ImageRef.key`; `proven` is the `time.monotonic` of the verdict.
    """

    vm: ObservedVm
    disk: ObservedDisk | Missing | None = None
    data_disks: tuple[ObservedDisk | Missing, ...] | None = None
    definition: Definition | Missing | None = None
    regions: tuple[Region, ...] | None = None
    rights: Rights | None = None
    disk_rights: tuple[Permission, ...] | Missing | None = None
    images: Mapping[str, ObservedImage | Missing] = field(
        default_factory=lambda: MappingProxyType({})
    )
    verdict: Verdict | Refusal | Unread | None = None
    proven: float | None = None


@dataclass(frozen=True, slots=True)
class Order:
    """What a VM's owner asked for, as the tags say it."""

    target: Target
    version: str | None = None
    in_latest: bool = True

    @property
    def label(self) -> str:
        """What the tag `stillframe-image` shows while the image has no name yet."""
        return f"{self.target.label}/{self.version}" if self.version else self.target.label


@dataclass(frozen=True, slots=True)
class ReadDisk:
    """The rules need the OS disk."""


@dataclass(frozen=True, slots=True)
class ReadDataDisks:
    """The rules need the data disks, of which a deallocated VM's model says too little."""


@dataclass(frozen=True, slots=True)
class ReadDefinition:
    """The rules need the image definition."""

    target: GalleryTarget


@dataclass(frozen=True, slots=True)
class ReadRegions:
    """The rules need the target regions of the definition's newest version."""

    target: GalleryTarget


@dataclass(frozen=True, slots=True)
class ReadRights:
    """The rules need to know what the app may do."""

    target: Target


@dataclass(frozen=True, slots=True)
class ReadDiskRights:
    """The rules need to know whether the app may read the OS disk."""


@dataclass(frozen=True, slots=True)
class ReadImage:
    """The rules need to know whether this image is there, and how far."""

    ref: ImageRef


@dataclass(frozen=True, slots=True, kw_only=True)
class Say:
    """What an order's tags and outcome event are to say.

    `image` is a label, `as_of` the instant that status and image hold for; `of` is the image once
    there is one, `proof` the disk's own word, `stuck` marks a step that takes longer than it may.
    `image_group` is the id of the resource group that images of the order lie in, `by` the name of
    the function app that says so; empty where they are not known.
    """

    status: Status
    detail: str
    image: str
    as_of: datetime | None = None
    of: ObservedImage | None = None
    proof: Proof | None = None
    stuck: bool = False
    image_group: str = ""
    by: str = ""


@dataclass(frozen=True, slots=True)
class ReadProof:
    """The rules need to know what the OS disk says of itself.

    `say` is what must stand on a VM that says nothing yet, before its disk is opened.
    """

    say: Say


type Read = (
    ReadDisk
    | ReadDataDisks
    | ReadDefinition
    | ReadRegions
    | ReadRights
    | ReadDiskRights
    | ReadImage
    | ReadProof
)


@dataclass(frozen=True, slots=True)
class Rest:
    """No step. `unseen`: a stop of the VM, if one was announced, does not show yet.

    `again` is why the event that brought us here should come again, where no other will.
    """

    say: Say | None = None
    unseen: bool = False
    again: str | None = None


@dataclass(frozen=True, slots=True)
class Withdraw:
    """The order is gone: take our tags off the VM."""


@dataclass(frozen=True, slots=True)
class Deallocate:
    """Deallocate the VM."""

    say: Say


@dataclass(frozen=True, slots=True)
class Generalize:
    """Mark the VM generalized, once `say` has pinned its image's name on it."""

    say: Say


@dataclass(frozen=True, slots=True, kw_only=True)
class Create:
    """Start the image `ref` of the VM, once `say` has pinned its name."""

    say: Say
    ref: ImageRef
    order: Order
    as_of: datetime
    verdict: Verdict
    generation: str
    regions: tuple[Region, ...]


type Step = Deallocate | Generalize | Create
type Decision = Read | Rest | Withdraw | Step


def read_instant(text: str | None) -> datetime | None:
    """Return the instant of an ISO 8601 text with an offset; None where it is none."""
    try:
        instant = datetime.fromisoformat(text or "")
        return instant.astimezone(UTC) if instant.tzinfo else None
    except (ValueError, OverflowError):  # an offset may lead out of the calendar
        return None


def write_instant(instant: datetime) -> str:
    """Return an instant as the tags have it: UTC, milliseconds, Z."""
    return instant.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
