"""The byte range of a blob that a request asks for.

Takes the two headers that can hold a range, gives the first byte and the length. Storage accepts
one range per request, to a last byte or to the end; `x-ms-range` overrides `Range`.
"""

import re
from collections.abc import Mapping
from typing import NamedTuple

from simulator.blob import refusals

_RANGE = re.compile(r"bytes=(\d+)-(\d*)")


class Span(NamedTuple):
    """The first byte and the number of bytes."""

    start: int
    length: int


def asked_range(headers: Mapping[str, str]) -> tuple[str, str] | None:
    """Return the header that holds a range, and its value."""
    for name in ("x-ms-range", "Range"):
        if name in headers:
            return name, headers[name]
    return None


def span_of(headers: Mapping[str, str], size: int) -> Span | None:
    """Return the requested bytes, cut at the end; None for all; refuse an invalid range."""
    asked = asked_range(headers)
    if asked is None:
        return None
    found = _RANGE.fullmatch(asked[1].strip())
    if found is None:
        raise refusals.bad_header(*asked)
    start = int(found[1])
    last = min(int(found[2]), size - 1) if found[2] else size - 1
    if start > last:
        raise refusals.bad_range(size)
    return Span(start, last - start + 1)
