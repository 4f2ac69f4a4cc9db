"""The copy of a VM that is kept: its names, its tags, how long it may take, what is next in it.

Pure. Names derive from the VM and the instant at which its copy was begun, which is in its tags:
any worker finds the same copy, and a later order makes another one. The copied VM has an order of
its own, and is captured like any VM once its guest has shut down.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from shared.model.facts import Look, ObservedVm, PowerState
from shared.model.ids import GalleryTarget, VmRef
from shared.model.instants import read_instant, write_instant
from shared.model.steps import Order
from shared.model.tags import CloneTag, Status, Tag

PREFIX = "keep-"
"""What the name of everything that belongs to a copy begins with."""

LASTS = timedelta(hours=3)
"""How long it may take from the order until the copied VM is generalized."""

SYSPREP_LASTS = timedelta(minutes=30)
"""After this time a copied VM that did not shut down is deallocated, and its disk read."""

ENDED = {Status.CAPTURED, Status.NOT_GENERALIZED, Status.FAILED, Status.REFUSED}
"""The statuses of a copied VM that end its order."""


@dataclass(frozen=True, slots=True)
class Prepare:
    """Sysprep, or waagent, is to be started in the guest."""


@dataclass(frozen=True, slots=True)
class PowerOff:
    """The guest did not shut down: the VM is to be deallocated."""


def clone_ref(vm: ObservedVm, as_of: datetime, workshop: str) -> VmRef:
    """Return the copied VM of a VM whose copy was begun at that instant."""
    facts = f"{vm.vm_id.lower()} {write_instant(as_of)}"
    digest = hashlib.sha256(facts.encode()).hexdigest()[:10]
    return VmRef(vm.ref.subscription, workshop, f"{PREFIX}{digest}")


def clone_tags(vm: ObservedVm, order: Order, as_of: datetime, way: str, by: str) -> dict[str, str]:
    """Return the tags of a copied VM: those of its VM, its own order, and of what it is a copy."""
    theirs = {name: value for name, value in vm.tags.items() if not name.startswith("stillframe-")}
    gallery = isinstance(order.target, GalleryTarget)
    tags = {
        Tag.CAPTURE: order.target.scope if gallery else order.target.label,
        Tag.VERSION: order.version,
        Tag.LATEST: None if order.in_latest else "no",
        Tag.TEST: "yes" if order.test else None,
        Tag.BY: by,
        CloneTag.GROUP: vm.ref.group,
        CloneTag.VM: vm.ref.name,
        CloneTag.VM_ID: vm.vm_id,
        CloneTag.AS_OF: write_instant(as_of),
        CloneTag.HOW: way,
    }
    return theirs | {name.value: value for name, value in tags.items() if value}


def kept_vm(clone: VmRef, tags: Mapping[str, str]) -> VmRef | None:
    """Return the VM that something with these tags is a copy of."""
    group, name = tags.get(CloneTag.GROUP), tags.get(CloneTag.VM)
    return VmRef(clone.subscription, group, name) if group and name else None


def is_needed(kept: Look, clone: ObservedVm) -> bool:
    """Whether a copied VM is that of the VM's present order."""
    tags = kept.vm.tags
    return (
        kept.vm.vm_id.lower() == clone.tags.get(CloneTag.VM_ID, "").lower()
        and tags.get(Tag.STATUS) == Status.CAPTURING
        and tags.get(Tag.AS_OF) == clone.tags.get(CloneTag.AS_OF)
    )


def has_ended(clone: ObservedVm, now: datetime) -> bool:
    """Whether the order of a copied VM has ended, or its time."""
    return clone.tags.get(Tag.STATUS) in ENDED or is_late(clone, now)


def is_late(clone: ObservedVm, now: datetime) -> bool:
    """Whether a copied VM should have been generalized by now."""
    begun = read_instant(clone.tags.get(CloneTag.AS_OF))
    return not clone.generalized and (begun is None or now - begun > LASTS)


def clone_step(clone: ObservedVm, now: datetime) -> Prepare | PowerOff | None:
    """Return what is next in a copied VM whose guest runs; None: wait for it."""
    if clone.power is not PowerState.RUNNING or not clone.provisioning.settled:
        return None
    prepared = read_instant(clone.tags.get(CloneTag.PREPARED))
    if prepared is None:
        return Prepare() if clone.agent_ready else None
    return PowerOff() if now - prepared > SYSPREP_LASTS else None
