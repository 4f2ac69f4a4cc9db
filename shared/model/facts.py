"""Facts about Azure's resources, without how they were read.

Enums have the exact strings of Azure's API. Instants are aware and UTC, sizes are GiB. A fact that
was not read yet is `None`; a resource that was requested and is not there is `Missing`, so that
"not known" is never taken for "no".
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType

from shared.model.ids import ImageRef, VmRef
from shared.model.tags import Memory, SourceTag


class PowerState(StrEnum):
    """A VM's power state by its instance view; `UNKNOWN` if it has none."""

    STARTING = "PowerState/starting"
    RUNNING = "PowerState/running"
    STOPPING = "PowerState/stopping"
    STOPPED = "PowerState/stopped"
    DEALLOCATING = "PowerState/deallocating"
    DEALLOCATED = "PowerState/deallocated"
    UNKNOWN = "PowerState/unknown"

    @property
    def settled(self) -> bool:
        """Whether the power state stays the same until somebody acts."""
        return self in (PowerState.RUNNING, PowerState.STOPPED, PowerState.DEALLOCATED)


class Provisioning(StrEnum):
    """A provisioning state, read in any case; `UNKNOWN` if Azure sends none or a new value."""

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
        """Whether no operation is in progress on the resource."""
        return self in (Provisioning.SUCCEEDED, Provisioning.FAILED, Provisioning.CANCELED)

    @classmethod
    def _missing_(cls, value: object) -> "Provisioning":
        folded = str(value).lower()
        return next((state for state in cls if state.lower() == folded), cls.UNKNOWN)


class Missing(StrEnum):
    """Why a resource could not be read: `GONE` is not there, `DENIED` is without permission."""

    GONE = "gone"
    DENIED = "denied"


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why an order cannot be carried out, worded for its owner."""

    why: str


@dataclass(frozen=True, slots=True)
class Plan:
    """A marketplace purchase plan."""

    publisher: str
    product: str
    name: str


@dataclass(frozen=True, slots=True)
class Machine:
    """What a VM's list price depends on; `hybrid`: it has Azure Hybrid Benefit for Windows."""

    size: str
    region: str
    os_type: str
    hybrid: bool = False
    spot: bool = False


@dataclass(frozen=True, slots=True)
class Price:
    """The list price of an hour: what a stopped VM costs for sure, and its Windows licence.

    Azure bills a stopped VM for its cores; whether for its licence too is not known. `windows` is
    0 for a VM without a licence to pay, None if unknown.
    """

    compute: float
    windows: float | None = 0.0


@dataclass(frozen=True, slots=True)
class KeptDisk:
    """A managed disk of a VM that was captured: what its list price depends on."""

    id: str
    sku: str | None
    size_gb: int | None
    region: str


@dataclass(frozen=True, slots=True)
class AttachedDisk:
    """A disk in the VM's model; a deallocated VM's model has no `sku` and no `size_gb`."""

    id: str | None
    sku: str | None = None
    size_gb: int | None = None
    ephemeral: bool = False
    encrypted_by_guest: bool = False
    customer_key: bool = False
    lun: int = 0


