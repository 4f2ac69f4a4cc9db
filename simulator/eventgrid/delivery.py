"""Delivery: attempts, retries, and dead-lettering.

Takes deliveries and gives HTTP requests, each scheduled on the clock and ended when it is
answered. The result of an answer is the pure function `verdict`, by Event Grid's documented
schedule; the randomness that Azure adds to it is left out, so that tests are reproducible.
"""

import itertools
import logging
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any, Literal

from simulator.clock import Clock
from simulator.eventgrid.events import Json, azure_time
from simulator.eventgrid.subscriptions import EventSubscription
from simulator.eventgrid.webhooks import Webhooks

log = logging.getLogger(__name__)

# Seconds to the next attempt after the first, second .. one; the last goes on for ever.
RETRY_AFTER = (10, 30, 60, 300, 600, 1800, 3600, 10800, 21600, 43200)
# Seconds that must pass at least after these answers.
AT_LEAST_AFTER = {401: 300, 404: 300, 408: 120, 503: 30}
DELIVERED = range(200, 205)
# Retrying cannot cure these.
FINAL = {400, 403, 413}
OUTCOMES = {
    0: "TimedOut",
    -1: "SocketError",
    400: "BadRequest",
    401: "Unauthorized",
    403: "Forbidden",
    404: "NotFound",
    408: "TimedOut",
    413: "PayloadTooLarge",
    503: "Busy",
}
DEAD_LETTER_SECONDS = 300

type State = Literal["pending", "delivered", "deadLettered", "dropped", "lost"]

STATES: tuple[State, ...] = ("pending", "delivered", "deadLettered", "dropped", "lost")


@dataclass
class Attempt:
    """One request; `status` 0 = no answer in time, -1 = no connection, None = under way."""

    sent: str
    answered: str | None = None
    status: int | None = None


@dataclass
class Delivery:
    """One event on its way to one event subscription; `body` is the whole request's."""

    number: int
    subscription: EventSubscription
    event: Any
    body: bytes
    published: datetime
    summary: dict[str, str]
    state: State = "pending"
    attempts: list[Attempt] = field(default_factory=list)

    @property
    def data_version(self) -> str:
        """The event's dataVersion, empty for a CloudEvent, which has none."""
        return str(self.event.get("dataVersion", "")) if isinstance(self.event, dict) else ""

    def row(self) -> Json:
        """Give the delivery as the log shows it."""
        return {
            "number": self.number,
            **self.summary,
            "eventSubscription": self.subscription.name,
            "published": azure_time(self.published),
            "state": self.state,
            "attempts": [asdict(attempt) for attempt in self.attempts],
        }


@dataclass(frozen=True)
class Verdict:
    """The result of a failed attempt: another after some seconds, or the end, and why."""

    retry_after: float | None
    reason: str = ""


def verdict(status: int, attempts: int, most: int) -> Verdict:
    """Decide after the `attempts`-th attempt failed with `status`."""
    if status in FINAL:
        return Verdict(None, f"Undeliverable{OUTCOMES[status]}")
    if attempts >= most:
        return Verdict(None, "MaxDeliveryAttemptsExceeded")
    scheduled = RETRY_AFTER[min(attempts, len(RETRY_AFTER)) - 1]
    return Verdict(max(scheduled, AT_LEAST_AFTER.get(status, 0)))


