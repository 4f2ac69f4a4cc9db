"""`stillframe sweep`, `plan` and `status`: arguments and settings -> a subscription, as we see it.

Asks Azure as whoever is signed in, and changes nothing: no VM, no tag, and the app's heartbeat is
left to the app. In a checkout also `make sweep`, `make plan`, `make status`.

Pages or JSON go to stdout, progress and trouble to stderr. Ends with 0; with 1 where the picture
has a gap, which is told with what to do about it; with 2 where the arguments or settings cannot be
meant. Orders are shown by the app's own words, which are on the VMs' tags.
"""

import argparse
import json
import logging
import os
import sys
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from datetime import UTC, datetime, timedelta

from rich.console import Console
from rich.live import Live
from rich.spinner import Spinner

from cli.advice import NONE_VISIBLE, advise, list_unread, settings_unread
from cli.app import app_settings, read_app_id
from cli.orders import Row, orders
from cli.subscriptions import enabled_subscriptions
from cli.tables import naming, plan_page, status_page, sweep_page
from cli.words import in_the_apps_words
from shared.cloud.azure import connect
from shared.model.cloud import Cloud
from shared.model.errors import Misconfigured, Refused, StillframeError, Transient
from shared.model.settings import APP_NAME, Name, read_settings
from shared.model.version import VERSION
from shared.sweep.report import SweepReport
from shared.sweep.sweeper import Sweeper

OK, TROUBLE, USAGE = 0, 1, 2
COLUMNS = 130
"""The width of tables that go to a file or a pipe."""

HOUR = timedelta(hours=1)
"""A sweep after so long looks at everything that is due once an hour, too."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; return the process's status."""
    try:
        ended = _run(arguments)
        sys.stdout.flush()
    except BrokenPipeError:  # whoever read the output, such as `head`, has had enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return OK
    return ended


def _run(arguments: Sequence[str] | None) -> int:
    said = _parser().parse_args(arguments)
    logging.basicConfig(handlers=[logging.NullHandler()])  # the pages and the advice say it all
    try:
        of_app = _of_app(said.app, os.environ)
        environment = _environment(said, os.environ, of_app or {})
        if not said.app and not environment.get(Name.SUBSCRIPTIONS, "").strip():
            visible = _visible(environment)
            if not visible:
                return TROUBLE
            environment[Name.SUBSCRIPTIONS] = ",".join(visible)
        settings = read_settings(environment)
    except Misconfigured as wrong:
        print(f"{wrong}\n{_WHICH_IDS}", file=sys.stderr)
        return USAGE
    command = {"sweep": _sweep, "plan": _plan, "status": _status}[said.command]
    ended = command(connect(settings), as_json=said.json)
    return TROUBLE if of_app is None else ended


def _parser() -> argparse.ArgumentParser:
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument(
        "--subscription",
        action="append",
        default=[],
        metavar="ID",
        help="a subscription's id; may be repeated; else those in SUBSCRIPTIONS, else every "
        "enabled one that you can see",
    )
    common.add_argument(
        "--app",
        type=read_app_id,
        metavar="ID",
        help="the function app's resource id: go by the settings that it has",
    )
    common.add_argument("--json", action="store_true", help="for machines")
    parser = argparse.ArgumentParser(
        prog="stillframe",
        description="Subscriptions as Stillframe sees them. Nothing is changed.",
        epilog="Other settings (docs/operations.md) are those of the app that --app names, "
        "else of the environment.",
    )
    parser.add_argument("--version", action="version", version=f"%(prog)s {VERSION}")
    commands = parser.add_subparsers(dest="command", required=True)
    sweep = commands.add_parser("sweep", parents=[common], help="what a sweep finds and would do")
    sweep.add_argument("--currency", metavar="CODE", help="of list prices, as EUR")
    commands.add_parser("plan", parents=[common], help="only what the app would do now")
    commands.add_parser("status", parents=[common], help="every order: its status and next step")
    return parser


def _of_app(app_id: str | None, environment: Mapping[str, str]) -> dict[str, str] | None:
    """Return the settings of the app, where one is named; None where they cannot be read."""
    try:
        return app_settings(app_id, environment) if app_id else {}
    except (Refused, Transient) as error:
        print(settings_unread(error), file=sys.stderr)
        return None


def _visible(environment: Mapping[str, str]) -> list[str]:
    """Return the subscriptions to look at where none is named; say on stderr which, or why none."""
    try:
        found = enabled_subscriptions(environment)
    except StillframeError as error:
        print(list_unread(str(error)), file=sys.stderr)
        return []
    told = f"No subscription is named: looking at all {len(found)} enabled ones that you can see."
    print(told if found else NONE_VISIBLE, file=sys.stderr)
    return found


