"""The outcome topic: outcome events -> Event Grid, as CloudEvents 1.0.

Without an endpoint outcomes are only logged. Raises `Transient`, `Refused` and `Withheld`, never an
error of the SDK.
"""

import json
import logging
from collections import deque
from functools import cached_property
from typing import TYPE_CHECKING

from azure.core.credentials import TokenCredential
from azure.core.exceptions import AzureError
from azure.core.messaging import CloudEvent

from shared.cloud.errors import our_error
from shared.model.errors import Withheld
from shared.model.outcomes import Outcome, OutcomeType

if TYPE_CHECKING:
    from azure.eventgrid import EventGridPublisherClient

REMEMBERED = 1000
"""How many ids of published outcomes a process remembers."""

# The SDK passes a request's options to the event as well, and logs a warning for each unknown one.
logging.getLogger("azure.eventgrid._legacy._generated._serialization").setLevel(logging.ERROR)

log = logging.getLogger(__name__)


class Topic:
    """The client of the outcome topic, one per process."""

    def __init__(
        self, endpoint: str, credential: TokenCredential, *, dry_run: bool = False
    ) -> None:
        self._endpoint, self._credential = endpoint, credential
        self._dry_run = dry_run
        self._published: deque[str] = deque(maxlen=REMEMBERED)

    @cached_property
    def _client(self) -> "EventGridPublisherClient":
        from azure.eventgrid import EventGridPublisherClient  # noqa: PLC0415 for the first outcome

        return EventGridPublisherClient(self._endpoint, self._credential)

    def publish(self, outcome: Outcome) -> None:
        """Log and publish an outcome, unless this process has published it already.

        Without that check, every sweep would repeat the outcome of a VM whose tags cannot be
        written. A dry run publishes only its heartbeat, which is marked as a dry run; for other
        outcomes this raises `Withheld`.
        """
        if self._dry_run and outcome.type is not OutcomeType.SWEPT:
            msg = f"publish {outcome.type} of {outcome.subject}"
            raise Withheld(msg)
        if outcome.id in self._published:
            return
        log.info("outcome %s", json.dumps({"type": outcome.type, "id": outcome.id, **outcome.data}))
        if self._endpoint:
            _send(self._client, outcome)
        self._published.append(outcome.id)


def _send(client: "EventGridPublisherClient", outcome: Outcome) -> None:
    """Send one event without retries; if it fails, the next look publishes it again.

    With retries the SDK would sleep for as long as Retry-After says. The SDK accepts these options
    only here, not in the client's constructor.
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
