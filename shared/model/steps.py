"""What the rules decide: a fact to read, a step to take, or no step; and what to publish."""

from dataclasses import dataclass
from datetime import datetime

from shared.model.facts import ObservedImage, Proof, Region, Verdict, Way
from shared.model.ids import GalleryTarget, ImageRef, Target, VmRef
from shared.model.tags import Status


@dataclass(frozen=True, slots=True)
class Order:
    """What a VM's owner asked for by tags.

    `test`: the image is booted before it is captured. `keep`: a copy is captured, and the VM is
    left as it is; `os_only`: without its data disks. `dispose`: the captured VM is deleted.
    """

    target: Target
    version: str | None = None
    in_latest: bool = True
    test: bool = False
    keep: bool = False
    os_only: bool = False
    dispose: bool = False

    @property
    def label(self) -> str:
        """What the tag `stillframe-image` shows until the image has a name."""
        return f"{self.target.label}/{self.version}" if self.version else self.target.label


@dataclass(frozen=True, slots=True)
class ReadDisk:
    """The rules need the OS disk."""


@dataclass(frozen=True, slots=True)
class ReadDataDisks:
    """The rules need the data disks, because a deallocated VM's model lacks their properties."""


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
    """The rules need the app's permissions on the VM and the target."""

    target: Target


@dataclass(frozen=True, slots=True)
class ReadDiskRights:
    """The rules need the app's permissions on the OS disk."""


@dataclass(frozen=True, slots=True)
class ReadImage:
    """The rules need to know whether this image exists, and its provisioning state."""

    ref: ImageRef


@dataclass(frozen=True, slots=True)
class ReadLocks:
    """The rules need to know whether a management lock covers the VM or anything of it."""


@dataclass(frozen=True, slots=True)
class ReadClone:
    """The rules need the copy of the VM, whose VM has this name."""

    ref: VmRef


@dataclass(frozen=True, slots=True, kw_only=True)
class Say:
    """The content of an order's tags and outcome event.

    `image` is a label, `as_of` the instant that status and image hold for; `of` is the image if
    there is one, `proof` the result of reading the disk, `stuck` marks a step that takes too long.
    `image_group` is the id of the resource group of the order's images, `by` the name of the
    function app that writes the tags; empty if not known.
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


type Read = (
    ReadDisk
    | ReadDataDisks
    | ReadDefinition
    | ReadRegions
    | ReadRights
    | ReadDiskRights
    | ReadImage
    | ReadClone
    | ReadLocks
)


@dataclass(frozen=True, slots=True)
class Rest:
    """No step. `unseen`: the VM's stop, if one was announced, is not in the instance view yet.

    `again` is why this event should be redelivered, if no other event will come.
    """

    say: Say | None = None
    unseen: bool = False
    again: str | None = None


@dataclass(frozen=True, slots=True)
class Withdraw:
    """The order was withdrawn: remove our tags from the VM."""


class _Named:
    """A step; its name in logs and reports is that of its class."""

    __slots__ = ()

    @property
    def name(self) -> str:
        """The step as a verb."""
        return type(self).__name__.lower()


@dataclass(frozen=True, slots=True)
class Prove(_Named):
    """Open the OS disk, read whether it is generalized, close it: the only proof of Sysprep.

    `say` is written to a VM without a status before its disk is opened.
    """

    say: Say


@dataclass(frozen=True, slots=True)
class Deallocate(_Named):
    """Deallocate the VM."""

    say: Say


@dataclass(frozen=True, slots=True)
class Generalize(_Named):
    """Mark the VM generalized, after `say` has written its image's name to the tags."""

    say: Say


@dataclass(frozen=True, slots=True, kw_only=True)
class Create(_Named):
    """Start the image `ref` of the VM, after `say` has written its name to the tags."""

    say: Say
    ref: ImageRef
    order: Order
    as_of: datetime
    verdict: Verdict
    generation: str
    regions: tuple[Region, ...]


@dataclass(frozen=True, slots=True)
class BootImage(_Named):
    """Go on with the boot test of an image."""

    say: Say
    image: ObservedImage


@dataclass(frozen=True, slots=True, kw_only=True)
class Take(_Named):
    """Take a snapshot of the OS disk, or a restore point of all disks, of a VM that runs."""

    say: Say
    ref: VmRef
    way: Way
    order: Order


@dataclass(frozen=True, slots=True, kw_only=True)
class Copy(_Named):
    """Copy the disks of a VM that is kept, from themselves or from what was taken."""

    say: Say
    ref: VmRef
    way: Way
    order: Order


@dataclass(frozen=True, slots=True, kw_only=True)
class Assemble(_Named):
    """Create the copied VM on its disks."""

    say: Say
    ref: VmRef
    way: Way
    order: Order


@dataclass(frozen=True, slots=True)
class Dispose(_Named):
    """Delete the captured VM with its disks and interfaces; first have them go with it."""

    say: Say


type CloneStep = Take | Copy | Assemble
type Step = Prove | Deallocate | Generalize | Create | BootImage | CloneStep | Dispose
type Decision = Read | Rest | Withdraw | Step
