"""Untrusted text, made safe to show and short enough for a tag.

Names, tags, Azure's messages and the lines of a guest's log are untrusted.
"""

import re

from shared.model.values import GUID

VALUE_LIMIT = 256
"""The longest value of a tag, in UTF-16 units, as Azure counts."""

VARYING = re.compile(
    GUID.pattern  # ids of requests and operations
    + r"|\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:\.\d+)?Z?|[0-9a-f]{16,}",
    re.IGNORECASE,
)
"""What differs between messages with the same meaning: request ids, timestamps, hashes."""


def cut(text: str, limit: int = VALUE_LIMIT) -> str:
    """Return a text in one line of so many UTF-16 units, by default those of a tag's value."""
    line = " ".join(clean(text).split())
    if _units(line) <= limit:
        return line
    line = line[: limit - 1]  # a character is one unit or two
    while _units(line) > limit - 1:
        line = line[:-1]
    return line + "…"


def clean(text: str) -> str:
    """Return a text with its lines, without terminal control or bidirectional characters."""
    lines = text.splitlines()
    shown = ("".join(char if char.isprintable() else " " for char in line) for line in lines)
    return "\n".join(" ".join(line.split()) for line in shown)


def _units(text: str) -> int:
    return len(text.encode("utf-16-le", "surrogatepass")) // 2
