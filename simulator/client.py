"""The steering API from Python: what a test does besides what clients of Azure do.

Takes plain values, gives plain dicts. Synchronous, over one persistent connection.
"""

from datetime import datetime
from pathlib import Path
from typing import Any

import requests

type Json = dict[str, Any]


class SteeringError(Exception):
    """The simulator refused a steering request; the text is its answer."""


class SimClient:
    """A client of `/_sim/...` at an endpoint, trusting a CA file."""

    def __init__(self, endpoint: str, ca: Path) -> None:
        self._endpoint = endpoint
        self._session = requests.Session()
        self._session.trust_env = False
        self._session.verify = str(ca)

    def ask(self, method: str, path: str, body: object = None, **query: str) -> Any:  # noqa: ANN401 JSON
        """Send one steering request and return its JSON; SteeringError for a refusal."""
        url = f"{self._endpoint}/_sim/{path}"
        answer = self._session.request(method, url, json=body, params=query, timeout=60)
        if not answer.ok:
            msg = f"{method} /_sim/{path}: {answer.status_code} {answer.text}"
            raise SteeringError(msg)
        return answer.json() if answer.content else None

    def close(self) -> None:
        """Close the connection."""
        self._session.close()

    def create_vm(self, name: str, **words: object) -> str:
        """Create a VM (see the README for the arguments) and return its id."""
        return str(self.ask("POST", "vms", {"name": name} | words)["id"])

    def create_group(self, name: str, location: str = "westeurope", **tags: str) -> str:
        """Create a resource group and return its id."""
        body = {"name": name, "location": location, "tags": tags}
        return str(self.ask("POST", "groups", body)["id"])

    def vm(self, vm_id: str) -> Json:
        """Return the real state of a VM."""
        found: Json = self.ask("GET", "vm", id=vm_id)
        return found

    def vms(self) -> list[Json]:
        """Return the real state of all VMs."""
        return list(self.ask("GET", "vms")["value"])

    def guest(self, vm_id: str, act: str, why: str | None = None) -> Json:
        """Start a guest action: sysprep, sysprep-fails, deprovision, shutdown, reboot, crash .."""
        begun: Json = self.ask("POST", "vm/guest", {"id": vm_id, "act": act, "why": why})
        return begun

    def captures(self) -> list[Json]:
        """Return every image and version with what it was really made from."""
        return list(self.ask("GET", "captures")["value"])

    def now(self) -> datetime:
        """Return the simulated instant."""
        return datetime.fromisoformat(self.ask("GET", "clock")["now"])

    def set_speed(self, speed: float) -> None:
        """Set how many simulated seconds pass per real second; 0 stops the clock."""
        self.ask("PUT", "clock", {"speed": speed})

    def advance(self, seconds: float) -> None:
        """Move a stopped clock; returns when everything that fell due has happened."""
        self.ask("POST", "clock/advance", {"seconds": seconds})

    def settings(self, **change: object) -> Json:
        """Change settings (durations, page_size, throttling ..) and return all of them."""
        settings: Json = self.ask("PATCH", "settings", change)
        return settings

    def fault(self, **said: object) -> Json:
        """Inject a fault: method, path, caller, count and the effect."""
        fault: Json = self.ask("POST", "faults", said)
        return fault

    def clear_faults(self) -> None:
        """Remove all faults."""
        self.ask("DELETE", "faults")

    def requests(self, **query: str) -> list[Json]:
        """Return the logged ARM requests: `caller` by name or id, `since` an instant, `after`."""
        return list(self.ask("GET", "requests", **query)["value"])

    def clear_requests(self) -> None:
        """Clear the log of requests."""
        self.ask("DELETE", "requests")

    def differences(self) -> dict[str, int]:
        """Return the members in bodies that Microsoft's specifications do not have, with counts."""
        found: dict[str, int] = self.ask("GET", "differences")
        return found

    def disk_reads(self, **query: str) -> list[Json]:
        """Return the logged reads of disks from outside: `disk` by id, `after` a number."""
        return list(self.ask("GET", "disk-reads", **query)["value"])

    def clear_disk_reads(self) -> None:
        """Clear the log of disk reads."""
        self.ask("DELETE", "disk-reads")

    def disk_fault(self, **said: object) -> Json:
        """Inject a fault into reads of disks: disk, nth, count and the effect."""
        fault: Json = self.ask("POST", "disk-faults", said)
        return fault

    def clear_disk_faults(self) -> None:
        """Remove all faults of disk reads."""
        self.ask("DELETE", "disk-faults")

    def roles(self) -> Json:
        """Return the current role file."""
        roles: Json = self.ask("GET", "roles")
        return roles

    def set_roles(self, roles: Json) -> None:
        """Replace the role file."""
        self.ask("PUT", "roles", roles)

    def reset(self) -> None:
        """Empty the subscription and undo all steering except the clock's."""
        self.ask("POST", "reset")
