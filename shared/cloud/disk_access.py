"""Open a disk for reading: its id -> a URL for its bytes; it is always closed afterwards.

While access is open the VM can be neither started nor deleted, so it is kept short. Closing ends
the access of everybody, so this module closes only what it opened. If this process dies in between,
the access expires. This is the only place where Stillframe waits for Azure, and it waits only
for seconds.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from shared.cloud.arm import Arm, Progress
from shared.model.errors import Transient

OPEN_SECONDS = 300
"""Seconds after which Azure ends the access if it is not closed."""

WAITS = (1.0, 2.0, 4.0, 8.0)
"""Seconds between polls if Azure sends no Retry-After; most operations end by the first poll."""

LEAST_WAIT = 0.02
"""Seconds to wait at least, even if Retry-After is 0."""

OPEN_AND_READ_WITHIN, CLOSE_WITHIN = 14.0, 6.0
"""Timeouts in seconds: to open and read the disk, and to close it."""


@contextmanager
def opened(arm: Arm, disk_id: str) -> Iterator[tuple[str, float]]:
    """Open a disk; yield its URL, a secret, and the `time.monotonic` until which it may be read.

    Raises `Transient` if Azure takes too long, `Refused` if it does not allow the access.
    """
    until = time.monotonic() + OPEN_AND_READ_WITHIN
    progress = arm.begin_disk_access(disk_id, OPEN_SECONDS)
    ours = True  # until Azure reports a failure: after a timeout the access may still be open
    try:
        progress = _done(arm, disk_id, progress, until)
        ours, url = progress.failure is None, progress.sas
        _check(progress)
        if not url or not url.startswith("https://"):
            msg = "Azure opened the disk but returned no https URL"
            raise Transient(msg)
        yield url, until
    finally:
        if ours:
            until = time.monotonic() + CLOSE_WITHIN
            _check(_done(arm, disk_id, arm.end_disk_access(disk_id), until))


def _done(arm: Arm, disk_id: str, progress: Progress, until: float) -> Progress:
    """Poll an operation until it has ended; raise `Transient` if that takes beyond `until`."""
    waits = iter(WAITS)
    while progress.poll:
        asked = progress.retry_after
        wait = next(waits, WAITS[-1]) if asked is None else max(asked, LEAST_WAIT)
        if time.monotonic() + wait > until:
            msg = f"Azure took too long to open or close {disk_id}"
            raise Transient(msg)
        time.sleep(wait)
        progress = arm.poll(progress.poll)
    return progress


def _check(progress: Progress) -> None:
    if progress.failure:
        msg = f"Azure could not open or close the disk: {progress.failure}"
        raise Transient(msg)
