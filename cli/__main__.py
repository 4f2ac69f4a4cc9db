"""`stillframe sweep`, `plan`, `status`, `report` and `ledger`: what Stillframe finds.

Reads Azure as the signed-in user and changes nothing: no VM, no tag, and no heartbeat is published.
In a checkout also `make sweep`, `make plan`, `make status`. Each command has a file in `commands/`.

Tables or JSON go to stdout, progress and errors to stderr. The status of an order is the one that
the app has written to the VM's tags.
"""

import argparse
import errno
import logging
import os
import sys
from collections.abc import Mapping, Sequence

from cli.advice import NONE_VISIBLE, list_unread, settings_unread
from cli.app import app_settings, read_app_id
from cli.commands import ledger, report, status, sweep
from cli.commands.common import Command
from cli.exit_codes import INTERRUPTED, OK, TROUBLE, USAGE
from cli.subscriptions import enabled_subscriptions
from shared.cloud.azure import connect
from shared.model.errors import Misconfigured, Refused, StillframeError, Transient
from shared.model.settings import APP_NAME, Name, read_settings
from shared.model.version import VERSION


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
        _drop_output()
        return OK
    except OSError as error:
        if error.errno not in _DISK_ERRORS:
            raise
        _drop_output()
        print(f"The output cannot be written: {error.strerror}", file=sys.stderr)
        return TROUBLE
    return ended


def _drop_output() -> None:
    """Leave nothing for the interpreter to write at its end, which would fail again."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _run(arguments: Sequence[str] | None) -> int:
    given = _parser().parse_args(arguments)
    logging.basicConfig(handlers=[logging.NullHandler()])  # output and advice have all of it
    try:
        of_app = _of_app(given.app, os.environ)
        environment = _environment(given, os.environ, of_app)
        named = environment.get(Name.SUBSCRIPTIONS, "").strip()
        if of_app is None and not named:
            print(_WHICH_IDS, file=sys.stderr)
            return TROUBLE
        if not named and not given.app:
            read_settings(environment | {Name.SUBSCRIPTIONS: _ANY})  # what is wrong is told at once
            visible = _visible(environment)
            if not visible:
                return TROUBLE
            environment[Name.SUBSCRIPTIONS] = ",".join(visible)
        settings = read_settings(environment)
    except Misconfigured as wrong:
        print(wrong, file=sys.stderr)
        if str(wrong).startswith(Name.SUBSCRIPTIONS):
            print(_WHICH_IDS, file=sys.stderr)
        return USAGE
    command: Command = given.run
    ended = command(given, connect(settings))
    return TROUBLE if of_app is None else ended


def _parser() -> argparse.ArgumentParser:
    watching = argparse.ArgumentParser(add_help=False)
    watching.add_argument(
        "--subscription",
        action="append",
        default=[],
        metavar="ID",
        help="a subscription id; may be repeated; default: those in SUBSCRIPTIONS, else all "
        "enabled subscriptions that you can see",
    )
    common = argparse.ArgumentParser(add_help=False)
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

    def command(
        name: str,
        *,
        run: Command,
        help: str,  # noqa: A002 argparse's word
        watches: bool = True,
    ) -> argparse.ArgumentParser:
        parents = [watching, common] if watches else [common]
        added = commands.add_parser(name, parents=parents, help=help)
        added.set_defaults(run=run, currency=None)
        if not watches:
            added.set_defaults(subscription=[])
        return added

    for module in (sweep, status, report, ledger):
        module.add(command)
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
    given: argparse.Namespace, environment: Mapping[str, str], of_app: Mapping[str, str] | None
) -> dict[str, str]:
    """Return the settings to use; later sources override earlier ones.

    The sources are the environment, the app's settings (None if they could not be read: then it is
    not known whether there is such an app), the fixed settings of a dry run, and the arguments. A
    command publishes no heartbeat: it would hide that the app has stopped sweeping.
    """
    named = {APP_NAME: given.app.rpartition("/")[2]} if given.app and of_app is not None else {}
    settings = {
        **environment,
        **named,
        **(of_app or {}),
        Name.DRY_RUN: "true",
        Name.OUTCOME_TOPIC: "",
    }
    settings.pop("SUBSCRIPTION", None)  # make passes its own variables on
    if given.subscription:
        settings[Name.SUBSCRIPTIONS] = ",".join(given.subscription)
    if given.currency:
        settings[Name.COST_GUARD_CURRENCY] = given.currency
    return settings


_DISK_ERRORS = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO)

_ANY = "00000000-0000-0000-0000-000000000000"
"""In place of the subscriptions, until they are known."""

_WHICH_IDS = (
    "Give a subscription: stillframe sweep --subscription <id>, or make sweep SUBSCRIPTION=<id> "
    "(az account list --output table shows the ids)"
)

if __name__ == "__main__":
    sys.exit(main())
