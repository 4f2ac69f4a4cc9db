"""The demo's VMs, and what is to become of each.

`words` are the simulator's for making the VM, `order` the value of the capture tag.
"""

from dataclasses import dataclass, field
from enum import StrEnum

IMAGES_GROUP = "images"
GALLERY = "golden"


class Ending(StrEnum):
    """What a VM's story must come to."""

    CAPTURED = "captured"
    REFUSED = "refused"
    UNTOUCHED = "untouched"


@dataclass(frozen=True)
class Actor:
    """One VM of the story."""

    name: str
    order: str | None
    ending: Ending
    words: dict[str, object] = field(default_factory=dict)

    @property
    def group(self) -> str:
        """Its resource group: each its own, so that its requests can be told from the others'."""
        return f"rg-{self.name}"


@dataclass(frozen=True)
class Definition:
    """An image definition of the demo's gallery."""

    name: str
    security_type: str


DEFINITIONS = (
    Definition("windows-2025", "Standard"),
    Definition("windows-2025-tl", "TrustedLaunch"),
)

CAST = (
    Actor(
        "web",
        f"{GALLERY}/windows-2025",
        Ending.CAPTURED,
        {"security_type": "Standard"},
    ),
    Actor(
        "vault",
        f"{GALLERY}/windows-2025-tl",
        Ending.CAPTURED,
        {"security_type": "TrustedLaunch"},
    ),
    Actor("legacy", "managed-image", Ending.CAPTURED, {"generation": "V1"}),
    Actor("kiosk", "managed-image", Ending.REFUSED, {"security_type": "TrustedLaunch"}),
    Actor("neighbour", None, Ending.UNTOUCHED),
)
