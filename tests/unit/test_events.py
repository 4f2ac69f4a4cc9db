"""Which VM or image an event is about, in any form that Azure or others may send."""

import json
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.events import Wake, read_event
from shared.model.errors import Unreadable
from shared.model.ids import ManagedImageRef
from tests.unit.making import GALLERY, MANAGED, REF, SUBSCRIPTION, VERSION

EXAMPLES = Path(__file__).parents[3] / "shared" / "reference" / "events"
ANNOTATED = "Microsoft.ResourceNotifications.HealthResources.ResourceAnnotated"
CHANGED = "Microsoft.ResourceNotifications.HealthResources.AvailabilityStatusChanged"
WRITTEN = "Microsoft.Resources.ResourceWriteSuccess"
ACTED = "Microsoft.Resources.ResourceActionSuccess"
IMAGE = ManagedImageRef(SUBSCRIPTION, "golden", "web-01-20260504-094807250")

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=30),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=12), inner, max_size=3)
    ),
    max_leaves=10,
)
NAMES = st.sampled_from(
    [
        REF.id,
        VERSION.id,
        IMAGE.id,
        "Microsoft.Compute/virtualMachines/write",
        "Microsoft.Compute/images/write",
    ]
)
TIMES = st.sampled_from(
    [
        "2026-05-04T09:58:07.2501234Z",
        "2026-05-04T10:00:00+27:00",
        "0001-01-01T00:00:00+14:00",
        "9999-12-31T23:59:59-14:00",
    ]
)
STOPS = st.just("VirtualMachineStoppedInternally")
HEALTH = st.fixed_dictionaries(
    {
        "targetResourceId": NAMES | JSON,
        "annotationName": STOPS | JSON,
        "occurredTime": TIMES | JSON,
    }
)
DATA = (
    HEALTH.map(lambda told: {"resourceInfo": {"properties": told}})
    | st.fixed_dictionaries({"operationName": NAMES | JSON, "resourceUri": NAMES | JSON})
    | JSON
)
KINDS = st.sampled_from([ANNOTATED, CHANGED, WRITTEN, ACTED]) | st.text(max_size=30)


def annotation(name: object = "VirtualMachineStoppedInternally", **properties: object) -> Any:  # noqa: ANN401 - JSON
    """Make a health event's data."""
    told = {"targetResourceId": REF.id, "annotationName": name, **properties}
    return {"resourceInfo": {"properties": told}}


def operation(name: str, uri: str = REF.id) -> dict[str, object]:
    """Make a subscription event's data."""
    return {"operationName": name, "resourceUri": uri, "status": "Succeeded"}


@given(KINDS, NAMES | st.text(max_size=30), DATA)
def test_nothing_but_unreadable_is_ever_raised(kind: str, subject: str, data: object) -> None:
    """Any JSON is read, ignored or dropped: no event is redelivered forever."""
    try:
        wake = read_event(kind, subject, data)
    except Unreadable:
        return
    assert wake is None or isinstance(wake, Wake)


@pytest.mark.parametrize(
    "name", ["VirtualMachineStoppedInternally", "VirtualMachineStopInitiatedByControlPlane"]
)
def test_an_announced_stop_has_an_instant(name: str) -> None:
    """The annotation of a stop causes a visit, and has the time of the stop."""
    data = annotation(name, occurredTime="2026-05-04T09:58:07.2501234Z")
    stopping = datetime(2026, 5, 4, 9, 58, 7, 250_123, tzinfo=UTC)
    assert read_event(ANNOTATED, "", data) == Wake(REF, stopping=stopping)


@pytest.mark.parametrize(
    "name", ["VirtualMachineDeallocationInitiated", "VirtualMachineCrashed", None, 7, ["a"], {}]
)
def test_any_other_annotation_is_only_a_reason_to_look(name: object) -> None:
    """Other annotations cause a visit that does not wait for a stop."""
    data = annotation(name, occurredTime="2026-05-04T09:58:07Z")
    assert read_event(ANNOTATED, "", data) == Wake(REF)


@pytest.mark.parametrize("time", [None, 5, "", "yesterday", "0001-01-01T00:00:00+14:00"])
def test_a_stop_without_a_time_that_can_be_read_is_a_look(time: object) -> None:
    """With an invalid time the visit does not wait for the stop, but takes place."""
    assert read_event(ANNOTATED, "", annotation(occurredTime=time)) == Wake(REF)


def test_an_availability_change_is_a_reason_to_look() -> None:
    """It has its VM in the same member as an annotation, and no cause."""
    data = {"resourceInfo": {"properties": {"targetResourceId": REF.id}}}
    assert read_event(CHANGED, "", data) == Wake(REF)


@pytest.mark.parametrize("end", ["", "/virtualMachines/0"])
def test_a_scale_set_is_none_of_ours(end: str) -> None:
    """Annotations of a scale set or its instances are ignored, in upper or lower case."""
    target = REF.id.replace("virtualMachines/", "VirtualMachineScaleSets/") + end
    assert read_event(ANNOTATED, "", annotation(targetResourceId=target)) is None


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (None, "is NoneType, not an object"),
        ([], "is list, not an object"),
        ("text", "is str, not an object"),
        ({}, "no object 'resourceInfo'"),
        ({"resourceInfo": None}, "no object 'resourceInfo'"),
        ({"resourceInfo": {"properties": "text"}}, "no object 'properties'"),
        (annotation(targetResourceId=None), "names no virtual machine: ''"),
        (annotation(targetResourceId="/subscriptions/s"), "machine: '/subscriptions/s'"),
        (annotation(targetResourceId="x" * 9999), f"machine: '{'x' * 200}'"),
    ],
)
def test_a_health_event_without_a_vm_is_dropped(data: object, words: str) -> None:
    """If a retry cannot help, it is `Unreadable`, with a short message."""
    with pytest.raises(Unreadable, match=words):
        read_event(ANNOTATED, REF.id, data)


