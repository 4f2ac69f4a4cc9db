"""The log of all ARM requests, for tests and developers.

Takes one record for each answered request, returns them filtered. Bounded: the newest are kept.
"""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from simulator.arm.core.errors import Json

KEPT = 200_000


@dataclass(frozen=True, slots=True)
class Logged:
    """One request: `at` is simulated, `milliseconds` are real; `caller` is None before 401.

    `request_id` is Azure's; a request that started an operation has the operation's id.
    """

    number: int
    at: datetime
    caller: str | None
    method: str
    path: str
    query: str
    action: str
    status: int
    milliseconds: float
    code: str | None
    request_id: str = ""

    def body(self) -> Json:
        """Return it as steering shows it."""
        return {
            "number": self.number,
            "time": self.at.isoformat(),
            "caller": self.caller,
            "method": self.method,
            "path": self.path,
            "query": self.query,
            "action": self.action,
            "status": self.status,
            "milliseconds": self.milliseconds,
            "code": self.code,
            "requestId": self.request_id,
        }


class RequestLog:
    """All requests so far, oldest first."""

    def __init__(self) -> None:
        self._kept: deque[Logged] = deque(maxlen=KEPT)
        self._number = 0

    def next_number(self) -> int:
        """Return the number for the next request; numbers increase until the simulator stops."""
        self._number += 1
        return self._number

    def add(self, logged: Logged) -> None:
        """Add a request."""
        self._kept.append(logged)

    def matching(
        self, *, caller: str | None = None, since: datetime | None = None, after: int = 0
    ) -> Iterator[Logged]:
        """Iterate over the requests of a caller (application id), since an instant or number."""
        for logged in self._kept:
            if logged.number <= after or (since and logged.at < since):
                continue
            if caller is None or logged.caller == caller:
                yield logged

    def clear(self) -> None:
        """Clear the log; the numbers continue."""
        self._kept.clear()
