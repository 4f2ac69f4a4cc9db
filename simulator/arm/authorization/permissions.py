"""The permissions API: the caller's permissions at a scope, from the role file."""

from simulator.arm.authorization.bodies import Permission
from simulator.arm.core.answer import Answer
from simulator.arm.core.call import Call
from simulator.arm.core.routing import Route, of


def list_permissions(call: Call) -> Answer:
    """List the caller's actions and notActions at a scope, with the roles' wildcards."""
    return Answer(body={"value": call.rbac.permissions(call.caller, call.names["scope"])})


ROUTES = of(
    Permission,
    Route(
        "GET",
        "{scope}/providers/Microsoft.Authorization/permissions",
        list_permissions,
        front=True,
    ),
)