@dataclass(frozen=True, slots=True)
class ListedVm:
    """What a subscription's lists show of a VM; fields as in `ObservedVm`."""

    ref: VmRef
    tags: Mapping[str, str]
    power: PowerState = PowerState.UNKNOWN
    provisioning: Provisioning = Provisioning.UNKNOWN
    machine: Machine | None = None
    ephemeral: bool = False
    vm_id: str = ""
    os_disk: str | None = None
    generalized: bool = False
    hibernated: bool = False
    hibernates: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ObservedVm:
    """A VM as one GET with its instance view showed it; names of `tags` are lower case.

    For a generalized VM they are those that `remembered` gives (`memory.py`). `hibernates`: whether
    hibernation is enabled on it; `hibernated` shows only what Azure itself has hibernated.
    `interfaces` are ids; `goes_whole`: disks and interfaces are deleted with it.
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
    hibernates: bool
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
    secure_boot: bool = False
    vtpm: bool = False
    host_encryption: bool = False
    license_type: str = ""
    agent_ready: bool = False
    interfaces: tuple[str, ...] = ()
    goes_whole: bool = False

    @property
    def listed(self) -> ListedVm:
        """The VM as the next lists will show it."""
        return ListedVm(
            ref=self.ref,
            tags=self.tags,
            power=self.power,
            provisioning=self.provisioning,
            machine=self.machine,
            ephemeral=self.os_disk.ephemeral,
            vm_id=self.vm_id,
            os_disk=self.os_disk.id,
            generalized=self.generalized,
            hibernated=self.hibernated,
            hibernates=self.hibernates,
        )


_CLOSED_NETWORKS = {"denyall", "allowprivate"}


def is_confidential(security_type: str | None) -> bool:
    """Whether the security type of a VM or disk is that of a confidential VM."""
    return (security_type or "").startswith("ConfidentialVM")


@dataclass(frozen=True, slots=True, kw_only=True)
class ObservedDisk:
    """A managed disk; `released` is when its owner last changed (`LastOwnershipUpdateTime`)."""

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
    shared: bool = False
    encryption_set: str | None = None
    network_access: str | None = None
    public_access: str | None = None
    entra_only: bool = False
    tags: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))

    @property
    def unreadable(self) -> str | None:
        """Why its content cannot be read by disk access, as far as ARM shows it."""
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
    """A gallery image definition: the properties that its versions must have."""

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
    """One target region of a version: its replica count and storage account type."""

    name: str
    replicas: int | None = None
    storage: str | None = None


class Boot(StrEnum):
    """The result of booting an image: the values of the tag `stillframe-boot`."""

    DUE = "due"
    BOOTED = "booted"
    NOT_PREPARED = "not-prepared"
    DOES_NOT_BOOT = "does-not-boot"
    CANNOT_TELL = "cannot-tell"


@dataclass(frozen=True, slots=True, kw_only=True)
class ObservedImage:
    """An image or gallery image version: its provisioning state, and its source VM.

    `replicas` are those of a version in all regions; `excluded` is whether it never counts for
    `latest`, `published` when Azure published it. `body` is the version as Azure returned it: a
    change sends it back whole.
    """

    ref: ImageRef
    provisioning: Provisioning
    source: VmRef | None
    tags: Mapping[str, str]
    why: str | None = None
    replicas: int = 0
    location: str = ""
    excluded: bool = False
    published: datetime | None = None
    body: bytes = field(default=b"", repr=False, compare=False)

    @property
    def boot(self) -> Boot | None:
        """The result of its boot test by its tags, None if it has none; a strange one is `DUE`."""
        named = self.tags.get(SourceTag.BOOT)
        return None if named is None else Boot(named) if named in Boot else Boot.DUE


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialVm:
    """A temporary VM that was created from an image, in the workshop.

    `code` and `why` are of its failed creation, `ready` is whether its agent reports.
    """

    ref: VmRef
    image: ImageRef | None
    provisioning: Provisioning
    created: datetime | None
    code: str = ""
    why: str = ""
    ready: bool = False


class Way(StrEnum):
    """How the disks of a VM that is kept are copied: the values of `stillframe-copied-by`."""

    COPY = "copy"
    SNAPSHOT = "snapshot"
    POINT = "restore-point"


@dataclass(frozen=True, slots=True, kw_only=True)
class Clone:
    """The copy of a VM that is kept, as far as it has come.

    `vm` is the copied VM with its effective tags, `made` how its creation ended. Before there is a
    VM: `disks` is the worst state of its disks, `taken` that of the snapshot or restore point.
    """

    vm: ObservedVm | Missing
    made: TrialVm | None = None
    disks: Provisioning | Missing = Missing.GONE
    taken: Provisioning | Missing = Missing.GONE
    way: Way | None = None


@dataclass(frozen=True, slots=True)
class LeftOver:
    """A resource in the workshop: its id, its name, when it was created, its own tags."""

    id: str
    name: str
    is_vm: bool
    created: datetime | None
    tags: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))


@dataclass(frozen=True, slots=True)
class Permission:
    """One permission of the permissions API: patterns of actions, with wildcards.

    `data_actions` are those on the data in a resource, such as the content of a disk.
    """

    actions: tuple[str, ...]
    not_actions: tuple[str, ...] = ()
    data_actions: tuple[str, ...] = ()
    not_data_actions: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Rights:
    """The app's permissions on the VM and on the target; `None` if it may not read them."""

    vm: tuple[Permission, ...] | None
    target: tuple[Permission, ...] | None


class Proof(StrEnum):
    """What was found on a disk: the values of the tag `stillframe-proof`."""

    GENERALIZED = "generalized"
    NOT_GENERALIZED = "not-generalized"
    CANNOT_TELL = "cannot-tell"
    NOT_READ = "not-read"


class Doubt(StrEnum):
    """What an image may contain although it should not: the kinds of warnings."""

    MACHINE_ID = "machine-id"
    USER = "user"
    CUSTOM_DATA = "custom-data"
    VOLUME = "volume"


@dataclass(frozen=True, slots=True)
class Verdict:
    """The result of reading the OS disk, and the evidence, worded for people."""

    proof: Proof
    why: str
    warnings: Mapping[Doubt, str] = field(default_factory=lambda: MappingProxyType({}))


@dataclass(frozen=True, slots=True)
class Unread:
    """Why the OS disk could not be read: the storage server of its content does not answer."""

    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """All facts read in this visit; more are read only if the rules need them.

    `images` is by `ImageRef.key`; `proven` is the `time.monotonic` of the verdict; `awaited` is why
    the image's boot test does not go on as usual, None until this visit has looked at it.
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
    awaited: str | None = None
    clone: Clone | None = None
    locked: bool | None = None


@dataclass(slots=True)
class Listing:
    """One subscription: VMs by `VmRef.key`, group tags by lower-case group id, counts of states.

    `disks` are those of generalized VMs, by `VmRef.key`, as far as they are in the group of its OS
    disk. `groups` is None if they may not be read. `strange` has, by VM id, why a VM is left out:
    its entry in Azure's list was malformed.
    """

    vms: dict[str, ListedVm] = field(default_factory=dict)
    groups: dict[str, Mapping[str, str]] | None = field(default_factory=dict)
    disks: dict[str, list[KeptDisk]] = field(default_factory=dict)
    states: Counter[str] = field(default_factory=Counter)
    strange: dict[str, str] = field(default_factory=dict)

    def group_tags(self, ref: VmRef) -> Mapping[str, str] | None:
        """Return the tags of a VM's resource group, if one is Stillframe's; None if unreadable."""
        return None if self.groups is None else self.groups.get(ref.group_id.lower(), {})
