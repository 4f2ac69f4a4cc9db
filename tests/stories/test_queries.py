"""What operators are shown and told: each query, run on a story's log, finds what it is for."""

import pytest

from tests.deployment.queries.traces import find, traces, unlogged
from tests.stories.world import Hosted, Json, Vm

HOUR = 3600


def found(world: Hosted, query: str) -> list[Json]:
    """Return what a query finds in the story so far; all that it reads must have been logged."""
    logged = traces(world.invocations)
    rows = find(query, logged)
    if rows:
        assert unlogged(query, logged) == set()
    return rows


def ordered(world: Hosted, target: str, name: str = "web", **words: object) -> Vm:
    """Make a running VM whose order is answered."""
    vm = world.vm(name, **words)
    vm.order(target)
    world.settle()
    return vm


def until(world: Hosted, vm: Vm, status: str) -> None:
    """Let time pass until its status says so."""
    for _ in range(60):
        world.let(5)
        if vm.status == status:
            return
    pytest.fail(f"never {status}: {vm.told}")


def test_a_capture_is_shown_under_way_then_done(world: Hosted) -> None:
    """First as deallocating, then capturing, with since when; then as an image with its times."""
    world.client.settings(durations={"version": 600})
    world.definition()
    vm = ordered(world, "golden/windows")
    assert found(world, "in-flight") == []
    vm.guest("sysprep")
    for status in ("deallocating", "capturing"):
        until(world, vm, status)
        world.sweep()
        (row,) = found(world, "in-flight")
        assert (row["vm"].lower(), row["status"]) == (vm.id.lower(), status)
        assert row["minutes"] >= 0
    assert row["image"] == vm.said("image")
    assert found(world, "captured") == []
    world.settle()
    assert found(world, "in-flight") == []
    (row,) = found(world, "captured")
    assert (row["image"], row["proof"]) == (vm.said("image"), "generalized")
    assert 10 <= row["ofThatImage"] <= row["minutes"] < 15


def test_an_order_taken_back_is_no_longer_under_way(world: Hosted) -> None:
    """Its last look has no status any more."""
    vm = ordered(world, "managed-image")
    vm.guest("sysprep")
    until(world, vm, "deallocating")
    vm.withdraw()
    world.settle()
    assert found(world, "in-flight") == []


def test_each_way_to_fail_is_told(world: Hosted) -> None:
    """A VM without Sysprep and a deallocation that takes too long: by VM and reason, once each."""
    bare = ordered(world, "managed-image", "bare")
    bare.guest("shutdown")
    world.settle()
    (row,) = found(world, "capture-failed")
    assert (row["vm"].lower(), row["reason"]) == (bare.id.lower(), "not-generalized")
    assert row["detail"].startswith(str(bare.said("detail"))[:40])
    world.client.settings(durations={"deallocate": 2 * HOUR})
    ordered(world, "managed-image", "slow").guest("sysprep")
    for _ in range(5):
        world.let(900)
        world.sweep()
    rows = found(world, "capture-failed")
    assert sorted(row["reason"] for row in rows) == ["not-generalized", "stuck"]


def test_a_failure_too_long_to_be_kept_whole_is_told_all_the_same(world: Hosted) -> None:
    """Of a line that was cut, VM and reason are not known, but that it was said."""
    vm = ordered(world, "managed-image")
    vm.guest("shutdown")
    world.settle()
    cut = [(at, line[:200]) for at, line in traces(world.invocations)]
    (row,) = find("capture-failed", cut)
    assert not row["vm"]


def test_a_refusal_is_shown_with_its_last_reason(world: Hosted) -> None:
    """One row for each VM, however often it was refused."""
    vm = ordered(world, "managed-image", security_type="TrustedLaunch")
    assert "Trusted Launch" in found(world, "refused")[0]["reason"]
    vm.order("golden/nowhere")
    world.settle()
    (row,) = found(world, "refused")
    assert (row["vm"].lower(), row["target"]) == (vm.id.lower(), "golden/nowhere")
    assert row["reason"] == vm.said("detail")


