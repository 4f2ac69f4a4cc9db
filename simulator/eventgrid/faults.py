"""Faults between an event and its delivery, on request.

Takes rules (lose, double, delay, shuffle; which events; how many) and gives, for each delivery
about to start, when its copies are sent. A rule counts deliveries: an event that matches two
subscriptions is two of them.
"""

import itertools
import random
from collections.abc import Iterable
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Literal

from simulator.eventgrid.delivery import Delivery
from simulator.eventgrid.errors import refuse_invalid
from simulator.eventgrid.events import Json

type Kind = Literal["lose", "double", "delay", "shuffle"]

KINDS: dict[str, Kind] = {
    "lose": "lose",
    "double": "double",
    "delay": "delay",
    "shuffle": "shuffle",
}
PREDICATES = ("type", "operationName", "subject", "eventSubscription")
# Deliveries of a shuffled window leave in its order: each so many seconds after the one before.
BETWEEN_SHUFFLED = 0.001


@dataclass
class Rule:
    """One fault; `left` None = for ever.

    `seconds` is the delay, or that of a doubled delivery's copy; `window` is how many deliveries
    are held to be sent in another order.
    """

    id: int
    kind: Kind
    match: dict[str, str]
    left: int | None
    seconds: float
    window: int
    seed: int
    used: int = 0
    held: list[Delivery] = field(default_factory=list)

    def applies(self, delivery: Delivery) -> bool:
        """Tell whether the rule is to be used on a delivery."""
        facts = delivery.summary | {"eventSubscription": delivery.subscription.name}
        return self.left != 0 and all(
            fnmatchcase(facts[name].lower(), pattern.lower())
            for name, pattern in self.match.items()
        )

    def use(self) -> None:
        """Count one use."""
        self.used += 1
        if self.left is not None:
            self.left -= 1

    def row(self) -> Json:
        """Give the rule as steering shows it."""
        return {
            "id": self.id,
            "kind": self.kind,
            "match": self.match,
            "left": self.left,
            "seconds": self.seconds,
            "window": self.window,
            "used": self.used,
            "held": len(self.held),
        }


@dataclass(frozen=True)
class Sending:
    """A delivery, or a copy of it, to be sent so many seconds later than it would have been."""

    delivery: Delivery
    seconds: float
    copy: bool = False


class Faults:
    """The rules in force, in the order they were given; the first that applies is used."""

    def __init__(self) -> None:
        self._rules: list[Rule] = []
        self._numbers = itertools.count(1)

    def add(self, content: Json) -> Rule:
        """Take a rule as steering sends it; raises Refused."""
        rule = _rule(next(self._numbers), content)
        self._rules.append(rule)
        return rule

    def apply(self, delivery: Delivery) -> list[Sending]:
        """Return what is sent now that this delivery is about to start; empty = lost, or held."""
        rule = next((rule for rule in self._rules if rule.applies(delivery)), None)
        if rule is None:
            return [Sending(delivery, 0)]
        rule.use()
        match rule.kind:
            case "lose":
                delivery.state = "lost"
                return []
            case "double":
                return [Sending(delivery, 0), Sending(delivery, rule.seconds, copy=True)]
            case "delay":
                return [Sending(delivery, rule.seconds)]
            case "shuffle":
                return _held_or_shuffled(rule, delivery)

    def rows(self) -> list[Json]:
        """List the rules."""
        return [rule.row() for rule in self._rules]

    def clear(self) -> list[Sending]:
        """Remove the rules; return what they held back."""
        held = [delivery for rule in self._rules for delivery in rule.held]
        self._rules.clear()
        return _one_by_one(held)


def _held_or_shuffled(rule: Rule, delivery: Delivery) -> list[Sending]:
    rule.held.append(delivery)
    if len(rule.held) < rule.window and rule.left != 0:
        return []
    released, rule.held = rule.held, []
    random.Random(rule.seed + rule.used).shuffle(released)  # noqa: S311 - repeatable on purpose
    return _one_by_one(released)


def _one_by_one(deliveries: Iterable[Delivery]) -> list[Sending]:
    return [Sending(one, n * BETWEEN_SHUFFLED) for n, one in enumerate(deliveries)]


def _rule(number: int, content: Json) -> Rule:
    kind = KINDS.get(str(content.get("kind")))
    if kind is None:
        refuse_invalid(f"kind must be one of {', '.join(KINDS)}.")
    match = content.get("match") or {}
    unknown = set(match) - set(PREDICATES)
    if unknown:
        refuse_invalid(f"match knows {', '.join(PREDICATES)}, not {', '.join(sorted(unknown))}.")
    return Rule(
        id=number,
        kind=kind,
        match={name: str(pattern) for name, pattern in match.items()},
        left=content.get("count"),
        seconds=float(content.get("seconds", 1.0)),
        window=int(content.get("window", 2)),
        seed=int(content.get("seed", 0)),
    )
