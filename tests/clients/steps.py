"""What a client did, step by step: how long it took, and what was wrong."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from rich.console import Console

_CONSOLE = Console()


@dataclass(frozen=True)
class Step:
    """One thing done; `wrong` says why it failed, and is None where it did not."""

    name: str
    seconds: float
    wrong: str | None = None


class Wrong(Exception):
    """A client failed, or got what it should not have got; the text says what."""


@dataclass
class Steps:
    """The steps of one client in their order; each is printed as it ends."""

    client: str
    taken: list[Step] = field(default_factory=list)

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Take what is done inside for a step; a failure is recorded and the next step follows."""
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
    """Print a line as it is."""
    _CONSOLE.print(text, markup=False, highlight=False, soft_wrap=True)


def expect(got: object, wanted: object) -> None:
    """Raise Wrong, with both in its text, if what a client got is not what was wanted."""
    if got != wanted:
        msg = f"{got!r} where {wanted!r} was expected"
        raise Wrong(msg)
