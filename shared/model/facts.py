"""What has been seen of Azure, and nothing of how it was asked.

Enums hold the exact string that Azure has on the wire. Instants are aware and UTC, sizes are GiB. A
fact that nobody has read yet is `None`; one that was looked for and is not there is `Missing`, so
that "not known" is never taken for "no".
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType

from shared.model.ids import ImageRef, VmRef
from shared.model.tags import Memory


class PowerState(StrEnum):
    """What the instance view says of a VM's power; `UNKNOWN` where it says nothing."""

    STARTING = "PowerState/starting"
    RUNNING = "PowerState/running"
    STOPPING = "PowerState/stopping"
    STOPPED = "PowerState/stopped"
    DEALLOCATING = "PowerState/deallocating"
    DEALLOCATED = "PowerState/deallocated"
    UNKNOWN = "PowerState/unknown"

    @property
    def settled(self) -> bool:
        """Whether the power stays as it is until somebody acts."""
        return self in (PowerState.RUNNING, PowerState.STOPPED, PowerState.DEALLOCATED)


class Provisioning(StrEnum):
    """A provisioning state, read in any case; `UNKNOWN` where Azure says nothing or a new word."""

    SUCCEEDED = "Succeeded"
    FAILED = "Failed"
    CANCELED = "Canceled"
    CREATING = "Creating"
    UPDATING = "Updating"
    DELETING = "Deleting"
    MIGRATING = "Migrating"
    UNKNOWN = "unknown"

    @property
    def settled(self) -> bool:
        """Whether no operation is under way on the resource."""
        return self in (Provisioning.SUCCEEDED, Provisioning.FAILED, Provisioning.CANCELED)

    @classmethod
    def _missing_(cls, value: object) -> "Provisioning":
        folded = str(value).lower()
        return next((state for state in cls if state.lower() == folded), cls.UNKNOWN)


class Missing(StrEnum):
    """A fact that was asked for and cannot be had: `GONE` is not there, `DENIED` not for us."""

    GONE = "gone"
    DENIED = "denied"


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
    provisioning: Provisioning
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
    provisioning: Provisioning = Provisioning.UNKNOWN
    machine: Machine | None = None
    ephemeral: bool = False
    vm_id: str = ""
    os_disk: str | None = None
    generalized: bool = False


_CLOSED_NETWORKS = {"denyall", "allowprivate"}


def is_confidential(security_type: str | None) -> bool:
    """Whether a VM's security type, or a disk's, is one of a confidential VM."""
    return (security_type or "").startswith("ConfidentialVM")


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

    @property
    def unreadable(self) -> str | None:
        """Why its bytes cannot be read from outside, as far as ARM shows it."""
        if self.encrypted_by_guest:
            return "its OS disk is encrypted by Azure Disk Encryption"
        if is_confidential(self.security_type):
            return "its OS disk is confidential"
        if (self.network_access or "").lower() in _CLOSED_NETWORKS:
            return f"its OS disk cannot be read: networkAccessPolicy is {self.network_access}"
        if (self.public_access or "").lower() == "disabled":
            return "its OS disk cannot be read: publicNetworkAccess is Disabled"
        return None


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
    provisioning: Provisioning
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


@dataclass(slots=True)
class Listing:
    """One subscription: VMs by `VmRef.key`, group tags by lower-case group id, states counted.

    `groups` is None where they may not be read. `strange` are VMs that are left out, by id, because
    Azure did not list them as it should: why.
    """

    vms: dict[str, ListedVm] = field(default_factory=dict)
    groups: dict[str, Mapping[str, str]] | None = field(default_factory=dict)
    states: Counter[str] = field(default_factory=Counter)
    strange: dict[str, str] = field(default_factory=dict)

    def group_tags(self, ref: VmRef) -> Mapping[str, str]:
        """Return the tags of a VM's resource group, as far as they are ours."""
        return (self.groups or {}).get(ref.group_id.lower(), {})
