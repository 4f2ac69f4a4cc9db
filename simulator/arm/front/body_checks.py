"""Checks bodies against Microsoft's specification: refuses some members, records others.

Takes the bodies of requests, and of answers if requested; counts the members that are in no
specification, by operation.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from simulator.arm.core import errors
from simulator.arm.core.answer import Answer
from simulator.arm.core.bodies import differences
from simulator.arm.core.errors import Json
from simulator.arm.core.routing import Route
from simulator.arm.core.specification import shape_of
from simulator.arm.front.reading import read_body


@dataclass
class Bodies:
    """All differences found; with `check_answers` also those of the simulator's own answers."""

    check_answers: bool
    differences: Counter[str] = field(default_factory=Counter)

    def asked(self, route: Route, raw: bytes) -> Json:
        """Read the body of a route's request; refuse or record members that are not specified."""
        reading = read_body(raw, route.method, route.takes)
        if route.strict and reading.unknown:
            at, kind = next(iter(reading.unknown.items()))
            raise errors.unknown_member(at, kind)
        self._note(f"{route.method} {route.template}: request", _unknown(reading.unknown))
        return reading.body

    def taken(self, method: str, action: str, raw: bytes, takes: Any) -> None:  # noqa: ANN401 a model
        """Check a body that Event Grid will read against its model; record unknown members."""
        reading = read_body(raw, method, takes)
        self._note(f"{method} {action}: request", _unknown(reading.unknown))

    def given(self, route: Route, answer: Answer) -> None:
        """Record how an answer differs from its specification, if requested."""
        if self.check_answers and answer.body is not None and route.gives:
            found = differences(answer.body, shape_of(route.gives))
            self._note(f"{route.method} {route.template}: answer", found)

    def _note(self, where: str, found: Iterable[str]) -> None:
        self.differences.update(f"{where}: {difference}" for difference in found)


def _unknown(members: dict[str, str]) -> list[str]:
    return [f"{at}: not in {kind}" for at, kind in members.items()]
