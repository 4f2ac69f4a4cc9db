"""azd's hook before the platform: makes sure that the resource group of images exists.

The template creates no such group, because `azd down` deletes each group that a deployment created.
A named group (`STILLFRAME_IMAGE_RESOURCE_GROUP`) must exist; if none is named, this creates
`<environment>-images` once, outside what azd manages, and writes its id to azd's environment.
"""

from __future__ import annotations

import os
import re

from arm import CREATED, MISSING, OK, Arm, HookError, keep, run, say, setting, words

SETTING = "STILLFRAME_IMAGE_RESOURCE_GROUP"
GROUPS = "2025-04-01"
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{1,30}[A-Za-z0-9]\Z")


def named_group(text: str, subscription: str) -> str:
    """Return the id of a resource group that is given by its id or by its name."""
    text = text.rstrip("/")
    return text if text.startswith("/") else f"/subscriptions/{subscription}/resourceGroups/{text}"


def deployment_name() -> str:
    """Return the name that all resources are named after; raise `HookError` if it is invalid."""
    name = os.environ.get("STILLFRAME_NAME", "").strip() or setting("AZURE_ENV_NAME")
    if not NAME.match(name):
        msg = (
            f"resources cannot be named after {name}: 3 to 32 letters, digits and hyphens, a "
            "letter or digit first and last (azd env set STILLFRAME_NAME gives another name)"
        )
        raise HookError(msg)
    return name


def is_there(arm: Arm, group: str) -> bool:
    """Return whether a resource group exists; raise `HookError` if it cannot be read."""
    status, body = arm.ask("GET", group, GROUPS)
    if status not in (OK, MISSING):
        msg = f"{group} cannot be read: {words(status, body)}"
        raise HookError(msg)
    return status == OK


def make_group(arm: Arm, group: str, purpose: str) -> None:
    """Create a resource group with its purpose in a tag; raise `HookError` if that fails."""
    content = {"location": setting("AZURE_LOCATION"), "tags": {"stillframe": purpose}}
    status, body = arm.ask("PUT", group, GROUPS, content)
    if status not in (OK, CREATED):
        msg = f"{group} cannot be created: {words(status, body)}"
        raise HookError(msg)


def wanted() -> tuple[str, bool]:
    """Return the group's id, and whether it may be created here."""
    subscription, name = setting("AZURE_SUBSCRIPTION_ID"), deployment_name()
    text = os.environ.get(SETTING, "").strip()
    if text:
        return named_group(text, subscription), False
    return named_group(f"{name}-images", subscription), True


def ensure(arm: Arm, group: str, *, ours: bool) -> str:
    """Make sure that the group exists; return a message, raise `HookError` if it does not."""
    if is_there(arm, group):
        return f"images go into {group}"
    if not ours:
        msg = (
            f"the resource group {group} does not exist: create it (az group create), or correct "
            f"{SETTING}"
        )
        raise HookError(msg)
    make_group(arm, group, "golden images")
    return f"created the resource group of images, {group}: it is yours, `azd down` keeps it"


def see_to_it() -> None:
    """Ensure the group, and write its id to azd's environment if none was named."""
    group, ours = wanted()
    say(ensure(Arm(), group, ours=ours))
    if ours:
        keep(SETTING, group)


if __name__ == "__main__":
    run("image group", see_to_it)
