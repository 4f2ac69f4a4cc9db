"""The verdict on a disk that cannot be read, or has no system, and its reason."""

import io

import pytest

from shared.model.facts import Proof, Verdict
from shared.proof.filesystems.volumes import Kind, Volume
from shared.proof.ranges import BYTES, RANGES, Ranges
from shared.proof.verdict import judge
from simulator.contents.disk import Guest, contents
from simulator.contents.footer import LENGTH as FOOTER


def generalized() -> Ranges:
    """Give a disk that says it was generalized."""
    source = contents(Guest("Windows", "V2", 30, "succeeded"))
    return Ranges(source.read, source.size - FOOTER)


def test_a_disk_that_takes_too_long_cannot_tell() -> None:
    """Its parser is ended, its verdict says why, and the disk that is read next has its own."""
    says = "the OS disk cannot be read: parsing its file system takes too long"
    assert judge(generalized(), "Windows", seconds=0) == Verdict(Proof.CANNOT_TELL, says)
    assert judge(generalized(), "Windows").proof is Proof.GENERALIZED


def test_a_disk_that_leads_too_far_cannot_tell() -> None:
    """Beyond the ranges and bytes that a disk may take nothing is said of it."""
    says = "the OS disk cannot be read: its file system needs too many reads"
    many, much = generalized(), generalized()
    many.ranges, much.fetched = RANGES, BYTES
    for disk in (many, much):
        assert judge(disk, "Windows") == Verdict(Proof.CANNOT_TELL, says)


def test_whatever_its_parser_raises_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """An error of no matter what kind is no verdict but that, and says which it was."""

    def broken(_disk: Ranges) -> list[Volume]:
        msg = "odd"
        raise LookupError(msg)

    monkeypatch.setattr("shared.proof.verdict.find_volumes", broken)
    says = "the OS disk cannot be read: LookupError: odd"
    assert judge(generalized(), "Windows") == Verdict(Proof.CANNOT_TELL, says)


@pytest.mark.parametrize(
    ("kinds", "says"),
    [
        ([Kind.LUKS], "the OS disk is encrypted with LUKS"),
        ([Kind.XFS, Kind.LUKS, Kind.BITLOCKER], "the OS disk is encrypted with BitLocker, LUKS"),
        (
            [Kind.OTHER, Kind.XFS, Kind.EXT, Kind.XFS],
            "no Windows was found on the OS disk, only XFS, ext",
        ),
        ([Kind.OTHER], "no Windows was found on the OS disk, nor any known file system"),
        ([], "no Windows was found on the OS disk, nor any known file system"),
    ],
)
def test_what_lies_there_instead_of_a_system_is_named(
    kinds: list[Kind], says: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Encryption before all else; otherwise each kind of file system once."""
    found = [Volume(kind, io.BytesIO()) for kind in kinds]
    monkeypatch.setattr("shared.proof.verdict.find_volumes", lambda _disk: found)
    assert judge(generalized(), "Windows") == Verdict(Proof.CANNOT_TELL, says)


@pytest.mark.parametrize(
    ("layout", "os_type", "says"),
    [
        ("linux-xfs", "Windows", "no Windows was found on the OS disk, only XFS"),
        (None, "Linux", "no Linux was found on the OS disk, only NTFS"),
    ],
)
def test_a_disk_of_another_system_names_the_one_that_is_missed(
    layout: str | None, os_type: str, says: str
) -> None:
    """Azure's word for the VM says which system is looked for."""
    source = contents(Guest("Linux" if layout else "Windows", "V2", 30, "succeeded", layout=layout))
    found = judge(Ranges(source.read, source.size - FOOTER), os_type)
    assert found == Verdict(Proof.CANNOT_TELL, says)
