"""`/api/retail/prices`: the public price list, which needs no token and is not part of ARM.

Takes GET requests, gives pages of rows. Faults apply to it as to ARM, so it can be slow, fail or
drop the connection; the setting `prices` empties it. Its requests are logged without a caller.
"""

import asyncio
import time
from urllib.parse import quote

from aiohttp import web

from simulator.arm.core.errors import ArmError, Json, not_simulated
from simulator.arm.core.wire import compact
from simulator.arm.core.world import Settings
from simulator.arm.front.faults import Fault
from simulator.arm.front.pipeline import Pipeline
from simulator.arm.front.request_log import Logged
from simulator.prices import filters, rows

PATH = "/api/retail/prices"
MOST_ROWS = 1000
WITH_SAVINGS = "2023-01-01-preview"
API_VERSIONS = (WITH_SAVINGS, "2021-10-01-preview")
LONGEST_URL = 2048
_KNOWN = frozenset({"api-version", "currencyCode", "$filter", "$skip"})


def routes(pipeline: Pipeline) -> list[web.RouteDef]:
    """Return the route."""

    async def answer(request: web.Request) -> web.Response:
        begun = time.perf_counter()
        fault = pipeline.faults.strike(request.method, request.path, None)
        code: str | None = None
        try:
            await _meet(fault)
            response = _json(_page(request, pipeline.world.settings))
        except ArmError as error:
            code = error.code
            response = _refused(error)
        milliseconds = round((time.perf_counter() - begun) * 1000, 3)
        _log(pipeline, request, response.status, milliseconds, code)
        if fault and fault.drop and request.transport:
            request.transport.abort()
        return response

    return [web.get(PATH, answer)]


async def _meet(fault: Fault | None) -> None:
    if fault and fault.latency:
        await asyncio.sleep(fault.latency)
    if fault and fault.error:
        raise fault.error


def _page(request: web.Request, settings: Settings) -> Json:
    """Return the requested page; ArmError for an invalid request."""
    _check(request)
    currency = _currency(request.query.get("currencyCode", "USD"))
    skip, size = _skip(request.query.get("$skip", "0")), min(settings.page_size, MOST_ROWS)
    wanted = filters.comparisons(request.query.get("$filter", ""))
    savings = request.query.get("api-version") == WITH_SAVINGS
    found = rows.found(wanted, currency, savings=savings) if settings.prices == "listed" else []
    shown = found[skip : skip + size]
    return {
        "BillingCurrency": currency,
        "CustomerEntityId": "Default",
        "CustomerEntityType": "Retail",
        "Items": shown,
        "NextPageLink": _next_link(request, skip + size) if len(found) > skip + size else None,
        "Count": len(shown),
    }


def _check(request: web.Request) -> None:
    if len(str(request.url)) > LONGEST_URL:
        raise ArmError(404, "NotFound", "The URL is too long.")
    if request.query.get("api-version", WITH_SAVINGS) not in API_VERSIONS:
        msg = "Unsupported API version"
        raise filters.refused(msg)
    unknown = set(request.query) - _KNOWN
    if unknown:
        msg = f"prices by {sorted(unknown)}"
        raise not_simulated(msg)


def _currency(given: str) -> str:
    code = given.strip("'")
    if code not in rows.CURRENCIES:
        msg = f"prices in {code}"
        raise not_simulated(msg)
    return code


def _skip(given: str) -> int:
    if not given.isdecimal():
        msg = "Invalid parameters supplied"
        raise filters.refused(msg)
    return int(given)


def _next_link(request: web.Request, skip: int) -> str:
    query = {name: value for name, value in request.query.items() if name != "$skip"}
    pairs = [f"{name}={quote(value, safe='')}" for name, value in query.items()]
    return f"https://{request.host}{PATH}?{'&'.join([*pairs, f'$skip={skip}'])}"


def _refused(error: ArmError) -> web.Response:
    """Refuse in the form of the price list, which is not ARM's."""
    body = {"Error": {"Code": error.code, "Message": error.message}}
    return _json(body, error.status, error.headers)


def _json(body: Json, status: int = 200, headers: dict[str, str] | None = None) -> web.Response:
    content = "application/json"
    return web.Response(status=status, body=compact(body), headers=headers, content_type=content)


def _log(
    pipeline: Pipeline, request: web.Request, status: int, milliseconds: float, code: str | None
) -> None:
    logged = Logged(
        number=pipeline.log.next_number(),
        at=pipeline.world.clock.now(),
        caller=None,
        method=request.method,
        path=request.path,
        query=request.query_string,
        action="",
        status=status,
        milliseconds=milliseconds,
        code=code,
    )
    pipeline.log.add(logged)
