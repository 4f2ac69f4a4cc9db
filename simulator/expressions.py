"""Evaluates the ARM template expressions that a snapshot still contains: text -> text.

Takes the text between the brackets after everything that only Azure knows has been replaced by
string literals, and gives Azure's result: names and ids, built by functions.
"""

import re
import uuid
from collections.abc import Callable, Iterator

_TOKEN = re.compile(r"\s*(?:'(?P<text>(?:[^']|'')*)'|(?P<name>\w+)\(|(?P<mark>[),]))")
_PLACE = re.compile(r"\{(\d+)\}")
_TEMPLATES = uuid.UUID("11fb06fb-712d-4ddd-98c7-e71bbd588830")
"""The namespace of the GUIDs that templates generate."""


class ExpressionError(Exception):
    """The expression cannot be evaluated here."""


def evaluate(text: str) -> str:
    """Return the value of an expression of functions and strings; raise `ExpressionError`."""
    tokens = _tokens(text)
    value = _value(next(tokens, None), tokens)
    if next(tokens, None) is not None:
        raise ExpressionError(text)
    return value


def _tokens(text: str) -> Iterator[re.Match[str]]:
    at = 0
    while at < len(text):
        found = _TOKEN.match(text, at)
        if not found:
            raise ExpressionError(text)
        yield found
        at = found.end()


def _value(token: re.Match[str] | None, rest: Iterator[re.Match[str]]) -> str:
    if token is None or token["mark"]:
        msg = "the expression ends too early"
        raise ExpressionError(msg)
    if token["name"] is None:
        return token["text"].replace("''", "'")
    function = _FUNCTIONS.get(token["name"].lower())
    if function is None:
        raise ExpressionError(token["name"])
    return function(*_arguments(rest))


def _arguments(rest: Iterator[re.Match[str]]) -> Iterator[str]:
    token = next(rest, None)
    while token is not None and token["mark"] != ")":
        yield _value(token, rest)
        token = next(rest, None)
        if token is not None and token["mark"] == ",":
            token = next(rest, None)


def _format(shape: str, *parts: str) -> str:
    return _PLACE.sub(lambda place: parts[int(place[1])], shape)


def _guid(*parts: str) -> str:
    return str(uuid.uuid5(_TEMPLATES, "-".join(parts)))


def _resource_id(subscription: str, group: str, kind: str, *names: str) -> str:
    return _extension_id(f"/subscriptions/{subscription}/resourceGroups/{group}", kind, *names)


def _subscription_id(subscription: str, kind: str, *names: str) -> str:
    return _extension_id(f"/subscriptions/{subscription}", kind, *names)


def _extension_id(scope: str, kind: str, *names: str) -> str:
    namespace, *kinds = kind.split("/")
    pairs = zip(kinds, names, strict=True)
    return "/".join([scope, "providers", namespace, *(f"{each}/{name}" for each, name in pairs)])


_FUNCTIONS: dict[str, Callable[..., str]] = {
    "format": _format,
    "guid": _guid,
    "resourceid": _resource_id,
    "subscriptionresourceid": _subscription_id,
    "extensionresourceid": _extension_id,
}
