"""The demo's VMs, and how each should end.

`words` are the simulator's settings of the VM, `order` the value of the capture tag, `act` what its
guest does after the order is accepted, `test` whether its image is booted, `keep`
whether a copy is captured.
"""

from dataclasses import dataclass, field
from enum import StrEnum

IMAGES_GROUP = "images"
WORKSHOP_GROUP = "stillframe-workshop"
GALLERY = "golden"
HOUR = 3600.0


class Ending(StrEnum):
    """How a VM's story must end."""

    CAPTURED = "captured"
    REFUSED = "refused"
    UNTOUCHED = "untouched"
    FLAGGED = "flagged"
    CLEARED = "cleared"
    EXEMPT = "exempt"
    OFF = "off"
    NOT_GENERALIZED = "not-generalized"
    FAILED = "failed"


@dataclass(frozen=True)
class Actor:
    """One VM of the story."""

    name: str
    order: str | None
    ending: Ending
    act: str | None = None
    words: dict[str, object] = field(default_factory=dict)
    test: bool = False
    keep: bool = False

    @property
    def group(self) -> str:
        """Its resource group: one per VM, so that its requests can be told apart."""
        return f"rg-{self.name}"


@dataclass(frozen=True)
class Definition:
    """An image definition of the demo's gallery."""

    name: str
    security_type: str
    os_type: str = "Windows"


DEFINITIONS = (
    Definition("windows-2025", "Standard"),
    Definition("windows-2025-tl", "TrustedLaunch"),
    Definition("windows-2022", "Standard"),
    Definition("windows-11", "Standard"),
    Definition("linux", "TrustedLaunch", "Linux"),
    Definition("windows-sql", "TrustedLaunch"),
    Definition("windows-edge", "TrustedLaunch"),
    Definition("windows-build", "TrustedLaunch"),
)


def _stopped(hours: float, **words: object) -> dict[str, object]:
    """Return the settings for a VM that was shut down so many hours ago and forgotten."""
    return {"power": "stopped", "stopped_since": hours * HOUR, "age": 30 * 24 * HOUR, **words}


CAST = (
    Actor(
        "web",
        f"{GALLERY}/windows-2025",
        Ending.CAPTURED,
        "sysprep",
        {"security_type": "Standard"},
    ),
    Actor(
        "vault",
        f"{GALLERY}/windows-2025-tl",
        Ending.CAPTURED,
        "sysprep",
        {"security_type": "TrustedLaunch"},
    ),
    Actor("legacy", "managed-image", Ending.CAPTURED, "sysprep", {"generation": "V1"}),
    Actor(
        "runner",
        f"{GALLERY}/linux",
        Ending.CAPTURED,
        "deprovision",
        {"os": "Linux", "security_type": "TrustedLaunch"},
    ),
    Actor(
        "sql",
        f"{GALLERY}/windows-sql",
        Ending.CAPTURED,
        "sysprep",
        {"security_type": "TrustedLaunch", "data_disks": [{}]},
        test=True,
    ),
    Actor(
        "edge",
        f"{GALLERY}/windows-edge",
        Ending.FAILED,
        "sysprep",
        {"security_type": "TrustedLaunch", "boots": False},
        test=True,
    ),
    Actor(
        "build",
        f"{GALLERY}/windows-build",
        Ending.CAPTURED,
        words={"security_type": "TrustedLaunch", "data_disks": [{}]},
        keep=True,
    ),
    Actor(
        "hasty",
        f"{GALLERY}/windows-2022",
        Ending.NOT_GENERALIZED,
        "shutdown",
        {"security_type": "Standard"},
    ),
    Actor(
        "appx",
        f"{GALLERY}/windows-11",
        Ending.NOT_GENERALIZED,
        "sysprep-fails-and-shuts-down",
        {"security_type": "Standard"},
    ),
    Actor("kiosk", "managed-image", Ending.REFUSED, words={"security_type": "TrustedLaunch"}),
    Actor("neighbour", None, Ending.UNTOUCHED, "reboot"),
    Actor("forgotten", None, Ending.FLAGGED, words=_stopped(75, tags={"owner": "build-team"})),
    Actor("batch", None, Ending.CLEARED, words=_stopped(20, os="Linux", size="Standard_D8s_v5")),
    Actor(
        "standby", None, Ending.EXEMPT, words=_stopped(9, tags={"stillframe-cost-guard": "ignore"})
    ),
    Actor(
        "dev",
        None,
        Ending.OFF,
        "shutdown",
        {"age": 24 * HOUR, "tags": {"stillframe-cost-guard": "deallocate"}},
    ),
)
