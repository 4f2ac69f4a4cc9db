"""How steering answers: JSON, and an error message for an invalid request.

Wraps the handlers of steering: an invalid request answers 400 `{"error": why}`, a request that
the current state forbids answers 409.
"""

import re
from collections.abc import Awaitable, Callable

from aiohttp import web

from simulator.arm.compute.guest_acts import GuestIsOff
from simulator.arm.core.errors import ArmError
from simulator.arm.core.wire import compact

_NONSENSE = (AttributeError, ValueError, TypeError, re.PatternError)
type Answerer = Callable[[web.Request], Awaitable[web.Response]]


def in_json(body: object, status: int = 200) -> web.Response:
    """Answer with JSON."""
    return web.Response(status=status, body=compact(body), content_type="application/json")


def guarded(answer: Answerer) -> Answerer:
    """Turn the error of a steering request into an answer."""

    async def answered(request: web.Request) -> web.Response:
        try:
            return await answer(request)
        except GuestIsOff as error:
            return in_json({"error": str(error)}, 409)
        except (ArmError, KeyError, *_NONSENSE) as error:
            return in_json({"error": f"{type(error).__name__}: {error}"}, 400)

    return answered
