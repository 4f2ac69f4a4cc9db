"""An error of Azure -> what it means, and what to do next.

Pure. Takes an error, or its text, from `shared/cloud/errors.py`: Azure's code, then its message.
"""

import re
from typing import NamedTuple

from shared.cloud.errors import NO_TOKEN
from shared.model.errors import StillframeError


class Advice(NamedTuple):
    """The meaning of an error that matches `sign`, and what to do; `{id}` is the subscription."""

    sign: re.Pattern[str]
    means: str
    do: str
    who: str = "Azure says"


def advise(why: str, subscription: str) -> str:
    """Return what to do about a subscription that could not be read, and Azure's message."""
    known = next((advice for advice in _KNOWN if advice.sign.search(why)), _ELSE)
    do = known.do.format(id=subscription)
    return f"{known.means}.\n  Next: {do}\n  {known.who}: {_words(why)}"


def list_unread(why: str) -> str:
    """Return what to do if the subscriptions could not be listed, and Azure's message."""
    return f"The subscriptions that you can see could not be listed: {advise(why, '<id>')}"


def settings_unread(error: StillframeError) -> str:
    """Return why a function app's settings could not be read, and what is used instead."""
    why = str(error)
    if why.startswith(NO_TOKEN):
        reason = "not signed in to Azure: az login"
    elif "AuthorizationFailed" in why:
        reason = _NO_RIGHT_TO_SETTINGS
    else:
        reason = f"the error: {_words(why)}"
    return f"The function app's settings could not be read ({reason}); {_INSTEAD}."


def _words(why: str) -> str:
    return why.splitlines()[0] if why else "no reason given"


def ledger_unread(why: str, container: str) -> str:
    """Return why the ledger could not be read, and what to do."""
    if "AuthorizationPermissionMismatch" in why or "AuthorizationFailure" in why:
        next_step = (
            "ask its owner for the role Storage Blob Data Reader on it, and for network access"
        )
    else:
        next_step = "compare LEDGER with the function app's setting; then try again"
    unread = f"The ledger {container} could not be read."
    return f"{unread}\n  Next: {next_step}\n  {_ERROR}: {_words(why)}"


def prices_unread(why: str) -> str:
    """Return that there are no prices, and what to do."""
    return (
        f"No prices: {why}.\n"
        "  Next: check the network and HTTPS_PROXY; or set PRICES_ENDPOINT= to do without prices"
    )


NO_LEDGER = (
    "There is no ledger to read: LEDGER is not set.\n"
    "  Next: name the function app with --app <its resource id>, or set LEDGER to its value"
)
NONE_VISIBLE = (
    "You can see no enabled subscription: you have no role assignment in any.\n"
    "  Next: compare with az account list --all --output table; or az login --tenant <tenant>; or "
    "ask an owner for the role Reader"
)
_NO_RIGHT_TO_SETTINGS = (
    "you lack the permission Microsoft.Web/sites/config/list/action on it, which the role "
    "Website Contributor has and Reader does not"
)
_INSTEAD = (
    "the settings of this environment and its arguments are used, and defaults for all others"
)


_ERROR = "The error"
"""What is not Azure's own message."""

_KNOWN = (
    Advice(
        re.compile("CERTIFICATE_VERIFY_FAILED"),
        "the server's TLS certificate is not trusted; a proxy may have replaced it",
        "set REQUESTS_CA_BUNDLE to a file with your organization's CA certificates",
        _ERROR,
    ),
    Advice(
        re.compile(rf"^{NO_TOKEN}"),
        "not signed in to Azure",
        "az login; or, if they are set, fix AZURE_CLIENT_ID, _TENANT_ID and _CLIENT_SECRET; "
        "behind a proxy, check HTTPS_PROXY",
        _ERROR,
    ),
    Advice(
        re.compile("InvalidAuthenticationTokenTenant"),
        "it belongs to another tenant than your sign-in",
        "az login --tenant <the subscription's tenant>",
    ),
    Advice(
        re.compile("ExpiredAuthenticationToken|InvalidAuthenticationToken"),
        "the sign-in has expired",
        "az logout, then az login",
    ),
    Advice(
        re.compile("SubscriptionNotFound|InvalidSubscriptionId"),
        "the subscription does not exist, or you have no access to it",
        "compare the id with az account list --all --output table; if it is in another tenant, "
        "az login --tenant <that tenant>",
    ),
    Advice(
        re.compile("AuthorizationFailed"),
        "you have no permission to read it",
        "ask its owner for the role Reader: az role assignment create --role Reader "
        "--assignee <you> --scope /subscriptions/{id}",
    ),
    Advice(
        re.compile("^429|TooManyRequests"),
        "Azure is throttling your requests",
        "wait a few minutes, then try again",
    ),
    Advice(
        re.compile("could not be reached|could not be asked|did not return the audience"),
        "Azure does not answer",
        "check the network, and HTTPS_PROXY and ARM_ENDPOINT if they are set; then try again",
        _ERROR,
    ),
)
_ELSE = Advice(re.compile(""), "it could not be read", "try again in a few minutes", _ERROR)
