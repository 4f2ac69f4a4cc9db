"""Requests wait while Azure's bucket for them is nearly empty, so that Azure need not answer 429.

Azure Resource Manager has a bucket of requests for each subscription, caller and kind of request,
and tells in each response how many are left. All instances of the app read the same number, so they
share the bucket without knowing of each other. Without such a number nothing waits.
Source: https://learn.microsoft.com/azure/azure-resource-manager/management/request-limits-and-throttling
"""

import threading
import time
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from azure.core.pipeline import PipelineRequest, PipelineResponse, policies

from shared.model.errors import Transient

RESERVE = 30.0
"""Requests left in a bucket below which the next ones wait: other instances' are on their way."""

LONGEST_WAIT = 5.0
"""Seconds that a request waits; beyond, it is not sent.

Event Grid waits half a minute for a look, which makes four to ten requests, half of them writes.
"""

REFILL = {"reads": 25.0, "writes": 10.0, "deletes": 10.0}
"""Requests a second that Azure adds to a bucket."""

_KINDS = {"GET": "reads", "HEAD": "reads", "DELETE": "deletes"}
_LEFT = "x-ms-ratelimit-remaining-subscription-"


@dataclass(slots=True)
class Bucket:
    """A bucket as Azure last showed it: how many requests were `left` at an instant (monotonic).

    `waiting` are those that will be sent, but of which Azure does not know yet.
    """

    refill: float
    left: float
    at: float
    waiting: int = 0

    def owed(self, now: float) -> float:
        """Take a request from the bucket; return the seconds that it must wait."""
        self.left, self.at = self.left + (now - self.at) * self.refill - 1, now
        return max(0.0, (RESERVE - self.left) / self.refill)


class Paced(policies.SansIOHTTPPolicy[Any, Any]):
    """The policy; one per process."""

    def __init__(self) -> None:
        self._buckets: dict[tuple[str, str], Bucket] = {}
        self._lock = threading.Lock()

    def on_request(self, request: PipelineRequest[Any]) -> None:
        """Wait for a request's turn; raise `Transient` if that is more than `LONGEST_WAIT` away."""
        key = _key(request)
        with self._lock:
            bucket = self._buckets.get(key)
            owed = bucket.owed(time.monotonic()) if bucket else 0.0
            if bucket and owed > LONGEST_WAIT:
                bucket.left += 1
            elif bucket and owed:
                bucket.waiting += 1
        if owed > LONGEST_WAIT:
            msg = f"not sent: Azure would throttle it for {owed:.0f} s"
            raise Transient(msg, retry_after=owed)
        if owed:
            time.sleep(owed)
            with self._lock:
                self._buckets[key].waiting -= 1

    def on_response(
        self, request: PipelineRequest[Any], response: PipelineResponse[Any, Any]
    ) -> None:
        """Note how many requests Azure says are left."""
        key = _key(request)
        left = response.http_response.headers.get(f"{_LEFT}{key[1]}", "")
        if not left.isdecimal():
            return
        with self._lock:
            now = time.monotonic()
            bucket = self._buckets.setdefault(key, Bucket(REFILL[key[1]], 0.0, now))
            bucket.left, bucket.at = float(left) - bucket.waiting, now


def _key(request: PipelineRequest[Any]) -> tuple[str, str]:
    """Return the subscription of a request, empty outside any, and its kind."""
    method, path = request.http_request.method, urlsplit(request.http_request.url).path
    parts = path.split("/", 3)
    subscription = parts[2].lower() if parts[1:2] == ["subscriptions"] and parts[2:] else ""
    return subscription, _KINDS.get(method, "writes")
