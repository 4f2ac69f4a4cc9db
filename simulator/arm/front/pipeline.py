"""The pipeline of every ARM request: caller, permission, action; then answer, event and log.

A middleware in front of all routes of ARM, including Event Grid's. The order is Azure's: token,
api-version, subscription, permissions, locks, then the provider's own checks. Only reading the body
and an injected latency are awaited.
"""

import asyncio
import re
import time
from collections.abc import Awaitable, Callable
from uuid import uuid4

from aiohttp import web

from simulator.arm.authorization.locks import check_locks
from simulator.arm.core import errors, ids
from simulator.arm.core.answer import Answer
from simulator.arm.core.call import Call
from simulator.arm.core.errors import UNAUTHORIZED, ArmError, Json
from simulator.arm.core.operations import Operation
from simulator.arm.core.rbac import Principal, Rbac
from simulator.arm.core.resource import Group, Resource
from simulator.arm.core.routing import Route, Routes
from simulator.arm.core.world import World
from simulator.arm.entra.identity import Tokens
from simulator.arm.front.body_checks import Bodies
from simulator.arm.front.crooked import straighten
from simulator.arm.front.envelope import Envelope, plain
from simulator.arm.front.faults import Fault, Faults
from simulator.arm.front.reading import (
    action_and_scope,
    check_api_version,
    check_subscription,
)
from simulator.arm.front.request_log import Logged, RequestLog
from simulator.arm.front.throttling import Throttling
from simulator.eventgrid.bodies import BY_TYPE
from simulator.eventgrid.events import ArmEvent

type Next = Callable[[web.Request], Awaitable[web.StreamResponse]]

_ARM = re.compile(
    r"/(subscriptions|tenants|providers/Microsoft\.ResourceGraph)(/|$)", re.IGNORECASE
)
# ARM has no operations with other methods (OPTIONS, TRACE).
METHODS = ("GET", "HEAD", "PUT", "PATCH", "POST", "DELETE")
_VERBS = {"PUT": "Write", "PATCH": "Write", "DELETE": "Delete", "POST": "Action"}
ARM_AUDIENCES = ("https://management.azure.com", "https://management.core.windows.net")
TOPIC_AUDIENCES = ("https://eventgrid.azure.net",)
# Refusals that publish no event: before the caller is known, throttled, not simulated.
UNTOLD = (UNAUTHORIZED, 429, 501)
# 204 to a DELETE means that there was nothing to delete, so nothing is published.
DONE = (200, 201)

_FOR_ANYONE = ("/subscriptions", "/tenants", "/providers/microsoft.resourcegraph/resources")
"""Paths that need no permission: each caller is shown what it may read."""


class Pipeline:
    """The pipeline of all requests; the server has one."""

    def __init__(
        self, world: World, rbac: Rbac, tokens: Tokens, routes: Routes, *, check_answers: bool
    ) -> None:
        self.world, self.rbac, self.tokens, self.routes = world, rbac, tokens, routes
        self.log, self.faults = RequestLog(), Faults()
        self.bodies = Bodies(check_answers=check_answers)
        self.throttling = Throttling(world.clock)

    @web.middleware
    async def middleware(self, request: web.Request, handler: Next) -> web.StreamResponse:
        """Answer ARM requests; pass all others to the routes that are not ARM's."""
        request, handler = await straighten(request, handler)
        if _ARM.match(request.path):
            return await Passage(self, request, handler).answer()
        try:
            return await handler(request)
        except ArmError as error:
            return plain(error)

    def may_publish(self, request: web.Request, action: str, scope: str) -> web.Response | None:
        """Check the data action of a request that is not ARM's: None, or the refusal."""
        try:
            caller = self.tokens.reader(request.headers.get("Authorization"), TOPIC_AUDIENCES)
        except ArmError as error:
            return plain(error)
        if self.rbac.allows_data(caller, action, scope):
            return None
        return plain(errors.authorization_failed(caller.app_id, caller.object_id, action, scope))


