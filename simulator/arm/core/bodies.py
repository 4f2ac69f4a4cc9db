"""The bodies of requests and answers, checked against Microsoft's specification of them.

Takes a decoded body and its expected shape; gives a request's as Azure stores it: names and
enumerations in Azure's spelling, in whatever case they were sent, and no nulls, which mean the same
as a missing member. Invalid bodies are refused, as by Azure's own deserializer. Members that are in
no specification are listed, as are all differences of an answer, which must have Azure's spelling.
"""

import re
from dataclasses import dataclass, field
from typing import Any

from simulator.arm.core import errors
from simulator.arm.core.errors import Json
from simulator.arm.core.specification import Shape, spelt


@dataclass
class Reading:
    """A request's body as Azure stores it; `unknown` is left out: no specification has it.

    By their paths, with the name of the object that contains them.
    """

    body: Json = field(default_factory=dict)
    unknown: dict[str, str] = field(default_factory=dict)


def read(body: Json, shape: Shape) -> Reading:
    """Read a request's body; refuse the first member of a wrong type or with an unknown value."""
    reading = Reading()
    reading.body = _object(body, shape, "", reading.unknown)
    return reading


def check_envelope(body: Json, shape: Shape) -> None:
    """Refuse a member beside `properties` that ARM does not know: it reads these itself.

    Recorded with unknown names, and with a VM's `resources` (its extensions), sent back as shown.
    """
    for name in body:
        if name.lower() not in shape.members or name.lower() == "resources":
            own = shape.name if shape.name.endswith("Definition") else "ResourceDefinition"
            raise errors.unknown_member(name, own)


def differences(body: Any, shape: Shape, at: str = "") -> list[str]:  # noqa: ANN401 JSON
    """Return how an answer differs from its specification: members, types, values, spelling."""
    if body is None:
        return []
    if not _is_of(body, shape.kind):
        return [f"{at}: {type(body).__name__} instead of {shape.kind.__name__}"]
    if isinstance(body, dict) and shape.members:
        return [
            found for name, value in body.items() for found in _differing(name, value, shape, at)
        ]
    if shape.item:
        each = body.items() if isinstance(body, dict) else enumerate(body)
        return [found for n, one in each for found in differences(one, shape.item, f"{at}[{n}]")]
    if shape.values and body not in shape.values.values():
        return [f"{at}: '{body}' is no {shape.name}"]
    return []


def _differing(name: str, value: Any, shape: Shape, at: str) -> list[str]:  # noqa: ANN401 JSON
    path = f"{at}.{name}" if at else name
    known, inside = shape.members.get(name.lower(), ("", shape))
    if known != name:
        return [f"{path}: not in {shape.name}" + (f", which has {known}" if known else "")]
    return differences(value, inside, path)


def _object(body: Json, shape: Shape, at: str, unknown: dict[str, str]) -> Json:
    kept: Json = {}
    for name, value in body.items():
        path = f"{at}.{name}" if at else name
        known, inside = shape.members.get(name.lower(), (name, None))
        if inside is None:
            unknown[path] = shape.name
        elif value is not None:
            kept[known] = _value(value, inside, path, unknown)
    return kept


def _value(value: Any, shape: Shape, at: str, unknown: dict[str, str]) -> Any:  # noqa: ANN401 JSON
    value = _converted(value, shape.kind)
    if not _is_of(value, shape.kind):
        raise errors.not_convertible(value, shape.name, at)
    if isinstance(value, dict):
        # The names and values of a map are free.
        return _object(value, shape, at, unknown) if shape.members else value
    if isinstance(value, list) and shape.item:
        return [_value(one, shape.item, f"{at}[{n}]", unknown) for n, one in enumerate(value)]
    if shape.values:
        if spelt(value) not in shape.values:
            raise errors.not_convertible(value, shape.name, at)
        return shape.values[spelt(value)]
    return value


def _converted(value: Any, kind: type) -> Any:  # noqa: ANN401 JSON
    """Return a number or Boolean that was sent as text as its value: recorded for both."""
    if isinstance(value, str) and kind is bool and value.lower() in ("true", "false"):
        return value.lower() == "true"
    if isinstance(value, str) and kind is int and re.fullmatch(r"-?\d{1,10}", value):
        return int(value)
    return value


def _is_of(value: object, kind: type) -> bool:
    if kind is float:
        kind = int if isinstance(value, int) else float
    return isinstance(value, kind) and not (isinstance(value, bool) and kind is int)
