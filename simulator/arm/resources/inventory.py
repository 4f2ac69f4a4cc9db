"""Everything at once: ARM's own lists of resources of whatever type, by id, type and tags alone.

Filters are simulated as far as tools use them: equality of resourceGroup, resourceType, name and
of a tag's name and value, joined by `and`.
"""

import re
from collections.abc import Callable

from simulator.arm.authorization.locks import Lock
from simulator.arm.compute.records import Vm
from simulator.arm.core import errors, ids
from simulator.arm.core.answer import Answer
from simulator.arm.core.call import Call
from simulator.arm.core.errors import Json
from simulator.arm.core.resource import Group, Resource
from simulator.arm.core.routing import Route
from simulator.arm.core.wire import stamp

type Test = Callable[[Resource, str], bool]

_CLAUSE = re.compile(r"\s*(\w+)\s+eq\s+'([^']*)'\s*", re.IGNORECASE)
_TESTS: dict[str, Test] = {
    "resourcegroup": lambda resource, value: resource.group.lower() == value,
    "resourcetype": lambda resource, value: resource.kind.lower() == value,
    "name": lambda resource, value: resource.name.lower() == value,
    "tagname": lambda resource, value: value in (name.lower() for name in resource.tags),
    "tagvalue": lambda resource, value: value in (v.lower() for v in resource.tags.values()),
}


def list_resources(call: Call) -> Answer:
    """List all resources of the subscription that a filter lets through."""
    return _listed(call, ids.group_id(call.world.subscription, "").removesuffix("resourceGroups/"))


def list_group_resources(call: Call) -> Answer:
    """List the resources of a group that a filter lets through."""
    return _listed(
        call, call.world.get(Group, ids.group_id(call.world.subscription, call.group)).id
    )


def _listed(call: Call, scope: str) -> Answer:
    tests = _filter(call.query.get("$filter", ""))
    found = (
        resource
        for resource in call.world.under(scope)
        if not isinstance(resource, Group | Lock)
        and all(test(resource, value) for test, value in tests)
    )
    return Answer(body={"value": [_row(resource) for resource in found]})


def _filter(said: str) -> list[tuple[Test, str]]:
    tests = []
    for clause in re.split(r"\s+and\s+", said, flags=re.IGNORECASE) if said else ():
        match = _CLAUSE.fullmatch(clause)
        if match is None or match[1].lower() not in _TESTS:
            what = f"the filter {clause}"
            raise errors.not_simulated(what)
        tests.append((_TESTS[match[1].lower()], match[2].lower()))
    return tests


def _row(resource: Resource) -> Json:
    named = ids.take_apart(resource.id)
    row: Json = {
        "id": resource.id,
        "name": "/".join(named.names) if named else resource.name,
        "type": resource.kind,
        "location": resource.location,
        "tags": resource.tags,
    }
    if isinstance(resource, Vm):
        row["createdTime"] = stamp(resource.created)
    return row


_SUBSCRIPTION = "/subscriptions/{subscription}"
ROUTES = (
    Route("GET", _SUBSCRIPTION + "/resources", list_resources, front=True),
    Route(
        "GET",
        _SUBSCRIPTION + "/resourceGroups/{group}/resources",
        list_group_resources,
        front=True,
    ),
)
