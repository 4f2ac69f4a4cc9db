"""How long each step of a capture may take, and whether a capture is in progress.

Pure. A step that takes longer is stuck: it is reported, and the cost guard flags the VM again.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta

from shared.model.instants import read_instant
from shared.model.tags import Status, Tag

START_LASTS = timedelta(minutes=2)
"""A VM that is starting is briefly reported as `stopped`; after this time it is really stopped."""

DEALLOCATION_LASTS = timedelta(minutes=30)
MANAGED_IMAGE_LASTS = timedelta(minutes=30)
VERSION_LASTS = timedelta(hours=6)

OURS_ENDS = timedelta(minutes=10)
"""After this time, disk access that a process of ours left open has certainly expired."""


def image_lasts(label: str) -> timedelta:
    """Return how long an image may take; `label` is what `stillframe-image` shows."""
    return VERSION_LASTS if "/" in label else MANAGED_IMAGE_LASTS


def is_under_way(tags: Mapping[str, str], now: datetime, *, ours: bool) -> bool:
    """Whether a stopped VM with these tags is being captured, and the capture is not stuck.

    A waiting order is continued by the next sweep, unless it belongs to another app.
    """
    status = tags.get(Tag.STATUS)
    if Tag.CAPTURE not in tags:
        return False
    if status == Status.WAITING:
        return ours
    as_of = read_instant(tags.get(Tag.AS_OF))
    return as_of is not None and now - as_of <= _lasts(status, tags.get(Tag.IMAGE, ""))


def _lasts(status: str | None, label: str) -> timedelta:
    if status == Status.DEALLOCATING:
        return DEALLOCATION_LASTS
    return image_lasts(label) if status == Status.CAPTURING else timedelta.min
