"""What a disk's verdict is when reading it comes to no end."""

from shared.disk.ranges import BYTES, RANGES, Ranges
from shared.disk.verdict import verdict
from shared.model import Proof, Verdict
from simulator.contents.disk import Guest, contents
from simulator.contents.footer import LENGTH as FOOTER


def generalized() -> Ranges:
    """Give a disk that says it was generalized."""
    source = contents(Guest("Windows", "V2", 30, "succeeded"))
    return Ranges(source.read, source.size - FOOTER)


def test_a_disk_that_takes_too_long_cannot_tell() -> None:
    """Its parser is ended, its verdict says why, and the disk that is read next has its own."""
    says = "its OS disk cannot be read: its file system leads in circles"
    assert verdict(generalized(), "Windows", seconds=0) == Verdict(Proof.CANNOT_TELL, says)
    assert verdict(generalized(), "Windows").proof is Proof.GENERALIZED


def test_a_disk_that_leads_too_far_cannot_tell() -> None:
    """Beyond the ranges and bytes that a disk may take nothing is said of it."""
    says = "its OS disk cannot be read: its file system leads nowhere"
    many, much = generalized(), generalized()
    many.ranges, much.fetched = RANGES, BYTES
    for disk in (many, much):
        assert verdict(disk, "Windows") == Verdict(Proof.CANNOT_TELL, says)
