"""How events reach a webhook, and what happens to those that do not."""

import pytest

from simulator.eventgrid.delivery import verdict
from simulator.eventgrid.topics import HEALTH, SUBSCRIPTIONS
from tests.simulator.eventgrid_fixtures import (
    HANGS_UP,
    NEVER_ANSWERS,
    START,
    SYSTEM_TOPICS,
    VM,
    World,
    finished,
    told,
)

# Simulated seconds after which every retry has been made.
TWO_DAYS = 2 * 86400

DEAD_LETTERS = {
    "endpointType": "StorageBlob",
    "properties": {"resourceId": "/subscriptions/s/..", "blobContainerName": "dead"},
}


async def _subscribed(world: World, **properties: object) -> None:
    await world.topic("power", SUBSCRIPTIONS)
    await world.subscribe("power", "looks", **properties)


async def _lost_for_good(world: World) -> list[float]:
    """Publish one event, let every retry pass, give the second of each attempt."""
    world.grid.arm(finished())
    await world.clock.advance(TWO_DAYS)
    return [(one.at - START).total_seconds() - 2 for one in world.webhook.notifications]


def test_a_notification_is_an_array_of_one_with_event_grids_headers() -> None:
    """One event per request, in an array, with the aeg-* headers and Azure's payload."""

    async def story(world: World) -> None:
        await _subscribed(world)
        world.grid.arm(finished())
        await world.clock.advance(5)
        [sent] = world.webhook.notifications
        [event] = sent.events
        assert sent.headers["aeg-event-type"] == "Notification"
        assert sent.headers["aeg-subscription-name"] == "LOOKS"
        assert sent.headers["aeg-delivery-count"] == "0"
        assert sent.headers["aeg-data-version"] == "2"
        assert sent.headers["aeg-metadata-version"] == "1"
        assert sent.headers["content-type"] == "application/json; charset=utf-8"
        assert event["eventType"] == "Microsoft.Resources.ResourceActionSuccess"
        assert event["eventTime"] == "2026-03-01T12:00:00.0000000Z"
        assert event["subject"] == event["data"]["resourceUri"] == VM
        assert event["data"]["claims"]["appid"].startswith("1111")

    told(story)


def test_a_cloud_event_stands_alone() -> None:
    """In the CloudEvents schema the body is the event itself, with its own content type."""

    async def story(world: World) -> None:
        await _subscribed(world, eventDeliverySchema="CloudEventSchemaV1_0")
        world.grid.arm(finished())
        await world.clock.advance(5)
        [sent] = world.webhook.notifications
        assert sent.headers["content-type"] == "application/cloudevents+json; charset=utf-8"
        assert sent.events["specversion"] == "1.0"
        assert sent.events["source"] == "/".join(VM.split("/")[:3])

    told(story)


def test_nothing_is_sent_before_its_latency_has_passed() -> None:
    """The default latency of a system topic applies, and can be set."""

    async def story(world: World) -> None:
        await _subscribed(world)
        await world.call("PUT", "/_sim/eventgrid/latency", {"subscriptions": 90})
        world.grid.arm(finished())
        await world.clock.advance(89.9)
        assert not world.webhook.notifications
        await world.clock.advance(0.2)
        assert len(world.webhook.notifications) == 1

    told(story)


def test_retries_follow_the_documented_schedule_until_the_day_is_over() -> None:
    """10 s, 30 s, 1, 5, 10, 30 min, 1, 3, 6 h, 12-hourly; after 24 h the event is given up."""

    async def story(world: World) -> None:
        await _subscribed(world)
        world.webhook.statuses = [500] * 40
        waits = [10, 30, 60, 300, 600, 1800, 3600, 10800, 21600, 43200]
        expected = [float(sum(waits[:n])) for n in range(11)]
        assert await _lost_for_good(world) == pytest.approx(expected)
        counts = [one.headers["aeg-delivery-count"] for one in world.webhook.notifications]
        assert counts == [str(n) for n in range(11)]

    told(story)


@pytest.mark.parametrize(("status", "seconds"), [(401, 300), (404, 300), (503, 30), (500, 10)])
def test_some_answers_ask_for_a_longer_wait(status: int, seconds: int) -> None:
    """After 401 and 404 the next attempt is at least five minutes later."""
    assert verdict(status, 1, 30).retry_after == seconds


@pytest.mark.parametrize("status", [400, 403, 413])
def test_answers_that_no_retry_can_cure_end_the_delivery(status: int) -> None:
    """400, 403 and 413 are not retried: dropped if no dead-letter destination is set."""

    async def story(world: World) -> None:
        await _subscribed(world)
        world.webhook.statuses = [status]
        assert len(await _lost_for_good(world)) == 1
        assert [row["state"] for row in await world.deliveries()] == ["dropped"]

    told(story)


@pytest.mark.parametrize("status", [200, 201, 202, 203, 204])
def test_success_is_200_to_204(status: int) -> None:
    """Each of the five statuses counts as delivered."""

    async def story(world: World) -> None:
        await _subscribed(world)
        world.webhook.statuses = [status]
        await _lost_for_good(world)
        assert [row["state"] for row in await world.deliveries()] == ["delivered"]

    told(story)


def test_a_success_that_event_grid_does_not_know_is_a_failure() -> None:
    """205 is retried."""

    async def story(world: World) -> None:
        await _subscribed(world)
        world.webhook.statuses = [205]
        assert len(await _lost_for_good(world)) == 2

    told(story)


