"""A client's steps: how long each took, and its error."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from rich.console import Console

_CONSOLE = Console()


@dataclass(frozen=True)
class Step:
    """One step; `wrong` is its error, None if it succeeded."""

    name: str
    seconds: float
    wrong: str | None = None


class Wrong(Exception):
    """A client failed, or got a wrong result; the text says what."""


@dataclass
class Steps:
    """The steps of one client in their order; each is printed as it ends."""

    client: str
    taken: list[Step] = field(default_factory=list)

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Run the block as a step; a failure is recorded and the next step follows."""
        begun = time.monotonic()
        wrong = None
        try:
            yield
        except Exception as error:  # noqa: BLE001 - whatever it is, the steps that follow are tried
            wrong = str(error) if isinstance(error, Wrong) else f"{type(error).__name__}: {error}"
        self.add(Step(name, time.monotonic() - begun, wrong))

    def add(self, step: Step) -> None:
        """Record a step that has ended."""
        self.taken.append(step)
        say(f"{self.client:>12}  {step.seconds:6.1f} s  {step.name}")
        if step.wrong is not None:
            say(f"{'':>14}FAILED: {step.wrong.strip()}")

    @property
    def failed(self) -> list[Step]:
        """Return the steps in which something was wrong."""
        return [step for step in self.taken if step.wrong is not None]

    @property
    def seconds(self) -> float:
        """Return how long all steps took together."""
        return sum(step.seconds for step in self.taken)


def say(text: str) -> None:
    """Print a line unchanged."""
    _CONSOLE.print(text, markup=False, highlight=False, soft_wrap=True)


def expect(got: object, wanted: object) -> None:
    """Raise Wrong, with both values in its text, if they differ."""
    if got != wanted:
        msg = f"{got!r} where {wanted!r} was expected"
        raise Wrong(msg)
