"""`$filter` and `$expand` of ARM's own lists, as far as tools use them.

A filter is `name eq 'value'`, joined by `and`. A tag's value is filtered together with its name.
Everything else that Azure understands is refused as not simulated, never ignored.
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
    """Return what a list's filter lets through; `members` are those it knows besides the tags."""
    said = _clauses(call.query.get("$filter", ""), {*members, _TAG_NAME, _TAG_VALUE}, what)
    tests = [_equals(members[name], value) for name, value in said.items() if name in members]
    if _TAG_NAME in said:
        tests.append(_tagged(said[_TAG_NAME], said.get(_TAG_VALUE)))
    elif _TAG_VALUE in said:
        refused = f"tagvalue without tagname in the $filter of {what}"
        raise errors.not_simulated(refused)
    return lambda resource: all(test(resource) for test in tests)


def by_tag(call: Call) -> bool:
    """Say whether a list is filtered by a tag's name and value."""
    return _TAG_VALUE in call.query.get("$filter", "").lower()


def expanded(call: Call, known: Collection[str], what: str) -> list[str]:
    """Return which of the members that a list shows on demand are asked for."""
    spelt = {name.lower(): name for name in known}
    asked = [name.strip() for name in call.query.get("$expand", "").split(",") if name.strip()]
    for name in asked:
        if name.lower() not in spelt:
            refused = f"$expand={name} on {what}"
            raise errors.not_simulated(refused)
    return [spelt[name.lower()] for name in asked]


def _clauses(said: str, known: Collection[str], what: str) -> dict[str, str]:
    clauses = [(name.lower(), value.replace("''", "'")) for name, value in _ONE.findall(said)]
    found = dict(clauses)
    if not _ALL.fullmatch(said) or len(found) < len(clauses) or not found.keys() <= {*known}:
        refused = f"the $filter {said} of {what}"
        raise errors.not_simulated(refused)
    return found


def _equals(member: Member, value: str) -> Test:
    return lambda resource: member(resource).lower() == value.lower()


def _tagged(name: str, value: str | None) -> Test:
    """Names compare without case, values with it."""

    def test(resource: Resource) -> bool:
        values = [v for n, v in resource.tags.items() if n.lower() == name.lower()]
        return bool(values) if value is None else value in values

    return test
