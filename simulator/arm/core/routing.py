"""Finds the function that answers a request: ARM's paths, matched without case.

Takes routes whose templates are Azure's own (`/subscriptions/{subscription}/...`), gives the route
for a method and path, and the names in the path. A template that begins with `{scope}` is an
extension: it follows any id. For speed, a tree of the segments in lower case.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from typing import Any

from simulator.arm.core.answer import Answer
from simulator.arm.core.call import Call
from simulator.arm.core.specification import Listed


@dataclass(frozen=True)
class Route:
    """One operation of ARM. `allowance` names its rate limit; ARM itself answers a `front` route.

    `takes` and `gives` are Microsoft's models of the bodies; a `strict` route refuses members that
    its model does not have, as Azure is known to do. `since` is the first api-version that has the
    operation, if that is not its type's first.
    """

    method: str
    template: str
    answer: Callable[[Call], Answer]
    allowance: str = ""
    front: bool = False
    takes: Any = None
    gives: Any = None
    strict: bool = False
    since: str = ""


def of(model: Any, *routes: Route, strict: bool = False) -> tuple[Route, ...]:  # noqa: ANN401
    """Return routes with their model: PUT and PATCH take it; PUT, PATCH and GET give it.

    A GET whose path ends without a name gives a page of them.
    """

    def with_model(route: Route) -> Route:
        takes = model if route.method in ("PUT", "PATCH") else None
        listed = route.method == "GET" and not route.template.endswith("}")
        gives = Listed[model] if listed else model if takes or route.method == "GET" else None
        return replace(route, takes=takes, gives=gives, strict=strict)

    return tuple(with_model(route) for route in routes)


@dataclass
class _Node:
    fixed: dict[str, "_Node"] = field(default_factory=dict)
    named: "tuple[str, _Node] | None" = None
    routes: dict[str, Route] = field(default_factory=dict)

    def grow(self, segment: str) -> "_Node":
        """Return the child node for a template's segment, created if missing."""
        if segment.startswith("{"):
            if self.named is None:
                self.named = (segment[1:-1], _Node())
            return self.named[1]
        return self.fixed.setdefault(segment.lower(), _Node())


@dataclass(frozen=True)
class Match:
    """A route (None: the path is known, the method is not) and the names in the path."""

    route: Route | None
    names: dict[str, str]


class Routes:
    """All routes of the server."""

    def __init__(self, routes: Iterable[Route]) -> None:
        self.all = tuple(routes)
        self._paths, self._extensions = _Node(), _Node()
        for route in self.all:
            extends = route.template.startswith("{scope}")
            node = self._extensions if extends else self._paths
            for segment in route.template.removeprefix("{scope}").strip("/").split("/"):
                node = node.grow(segment)
            node.routes[route.method] = route

    def match(self, method: str, path: str) -> Match | None:
        """Return the route for a request, or None if nothing is simulated at that path."""
        return _walk(self._paths, method, path) or self._match_extension(method, path)

    def _match_extension(self, method: str, path: str) -> Match | None:
        at = path.lower().rfind("/providers/")
        found = _walk(self._extensions, method, path[at:]) if at >= 0 else None
        if found:
            found.names["scope"] = path[:at]
        return found


def _walk(root: _Node, method: str, path: str) -> Match | None:
    names: dict[str, str] = {}
    node = _descend(root, path.strip("/").split("/"), 0, names)
    return Match(node.routes.get(method), names) if node else None


def _descend(node: _Node, segments: list[str], depth: int, names: dict[str, str]) -> _Node | None:
    """Return the node of a whole path; fixed segments take precedence over named ones."""
    if depth == len(segments):
        return node if node.routes else None
    segment = segments[depth]
    below = node.fixed.get(segment.lower())
    found = _descend(below, segments, depth + 1, names) if below else None
    if found is None and node.named:
        name, below = node.named
        found = _descend(below, segments, depth + 1, names)
        if found:
            names[name] = segment
    return found