def test_what_nobody_takes_becomes_a_dead_letter() -> None:
    """The event is stored with five documented properties, five minutes after the last try."""

    async def story(world: World) -> None:
        await _subscribed(
            world,
            retryPolicy={"maxDeliveryAttempts": 2},
            deadLetterDestination=DEAD_LETTERS,
        )
        world.webhook.statuses = [404, 404]
        world.grid.arm(finished())
        await world.clock.advance(302 + 299)
        assert (await world.call("GET", "/_sim/eventgrid/deadletters"))[1] == []
        await world.clock.advance(2)
        [letter] = (await world.call("GET", "/_sim/eventgrid/deadletters"))[1]
        assert letter["eventType"] == "Microsoft.Resources.ResourceActionSuccess"
        assert letter["deadLetterReason"] == "MaxDeliveryAttemptsExceeded"
        assert letter["deliveryAttempts"] == 2
        assert letter["lastDeliveryOutcome"] == "NotFound"
        assert letter["publishTime"] == "2026-03-01T12:00:00.0000000Z"
        assert letter["lastDeliveryAttemptTime"] == "2026-03-01T12:05:02.0000000Z"

    told(story)


def test_the_time_to_live_ends_a_delivery() -> None:
    """An event is not retried after its subscription's time to live."""

    async def story(world: World) -> None:
        await _subscribed(
            world,
            retryPolicy={"eventTimeToLiveInMinutes": 1},
            deadLetterDestination=DEAD_LETTERS,
        )
        world.webhook.statuses = [500] * 9
        assert len(await _lost_for_good(world)) == 3
        [letter] = (await world.call("GET", "/_sim/eventgrid/deadletters"))[1]
        assert letter["deadLetterReason"] == "TimeToLiveExceeded"

    told(story)


def test_an_endpoint_that_hangs_up_is_tried_again() -> None:
    """A broken connection is a failure like any other, -1 in the log."""

    async def story(world: World) -> None:
        await _subscribed(world)
        world.webhook.statuses = [HANGS_UP]
        await _lost_for_good(world)
        [row] = await world.deliveries()
        assert [attempt["status"] for attempt in row["attempts"]] == [-1, 200]

    told(story)


def test_an_endpoint_has_only_so_long_to_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    """A timeout is a failure that is retried, 0 in the log."""
    monkeypatch.setattr("simulator.eventgrid.webhooks.SECONDS_TO_ANSWER", 0.2)

    async def story(world: World) -> None:
        await _subscribed(world)
        world.webhook.statuses = [NEVER_ANSWERS]
        await _lost_for_good(world)
        [row] = await world.deliveries()
        assert [attempt["status"] for attempt in row["attempts"]] == [0, 200]

    told(story)


def test_the_log_tells_every_attempt() -> None:
    """Id, type, operation, subscription, and for each attempt the times and the answer."""

    async def story(world: World) -> None:
        await _subscribed(world)
        world.webhook.statuses = [500]
        await _lost_for_good(world)
        [row] = await world.deliveries()
        assert row["operationName"] == "Microsoft.Compute/virtualMachines/deallocate/action"
        assert [attempt["status"] for attempt in row["attempts"]] == [500, 200]
        assert row["attempts"][1]["sent"] == "2026-03-01T12:00:12.0000000Z"
        _, counts = await world.call("GET", "/_sim/eventgrid/counts")
        assert (counts["delivered"], counts["attempts"], counts["failedAttempts"]) == (1, 2, 1)

    told(story)


def test_deleting_the_subscription_ends_its_retries() -> None:
    """Pending retries for a deleted event subscription are dropped."""

    async def story(world: World) -> None:
        await _subscribed(world)
        world.webhook.statuses = [500]
        world.grid.arm(finished())
        await world.clock.advance(5)
        path = f"{SYSTEM_TOPICS}/power/eventSubscriptions/looks"
        status, _ = await world.call("DELETE", path)
        await world.clock.advance(60)
        assert status == 200
        assert len(world.webhook.notifications) == 1

    told(story)


def test_health_events_name_the_vm_in_two_spellings() -> None:
    """The subject's group differs in case from targetResourceId: compare without case."""

    async def story(world: World) -> None:
        await world.topic("health", HEALTH)
        await world.subscribe("health")
        world.grid.annotation(
            VM, "VirtualMachineStoppedInternally", "Customer Initiated", "Stopped", "It stopped."
        )
        world.grid.availability(VM, "Unavailable", "Available")
        await world.clock.advance(60)
        annotated, changed = (sent.events[0] for sent in world.webhook.notifications)
        properties = annotated["data"]["resourceInfo"]["properties"]
        assert properties["annotationName"] == "VirtualMachineStoppedInternally"
        assert properties["targetResourceId"] == VM
        assert annotated["subject"] != VM
        assert annotated["subject"].lower() == VM.lower()
        assert changed["eventType"].endswith("AvailabilityStatusChanged")

    told(story)


def test_guest_acts_and_operations_go_to_their_own_topics() -> None:
    """A subscription of a system topic gets none of another topic's events."""

    async def story(world: World) -> None:
        await _subscribed(world)
        world.grid.annotation(VM, "VirtualMachineStoppedInternally", "", "", "")
        await world.clock.advance(300)
        assert not world.webhook.notifications
        _, counts = await world.call("GET", "/_sim/eventgrid/counts")
        assert counts["published.health"] == 1

    told(story)
