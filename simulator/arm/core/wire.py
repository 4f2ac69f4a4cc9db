"""Bodies and headers as they are sent.

Takes plain dicts, gives bytes. The compute provider indents its JSON by two and ends lines with
CRLF; ARM's front door sends it compact. Clients do not notice, comparisons with recordings do.
"""

from datetime import UTC, datetime

import msgspec

CONTENT_TYPE = "application/json; charset=utf-8"


def compact(body: object) -> bytes:
    """Encode as ARM's front door does."""
    return msgspec.json.encode(body)


def indented(body: object) -> bytes:
    """Encode as the compute provider does: two spaces and CRLF."""
    return msgspec.json.format(msgspec.json.encode(body), indent=2).replace(b"\n", b"\r\n")


def stamp(instant: datetime) -> str:
    """Format an instant as in Azure's bodies."""
    return instant.astimezone(UTC).isoformat(timespec="microseconds")
