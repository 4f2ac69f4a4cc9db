"""The bodies of Microsoft.Authorization, as Microsoft's specification has them."""

from enum import StrEnum
from typing import Any, TypedDict


class LockLevel(StrEnum):
    """What a lock forbids."""

    NOT_SPECIFIED = "NotSpecified"
    CAN_NOT_DELETE = "CanNotDelete"
    READ_ONLY = "ReadOnly"


class LockProperties(TypedDict, total=False):
    """What a lock forbids, why and who says so."""

    level: LockLevel
    notes: str
    owners: list[dict[str, Any]]


class ManagementLockDefinition(TypedDict, total=False):
    """A lock; the name is that which Azure's refusals have."""

    id: str
    name: str
    type: str
    properties: LockProperties
    systemData: dict[str, Any]


class Permission(TypedDict, total=False):
    """What the caller may do and may not."""

    actions: list[str]
    notActions: list[str]
    dataActions: list[str]
    notDataActions: list[str]
