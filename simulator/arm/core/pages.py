"""Paged lists, with a `nextLink` on every page but the last.

The token names the last resource shown, not an offset, so that resources created or deleted between
two pages do not cause others to be repeated or skipped.
"""

from collections.abc import Callable
from itertools import islice
from urllib.parse import quote, urlencode

from simulator.arm.core import errors, ids
from simulator.arm.core.answer import Answer
from simulator.arm.core.call import Call
from simulator.arm.core.errors import Json
from simulator.arm.core.resource import Group, Resource


def page[R: Resource](
    call: Call, kind: type[R], row: Callable[[R], Json], under: str | None = None
) -> Answer:
    """Return one page of the resources of a kind, of the path's group or below an id."""
    after, size = _after(call), call.world.settings.page_size
    prefix = (under or _scope(call)).lower()
    found = (
        resource
        for resource in call.world.of(kind)
        if resource.number > after and resource.key.startswith(prefix)
    )
    shown = list(islice(found, size + 1))
    body: Json = {"value": [row(resource) for resource in shown[:size]]}
    if len(shown) > size:
        body["nextLink"] = _next_link(call, shown[size - 1].number)
    return Answer(body=body)


def _scope(call: Call) -> str:
    if "group" not in call.names:
        return f"/subscriptions/{call.world.subscription}/"
    group = ids.group_id(call.world.subscription, call.group)
    if call.world.find(Group, group) is None:
        raise errors.group_not_found(call.group)
    return group + "/"


def _after(call: Call) -> int:
    token = call.query.get("$skiptoken") or call.query.get("$skipToken") or "0"
    if not token.isdecimal():
        msg = f"The skip token '{token}' is invalid."
        raise errors.invalid_parameter(msg, "$skiptoken")
    return int(token)


def _next_link(call: Call, last: int) -> str:
    query = {name: value for name, value in call.query.items() if name.lower() != "$skiptoken"}
    link = f"{call.base}{quote(call.path)}"
    return f"{link}?{urlencode(query | {'$skiptoken': str(last)}, safe='$')}"
