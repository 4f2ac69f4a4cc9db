"""Management locks: what they forbid at their scope and below.

CanNotDelete forbids DELETE. ReadOnly forbids PUT, PATCH and POST too: for Azure deallocate and
generalize are writes. Locks themselves can always be removed.
"""

from dataclasses import dataclass
from typing import ClassVar

from simulator.arm.authorization.bodies import ManagementLockDefinition
from simulator.arm.core import errors
from simulator.arm.core.answer import Answer
from simulator.arm.core.call import Call, need
from simulator.arm.core.rbac import within
from simulator.arm.core.resource import Resource
from simulator.arm.core.routing import Route, of
from simulator.arm.core.world import World

_TYPE = "providers/microsoft.authorization/locks"


@dataclass(kw_only=True, eq=False)
class Lock(Resource):
    """A management lock; it applies to `scope` and everything below."""

    scope: str
    level: str
    notes: str | None = None
    kind: ClassVar[str] = "Microsoft.Authorization/locks"


def check_locks(world: World, method: str, path: str, scope: str) -> None:
    """Refuse a request that a lock on its scope or above forbids."""
    if method in ("GET", "HEAD") or _TYPE in path.lower():
        return
    forbidding = ("CanNotDelete", "ReadOnly") if method == "DELETE" else ("ReadOnly",)
    locked = [
        lock.scope
        for lock in world.of(Lock)
        if lock.level in forbidding and within(scope.lower(), lock.scope.lower())
    ]
    if locked:
        verb = "delete" if method == "DELETE" else "write"
        raise errors.scope_locked(scope, verb, locked)


def _body(lock: Lock) -> dict[str, object]:
    properties = {"level": lock.level} | ({"notes": lock.notes} if lock.notes else {})
    return {"properties": properties, "id": lock.id, "type": lock.kind, "name": lock.name}


def _id(call: Call) -> str:
    return f"{call.names['scope']}/providers/{Lock.kind}/{call.names['lock']}"


def put_lock(call: Call) -> Answer:
    """Lock a scope, or change its lock."""
    level = need(call.body, "properties", "level")
    existed = call.world.find(Lock, _id(call)) is not None
    notes = call.body["properties"].get("notes")
    lock = Lock(id=_id(call), scope=call.names["scope"], level=level, notes=notes)
    return Answer(200 if existed else 201, _body(call.world.add(lock)))


def get_lock(call: Call) -> Answer:
    """Show one lock."""
    return Answer(body=_body(_existing(call)))


def delete_lock(call: Call) -> Answer:
    """Delete a lock."""
    lock = call.world.find(Lock, _id(call))
    if lock is None:
        return Answer(204)
    call.world.remove(lock)
    return Answer(200)


def list_locks(call: Call) -> Answer:
    """List the locks that apply at a scope, and those below it."""
    scope = call.names["scope"].lower()
    locks = (
        lock
        for lock in call.world.of(Lock)
        if within(scope, lock.scope.lower()) or within(lock.scope.lower(), scope)
    )
    return Answer(body={"value": [_body(lock) for lock in locks]})


def _existing(call: Call) -> Lock:
    lock = call.world.find(Lock, _id(call))
    if lock is None:
        message = f"The lock '{call.names['lock']}' could not be found."
        raise errors.ArmError(404, "LockNotFound", message, gateway=True)
    return lock


_LOCKS = "{scope}/providers/Microsoft.Authorization/locks"
ROUTES = of(
    ManagementLockDefinition,
    Route("GET", _LOCKS, list_locks, front=True),
    Route("GET", _LOCKS + "/{lock}", get_lock, front=True),
    Route("PUT", _LOCKS + "/{lock}", put_lock, front=True),
    Route("DELETE", _LOCKS + "/{lock}", delete_lock, front=True),
)
