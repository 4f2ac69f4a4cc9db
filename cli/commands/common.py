"""What commands have in common: how one is added, and arguments of several of them.

A command is a function of its arguments and the cloud, which returns the exit code.
"""

import argparse
from collections.abc import Callable

from shared.model.cloud import Cloud

type Command = Callable[[argparse.Namespace, Cloud], int]
type Add = Callable[..., argparse.ArgumentParser]
"""Adds the parser of a command: its name, `help`, and the command as `run`."""


def add_currency(parser: argparse.ArgumentParser) -> None:
    """Add the argument for the currency of prices."""
    parser.add_argument(
        "--currency", metavar="CODE", help="currency of list prices, for example EUR"
    )
