"""`stillframe sweep`, `plan`, `status`, `report` and `ledger`: what Stillframe finds.

Reads Azure as the signed-in user and changes nothing: no VM, no tag, and no heartbeat is published.
In a checkout also `make sweep`, `make plan`, `make status`.

Tables or JSON go to stdout, progress and errors to stderr. Exit codes: 0; 1 if something could not
be read, with what to do about it on stderr; 2 if arguments or settings are invalid; 130 after
Ctrl-C; `make` ends with 2 for each but 0. The status of an order is the one that the app has
written to the VM's tags.
"""

import argparse
import json
import logging
import os
import sys
import time
import webbrowser
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext, suppress
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.spinner import Spinner

from cli.advice import (
    NO_LEDGER,
    NONE_VISIBLE,
    advise,
    ledger_unread,
    list_unread,
    settings_unread,
)
from cli.app import app_settings, read_app_id
from cli.focus import focus_csv
from cli.ledger_page import ledger_page, read_month
from cli.status_page import status_page
from cli.subscriptions import enabled_subscriptions
from cli.tables import naming, plain, plan_page, sweep_page
from cli.words import in_the_apps_words
from shared.cloud.azure import connect
from shared.model.cloud import Cloud
from shared.model.errors import Misconfigured, Refused, StillframeError, Transient
from shared.model.ledger import Ledger, month_of
from shared.model.settings import APP_NAME, Name, read_settings
from shared.model.version import VERSION
from shared.page.html import report_html
from shared.page.names import Names
from shared.page.orders import STATUSES, Row, chosen, orders
from shared.page.view import view
from shared.sweep.report import SweepReport
from shared.sweep.sweeper import Sweeper

OK, TROUBLE, USAGE, INTERRUPTED = 0, 1, 2, 130
EVERY = 15
"""Seconds between two reads of `status --watch`."""

COLUMNS = 130
"""The width of tables in a file or a pipe."""

SINCE_LAST_SWEEP = timedelta(hours=1)
"""Assumed for every sweep, so that it also visits what is due once an hour."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; return the exit code."""
    try:
        return _piped(arguments)
    except KeyboardInterrupt:
        return INTERRUPTED


def _piped(arguments: Sequence[str] | None) -> int:
    """Run one command; a reader that closes its pipe ends it, and that is no error."""
    try:
        ended = _run(arguments)
        sys.stdout.flush()
    except BrokenPipeError:  # the reader, such as `head`, has closed the pipe
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return OK
    return ended


def _run(arguments: Sequence[str] | None) -> int:
    given = _parser().parse_args(arguments)
    logging.basicConfig(handlers=[logging.NullHandler()])  # output and advice have all of it
    try:
        of_app = _of_app(given.app, os.environ)
        environment = _environment(given, os.environ, of_app or {})
        if not given.app and not environment.get(Name.SUBSCRIPTIONS, "").strip():
            visible = _visible(environment)
            if not visible:
                return TROUBLE
            environment[Name.SUBSCRIPTIONS] = ",".join(visible)
        settings = read_settings(environment)
    except Misconfigured as wrong:
        print(f"{wrong}\n{_WHICH_IDS}", file=sys.stderr)
        return USAGE
    ended = _command(given)(connect(settings))
    return TROUBLE if of_app is None else ended


def _command(given: argparse.Namespace) -> Callable[[Cloud], int]:
    """Return the command with its form of output."""
    if given.command == "sweep":
        return partial(_sweep, as_json=given.json, as_csv=given.csv)
    if given.command == "ledger":
        return partial(_ledger, month=given.month, as_json=given.json)
    if given.command == "report":
        return partial(_report, given)
    if given.command == "plan":
        return partial(_plan, as_json=given.json)
    return partial(_watch if given.watch else _status, given)


def _parser() -> argparse.ArgumentParser:
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument(
        "--subscription",
        action="append",
        default=[],
        metavar="ID",
        help="a subscription id; may be repeated; default: those in SUBSCRIPTIONS, else all "
        "enabled subscriptions that you can see",
    )
    common.add_argument(
        "--app",
        type=read_app_id,
        metavar="ID",
        help="the function app's resource id: use its settings",
    )
    common.add_argument("--json", action="store_true", help="print JSON")
    parser = argparse.ArgumentParser(
        prog="stillframe",
        description="Show what Stillframe finds in subscriptions. Changes nothing.",
        epilog="Other settings (docs/operations.md) are read from the app that --app names, "
        "else from the environment.",
    )
    parser.add_argument("--version", action="version", version=f"%(prog)s {VERSION}")
    commands = parser.add_subparsers(dest="command", required=True)
    sweep = commands.add_parser("sweep", parents=[common], help="what a sweep would find and do")
    sweep.add_argument(
        "--currency", metavar="CODE", help="currency of list prices, for example EUR"
    )
    sweep.add_argument(
        "--csv", action="store_true", help="print the VMs billed while stopped, in FOCUS columns"
    )
    ledger = commands.add_parser(
        "ledger", parents=[common], help="what has ended in a month, and what it came to"
    )
    ledger.add_argument(
        "--month", type=read_month, metavar="YYYY-MM", help="default: this month (UTC)"
    )
    report = commands.add_parser(
        "report", parents=[common], help="the same as one HTML file, to show and to mail"
    )
    report.add_argument(
        "--output",
        metavar="FILE",
        default="stillframe-report.html",
        help="default: stillframe-report.html; - is stdout",
    )
    report.add_argument("--mask", action="store_true", help="without names: vm 1, owner 2")
    report.add_argument("--open", action="store_true", help="open it in the browser")
    report.add_argument(
        "--currency", metavar="CODE", help="currency of list prices, for example EUR"
    )
    commands.add_parser("plan", parents=[common], help="only what the app would do now")
    status = commands.add_parser(
        "status", parents=[common], help="every order: its status and next step"
    )
    status.add_argument(
        "--status", action="append", default=[], choices=STATUSES, help="only orders with it"
    )
    status.add_argument(
        "--vm",
        action="append",
        default=[],
        metavar="PATTERN",
        help="only orders of VMs with this name or group/name; * and ? are allowed",
    )
    status.add_argument("--all", action="store_true", help="also list the captured ones")
    status.add_argument(
        "--watch", action="store_true", help=f"show it again every {EVERY} s, until Ctrl-C"
    )
    return parser


