"""`stillframe sweep` and `plan`: what a sweep would find and do, or only what it would do."""

import argparse
import json
import sys

from cli.commands.common import Add, add_currency
from cli.dry_run import gaps, swept
from cli.exit_codes import USAGE
from cli.focus import focus_csv
from cli.screen import screen
from cli.tables import naming, plan_page, sweep_page
from shared.model.cloud import Cloud

_OF_A_PLAN = ("version", "steps", "bills", "failed", "unreached", "unlisted", "strange", "counts")
"""Members of a sweep's report in `plan --json`."""


def add(command: Add) -> None:
    """Add both commands."""
    sweeps = command("sweep", run=sweep, help="what a sweep would find and do")
    add_currency(sweeps)
    sweeps.add_argument(
        "--csv", action="store_true", help="print the VMs billed while stopped, in FOCUS columns"
    )
    command("plan", run=plan, help="only what the app would do now")


def sweep(given: argparse.Namespace, cloud: Cloud) -> int:
    """Show what a sweep would find and do."""
    if given.csv and given.json:
        print("--csv and --json are two formats: leave one out", file=sys.stderr)
        return USAGE
    report, now = swept(cloud)
    subscriptions = cloud.settings.subscriptions
    if given.csv:
        print(focus_csv(report, now), end="")
    elif given.json:
        print(json.dumps(report.body(now) | {"unjudged": list(report.unsaid)}, indent=2))
    elif len(report.unlisted) < len(subscriptions):
        screen().print(*sweep_page(report, now, naming(subscriptions)), sep="\n")
    return gaps(report)


def plan(given: argparse.Namespace, cloud: Cloud) -> int:
    """Show only what the app would do now."""
    report, now = swept(cloud)
    subscriptions = cloud.settings.subscriptions
    if given.json:
        body = report.body(now)
        planned = {name: body[name] for name in _OF_A_PLAN}
        print(json.dumps(planned | {"unjudged": list(report.unsaid)}, indent=2))
    elif len(report.unlisted) < len(subscriptions):
        screen().print(*plan_page(report, naming(subscriptions)), sep="\n")
    return gaps(report)
