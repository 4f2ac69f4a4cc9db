"""Event subscriptions, as ARM has them: filter, destination, retry policy.

Takes the body of a PUT, refuses what Azure refuses or the simulator does not support, and gives an
`EventSubscription` for delivery, together with the body that ARM answers.
"""

import re
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from urllib.parse import quote, urlsplit

from simulator.eventgrid.errors import refuse_invalid, refuse_not_simulated
from simulator.eventgrid.events import Json, Schema
from simulator.eventgrid.filters import Filter, read_filter
from simulator.eventgrid.topics import SCHEMAS, Topic

LONGEST_RETRY_MINUTES = 1440
MOST_ATTEMPTS = 30

# Properties of an event subscription that would change what is delivered, and are not simulated.
UNSIMULATED = ("deliveryWithResourceIdentity", "expirationTimeUtc")

FUNCTION_ID = re.compile(
    r"/Microsoft\.Web/sites/(?P<app>[^/]+)/functions/(?P<function>[^/]+)$", re.IGNORECASE
)


@dataclass(frozen=True)
class EventSubscription:
    """Where a topic's events go. `url` has the key in its query, so it is never shown."""

    id: str
    name: str
    url: str
    schema: Schema
    filter: Filter
    max_attempts: int
    time_to_live: timedelta
    dead_letters: bool
    properties: Json

    def body(self) -> Json:
        """Give ARM's body, which names the endpoint without its query."""
        return {
            "id": self.id,
            "name": self.name,
            "type": f"Microsoft.EventGrid/{self.id.split('/')[7]}/eventSubscriptions",
            "properties": self.properties,
        }


def read_event_subscription(
    topic: Topic, name: str, content: Json, function_hosts: dict[str, str]
) -> EventSubscription:
    """Read the body of an event subscription's PUT; raises Refused.

    `function_hosts` has the URL of the local host of each function app, by the app's name.
    """
    properties = content.get("properties") or {}
    for unsimulated in UNSIMULATED:
        if properties.get(unsimulated):
            refuse_not_simulated(f"'{unsimulated}' of event subscriptions")
    policy = _retry_policy(properties.get("retryPolicy") or {})
    schema = _delivery_schema(topic, properties.get("eventDeliverySchema"))
    dead_letter = _dead_letter(topic, properties)
    url, destination = _destination(properties.get("destination") or {}, function_hosts)
    wanted = properties.get("filter") or {}
    return EventSubscription(
        id=f"{topic.id}/eventSubscriptions/{name}",
        name=name,
        url=url,
        schema=schema,
        filter=read_filter(wanted, topic.event_types),
        max_attempts=policy["maxDeliveryAttempts"],
        time_to_live=timedelta(minutes=policy["eventTimeToLiveInMinutes"]),
        dead_letters=bool(dead_letter),
        properties={
            "topic": topic.id,
            "provisioningState": "Succeeded",
            "labels": properties.get("labels") or [],
            "eventDeliverySchema": schema,
            "retryPolicy": policy,
            "filter": _shown_filter(wanted, topic),
            "destination": destination,
            **dead_letter,
        },
    )


def _shown_filter(wanted: Json, topic: Topic) -> Json:
    """Return the filter as ARM shows it; if no types were named, Azure names them all."""
    types = wanted.get("includedEventTypes") or list(topic.event_types) or None
    return {"subjectBeginsWith": "", "subjectEndsWith": "", **wanted, "includedEventTypes": types}


def _delivery_schema(topic: Topic, wanted: str | None) -> Schema:
    if wanted is None:
        return topic.schema
    if wanted.lower() not in SCHEMAS:
        refuse_not_simulated(f"eventDeliverySchema '{wanted}'")
    schema = SCHEMAS[wanted.lower()]
    if topic.schema == "CloudEventSchemaV1_0" and schema != topic.schema:
        refuse_invalid("Events that come as CloudEvents cannot be delivered in another schema.")
    return schema


