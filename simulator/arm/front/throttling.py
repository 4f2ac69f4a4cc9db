"""Azure's rate limits: token buckets for each VM, each subscription and each caller.

Takes a request's caller, method, scope and its route's allowance; gives the headers with the
remaining limits, and refuses with 429 once a bucket is empty. The simulated clock refills buckets.
Off by default, because a stopped clock never refills them; the headers are always sent.
"""

import math
from dataclasses import dataclass, field
from datetime import datetime

from simulator.arm.core import errors
from simulator.clock import Clock

_FRONT = {"PUT": "writes", "PATCH": "writes", "POST": "writes", "DELETE": "deletes"}


@dataclass(frozen=True)
class Rate:
    """The size of a bucket, and its refill rate in units per simulated second."""

    burst: float
    refill: float


def _a_minute(refill: float, burst: float) -> Rate:
    return Rate(burst, refill / 60)


@dataclass(frozen=True)
class Window:
    """A limit of an allowance, by its name in the header; `each`: one per resource."""

    name: str
    rate: Rate
    each: bool = False


def _limits(resource: Rate | None, subscription: Rate) -> tuple[Window, ...]:
    """Return limits of the newer kind: per subscription and region, and per resource."""
    whole = (Window("SubscriptionMaximum", subscription),)
    return (*whole, Window("Resource", resource, each=True)) if resource else whole


def _windows(short: int, long: int) -> tuple[Window, ...]:
    """Return limits of the older kind: per three minutes and per thirty."""
    return Window("3Min", Rate(short, short / 180)), Window("30Min", Rate(long, long / 1800))


_ONE_VM, _ALL_VMS = _a_minute(4, 12), _a_minute(500, 1500)
ALLOWANCES: dict[str, tuple[Window, ...]] = {
    "DeleteVM": _limits(_ONE_VM, _ALL_VMS),
    "UpdateVM": _limits(_ONE_VM, _ALL_VMS),
    "PutVM": _limits(_ONE_VM, _ALL_VMS),
    "LowCostGet": _limits(_a_minute(12, 36), _a_minute(8000, 24000)),
    "HighCostGet": _limits(None, _a_minute(300, 900)),
    "GetOperation": _limits(_a_minute(15, 45), _a_minute(5000, 15000)),
    # As recorded before any request was counted.
    "CreateImages": _windows(40, 200),
    "GetImages": _windows(360, 1800),
    "DeleteImages": _windows(120, 600),
    "CreateUpdateGallery": _windows(50, 300),
    "GetGallery": _windows(350, 2500),
    "DeleteGallery": _windows(50, 300),
    "CreateUpdateGalleryImage": _windows(150, 750),
    "GetGalleryImage": _windows(600, 3000),
    "DeleteGalleryImage": _windows(150, 750),
    "CreateUpdateGalleryImageVersion": _windows(375, 1200),
    "GetGalleryImageVersion": _windows(2000, 10000),
    "DeleteGalleryImageVersion": _windows(150, 1000),
}
_CALLER = {"reads": Rate(250, 25), "writes": Rate(200, 10), "deletes": Rate(200, 10)}
ALL_CALLERS = 15


@dataclass
class _Bucket:
    rate: Rate
    level: float
    at: datetime

    def refill(self, now: datetime) -> None:
        """Refill the bucket up to now."""
        gained = (now - self.at).total_seconds() * self.rate.refill
        self.level, self.at = min(self.rate.burst, self.level + gained), now

    @property
    def wait(self) -> int:
        """Seconds until the bucket holds a unit again."""
        return max(1, math.ceil((1 - self.level) / self.rate.refill))


@dataclass
class Throttling:
    """All buckets; unused buckets are not stored."""

    clock: Clock
    enabled: bool = False
    _buckets: dict[tuple[str, str], _Bucket] = field(default_factory=dict)

    def spend(self, caller: str, method: str, scope: str, allowance: str) -> None:
        """Take a unit from each bucket that applies to a request, or refuse it."""
        if not self.enabled:
            return
        buckets = [
            self._bucket(name, key, rate)
            for name, key, rate in _asked(caller, method, scope, allowance)
        ]
        for bucket in buckets:
            if bucket.level < 1:
                raise errors.throttled(allowance or _FRONT.get(method, "reads"), bucket.wait)
        for bucket in buckets:
            bucket.level -= 1

    def remaining(self, caller: str, method: str, scope: str, allowance: str) -> dict[str, str]:
        """Return the headers with the remaining limits."""
        front = _FRONT.get(method, "reads")
        headers = {
            f"x-ms-ratelimit-remaining-subscription-{front}": self._left(
                front, caller, _CALLER[front]
            ),
            f"x-ms-ratelimit-remaining-subscription-global-{front}": self._left(
                f"global-{front}", "", _times(_CALLER[front])
            ),
        }
        resource_limits = [
            f"Microsoft.Compute/{name};{self._left(name, key, rate)}"
            for name, key, rate in _compute_buckets(scope, allowance)
        ]
        if resource_limits:
            headers["x-ms-ratelimit-remaining-resource"] = ",".join(resource_limits)
        return headers

    def clear(self) -> None:
        """Refill all buckets."""
        self._buckets.clear()

    def _left(self, name: str, key: str, rate: Rate) -> str:
        bucket = self._buckets.get((name, key))
        if bucket is None:
            return str(int(rate.burst) - 1)
        bucket.refill(self.clock.now())
        return str(int(bucket.level))

    def _bucket(self, name: str, key: str, rate: Rate) -> _Bucket:
        now = self.clock.now()
        bucket = self._buckets.setdefault((name, key), _Bucket(rate, rate.burst, now))
        bucket.refill(now)
        return bucket


def _times(rate: Rate) -> Rate:
    return Rate(rate.burst * ALL_CALLERS, rate.refill * ALL_CALLERS)


def _asked(caller: str, method: str, scope: str, allowance: str) -> list[tuple[str, str, Rate]]:
    front = _FRONT.get(method, "reads")
    asked = [(front, caller, _CALLER[front]), (f"global-{front}", "", _times(_CALLER[front]))]
    return asked + _compute_buckets(scope, allowance)


def _compute_buckets(scope: str, allowance: str) -> list[tuple[str, str, Rate]]:
    return [
        (f"{allowance}{window.name}", scope.lower() if window.each else "", window.rate)
        for window in ALLOWANCES.get(allowance, ())
    ]
