"""What a recorded template deployment created: its request -> the corresponding PUTs.

`az vm create` deploys a template; the simulator has no deployments. The expressions are those that
the Azure CLI writes: parameters, variables, concatenated names, ids, copy loops.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

type Json = dict[str, Any]

_TOKEN = re.compile(
    r"\s*(?:'(?P<text>(?:[^']|'')*)'|(?P<number>-?\d+)|(?P<name>[A-Za-z]\w*)|(?P<mark>[(),.\[\]]))"
)


@dataclass(frozen=True)
class Made:
    """One resource of a template: what its own PUT would have been."""

    kind: str
    path: str
    api_version: str
    body: Json


@dataclass
class Scope:
    """What expressions may use: the deployment's group, its parameters, variables, the loop."""

    subscription: str
    group: str
    location: str
    parameters: Json = field(default_factory=dict)
    variables: Json = field(default_factory=dict)
    index: int = 0


def made_by(sent: Json, scope: Scope) -> Iterator[Made]:
    """Give the resources of a deployment's request, in the template's order."""
    properties = sent.get("properties") or {}
    template = properties.get("template") or {}
    defaults = template.get("parameters") or {}
    scope.parameters = {name: said.get("defaultValue") for name, said in defaults.items()}
    given = properties.get("parameters") or {}
    scope.parameters |= {
        name: said["value"]
        for name, said in given.items()
        if isinstance(said, dict) and "value" in said
    }
    scope.variables = template.get("variables") or {}
    resources = template.get("resources") or []
    for resource in resources.values() if isinstance(resources, dict) else resources:
        times = (resource.get("copy") or {}).get("count", 1)
        for index in range(int(str(evaluate(times, scope)))):
            scope.index = index
            yield _made(resource, scope)


def _made(resource: Json, scope: Scope) -> Made:
    whole = evaluate({k: v for k, v in resource.items() if k not in _NOT_SENT}, scope)
    kind = resource["type"]
    namespace, *kinds = kind.split("/")
    names = str(evaluate(resource["name"], scope)).split("/")
    group = evaluate(resource.get("resourceGroup", scope.group), scope)
    below = "/".join(f"{each}/{name}" for each, name in zip(kinds, names, strict=False))
    path = (
        f"/subscriptions/{scope.subscription}/resourceGroups/{group}/providers/{namespace}/{below}"
    )
    return Made(kind, path, str(evaluate(resource["apiVersion"], scope)), whole)


_NOT_SENT = {
    "type",
    "name",
    "apiVersion",
    "dependsOn",
    "copy",
    "comments",
    "condition",
    "resourceGroup",
}


def evaluate(value: Any, scope: Scope) -> Any:  # noqa: ANN401 JSON
    """Return a template's value with all expressions in it evaluated."""
    if isinstance(value, dict):
        return {name: evaluate(each, scope) for name, each in value.items()}
    if isinstance(value, list):
        return [evaluate(each, scope) for each in value]
    if not isinstance(value, str) or not value.startswith("[") or not value.endswith("]"):
        return value
    if value.startswith("[["):
        return value[1:]
    return _Reader(value[1:-1], scope).whole()


class _Reader:
    """An expression being read from left to right; an unknown value is None."""

    def __init__(self, text: str, scope: Scope) -> None:
        self._tokens = list(_TOKEN.finditer(text))
        self._at, self._scope = 0, scope

    def whole(self) -> Any:  # noqa: ANN401 JSON
        """Return the value of the expression."""
        token = self._next()
        if token["text"] is not None:
            return token["text"].replace("''", "'")
        if token["number"]:
            return int(token["number"])
        return self._reached(self._called(token["name"]))

    def _next(self) -> re.Match[str]:
        token = self._tokens[self._at]
        self._at += 1
        return token

    def _mark(self, mark: str) -> bool:
        """Skip a character if it comes next."""
        comes = self._at < len(self._tokens) and self._tokens[self._at]["mark"] == mark
        self._at += comes
        return comes

    def _called(self, name: str) -> Any:  # noqa: ANN401 JSON
        arguments = []
        if self._mark("(") and not self._mark(")"):
            arguments.append(self.whole())
            while self._mark(","):
                arguments.append(self.whole())
            self._mark(")")
        function = _FUNCTIONS.get(name.lower())
        return function(self._scope, *arguments) if function else None

    def _reached(self, value: Any) -> Any:  # noqa: ANN401 JSON
        """Return the requested member or item of a value."""
        while True:
            if self._mark("."):
                name = self._next()["name"]
                value = value.get(name) if isinstance(value, dict) else None
            elif self._mark("["):
                key = self.whole()
                self._mark("]")
                value = value[key] if isinstance(value, (dict, list)) else None
            else:
                return value


def _parameter(scope: Scope, name: str) -> Any:  # noqa: ANN401 JSON
    return evaluate(scope.parameters.get(name), scope)


def _variable(scope: Scope, name: str) -> Any:  # noqa: ANN401 JSON
    return evaluate(scope.variables.get(name), scope)


def _resource_id(scope: Scope, *parts: str) -> str:
    at = next(n for n, part in enumerate(parts) if "/" in str(part))
    group = parts[at - 1] if at else scope.group
    namespace, *kinds = parts[at].split("/")
    pairs = [f"{kind}/{name}" for kind, name in zip(kinds, parts[at + 1 :], strict=False)]
    scopes = f"/subscriptions/{scope.subscription}/resourceGroups/{group}/providers"
    return "/".join([scopes, namespace, *pairs])


def _format(_: Scope, shape: str, *parts: object) -> str:
    return re.sub(r"\{(\d+)\}", lambda found: str(parts[int(found[1])]), shape)


def _copy_index(scope: Scope, *given: object) -> int:
    offset = next((each for each in given if isinstance(each, int)), 0)
    return scope.index + offset


_FUNCTIONS: dict[str, Callable[..., Any]] = {
    "parameters": _parameter,
    "variables": _variable,
    "concat": lambda _, *parts: "".join(str(part) for part in parts),
    "resourceid": _resource_id,
    "format": _format,
    "copyindex": _copy_index,
    "string": lambda _, value: str(value),
    "resourcegroup": lambda scope: {"location": scope.location, "name": scope.group},
    "subscription": lambda scope: {"subscriptionId": scope.subscription},
}
