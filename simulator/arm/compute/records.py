"""The resources of Microsoft.Compute: what ARM stores, and the hidden state of the guest."""

import re
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import ClassVar
from uuid import UUID, uuid4

from simulator.arm.compute.conditions import UNKNOWN, Condition
from simulator.arm.compute.machine import Power
from simulator.arm.core import ids
from simulator.arm.core.errors import Failure, Json
from simulator.arm.core.resource import Resource


class Sysprep(StrEnum):
    """The state of Sysprep on an OS disk: hidden, no ARM request shows it."""

    NEVER = "never"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"


class Closed(StrEnum):
    """How an access to a disk ended."""

    REVOKED = "revoked"
    EXPIRED = "expired"


# The name of a disk that was created with a VM ends with its unique id.
_NAMED_BY_ID = re.compile(r"_([0-9a-f]{32})$")
_UPLOADED = ("Upload", "UploadPreparedSecure")


def _unique_id(name: str) -> str:
    found = _NAMED_BY_ID.search(name)
    return str(UUID(found[1]) if found else uuid4())


def _security_of(properties: Json) -> str:
    profile: Json = properties.get("securityProfile") or {}
    return str(profile.get("securityType") or "Standard")


@dataclass(kw_only=True, eq=False)
class Disk(Resource):
    """A disk; with `vhd` it is unmanaged, and ARM does not list it.

    `moved` is LastOwnershipUpdateTime. `sysprep`, `sysprep_error` and `layout` decide its contents.
    `unique_id` distinguishes it from another disk of the same name. `boots` is whether its system
    starts on another VM, `ails` why Sysprep fails on it, if it does: no file shows either.
    """

    sku: str = "Premium_LRS"
    size_gb: int = 127
    os_type: str | None = None
    created: datetime
    moved: datetime | None = None
    zones: list[str] | None = None
    vhd: str | None = None
    accesses: "list[Access]" = field(default_factory=list)
    sysprep: Sysprep = Sysprep.NEVER
    sysprep_error: str | None = None
    layout: str | None = None
    unique_id: str = ""
    boots: bool = True
    ails: str | None = None
    kind: ClassVar[str] = ids.DISKS
    owner: "Vm | None" = None

    def __post_init__(self) -> None:
        """Set a unique id if there is none yet."""
        self.unique_id = self.unique_id or _unique_id(self.name)

    @property
    def awaits_upload(self) -> bool:
        """Whether it was created by Upload and still has no contents."""
        return (self.properties.get("creationData") or {}).get("createOption") in _UPLOADED

    @property
    def security_type(self) -> str:
        """`Standard`, `TrustedLaunch`, or that of a confidential VM's disk."""
        return _security_of(self.properties)

    @property
    def access_open(self) -> bool:
        """Whether any access to its contents is open."""
        return bool(self.accesses)


@dataclass(kw_only=True, eq=False)
class Access(Resource):
    """Access to read a disk from outside: its URL path, signature, start and expiry.

    `id` is the path of the blob, `policy` the stored access policy that allows it to be revoked;
    `closed` is how it ended. Kept after that, so that storage can say why it refuses a read.
    """

    disk: Disk
    policy: str
    signature: str
    begins: datetime
    ends: datetime
    closed: Closed | None = None


@dataclass(eq=False)
class Attachment:
    """A disk of a VM; `settings` are the VM's settings for it (caching, deleteOption).

    While an operation is in progress, a `fresh` disk is still being attached, and a `leaving` disk
    is still being detached.
    """

    disk: Disk
    settings: Json
    lun: int | None = None
    fresh: bool = False
    leaving: bool = False


@dataclass(kw_only=True, eq=False)
class Vm(Resource):
    """A VM. `power` is what the platform reports, `guest_runs` the fact; a lag may separate them.

    `boots` counts starts, so that a guest action begun before the last start is abandoned.
    `failure` is why its last operation failed, which its instance view shows.
    """

    vm_id: str
    created: datetime
    os_type: str
    generation: str
    os_disk: Attachment
    data_disks: list[Attachment] = field(default_factory=list)
    image_reference: Json | None = None
    disk_controller: str | None = None
    architecture: str = "x64"
    plan: Json | None = None
    zones: list[str] | None = None
    identity: Json | None = None
    managed_by: str | None = None
    power: Power = Power.STOPPED
    guest_runs: bool = False
    guest_act: str | None = None
    agent_seen: datetime | None = None
    boots: int = 0
    generalized: bool = False
    hibernated: bool = False
    condition: Condition = UNKNOWN
    condition_since: datetime | None = None
    settled: datetime | None = None
    failure: Failure | None = None
    etag: int = 1
    kind: ClassVar[str] = ids.VMS

    @property
    def security_type(self) -> str:
        """`Standard`, `TrustedLaunch` or `ConfidentialVM`."""
        return _security_of(self.properties)

    @property
    def allocated(self) -> bool:
        """Whether it is allocated, and so is billed."""
        return self.power is not Power.DEALLOCATED

    @property
    def disks(self) -> list[Attachment]:
        """The OS disk, then the data disks."""
        return [self.os_disk, *self.data_disks]

    @property
    def opened_disk(self) -> Disk | None:
        """The first of its disks with open access, if any."""
        return next((held.disk for held in self.disks if held.disk.access_open), None)


