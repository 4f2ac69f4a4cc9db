"""What a verdict reads: counted, on every Windows disk there is, whatever its size."""

import sys
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from shared.model.facts import Proof
from shared.proof.ranges import Ranges
from shared.proof.verdict import judge
from simulator.contents.disk import LAYOUTS, Guest, contents
from simulator.contents.footer import LENGTH as FOOTER

MOST_RANGES, MOST_BYTES = 40, 4 * 1024**2
ROUNDS = {"never": 11, "running": 11, "failed": 11, "succeeded": 9}
STATES = ("never", "running", "failed", "succeeded")


def read(guest: Guest) -> tuple[Proof, str, Ranges]:
    """Read a guest's disk; return the verdict and the disk, which records what was read of it."""
    source = contents(guest)
    disk = Ranges(source.read, source.size - FOOTER)
    found = judge(disk, guest.os_type)
    return found.proof, found.why, disk


@pytest.mark.parametrize("size", [8, 30, 127, 1023])
@pytest.mark.parametrize("generation", ["V1", "V2"])
@pytest.mark.parametrize("sysprep", STATES)
def test_a_windows_verdict_reads_little(size: int, generation: str, sysprep: str) -> None:
    """Its three files cost the same few blocks on a small disk and on a large one."""
    _, _, disk = read(Guest("Windows", generation, size, sysprep, why="A reason."))
    assert disk.ranges <= MOST_RANGES
    assert disk.rounds <= ROUNDS[sysprep]
    assert disk.fetched <= MOST_BYTES


@pytest.mark.parametrize(
    ("layout", "rounds"),
    [("linux", 8), ("linux-xfs", 8), ("linux-lvm-xfs", 11), ("ubuntu-24.04-keys-kept", 7)],
)
def test_a_linux_verdict_waits_for_few_ranges_in_a_row(layout: str, rounds: int) -> None:
    """What can be fetched at the same time is no round of its own."""
    _, _, disk = read(Guest("Linux", "V2", 64, "succeeded", layout=layout))
    assert disk.rounds <= rounds


@pytest.mark.parametrize("layout", sorted(one for one in LAYOUTS if one.startswith("windows")))
def test_an_odd_windows_reads_little_too(layout: str) -> None:
    """Two installations, another encoding, encryption: no layout has the reader go astray."""
    _, _, disk = read(Guest("Windows", "V2", 127, "succeeded", layout=layout))
    assert disk.ranges <= MOST_RANGES
    assert disk.fetched <= MOST_BYTES


@pytest.mark.parametrize("layout", sorted(LAYOUTS))
@pytest.mark.parametrize("state", STATES)
def test_rehearsing_changes_no_verdict(
    layout: str, state: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every disk is judged alike if each read waits for the one before."""
    guest = Guest("Windows" if "windows" in layout else "Linux", "V2", 8, state, layout=layout)
    proof, why, disk = read(guest)
    monkeypatch.setattr(Ranges, "rehearse", lambda _disk, _reads: None)
    *alike, plain = read(guest)
    assert [proof, why] == alike
    assert disk.rounds <= plain.rounds


@pytest.mark.parametrize(
    ("layout", "proof", "words"),
    [
        ("windows-two", Proof.NOT_GENERALIZED, "IMAGE_STATE_COMPLETE"),
        ("windows-no-tag", Proof.NOT_GENERALIZED, "Sysprep_succeeded.tag"),
        ("windows-audit", Proof.NOT_GENERALIZED, "/oobe"),
        ("windows-dirty", Proof.CANNOT_TELL, "cleanly"),
        ("windows-bitlocker", Proof.CANNOT_TELL, "BitLocker"),
        ("windows-ldm", Proof.CANNOT_TELL, "dynamic disk"),
        ("linux-cloud-init", Proof.GENERALIZED, "no host keys"),
        ("linux-separate-var", Proof.GENERALIZED, "no host keys"),
        ("linux-lvm-xfs", Proof.GENERALIZED, "no host keys"),
        ("linux-xfs-dirty", Proof.CANNOT_TELL, "cleanly"),
        ("linux-dirty", Proof.CANNOT_TELL, "cleanly"),
        ("linux-luks", Proof.CANNOT_TELL, "LUKS"),
        ("linux-btrfs", Proof.GENERALIZED, "no host keys"),
        ("blank", Proof.CANNOT_TELL, "cannot be read"),
    ],
)
def test_each_layout_is_judged_for_what_it_is(layout: str, proof: Proof, words: str) -> None:
    """A disk whose guest has finished is judged by its files, and the reason is named."""
    os_type = "Linux" if layout.startswith("linux") else "Windows"
    found, why, _ = read(Guest(os_type, "V2", 127, "succeeded", layout=layout))
    assert (found, words in why) == (proof, True), why


def test_disks_read_side_by_side_do_not_mix() -> None:
    """Many threads, a disk each, whose bytes come slowly: each verdict is its own disk's."""
    guests = [
        Guest(os, "V2", 30, sysprep)
        for os in ("Windows", "Linux")
        for sysprep in ("never", "succeeded")
    ] * 6

    def proof_of(guest: Guest) -> Proof:
        source = contents(guest)

        def fetch(offset: int, length: int) -> bytes:
            time.sleep(0.001)  # another thread's turn, as over a network
            return source.read(offset, length)

        return judge(Ranges(fetch, source.size - FOOTER), guest.os_type).proof

    usual = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)  # a thread's turn ends anywhere, not just where it waits
    try:
        with ThreadPoolExecutor(len(guests)) as pool:
            found = list(pool.map(proof_of, guests))
    finally:
        sys.setswitchinterval(usual)
    expected = {"never": Proof.NOT_GENERALIZED, "succeeded": Proof.GENERALIZED}
    assert found == [expected[guest.sysprep] for guest in guests]


def test_a_system_of_another_kind_is_not_looked_for() -> None:
    """A Linux disk on a VM that Azure calls Windows proves nothing."""
    source = contents(Guest("Linux", "V2", 30, "succeeded"))
    disk = Ranges(source.read, source.size - FOOTER)
    assert judge(disk, "Windows").proof is Proof.CANNOT_TELL
