"""The bodies of Microsoft.Resources, as Microsoft's specification has them."""

from enum import StrEnum
from typing import Any, TypedDict


class GroupProperties(TypedDict, total=False):
    """How a group is at."""

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


class TagsOperation(StrEnum):
    """What a PATCH does with the tags it names."""

    MERGE = "Merge"
    REPLACE = "Replace"
    DELETE = "Delete"


class Tags(TypedDict, total=False):
    """The map."""

    tags: dict[str, str]


class TagsResource(TypedDict, total=False):
    """The tags of anything; a PATCH says what to do with them."""

    id: str
    name: str
    type: str
    operation: TagsOperation
    properties: Tags
