"""A function app's resource id -> the settings of Stillframe's that the app has been given.

Asks Azure as whoever is signed in, and the role Reader is not enough for it. There may be secrets
among an app's other settings, so they do not leave this module.
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
    """Return a function app's resource id as it was given."""
    if not _APP.fullmatch(text):
        msg = (
            f"{text!r} is no function app's id: /subscriptions/<id>/resourceGroups/<name>"
            "/providers/Microsoft.Web/sites/<name>"
        )
        raise argparse.ArgumentTypeError(msg)
    return text


def app_settings(app_id: str, environment: Mapping[str, str]) -> dict[str, str]:
    """Return the app's settings that hold for anybody: where tokens are sent is for the caller."""
    given = environment.get(Name.ARM_ENDPOINT, "").strip()
    endpoint = read_https(Name.ARM_ENDPOINT, given or PUBLIC_ARM)
    found = Arm(endpoint, find_credential()).app_settings(app_id)
    ours = set(Name) - {Name.ARM_ENDPOINT}
    return {name: value for name, value in found.items() if name in ours}
