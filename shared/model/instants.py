"""Instants as tags and events have them."""

from datetime import UTC, datetime


def read_instant(text: str | None) -> datetime | None:
    """Return the instant of an ISO 8601 text with an offset; None where it is none."""
    try:
        instant = datetime.fromisoformat(text or "")
        return instant.astimezone(UTC) if instant.tzinfo else None
    except (ValueError, OverflowError):  # an offset may lead out of the calendar
        return None


def write_instant(instant: datetime) -> str:
    """Return an instant as the tags have it: UTC, milliseconds, Z."""
    return instant.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
