"""The log of all reads of disks from outside, apart from ARM's requests.

Takes one record for each read, returns them filtered. Signatures are not logged. Bounded: the
newest are kept.
"""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from simulator.arm.core.errors import Json

KEPT = 200_000


@dataclass(slots=True)
class Read:
    """One read: `at` is simulated, `milliseconds` real; `sent`: bytes of the body sent.

    The record is logged when the read begins, and updated during it. `disk` is None if the path has
    none; `caller` is the application of the token, if one was required.
    """

    number: int
    at: datetime
    method: str
    range: str | None
    disk: str | None = None
    status: int = 0
    sent: int = 0
    caller: str | None = None
    milliseconds: float = 0.0
    code: str | None = None

    def body(self) -> Json:
        """Return it as steering shows it."""
        return {
            "number": self.number,
            "time": self.at.isoformat(),
            "disk": self.disk,
            "method": self.method,
            "range": self.range,
            "status": self.status,
            "bytes": self.sent,
            "caller": self.caller,
            "milliseconds": self.milliseconds,
            "code": self.code,
        }


class Reads:
    """All reads so far, oldest first."""

    def __init__(self) -> None:
        self._kept: deque[Read] = deque(maxlen=KEPT)
        self._number = 0

    def next_number(self) -> int:
        """Return the number for the next read; numbers increase until the simulator stops."""
        self._number += 1
        return self._number

    def add(self, read: Read) -> None:
        """Add a read."""
        self._kept.append(read)

    def matching(self, *, disk: str | None = None, after: int = 0) -> Iterator[Read]:
        """Iterate over the reads of a disk (its id, in any case), after a number."""
        for read in self._kept:
            if read.number > after and (disk is None or (read.disk or "").lower() == disk.lower()):
                yield read

    def clear(self) -> None:
        """Clear the log; the numbers continue."""
        self._kept.clear()