class Deliveries:
    """All deliveries so far, and those in progress.

    `subscription` returns the current state of an event subscription by its id: a retry goes to its
    current destination, and nowhere once it is deleted.
    """

    def __init__(
        self,
        clock: Clock,
        webhooks: Webhooks,
        subscription: Callable[[str], EventSubscription | None],
    ) -> None:
        self._clock = clock
        self._webhooks = webhooks
        self._subscription = subscription
        self._numbers = itertools.count(1)
        self._made: list[Delivery] = []
        self.dead_letters: list[Json] = []

    def make(
        self, subscription: EventSubscription, event: object, body: bytes, published: datetime
    ) -> Delivery:
        """Enter an event for a subscription into the log; `send` starts it."""
        number = next(self._numbers)
        delivery = Delivery(number, subscription, event, body, published, _summary(event))
        self._made.append(delivery)
        return delivery

    def send(self, delivery: Delivery, seconds: float) -> None:
        """Attempt the delivery when that many simulated seconds have passed."""

        async def attempt() -> None:
            await self._attempt(delivery)

        self._clock.after(seconds, attempt)

    async def _attempt(self, delivery: Delivery) -> None:
        subscription = self._subscription(delivery.subscription.id)
        if subscription is None:
            delivery.state = "dropped"
            return
        delivery.subscription = subscription
        if self._clock.now() - delivery.published > subscription.time_to_live:
            self._give_up(delivery, "TimeToLiveExceeded")
            return
        status = await self._post(delivery)
        if status in DELIVERED:
            delivery.state = "delivered"
        else:
            self._after_failure(delivery, status)

    async def _post(self, delivery: Delivery) -> int:
        before = len(delivery.attempts)
        attempt = Attempt(azure_time(self._clock.now()))
        delivery.attempts.append(attempt)
        attempt.status = await self._webhooks.notify(
            delivery.subscription, delivery.body, before, delivery.data_version
        )
        attempt.answered = azure_time(self._clock.now())
        return attempt.status

    def _after_failure(self, delivery: Delivery, status: int) -> None:
        name, count = delivery.subscription.name, len(delivery.attempts)
        log.warning("%s: attempt %d got %s", name, count, OUTCOMES.get(status, status))
        decided = verdict(status, count, delivery.subscription.max_attempts)
        if decided.retry_after is None:
            self._give_up(delivery, decided.reason)
        else:
            self.send(delivery, decided.retry_after)

    def _give_up(self, delivery: Delivery, reason: str) -> None:
        if not delivery.subscription.dead_letters:
            delivery.state = "dropped"
            return
        delivery.state = "deadLettered"
        letter = _dead_letter(delivery, reason)

        async def write() -> None:
            self.dead_letters.append(letter)

        self._clock.after(DEAD_LETTER_SECONDS, write)

    def rows(self, subscription: str | None = None, state: str | None = None) -> list[Json]:
        """Return what was delivered or is in progress, in the order it was published."""
        return [
            delivery.row()
            for delivery in self._made
            if subscription in (None, delivery.subscription.name)
            and state in (None, delivery.state)
        ]

    def counts(self) -> dict[str, int]:
        """Count the deliveries in each state, the attempts, and those of them that failed."""
        states = Counter(delivery.state for delivery in self._made)
        attempts = [attempt for delivery in self._made for attempt in delivery.attempts]
        failed = sum(a.status is not None and a.status not in DELIVERED for a in attempts)
        return {
            "deliveries": len(self._made),
            **{state: states[state] for state in STATES},
            "attempts": len(attempts),
            "failedAttempts": failed,
        }

    def clear(self) -> None:
        """Forget all; the response to a request in progress is dropped."""
        self._made.clear()
        self.dead_letters.clear()


def _summary(event: object) -> dict[str, str]:
    """Name an event for the log, by either schema; anything may have been published raw."""
    fields = event if isinstance(event, dict) else {}
    data = fields.get("data")
    operation = data.get("operationName", "") if isinstance(data, dict) else ""
    return {
        "id": str(fields.get("id", "")),
        "type": str(fields.get("eventType", fields.get("type", ""))),
        "subject": str(fields.get("subject", "")),
        "operationName": str(operation),
    }


def _dead_letter(delivery: Delivery, reason: str) -> Json:
    """Write the event as it is in the container; CloudEvents have their names lowered."""
    last = delivery.attempts[-1] if delivery.attempts else None
    status = last.status if last and last.status is not None else None
    facts = {
        "deadLetterReason": reason,
        "deliveryAttempts": len(delivery.attempts),
        "lastDeliveryOutcome": "" if status is None else OUTCOMES.get(status, "GenericError"),
        "publishTime": azure_time(delivery.published),
        "lastDeliveryAttemptTime": last.sent if last else None,
    }
    event = delivery.event if isinstance(delivery.event, dict) else {"data": delivery.event}
    if delivery.subscription.schema == "CloudEventSchemaV1_0":
        facts = {name.lower(): value for name, value in facts.items()}
    return {**event, **facts}
