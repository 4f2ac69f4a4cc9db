"""Pacing by what Azure says is left: nothing is slowed without need, nothing is sent in vain."""

from types import SimpleNamespace
from typing import Any

import pytest

from shared.cloud import pace
from shared.cloud.pace import LONGEST_WAIT, REFILL, RESERVE, Paced
from shared.model.errors import Transient

URL = "https://management.azure.com/subscriptions/S1/resourceGroups/g?api-version=1"


class Clock:
    """A clock that moves when somebody sleeps."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.slept: list[float] = []

    def monotonic(self) -> float:
        """Return the time."""
        return self.now

    def sleep(self, seconds: float) -> None:
        """Let time pass."""
        self.slept.append(seconds)
        self.now += seconds


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """Replace the clock of the module."""
    clock = Clock()
    monkeypatch.setattr(pace, "time", SimpleNamespace(monotonic=clock.monotonic, sleep=clock.sleep))
    return clock


def request(method: str = "GET", url: str = URL) -> Any:  # noqa: ANN401 the SDK's own
    """Return a request as a policy sees it."""
    return SimpleNamespace(http_request=SimpleNamespace(method=method, url=url))


def told(paced: Paced, left: str, method: str = "GET", url: str = URL, **headers: str) -> None:
    """Let a response say how many requests are left."""
    kind = {"GET": "reads", "DELETE": "deletes"}.get(method, "writes")
    named = {f"x-ms-ratelimit-remaining-subscription-{kind}": left} | headers
    response: Any = SimpleNamespace(http_response=SimpleNamespace(headers=named))
    paced.on_response(request(method, url), response)


def test_nothing_waits_while_much_is_left(clock: Clock) -> None:
    """Nor before Azure has said anything, nor if it says nothing that is a number."""
    paced = Paced()
    for left in ("249", "11999", "", "many"):
        for _ in range(40):
            paced.on_request(request())
        told(paced, left)
    assert clock.slept == []


def test_requests_wait_for_the_refill_once_little_is_left(clock: Clock) -> None:
    """A hundred requests from a bucket that is nearly empty take as long as Azure refills it."""
    paced = Paced()
    told(paced, str(int(RESERVE)))
    begun = clock.now
    for _ in range(100):
        paced.on_request(request())
    assert clock.now - begun == pytest.approx(100 / REFILL["reads"], rel=0.02)


def test_each_kind_and_subscription_has_a_bucket_of_its_own(clock: Clock) -> None:
    """Writes may be exhausted while reads are not; case does not matter."""
    paced = Paced()
    told(paced, "0", "PUT")
    paced.on_request(request("GET"))
    paced.on_request(request("DELETE"))
    paced.on_request(request("PUT", URL.replace("S1", "S2")))
    paced.on_request(request("POST", "https://management.azure.com/providers/x"))
    assert clock.slept == []
    paced.on_request(request("PATCH", URL.replace("S1", "s1")))
    assert clock.slept == [pytest.approx((RESERVE + 1) / REFILL["writes"])]


def test_a_request_that_would_wait_too_long_is_not_sent(clock: Clock) -> None:
    """It says after how long it may be tried again, and takes nothing from the bucket."""
    paced = Paced()
    told(paced, "0", "PUT")
    for _ in range(int(LONGEST_WAIT * REFILL["writes"] - RESERVE)):
        paced.on_request(request("PUT"))
        clock.now -= clock.slept.pop()  # as if by other threads at the same time
    with pytest.raises(Transient) as first:
        paced.on_request(request("PUT"))
    assert first.value.retry_after
    assert LONGEST_WAIT < first.value.retry_after < LONGEST_WAIT + 1
    with pytest.raises(Transient) as second:
        paced.on_request(request("PUT"))
    assert second.value.retry_after == pytest.approx(first.value.retry_after)


def test_what_azure_says_counts_more_than_what_was_reckoned(clock: Clock) -> None:
    """Other instances send requests too, or fewer than was thought."""
    paced = Paced()
    told(paced, "0")
    told(paced, "200")
    paced.on_request(request())
    assert clock.slept == []


def test_requests_that_wait_are_not_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    """A response that comes while one waits does not know of it: the next one waits behind it."""
    paced, slept = Paced(), list[float]()

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        if len(slept) == 1:
            told(paced, str(int(RESERVE)), "PUT")
            paced.on_request(request("PUT"))

    monkeypatch.setattr(pace, "time", SimpleNamespace(monotonic=lambda: 0.0, sleep=sleep))
    told(paced, str(int(RESERVE)), "PUT")
    paced.on_request(request("PUT"))
    assert slept == [pytest.approx(0.1), pytest.approx(0.2)]
