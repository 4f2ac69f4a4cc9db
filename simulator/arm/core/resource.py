"""What everything in a subscription has: an id, a place, tags, a state.

Plain records without behaviour of their own. `properties` holds what the client sent and Azure
would give back unchanged; what Azure itself decides (power, disks, provisioning) has fields.
`key` is the id without case: the only way in which resources are looked up and compared.
"""

from dataclasses import dataclass, field
from functools import cached_property
from typing import ClassVar

from simulator.arm.core import ids
from simulator.arm.core.errors import Json
from simulator.arm.core.operations import Operation


@dataclass(kw_only=True, eq=False)
class Resource:
    """What everything with an id has; `number` is its place in lists."""

    id: str
    location: str = ""
    tags: dict[str, str] = field(default_factory=dict)
    properties: Json = field(default_factory=dict)
    provisioning: str = "Succeeded"
    operation: Operation | None = None
    number: int = 0
    kind: ClassVar[str] = ""

    @cached_property
    def key(self) -> str:
        """The id without case."""
        return self.id.lower()

    @cached_property
    def name(self) -> str:
        """The last segment of the id, as it was created."""
        return self.id.rsplit("/", 1)[1]

    @cached_property
    def group(self) -> str:
        """The resource group's name as in the id."""
        return ids.group_of(self.id) or ""


@dataclass(kw_only=True, eq=False)
class Group(Resource):
    """A resource group."""

    kind: ClassVar[str] = "Microsoft.Resources/resourceGroups"
