"""One subscription in one sweep: its lists, and which VMs are due by them.

Pure: computed from the lists that it is given.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType

from shared.capture.targets import is_ordered, read_order
from shared.costguard.enforce import settled_since
from shared.costguard.rules import Alert, Due, Mark, Nothing, Standing, judge, may_be_off, why_kept
from shared.model.facts import ListedVm, Listing, PowerState
from shared.model.ids import Target
from shared.model.settings import Settings
from shared.model.steps import Order
from shared.model.tags import Tag
from shared.sweep.due import look_is_due


@dataclass(frozen=True, slots=True)
class Scan:
    """The lists of a subscription; `locked` is None if locks may not be read.

    `stops` is when VMs stopped, by `VmRef.key`, as far as Resource Graph was read.
    No visit starts after `until` (`time.monotonic`); `since` is when the last sweep ran.
    """

    listing: Listing
    locked: frozenset[str] | None
    settings: Settings
    since: datetime
    now: datetime
    until: float
    stops: Mapping[str, datetime] = field(default_factory=lambda: MappingProxyType({}))

    def due(self) -> list[ListedVm]:
        """Return the VMs that must be visited: for their order, or for their bill."""
        return [vm for vm in self.listing.vms.values() if self._is_due(vm)]

    def _is_due(self, vm: ListedVm) -> bool:
        ordered = look_is_due(vm, self.settings, self.since, self.now)
        return ordered or not isinstance(self.bill(vm), Nothing)

    def bill(self, vm: ListedVm) -> Due:
        """Return what is due about a VM's bill."""
        return judge(self.standing(vm), self.settings, self.now)

    def wants_since(self, *, reported: bool) -> bool:
        """Whether it must be known since when some VM is stopped: to mark it or to alert.

        If the sweep is `reported`, also for a VM that is marked.
        """
        return any(
            isinstance(due, Mark | Alert) or (reported and isinstance(due, Nothing) and due.since)
            for due in map(self.bill, self.listing.vms.values())
        )

    def known_since(self, vm: ListedVm) -> datetime | None:
        """Return since when a VM is stopped, if only that is to be noted on it; else None."""
        due = self.bill(vm)
        if not isinstance(due, Mark) or due.unreadable or vm.generalized:
            return None
        if look_is_due(vm, self.settings, self.since, self.now):
            return None
        return settled_since(self.standing(vm), self.now)

    def wants_any_off(self) -> bool:
        """Whether a stopped VM is to be deallocated by a tag or by the policy."""
        return any(
            vm.power is PowerState.STOPPED
            and may_be_off(self.standing(vm), self.settings, self.now)
            for vm in self.listing.vms.values()
        )

    def standing(self, vm: ListedVm) -> Standing:
        """Return what the cost guard's rules need to know of a VM."""
        return Standing(
            tags=vm.tags,
            group_tags=self.listing.group_tags(vm.ref),
            power=vm.power,
            provisioning=vm.provisioning,
            kept=why_kept(vm, self.locked),
            ours=is_ordered(vm, self.settings) and self.settings.owns(vm.tags),
            stopped=self.stops.get(vm.ref.key),
        )

    def targets(self) -> set[Target]:
        """Return the targets of the orders in the subscription."""
        orders = (
            read_order(vm.tags, self.settings, vm.ref, self.now)
            for vm in self.listing.vms.values()
            if Tag.CAPTURE in vm.tags
        )
        return {order.target for order in orders if isinstance(order, Order)}
