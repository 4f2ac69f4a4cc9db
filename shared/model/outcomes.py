"""The outcome events that Stillframe publishes, as CloudEvents 1.0.

Ids derive from what happened, so that a repeated event can be dropped by its id.
"""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

from shared.model.text import VARYING

EVENT_IDS = uuid.UUID("6d2c4b70-4f0e-5e0b-9f5a-3d1c5b7f8a10")
"""The namespace of the events' ids, which are UUIDs of version 5."""


class OutcomeType(StrEnum):
    """Types of the outcome events."""

    CAPTURED = "Stillframe.ImageCaptured"
    REFUSED = "Stillframe.CaptureRefused"
    FAILED = "Stillframe.CaptureFailed"
    STILL_BILLED = "Stillframe.VmStillBilled"
    NO_LONGER_BILLED = "Stillframe.VmNoLongerBilled"
    DEALLOCATED = "Stillframe.VmDeallocated"
    DIGEST = "Stillframe.CostGuardDigest"
    SWEPT = "Stillframe.SweepCompleted"


@dataclass(frozen=True, slots=True)
class Outcome:
    """An outcome event: CloudEvents' id, type, source, subject, time and data."""

    id: str
    type: OutcomeType
    source: str
    subject: str
    time: datetime
    data: Mapping[str, Any]

    def unnoted(self) -> "Outcome":
        """Return it with an id from its reason and detail: for when no time can be recorded."""
        reason, detail = str(self.data.get("reason")), str(self.data.get("detail"))
        return replace(self, id=event_id(self.type, self.source, reason, VARYING.sub("", detail)))


def event_id(kind: OutcomeType, *what: str) -> str:
    """Return the id of the event about this; case is ignored, because Azure's ids vary in it."""
    return str(uuid.uuid5(EVENT_IDS, " ".join((kind, *what)).lower()))
