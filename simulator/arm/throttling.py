"""Azure's allowances: token buckets for each VM, each subscription and each caller.

Takes a request's caller, method, scope and the allowance that its route names; gives the headers
that tell what remains, and refuses with 429 once a bucket is empty. Refilled by the simulated
clock. Off until it is switched on, because a clock that stands still never refills anything; the
headers are sent all the same.
"""

import math
from dataclasses import dataclass, field
from datetime import datetime

from simulator.arm import errors
from simulator.clock import Clock

_FRONT = {"PUT": "writes", "PATCH": "writes", "POST": "writes", "DELETE": "deletes"}


@dataclass(frozen=True)
class Rate:
    """How much a bucket holds and how fast it fills: units a simulated second."""

    burst: float
    refill: float


def _a_minute(refill: float, burst: float) -> Rate:
    return Rate(burst, refill / 60)


# By allowance: for each resource, and for the subscription and region as a whole.
_RESOURCE = {
    "DeleteVM": _a_minute(4, 12),
    "UpdateVM": _a_minute(4, 12),
    "PutVM": _a_minute(4, 12),
    "LowCostGet": _a_minute(12, 36),
    "GetOperation": _a_minute(15, 45),
}
_SUBSCRIPTION = {
    "DeleteVM": _a_minute(500, 1500),
    "UpdateVM": _a_minute(500, 1500),
    "PutVM": _a_minute(500, 1500),
    "LowCostGet": _a_minute(8000, 24000),
    "HighCostGet": _a_minute(300, 900),
    "GetOperation": _a_minute(5000, 15000),
}
_CALLER = {"reads": Rate(250, 25), "writes": Rate(200, 10), "deletes": Rate(200, 10)}
ALL_CALLERS = 15


@dataclass
class _Bucket:
    rate: Rate
    level: float
    at: datetime

    def refill(self, now: datetime) -> None:
        """Fill up to the present instant."""
        gained = (now - self.at).total_seconds() * self.rate.refill
        self.level, self.at = min(self.rate.burst, self.level + gained), now

    @property
    def wait(self) -> int:
        """Seconds until there is one again."""
        return max(1, math.ceil((1 - self.level) / self.rate.refill))


@dataclass
class Throttling:
    """All buckets; one that was never spent from is not kept."""

    clock: Clock
    enabled: bool = False
    _buckets: dict[tuple[str, str], _Bucket] = field(default_factory=dict)

    def spend(self, caller: str, method: str, scope: str, allowance: str) -> None:
        """Take one from each bucket that a request falls under, or refuse it."""
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
        """Return the headers that tell what remains."""
        front = _FRONT.get(method, "reads")
        headers = {
            f"x-ms-ratelimit-remaining-subscription-{front}": self._left(
                front, caller, _CALLER[front]
            ),
            f"x-ms-ratelimit-remaining-subscription-global-{front}": self._left(
                f"global-{front}", "", _times(_CALLER[front])
            ),
        }
        told = [
            f"Microsoft.Compute/{allowance}{what};{self._left(allowance, key, rates[allowance])}"
            for what, key, rates in (
                ("SubscriptionMaximum", "", _SUBSCRIPTION),
                ("Resource", scope.lower(), _RESOURCE),
            )
            if allowance in rates
        ]
        if told:
            headers["x-ms-ratelimit-remaining-resource"] = ",".join(told)
        return headers

    def clear(self) -> None:
        """Fill all buckets."""
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
    if allowance in _SUBSCRIPTION:
        asked.append((allowance, "", _SUBSCRIPTION[allowance]))
    if allowance in _RESOURCE:
        asked.append((allowance, scope.lower(), _RESOURCE[allowance]))
    return asked
