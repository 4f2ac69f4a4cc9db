"""The resources of Microsoft.Network: virtual networks with subnets, and interfaces of VMs."""

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from simulator.arm.core.errors import Json
from simulator.arm.core.resource import Resource


@dataclass(kw_only=True, eq=False)
class Network(Resource):
    """A virtual network; its subnets are in `properties`."""

    kind: ClassVar[str] = "Microsoft.Network/virtualNetworks"

    @property
    def subnets(self) -> list[Json]:
        """The subnets as the request named them."""
        return self.properties.get("subnets") or []

    def subnet(self, name: str) -> Json | None:
        """Return a subnet by its name, in any case."""
        return next((one for one in self.subnets if one["name"].lower() == name.lower()), None)


@dataclass(kw_only=True, eq=False)
class Interface(Resource):
    """A network interface; `owner` is its VM.

    `held_by` is the id of the VM that it is reserved for until `held`.
    """

    owner: Resource | None = None
    held: datetime | None = None
    held_by: str = ""
    kind: ClassVar[str] = "Microsoft.Network/networkInterfaces"
