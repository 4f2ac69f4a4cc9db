"""Timestamps in tags and events."""

from datetime import UTC, datetime


def read_instant(text: str | None) -> datetime | None:
    """Return the instant of an ISO 8601 timestamp with an offset; None if the text is not one."""
    try:
        instant = datetime.fromisoformat(text or "")
        return instant.astimezone(UTC) if instant.tzinfo else None
    except (ValueError, OverflowError):  # an offset may lead beyond the years 1 to 9999
        return None


def write_instant(instant: datetime) -> str:
    """Return an instant as tags and events have it: UTC, milliseconds, Z."""
    return instant.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
