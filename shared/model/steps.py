"""What the rules decide: a fact to read, a step to take, or rest; and what is said of it."""

from dataclasses import dataclass
from datetime import datetime

from shared.model.facts import ObservedImage, Proof, Region, Verdict
from shared.model.ids import GalleryTarget, ImageRef, Target
from shared.model.tags import Status


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


type Read = (
    ReadDisk
    | ReadDataDisks
    | ReadDefinition
    | ReadRegions
    | ReadRights
    | ReadDiskRights
    | ReadImage
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


class _Named:
    """A step, which logs and reports call by its class's name."""

    __slots__ = ()

    @property
    def name(self) -> str:
        """The step as a verb."""
        return type(self).__name__.lower()


@dataclass(frozen=True, slots=True)
class Prove(_Named):
    """Open the OS disk, read what it says of itself, close it: the only proof of Sysprep.

    `say` is what must stand on a VM that says nothing yet, before its disk is opened.
    """

    say: Say


@dataclass(frozen=True, slots=True)
class Deallocate(_Named):
    """Deallocate the VM."""

    say: Say


@dataclass(frozen=True, slots=True)
class Generalize(_Named):
    """Mark the VM generalized, once `say` has pinned its image's name on it."""

    say: Say


@dataclass(frozen=True, slots=True, kw_only=True)
class Create(_Named):
    """Start the image `ref` of the VM, once `say` has pinned its name."""

    say: Say
    ref: ImageRef
    order: Order
    as_of: datetime
    verdict: Verdict
    generation: str
    regions: tuple[Region, ...]


type Step = Prove | Deallocate | Generalize | Create
type Decision = Read | Rest | Withdraw | Step
