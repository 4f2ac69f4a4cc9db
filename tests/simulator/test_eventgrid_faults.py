"""Events lost, duplicated, delayed and reordered on request, and events published raw."""

import pytest

from simulator.eventgrid.topics import SUBSCRIPTIONS
from tests.simulator.eventgrid_fixtures import World, finished, told

DEALLOCATE = "Microsoft.Compute/virtualMachines/deallocate/action"
START_VM = "Microsoft.Compute/virtualMachines/start/action"


async def _subscribed(world: World) -> None:
    await world.topic("power", SUBSCRIPTIONS)
    await world.subscribe("power")


def test_events_are_lost_by_count_and_predicate() -> None:
    """Exactly the next two matches never arrive; the log has them as lost."""

    async def story(world: World) -> None:
        await _subscribed(world)
        await world.fault(kind="lose", match={"operationName": "*/DEALLOCATE/action"}, count=2)
        for operation in (DEALLOCATE, START_VM, DEALLOCATE, DEALLOCATE):
            world.grid.arm(finished(operation))
        await world.clock.advance(60)
        states = [row["state"] for row in await world.deliveries()]
        assert states == ["lost", "delivered", "lost", "delivered"]
        assert len(world.webhook.notifications) == 2

    told(story)


def test_a_doubled_event_comes_twice_with_one_id() -> None:
    """The copy is a separate delivery, so each is retried separately."""

    async def story(world: World) -> None:
        await _subscribed(world)
        await world.fault(kind="double", seconds=7)
        world.grid.arm(finished())
        await world.clock.advance(60)
        first, second = world.webhook.notifications
        assert first.events == second.events
        assert (second.at - first.at).total_seconds() == pytest.approx(7)
        assert len(await world.deliveries()) == 2

    told(story)


def test_a_delayed_event_comes_later_than_its_followers() -> None:
    """Delay reorders: what was published second arrives first."""

    async def story(world: World) -> None:
        await _subscribed(world)
        await world.fault(kind="delay", seconds=120, count=1)
        world.grid.arm(finished(DEALLOCATE))
        world.grid.arm(finished(START_VM))
        await world.clock.advance(300)
        names = [one.events[0]["data"]["operationName"] for one in world.webhook.notifications]
        assert names == [START_VM, DEALLOCATE]

    told(story)


def test_a_shuffled_window_arrives_whole_in_another_order() -> None:
    """The whole window arrives, no event before it is full, in an order that a seed repeats."""

    async def story(world: World) -> None:
        await _subscribed(world)
        await world.fault(kind="shuffle", window=8, seed=5)
        for _ in range(7):
            world.grid.arm(finished())
        await world.clock.advance(60)
        assert not world.webhook.notifications
        world.grid.arm(finished())
        await world.clock.advance(60)
        published = [row["id"] for row in await world.deliveries()]
        assert sorted(world.webhook.ids()) == sorted(published)
        assert world.webhook.ids() != published

    told(story)


def test_clearing_the_rules_sends_what_they_held() -> None:
    """Events in a window that never fills are not lost."""

    async def story(world: World) -> None:
        await _subscribed(world)
        await world.fault(kind="shuffle", window=8)
        world.grid.arm(finished())
        await world.clock.advance(60)
        await world.call("DELETE", "/_sim/eventgrid/faults")
        await world.clock.advance(60)
        assert len(world.webhook.notifications) == 1

    told(story)


@pytest.mark.parametrize("rule", [{"kind": "explode"}, {"kind": "lose", "match": {"vm": "x"}}])
def test_unknown_faults_are_refused(rule: dict[str, object]) -> None:
    """A rule without effect is refused."""

    async def story(world: World) -> None:
        status, _ = await world.call("POST", "/_sim/eventgrid/faults", rule)
        assert status == 400

    told(story)


@pytest.mark.parametrize(
    ("content", "sent"),
    [
        ({"event": {"no": "event"}}, b'[{"no": "event"}]'),
        ({"event": 7}, b"[7]"),
        ({"text": "[{broken"}, b"[{broken"),
        ({"text": ""}, b""),
    ],
)
def test_anything_can_be_published_raw(content: dict[str, object], sent: bytes) -> None:
    """A raw body is sent unchanged and is retried like an event."""

    async def story(world: World) -> None:
        await _subscribed(world)
        world.webhook.statuses = [500]
        raw = {"eventSubscription": "looks", **content}
        status, _ = await world.call("POST", "/_sim/eventgrid/publish", raw)
        await world.clock.advance(60)
        assert status == 202
        assert [one.body for one in world.webhook.notifications] == [sent, sent]

    told(story)


def test_reset_forgets_everything() -> None:
    """After a reset there are no topics, deliveries or faults; the outcomes topic is back."""

    async def story(world: World) -> None:
        await _subscribed(world)
        await world.fault(kind="lose")
        world.grid.arm(finished())
        world.grid.reset()
        await world.clock.advance(60)
        assert [topic.name for topic in world.grid.topics.all()] == ["outcomes"]
        assert (await world.call("GET", "/_sim/eventgrid/faults"))[1] == []
        assert not world.webhook.notifications
        assert await world.deliveries() == []

    told(story)
