"""Which events an event subscription delivers.

Takes the `filter` of a subscription as ARM has it and gives a `Filter` that matches events.
Everything is ANDed; the values within one advanced filter are ORed (negative operators: none may
match). A key that is missing, or whose value has another type than the operator's, satisfies
only NumberNotIn, StringNotIn and IsNullOrUndefined, a common source of wrong filters.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from simulator.eventgrid.errors import refuse_invalid
from simulator.eventgrid.events import Event, Json

MOST_FILTERS = 25
MOST_VALUES = 25
LONGEST_STRING = 512

type Test = Callable[[Any, Any], bool]

STRING_TESTS: dict[str, Test] = {
    "In": lambda actual, wanted: actual == wanted,
    "Contains": lambda actual, wanted: wanted in actual,
    "BeginsWith": lambda actual, wanted: actual.startswith(wanted),
    "EndsWith": lambda actual, wanted: actual.endswith(wanted),
}
NUMBER_TESTS: dict[str, Test] = {
    "In": lambda actual, wanted: actual == wanted,
    "LessThan": lambda actual, wanted: actual < wanted,
    "LessThanOrEquals": lambda actual, wanted: actual <= wanted,
    "GreaterThan": lambda actual, wanted: actual > wanted,
    "GreaterThanOrEquals": lambda actual, wanted: actual >= wanted,
    "InRange": lambda actual, wanted: wanted[0] <= actual <= wanted[1],
}
# Operators that have one `value` where the others have `values`.
SINGLE = {
    "BoolEquals",
    "NumberLessThan",
    "NumberLessThanOrEquals",
    "NumberGreaterThan",
    "NumberGreaterThanOrEquals",
}
NULL_TESTS = {"IsNullOrUndefined", "IsNotNull"}
OPERATORS = (
    NULL_TESTS
    | SINGLE
    | {f"String{word}{name}" for word in ("", "Not") for name in STRING_TESTS}
    | {f"Number{word}{name}" for word in ("", "Not") for name in ("In", "InRange")}
)
MATCH_WHEN_MISSING = {"NumberNotIn", "StringNotIn", "IsNullOrUndefined"}


@dataclass(frozen=True)
class AdvancedFilter:
    """One condition on one key; `values` holds the single value of operators that have one."""

    operator: str
    key: str
    values: tuple[Any, ...]

    def holds(self, event: Event, *, on_arrays: bool) -> bool:
        """Tell whether the event satisfies the condition."""
        actual = value_at(event, self.key)
        if self.operator in NULL_TESTS:
            return (actual is None) == (self.operator == "IsNullOrUndefined")
        candidates = actual if on_arrays and isinstance(actual, list) else [actual]
        fitting = [_fitting(self.operator, candidate) for candidate in candidates]
        if not fitting or None in fitting:
            return self.operator in MATCH_WHEN_MISSING
        found = any(self._any_value(candidate) for candidate in fitting)
        return found != _negative(self.operator)

    def _any_value(self, actual: Any) -> bool:  # noqa: ANN401 - a string, number or bool
        test = _test(self.operator)
        return any(test(actual, _lowered(wanted)) for wanted in self.values)


@dataclass(frozen=True)
class Filter:
    """A subscription's whole filter; `event_types` None = all of the topic's."""

    event_types: frozenset[str] | None = None
    begins: str = ""
    ends: str = ""
    case_sensitive: bool = False
    advanced: tuple[AdvancedFilter, ...] = ()
    on_arrays: bool = False

    def matches(self, event: Event) -> bool:
        """Tell whether the event is to be delivered."""
        return (
            (self.event_types is None or event.type.lower() in self.event_types)
            and self._subject_fits(event.subject)
            and all(one.holds(event, on_arrays=self.on_arrays) for one in self.advanced)
        )

    def _subject_fits(self, subject: str) -> bool:
        begins, ends = self.begins, self.ends
        if not self.case_sensitive:
            subject, begins, ends = subject.lower(), begins.lower(), ends.lower()
        return subject.startswith(begins) and subject.endswith(ends)


def value_at(event: Event, key: str) -> Any:  # noqa: ANN401 - whatever JSON is there
    """Return a key's value, None if missing; below `data` keys are case-sensitive."""
    first, *rest = key.split(".")
    found: Any = _attribute(event, first.lower())
    for segment in rest:
        found = found.get(segment) if isinstance(found, dict) else None
    return found


