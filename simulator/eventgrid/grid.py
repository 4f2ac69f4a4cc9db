"""The simulated Event Grid as a whole: what ARM reports to it, and the routes it serves.

Takes accounts of what happened (`arm`, `annotation`, `availability`) and gives deliveries to the
event subscriptions that match, each scheduled on the clock. A subscription gets what is published
while it exists, as in Azure; events that match none are only counted.
"""

import json
from collections import Counter

from aiohttp import web

from simulator.clock import Clock
from simulator.eventgrid import events
from simulator.eventgrid.arm import Topics
from simulator.eventgrid.delivery import Deliveries, Delivery
from simulator.eventgrid.events import ArmEvent, Event, Schema
from simulator.eventgrid.faults import Faults, Sending
from simulator.eventgrid.publishing import Authorize, Publishing
from simulator.eventgrid.subscriptions import EventSubscription
from simulator.eventgrid.topics import HEALTH, SUBSCRIPTIONS, Topic
from simulator.eventgrid.webhooks import Webhooks

# A custom topic that is there from the start, for CloudEvents.
OUTCOMES = "outcomes"
OUTCOMES_GROUP = "simulator"

# Seconds from what happened to the first attempt. Health events are slow in Azure too: seconds to
# minutes.
LATENCY = {"subscriptions": 2.0, "health": 20.0, "custom": 1.0}
LATENCY_OF = {SUBSCRIPTIONS: "subscriptions", HEALTH: "health", "Custom": "custom"}


class EventGrid:
    """One subscription's Event Grid; `routes` belong on the ARM side's own application."""

    def __init__(self, clock: Clock, *, subscription_id: str, tenant_id: str) -> None:
        self._clock = clock
        self._subscription_id = subscription_id
        self._tenant_id = tenant_id
        self._webhooks = Webhooks()
        self._published: Counter[str] = Counter()
        self.topics = Topics(clock, self._webhooks, subscription_id)
        self.deliveries = Deliveries(clock, self._webhooks, self.topics.subscription)
        self.faults = Faults()
        self.latency = dict(LATENCY)
        self._publishing = Publishing(self.topics, self._publish)
        self.topics.add(_outcomes(subscription_id))

    @property
    def authorize(self) -> Authorize | None:
        """What decides who may publish to a custom topic; None = whoever has a bearer token."""
        return self._publishing.authorize

    @authorize.setter
    def authorize(self, authorize: Authorize) -> None:
        self._publishing.authorize = authorize

    def arm(self, event: ArmEvent) -> None:
        """Publish a finished ARM operation on the subscription's system topics."""
        now = self._clock.now()
        self._publish_all(SUBSCRIPTIONS, events.operation_event(event, self._tenant_id, now))

    def annotation(self, vm_id: str, name: str, context: str, reason: str, summary: str) -> None:
        """Publish a Resource Health annotation of a VM on the health system topics."""
        said = {"name": name, "context": context, "reason": reason, "summary": summary}
        self._publish_all(HEALTH, events.annotation_event(vm_id, self._clock.now(), said))

    def availability(self, vm_id: str, state: str, previous: str) -> None:
        """Publish a VM's change of availability (Available, Unavailable ..) on the same."""
        now = self._clock.now()
        self._publish_all(HEALTH, events.availability_event(vm_id, now, state, previous))

    def routes(self) -> list[web.AbstractRouteDef]:
        """Give ARM's Microsoft.EventGrid/* and the custom topics' endpoints.

        Those under /subscriptions are ARM's, so the ARM side checks their caller; those under
        /topics have a bearer token for another audience, which `authorize` checks. Refusals are
        aiohttp's HTTPException, body included.
        """
        return [*self.topics.routes(), *self._publishing.routes()]

    def publish_raw(self, name: str, event: object, text: str | None) -> int:
        """Deliver to the event subscriptions of a name, whatever they filter; gives how many.

        `text` is sent literally, so it need not even be JSON; else `event` in an event's place.
        """
        wanted = [
            s for t in self.topics.all() for s in self.topics.subscriptions(t) if s.name == name
        ]
        for subscription in wanted:
            body = _request_body(event, subscription.schema) if text is None else text.encode()
            made = self.deliveries.make(subscription, event, body, self._clock.now())
            self._start(made, 0)
        return len(wanted)

    def clear_faults(self) -> None:
        """Remove all fault rules and send what they held back."""
        self._send(self.faults.clear(), 0)

    def counts(self) -> dict[str, int]:
        """Return the number of events by kind of topic, and of deliveries by result."""
        published = {f"published.{kind}": self._published[kind] for kind in self.latency}
        return published | self.deliveries.counts()

    def reset(self) -> None:
        """Forget topics, subscriptions, faults and deliveries."""
        self.topics.clear()
        self.topics.add(_outcomes(self._subscription_id))
        self.faults.clear()
        self.deliveries.clear()
        self._published.clear()
        self.latency = dict(LATENCY)

    async def close(self) -> None:
        """End the connections to the webhooks."""
        await self._webhooks.close()

    def _publish_all(self, kind: str, event: Event) -> None:
        topics = [topic for topic in self.topics.all() if topic.kind == kind]
        for topic in topics:
            self._publish(topic, event)
        if not topics:
            self._published[LATENCY_OF[kind]] += 1

    def _publish(self, topic: Topic, event: Event) -> None:
        latency = LATENCY_OF[topic.kind]
        self._published[latency] += 1
        for subscription in self.topics.subscriptions(topic):
            if subscription.filter.matches(event):
                self._start(self._delivery(subscription, event), self.latency[latency])

    def _delivery(self, subscription: EventSubscription, event: Event) -> Delivery:
        content = events.written(event, subscription.schema)
        body = _request_body(content, subscription.schema)
        return self.deliveries.make(subscription, content, body, self._clock.now())

    def _start(self, delivery: Delivery, seconds: float) -> None:
        self._send(self.faults.apply(delivery), seconds)

    def _send(self, sendings: list[Sending], seconds: float) -> None:
        for sending in sendings:
            delivery = sending.delivery
            if sending.copy:
                delivery = self.deliveries.make(
                    delivery.subscription, delivery.event, delivery.body, delivery.published
                )
            self.deliveries.send(delivery, seconds + sending.seconds)


def _request_body(event: object, schema: Schema) -> bytes:
    """Return one event as a request body: an array of one, but a CloudEvent alone."""
    alone = schema == "CloudEventSchemaV1_0"
    return json.dumps(event if alone else [event]).encode()


def _outcomes(subscription_id: str) -> Topic:
    group = f"/subscriptions/{subscription_id}/resourceGroups/{OUTCOMES_GROUP}"
    return Topic(
        id=f"{group}/providers/Microsoft.EventGrid/topics/{OUTCOMES}",
        name=OUTCOMES,
        kind="Custom",
        location="global",
        properties={
            "inputSchema": "CloudEventSchemaV1_0",
        },
    )
