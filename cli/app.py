"""A function app's resource id -> its Stillframe settings.

Reads Azure as the signed-in user, for which the role Reader is not enough. The app's other settings
may contain secrets, so they do not leave this module.
"""

import argparse
import re
from collections.abc import Mapping

from shared.cloud.arm import Arm
from shared.cloud.client import find_credential
from shared.model.settings import PUBLIC_ARM, Name
from shared.model.values import GUID, read_https

_APP = re.compile(
    rf"/subscriptions/{GUID.pattern}/resourceGroups/[\w.()-]*[\w()-]"
    r"/providers/Microsoft\.Web/sites/[\w-]+",
    re.IGNORECASE,
)


def read_app_id(text: str) -> str:
    """Return a function app's resource id unchanged; raise `ArgumentTypeError` if it is not one."""
    if not _APP.fullmatch(text):
        msg = (
            f"{text!r} is not a function app's id: /subscriptions/<id>/resourceGroups/<name>"
            "/providers/Microsoft.Web/sites/<name>"
        )
        raise argparse.ArgumentTypeError(msg)
    return text


def app_settings(app_id: str, environment: Mapping[str, str]) -> dict[str, str]:
    """Return the app's settings but `ARM_ENDPOINT`: the caller decides where tokens are sent."""
    given = environment.get(Name.ARM_ENDPOINT, "").strip()
    endpoint = read_https(Name.ARM_ENDPOINT, given or PUBLIC_ARM)
    found = Arm(endpoint, find_credential()).app_settings(app_id)
    ours = set(Name) - {Name.ARM_ENDPOINT}
    return {name: value for name, value in found.items() if name in ours}
