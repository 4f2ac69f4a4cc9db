"""May the app do it? Grants of the permissions API and an order's target -> actions it lacks.

Pure. The permissions API gives, per role assignment, patterns of actions and of exceptions; an
action is allowed when some grant's patterns match it and none of that grant's exceptions do
(https://learn.microsoft.com/azure/role-based-access-control/role-definitions).
"""

import re
from collections.abc import Iterable

from shared.model.facts import Permission, Rights
from shared.model.ids import ManagedImageTarget, Target

_COMPUTE = "Microsoft.Compute"
ON_VM = (
    f"{_COMPUTE}/virtualMachines/deallocate/action",
    f"{_COMPUTE}/virtualMachines/generalize/action",
    "Microsoft.Resources/tags/write",
)
ON_VM_FOR_GALLERY = (f"{_COMPUTE}/virtualMachines/write",)
"""A gallery version made straight from a VM wants write on the VM as well."""

ON_MANAGED_IMAGES = (f"{_COMPUTE}/images/read", f"{_COMPUTE}/images/write")
ON_DEFINITION = (
    f"{_COMPUTE}/galleries/images/versions/read",
    f"{_COMPUTE}/galleries/images/versions/write",
)

ON_DISK = (
    f"{_COMPUTE}/disks/beginGetAccess/action",
    f"{_COMPUTE}/disks/endGetAccess/action",
)
"""What opening and closing a disk's bytes wants."""

DATA_ON_DISK = (f"{_COMPUTE}/disks/download/action",)
"""What a disk with dataAccessAuthMode AzureActiveDirectory wants besides; a data action."""


def lacking(rights: Rights, target: Target) -> list[str]:
    """Return the actions that an order to this target needs and the app is not granted."""
    managed = isinstance(target, ManagedImageTarget)
    missing = [
        *_refused(ON_VM if managed else ON_VM + ON_VM_FOR_GALLERY, rights.vm),
        *_refused(ON_MANAGED_IMAGES if managed else ON_DEFINITION, rights.target),
    ]
    return list(dict.fromkeys(missing))


def lacking_on_disk(grants: tuple[Permission, ...] | None, *, entra_only: bool) -> list[str]:
    """Return the actions that reading a disk's content needs and the app is not granted."""
    data = () if grants is None or not entra_only else DATA_ON_DISK
    return _refused(ON_DISK, grants) + [
        action for action in data if not any(allows_data(grant, action) for grant in grants or ())
    ]


def _refused(actions: Iterable[str], grants: tuple[Permission, ...] | None) -> list[str]:
    if grants is None:
        return ["Microsoft.Authorization/permissions/read"]
    return [action for action in actions if not any(allows(grant, action) for grant in grants)]


def allows(grant: Permission, action: str) -> bool:
    """Whether one grant covers an action."""
    return _any(grant.actions, action) and not _any(grant.not_actions, action)


def allows_data(grant: Permission, action: str) -> bool:
    """Whether one grant covers a data action."""
    return _any(grant.data_actions, action) and not _any(grant.not_data_actions, action)


def _any(patterns: Iterable[str], action: str) -> bool:
    return any(_matches(pattern, action) for pattern in patterns)


def _matches(pattern: str, action: str) -> bool:
    wild = ".*".join(map(re.escape, pattern.split("*")))
    return re.fullmatch(wild, action, re.IGNORECASE) is not None
