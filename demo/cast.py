"""The demo's VMs, and what is to become of each.

`words` are the simulator's for making the VM, `order` the value of the capture tag.
"""

from dataclasses import dataclass, field
from enum import StrEnum

IMAGES_GROUP = "images"
GALLERY = "golden"
HOUR = 3600.0


class Ending(StrEnum):
    """What a VM's story must come to."""

    CAPTURED = "captured"
    REFUSED = "refused"
    UNTOUCHED = "untouched"
    FLAGGED = "flagged"
    CLEARED = "cleared"
    EXEMPT = "exempt"


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


def _stopped(hours: float, **words: object) -> dict[str, object]:
    """Return the words for a VM that somebody shut down so many hours ago, and forgot."""
    return {"power": "stopped", "stopped_since": hours * HOUR, "age": 30 * 24 * HOUR, **words}


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
    Actor("forgotten", None, Ending.FLAGGED, _stopped(75, tags={"owner": "build-team"})),
    Actor("batch", None, Ending.CLEARED, _stopped(20, os="Linux", size="Standard_D8s_v5")),
    Actor("standby", None, Ending.EXEMPT, _stopped(9, tags={"stillframe-cost-guard": "ignore"})),
)
