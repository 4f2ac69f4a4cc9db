"""The ledger: it has a line for all that ended, whatever happens to it and to the processes."""

import pytest

from shared.cloud.client import find_credential
from shared.cloud.ledger import LedgerStore
from shared.model.ledger import Ledger, month_of
from shared.model.outcomes import OutcomeType
from shared.model.settings import Tell
from shared.model.tags import BILLED_TAGS
from tests.stories.test_crashes import Process, swept
from tests.stories.world import Json, Spine, Vm

MINUTE, HOUR = 60, 3600
OVER = "Stillframe.VmNoLongerBilled"


@pytest.fixture
def kept(spine: Spine) -> Spine:
    """Return the world with a process that has appended nothing yet."""
    return spine.restart()


def ledger_of(spine: Spine) -> Ledger:
    """Read this month's ledger as somebody else does."""
    store = LedgerStore(spine.azure.settings.ledger, find_credential())
    return store.read(month_of(spine.client.now()))


def wasted(spine: Spine, name: str = "web", hours: float = 5) -> Vm:
    """Let a VM be stopped, marked, alerted, and started again."""
    vm = spine.vm(name, power="stopped", stopped_since=hours * HOUR)
    spine.sweep()
    spine.sweep()
    vm.power("start")
    spine.let(MINUTE)
    return vm


def test_what_ended_is_kept_with_what_it_came_to(kept: Spine) -> None:
    """The first line makes container and blob; an alert is not kept."""
    vm = wasted(kept)
    kept.sweep()
    order = kept.vm("golden", sysprep="never")
    order.order("managed-image")
    kept.look(order)
    order.guest("sysprep")
    kept.carry(order, 8)
    ledger = ledger_of(kept)
    assert ledger.counts() == {OVER: 1, "Stillframe.ImageCaptured": 1}
    assert [one["subject"] for one in ledger.of_type(OutcomeType.NO_LONGER_BILLED)] == [vm.name]
    assert ledger.seconds() == pytest.approx(5 * HOUR, abs=MINUTE)
    assert ledger.unreadable == 0


def test_without_a_ledger_nothing_is_kept(spine: Spine) -> None:
    """And nothing else changes."""
    spine.under(ledger="").restart()
    wasted(spine)
    spine.sweep()
    assert [one["type"] for one in spine.outcomes][-1] == OVER


def test_storage_that_refuses_stops_nothing(spine: Spine, caplog: pytest.LogCaptureFixture) -> None:
    """The container's name is not one that storage takes: it is logged, the VM is cleared."""
    address = spine.azure.settings.ledger
    spine.under(ledger=f"{address.rpartition('/')[0]}/NO").restart()
    vm = wasted(spine)
    spine.sweep()
    assert (vm.since, spine.outcomes[-1]["type"]) == (None, OVER)
    assert "the ledger has no line of" in caplog.text


def test_storage_that_is_unreachable_has_the_line_later(spine: Spine) -> None:
    """The mark stays until the line is there; consumers drop the repetition by its id."""
    address = spine.azure.settings.ledger
    vm = wasted(spine)
    spine.under(ledger="https://127.0.0.1:1/ledger").restart()
    report = spine.sweep()
    assert (len(report.untold), set(vm.tags)) == (1, {tag.value for tag in BILLED_TAGS})
    spine.under(ledger=address).restart()
    spine.sweep()
    assert vm.tags == {}
    ids = {one["id"] for one in spine.outcomes if one["type"] == OVER}
    assert (len(ids), ledger_of(spine).counts()) == (1, {OVER: 1})


def totals(events: list[Json]) -> tuple[int, int]:
    """Return number and seconds of the bills in the events, repetitions dropped."""
    bills = {one["id"]: one["data"]["seconds"] for one in events if one["type"] == OVER}
    return len(bills), sum(bills.values())


def test_after_any_crash_the_ledger_has_what_the_events_have(spine: Spine) -> None:
    """Processes end before and after each call; the totals are those of the events."""
    spine.restart()
    for most in range(14):
        wasted(spine, f"vm-{most}", hours=1 + most)
        swept(spine, Process(most))
        swept(spine, Process())
    ledger = ledger_of(spine)
    number, seconds = totals(spine.outcomes)
    assert (ledger.counts()[OVER], ledger.seconds()) == (number, seconds) == (14, seconds)


def test_the_weeks_digest_has_what_the_ledger_has(spine: Spine) -> None:
    """The first sweep of a week publishes it, and no other; a VM is reported once before."""
    spine.under(guard_tell=Tell.WEEKLY).restart()
    wasted(spine, "ended")
    spine.sweep()
    spine.vm("still", power="stopped", stopped_since=5 * HOUR)
    for _ in range(2):
        spine.sweep()
    days = 7 - spine.client.now().weekday()
    for _ in range(days + 1):
        before = spine.client.now()
        spine.let(24 * HOUR)
        spine.sweep(before)
    digests = [one for one in spine.outcomes if one["type"] == "Stillframe.CostGuardDigest"]
    (digest,) = digests
    assert digest["data"]["ended"]["counts"] == {OVER: 1}
    assert [row["ResourceId"].rpartition("/")[2] for row in digest["data"]["flagged"]] == ["still"]
    alerts = [one["subject"] for one in spine.outcomes if one["type"].endswith("VmStillBilled")]
    assert alerts == ["ended", "still"]
