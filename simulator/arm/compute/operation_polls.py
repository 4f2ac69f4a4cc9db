"""Polling an operation: its state, or with `monitor=true` its output."""

from simulator.arm.core import errors
from simulator.arm.core.answer import Answer
from simulator.arm.core.call import Call
from simulator.arm.core.operations import Family
from simulator.arm.core.routing import Route


def poll(call: Call) -> Answer:
    """Answer 200 with the state; with `monitor=true` 202 while it runs, then the output."""
    operation = call.world.operations.find(call.names["operation"])
    if operation is None:
        raise errors.entity_not_found()
    headers = {}
    if operation.ended is None and operation.retry_after is not None:
        headers["Retry-After"] = str(operation.retry_after)
    if call.query.get("monitor", "").lower() != "true":
        return Answer(200, operation.body(), headers)
    if operation.ended is None:
        location = f"{call.base}{call.path}?monitor=true&api-version={call.query['api-version']}"
        return Answer(202, None, headers | {"Location": location})
    if operation.failure:
        raise errors.ArmError(409, operation.failure.code, operation.failure.message)
    return Answer(200, operation.output)


_LOCATION = "/subscriptions/{subscription}/providers/Microsoft.Compute/locations/{location}"
ROUTES = tuple(
    Route("GET", f"{_LOCATION}/{family}/{{operation}}", poll, "GetOperation") for family in Family
)
