"""However damaged a disk is, it neither hangs its reader nor is wrongly taken for generalized."""

import os

import pytest

from shared.model.facts import Proof
from shared.proof.verdict import judge
from tests.proof.hostile import Disk, disks

MUTATIONS = int(os.environ.get("MUTATIONS", "480"))
"""How many in all; `make fuzz` sets more."""

DISKS = {
    f"{one.guest.layout or one.guest.os_type}-{one.guest.generation}-{one.guest.sysprep}": one
    for one in disks()
}


@pytest.mark.parametrize("name", DISKS)
def test_no_change_makes_a_disk_generalized(name: str) -> None:
    """Whatever chance changes, reading comes to an end, and never to a wrong "generalized"."""
    disk = DISKS[name]
    for seed in range(MUTATIONS // len(DISKS)):
        found = judge(disk.mutated(seed), disk.guest.os_type)
        if disk.says.proof is not Proof.GENERALIZED:
            assert found.proof is not Proof.GENERALIZED, (seed, found)


def test_changes_are_found_out() -> None:
    """The changes have an effect: a good part of them makes a disk unreadable."""
    disk: Disk = DISKS["Windows-V2-succeeded"]
    proofs = [judge(disk.mutated(seed), "Windows").proof for seed in range(60)]
    assert 5 < sum(proof is Proof.CANNOT_TELL for proof in proofs) < 60
