"""`stillframe ledger`: what has ended in a month, and what it came to."""

import argparse
import json
import sys
from datetime import UTC, datetime

from cli.advice import NO_LEDGER, ledger_unread
from cli.commands.common import Add
from cli.exit_codes import OK, TROUBLE, USAGE
from cli.ledger_page import ledger_page, read_month
from cli.screen import screen
from cli.tables import naming
from shared.model.cloud import Cloud
from shared.model.errors import StillframeError
from shared.model.ledger import month_of
from shared.model.version import VERSION


def add(command: Add) -> None:
    """Add the command."""
    text = "what has ended in a month, and what it came to; needs --app or LEDGER"
    ledgers = command("ledger", run=ledger, help=text, watches=False)
    ledgers.add_argument(
        "--month", type=read_month, metavar="YYYY-MM", help="default: this month (UTC)"
    )


def ledger(given: argparse.Namespace, cloud: Cloud) -> int:
    """Show what has ended in a month, and what it came to."""
    if not cloud.settings.ledger:
        print(NO_LEDGER, file=sys.stderr)
        return USAGE
    try:
        found = cloud.ledger_of(given.month or month_of(datetime.now(UTC)))
    except StillframeError as error:
        print(ledger_unread(str(error), cloud.settings.ledger), file=sys.stderr)
        return TROUBLE
    if given.json:
        print(json.dumps({"version": VERSION, **found.body()}, indent=2))
    else:
        screen().print(*ledger_page(found, naming(cloud.settings.subscriptions)), sep="\n")
    return OK
