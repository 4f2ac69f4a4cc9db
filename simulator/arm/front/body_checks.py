"""Bodies checked against Microsoft's specification: what is refused, and what is only noted.

Takes the bodies of requests, and of answers if requested; records the members that are in
no specification, by operation, and how often.
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
    """All that was found; with `check_answers` in the simulator's own answers too."""

    check_answers: bool
    differences: Counter[str] = field(default_factory=Counter)

    def asked(self, route: Route, raw: bytes) -> Json:
        """Read the body of a route's request; refuse what its specification has not, or note it."""
        reading = read_body(raw, route.method, route.takes)
        if route.strict and reading.unknown:
            at, kind = next(iter(reading.unknown.items()))
            raise errors.unknown_member(at, kind)
        self._note(f"{route.method} {route.template}: request", _unknown(reading.unknown))
        return reading.body

    def taken(self, method: str, action: str, raw: bytes, takes: Any) -> None:  # noqa: ANN401 a model
        """Hold a body that somebody else will read against its model; note what that has not."""
        reading = read_body(raw, method, takes)
        self._note(f"{method} {action}: request", _unknown(reading.unknown))

    def given(self, route: Route, answer: Answer) -> None:
        """Record what of an answer is not as specified, if requested."""
        if self.check_answers and answer.body is not None and route.gives:
            found = differences(answer.body, shape_of(route.gives))
            self._note(f"{route.method} {route.template}: answer", found)

    def _note(self, where: str, found: Iterable[str]) -> None:
        self.differences.update(f"{where}: {difference}" for difference in found)


def _unknown(members: dict[str, str]) -> list[str]:
    return [f"{at}: not in {kind}" for at, kind in members.items()]
