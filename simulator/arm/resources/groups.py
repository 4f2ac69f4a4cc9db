"""Resource groups: their bodies, and their deletion with all resources in them."""

from collections.abc import Sequence
from uuid import uuid4

from simulator.arm.compute.records import Disk, Version, Vm
from simulator.arm.compute.version_safety import check_deletable
from simulator.arm.compute.vms import forget_vm
from simulator.arm.core import errors, ids
from simulator.arm.core.answer import Answer
from simulator.arm.core.call import Call, need, tags_in
from simulator.arm.core.errors import Failure, Json
from simulator.arm.core.operations import Operation
from simulator.arm.core.pages import page
from simulator.arm.core.resource import Group, Resource
from simulator.arm.core.routing import Route, of
from simulator.arm.core.world import World
from simulator.arm.resources.bodies import ResourceGroup
from simulator.arm.resources.filters import filter_of


def group_body(group: Group) -> Json:
    """Return a resource group's body: without `tags` if none were ever sent, as recorded."""
    body: Json = {
        "id": group.id,
        "name": group.name,
        "type": Group.kind,
        "location": group.location,
        "properties": {"provisioningState": group.provisioning},
    }
    sent = group.properties
    managed = {"managedBy": sent["managedBy"]} if "managedBy" in sent else {}
    return body | managed | ({"tags": group.tags} if group.tags or "tags" in sent else {})


def get_group(call: Call) -> Answer:
    """Show a resource group."""
    return Answer(body=group_body(_existing(call)))


def head_group(call: Call) -> Answer:
    """Say whether a resource group exists."""
    found = call.world.find(Group, call.scope)
    return Answer(204 if found else 404)


def list_groups(call: Call) -> Answer:
    """List the resource groups in pages; those with a tag all at once."""
    if "$filter" in call.query:
        lets_through = filter_of(call, {}, "a list of resource groups")
        found = [group_body(group) for group in call.world.of(Group) if lets_through(group)]
        return Answer(body={"value": found})
    return page(call, Group, group_body, f"/subscriptions/{call.world.subscription}/")


def put_group(call: Call) -> Answer:
    """Create a resource group, or replace its tags."""
    existing = call.world.find(Group, call.scope)
    location = ids.region_name(need(call.body, "location"))
    if existing and existing.location != location:
        message = (
            f"Invalid resource group location '{location}'. The Resource group already exists "
            f"in location '{existing.location}'."
        )
        raise errors.ArmError(409, "InvalidResourceGroupLocation", message, gateway=True)
    if existing:
        existing.tags = tags_in(call.body)
        existing.properties |= _sent(call)
        return Answer(200, group_body(existing))
    group_id = ids.group_id(call.world.subscription, call.group)
    tags, sent = tags_in(call.body), _sent(call)
    group = Group(id=group_id, location=location, tags=tags, properties=sent)
    return Answer(201, group_body(call.world.add(group)))


def patch_group(call: Call) -> Answer:
    """Replace a resource group's tags."""
    group = _existing(call)
    if "tags" in call.body:
        group.tags = tags_in(call.body)
    group.properties |= _sent(call)
    return Answer(body=group_body(group))


def delete_group(call: Call) -> Answer:
    """Delete a resource group and everything in it."""
    world, group = call.world, _existing(call)
    group.provisioning = "Deleting"
    operation = world.operations.start(
        "delete", group.location, world.seconds("group"), lambda: _forget(world, group),
        fail=lambda: _roll_back(group), doomed=call.doomed,
    )  # fmt: skip
    operation.retry_after = world.settings.retry_after
    path = f"/subscriptions/{world.subscription}/operationresults/{operation.id}"
    return Answer(202, None, _poll_at(call, path, operation), operation)


def get_operation_result(call: Call) -> Answer:
    """Answer 202 while a group is being deleted, then 200, or the reason of its failure.

    The status 409 of a failure is inferred.
    """
    operation = call.world.operations.find(call.names["operation"])
    if operation is None:
        raise errors.entity_not_found()
    if operation.failure:
        failure = operation.failure
        raise errors.ArmError(409, failure.code, failure.message, gateway=True)
    if operation.ended:
        return Answer(200)
    return Answer(202, None, _poll_at(call, call.path, operation))


def _poll_at(call: Call, path: str, operation: Operation) -> dict[str, str]:
    wait = operation.retry_after
    headers = {"Location": f"{call.base}{path}?api-version={call.query['api-version']}"}
    return headers | ({} if wait is None else {"Retry-After": str(wait)})


def _forget(world: World, group: Group) -> Failure | None:
    """Remove a group's resources; a version that blocks deletion stays with its parents."""
    inside = world.under(group.id)
    blocked = [item for item in inside if isinstance(item, Version) and _is_kept(world, item)]
    kept = {group.key, *(part.lower() for version in blocked for part in _line(version))}
    for resource in inside:
        if resource.key not in kept:
            _remove(world, resource)
    if blocked:
        return _deletion_blocked(group, blocked)
    world.remove(group)
    return None


def _remove(world: World, resource: Resource) -> None:
    if isinstance(resource, Vm):
        if resource.operation:
            world.operations.preempt(resource.operation)
        forget_vm(world, resource)
    if isinstance(resource, Disk) and resource.owner:
        resource.owner = None
    world.remove(resource)


def _is_kept(world: World, version: Version) -> bool:
    try:
        check_deletable(version, world.clock.now())
    except errors.ArmError:
        return True
    return False


def _line(version: Version) -> tuple[str, str, str]:
    """Return the ids of a version, its definition and its gallery."""
    return version.id, ids.parent(version.id), ids.parent(version.id, 2)


def _deletion_blocked(group: Group, blocked: Sequence[Resource]) -> Failure:
    """Return why a group was not deleted: the message is recorded for other resources."""
    names = ", ".join(resource.id.partition("/providers/")[2] for resource in blocked)
    message = (
        f"Deletion of resource group '{group.name}' failed as resources with identifiers '{names}' "
        "could not be deleted. The provisioning state of the resource group will be rolled back. "
        f"The tracking Id is '{uuid4()}'. Please check audit logs for more details."
    )
    return Failure("ResourceGroupDeletionBlocked", message)


def _roll_back(group: Group) -> None:
    group.provisioning = "Succeeded"


def _sent(call: Call) -> Json:
    """Return the members of a request that a group keeps besides location and present tags."""
    return {name: call.body[name] for name in ("managedBy", "tags") if name in call.body}


def _existing(call: Call) -> Group:
    return call.world.get(Group, ids.group_id(call.world.subscription, call.group))


_SUBSCRIPTION = "/subscriptions/{subscription}"
_GROUPS = _SUBSCRIPTION + "/resourceGroups"
_GROUP = _GROUPS + "/{group}"
ROUTES = (
    *of(
        ResourceGroup,
        Route("GET", _GROUPS, list_groups, front=True),
        Route("GET", _GROUP, get_group, front=True),
        Route("HEAD", _GROUP, head_group, front=True),
        Route("PUT", _GROUP, put_group, front=True),
        Route("PATCH", _GROUP, patch_group, front=True),
        Route("DELETE", _GROUP, delete_group, front=True),
    ),
    Route("GET", _SUBSCRIPTION + "/operationresults/{operation}", get_operation_result, front=True),
)
