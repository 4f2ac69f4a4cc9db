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

_BLOBS = re.compile(
    r"https://[a-z0-9]{3,24}(\.z\d+)?\.blob\."
    r"(core\.windows\.net|core\.usgovcloudapi\.net|core\.chinacloudapi\.cn|storage\.azure\.net)"
    r"/[a-z0-9-]+"
)
_CONTAINERS = (Name.LEDGER, Name.BOOT_DIAGNOSTICS, Name.REPORT)
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
    """Return the app's settings, without those that a command must not take over."""
    given = environment.get(Name.ARM_ENDPOINT, "").strip()
    endpoint = read_https(Name.ARM_ENDPOINT, given or PUBLIC_ARM)
    return safe_settings(Arm(endpoint, find_credential()).app_settings(app_id))


def safe_settings(found: Mapping[str, str]) -> dict[str, str]:
    """Return Stillframe's settings but those that decide where the user's tokens are sent.

    `ARM_ENDPOINT` is always the environment's. Containers are the app's only if they are in Azure's
    blob storage: whoever may change the app's settings must not get a token of whoever reads them.
    """
    ours = set(Name) - {Name.ARM_ENDPOINT}
    ours -= {name for name in _CONTAINERS if not _BLOBS.fullmatch(found.get(name, ""))}
    return {name: value for name, value in found.items() if name in ours}