def _attribute(event: Event, name: str) -> object:
    """Find a top-level value by its name in either schema."""
    return {
        "id": event.id,
        "topic": event.topic,
        "source": event.topic,
        "subject": event.subject,
        "eventtype": event.type,
        "type": event.type,
        "dataversion": event.data_version,
        "data": event.data,
    }.get(name)


def _fitting(operator: str, value: object) -> object | None:
    """Give the value in the operator's kind, strings lowered; None when it is of another."""
    if operator.startswith("String"):
        return value.lower() if isinstance(value, str) else None
    if operator == "BoolEquals":
        return value if isinstance(value, bool) else None
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return value if is_number else None


def _lowered(value: object) -> object:
    return value.lower() if isinstance(value, str) else value


def _negative(operator: str) -> bool:
    return operator.startswith(("StringNot", "NumberNot"))


def _test(operator: str) -> Test:
    if operator == "BoolEquals":
        return STRING_TESTS["In"]
    tests = STRING_TESTS if operator.startswith("String") else NUMBER_TESTS
    return tests[operator[len("String") :].removeprefix("Not")]


def read_filter(content: Json, supported_types: tuple[str, ...]) -> Filter:
    """Read ARM's `filter`; raises Refused. `supported_types` empty = the topic takes any type."""
    return Filter(
        event_types=_event_types(content.get("includedEventTypes"), supported_types),
        begins=content.get("subjectBeginsWith") or "",
        ends=content.get("subjectEndsWith") or "",
        case_sensitive=bool(content.get("isSubjectCaseSensitive")),
        advanced=_advanced(content.get("advancedFilters") or []),
        on_arrays=bool(content.get("enableAdvancedFilteringOnArrays")),
    )


def _event_types(included: list[str] | None, supported: tuple[str, ...]) -> frozenset[str] | None:
    if not included or [word.lower() for word in included] == ["all"]:
        return None
    wanted = frozenset(word.lower() for word in included)
    unknown = wanted - {name.lower() for name in supported}
    if supported and unknown:
        refuse_invalid(f"The event types {sorted(unknown)} are not supported by this topic.")
    return wanted


def _advanced(contents: list[Json]) -> tuple[AdvancedFilter, ...]:
    if len(contents) > MOST_FILTERS:
        refuse_invalid(f"There are more than {MOST_FILTERS} advanced filters.")
    filters = tuple(_advanced_filter(content) for content in contents)
    if sum(len(one.values) for one in filters) > MOST_VALUES:
        refuse_invalid(f"The advanced filters have more than {MOST_VALUES} values in all.")
    return filters


def _advanced_filter(content: Json) -> AdvancedFilter:
    operator, key = content.get("operatorType"), content.get("key")
    if operator not in OPERATORS:
        refuse_invalid(f"'{operator}' is no operatorType of an advanced filter.")
    if not key or not isinstance(key, str):
        refuse_invalid(f"The advanced filter {operator} has no key.")
    values = _values(operator, content)
    if any(isinstance(value, str) and len(value) > LONGEST_STRING for value in values):
        refuse_invalid(f"A value of {key} is longer than {LONGEST_STRING} characters.")
    return AdvancedFilter(operator, key, values)


def _values(operator: str, content: Json) -> tuple[Any, ...]:
    if operator in NULL_TESTS:
        return ()
    values = [content.get("value")] if operator in SINGLE else content.get("values")
    if not isinstance(values, list) or not values:
        refuse_invalid(f"The advanced filter {operator} on {content['key']} has no values.")
    if not all(_valid_value(operator, value) for value in values):
        refuse_invalid(f"A value of the {operator} filter on {content['key']} is of another kind.")
    return tuple(values)


def _valid_value(operator: str, value: object) -> bool:
    if operator.endswith("InRange"):
        bounds = value if isinstance(value, list) else []
        return len(bounds) == 2 and all(_valid_value("NumberIn", bound) for bound in bounds)  # noqa: PLR2004 - from, to
    return _fitting(operator, value) is not None
