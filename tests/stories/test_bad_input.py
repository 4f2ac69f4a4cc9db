"""Bad input through the real host: it is logged or refused, and no valid event is lost with it.

Events are delivered as Event Grid would deliver them, whatever they contain.
"""

import json
from collections.abc import Callable

import pytest

from simulator.simulator import SUBSCRIPTION
from tests.stories.world import Hosted, Json, Vm

ELSEWHERE = "99999999-8888-4777-8666-555555555555"
STAYS = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/rg-vms/providers/Microsoft.Compute"
type Spelling = Callable[[str], str]


def stopping(vm_id: str, **changed: object) -> Json:
    """Return the event that reports a guest's shutdown."""
    when = "2023-07-24T19:20:37.9245071Z"
    properties = {
        "targetResourceId": vm_id,
        "targetResourceType": "Microsoft.Compute/virtualMachines",
        "occurredTime": when,
        "annotationName": "VirtualMachineStoppedInternally",
    }
    return {
        "id": "1fb6fa94-d965-4306-abeq-4810f0774e97",
        "topic": "/".join(vm_id.split("/")[:3]),
        "subject": vm_id,
        "data": {"resourceInfo": {"id": vm_id, "name": "current", "properties": properties}},
        "eventType": "Microsoft.ResourceNotifications.HealthResources.ResourceAnnotated",
        "dataVersion": "1",
        "metadataVersion": "1",
        "eventTime": when,
    } | changed


def cloud(event: Json) -> Json:
    """Return an event as a CloudEvent."""
    names = {"eventType": "type", "eventTime": "time", "topic": "source"}
    dropped = ("dataVersion", "metadataVersion")
    kept = {names.get(name, name): value for name, value in event.items() if name not in dropped}
    return kept | {"specversion": "1.0"}


def silent(world: Hosted, name: str = "web") -> Vm:
    """Make a stopped VM with an order, without delivering its events."""
    world.events("lose")
    vm = world.vm(name, power="stopped", sysprep="succeeded")
    vm.order("managed-image")
    world.client.ask("DELETE", "eventgrid/faults")
    return vm


SPELLINGS: dict[str, Spelling] = {
    "as it is": lambda vm_id: vm_id,
    "upper": str.upper,
    "lower": str.lower,
    "mixed": lambda vm_id: vm_id.replace("resourceGroups", "ResourceGROUPS").swapcase(),
    "longer": lambda vm_id: f"{vm_id}/providers/Microsoft.ResourceHealth/resourceAnnotations/x",
}


@pytest.mark.parametrize("schema", [dict, cloud])
@pytest.mark.parametrize("spelling", SPELLINGS.values(), ids=SPELLINGS)
def test_ids_in_any_case_and_either_schema_are_understood(
    world: Hosted, spelling: Spelling, schema: Callable[[Json], Json]
) -> None:
    """The VM is found whatever the case of its id and the schema of the event."""
    vm = silent(world)
    world.deliver(schema(stopping(spelling(vm.id))))
    assert (vm.status, len(vm.images)) == ("captured", 1)


def test_a_whole_story_by_cloud_events(world: Hosted) -> None:
    """A capture also works with event subscriptions in the CloudEvents schema."""
    for one in world.app.deployed.event_subscriptions:
        properties = one["properties"] | {"eventDeliverySchema": "CloudEventSchemaV1_0"}
        path = f"{one['id']}?api-version={one['apiVersion']}"
        world.owner("PUT", path, {"properties": properties})
    vm = world.vm()
    vm.order("managed-image")
    vm.sysprep()
    assert vm.status == "captured"
    assert world.failures == []


GARBLED: dict[str, Json] = {
    "no data": {"data": None},
    "data of another kind": {"data": ["nothing", 7]},
    "text for data": {"data": "nothing"},
    "nothing in it": {"data": {}},
    "nothing where the VM should be": {"data": {"resourceInfo": {"properties": 5}}},
    "unknown type": {"eventType": "Contoso.Something.Happened"},
    "no type": {"eventType": ""},
    "null type": {"eventType": None},
    "null subject": {"subject": None},
    "null time": {"eventTime": None},
    "deep": {"data": json.loads('{"a":' * 200 + "1" + "}" * 200)},
}


@pytest.mark.parametrize("changed", GARBLED.values(), ids=GARBLED)
def test_a_bad_event_costs_no_good_one_beside_it(world: Hosted, changed: Json) -> None:
    """All valid events of a batch cause a look, and the bad event is not redelivered."""
    first, second = silent(world, "first"), silent(world, "second")
    stays = f"{STAYS}/virtualMachines/unknown"
    batch = [stopping(first.id), stopping(stays, **changed), stopping(second.id)]
    world.deliver(text=json.dumps(batch))
    assert (first.status, second.status) == ("captured", "captured")
    counts = world.client.ask("GET", "eventgrid/counts")
    assert (counts["failedAttempts"], counts["dropped"]) == (0, 0)
    assert world.failures == []


