"""The bodies of Microsoft.Authorization, from Microsoft's specification."""

from enum import StrEnum
from typing import Any, TypedDict


class LockLevel(StrEnum):
    """What a lock forbids."""

    NOT_SPECIFIED = "NotSpecified"
    CAN_NOT_DELETE = "CanNotDelete"
    READ_ONLY = "ReadOnly"


class LockProperties(TypedDict, total=False):
    """What a lock forbids, why, and its owners."""

    level: LockLevel
    notes: str
    owners: list[dict[str, Any]]


class ManagementLockDefinition(TypedDict, total=False):
    """A lock; the class has the name that Azure's error messages use."""

    id: str
    name: str
    type: str
    properties: LockProperties
    systemData: dict[str, Any]


class Permission(TypedDict, total=False):
    """The actions that a role allows and excludes."""

    actions: list[str]
    notActions: list[str]
    dataActions: list[str]
    notDataActions: list[str]