@dataclass(frozen=True)
class Capture:
    """What an image was really made from: facts for tests, which ARM does not show.

    `sysprep`, `sysprep_error`, `layout` and `boots` are those of the OS disk.
    """

    source: str
    os_disk: str | None
    data_disks: tuple[str, ...]
    sysprep: Sysprep
    at: datetime
    sysprep_error: str | None = None
    layout: str | None = None
    boots: bool = True

    def body(self) -> Json:
        """Return it as the steering surface shows it."""
        return {
            "source": self.source,
            "osDisk": self.os_disk,
            "dataDisks": list(self.data_disks),
            "sysprep": self.sysprep,
            "boots": self.boots,
            "at": self.at.isoformat(),
        }


@dataclass(kw_only=True, eq=False)
class Image(Resource):
    """A managed image; `storage` is its storageProfile with Azure's defaults.

    `sized` are the luns (None: the OS disk) whose sizes are in the request; the other sizes are
    shown only after its creation.
    """

    storage: Json
    generation: str
    source_vm: str | None
    capture: Capture
    sized: frozenset[int | None] = frozenset()
    kind: ClassVar[str] = ids.IMAGES


@dataclass(kw_only=True, eq=False)
class _InGallery(Resource):
    """A gallery or a definition; `tagged` is whether tags were ever sent, even empty ones."""

    tagged: bool = False


@dataclass(kw_only=True, eq=False)
class Gallery(_InGallery):
    """An Azure Compute Gallery."""

    kind: ClassVar[str] = ids.GALLERIES


@dataclass(kw_only=True, eq=False)
class Definition(_InGallery):
    """A gallery image definition."""

    kind: ClassVar[str] = ids.DEFINITIONS

    @property
    def security_type(self) -> str:
        """The feature `SecurityType`; `Standard` if it is missing or `None`."""
        named = self.feature("SecurityType")
        return "Standard" if named in {None, "None"} else str(named)

    def feature(self, name: str) -> str | None:
        """Return a feature's value by its name."""
        features = self.properties.get("features") or []
        return next((f.get("value") for f in features if f.get("name") == name), None)


@dataclass(kw_only=True, eq=False)
class Version(_InGallery):
    """A gallery image version; `source` identifies its source, in lower case."""

    source: str
    storage: Json
    capture: Capture
    published: datetime
    kind: ClassVar[str] = ids.VERSIONS


@dataclass(kw_only=True, eq=False)
class Snapshot(Resource):
    """A snapshot of a disk."""

    sku: str
    size_gb: int
    os_type: str | None
    created: datetime
    sysprep: Sysprep
    sysprep_error: str | None
    layout: str | None
    boots: bool = True
    ails: str | None = None
    unique_id: str = field(default_factory=lambda: str(uuid4()))
    kind: ClassVar[str] = ids.SNAPSHOTS

    @property
    def security_type(self) -> str:
        """The security type of the disk that it was taken from."""
        return _security_of(self.properties)


@dataclass(kw_only=True, eq=False)
class DiskPoint(Snapshot):
    """A disk in a restore point; its name ends with an id that cannot be foreseen."""

    disk: str = ""
    lun: int | None = None
    kind: ClassVar[str] = ids.DISK_POINTS


@dataclass(kw_only=True, eq=False)
class Collection(Resource):
    """A collection of the restore points of one VM, by its id."""

    source: str
    kind: ClassVar[str] = ids.COLLECTIONS


@dataclass(kw_only=True, eq=False)
class Point(Resource):
    """A crash-consistent restore point: its disks, and what the VM was like."""

    created: datetime
    metadata: Json
    disks: list[DiskPoint]
    kind: ClassVar[str] = ids.POINTS
