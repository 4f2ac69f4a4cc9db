"""The host's keys, and who is let in by them.

The real host makes its keys itself and keeps them in storage. The webhook's is the system key
`eventgrid_extension`, which Event Grid looks up for a destination that is a function; the master
key opens the admin API, and everything else too.
"""

import hmac
import secrets
from dataclasses import dataclass, field

from aiohttp import web


def _made() -> str:
    return secrets.token_urlsafe(42)


@dataclass(frozen=True)
class Keys:
    """The webhook's system key and the master key; whoever gives none has them made."""

    system: str = field(default_factory=_made)
    master: str = field(default_factory=_made)

    def admit(self, request: web.Request) -> None:
        """Let in who has the system key or the master key, else raise 401."""
        _admit(request, self.system, self.master)

    def admit_master(self, request: web.Request) -> None:
        """Let in who has the master key, else raise 401."""
        _admit(request, self.master)


def _admit(request: web.Request, *keys: str) -> None:
    given = request.headers.get("x-functions-key")
    if given is None:
        given = request.query.get("code", "")
    if not any(hmac.compare_digest(given.encode(), key.encode()) for key in keys):
        raise web.HTTPUnauthorized(text="")
