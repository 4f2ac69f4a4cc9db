"""System topics and custom topics, as ARM has them.

Takes the bodies that ARM is sent, refuses what Azure refuses or the simulator has not, and gives
topics together with the bodies that ARM answers.
"""

from dataclasses import dataclass, field
from urllib.parse import quote

from simulator.eventgrid.errors import refuse_invalid, refuse_not_simulated
from simulator.eventgrid.events import ANNOTATED, AVAILABILITY, Json, Schema

# The two system topics of a subscription that tell of VMs, and the event types of each.
SUBSCRIPTIONS = "Microsoft.Resources.Subscriptions"
HEALTH = "Microsoft.ResourceNotifications.HealthResources"
EVENT_TYPES = {
    SUBSCRIPTIONS: tuple(
        f"Microsoft.Resources.Resource{verb}{outcome}"
        for verb in ("Write", "Delete", "Action")
        for outcome in ("Success", "Failure", "Cancel")
    ),
    HEALTH: (ANNOTATED, AVAILABILITY),
}
SCHEMAS: dict[str, Schema] = {
    "eventgridschema": "EventGridSchema",
    "cloudeventschemav1_0": "CloudEventSchemaV1_0",
}


@dataclass
class Topic:
    """A system topic, or a custom one (`kind` "Custom")."""

    id: str
    name: str
    kind: str
    location: str
    properties: Json
    tags: dict[str, str] = field(default_factory=dict)
    identity: Json | None = None
    received: list[Json] = field(default_factory=list)

    @property
    def event_types(self) -> tuple[str, ...]:
        """The types that may be asked for; empty = any."""
        return EVENT_TYPES.get(self.kind, ())

    @property
    def schema(self) -> Schema:
        """What a custom topic is sent, and what any topic delivers unless asked otherwise."""
        return SCHEMAS[self.properties.get("inputSchema", "EventGridSchema").lower()]

    def body(self, base_url: str) -> Json:
        """Return ARM's body; a custom topic's endpoint is served at `base_url`.

        Missing values are null, as recorded of custom topics: Event Grid omits nothing.
        """
        custom = self.kind == "Custom"
        endpoint = f"{base_url}/topics/{quote(self.name)}/api/events"
        return {
            "id": self.id,
            "name": self.name,
            "type": f"Microsoft.EventGrid/{'topics' if custom else 'systemTopics'}",
            "location": self.location,
            **({"identity": self.identity} if self.identity else {}),
            "tags": self.tags or None,
            "systemData": None,
            "properties": {
                "provisioningState": "Succeeded",
                **({"endpoint": endpoint} if custom else {}),
                **self.properties,
            },
        }


def read_system_topic(topic_id: str, content: Json, subscription_id: str) -> Topic:
    """Read the body of a system topic's PUT; raises Refused."""
    properties = content.get("properties") or {}
    source, kind = str(properties.get("source", "")), str(properties.get("topicType", ""))
    known = {name.lower(): name for name in EVENT_TYPES}.get(kind.lower())
    if known is None:
        refuse_not_simulated(f"system topic of type '{kind}'")
    if source.strip("/").lower() != f"subscriptions/{subscription_id}".lower():
        refuse_not_simulated(f"source of system topics '{source}'")
    if str(content.get("location", "")).lower() != "global":
        refuse_invalid(f"A system topic of type {known} has the location 'global'.")
    return Topic(
        id=topic_id,
        name=topic_id.rsplit("/", 1)[1],
        kind=known,
        location="global",
        properties={"source": source, "topicType": known},
        tags=content.get("tags") or {},
        identity=content.get("identity"),
    )


def read_custom_topic(topic_id: str, content: Json) -> Topic:
    """Read the body of a custom topic's PUT."""
    name = topic_id.rsplit("/", 1)[1]
    wanted = (content.get("properties") or {}).get("inputSchema") or "EventGridSchema"
    if wanted.lower() not in SCHEMAS:
        refuse_not_simulated(f"inputSchema '{wanted}'")
    return Topic(
        id=topic_id,
        name=name,
        kind="Custom",
        location=str(content.get("location") or "global"),
        properties={"inputSchema": SCHEMAS[wanted.lower()]},
        tags=content.get("tags") or {},
    )
