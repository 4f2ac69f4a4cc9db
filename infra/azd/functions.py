"""azd's hook before the events: waits until the function app can be subscribed.

Event Grid refuses a function that Azure has not indexed yet, or whose key the host's Event Grid
extension has not created; both happen some time after a deployment has ended. On Flex Consumption
Azure has been seen not to index the functions until a sync is requested (functions-action#373).
Polls until both exist, prints what it waits for, and exits with 1 after ten minutes.
"""

from __future__ import annotations

import os
import time
from typing import Any

from arm import MISSING, OK, Arm, HookError, Unreachable, run, say, setting, words

SITES = "2025-03-01"
FUNCTION = "look"
KEY = "eventgrid_extension"
PATIENCE = 600.0
PAUSE = 5.0
"""Seconds: the timeout (`STILLFRAME_WAIT_SECONDS` overrides it), and between two polls."""

STARTING = (MISSING, 400, 408, 409, 429, 500, 502, 503, 504)
"""Statuses that Azure returns while a host starts; any other status is final."""


def app_id(arm: Arm) -> str:
    """Return the id of the function app that azd deployed; raise `HookError` if there is none."""
    home = f"/subscriptions/{setting('AZURE_SUBSCRIPTION_ID')}"
    group = f"{home}/resourceGroups/{setting('AZURE_RESOURCE_GROUP')}"
    for site in arm.list(f"{group}/providers/Microsoft.Web/sites", SITES):
        if (site.get("tags") or {}).get("azd-service-name") == "app":
            return str(site["id"])
    msg = (
        f"there is no function app in {group} yet: run `azd up`, which deploys it before its events"
    )
    raise HookError(msg)


def lacking(arm: Arm, app: str) -> str | None:
    """Return what is missing before the app can be subscribed; None if nothing is."""
    status, body = arm.ask("GET", f"{app}/functions/{FUNCTION}", SITES)
    if status != OK:
        arm.ask("POST", f"{app}/host/default/sync", SITES, {})  # its response does not matter
        return _still(status, body, f"the host to index the function {FUNCTION}")
    status, body = arm.ask("GET", f"{app}/host/default/properties/status", SITES)
    properties = body.get("properties")
    about = properties if isinstance(properties, dict) else body
    if status != OK or about.get("state") != "Running":
        errors = [str(error) for error in about.get("errors") or []]
        return _still(status, body, ": ".join(["the host to run", *errors]))
    status, body = arm.ask("POST", f"{app}/host/default/listkeys", SITES, {})
    if status != OK or KEY not in (body.get("systemKeys") or {}):
        return _still(status, body, "the host's Event Grid extension to make its key")
    return None


def _still(status: int, body: dict[str, Any], what: str) -> str:
    if status != OK and status not in STARTING:
        msg = f"cannot find out whether the app is ready: {words(status, body)}"
        raise HookError(msg)
    return what


def _lacking(arm: Arm, app: str) -> str | None:
    """Return what `lacking` returns; if no response came, that is waited for as well."""
    try:
        return lacking(arm, app)
    except Unreachable as error:
        return f"a response ({error})"


def wait(arm: Arm, app: str, patience: float) -> None:
    """Wait until the app can be subscribed; raise `HookError` if that takes too long."""
    began, printed = time.monotonic(), ""
    while what := _lacking(arm, app):
        waited = time.monotonic() - began
        if waited > patience:
            msg = (
                f"still waiting for {what} after {waited:.0f} s: is the package deployed (`azd up` "
                f"does it, `azd provision` does not)? If so, look at the log of {app}"
            )
            raise HookError(msg)
        if what != printed:
            say(f"waiting for {what} ({waited:.0f} s)")
            printed = what
        time.sleep(PAUSE)
    say(f"{app.rpartition('/')[2]} is ready for its events")


def wait_for_app() -> None:
    """Wait for the app that azd deployed."""
    arm, patience = Arm(), os.environ.get("STILLFRAME_WAIT_SECONDS", "").strip() or str(PATIENCE)
    if not patience.replace(".", "", 1).isdigit():
        msg = f"STILLFRAME_WAIT_SECONDS is not a number of seconds: {patience}"
        raise HookError(msg)
    wait(arm, app_id(arm), float(patience))


if __name__ == "__main__":
    run("functions", wait_for_app)