def _of_app(app_id: str | None, environment: Mapping[str, str]) -> dict[str, str] | None:
    """Return the settings of the app, if one is named; None if they cannot be read."""
    try:
        return app_settings(app_id, environment) if app_id else {}
    except (Refused, Transient) as error:
        print(settings_unread(error), file=sys.stderr)
        return None


def _visible(environment: Mapping[str, str]) -> list[str]:
    """Return the subscriptions to read if none is named; print how many, or why none, on stderr."""
    try:
        found = enabled_subscriptions(environment)
    except StillframeError as error:
        print(list_unread(str(error)), file=sys.stderr)
        return []
    told = (
        f"No subscription given: reading all {len(found)} enabled subscriptions that you can see."
    )
    print(told if found else NONE_VISIBLE, file=sys.stderr)
    return found


def _environment(
    given: argparse.Namespace, environment: Mapping[str, str], of_app: Mapping[str, str]
) -> dict[str, str]:
    """Return the settings to use; later sources override earlier ones.

    The sources are the environment, the app's settings, the fixed settings of a dry run, and the
    arguments. A command publishes no heartbeat: it would hide that the app has stopped sweeping.
    """
    named = {APP_NAME: given.app.rpartition("/")[2]} if given.app else {}
    settings = {**environment, **named, **of_app, Name.DRY_RUN: "true", Name.OUTCOME_TOPIC: ""}
    settings.pop("SUBSCRIPTION", None)  # make passes its own variables on
    if given.subscription:
        settings[Name.SUBSCRIPTIONS] = ",".join(given.subscription)
    if given.command in ("sweep", "report") and given.currency:
        settings[Name.COST_GUARD_CURRENCY] = given.currency
    return settings


def _sweep(cloud: Cloud, *, as_json: bool, as_csv: bool) -> int:
    """Show what a sweep would find and do."""
    report, now = _swept(cloud)
    subscriptions = cloud.settings.subscriptions
    if as_csv:
        print(focus_csv(report, now), end="")
    elif as_json:
        print(json.dumps(report.body(now) | {"unjudged": list(report.unsaid)}, indent=2))
    elif len(report.unlisted) < len(subscriptions):
        _screen().print(*sweep_page(report, now, naming(subscriptions)), sep="\n")
    return _gaps(report)


def _report(given: argparse.Namespace, cloud: Cloud) -> int:
    """Write what a sweep would find into one HTML file, and print its name."""
    report, now = _swept(cloud)
    if given.json:
        print(json.dumps(report.body(now), indent=2))
        return _gaps(report)
    names, ledger = Names(masked=given.mask), _ledger_or_why(cloud, now)
    seen = view(report, orders(report.ordered), ledger, cloud.settings, now, names=names)
    page = report_html(seen)
    if given.output == "-":
        sys.stdout.buffer.write(page)
        return _gaps(report)
    file = Path(given.output).resolve()
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
    return _gaps(report)


def _ledger_or_why(cloud: Cloud, now: datetime) -> Ledger | str:
    """Return this month's ledger, or why there is none."""
    if not cloud.settings.ledger:
        return "This app keeps no ledger (LEDGER)."
    try:
        return cloud.ledger_of(month_of(now))
    except StillframeError as error:
        return f"The ledger could not be read: {error}"


def _plan(cloud: Cloud, *, as_json: bool) -> int:
    """Show only what the app would do now."""
    report, now = _swept(cloud)
    subscriptions = cloud.settings.subscriptions
    if as_json:
        body = report.body(now)
        planned = {name: body[name] for name in _OF_A_PLAN}
        print(json.dumps(planned | {"unjudged": list(report.unsaid)}, indent=2))
    elif len(report.unlisted) < len(subscriptions):
        _screen().print(*plan_page(report, naming(subscriptions)), sep="\n")
    return _gaps(report)


