"""Resource ids in their parts, and targets of images.

Azure's names are case-insensitive: compare ids by `key`.
"""

import re
from dataclasses import dataclass
from typing import Self

# Ids from events become paths of requests: only characters that Azure allows, and never `..`.
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
"""More than the longest name in an Azure id; text with a longer name is not an id."""


@dataclass(frozen=True, slots=True)
class VmRef:
    """A virtual machine's id in its parts; compare by `key`, because names are case-insensitive."""

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
        """The id of its resource group."""
        return f"/subscriptions/{self.subscription}/resourceGroups/{self.group}"

    @property
    def key(self) -> str:
        """The id in lower case, for comparisons."""
        return self.id.lower()

    @classmethod
    def find(cls, text: str) -> Self | None:
        """Return the first VM id in an id, subject or URL; None if there is none."""
        found = _VM_ID.search(text)
        if found is None or max(map(len, found.groups())) > SEGMENT_LIMIT:
            return None
        return cls(found["subscription"], found["group"], found["name"])


_TEMPORARY_ID = re.compile(
    rf"/subscriptions/(?P<subscription>{_NAMED})/resourceGroups/(?P<group>{_NAMED})"
    rf"/providers/Microsoft\.Compute/(?P<kind>disks|snapshots|restorePointCollections)"
    rf"/(?P<name>{_NAMED}){_END}",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class CopyRef:
    """A disk, snapshot or collection of restore points in its parts: part of a copy of a VM."""

    subscription: str
    group: str
    kind: str
    name: str

    @property
    def id(self) -> str:
        """The resource id."""
        return (
            f"/subscriptions/{self.subscription}/resourceGroups/{self.group}"
            f"/providers/Microsoft.Compute/{self.kind}/{self.name}"
        )


def find_copy(text: str) -> CopyRef | None:
    """Return the first id of a disk, snapshot or collection in an id, subject or URL."""
    found = _TEMPORARY_ID.search(text)
    if found is None or max(map(len, found.groups())) > SEGMENT_LIMIT:
        return None
    return CopyRef(found["subscription"], found["group"], found["kind"], found["name"])


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
        """The id in lower case, for comparisons."""
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
        """The id in lower case, for comparisons."""
        return self.id.lower()

    @property
    def label(self) -> str:
        """What the tag `stillframe-image` shows."""
        return f"{self.gallery}/{self.definition}/{self.version}"


type ImageRef = ManagedImageRef | VersionRef


def find_image(text: str) -> ImageRef | None:
    """Return the first id of an image or gallery image version in an id, subject or URL."""
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
        """The id of the scope that the app must be able to write to: the resource group."""
        return self.group_id

    @property
    def group_id(self) -> str:
        """The id of the resource group."""
        return f"/subscriptions/{self.subscription}/resourceGroups/{self.group}"

    @property
    def label(self) -> str:
        """What the tag `stillframe-image` shows until the image has a name."""
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
        """The id of the scope that the app must be able to write to: the image definition."""
        gallery = f"providers/Microsoft.Compute/galleries/{self.gallery}"
        return f"{self.group_id}/{gallery}/images/{self.definition}"

    @property
    def group_id(self) -> str:
        """The id of the gallery's resource group."""
        return f"/subscriptions/{self.subscription}/resourceGroups/{self.group}"

    @property
    def label(self) -> str:
        """What the tag `stillframe-image` shows until the version has a number."""
        return f"{self.gallery}/{self.definition}"

    def version(self, number: str) -> VersionRef:
        """Return the id of a version by its number."""
        return VersionRef(self.subscription, self.group, self.gallery, self.definition, number)


type Target = ManagedImageTarget | GalleryTarget
