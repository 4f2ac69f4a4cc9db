"""The bodies that ARM is sent for Microsoft.EventGrid, as Microsoft's specification has them."""

from typing import Any, TypedDict


class SystemTopicProperties(TypedDict, total=False):
    """Of what, and of which kind of it, a system topic tells."""

    provisioningState: str
    source: str
    topicType: str
    metricResourceId: str
    encryption: dict[str, Any]
    platformCapabilities: dict[str, Any]


class SystemTopic(TypedDict, total=False):
    """A system topic."""

    id: str
    name: str
    type: str
    location: str
    tags: dict[str, str]
    identity: dict[str, Any]
    properties: SystemTopicProperties
    systemData: dict[str, Any]


class TopicProperties(TypedDict, total=False):
    """What a custom topic takes, and where."""

    provisioningState: str
    endpoint: str
    inputSchema: str
    inputSchemaMapping: dict[str, Any]
    metricResourceId: str
    publicNetworkAccess: str
    inboundIpRules: list[dict[str, Any]]
    privateEndpointConnections: list[dict[str, Any]]
    minimumTlsVersionAllowed: str
    disableLocalAuth: bool
    dataResidencyBoundary: str
    eventTypeInfo: dict[str, Any]
    encryption: dict[str, Any]


class Topic(TypedDict, total=False):
    """A custom topic."""

    id: str
    name: str
    type: str
    kind: str
    location: str
    tags: dict[str, str]
    sku: dict[str, Any]
    identity: dict[str, Any]
    extendedLocation: dict[str, Any]
    properties: TopicProperties
    systemData: dict[str, Any]


class AdvancedFilter(TypedDict, total=False):
    """One condition on an event's member."""

    operatorType: str
    key: str
    value: Any
    values: list[Any]


class Filter(TypedDict, total=False):
    """Which events match."""

    subjectBeginsWith: str
    subjectEndsWith: str
    includedEventTypes: list[str]
    isSubjectCaseSensitive: bool
    enableAdvancedFilteringOnArrays: bool
    advancedFilters: list[AdvancedFilter]


class RetryPolicy(TypedDict, total=False):
    """How often and how long a delivery is tried."""

    maxDeliveryAttempts: int
    eventTimeToLiveInMinutes: int


class Destination(TypedDict, total=False):
    """Where events, or those that could not be delivered, go."""

    endpointType: str
    properties: dict[str, Any]


class ResourceIdentity(TypedDict, total=False):
    """The identity that writes dead letters."""

    type: str
    userAssignedIdentity: str


class DeadLetters(TypedDict, total=False):
    """Dead letters, written as an identity."""

    identity: ResourceIdentity
    deadLetterDestination: Destination


class EventSubscriptionProperties(TypedDict, total=False):
    """Filter, destination and retry policy."""

    topic: str
    provisioningState: str
    destination: Destination
    deliveryWithResourceIdentity: dict[str, Any]
    filter: Filter
    labels: list[str]
    expirationTimeUtc: str
    eventDeliverySchema: str
    retryPolicy: RetryPolicy
    deadLetterDestination: Destination
    deadLetterWithResourceIdentity: DeadLetters


class EventSubscription(TypedDict, total=False):
    """An event subscription."""

    id: str
    name: str
    type: str
    properties: EventSubscriptionProperties
    systemData: dict[str, Any]


BY_TYPE = {
    "systemtopics": SystemTopic,
    "topics": Topic,
    "eventsubscriptions": EventSubscription,
}