def _swept(cloud: Cloud) -> tuple[SweepReport, datetime]:
    """Run a sweep as a dry run; return its report and its time."""
    now = datetime.now(UTC)
    with _progress(cloud):
        return in_the_apps_words(Sweeper(cloud).sweep(now - SINCE_LAST_SWEEP, now)), now


def _gaps(report: SweepReport) -> int:
    """Explain which subscriptions could not be listed; return `TROUBLE` if anything is missing."""
    _explain(report.unlisted)
    gaps = report.unlisted or report.failed or report.unreached or report.strange
    return TROUBLE if gaps else OK


def _status(given: argparse.Namespace, cloud: Cloud) -> int:
    """Show the status of every order that is asked for."""
    with _progress(cloud):
        rows, unlisted, strange = _orders(cloud)
    if given.json:
        wanted = chosen(rows, given.status, given.vm)
        told = {"orders": wanted, "unlisted": unlisted, "strange": strange}
        print(json.dumps({"version": VERSION} | told, indent=2))
    elif len(unlisted) < len(cloud.settings.subscriptions):
        page = _status_page(given, rows, cloud)
        _screen().print(*page, f"Stillframe {VERSION}", sep="\n")
    _explain(unlisted)
    for vm, why in strange.items():
        print(f"{vm} is not shown: its entry in Azure's list is malformed ({why})", file=sys.stderr)
    return TROUBLE if unlisted or strange else OK


def _status_page(given: argparse.Namespace, rows: list[Row], cloud: Cloud) -> list[RenderableType]:
    wanted = chosen(rows, given.status, given.vm)
    name = naming(cloud.settings.subscriptions)
    filtered = bool(given.status or given.vm)
    return status_page(wanted, name, whole=given.all, filtered=filtered)


def _watch(given: argparse.Namespace, cloud: Cloud) -> int:
    """Show the status of orders on a terminal, again and again until Ctrl-C."""
    screen = _screen()
    if given.json or not screen.is_terminal:
        print("--watch needs a terminal, and tables: leave it out", file=sys.stderr)
        return USAGE
    with suppress(KeyboardInterrupt), Live(console=screen, auto_refresh=False) as live:
        while True:
            rows, unlisted, strange = _orders(cloud)
            told = [f"{where}: {why.partition('\n')[0]}" for where, why in unlisted.items()]
            told += [f"{vm} is not shown: {why}" for vm, why in strange.items()]
            told.append(f"{datetime.now(UTC):%H:%M:%S} UTC, again in {EVERY} s; Ctrl-C ends it")
            page = [*_status_page(given, rows, cloud), *map(plain, told)]
            live.update(Group(*page), refresh=True)
            time.sleep(EVERY)
    return OK


def _ledger(cloud: Cloud, *, month: str | None, as_json: bool) -> int:
    """Show what has ended in a month, and what it came to."""
    if not cloud.settings.ledger:
        print(NO_LEDGER, file=sys.stderr)
        return USAGE
    try:
        ledger = cloud.ledger_of(month or month_of(datetime.now(UTC)))
    except StillframeError as error:
        print(ledger_unread(str(error), cloud.settings.ledger), file=sys.stderr)
        return TROUBLE
    if as_json:
        print(json.dumps({"version": VERSION, **ledger.body()}, indent=2))
    else:
        _screen().print(*ledger_page(ledger, naming(cloud.settings.subscriptions)), sep="\n")
    return OK


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


class _Screen(Console):
    """A console that leaves a closed pipe to `main`; rich's own ends the process with 1."""

    def on_broken_pipe(self) -> None:
        raise BrokenPipeError


def _screen() -> Console:
    """Return the terminal, or a console of `COLUMNS` columns for a file or pipe."""
    console = _Screen(highlight=False)
    return console if console.is_terminal else _Screen(highlight=False, width=COLUMNS)


def _progress(cloud: Cloud) -> AbstractContextManager[object]:
    """Show progress on a terminal; it is removed at the end."""
    screen = Console(stderr=True)
    if not screen.is_terminal:
        return nullcontext()
    spinner, watched = Spinner("dots"), len(cloud.settings.subscriptions)

    def shown() -> Spinner:
        spinner.update(text=f"listing {watched} subscription(s): {cloud.requests} requests")
        return spinner

    return Live(get_renderable=shown, console=screen, transient=True, refresh_per_second=8)


def _explain(unlisted: Mapping[str, str]) -> None:
    """Print which subscriptions could not be listed, why, and what to do next."""
    for subscription, why in unlisted.items():
        print(f"{subscription}: {advise(why, subscription)}", file=sys.stderr)


_OF_A_PLAN = ("version", "steps", "bills", "failed", "unreached", "unlisted", "strange", "counts")
"""Members of a sweep's report in `plan --json`."""

_WHICH_IDS = (
    "Give a subscription: stillframe sweep --subscription <id>, or make sweep SUBSCRIPTION=<id> "
    "(az account list --output table shows the ids)"
)

if __name__ == "__main__":
    sys.exit(main())
