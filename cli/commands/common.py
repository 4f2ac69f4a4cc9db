"""What commands have in common: how one is added, and arguments of several of them.

A command is a function of its arguments and the cloud, which returns the exit code.
"""

import argparse
from collections.abc import Callable

from shared.model.cloud import Cloud
from shared.model.errors import Misconfigured
from shared.model.values import read_currency

type Command = Callable[[argparse.Namespace, Cloud], int]
type Add = Callable[..., argparse.ArgumentParser]
"""Adds the parser of a command: its name, `help`, and the command as `run`."""


def add_currency(parser: argparse.ArgumentParser) -> None:
    """Add the argument for the currency of prices."""
    parser.add_argument(
        "--currency",
        metavar="CODE",
        type=_currency,
        help="currency of list prices, for example EUR",
    )


def _currency(text: str) -> str:
    """Return a currency code; raise `ArgumentTypeError` if it is not one."""
    try:
        return read_currency("--currency", text.upper())
    except Misconfigured as wrong:
        raise argparse.ArgumentTypeError(str(wrong)) from None
