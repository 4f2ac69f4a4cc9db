"""Checks whether a request may read a disk: signature, time, and caller.

Takes a request and the access at its path, gives the caller if the disk requires one; refuses as
storage does. A signature under a stored access policy ends with the policy: this is how closing
an access ends a URL that has not expired.
"""

import secrets

from aiohttp import web

from simulator.arm.compute.records import Access, Closed, Disk
from simulator.arm.core.errors import ArmError
from simulator.arm.entra.identity import Tokens
from simulator.blob import refusals

AUDIENCES = ("https://disk.azure.com",)
DOWNLOAD = "Microsoft.Compute/disks/download/action"


def check_signature(request: web.Request, access: Access, tokens: Tokens) -> None:
    """Refuse a request whose signature is missing, wrong, revoked, expired or not yet valid."""
    given = request.query.get("sig", "")
    if not secrets.compare_digest(given.encode(), access.signature.encode()):
        raise refusals.not_signed()
    now = tokens.world.clock.now()
    if access.closed is Closed.EXPIRED or access.ends <= now:
        raise refusals.out_of_time(access.begins, access.ends, now)
    if access.closed or request.query.get("si") != access.policy:
        raise refusals.revoked()


def check_caller(request: web.Request, disk: Disk, tokens: Tokens) -> str | None:
    """Return the calling application, if the disk requires Entra sign-in, or refuse it."""
    mode = str(disk.properties.get("dataAccessAuthMode") or "None")
    if mode.lower() != "azureactivedirectory":
        return None
    header = request.headers.get("Authorization")
    if not header:
        authority = f"https://{request.host}/{tokens.world.tenant}/oauth2/authorize"
        raise refusals.no_token(authority)
    try:
        caller = tokens.reader(header, AUDIENCES)
    except ArmError as error:
        raise refusals.bad_token(error.message) from error
    if not tokens.rbac.allows_data(caller, DOWNLOAD, disk.id):
        raise refusals.not_permitted()
    return caller.app_id
