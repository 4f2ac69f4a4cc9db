"""What happened in the subscription, as the events that Azure publishes of it.

Takes the ARM side's account of an act (`ArmEvent`) and gives an `Event`, free of any schema, which
`written` puts into the Event Grid schema or CloudEvents 1.0. Subjects, casing and 7-digit times are
Azure's own, quirks included, because consumers stumble over exactly those.
"""

import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal
from urllib.parse import urlsplit

type Json = dict[str, Any]
type Schema = Literal["EventGridSchema", "CloudEventSchemaV1_0"]

ANNOTATED = "Microsoft.ResourceNotifications.HealthResources.ResourceAnnotated"
AVAILABILITY = "Microsoft.ResourceNotifications.HealthResources.AvailabilityStatusChanged"


@dataclass(frozen=True)
class ArmEvent:
    """A finished ARM operation; for tags `resource_uri` ends in .../tags/default."""

    verb: Literal["Write", "Delete", "Action"]
    succeeded: bool
    operation_name: str
    resource_uri: str
    caller_app_id: str
    caller_object_id: str
    method: str
    url: str
    correlation_id: str
    client_ip: str = "203.0.113.7"


@dataclass(frozen=True)
class Event:
    """An event before it is written in one schema or the other; `time` as Azure writes it.

    `extensions` are the further attributes of a CloudEvent; the Event Grid schema has no place
    for them.
    """

    id: str
    topic: str
    subject: str
    type: str
    time: str
    data: object
    data_version: str
    extensions: Json = field(default_factory=dict)


def azure_time(instant: datetime) -> str:
    """Write an instant with seven digits of a second: 2023-07-24T19:20:37.9245070Z."""
    return instant.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f") + "0Z"


def written(event: Event, schema: Schema) -> Json:
    """Write the event in the schema that its subscription asks for."""
    return _cloud_event(event) if schema == "CloudEventSchemaV1_0" else _grid_event(event)


def _grid_event(event: Event) -> Json:
    return {
        "id": event.id,
        "topic": event.topic,
        "subject": event.subject,
        "data": event.data,
        "eventType": event.type,
        "dataVersion": event.data_version,
        "metadataVersion": "1",
        "eventTime": event.time,
    }


def _cloud_event(event: Event) -> Json:
    return {
        "id": event.id,
        "source": event.topic,
        "subject": event.subject,
        "data": event.data,
        "type": event.type,
        "specversion": "1.0",
        "time": event.time,
        **event.extensions,
    }


def operation_event(event: ArmEvent, tenant_id: str, now: datetime) -> Event:
    """Make the subscription topic's event of a finished ARM operation."""
    subscription_id = event.resource_uri.split("/")[2]
    outcome = "Success" if event.succeeded else "Failure"
    return Event(
        id=str(uuid.uuid4()),
        topic=f"/subscriptions/{subscription_id}",
        subject=event.resource_uri,
        type=f"Microsoft.Resources.Resource{event.verb}{outcome}",
        time=azure_time(now),
        data={
            "authorization": _authorization(event),
            "claims": _claims(event, tenant_id, now),
            "correlationId": event.correlation_id,
            "httpRequest": _http_request(event),
            "resourceProvider": event.operation_name.split("/")[0],
            "resourceUri": event.resource_uri,
            "operationName": event.operation_name,
            "status": "Succeeded" if event.succeeded else "Failed",
            "subscriptionId": subscription_id,
            "tenantId": tenant_id,
        },
        data_version="2",
    )


def _authorization(event: ArmEvent) -> Json:
    return {
        "scope": event.resource_uri,
        "action": event.operation_name,
        "evidence": {"role": "Contributor", "principalId": event.caller_object_id.replace("-", "")},
    }


def _claims(event: ArmEvent, tenant_id: str, now: datetime) -> Json:
    issued = int(now.timestamp())
    issuer = f"https://sts.windows.net/{tenant_id}/"
    return {
        "aud": "https://management.core.windows.net/",
        "iss": issuer,
        "iat": str(issued),
        "nbf": str(issued),
        "exp": str(issued + 86400),
        "appid": event.caller_app_id,
        "appidacr": "2",
        "http://schemas.microsoft.com/identity/claims/identityprovider": issuer,
        "idtyp": "app",
        "http://schemas.microsoft.com/identity/claims/objectidentifier": event.caller_object_id,
        "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/nameidentifier": (
            event.caller_object_id
        ),
        "http://schemas.microsoft.com/identity/claims/tenantid": tenant_id,
        "ver": "1.0",
    }


def _http_request(event: ArmEvent) -> Json:
    return {
        "clientRequestId": str(uuid.uuid5(uuid.NAMESPACE_OID, event.correlation_id)),
        "clientIpAddress": event.client_ip,
        "method": event.method,
        "url": _public(event.url),
    }


def _public(url: str) -> str:
    """Give the URL as Azure names it, whatever port the simulator listens on."""
    parts = urlsplit(url)
    query = f"?{parts.query}" if parts.query else ""
    return f"https://management.azure.com{parts.path}{query}"


def annotation_event(vm_id: str, now: datetime, annotation: Json) -> Event:
    """Make the health topic's event of a VM's annotation (name, context, reason, summary)."""
    properties = {
        "annotationName": annotation["name"],
        "reason": annotation["reason"],
        "summary": annotation["summary"],
        "context": annotation["context"],
        "category": "Not Applicable",
        "impactType": "Informational",
    }
    return _health_event(ANNOTATED, vm_id, now, properties)


def availability_event(vm_id: str, now: datetime, state: str, previous: str) -> Event:
    """Make the health topic's event of a VM's change of availability."""
    properties = {"previousAvailabilityState": previous, "availabilityState": state}
    return _health_event(AVAILABILITY, vm_id, now, properties)


# The kind of resource that a health event is of, and the api-version of its form.
HEALTH_RESOURCES = {
    ANNOTATED: ("resourceAnnotations", "2022-08-01"),
    AVAILABILITY: ("availabilityStatuses", "2023-12-01"),
}


def _health_event(kind: str, vm_id: str, now: datetime, properties: Json) -> Event:
    resource, api_version = HEALTH_RESOURCES[kind]
    occurred, event_id = azure_time(now), str(uuid.uuid4())
    target = {
        "targetResourceId": vm_id,
        "targetResourceType": "Microsoft.Compute/virtualMachines",
        "occurredTime": occurred,
    }
    return Event(
        id=event_id,
        topic="/".join(vm_id.split("/")[:3]),
        subject=_health_subject(vm_id),
        type=kind,
        time=occurred,
        data={
            "resourceInfo": {
                "id": f"{vm_id}/providers/Microsoft.ResourceHealth/{resource}/{event_id}",
                "name": event_id,
                "type": f"Microsoft.ResourceHealth/{resource}",
                "properties": target | properties,
            },
            "operationalInfo": {"resourceEventTime": occurred},
            "apiVersion": api_version,
        },
        data_version="1",
    )


def _health_subject(vm_id: str) -> str:
    """Spell the VM's id unlike targetResourceId, as Azure's health events are free to."""
    segments = vm_id.split("/")
    segments[3:5] = ["resourcegroups", segments[4].upper()]
    return "/".join(segments)
