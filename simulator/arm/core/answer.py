"""The answer of a route."""

from dataclasses import dataclass, field

from simulator.arm.core.errors import Json
from simulator.arm.core.operations import Operation


@dataclass(slots=True)
class Answer:
    """Status, body and headers; `operation` is what continues after it, if anything does."""

    status: int = 200
    body: Json | None = None
    headers: dict[str, str] = field(default_factory=dict)
    operation: Operation | None = None
