"""What every resource in a subscription has: an id, a location, tags, a state.

Plain records without behaviour. `properties` holds what the client sent and Azure would return
unchanged; state that Azure itself decides (power, disks, provisioning) has its own fields. `key` is
the id in lower case: resources are looked up and compared only by it.
"""

from dataclasses import dataclass, field
from functools import cached_property
from typing import ClassVar

from simulator.arm.core import ids
from simulator.arm.core.errors import Json
from simulator.arm.core.operations import Operation


@dataclass(kw_only=True, eq=False)
class Resource:
    """A resource with an id; `number` is its position in lists."""

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
        """The id in lower case."""
        return self.id.lower()

    @cached_property
    def name(self) -> str:
        """The last segment of the id, with the casing of its creation."""
        return self.id.rsplit("/", 1)[1]

    @cached_property
    def group(self) -> str:
        """The resource group's name, as in the id."""
        return ids.group_of(self.id) or ""


@dataclass(kw_only=True, eq=False)
class Group(Resource):
    """A resource group."""

    kind: ClassVar[str] = "Microsoft.Resources/resourceGroups"
