"""The outcome topic: outcome events -> Event Grid, as CloudEvents 1.0.

Without an endpoint outcomes are only logged. Raises `Transient` and `Refused`, no error of the
SDK's.
"""

import json
import logging

from azure.core.credentials import TokenCredential
from azure.core.exceptions import AzureError
from azure.core.messaging import CloudEvent
from azure.eventgrid import EventGridPublisherClient

from shared.arm import our_error
from shared.tell import Outcome

log = logging.getLogger(__name__)


class Topic:
    """One process's client of the outcome topic."""

    def __init__(self, endpoint: str, credential: TokenCredential) -> None:
        self._client = EventGridPublisherClient(endpoint, credential) if endpoint else None

    def publish(self, outcome: Outcome) -> None:
        """Publish an outcome, and log it."""
        log.info("outcome %s", json.dumps({"type": outcome.type, "id": outcome.id, **outcome.data}))
        if self._client is None:
            return
        event = CloudEvent(
            source=outcome.source,
            type=outcome.type,
            subject=outcome.subject,
            time=outcome.time,
            id=outcome.id,
            data=dict(outcome.data),
        )
        try:
            self._client.send(event, retry_total=2, timeout=10)
        except AzureError as error:
            raise our_error(error) from error