@pytest.mark.parametrize("data", [None, 3, "text", [{}]])
def test_data_that_is_no_object_is_dropped(data: object) -> None:
    """An event of any type whose data is not an object is `Unreadable`."""
    with pytest.raises(Unreadable, match="not an object"):
        read_event(WRITTEN, REF.id, data)


@pytest.mark.parametrize(
    "name",
    [
        "Microsoft.Compute/virtualMachines/deallocate/action",
        "Microsoft.Compute/virtualMachines/powerOff/action",
        "MICROSOFT.COMPUTE/VIRTUALMACHINES/WRITE",
        "Microsoft.Resources/tags/write",
    ],
)
def test_an_operation_on_a_vm_is_a_reason_to_look(name: str) -> None:
    """Actions, writes and tag writes cause a visit; none of them announces a stop."""
    assert read_event(ACTED, "", operation(name)) == Wake(REF)


@pytest.mark.parametrize(
    "tail",
    [
        "",
        "/deallocate",
        "/providers/Microsoft.Resources/tags/default",
        "/providers/Microsoft.ResourceHealth/resourceAnnotations/current",
    ],
)
def test_a_subject_may_go_on_behind_the_vm(tail: str) -> None:
    """The first VM id in the resource is used, or if it has none, in the subject."""
    name = "Microsoft.Resources/tags/write"
    assert read_event(WRITTEN, "", operation(name, REF.id + tail)) == Wake(REF)
    assert read_event(WRITTEN, REF.id + tail, {"operationName": name}) == Wake(REF)
    assert read_event(WRITTEN, REF.id + tail, operation(name, "/subscriptions/s")) == Wake(REF)


@pytest.mark.parametrize(
    ("name", "ref"),
    [
        ("Microsoft.Compute/images/write", IMAGE),
        ("Microsoft.Compute/galleries/images/versions/write", VERSION),
    ],
)
def test_an_image_that_is_finished_is_a_reason_to_look(name: str, ref: Any) -> None:  # noqa: ANN401
    """The event at the end of an image's PUT names the image, on success and failure."""
    failed = "Microsoft.Resources.ResourceWriteFailure"
    assert read_event(failed, "", operation(name, ref.id)) == Wake(ref)
    assert read_event(failed, ref.id, operation(name, "")) == Wake(ref)
    assert read_event(failed, ref.id, operation(name, "/subscriptions/s")) == Wake(ref)


@pytest.mark.parametrize(
    ("name", "uri"),
    [
        ("Microsoft.Compute/images/write", REF.id),
        ("Microsoft.Compute/galleries/images/write", GALLERY.scope),
        ("Microsoft.Compute/virtualMachineScaleSets/write", REF.id),
        ("Microsoft.Compute/virtualMachines/write", IMAGE.id),
        ("Microsoft.Resources/tags/write", MANAGED.scope),
        ("Microsoft.Storage/storageAccounts/write", REF.id),
        ("", REF.id),
    ],
)
def test_other_operations_are_none_of_ours(name: str, uri: str) -> None:
    """Any other operation is ignored, whatever resource it names."""
    assert read_event(WRITTEN, uri, operation(name, uri)) is None


@pytest.mark.parametrize("kind", ["", "Microsoft.Storage.BlobCreated", "Microsoft.Resources"])
def test_other_types_are_none_of_ours(kind: str) -> None:
    """An unknown type is ignored, even if its data looks like a VM's."""
    name = "Microsoft.Compute/virtualMachines/write"
    assert read_event(kind, REF.id, operation(name)) is None


def example(name: str) -> dict[str, Any]:
    """Give an example event of Microsoft's documentation, with placeholders filled in."""
    path = EXAMPLES / name
    if not path.exists():
        pytest.skip(f"no {name} here")
    payload = json.loads(re.sub(r"\{([a-z-]+)\}", r"\1", path.read_text()))
    event: dict[str, Any] = payload[0] if isinstance(payload, list) else payload
    return event


@pytest.mark.parametrize(
    "name", ["docs_egs_health_resource_annotated.json", "docs_ce_health_resource_annotated.json"]
)
def test_the_documented_annotation_is_understood(name: str) -> None:
    """Both schemas of the documented annotation name the documented VM."""
    event = example(name)
    wake = read_event(event.get("eventType") or event["type"], event["subject"], event["data"])
    assert wake is not None
    assert wake.ref.id == event["subject"]
    assert wake.stopping is None


@pytest.mark.parametrize(
    "name",
    [
        "docs_egs_subscription_resource_delete_success.json",
        "docs_egs_subscription_validation.json",
        "docs_egs_dead_letter.json",
    ],
)
def test_documented_events_of_others_are_left_alone(name: str) -> None:
    """A deleted storage account, a validation and a dead letter are ignored."""
    event = example(name)
    assert read_event(event["eventType"], event["subject"], event["data"]) is None