def test_a_bill_is_shown_while_it_runs_up_and_when_it_is_over(world: Hosted) -> None:
    """Past the grace a VM is told, with money; when it is over, what it came to."""
    vm = world.vm("web", power="stopped", stopped_since=5 * HOUR)
    world.vm("short", power="stopped", stopped_since=60)
    world.sweep()
    (row,) = found(world, "still-billed")
    assert row["vm"].lower() == vm.id.lower()
    assert row["soFar"] == pytest.approx(5 * row["perHour"], rel=0.02)
    (money,) = found(world, "billed-money")
    assert money["perDay"] == pytest.approx(2 * 24 * row["perHour"], rel=0.02)
    assert [(one["vms"], one["unpriced"]) for one in found(world, "billed-vms")] == [(2, 0)]
    assert found(world, "billed-over") == []
    vm.power("deallocate")
    world.let(300)
    world.sweep()
    assert found(world, "still-billed") == []
    (over,) = found(world, "billed-over")
    assert over["vm"].lower() == vm.id.lower()
    assert over["cost"] == pytest.approx(over["hours"] * row["perHour"], rel=0.02)


def test_an_alert_is_logged_as_part_of_its_sweep(world: Hosted) -> None:
    """What a sweep's threads log names its invocation: the host drops what names none."""
    world.vm("web", power="stopped", stopped_since=5 * HOUR)
    for _ in range(2):
        world.let(300)
        world.sweep()
    logged = [line for _, line in traces(world.invocations)]
    told = '{"type": "Stillframe.VmStillBilled"'
    assert len([line for line in logged if line.startswith(f"outcome {told}")]) == 1


def test_silence_is_no_heartbeat(world: Hosted) -> None:
    """Neither is a sweep that could not list what it is to watch."""
    assert len(find("no-heartbeat", [])) == 1
    world.forbid("Microsoft.Compute/virtualMachines/read")
    world.let(300)
    world.sweep()
    assert len(found(world, "no-heartbeat")) == 1
    assert [row["unlisted"] for row in found(world, "sweeps")] == [1]


def test_a_sweep_is_a_heartbeat(world: Hosted) -> None:
    """It silences the alert, and is shown with what it took; orders are counted by their words."""
    ordered(world, "managed-image")
    ordered(world, "managed-image", "kiosk", security_type="TrustedLaunch")
    world.sweep()
    assert found(world, "no-heartbeat") == []
    assert [row["sweeps"] for row in found(world, "sweeps")] == [1]
    rows = {row["status"]: row["orders"] for row in found(world, "orders")}
    assert rows == {"waiting": 1, "refused": 1}


def test_the_last_sweep_is_one_row(world: Hosted) -> None:
    """VMs, what is billed, and orders by whose turn it is; the newest sweep only."""
    world.let(60)
    world.sweep()
    world.vm("idle", power="stopped", stopped_since=5 * HOUR)
    ordered(world, "managed-image", "good")
    ordered(world, "nowhere/nothing", "bad")
    world.let(60)
    world.sweep()
    (row,) = found(world, "last-sweep")
    assert (row["vms"], row["stillBilled"], row["orders"]) == (3, 1, 2)
    assert (row["needAPerson"], row["waiting"], row["onTheWay"], row["captured"]) == (1, 1, 0, 0)


def test_images_are_shown_by_definition_with_their_tests(world: Hosted) -> None:
    """Definition, version, VM and proof of each gallery version; a managed image has none."""
    world.definition()
    for name, target in (("a", "golden/windows"), ("b", "managed-image")):
        vm = ordered(world, target, name)
        vm.guest("sysprep")
        world.settle()
        assert vm.status == "captured"
    logged = traces(world.invocations)
    (row,) = find("images", logged)
    assert unlogged("images", logged) == {"boot.verdict", "boot.screenshot"}
    assert (row["definition"], row["result"], row["proof"]) == (
        "golden/windows", "captured", "generalized",
    )  # fmt: skip
    assert row["vm"].endswith("/a")
    assert row["version"].startswith("20")


def test_what_captures_left_behind_is_shown_as_of_the_last_hour(world: Hosted) -> None:
    """Captured VMs with the price of their disks; sweeps that list no images do not hide it."""
    vm = ordered(world, "managed-image")
    vm.guest("sysprep")
    world.settle()
    world.let(HOUR)
    world.sweep()
    world.sweep()
    (row,) = found(world, "left-behind")
    assert (row["capturedVms"], row["failedVersions"]) == (1, 0)


def test_a_deallocation_by_a_tag_is_shown_with_whose_word_it_was(owned: Hosted) -> None:
    """By the VM's own tag; what an hour saves is text, with its currency."""
    vm = owned.vm("dev", tags={"stillframe-cost-guard": "deallocate"})
    vm.guest("shutdown")
    owned.settle()
    owned.let(HOUR)
    owned.sweep()
    owned.settle()
    (row,) = found(owned, "deallocated")
    assert (row["whoseWord"], row["word"]) == ("vm", "deallocate")
    assert row["savedPerHour"]