@pytest.mark.parametrize("when", ["2026-01-01T00:00:00+05:45", "soon"])
def test_a_time_that_the_worker_cannot_decode_costs_no_good_event(world: Hosted, when: str) -> None:
    """The worker library raises before the app's code runs; Event Grid gives up after a day.

    Azure writes its times with Z. The valid events of the batch cause looks at first delivery.
    """
    first, second = silent(world, "first"), silent(world, "second")
    stays = f"{STAYS}/virtualMachines/unknown"
    batch = [stopping(first.id), stopping(stays, eventTime=when), stopping(second.id)]
    content = {"eventSubscription": "stillframe-steps", "text": json.dumps(batch)}
    world.client.ask("POST", "eventgrid/publish", content)
    world.let(60)
    assert (first.status, second.status) == ("captured", "captured")
    done = len(world.writes)
    world.let(2 * 86400)
    assert world.client.ask("GET", "eventgrid/counts")["pending"] == 0
    assert len(world.writes) == done
    assert all(when in one["exception"] for one in world.failures)


def test_what_is_no_json_is_no_invocation(world: Hosted) -> None:
    """The host rejects it; events that arrive meanwhile are handled."""
    content = {"eventSubscription": "stillframe-steps", "text": '[{"id": "1", "data": '}
    world.client.ask("POST", "eventgrid/publish", content)
    world.let(60)
    assert world.invocations == []
    vm = world.vm()
    vm.order("managed-image")
    world.let(60)
    assert vm.status == "waiting"
    assert world.failures == []


STRANGERS = {
    "another subscription": f"/subscriptions/{ELSEWHERE}/resourceGroups/g/providers"
    "/Microsoft.Compute/virtualMachines/web",
    "no subscription": "/subscriptions/no-guid/resourceGroups/g/providers"
    "/Microsoft.Compute/virtualMachines/web",
    "a scale set": f"{STAYS}/virtualMachineScaleSets/fleet/virtualMachines/0",
    "a disk": f"{STAYS}/disks/web",
    "a long name": f"{STAYS}/virtualMachines/{'x' * 5000}",
    "a way out": f"{STAYS}/virtualMachines/..%2f..%2fsubscriptions",
    "spaces": f"{STAYS}/virtualMachines/a b",
    "gone": f"{STAYS}/virtualMachines/gone",
    "empty": "",
}


@pytest.mark.parametrize("stranger", STRANGERS.values(), ids=STRANGERS)
def test_what_is_not_ours_costs_one_look_at_most(world: Hosted, stranger: str) -> None:
    """Foreign, malformed and deleted ids cause no write, and nothing is raised."""
    world.vm()
    world.forget_requests()
    world.deliver(stopping(stranger))
    assert len(world.requests) <= 1
    assert world.writes == []
    assert world.failures == []
    assert [one["ok"] for one in world.invocations] == [True]


def test_a_foreign_subscription_is_not_even_asked_about(world: Hosted) -> None:
    """A subscription that is not in SUBSCRIPTIONS costs no request."""
    world.deliver(stopping(STRANGERS["another subscription"]))
    assert world.requests == []


def test_an_event_of_one_megabyte_is_looked_at(world: Hosted) -> None:
    """A large event is handled; most of it is never read."""
    vm = silent(world)
    event = stopping(vm.id)
    event["data"]["padding"] = "x" * (1024 * 1024 - len(json.dumps(event)) - 50)
    world.deliver(event)
    assert vm.status == "captured"


@pytest.mark.parametrize("when", ["soon", "2026-13-01T00:00:00Z", "", 7, None, "0001-01-01"])
def test_an_annotation_of_no_readable_time_is_a_look(world: Hosted, when: object) -> None:
    """If the time of a stop cannot be parsed, there is a look and nothing is raised."""
    vm = world.vm()
    vm.order("managed-image")
    world.settle()
    event = stopping(vm.id)
    event["data"]["resourceInfo"]["properties"]["occurredTime"] = when
    world.deliver(event)
    assert world.failures == []
    assert vm.status == "waiting"


NONSENSE = [
    "<gallery>",
    "golden//windows",
    "../windows",
    "ja",
    " ",
    "é" * 256,
    "x" * 256,
    "golden/",
]


@pytest.mark.parametrize("order", NONSENSE)
def test_nonsense_in_the_tag_is_refused_on_the_vm(world: Hosted, order: str) -> None:
    """The reason is on the VM, within a tag's length; nothing is raised."""
    vm = world.vm()
    vm.order(order)
    world.settle()
    assert vm.status == "refused"
    assert "is not a valid target" in str(vm.said("detail"))
    assert all(len(value) <= 256 for value in vm.told.values())
    assert world.failures == []


def test_names_at_azures_limits_fit(world: Hosted) -> None:
    """A VM of 64 characters, gallery and definition of 80: image, version and tags fit."""
    gallery, definition, long = "g" * 80, "d" * 80, "v" * 64
    world.definition(definition, gallery=gallery)
    old, new = world.vm(long), world.vm(f"{long[:-1]}w")
    old.order("managed-image")
    new.order(f"{gallery}/{definition}")
    world.settle()
    for vm in (old, new):
        vm.guest("sysprep")
    world.settle()
    assert (old.status, new.status) == ("captured", "captured")
    assert len(old.images[0]["id"].rsplit("/", 1)[1]) == 80


def test_two_long_names_alike_are_told_apart(world: Hosted) -> None:
    """The part cut from a long name becomes a hash, so that two VMs do not share an image."""
    pair = [world.vm("v" * 63 + last, power="deallocated", sysprep="succeeded") for last in "ab"]
    for vm in pair:
        vm.order("managed-image")
    world.settle()
    assert [vm.status for vm in pair] == ["captured", "captured"]
    assert len({vm.images[0]["id"] for vm in pair}) == 2