def _environment(
    said: argparse.Namespace, environment: Mapping[str, str], of_app: Mapping[str, str]
) -> dict[str, str]:
    """Return the settings to go by, each overruling the ones before.

    They are the environment's, the app's, those that must be so, and the arguments'. A person's
    sweep is no heartbeat: published, it would hide that the app has stopped sweeping.
    """
    named = {APP_NAME: said.app.rpartition("/")[2]} if said.app else {}
    settings = {**environment, **named, **of_app, Name.DRY_RUN: "true", Name.OUTCOME_TOPIC: ""}
    settings.pop("SUBSCRIPTION", None)  # make hands down its own variables
    if said.subscription:
        settings[Name.SUBSCRIPTIONS] = ",".join(said.subscription)
    if said.command == "sweep" and said.currency:
        settings[Name.COST_GUARD_CURRENCY] = said.currency
    return settings


def _sweep(cloud: Cloud, *, as_json: bool) -> int:
    """Show what a sweep finds and would do."""
    report, now = _swept(cloud)
    subscriptions = cloud.settings.subscriptions
    if as_json:
        print(json.dumps(report.body(now) | {"unjudged": list(report.unsaid)}, indent=2))
    elif len(report.unlisted) < len(subscriptions):
        _screen().print(*sweep_page(report, now, naming(subscriptions)), sep="\n")
    return _gaps(report)


def _plan(cloud: Cloud, *, as_json: bool) -> int:
    """Show what the app would do now, and nothing that is only a figure."""
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
    """Return what a sweep comes to that changes nothing, and its instant."""
    now = datetime.now(UTC)
    with _progress(cloud):
        return in_the_apps_words(Sweeper(cloud).sweep(now - HOUR, now)), now


def _gaps(report: SweepReport) -> int:
    """Explain which subscriptions are missing; return `TROUBLE` if anything is."""
    _explain(report.unlisted)
    gaps = report.unlisted or report.failed or report.unreached or report.strange
    return TROUBLE if gaps else OK


def _status(cloud: Cloud, *, as_json: bool) -> int:
    """Show how every order stands."""
    with _progress(cloud):
        rows, unlisted, strange = _orders(cloud)
    subscriptions = cloud.settings.subscriptions
    if as_json:
        told = {"orders": rows, "unlisted": unlisted, "strange": strange}
        print(json.dumps({"version": VERSION} | told, indent=2))
    elif len(unlisted) < len(subscriptions):
        _screen().print(status_page(rows, naming(subscriptions)), f"Stillframe {VERSION}", sep="\n")
    _explain(unlisted)
    for vm, why in strange.items():
        print(f"{vm} is left out: Azure does not list it as documented ({why})", file=sys.stderr)
    return TROUBLE if unlisted or strange else OK


def _orders(cloud: Cloud) -> tuple[list[Row], dict[str, str], dict[str, str]]:
    """Return all orders, from the lists alone.

    And why, for each subscription without a list, and for each VM that its list does not show.
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
        rows += orders(listing)
        strange |= listing.strange
    return rows, unlisted, strange


def _screen() -> Console:
    """Return the terminal, or for a file as many columns as its lines may have."""
    console = Console(highlight=False)
    return console if console.is_terminal else Console(highlight=False, width=COLUMNS)


def _progress(cloud: Cloud) -> AbstractContextManager[object]:
    """Show on a terminal that something goes on, and how far; gone when it is over."""
    screen = Console(stderr=True)
    if not screen.is_terminal:
        return nullcontext()
    spinner, watched = Spinner("dots"), len(cloud.settings.subscriptions)

    def shown() -> Spinner:
        spinner.update(text=f"listing {watched} subscription(s): {cloud.requests} requests")
        return spinner

    return Live(get_renderable=shown, console=screen, transient=True, refresh_per_second=8)


def _explain(unlisted: Mapping[str, str]) -> None:
    """Say which subscriptions could not be read, why, and what to do next."""
    for subscription, why in unlisted.items():
        print(f"{subscription}: {advise(why, subscription)}", file=sys.stderr)


_OF_A_PLAN = ("version", "steps", "bills", "failed", "unreached", "unlisted", "strange", "counts")
"""What `plan --json` has of a sweep's report."""

_WHICH_IDS = (
    "Name a subscription: stillframe sweep --subscription <id>, or make sweep SUBSCRIPTION=<id> "
    "(az account list --output table has the ids)"
)

if __name__ == "__main__":
    sys.exit(main())
