"""Resource ids: the paths by which ARM names everything, compared without case.

Takes a path, gives its parts. An id is a scope followed by `/providers/Namespace/type/name...`; an
extension (tags, locks, permissions) appends another such tail to the id that it extends.
"""

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

GUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)

VMS = "Microsoft.Compute/virtualMachines"
DISKS = "Microsoft.Compute/disks"
SNAPSHOTS = "Microsoft.Compute/snapshots"
IMAGES = "Microsoft.Compute/images"
COLLECTIONS = "Microsoft.Compute/restorePointCollections"
POINTS = f"{COLLECTIONS}/restorePoints"
DISK_POINTS = f"{POINTS}/diskRestorePoints"
GALLERIES = "Microsoft.Compute/galleries"
DEFINITIONS = "Microsoft.Compute/galleries/images"
VERSIONS = "Microsoft.Compute/galleries/images/versions"
SITES = "Microsoft.Web/sites"


# The position of the group's name in a path: /subscriptions/S/resourceGroups/G
_GROUP_AT = 4


class Named(NamedTuple):
    """The last `/providers/` tail of a path: `types` lack the namespace; a name may be missing."""

    scope: str
    namespace: str
    types: tuple[str, ...]
    names: tuple[str, ...]

    @property
    def kind(self) -> str:
        """The resource type, `Microsoft.Compute/galleries/images`."""
        return "/".join((self.namespace, *self.types))


# The types of paths without a provider.
NOTHING = Named("", "", (), ())


def straightened(path: str) -> str:
    """Return a path without empty segments: clients send them for an empty parent."""
    return "/" + "/".join(segment for segment in path.split("/") if segment)


def take_apart(path: str) -> Named | None:
    """Return the last provider tail of a path, or None if it has none."""
    at = path.lower().rfind("/providers/")
    if at < 0:
        return None
    namespace, *rest = path[at + 11 :].strip("/").split("/")
    return Named(path[:at], namespace, tuple(rest[0::2]), tuple(rest[1::2]))


def group_of(path: str) -> str | None:
    """Return the resource group's name with the path's casing, or None."""
    segments = path.split("/", 5)
    named = len(segments) > _GROUP_AT and segments[_GROUP_AT - 1].lower() == "resourcegroups"
    return segments[_GROUP_AT] if named else None


def group_id(subscription: str, group: str) -> str:
    """Return a resource group's id."""
    return f"/subscriptions/{subscription}/resourceGroups/{group}"


def with_group(resource_id: str, group: str) -> str:
    """Return the id with its group in another casing: lists use upper case, GETs echo it."""
    _, subscriptions, subscription, groups, _, rest = resource_id.split("/", 5)
    return f"/{subscriptions}/{subscription}/{groups}/{group}/{rest}"


def parent(resource_id: str, levels: int = 1) -> str:
    """Return the id without its last type and name."""
    return resource_id.rsplit("/", 2 * levels)[0]


@dataclass(frozen=True, slots=True)
class Region:
    """A region by its name and its display name."""

    name: str
    display: str


_DISPLAYS = (
    "East US|East US 2|West US|West US 2|West US 3|Central US|North Central US|South Central US|"
    "West Central US|Canada Central|Canada East|Brazil South|North Europe|West Europe|UK South|"
    "UK West|France Central|Germany West Central|Switzerland North|Norway East|Sweden Central|"
    "Poland Central|Italy North|Spain Central|UAE North|South Africa North|Central India|"
    "South India|Southeast Asia|East Asia|Japan East|Japan West|Korea Central|Australia East|"
    "Australia Southeast|Mexico Central|Israel Central|Qatar Central"
)


@lru_cache(maxsize=512)
def region_name(given: str) -> str:
    """Return `West Europe`, `WestEurope` and `westeurope` as `westeurope`."""
    return given.replace(" ", "").lower()


REGIONS = {
    region_name(display): Region(region_name(display), display) for display in _DISPLAYS.split("|")
}


def region_display(given: str) -> str:
    """Return a region's display name, or the given name if it is unknown."""
    region = REGIONS.get(region_name(given))
    return region.display if region else given
