"""Ids of resources in their parts, and where images go.

Names compare without case: `key` is an id as it is compared.
"""

import re
from dataclasses import dataclass
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
