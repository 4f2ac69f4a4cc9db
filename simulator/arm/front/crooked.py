"""Normalizes the paths that clients send: empty segments and encoded slashes, as ARM does.

`az lock create` sends `Microsoft.Compute//virtualMachines/web` for a resource without a parent;
others encode the slashes of an id. ARM collapses and decodes them before it matches a path.
"""

import re
from collections.abc import Awaitable, Callable

from aiohttp import web

from simulator.arm.core import ids

type Next = Callable[[web.Request], Awaitable[web.StreamResponse]]

_ARM = re.compile(r"/*(subscriptions|tenants)(/|$)", re.IGNORECASE)
_CROOKED = re.compile(r"//|%2f", re.IGNORECASE)


async def straighten(request: web.Request, handler: Next) -> tuple[web.Request, Next]:
    """Return a request to ARM with its path normalized, and the handler of that path."""
    if not _CROOKED.search(request.rel_url.raw_path) or not _ARM.match(request.path):
        return request, handler
    url = request.rel_url.with_path(ids.straightened(request.path), keep_query=True)
    straight = request.clone(rel_url=url)
    match = await request.app.router.resolve(straight)
    match.add_app(request.app)
    straight._match_info = match  # noqa: SLF001 aiohttp routes before any middleware runs
    return straight, match.handler
