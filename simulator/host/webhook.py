"""The host's Event Grid webhook, `/runtime/webhooks/EventGrid?functionName=..&code=..`.

Takes what Event Grid sends and answers as the host's Event Grid extension does: handshakes, one
invocation per event of a notification, all in parallel, 202 only if all of them succeeded.
"""

import asyncio
import json
from collections.abc import Mapping
from typing import Any

from aiohttp import web

from simulator.host.invocations import Invocation, Invocations
from simulator.host.keys import Keys
from simulator.host.worker import Function

# The extension names one of these as the origin it allows, the public cloud's when asked by others.
ORIGINS = (
    "eventgrid.azure.net",
    "eventgrid.azure.us",
    "eventgrid.azure.eaglex.ic.gov",
    "eventgrid.azure.microsoft.scloud",
    "eventgrid.azure.cn",
)

METHODS = {"GET", "PUT", "POST", "DELETE", "OPTIONS"}


class EventGridWebhook:
    """Answers for the functions with an Event Grid listener.

    Without a function that has the binding the extension is not loaded and its endpoint not there;
    `running` is whether the host is.
    """

    def __init__(
        self,
        functions: Mapping[str, Function],
        invocations: Invocations,
        keys: Keys,
        *,
        extension: bool,
        running: bool,
    ) -> None:
        self._functions = functions
        self._invocations = invocations
        self._keys = keys
        self._extension = extension
        self._running = running

    def routes(self) -> list[web.AbstractRouteDef]:
        """Give the one endpoint, whatever the method."""
        path = "/runtime/webhooks/{extension}"
        return [web.route("*", path, self._answer), web.route("*", path + "/{_:.*}", self._answer)]

    async def _answer(self, request: web.Request) -> web.Response:
        if request.method not in METHODS:
            return web.Response(status=405)
        self._keys.admit(request)
        if not self._running:
            return web.Response(status=503, text="Function host is not running.")
        if not self._extension or request.match_info["extension"].lower() != "eventgrid":
            return web.Response(status=404)
        name = request.query.get("functionName", "")
        function = self._functions.get(name)
        if function is None:
            return web.Response(status=404, text=f"cannot find function: '{name}'")
        if request.method == "OPTIONS":
            return _origin_allowed(request)
        return await self._event(request, function)

    async def _event(self, request: web.Request, function: Function) -> web.Response:
        match request.headers.get("aeg-event-type", "").lower():
            case "subscriptionvalidation":
                return _validation_answer(await _text(request))
            case "notification":
                return await self._notification(function, await _text(request))
            case "unsubscribe":
                return web.Response(status=202)
            case _:
                return web.Response(status=400)

    async def _notification(self, function: Function, body: str) -> web.Response:
        try:
            events = _events(body)
        except (ValueError, RecursionError) as error:
            # The extension lets its parser's error through; what the host makes of it is a 500
            # without a body.
            print(f"Event Grid sent {function.name} something that is not JSON: {error}")
            return web.Response(status=500)
        runs = await asyncio.gather(*(self._run(function, event) for event in events))
        if all(run.ok for run in runs):
            return web.Response(status=202)
        text = f"Exception while executing function: Functions.{function.name}"
        return web.Response(status=500, text=text)

    async def _run(self, function: Function, event: object) -> Invocation:
        reason = "EventGrid trigger fired"
        return await self._invocations.run(function, json.dumps(event), reason)


async def _text(request: web.Request) -> str:
    """Read the body; bytes that are invalid in its charset become U+FFFD, as .NET reads them."""
    body = await request.read()
    try:
        return body.decode(request.charset or "utf-8-sig", "replace")
    except LookupError as error:
        raise web.HTTPInternalServerError(text="") from error


def _events(body: str) -> list[object]:
    """Take a CloudEvent or an array of events; ValueError for any other JSON, and for none."""
    token = json.loads(body)
    if isinstance(token, dict):
        return [token]
    if isinstance(token, list):
        return token
    msg = f"an array or an object was expected, not {type(token).__name__}"
    raise ValueError(msg)


def _origin_allowed(request: web.Request) -> web.Response:
    origin = request.headers.get("WebHook-Request-Origin", "")
    allowed_origin = origin if origin in ORIGINS else ORIGINS[0]
    return web.Response(headers={"Webhook-Allowed-Origin": allowed_origin})


def _validation_answer(body: str) -> web.Response:
    try:
        return web.json_response({"validationResponse": _validation_code(json.loads(body))})
    except (ValueError, LookupError, TypeError):
        return web.Response(status=500)


def _validation_code(token: Any) -> str:  # noqa: ANN401 - any JSON
    if isinstance(token, list):
        return str(token[0]["data"]["validationCode"])
    # A CloudEvent's validation data is JSON within JSON.
    return str(json.loads(token["data"])["validationCode"])
