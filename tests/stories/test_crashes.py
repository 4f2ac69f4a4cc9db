"""The process ends before or after any call of a capture: each outcome is published once.

Each point of a capture has its own VM, whose process ends there. After that there are either only
sweeps, or only events: the event that was being handled is redelivered, later events come once.
"""

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import pytest

from shared.cloud.azure import Azure
from shared.cloud.client import find_credential
from shared.cloud.ledger import LedgerStore
from shared.cloud.pictures import Pictures
from shared.cloud.topic import Topic
from shared.model.errors import Transient
from shared.model.ids import VmRef, find_image
from shared.reconcile import reconcile, reconcile_image
from shared.sweep.sweeper import Sweeper
from tests.stories.world import Spine, Vm, empty

MINUTE = 60
ORDERED, STOPPED, RELEASED, IMAGED = range(4)
"""The events of a capture, by what has happened."""

GUEST = {"Windows": ["sysprep"], "Linux": ["deprovision", "shutdown"]}
"""What makes it a golden image and shuts it down."""

LASTS = {ORDERED: 0, STOPPED: 0, RELEASED: MINUTE, IMAGED: 3 * MINUTE}
"""How long it takes until an event comes, after the one before."""


class Ended(BaseException):
    """The process has ended; no error handler catches it."""


@dataclass
class Process:
    """A process of the app, which ends after a number of calls, or never."""

    most: float = float("inf")
    calls: int = 0

    def run(self, call: Callable[..., Any], *args: Any, **named: Any) -> Any:  # noqa: ANN401 any call
        """Make a call, unless the process ends before or after it."""
        if self.calls == self.most:
            raise Ended
        answer = call(*args, **named)
        self.calls += 1
        return list(answer) if isinstance(answer, Iterator) else answer


@dataclass
class Client:
    """An Azure client in a process that may end."""

    real: Any
    process: Process

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 any call
        found = getattr(self.real, name)
        if not callable(found):
            return found
        return lambda *args, **named: self.process.run(found, *args, **named)


@dataclass
class Point:
    """The point at which a process ends: an event's look and a number of calls."""

    event: int
    calls: float
    vm: Vm = field(init=False)

    @property
    def name(self) -> str:
        """The name of its VM."""
        return f"vm-{self.event}-{self.calls}"


def in_process(azure: Azure, process: Process) -> Azure:
    """Return the clients of a new process, without any state."""
    topic: Any = Client(Topic(azure.settings.outcome_topic, find_credential()), process)
    arm: Any = Client(azure.arm, process)
    ledger: Any = Client(LedgerStore(azure.settings.ledger, find_credential()), process)
    pictures: Any = Client(Pictures(azure.settings.boot_diagnostics, find_credential()), process)
    return Azure(arm, topic, ledger, pictures, azure.pages, azure.prices, azure.settings)


def handled(spine: Spine, event: int, vm: Vm, process: Process, now: datetime) -> bool:
    """Handle an event of a VM's capture in a process; return whether it completed."""
    azure = in_process(spine.azure, process)
    try:
        if event == IMAGED:
            for image in vm.images:
                ref = find_image(image["id"])
                assert ref
                reconcile_image(azure, ref, now)
        else:
            vm_ref = VmRef.find(vm.id)
            assert vm_ref
            reconcile(azure, vm_ref, now)
    except (Ended, Transient):
        return False
    return True


def points(spine: Spine, target: str, system: str) -> list[Point]:
    """Return every point of a capture, taken from a capture without a crash.

    Ending before a call is the same as ending after the previous call.
    """
    whole = Point(-1, 0)
    calls = played(spine, [whole], target, system, again=False)
    return [Point(event, made) for event in LASTS for made in range(calls[whole.name, event] + 1)]