class Passage:
    """One request in the pipeline."""

    def __init__(self, pipeline: Pipeline, request: web.Request, handler: Next) -> None:
        self._pipeline, self._request, self._handler = pipeline, request, handler
        request_id = str(uuid4())
        correlation = request.headers.get("x-ms-correlation-request-id") or request_id
        self._envelope = Envelope(request, pipeline.world.tenant, request_id, correlation)
        self._begun = time.perf_counter()
        self._route: Route | None = None
        self._caller: Principal | None = None
        self._action = self._scope = ""
        self._fault: Fault | None = None

    async def answer(self) -> web.StreamResponse:
        """Answer the request, publish its effect, log it."""
        code: str | None = None
        try:
            response = await self._answered()
        except ArmError as error:
            code = error.code
            response = self._refused(error)
        except web.HTTPException as refusal:
            # From Event Grid's own routes; aiohttp expects it raised, or a response.
            kind = {"Content-Type": refusal.headers["Content-Type"]}
            response = web.Response(status=refusal.status, text=refusal.text, headers=kind)
        self._envelope.seal(response)
        self._log(response, code)
        if self._fault and self._fault.drop:
            _hang_up(self._request)
        return response

    async def _answered(self) -> web.StreamResponse:
        request, pipeline = self._request, self._pipeline
        path = request.path
        if request.method not in METHODS:
            msg = f"{request.method} {path}"
            raise errors.not_simulated(msg)
        if not request.query.get("api-version"):
            raise errors.missing_api_version()
        match = pipeline.routes.match(request.method, path)
        self._route = match.route if match else None
        self._action, self._scope = action_and_scope(request.method, path, self._route)
        audiences = (*ARM_AUDIENCES, f"https://{request.host}".lower())
        self._caller = pipeline.tokens.reader(request.headers.get("Authorization"), audiences)
        await self._meet_fault()
        self._check()
        if self._route is None or match is None:
            return await self._beyond(known=match is not None)
        answer = self._route.answer(await self._call(match.names))
        return self._given(answer)

    async def _meet_fault(self) -> None:
        faults, caller = self._pipeline.faults, self._caller
        if not faults.all or caller is None:
            return
        self._fault = faults.strike(self._request.method, self._request.path, caller.app_id)
        if self._fault and self._fault.latency:
            await asyncio.sleep(self._fault.latency)
        if self._fault and self._fault.error:
            raise self._fault.error

    def _check(self) -> None:
        request, pipeline, caller = self._request, self._pipeline, self._caller
        if caller is None:
            raise errors.missing_token()
        given, path = request.query["api-version"], request.path
        check_api_version(request.method, path, given, self._route, self._location)
        check_subscription(pipeline.world.subscription, path)
        allowance = self._route.allowance if self._route else ""
        pipeline.throttling.spend(caller.app_id, request.method, self._scope, allowance)
        anyone = request.path.rstrip("/").lower() in _FOR_ANYONE
        if not anyone and not pipeline.rbac.allows(caller, self._action, self._scope):
            raise errors.authorization_failed(
                caller.app_id, caller.object_id, self._action, self._scope
            )
        check_locks(pipeline.world, request.method, request.path, self._scope)

    def _location(self) -> str:
        """Return the location of the resource in the path, or of its group; empty if unknown."""
        world, path = self._pipeline.world, self._request.path
        group = ids.group_id(world.subscription, ids.group_of(path) or "")
        found = world.find(Resource, path) or world.find(Group, group)
        return found.location if found else ""

    async def _beyond(self, *, known: bool) -> web.StreamResponse:
        """Pass a request with a valid body to Event Grid's routes; others are not simulated."""
        if known:
            msg = f"{self._request.method} {self._request.path}"
            raise errors.not_simulated(msg)
        if self._request.can_read_body:
            named, raw = ids.take_apart(self._request.path), await self._request.read()
            takes = BY_TYPE.get(named.types[-1].lower()) if named and named.types else None
            self._pipeline.bodies.taken(self._request.method, self._action, raw, takes)
        return await self._handler(self._request)

    async def _call(self, names: dict[str, str]) -> Call:
        caller, request = self._caller, self._request
        if caller is None:
            raise errors.missing_token()
        return Call(
            world=self._pipeline.world,
            rbac=self._pipeline.rbac,
            method=request.method,
            path=request.path,
            query=request.query,
            headers=request.headers,
            body=await self._body(),
            caller=caller,
            base=f"https://{request.host}",
            action=self._action,
            scope=self._scope,
            names=names,
            doomed=self._fault.operation if self._fault else None,
        )

    async def _body(self) -> Json:
        request, route = self._request, self._route
        if route is None or not request.can_read_body:
            return {}
        raw = await request.read()
        return self._pipeline.bodies.asked(route, raw)

    def _given(self, answer: Answer) -> web.Response:
        if self._route:
            self._pipeline.bodies.given(self._route, answer)
        if self._fault and self._fault.spoil and answer.body is not None:
            answer.body = self._fault.spoil.spoiled(answer.body)
        if answer.operation:
            answer.operation.report = self._report
        elif answer.status in DONE:
            self._publish(succeeded=True)
        front = self._route is not None and self._route.front
        return self._envelope.given(answer, self._remaining(), front=front)

    def _refused(self, error: ArmError) -> web.Response:
        if error.status not in UNTOLD:
            self._publish(succeeded=False)
        return self._envelope.refused(error, self._remaining())

    def _remaining(self) -> dict[str, str]:
        if self._caller is None:
            return {}
        allowance = self._route.allowance if self._route else ""
        return self._pipeline.throttling.remaining(
            self._caller.app_id, self._request.method, self._scope, allowance
        )

    def _report(self, operation: Operation) -> None:
        self._publish(succeeded=operation.failure is None)

    def _publish(self, *, succeeded: bool) -> None:
        verb, caller = _VERBS.get(self._request.method), self._caller
        if verb is None or caller is None:
            return
        event = ArmEvent(
            verb=verb,  # type: ignore[arg-type] # the values of _VERBS are the literals
            succeeded=succeeded,
            operation_name=self._action,
            resource_uri=self._scope if verb == "Action" else self._request.path,
            caller_app_id=caller.app_id,
            caller_object_id=caller.object_id,
            method=self._request.method,
            url=str(self._request.url),
            correlation_id=self._envelope.correlation,
        )
        self._pipeline.world.grid.arm(event)

    def _log(self, response: web.StreamResponse, code: str | None) -> None:
        pipeline, request = self._pipeline, self._request
        logged = Logged(
            number=pipeline.log.next_number(),
            at=pipeline.world.clock.now(),
            caller=self._caller.app_id if self._caller else None,
            method=request.method,
            path=request.path,
            query=request.query_string,
            action=self._action,
            status=response.status,
            milliseconds=round((time.perf_counter() - self._begun) * 1000, 3),
            code=code,
            request_id=response.headers.get("x-ms-request-id", ""),
        )
        pipeline.log.add(logged)


def _hang_up(request: web.Request) -> None:
    """Close the connection, so that the client cannot know the result of its request."""
    if request.transport:
        request.transport.abort()