def _retry_policy(content: Json) -> dict[str, int]:
    attempts = content.get("maxDeliveryAttempts") or MOST_ATTEMPTS
    minutes = content.get("eventTimeToLiveInMinutes") or LONGEST_RETRY_MINUTES
    if not 1 <= attempts <= MOST_ATTEMPTS:
        refuse_invalid(f"maxDeliveryAttempts must be between 1 and {MOST_ATTEMPTS}.")
    if not 1 <= minutes <= LONGEST_RETRY_MINUTES:
        refuse_invalid(f"eventTimeToLiveInMinutes must be between 1 and {LONGEST_RETRY_MINUTES}.")
    return {"maxDeliveryAttempts": attempts, "eventTimeToLiveInMinutes": minutes}


def _dead_letter(topic: Topic, properties: Json) -> Json:
    """Give the property that names a blob container for dead letters, empty when none does.

    With an identity that its topic has not, it is refused; in which words is inferred.
    """
    for name in ("deadLetterDestination", "deadLetterWithResourceIdentity"):
        content = properties.get(name)
        if content:
            destination = content.get("deadLetterDestination", content)
            if destination.get("endpointType") != "StorageBlob":
                refuse_invalid(f"{name} must be of endpointType StorageBlob.")
            wanted = (content.get("identity") or {}).get("type")
            if wanted and wanted not in (topic.identity or {}).get("type", ""):
                refuse_invalid(f"The topic has no identity of type {wanted}.")
            return {name: content}
    return {}


def _destination(content: Json, function_hosts: dict[str, str]) -> tuple[str, Json]:
    """Give the URL to deliver to and the destination as ARM shows it."""
    kind, properties = content.get("endpointType"), content.get("properties") or {}
    if (properties.get("maxEventsPerBatch") or 1) != 1:
        refuse_not_simulated("delivery of more than one event a request")
    for unsimulated in ("deliveryAttributeMappings", "azureActiveDirectoryTenantId"):
        if properties.get(unsimulated):
            refuse_not_simulated(f"'{unsimulated}' of destinations")
    shown: Json = {"maxEventsPerBatch": 1, "preferredBatchSizeInKilobytes": 64}
    match kind:
        case "WebHook":
            url = _webhook_url(properties.get("endpointUrl"))
            shown |= {"endpointBaseUrl": url.partition("?")[0]}
        case "AzureFunction":
            url = _function_url(str(properties.get("resourceId", "")), function_hosts)
            shown |= {"resourceId": properties["resourceId"]}
        case _:
            refuse_not_simulated(f"destination of type '{kind}'")
    return url, {"endpointType": kind, "properties": shown}


def _webhook_url(url: Any) -> str:  # noqa: ANN401 - what a caller put there
    """Check an endpoint's URL. Plain http is taken on this machine alone; Azure never takes it."""
    parts = urlsplit(url) if isinstance(url, str) else None
    local = parts is not None and parts.hostname in {"localhost", "127.0.0.1", "::1"}
    if parts is None or not (parts.scheme == "https" or (parts.scheme == "http" and local)):
        refuse_invalid("The endpointUrl of a webhook must be an https URL.")
    return parts.geturl()


def _function_url(resource_id: str, function_hosts: dict[str, str]) -> str:
    """Return the webhook of `../Microsoft.Web/sites/{app}/functions/{function}`.

    Azure looks up the webhook's key itself; here it is in the host's URL, as `?code=`.
    """
    found = FUNCTION_ID.search(resource_id)
    host = function_hosts.get(found["app"].lower()) if found else None
    if found is None or host is None:
        refuse_not_simulated(f"function app behind '{resource_id}': name its local host first")
    base, _, key = host.partition("?")
    query = f"functionName={quote(found['function'])}{'&' if key else ''}{key}"
    return f"{base}/runtime/webhooks/EventGrid?{query}"
