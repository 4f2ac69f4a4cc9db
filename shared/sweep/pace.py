"""A token bucket that limits how fast the sweep sends requests.

ARM allows a principal 250 reads and 25 more each second, and answers 429 beyond. A bucket that is
slightly smaller and fills slightly slower stays below that; with 16 workers, no 429 was measured.
"""

import threading
import time

CAPACITY = 225.0
PER_SECOND = 24.0


class Pace:
    """A token bucket; safe for use by several threads."""

    def __init__(self, capacity: float = CAPACITY, per_second: float = PER_SECOND) -> None:
        self._capacity = capacity
        self._per_second = per_second
        self._left = capacity
        self._at = time.monotonic()
        self._lock = threading.Lock()

    def take(self, requests: float) -> None:
        """Wait until that many requests may be made."""
        time.sleep(self._owed(requests))

    def _owed(self, requests: float) -> float:
        """Take from the bucket, which may go below empty, and return the seconds to wait for it."""
        with self._lock:
            now = time.monotonic()
            filled = self._left + (now - self._at) * self._per_second
            self._left, self._at = min(self._capacity, filled) - requests, now
            return max(0.0, -self._left / self._per_second)
