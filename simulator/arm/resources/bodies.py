"""The bodies of Microsoft.Resources, from Microsoft's specification."""

from enum import StrEnum
from typing import Any, TypedDict


class GroupProperties(TypedDict, total=False):
    """The provisioning state of a group."""

    provisioningState: str


class ResourceGroup(TypedDict, total=False):
    """A resource group."""

    id: str
    name: str
    type: str
    location: str
    managedBy: str
    tags: dict[str, str]
    properties: GroupProperties


class Subscription(TypedDict, total=False):
    """A subscription."""

    id: str
    authorizationSource: str
    managedByTenants: list[dict[str, str]]
    subscriptionId: str
    tenantId: str
    displayName: str
    state: str
    subscriptionPolicies: dict[str, str]
    tags: dict[str, str]
    promotions: list[dict[str, Any]]


class PairedRegion(TypedDict, total=False):
    """The paired region of a region."""

    name: str
    id: str


class LocationMetadata(TypedDict, total=False):
    """The location of a region."""

    regionType: str
    regionCategory: str
    geography: str
    geographyGroup: str
    longitude: str
    latitude: str
    physicalLocation: str
    pairedRegion: list[PairedRegion]


class Location(TypedDict, total=False):
    """A region."""

    id: str
    name: str
    type: str
    displayName: str
    regionalDisplayName: str
    metadata: LocationMetadata


class Sku(TypedDict, total=False):
    """The sku of a resource."""

    name: str
    tier: str


class GenericResource(TypedDict, total=False):
    """A resource of any type."""

    id: str
    name: str
    type: str
    location: str
    tags: dict[str, str]
    sku: Sku
    managedBy: str
    createdTime: str
    changedTime: str
    provisioningState: str


class TagsOperation(StrEnum):
    """What a PATCH does with the given tags."""

    MERGE = "Merge"
    REPLACE = "Replace"
    DELETE = "Delete"


class Tags(TypedDict, total=False):
    """A map of tags."""

    tags: dict[str, str]


class TagsResource(TypedDict, total=False):
    """The tags of a resource, group or subscription; a PATCH has an operation as well."""

    id: str
    name: str
    type: str
    operation: TagsOperation
    properties: Tags
