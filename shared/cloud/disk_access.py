"""A disk opened for reading: its id -> a URL for its bytes, closed again whatever happens.

While access is open the VM can be neither started nor deleted, so it is short; and closing it ends
everybody's access, so only what was opened here is closed here. If this process dies in between,
access runs out by itself. This is the one place where Stillframe waits for Azure, and it does not
wait long.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from shared.cloud.arm import Arm, Progress
from shared.model.errors import Transient

OPEN_SECONDS = 300
"""How long Azure leaves access open if nobody closes it."""

WAITS = (1.0, 2.0, 4.0, 8.0)
"""Seconds between polls where Azure does not say: most operations are done at the first."""

LEAST_WAIT = 0.02

PATIENCE, CLOSING = 14.0, 6.0
"""Seconds in which the disk must be open and read, and then be closed."""


@contextmanager
def opened(arm: Arm, disk_id: str) -> Iterator[tuple[str, float]]:
    """Open a disk; yield its URL, a secret, and the `time.monotonic` until which it may be read.

    Raises `Transient` where Azure takes too long, `Refused` where it does not allow it.
    """
    until = time.monotonic() + PATIENCE
    progress = arm.begin_disk_access(disk_id, OPEN_SECONDS)
    ours = True  # until Azure says that it has failed: what took too long may be open all the same
    try:
        progress = _done(arm, disk_id, progress, until)
        ours, url = progress.failure is None, progress.sas
        _check(progress)
        if not url or not url.startswith("https://"):
            msg = "Azure opened the disk and gave no https URL for it"
            raise Transient(msg)
        yield url, until
    finally:
        if ours:
            until = time.monotonic() + CLOSING
            _check(_done(arm, disk_id, arm.end_disk_access(disk_id), until))


def _done(arm: Arm, disk_id: str, progress: Progress, until: float) -> Progress:
    """Wait until an operation has ended."""
    waits = iter(WAITS)
    while progress.poll:
        said = progress.retry_after
        wait = next(waits, WAITS[-1]) if said is None else max(said, LEAST_WAIT)
        if time.monotonic() + wait > until:
            msg = f"Azure takes too long to open or close {disk_id}"
            raise Transient(msg)
        time.sleep(wait)
        progress = arm.poll(disk_id, progress.poll)
    return progress


def _check(progress: Progress) -> None:
    if progress.failure:
        msg = f"Azure could not open or close the disk: {progress.failure}"
        raise Transient(msg)
