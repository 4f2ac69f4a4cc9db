"""ARM's own tags API: reads and changes the tags of a resource, group or subscription.

PATCH merges, replaces or deletes the given tags, and needs no permission on the resource except to
write tags; this is why tools prefer it to the resource's own PATCH.
"""

from simulator.arm.compute import vm_errors
from simulator.arm.compute.records import Vm
from simulator.arm.core import errors
from simulator.arm.core.answer import Answer
from simulator.arm.core.call import Call, checked_tags, member, need
from simulator.arm.core.errors import Json
from simulator.arm.core.resource import Resource
from simulator.arm.core.routing import Route
from simulator.arm.resources.bodies import TagsOperation, TagsResource


def get_tags(call: Call) -> Answer:
    """Show a resource's tags."""
    return Answer(body=_body(call, _tagged(call)))


def patch_tags(call: Call) -> Answer:
    """Merge, replace or delete the tags in the body."""
    resource = _writable(call)
    named = checked_tags(need(call.body, "properties", "tags"))
    operation = need(call.body, "operation")
    if operation == TagsOperation.MERGE:
        changed = _merged(resource.tags, named)
    elif operation == TagsOperation.REPLACE:
        changed = named
    else:
        changed = _without(resource.tags, named)
    return _write(call, resource, changed)


def put_tags(call: Call) -> Answer:
    """Replace all tags."""
    return _write(call, _writable(call), member(call.body, "properties", "tags") or {})


def delete_tags(call: Call) -> Answer:
    """Remove all tags."""
    _write(call, _writable(call), {})
    return Answer(200)


def _write(call: Call, resource: Resource, tags: Json) -> Answer:
    resource.tags = checked_tags(tags)
    if isinstance(resource, Vm):
        resource.etag += 1
    return Answer(body=_body(call, resource))


def _tagged(call: Call) -> Resource:
    return call.world.get(Resource, call.names["scope"])


def _writable(call: Call) -> Resource:
    resource = _tagged(call)
    if isinstance(resource, Vm) and resource.generalized:
        raise vm_errors.no_tags_on_generalized(resource.name)
    if resource.operation and call.world.settings.busy_tags == "refuse":
        raise errors.concurrent_operation()
    return resource


def _merged(tags: dict[str, str], named: dict[str, str]) -> dict[str, str]:
    """Return merged tags; names compare without case and keep the casing of their first write."""
    casing = {name.lower(): name for name in tags}
    return tags | {casing.get(name.lower(), name): value for name, value in named.items()}


def _without(tags: dict[str, str], named: dict[str, str]) -> dict[str, str]:
    """Return the remaining tags; Azure deletes a tag only if name and value both match."""
    gone = {(name.lower(), value) for name, value in named.items()}
    return {name: value for name, value in tags.items() if (name.lower(), value) not in gone}


def _body(call: Call, resource: Resource) -> Json:
    return {
        "id": f"{call.names['scope']}/providers/Microsoft.Resources/tags/default",
        "name": "default",
        "type": "Microsoft.Resources/tags",
        "properties": {"tags": resource.tags},
    }


_SINCE = "2019-10-01"
_TAGS = "{scope}/providers/Microsoft.Resources/tags/default"
ROUTES = tuple(
    Route(method, _TAGS, answer, front=True, takes=takes, gives=TagsResource, since=_SINCE)
    for method, answer, takes in (
        ("GET", get_tags, None),
        ("PATCH", patch_tags, TagsResource),
        ("PUT", put_tags, TagsResource),
        ("DELETE", delete_tags, None),
    )
)
