"""The consoles that commands print to, and the progress of long work."""

import sys
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext

from rich.console import Console
from rich.live import Live
from rich.spinner import Spinner

from cli.advice import advise
from shared.model.cloud import Cloud

COLUMNS = 130
"""The width of tables in a file or a pipe."""


class _Screen(Console):
    """A console that leaves a closed pipe to `main`; rich's own ends the process with 1."""

    def on_broken_pipe(self) -> None:
        raise BrokenPipeError


def screen() -> Console:
    """Return the terminal, or a console of `COLUMNS` columns for a file or pipe."""
    console = _Screen(highlight=False)
    return console if console.is_terminal else _Screen(highlight=False, width=COLUMNS)


def progress(cloud: Cloud) -> AbstractContextManager[object]:
    """Show progress on a terminal; it is removed at the end."""
    console = Console(stderr=True)
    if not console.is_terminal:
        return nullcontext()
    spinner, watched = Spinner("dots"), len(cloud.settings.subscriptions)

    def shown() -> Spinner:
        spinner.update(text=f"listing {watched} subscription(s): {cloud.requests} requests")
        return spinner

    return Live(get_renderable=shown, console=console, transient=True, refresh_per_second=8)


def explain(unlisted: Mapping[str, str]) -> None:
    """Print which subscriptions could not be listed, why, and what to do next."""
    for subscription, why in unlisted.items():
        print(f"{subscription}: {advise(why, subscription)}", file=sys.stderr)
