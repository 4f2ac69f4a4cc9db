"""`stillframe report`: what a sweep finds, as one HTML file."""

import argparse
import json
import sys
import webbrowser
from datetime import datetime
from pathlib import Path

from cli.commands.common import Add, add_currency
from cli.dry_run import gaps, swept
from cli.exit_codes import USAGE
from shared.model.cloud import Cloud
from shared.model.errors import StillframeError
from shared.page.names import Names
from shared.page.report import report_page

USUAL = "stillframe-report.html"
"""The file if none is named."""


def add(command: Add) -> None:
    """Add the command."""
    parser = command("report", run=report, help="sweep and status as one HTML file, to mail")
    parser.add_argument(
        "--output",
        metavar="FILE",
        help=f"default: {USUAL}; - is stdout",
    )
    parser.add_argument("--mask", action="store_true", help="without names: vm 1, owner 2")
    parser.add_argument("--open", action="store_true", help="open it in the browser")
    add_currency(parser)


def report(given: argparse.Namespace, cloud: Cloud) -> int:
    """Write what a sweep would find into one HTML file, and print its name."""
    if given.json and (given.output or given.open or given.mask):
        print("--json is printed: leave out --output, --open and --mask", file=sys.stderr)
        return USAGE
    found, now = swept(cloud)
    if given.json:
        print(json.dumps(found.body(now), indent=2))
        return gaps(found)
    if len(found.unlisted) == len(cloud.settings.subscriptions):
        return gaps(found)  # a page without anything would look as if there were nothing
    page = report_page(cloud, found, now, _reported(cloud), Names(masked=given.mask))
    if given.output == "-":
        sys.stdout.buffer.write(page)
        return gaps(found)
    file = Path(given.output or USUAL).resolve()
    try:
        file.write_bytes(page)
    except OSError as error:
        print(
            f"{file} cannot be written: {error.strerror}; name another: --output", file=sys.stderr
        )
        return USAGE
    print(file)
    if given.open:
        webbrowser.open(file.as_uri())
    return gaps(found)


def _reported(cloud: Cloud) -> datetime | None:
    """Return when the app last kept a report; None if there is none, or it may not be read."""
    try:
        return cloud.page_kept()
    except StillframeError:
        return None