def played(
    spine: Spine, cases: list[Point], target: str, system: str, *, again: bool
) -> dict[tuple[str, int], int]:
    """Capture all VMs in parallel, each process ending at its point; return the calls by event.

    `again`: whether the interrupted event is redelivered, and later events still arrive.
    """
    calls = {}
    lost: set[str] = set()
    for point in cases:
        _order(spine, point, target, system)
    for event, lasts in LASTS.items():
        if event == STOPPED:
            _shut_down(spine, cases, system)
        spine.let(lasts)
        now = spine.client.now()
        for point in cases:
            if point.name not in lost:
                process = Process(point.calls if point.event == event else float("inf"))
                handled(spine, event, point.vm, process, now)
                calls[point.name, event] = process.calls
        ended = [point for point in cases if point.event == event]
        if not again:
            lost |= {point.name for point in ended}
        while again and ended:
            now = spine.client.now()
            ended = [one for one in ended if not handled(spine, event, one.vm, Process(), now)]
            spine.let(5 * MINUTE if ended else 0)
    return calls


def _order(spine: Spine, point: Point, target: str, system: str) -> None:
    """Make a VM with an order into its own definition, because times number versions."""
    if "/" in target:
        target = f"{target}-{point.name}"
        spine.definition(target.partition("/")[2], osType=system)
    point.vm = spine.vm(point.name, os=system)
    point.vm.order(target)


def _shut_down(spine: Spine, cases: list[Point], system: str) -> None:
    for act in GUEST[system]:
        for point in cases:
            point.vm.guest(act)
        spine.let(2 * MINUTE)


def told(spine: Spine, vm: Vm) -> tuple[list[str], int]:
    """Return the types of a VM's outcomes, as consumers see them, and their number."""
    own = {one["id"]: one["type"] for one in spine.outcomes if one["subject"] == vm.name}
    return sorted(own.values()), len(vm.images)


@pytest.mark.parametrize("again", [False, True], ids=["sweeps", "events"])
@pytest.mark.parametrize("system", ["Windows", "Linux"])
@pytest.mark.parametrize("target", ["managed-image", "golden/images"])
def test_wherever_a_process_ends_the_order_is_told_once(
    spine: Spine, target: str, system: str, *, again: bool
) -> None:
    """There is one image, one outcome (repetitions have the same id), and `captured`."""
    cases = points(spine, target, system)
    played(spine, cases, target, system, again=again)
    if not again:
        for _ in range(15):
            process = in_process(spine.azure, Process())
            now = spine.client.now()
            report = Sweeper(process).sweep(now, now)
            assert report.failed == {}
            spine.let(5 * MINUTE)
    print(f"{len(cases)} points")  # noqa: T201 shown by pytest -s: how much is tried
    ends = {point.name: (point.vm.status, *told(spine, point.vm)) for point in cases}
    wrong = {
        n: end for n, end in ends.items() if end != ("captured", ["Stillframe.ImageCaptured"], 1)
    }
    assert wrong == {}


def swept(spine: Spine, process: Process) -> int:
    """Sweep in a process until it ends, let five minutes pass; return its calls."""
    now = spine.client.now()
    with suppress(Ended):
        Sweeper(in_process(spine.azure, process)).sweep(now, now)
    spine.let(5 * MINUTE)
    return process.calls


def billed(spine: Spine, most: float) -> tuple[int, list[str]]:
    """Let a VM be marked, alerted, deallocated and cleared; return calls and outcomes.

    The process that publishes ends after a number of calls; other processes follow.
    """
    empty(spine.client)
    vm = spine.vm(power="stopped", stopped_since=5 * 60 * MINUTE)
    swept(spine, Process())
    calls = swept(spine, Process(most))
    swept(spine, Process())
    vm.power("deallocate")
    spine.let(MINUTE)
    calls = max(calls, swept(spine, Process(most)))
    swept(spine, Process())
    assert (vm.since, vm.alerted) == (None, None)
    return calls, told(spine, vm)[0]


def test_wherever_a_sweep_ends_a_bill_is_told_once(spine: Spine) -> None:
    """There is one alert and one event for its end, and no mark is left."""
    calls, both = billed(spine, float("inf"))
    assert both == ["Stillframe.VmNoLongerBilled", "Stillframe.VmStillBilled"]
    ends = {made: billed(spine, made)[1] for made in range(calls + 1)}
    print(f"{len(ends)} points")  # noqa: T201 shown by pytest -s: how much is tried
    assert {made: end for made, end in ends.items() if end != both} == {}
