"""The simulator's operations, and which operation a request is for.

The only module here that knows the place of the simulator's route table.
"""

import re
from dataclasses import dataclass
from functools import cache

from simulator.arm.routes import ROUTES

_RESOURCE = "/subscriptions/{subscription}/resourceGroups/{group}/providers/"
_SHARED = "/subscriptions/{subscription}/providers/"


@dataclass(frozen=True)
class Operation:
    """A method and a path template, as the route table has them."""

    method: str
    template: str

    @property
    def name(self) -> str:
        """Return its short name: resources in a group begin with `{group}`."""
        short = self.template.replace(_RESOURCE, "{group}/").replace(_SHARED, "{subscription}/")
        return f"{self.method} {short}"

    @property
    def polls(self) -> bool:
        """Say whether this polls an operation in progress."""
        return self.template.endswith("/{operation}")


OPERATIONS = tuple(Operation(route.method, route.template) for route in ROUTES)


def operation_of(method: str, path: str) -> Operation | None:
    """Return the operation that a request is for, None if the simulator has none."""
    for pattern, operation in _patterns():
        if operation.method == method and pattern.fullmatch(path):
            return operation
    return None


@cache
def _patterns() -> list[tuple[re.Pattern[str], Operation]]:
    """Return all templates as patterns, those with more fixed segments first, extensions last."""
    ranked = sorted(OPERATIONS, key=lambda found: (_extends(found), -_fixed(found.template)))
    return [(re.compile(_pattern(found.template), re.IGNORECASE), found) for found in ranked]


def _extends(operation: Operation) -> bool:
    return operation.template.startswith("{scope}")


def _fixed(template: str) -> int:
    return sum(not segment.startswith("{") for segment in template.split("/"))


def _pattern(template: str) -> str:
    segments = [
        ("/.+" if segment == "{scope}" else "[^/]+")
        if segment.startswith("{")
        else re.escape(segment)
        for segment in template.split("/")
    ]
    return "/".join(segments)
