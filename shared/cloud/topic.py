"""The outcome topic: outcome events -> Event Grid, as CloudEvents 1.0.

Without an endpoint outcomes are only logged. Raises `Transient` and `Refused`, no error of the
SDK's.
"""

import json
import logging
from collections import deque

from azure.core.credentials import TokenCredential
from azure.core.exceptions import AzureError
from azure.core.messaging import CloudEvent
from azure.eventgrid import EventGridPublisherClient

from shared.cloud.errors import our_error
from shared.model.errors import Withheld
from shared.model.outcomes import Outcome, OutcomeType

REMEMBERED = 1000
"""Ids of outcomes that a process remembers."""

# The SDK hands a request's options to the event as well, and warns of each that it does not know.
logging.getLogger("azure.eventgrid._legacy._generated._serialization").setLevel(logging.ERROR)

log = logging.getLogger(__name__)


class Topic:
    """One process's client of the outcome topic."""

    def __init__(
        self, endpoint: str, credential: TokenCredential, *, dry_run: bool = False
    ) -> None:
        self._client = EventGridPublisherClient(endpoint, credential) if endpoint else None
        self._dry_run = dry_run
        self._published: deque[str] = deque(maxlen=REMEMBERED)

    def publish(self, outcome: Outcome) -> None:
        """Publish an outcome, and log it; what this process has published it does not repeat.

        A VM whose tags cannot be written would else have its outcome told by every sweep. A dry run
        publishes its heartbeat alone, which says that it is one.
        """
        if self._dry_run and outcome.type is not OutcomeType.SWEPT:
            msg = f"publish {outcome.type} of {outcome.subject}"
            raise Withheld(msg)
        if outcome.id in self._published:
            return
        log.info("outcome %s", json.dumps({"type": outcome.type, "id": outcome.id, **outcome.data}))
        if self._client:
            _send(self._client, outcome)
        self._published.append(outcome.id)


def _send(client: EventGridPublisherClient, outcome: Outcome) -> None:
    """Send one event, once; what fails is published again with the next look.

    Left to itself the SDK would sleep for as long as a Retry-After says. It takes its options here
    alone, not where the client is made.
    """
    event = CloudEvent(
        source=outcome.source,
        type=outcome.type,
        subject=outcome.subject,
        time=outcome.time,
        id=outcome.id,
        data=dict(outcome.data),
    )
    try:
        client.send(event, retry_total=0, connection_timeout=5, read_timeout=10)
    except AzureError as error:
        raise our_error(error) from error
