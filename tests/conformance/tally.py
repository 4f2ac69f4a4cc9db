"""Pairs -> counts: per operation, per difference, per reason."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from tests.conformance.compare import Difference
from tests.conformance.expected import reason_for
from tests.conformance.replay import Pair


@dataclass
class Count:
    """The results of an operation's pairs; one unexplained difference makes a pair unexplained."""

    pairs: int = 0
    same: int = 0
    explained: int = 0
    unexplained: int = 0
    versions: set[str] = field(default_factory=set)


@dataclass
class Seen:
    """How often a difference was seen, in which api-versions, and where first."""

    pairs: int = 0
    versions: set[str] = field(default_factory=set)
    example: str = ""


@dataclass(frozen=True, order=True)
class Found:
    """A difference of an operation; without a reason it is unexplained."""

    operation: str
    difference: Difference
    reason: str


class Tally:
    """The counts of a whole run."""

    def __init__(self) -> None:
        self.operations: dict[str, Count] = {}
        self.found: dict[Found, Seen] = {}
        self.skipped: Counter[str] = Counter()
        self.cassettes: dict[str, Counter[str]] = {}

    def add(self, pair: Pair) -> None:
        """Count a pair."""
        name = pair.operation.name
        found = [
            Found(name, each, reason_for(pair.exchange, name, each) or "")
            for each in sorted(set(pair.differences))
        ]
        count = self.operations.setdefault(name, Count())
        count.pairs += 1
        count.versions.add(pair.exchange.api_version)
        count.same += not found
        count.explained += bool(found) and all(each.reason for each in found)
        count.unexplained += any(not each.reason for each in found)
        for each in found:
            seen = self.found.setdefault(each, Seen())
            seen.pairs += 1
            seen.versions.add(pair.exchange.api_version)
            seen.example = seen.example or f"{pair.exchange.cassette}#{pair.exchange.number}"

    def total(self) -> Count:
        """Return the sum over all operations."""
        counts = self.operations.values()
        return Count(
            sum(each.pairs for each in counts),
            sum(each.same for each in counts),
            sum(each.explained for each in counts),
            sum(each.unexplained for each in counts),
        )

    def of(self, operation: str) -> list[tuple[Found, Seen]]:
        """Return an operation's differences, the most frequent first."""
        return [each for each in self.ranked() if each[0].operation == operation]

    def ranked(self) -> list[tuple[Found, Seen]]:
        """Return all differences, the most frequent first, in a fixed order."""
        return sorted(self.found.items(), key=lambda each: (-each[1].pairs, each[0]))

    def reasons(self) -> list[tuple[str, int]]:
        """Return the reasons with the number of differences of each, the most frequent first."""
        counted: Counter[str] = Counter()
        for found, seen in self.found.items():
            counted[found.reason] += seen.pairs
        del counted[""]
        return sorted(counted.items(), key=lambda each: (-each[1], each[0]))

    def unexplained(self) -> Iterator[tuple[Found, Seen]]:
        """Give the differences without a reason, the most frequent first."""
        return (each for each in self.ranked() if not each[0].reason)
