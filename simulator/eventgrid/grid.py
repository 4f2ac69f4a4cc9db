"""The simulated Event Grid as one thing: what ARM tells it, and the routes it serves.

Takes accounts of what happened (`arm`, `annotation`, `availability`) and gives deliveries to the
event subscriptions that want them, each an appointment on the clock.
"""

from aiohttp import web

from simulator.clock import Clock
from simulator.eventgrid.events import ArmEvent


class EventGrid:
    """One subscription's Event Grid; `routes` belong on the ARM side's own application."""

    def __init__(self, clock: Clock, *, subscription_id: str, tenant_id: str) -> None:
        self._clock = clock
        self._subscription_id = subscription_id
        self._tenant_id = tenant_id

    def arm(self, event: ArmEvent) -> None:
        """Publish a finished ARM operation on the subscription's system topics."""

    def annotation(self, vm_id: str, name: str, context: str, reason: str, summary: str) -> None:
        """Publish a Resource Health annotation of a VM on the health system topics."""

    def availability(self, vm_id: str, state: str, previous: str) -> None:
        """Publish a VM's change of availability (Available, Unavailable ..) on the same."""

    def routes(self) -> list[web.AbstractRouteDef]:
        """Give ARM's Microsoft.EventGrid/*, the custom topics' endpoints and /_sim/eventgrid/*."""
        return []

    def reset(self) -> None:
        """Forget topics, subscriptions, faults and what was delivered."""

    async def close(self) -> None:
        """End the connections to the webhooks."""
