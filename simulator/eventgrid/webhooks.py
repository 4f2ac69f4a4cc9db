"""Requests to the webhooks behind event subscriptions: the handshake, and notifications.

Takes an event subscription and gives the status that its endpoint answered, in the form and with
the headers that Event Grid sends. The thirty seconds an endpoint has to answer are real ones at
any speed of the clock, because the endpoint's work is real.
"""

import asyncio
import json
import uuid
from datetime import datetime

import aiohttp

from simulator.eventgrid.errors import refuse_handshake
from simulator.eventgrid.events import Schema, azure_time
from simulator.eventgrid.subscriptions import EventSubscription

SECONDS_TO_ANSWER = 30
NO_ANSWER = 0
NO_CONNECTION = -1
ORIGIN = "eventgrid.azure.net"
CONTENT_TYPES: dict[Schema, str] = {
    "EventGridSchema": "application/json; charset=utf-8",
    "CloudEventSchemaV1_0": "application/cloudevents+json; charset=utf-8",
}


class Webhooks:
    """One pool of connections to all endpoints; made when first used, for it needs the loop."""

    def __init__(self) -> None:
        self._session: aiohttp.ClientSession | None = None

    async def notify(
        self, subscription: EventSubscription, body: bytes, attempts: int, data_version: str
    ) -> int:
        """Send a notification after so many attempts; the status, NO_ANSWER or NO_CONNECTION."""
        headers = _headers(subscription, "Notification") | {
            "aeg-delivery-count": str(attempts),
            "aeg-data-version": data_version,
            "aeg-metadata-version": "1",
        }
        try:
            async with self._open().post(subscription.url, data=body, headers=headers) as answer:
                await answer.read()
                return answer.status
        except TimeoutError:
            return NO_ANSWER
        except aiohttp.ClientError:
            return NO_CONNECTION

    async def validate(self, subscription: EventSubscription, now: datetime) -> None:
        """Shake hands with a new endpoint; raises Refused when it does not."""
        try:
            if subscription.schema == "CloudEventSchemaV1_0":
                await self._ask_origin(subscription)
            else:
                await self._ask_code(subscription, now)
        except (TimeoutError, aiohttp.ClientError) as error:
            why = f"Http request failed: {type(error).__name__}."
            refuse_handshake(subscription.url, why)

    async def _ask_origin(self, subscription: EventSubscription) -> None:
        headers = {
            "WebHook-Request-Origin": ORIGIN,
            "WebHook-Request-Callback": "https://rp-westeurope.eventgrid.azure.net/validate",
            "WebHook-Request-Rate": "120",
        }
        async with self._open().options(subscription.url, headers=headers) as answer:
            allowed = answer.headers.get("WebHook-Allowed-Origin", "")
            if answer.status not in range(200, 300) or allowed not in (ORIGIN, "*"):
                why = f"Http OPTIONS request answered {answer.status} and allowed '{allowed}'."
                refuse_handshake(subscription.url, why)

    async def _ask_code(self, subscription: EventSubscription, now: datetime) -> None:
        code = str(uuid.uuid4()).upper()
        headers = _headers(subscription, "SubscriptionValidation")
        body = json.dumps([_validation_event(subscription, code, now)])
        async with self._open().post(subscription.url, data=body, headers=headers) as answer:
            answered = await answer.text()
            if answer.status != 200:  # noqa: PLR2004
                why = f"Http POST request failed with response code {answer.status}."
                refuse_handshake(subscription.url, why)
        if _code_in(answered) != code:
            # Azure would now wait ten minutes for a GET on the validation URL.
            why = "Http POST request returned 2XX response without the validation code."
            refuse_handshake(subscription.url, why)

    def _open(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                timeout=aiohttp.ClientTimeout(total=SECONDS_TO_ANSWER),
                connector=aiohttp.TCPConnector(limit=0),
            )
        return self._session

    async def close(self) -> None:
        """End the connections."""
        if self._session is not None:
            await self._session.close()
            # Lets TLS transports end before the loop does.
            await asyncio.sleep(0)


def _headers(subscription: EventSubscription, event_type: str) -> dict[str, str]:
    return {
        "Content-Type": CONTENT_TYPES[subscription.schema],
        "aeg-event-type": event_type,
        "aeg-subscription-name": subscription.name.upper(),
    }


def _validation_event(
    subscription: EventSubscription, code: str, now: datetime
) -> dict[str, object]:
    when = azure_time(now)
    host = "https://rp-westeurope.eventgrid.azure.net:553"
    return {
        "id": str(uuid.uuid4()),
        "topic": subscription.id.partition("/eventSubscriptions/")[0],
        "subject": "",
        "data": {
            "validationCode": code,
            "validationUrl": f"{host}/eventsubscriptions/{subscription.name}/validate?t={when}",
        },
        "eventType": "Microsoft.EventGrid.SubscriptionValidationEvent",
        "eventTime": when,
        "metadataVersion": "1",
        "dataVersion": "2",
    }


def _code_in(answer: str) -> str | None:
    try:
        found = json.loads(answer).get("validationResponse")
    except (ValueError, AttributeError):
        return None
    return str(found)
