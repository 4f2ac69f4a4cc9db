"""Which events an event subscription delivers, and which filters Azure refuses."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.eventgrid.errors import Refused
from simulator.eventgrid.events import Event
from simulator.eventgrid.filters import MATCH_WHEN_MISSING, OPERATORS, SINGLE, Filter, read_filter
from simulator.eventgrid.topics import EVENT_TYPES, SUBSCRIPTIONS

DATA = {
    "operationName": "Microsoft.Compute/virtualMachines/deallocate/action",
    "claims": {"appid": "app-1"},
    "resourceInfo": {"properties": {"annotationName": "VirtualMachineStoppedInternally"}},
    "size": 7,
    "hot": True,
    "gone": None,
    "colours": ["red", "green"],
}
EVENT = Event(
    id="1",
    topic="/subscriptions/s",
    subject="/subscriptions/s/resourceGroups/G/providers/Microsoft.Compute/virtualMachines/Vm",
    type="Microsoft.Resources.ResourceActionSuccess",
    time="2026-03-01T12:00:00.0000000Z",
    data=DATA,
    data_version="2",
)
TYPES = EVENT_TYPES[SUBSCRIPTIONS]


def _condition(operator: str, key: str, *values: object) -> dict[str, object]:
    condition: dict[str, object] = {"operatorType": operator, "key": key}
    if operator in SINGLE:
        return condition | {"value": values[0]}
    return condition | ({"values": list(values)} if values else {})


def _matches(operator: str, key: str, *values: object) -> bool:
    condition = _condition(operator, key, *values)
    return read_filter({"advancedFilters": [condition]}, TYPES).matches(EVENT)


@pytest.mark.parametrize(
    ("operator", "key", "values", "expected"),
    [
        ("StringIn", "data.claims.appid", ["other", "APP-1"], True),
        ("StringIn", "data.claims.appid", ["other"], False),
        ("StringNotIn", "data.claims.appid", ["app-1"], False),
        ("StringNotIn", "data.claims.appid", ["other"], True),
        ("StringBeginsWith", "data.operationName", ["microsoft.compute/"], True),
        ("StringNotBeginsWith", "data.operationName", ["microsoft.compute/"], False),
        ("StringEndsWith", "data.operationName", ["/start/action", "/deallocate/action"], True),
        ("StringNotEndsWith", "data.operationName", ["/start/action"], True),
        ("StringContains", "subject", ["/virtualmachines/"], True),
        ("StringNotContains", "subject", ["/disks/"], True),
        (
            "StringIn",
            "data.resourceInfo.properties.annotationName",
            ["VirtualMachineStoppedInternally"],
            True,
        ),
        ("StringIn", "eventType", ["Microsoft.Resources.ResourceActionSuccess"], True),
        ("StringIn", "topic", ["/subscriptions/s"], True),
        ("NumberIn", "data.size", [7, 8], True),
        ("NumberNotIn", "data.size", [7], False),
        ("NumberLessThan", "data.size", [8], True),
        ("NumberLessThanOrEquals", "data.size", [7], True),
        ("NumberGreaterThan", "data.size", [7], False),
        ("NumberGreaterThanOrEquals", "data.size", [7], True),
        ("NumberInRange", "data.size", [[1, 3], [6, 7]], True),
        ("NumberNotInRange", "data.size", [[1, 3]], True),
        ("BoolEquals", "data.hot", [True], True),
        ("BoolEquals", "data.hot", [False], False),
        ("IsNullOrUndefined", "data.gone", [], True),
        ("IsNullOrUndefined", "data.size", [], False),
        ("IsNotNull", "data.gone", [], False),
        ("IsNotNull", "data.size", [], True),
    ],
)
def test_each_operator(operator: str, key: str, values: list[object], *, expected: bool) -> None:
    """Every operator type decides as documented; strings compare without case."""
    assert _matches(operator, key, *values) is expected


@pytest.mark.parametrize("operator", sorted(OPERATORS))
@pytest.mark.parametrize("key", ["data.nothing", "data.claims.nothing.deeper", "data.gone"])
def test_a_missing_key_satisfies_three_operators_only(operator: str, key: str) -> None:
    """NumberNotIn, StringNotIn and IsNullOrUndefined match a missing key, all others do not."""
    values: dict[str, list[object]] = {
        "Bool": [True],
        "Stri": ["x"],
        "Numb": [[1, 2]] if operator.endswith("Range") else [1],
        "IsNu": [],
        "IsNo": [],
    }
    assert _matches(operator, key, *values[operator[:4]]) is (operator in MATCH_WHEN_MISSING)


def test_arrays_are_looked_into_only_on_request() -> None:
    """With enableAdvancedFilteringOnArrays elements count; without it an array is no value."""
    condition = _condition("StringIn", "data.colours", "green")
    unwanted = _condition("StringNotIn", "data.colours", "green")
    assert not read_filter({"advancedFilters": [condition]}, TYPES).matches(EVENT)
    on = {"enableAdvancedFilteringOnArrays": True}
    assert read_filter({"advancedFilters": [condition], **on}, TYPES).matches(EVENT)
    assert not read_filter({"advancedFilters": [unwanted], **on}, TYPES).matches(EVENT)


def test_conditions_are_anded() -> None:
    """If any condition fails, the event does not match."""
    good = _condition("StringIn", "data.claims.appid", "app-1")
    bad = _condition("NumberIn", "data.size", 1)
    assert read_filter({"advancedFilters": [good, good]}, TYPES).matches(EVENT)
    assert not read_filter({"advancedFilters": [good, bad]}, TYPES).matches(EVENT)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ({"includedEventTypes": ["Microsoft.Resources.ResourceActionSuccess"]}, True),
        ({"includedEventTypes": ["Microsoft.Resources.ResourceWriteSuccess"]}, False),
        ({"includedEventTypes": ["All"]}, True),
        ({"subjectBeginsWith": "/SUBSCRIPTIONS/S/"}, True),
        ({"subjectEndsWith": "/vm"}, True),
        ({"subjectEndsWith": "/vm", "isSubjectCaseSensitive": True}, False),
        ({"subjectBeginsWith": "/other"}, False),
    ],
)
def test_types_and_subjects(content: dict[str, object], *, expected: bool) -> None:
    """Event types and subjects filter too, subjects without case unless configured otherwise."""
    assert read_filter(content, TYPES).matches(EVENT) is expected


@pytest.mark.parametrize(
    "content",
    [
        {"includedEventTypes": ["Microsoft.Storage.BlobCreated"]},
        {"advancedFilters": [_condition("StringIn", "data.x", "y")] * 26},
        {"advancedFilters": [_condition("StringIn", "data.x", *map(str, range(26)))]},
        {"advancedFilters": [_condition("StringIn", "data.x", *map(str, range(13)))] * 2},
        {"advancedFilters": [_condition("StringIn", "data.x", "y" * 513)]},
        {"advancedFilters": [_condition("StringMatches", "data.x", "y")]},
        {"advancedFilters": [_condition("StringIn", "", "y")]},
        {"advancedFilters": [_condition("StringIn", "data.x")]},
        {"advancedFilters": [_condition("StringIn", "data.x", 7)]},
        {"advancedFilters": [_condition("NumberInRange", "data.x", [1])]},
    ],
)
def test_what_azure_refuses(content: dict[str, object]) -> None:
    """Unknown types and operators, more than 25 filters or values, values of the wrong kind."""
    with pytest.raises(Refused) as refused:
        read_filter(content, TYPES)
    assert (refused.value.status, refused.value.code) == (400, "InvalidRequest")


def test_25_filters_with_25_values_are_allowed() -> None:
    """The limit itself is allowed."""
    content = {"advancedFilters": [_condition("StringNotIn", "data.x", "y")] * 25}
    assert read_filter(content, TYPES).matches(EVENT)


@given(
    key=st.text(max_size=30),
    operator=st.sampled_from(sorted(op for op in OPERATORS if op.startswith("String"))),
    data=st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
        max_leaves=8,
    ),
)
def test_no_event_makes_a_filter_fail(key: str, operator: str, data: object) -> None:
    """Whatever JSON an event has, a filter matches or does not."""
    content = {"advancedFilters": [_condition(operator, f"data.{key}", "x")]}
    event = Event("1", "t", "s", "type", "", data, "1")
    wanted: Filter = read_filter({**content, "enableAdvancedFilteringOnArrays": True}, ())
    assert wanted.matches(event) in (True, False)
