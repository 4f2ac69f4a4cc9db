"""Missing permissions: grants of the permissions API and an order's target -> missing actions.

Pure. The permissions API returns, per role assignment, patterns of actions and of exceptions; an
action is allowed if it matches a pattern of some grant and no exception of that grant
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
"""A gallery version that is created directly from a VM also requires write on the VM."""

ON_KEPT_VM = ("Microsoft.Resources/tags/write",)
ON_MANAGED_IMAGES = (f"{_COMPUTE}/images/read", f"{_COMPUTE}/images/write")
ON_DEFINITION = (
    f"{_COMPUTE}/galleries/images/versions/read",
    f"{_COMPUTE}/galleries/images/versions/write",
)

ON_DISK = (
    f"{_COMPUTE}/disks/beginGetAccess/action",
    f"{_COMPUTE}/disks/endGetAccess/action",
)
"""Required to open and close access to a disk's bytes."""

ON_COPIED_DISK = (f"{_COMPUTE}/disks/beginGetAccess/action",)
"""Required to copy a disk; of a restore point this is not known."""

DATA_ON_DISK = (f"{_COMPUTE}/disks/download/action",)
"""Also required for a disk with dataAccessAuthMode AzureActiveDirectory; a data action."""


def lacking(rights: Rights, target: Target, *, keep: bool = False) -> list[str]:
    """Return the actions that an order to this target needs and the app is not granted.

    `keep`: the VM is kept, and only its tags are written.
    """
    managed = isinstance(target, ManagedImageTarget)
    on_vm = ON_KEPT_VM if keep else ON_VM if managed else ON_VM + ON_VM_FOR_GALLERY
    missing = [
        *_refused(on_vm, rights.vm),
        *_refused(ON_MANAGED_IMAGES if managed else ON_DEFINITION, rights.target),
    ]
    return list(dict.fromkeys(missing))


def lacking_on_disk(grants: tuple[Permission, ...] | None, *, entra_only: bool) -> list[str]:
    """Return the actions that reading a disk's content needs and the app is not granted."""
    data = () if grants is None or not entra_only else DATA_ON_DISK
    return _refused(ON_DISK, grants) + [
        action for action in data if not any(allows_data(grant, action) for grant in grants or ())
    ]


def lacking_to_copy(grants: tuple[Permission, ...] | None) -> list[str]:
    """Return the actions that copying a disk needs and the app is not granted."""
    return _refused(ON_COPIED_DISK, grants)


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
