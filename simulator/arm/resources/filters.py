"""`$filter` and `$expand` of ARM's own lists: the parts that tools use.

A filter is `name eq 'value'`, joined by `and`. A tag's value needs its name in the same filter. Any
other filter that Azure understands is refused as not simulated, not ignored.
"""

import re
from collections.abc import Callable, Collection, Mapping

from simulator.arm.core import errors
from simulator.arm.core.call import Call
from simulator.arm.core.resource import Resource

type Test = Callable[[Resource], bool]
type Member = Callable[[Resource], str]

_CLAUSE = r"\s*(\w+)\s+eq\s+'((?:[^']|'')*)'\s*"
_ONE = re.compile(_CLAUSE, re.IGNORECASE)
_ALL = re.compile(rf"{_CLAUSE}(?:and\b{_CLAUSE})*|\s*", re.IGNORECASE)
_TAG_NAME, _TAG_VALUE = "tagname", "tagvalue"


def filter_of(call: Call, members: Mapping[str, Member], what: str) -> Test:
    """Return the test of a list's filter; `members` are those that it knows besides tags."""
    clauses = _clauses(call.query.get("$filter", ""), {*members, _TAG_NAME, _TAG_VALUE}, what)
    tests = [_equals(members[name], value) for name, value in clauses.items() if name in members]
    if _TAG_NAME in clauses:
        tests.append(_tagged(clauses[_TAG_NAME], clauses.get(_TAG_VALUE)))
    elif _TAG_VALUE in clauses:
        refused = f"tagvalue without tagname in the $filter of {what}"
        raise errors.not_simulated(refused)
    return lambda resource: all(test(resource) for test in tests)


def by_tag(call: Call) -> bool:
    """Say whether a list is filtered by a tag's name and value."""
    return _TAG_VALUE in call.query.get("$filter", "").lower()


def expanded(call: Call, known: Collection[str], what: str) -> list[str]:
    """Return the members that `$expand` requests."""
    spelt = {name.lower(): name for name in known}
    asked = [name.strip() for name in call.query.get("$expand", "").split(",") if name.strip()]
    for name in asked:
        if name.lower() not in spelt:
            refused = f"$expand={name} on {what}"
            raise errors.not_simulated(refused)
    return [spelt[name.lower()] for name in asked]


def _clauses(text: str, known: Collection[str], what: str) -> dict[str, str]:
    clauses = [(name.lower(), value.replace("''", "'")) for name, value in _ONE.findall(text)]
    found = dict(clauses)
    if not _ALL.fullmatch(text) or len(found) < len(clauses) or not found.keys() <= {*known}:
        refused = f"the $filter {text} of {what}"
        raise errors.not_simulated(refused)
    return found


def _equals(member: Member, value: str) -> Test:
    return lambda resource: member(resource).lower() == value.lower()


def _tagged(name: str, value: str | None) -> Test:
    """Return the test for a tag: its name without case, its value with case."""

    def test(resource: Resource) -> bool:
        values = [v for n, v in resource.tags.items() if n.lower() == name.lower()]
        return bool(values) if value is None else value in values

    return test
