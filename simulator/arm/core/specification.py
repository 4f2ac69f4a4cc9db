"""The bodies of ARM's requests and answers as published by Microsoft: a tree of members.

Takes the models of Microsoft's own SDK (and `TypedDict`s for bodies of which this SDK has no
model), gives for each its possible members, as Azure spells them, the type of each, and the values
of enumerations.
"""

import typing
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from functools import cache, cached_property
from types import NoneType, UnionType
from typing import Any, TypedDict, TypeVar

from azure.mgmt.compute import models

# The SDK lists some VM sizes; Azure has many more.
_OPEN = frozenset({"VirtualMachineSizeTypes"})
# Members that recorded answers have and Microsoft's models do not, by model.
_RECORDED: dict[str, dict[str, Any]] = {
    "Listed": {"count": dict[str, Any]},
    "DiskProperties": {"isArmResource": bool},
    "SnapshotProperties": {"isArmResource": bool},
}
_AS_JSON: dict[type, type] = {datetime: str}


class Listed[T](TypedDict):
    """A page of a list."""

    value: list[T]
    nextLink: str


@dataclass(frozen=True)
class Shape:
    """The possible values of a member; kind `object` allows anything.

    `values` are those of an enumeration, by their spelling without case and spaces; empty if it is
    open.
    """

    name: str
    kind: type
    annotation: Any = None
    values: Mapping[str, str] = field(default_factory=dict, compare=False)

    @cached_property
    def members(self) -> Mapping[str, tuple[str, "Shape"]]:
        """The members of an object by their names in lower case: Azure's spelling and the shape.

        A map has none, because its names are free.
        """
        if self.kind is not dict or self.item:
            return {}
        hints = _hints(self.annotation) | _RECORDED.get(self.name, {})
        return {name.lower(): (name, shape_of(hint)) for name, hint in hints.items()}

    @cached_property
    def item(self) -> "Shape | None":
        """The shape of the items of a list or map; None for anything else."""
        inside = typing.get_args(self.annotation)
        return shape_of(inside[-1]) if typing.get_origin(self.annotation) in (list, dict) else None


_ANYTHING = Shape("Object", object)


@cache
def shape_of(annotation: Any) -> Shape:  # noqa: ANN401 a model or an annotation
    """Return the shape of a model or an annotation."""
    kinds = [kind for kind in _united(annotation) if kind is not NoneType]
    enumeration = next((kind for kind in kinds if _is(kind, Enum)), None)
    if enumeration:
        return Shape(enumeration.__name__, str, values=_values(enumeration))
    if len(kinds) != 1 or kinds == [Any]:
        return _ANYTHING
    (kind,) = kinds
    origin = typing.get_origin(kind)
    if origin in (list, dict):
        return Shape(origin.__name__, origin, kind)
    if typing.is_typeddict(origin or kind) or _is(kind, _Model):
        return Shape(getattr(kind, "__name__", "Object"), dict, kind)
    return Shape(kind.__name__, _AS_JSON.get(kind, kind)) if isinstance(kind, type) else _ANYTHING


# The base class of the SDK's models, which is private.
_Model = models.SubResource.__mro__[1]


def _united(annotation: Any) -> tuple[Any, ...]:  # noqa: ANN401
    union = typing.get_origin(annotation) in (typing.Union, UnionType)
    return typing.get_args(annotation) if union else (annotation,)


def _is(kind: Any, base: type) -> bool:  # noqa: ANN401
    return isinstance(kind, type) and issubclass(kind, base)


def _values(enumeration: type[Enum]) -> dict[str, str]:
    if enumeration.__name__ in _OPEN:
        return {}
    return {spelt(str(member.value)): str(member.value) for member in enumeration}


def spelt(value: str) -> str:
    """Return the spelling by which enumerations are compared: without case and spaces."""
    return value.lower().replace(" ", "")


def _hints(kind: Any) -> dict[str, Any]:  # noqa: ANN401
    """Return the annotations of an object's members, by their names in JSON."""
    generic = typing.get_origin(kind)
    if generic:
        given = dict(zip(generic.__type_params__, typing.get_args(kind), strict=True))
        return {name: _filled(hint, given) for name, hint in _hints(generic).items()}
    if typing.is_typeddict(kind):
        return typing.get_type_hints(kind)
    hints = typing.get_type_hints(kind, vars(models) | {"_models": models})
    # Only an instance of a model has the names in JSON.
    fields = kind.__new__(kind)._attr_to_rest_field  # noqa: SLF001
    return {rest._rest_name: hints[name] for name, rest in fields.items()}  # noqa: SLF001


def _filled(hint: Any, given: Mapping[TypeVar, Any]) -> Any:  # noqa: ANN401
    """Return a hint with the type variable of a generic replaced by its argument."""
    if typing.get_origin(hint) is list:
        (inside,) = typing.get_args(hint)
        return list[given.get(inside, inside)]  # type: ignore[misc]
    return hint
