"""The simulated subscription: its clock, its resources and its settings.

Everything runs in one process and one thread, so there are no locks. Resources are found by id
without case, and listed by kind in the order of their creation.
"""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import ClassVar

from simulator.arm.core import errors, ids
from simulator.arm.core.operations import Operations
from simulator.arm.core.resource import Group, Resource
from simulator.clock import Clock
from simulator.eventgrid.grid import OUTCOMES_GROUP, EventGrid

# Simulated seconds. Those of deallocate, image and version are recorded, the others guesses.
DURATIONS: dict[str, float] = {
    "create": 30.0,
    "osProvisioning": 150.0,
    "osProvisioningTimeout": 1200.0,
    "update": 5.0,
    "delete": 15.0,
    "deallocate": 11.0,
    "powerOff": 15.0,
    "start": 20.0,
    "restart": 15.0,
    "image": 8.0,
    "version": 420.0,
    "gallery": 1.0,
    "disk": 1.0,
    "restorePoint": 60.0,
    "access": 1.0,
    "group": 10.0,
    "sysprep": 45.0,
    "shutdown": 8.0,
    "reboot": 30.0,
    "runCommand": 20.0,
    "hibernate": 20.0,
    "deprovision": 5.0,
    "crash": 1.0,
    "stoppedWhileStarting": 3.0,
    "shutdownLag": 0.0,
    "token": 365 * 86400.0,
}


# The settings that have a fixed set of values.
CHOICES = {
    "busy_tags": ("accept", "refuse"),
    "prices": ("listed", "none"),
    "health": ("known", "unknown", "none"),
    "access_moves_ownership": ("never", "opening", "closing", "both"),
    "access_again": ("refuse", "share"),
    "unknown_interfaces": ("refuse", "accept"),
}


@dataclass
class Settings:
    """The settings that steering can change; see `simulator/README.md`."""

    page_size: int = 1000
    retry_after: int | None = None
    busy_tags: str = "accept"
    prices: str = "listed"
    health: str = "known"
    access_moves_ownership: str = "never"
    access_again: str = "refuse"
    unknown_interfaces: str = "refuse"
    durations: dict[str, float] = field(default_factory=lambda: dict(DURATIONS))


@dataclass(kw_only=True, eq=False)
class Subscription(Resource):
    """The subscription itself, which can have tags, too."""

    kind: ClassVar[str] = "Microsoft.Resources/subscriptions"


class World:
    """One subscription and everything in it."""

    def __init__(self, clock: Clock, grid: EventGrid, *, subscription: str, tenant: str) -> None:
        self.clock, self.grid = clock, grid
        self.subscription, self.tenant = subscription, tenant
        self.settings = Settings()
        self.operations = Operations(clock)
        self._numbers = itertools.count(1)
        self._by_key: dict[str, Resource] = {}
        self._by_kind: dict[type[Resource], dict[str, Resource]] = {}
        self._since: dict[str, datetime] = {}
        self._begin()

    def _begin(self) -> None:
        """Create the subscription, and the group of the custom topic that exists from the start."""
        self.itself = self.add(Subscription(id=f"/subscriptions/{self.subscription}"))
        group = ids.group_id(self.subscription, OUTCOMES_GROUP)
        self.add(Group(id=group, location="westeurope"))

    def add[R: Resource](self, resource: R) -> R:
        """Store a new resource, or replace the resource with the same id."""
        resource.number = next(self._numbers)
        self._since.setdefault(resource.key, self.clock.now())
        self._by_key[resource.key] = resource
        self._by_kind.setdefault(type(resource), {})[resource.key] = resource
        return resource

    def remove(self, resource: Resource) -> None:
        """Remove a resource; do nothing if it is already gone."""
        self._by_key.pop(resource.key, None)
        self._since.pop(resource.key, None)
        self._by_kind.get(type(resource), {}).pop(resource.key, None)

    def since(self, resource: Resource) -> datetime:
        """Return when the resource with that id was created."""
        return self._since[resource.key]

    def find[R: Resource](self, kind: type[R], resource_id: str) -> R | None:
        """Return a resource of a kind by its id, in any case."""
        found = self._by_key.get(resource_id.lower())
        return found if isinstance(found, kind) else None

    def get[R: Resource](self, kind: type[R], resource_id: str) -> R:
        """Return a resource by its id, or refuse as ARM does: group or resource not found."""
        found = self.find(kind, resource_id)
        if found is None:
            raise self.missing(resource_id)
        return found

    def of[R: Resource](self, kind: type[R]) -> Iterator[R]:
        """Iterate over all resources of a kind, oldest first."""
        for resource in self._by_kind.get(kind, {}).values():
            if isinstance(resource, kind):
                yield resource

    def under(self, scope: str) -> list[Resource]:
        """Return all resources whose id is below a scope."""
        prefix = scope.lower().rstrip("/") + "/"
        return [resource for key, resource in self._by_key.items() if key.startswith(prefix)]

    def missing(self, resource_id: str) -> errors.ArmError:
        """Return ARM's 404 for an id: group not found, or resource not found."""
        group = ids.group_of(resource_id) or ""
        named = ids.take_apart(resource_id)
        if named is None or not self.find(Group, ids.group_id(self.subscription, group)):
            return errors.group_not_found(group)
        return errors.resource_not_found(named.kind, "/".join(named.names), group)

    def need_group(self, resource_id: str) -> None:
        """Refuse to write into a resource group that does not exist."""
        group = ids.group_of(resource_id) or ""
        if not self.find(Group, ids.group_id(self.subscription, group)):
            raise errors.group_not_found(group)

    def seconds(self, act: str) -> float:
        """Return the duration of an act, in simulated seconds."""
        return self.settings.durations[act]

    def clear(self) -> None:
        """Reset resources, operations and settings to the initial state."""
        self._by_key.clear()
        self._by_kind.clear()
        self._since.clear()
        self.operations.clear()
        self.settings = Settings()
        self._begin()
