"""`stillframe status`: every order, its status and its next step; once, or again and again."""

import argparse
import json
import sys
import time
from contextlib import suppress
from datetime import UTC, datetime

from rich.console import Group, RenderableType
from rich.live import Live

from cli.commands.common import Add
from cli.exit_codes import OK, TROUBLE, USAGE
from cli.screen import explain, progress, screen
from cli.status_page import status_page
from cli.tables import naming, plain
from shared.model.cloud import Cloud
from shared.model.errors import StillframeError
from shared.model.version import VERSION
from shared.page.orders import STATUSES, Row, chosen, orders

EVERY = 15
"""Seconds between two reads of `--watch`."""


def add(command: Add) -> None:
    """Add the command."""
    parser = command("status", run=status, help="every order: its status and next step")
    parser.add_argument(
        "--status", action="append", default=[], choices=STATUSES, help="only orders with it"
    )
    parser.add_argument(
        "--vm",
        action="append",
        default=[],
        metavar="PATTERN",
        help="only orders of VMs with this name or group/name; * and ? are allowed",
    )
    parser.add_argument("--all", action="store_true", help="also list the captured ones")
    parser.add_argument(
        "--watch", action="store_true", help=f"show it again every {EVERY} s, until Ctrl-C"
    )


def status(given: argparse.Namespace, cloud: Cloud) -> int:
    """Show the status of every order that is asked for."""
    if given.watch:
        return _watch(given, cloud)
    with progress(cloud):
        rows, unlisted, strange = _orders(cloud)
    if given.json:
        wanted = chosen(rows, given.status, given.vm)
        told = {"orders": wanted, "unlisted": unlisted, "strange": strange}
        print(json.dumps({"version": VERSION} | told, indent=2))
    elif len(unlisted) < len(cloud.settings.subscriptions):
        screen().print(*_page(given, rows, cloud), f"Stillframe {VERSION}", sep="\n")
    explain(unlisted)
    for vm, why in strange.items():
        print(f"{vm} is not shown: its entry in Azure's list is malformed ({why})", file=sys.stderr)
    return TROUBLE if unlisted or strange else OK


def _watch(given: argparse.Namespace, cloud: Cloud) -> int:
    """Show the status of orders on a terminal, again and again until Ctrl-C."""
    console = screen()
    if given.json or not console.is_terminal:
        print("--watch needs a terminal, and tables: leave it out", file=sys.stderr)
        return USAGE
    with suppress(KeyboardInterrupt), Live(console=console, auto_refresh=False) as live:
        while True:
            rows, unlisted, strange = _orders(cloud)
            told = [f"{where}: {why.partition('\n')[0]}" for where, why in unlisted.items()]
            told += [f"{vm} is not shown: {why}" for vm, why in strange.items()]
            told.append(f"{datetime.now(UTC):%H:%M:%S} UTC, again in {EVERY} s; Ctrl-C ends it")
            live.update(Group(*_page(given, rows, cloud), *map(plain, told)), refresh=True)
            time.sleep(EVERY)
    return OK


def _page(given: argparse.Namespace, rows: list[Row], cloud: Cloud) -> list[RenderableType]:
    wanted = chosen(rows, given.status, given.vm)
    name = naming(cloud.settings.subscriptions)
    return status_page(wanted, name, whole=given.all, filtered=bool(given.status or given.vm))


def _orders(cloud: Cloud) -> tuple[list[Row], dict[str, str], dict[str, str]]:
    """Return all orders, from the lists alone.

    And the reasons: by subscription that could not be listed, and by VM with a malformed entry.
    """
    rows: list[Row] = []
    unlisted: dict[str, str] = {}
    strange: dict[str, str] = {}
    for subscription in cloud.settings.subscriptions:
        try:
            listing = cloud.vms(subscription)
        except StillframeError as error:
            unlisted[subscription] = str(error)
            continue
        rows += orders(listing.vms.values())
        strange |= listing.strange
    return rows, unlisted, strange
