"""A verdict is valid for the disk that was read, for a minute, under the policy at that time.

Errors are not verdicts: an unreachable storage server, a wrong size, a refusal while somebody else
reads.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import pytest

from shared.model.errors import Transient
from shared.model.settings import ProofPolicy
from tests.stories.world import Json, Spine, Vm, kinds

MINUTE = 60
RELEASED: Json = {"power": "deallocated", "sysprep": "succeeded"}
GIB = 1024**3


@dataclass
class Meanwhile:
    """An Azure client with an action that runs right before its nth call of a kind."""

    real: Any
    call: str
    nth: int
    happens: Callable[[], object]

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 any call
        if name == self.call:
            self.nth -= 1
            if self.nth == 0:
                self.happens()
        return getattr(self.real, name)


@pytest.fixture
def fresh(spine: Spine) -> Spine:
    """Return the spine in a new process, which has published nothing."""
    return spine.restart()


def meanwhile(world: Spine, call: str, nth: int, happens: Callable[[], object]) -> None:
    """Run an action right before the app's nth call of a kind."""
    arm: Any = Meanwhile(world.azure.arm, call, nth, happens)
    world.azure = replace(world.azure, arm=arm)


def ordered(world: Spine, **words: object) -> Vm:
    """Make a deallocated VM with an order before any look."""
    vm = world.vm(**(RELEASED | words))
    vm.order("managed-image")
    return vm


def test_a_verdict_is_not_another_disks(fresh: Spine) -> None:
    """The VM is recreated on a disk without Sysprep as soon as the first disk is closed."""
    vm = ordered(fresh)

    def made_anew() -> None:
        vm.delete()
        fresh.let(60)
        fresh.vm(power="deallocated", tags={"stillframe-capture": "managed-image"})

    meanwhile(fresh, "vm", 2, made_anew)
    with pytest.raises(Transient, match="another OS disk"):
        fresh.look(vm)
    fresh.carry(vm)
    assert (vm.status, vm.state) == ("not-generalized", ("deallocated", False))


def test_a_verdict_does_not_keep(fresh: Spine, monkeypatch: pytest.MonkeyPatch) -> None:
    """An old verdict does not allow generalize; the next look reads the disk again."""
    vm = ordered(fresh)
    with monkeypatch.context() as patched:
        patched.setattr("shared.visit.VERDICT_HOLDS", -1.0)
        with pytest.raises(Transient, match="older than"):
            fresh.look(vm)
    assert "generalize" not in kinds(fresh.writes)
    fresh.carry(vm)
    assert vm.status == "captured"


@pytest.mark.parametrize("call", ["generalize", "create_managed_image"])
def test_a_refusal_while_somebody_reads_passes(fresh: Spine, call: str) -> None:
    """Another look has the disk open: nothing is reported; the redelivery continues."""
    vm = ordered(fresh)
    path = f"{vm.facts['osDisk']}/beginGetAccess?api-version=2026-03-02"
    body = {"access": "Read", "durationInSeconds": 60}
    meanwhile(fresh, call, 1, lambda: fresh.owner("POST", path, body))
    with pytest.raises(Transient, match="being read"):
        fresh.look(vm)
    fresh.let(120)
    fresh.carry(vm)
    assert (vm.status, fresh.reasons) == ("captured", ["captured"])


def test_an_image_is_asked_for_again_alone(fresh: Spine) -> None:
    """Two 429 with a Retry-After of 1 s cost two more requests, and no second proof."""
    undisturbed = ordered(fresh)
    fresh.look(undisturbed)
    asked, proofs = len(fresh.requests), len(fresh.proofs)
    vm = fresh.vm("other", **RELEASED)
    vm.order("managed-image")
    fresh.forget_requests()
    fresh.fault("PUT", "/images/", throttle=1, count=2)
    assert fresh.look(vm).status == "capturing"
    assert (len(fresh.requests), len(fresh.proofs)) == (asked + 2, proofs)


def test_a_disk_out_of_reach_is_told_once_with_what_to_let_through(fresh: Spine) -> None:
    """It is retried for half an hour; then it is reported as stuck, only once."""
    vm = ordered(fresh)
    fresh.client.disk_fault(drop=True, nth=1, count=None)
    with pytest.raises(Transient, match="does not answer"):
        fresh.look(vm)
    fresh.sweep_for(25 * MINUTE)
    assert (vm.status, fresh.reasons) == ("deallocating", [])
    fresh.sweep_for(30 * MINUTE)
    assert fresh.reasons == ["stuck"]
    for word in ("localhost", "*.blob.storage.azure.net", "ConnectionError"):
        assert word in str(vm.said("detail"))
    fresh.sweep_for(70 * MINUTE)  # for two hours each sweep tries it, then one an hour
    fresh.forget_requests()
    fresh.sweep_for(240 * MINUTE)
    assert fresh.reasons == ["stuck"]
    opened = [one for one in fresh.proofs if one["path"].endswith("beginGetAccess")]
    assert len(opened) == 4
    fresh.client.clear_disk_faults()
    fresh.sweep_for(90 * MINUTE)
    assert (vm.status, fresh.reasons) == ("captured", ["stuck", "captured"])


@pytest.mark.parametrize("size", [4 * GIB, 4096 * GIB, 100])
def test_a_size_that_is_wrong_is_no_word_of_the_disk(fresh: Spine, size: int) -> None:
    """Storage and Azure report different sizes: it is read again, and captured later."""
    vm = ordered(fresh)
    fresh.client.disk_fault(size=size, nth=1, count=1)
    with pytest.raises(Transient, match="bytes for the disk, Azure"):
        fresh.look(vm)
    fresh.carry(vm)
    assert (vm.status, fresh.reasons) == ("captured", ["captured"])


@pytest.mark.parametrize(
    ("layout", "sysprep", "later", "end"),
    [
        ("windows-bitlocker", "succeeded", ProofPolicy.WHEN_READABLE, "captured"),
        ("windows-bitlocker", "succeeded", ProofPolicy.REQUIRED, "not-generalized"),
        (None, "failed", ProofPolicy.WHEN_READABLE, "not-generalized"),
        (None, "failed", ProofPolicy.OFF, "captured"),
    ],
)
def test_a_no_stands_under_its_policy(
    fresh: Spine, layout: str | None, sysprep: str, later: ProofPolicy, end: str
) -> None:
    """Within an hour after a setting allows it, it continues; else the disk stays closed."""
    vm = ordered(fresh, layout=layout, sysprep=sysprep)
    fresh.carry(vm)
    assert vm.status == "not-generalized"
    fresh.under(proof=later)
    fresh.forget_requests()
    fresh.sweep_for(90 * MINUTE)
    assert vm.status == end
    if end == "not-generalized":
        assert (fresh.proofs, fresh.writes) == ([], [])
