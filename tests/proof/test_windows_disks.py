"""Verdicts on whole Windows disks, undamaged ones and those with a few bytes changed."""

import random
import struct
from dataclasses import replace
from datetime import UTC, datetime
from functools import cache
from itertools import product
from typing import Any

import pytest
from dissect.ntfs import NTFS
from dissect.ntfs.c_ntfs import ATTRIBUTE_TYPE_CODE
from dissect.volume.disk import Disk

from shared.model.facts import Doubt, Proof, Verdict
from shared.proof.evidence.windows import GENERALIZED, SMALLEST, judge_volume, windows_of
from shared.proof.filesystems.ntfs import Ntfs
from shared.proof.filesystems.volumes import Kind, Volume, find_volumes
from shared.proof.ranges import Ranges
from shared.proof.watch import watched
from simulator.contents.disk import LAYOUTS, Guest, contents
from simulator.contents.footer import LENGTH as FOOTER
from tests.proof.hostile import Patch, Traced, patched
from tests.proof.test_cost import MOST_BYTES, MOST_RANGES

RECORD, BLOCK, CLUSTER = 1024, 4096, 4096
SUCCEEDED = Guest("Windows", "V2", 30, "succeeded")
FAILED = Guest("Windows", "V2", 30, "failed", why="A package.")
TWO = Guest("Windows", "V2", 30, "succeeded", layout="windows-two")
WINDOWS, ANOTHER, RECOVERY = 2, 3, 3
"""The places of volumes on those disks; the last one is `RECOVERY` where there is one Windows."""

STATE = "Windows/Setup/State/State.ini"
SYSTEM32 = "Windows/System32"
CONFIG = "Windows/System32/config"
REGISTRY = f"{CONFIG}/SYSTEM"


class Changed:
    """A guest's disk, and the places on it, so that its bytes can be changed."""

    def __init__(self, guest: Guest, volume: int = WINDOWS) -> None:
        self.source = contents(guest)
        self.size = self.source.size - FOOTER
        self.partition = Disk(Ranges(self.source.read, self.size)).partitions[volume]
        self.files: Any = NTFS(self.partition.open()).mft

    def record(self, path: str | int) -> int:
        """Return where on the disk the record of a file is."""
        number = path if isinstance(path, int) else self.files.get(path).segment
        at = number * RECORD
        for first, count in self.files.get(0).dataruns():
            if at < count * CLUSTER:
                return int(self.partition.offset + first * CLUSTER + at)
            at -= count * CLUSTER
        raise AssertionError(path)

    def blocks(self, folder: str) -> list[int]:
        """Return where on the disk the blocks of a folder's index are."""
        kind = ATTRIBUTE_TYPE_CODE.INDEX_ALLOCATION
        runs = self.files.get(folder).dataruns("$I30", kind)
        return [
            self.partition.offset + (first + n) * CLUSTER
            for first, count in runs
            for n in range(count)
        ]

    def find(self, start: int, what: bytes, length: int = RECORD) -> int:
        """Return where on the disk something is, from there on."""
        return start + self.source.read(start, length).index(what)

    def volumes(self, *patches: Patch) -> list[Volume]:
        """Return the volumes of the disk with these bytes changed, each with a name."""
        disk = Ranges(patched(self.source.read, patches), self.size)
        return [
            replace(one, name=f"partition {number}")
            for number, one in enumerate(find_volumes(disk), 1)
        ]

    def says(self, *patches: Patch) -> Verdict:
        """Return what the disk's Windows say then; there is one."""
        with watched():
            verdict = windows_of(self.volumes(*patches))
        assert verdict
        return verdict


@cache
def disk_of(guest: Guest, volume: int = WINDOWS) -> Changed:
    """Return a guest's disk with a volume that can be changed."""
    return Changed(guest, volume)


def written_at(disk: Changed, path: str, when: datetime) -> Patch:
    """Return the change by which a file was written last at that time."""
    ticks = int((when - datetime(1601, 1, 1, tzinfo=UTC)).total_seconds()) * 10_000_000
    record = disk.files.get(path)
    (information,) = record.attributes[ATTRIBUTE_TYPE_CODE.STANDARD_INFORMATION]
    at = disk.find(disk.record(path), struct.pack("<q", information.attribute.attr.CreationTime))
    return at + 8, struct.pack("<q", ticks)


def test_each_windows_says_what_it_rests_on() -> None:
    """The reason names the files, their content, and the volume if there are several of NTFS."""
    says = disk_of(SUCCEEDED).says()
    assert says == Verdict(
        Proof.GENERALIZED,
        rf"Windows\Setup\State\State.ini on partition 3 contains {GENERALIZED}, "
        r"and Windows\System32\Sysprep\Sysprep_succeeded.tag exists",
    )
    failed = disk_of(FAILED).says()
    assert failed.why.startswith("Sysprep failed at 2026-11-24 10:00: A package.\n")
    assert failed.why.endswith("State.ini on partition 3 contains IMAGE_STATE_COMPLETE")


def test_of_two_windows_the_one_that_forbids_is_named() -> None:
    """A second installation that was not generalized speaks for the disk, by its volume's name."""
    says = disk_of(TWO).says()
    assert says.proof is Proof.NOT_GENERALIZED
    assert "State.ini on partition 4 contains IMAGE_STATE_COMPLETE" in says.why


def test_of_two_generalized_windows_both_are_named() -> None:
    """A yes rests on all of them."""
    first, *_ = (one for one in disk_of(SUCCEEDED).volumes() if one.name == "partition 3")
    second = replace(first, name="partition 9")
    says = windows_of([first, second])
    assert says
    assert says.proof is Proof.GENERALIZED
    assert "partition 3 contains" in says.why
    assert "partition 9 contains" in says.why


def test_a_failure_long_before_the_last_shutdown_is_an_old_one() -> None:
    """If the registry was written days after Sysprep's logs, Sysprep was not run since."""
    disk = disk_of(FAILED)
    later = written_at(disk, REGISTRY, datetime(2026, 12, 1, 9, 0, tzinfo=UTC))
    sooner = written_at(disk, REGISTRY, datetime(2026, 11, 24, 18, 0, tzinfo=UTC))
    old = disk.says(later)
    assert old.why.startswith("Sysprep has not been run since 2026-11-24 10:00, when it failed;")
    assert "A package." not in old.why
    assert disk.says(sooner).why.startswith("Sysprep failed at 2026-11-24 10:00: A package.")


def test_a_failure_before_windows_was_set_up_is_the_images() -> None:
    """Where `State.ini` was written after Sysprep's logs, they came with the image."""
    disk = disk_of(FAILED)
    set_up = written_at(disk, STATE, datetime(2026, 11, 24, 14, 0, tzinfo=UTC))
    assert disk.says(set_up).why.startswith("Sysprep has not been run since 2026-11-24 10:00")


def test_a_setup_that_is_not_complete_keeps_its_failure() -> None:
    """What failed in the generalize pass is why, however long Windows ran afterwards."""
    disk = disk_of(replace(FAILED, layout="windows-undeployable"))
    later = disk.says(written_at(disk, REGISTRY, datetime(2026, 12, 1, tzinfo=UTC)))
    assert later.why.startswith("Sysprep failed at 2026-11-24 10:00: A package.")
    assert "IMAGE_STATE_UNDEPLOYABLE" in later.why


def test_the_long_log_is_read_as_far_as_is_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    """If no run begins in the log's last bytes, more of them are read, up to a limit."""
    disk = disk_of(replace(FAILED, sysprep="running"))
    monkeypatch.setattr("shared.proof.evidence.windows.ACTIONS_TAILS", (8, 4096))
    assert disk.says().why.startswith(
        "Sysprep began at 2026-11-24 10:00 and did not generalize the VM"
    )
    monkeypatch.setattr("shared.proof.evidence.windows.ACTIONS_TAILS", (8, 16))
    assert disk.says().why.startswith("Sysprep did not generalize the VM")


@pytest.mark.parametrize("layout", [None, *sorted(one for one in LAYOUTS if "windows" in one)])
@pytest.mark.parametrize("sysprep", ["running", "failed", "succeeded"])
def test_all_volumes_together_cost_little(sysprep: str, layout: str | None) -> None:
    """All that is read of a Windows disk, its small and its second volumes included, is bounded."""
    source = contents(Guest("Windows", "V2", 127, sysprep, why="A reason.", layout=layout))
    disk = Ranges(source.read, source.size - FOOTER)
    windows_of(find_volumes(disk))
    assert disk.ranges <= MOST_RANGES
    assert disk.fetched <= MOST_BYTES


def test_a_time_that_is_none_is_not_told() -> None:
    """Times beyond all calendars neither end the reading nor make a run an old one."""
    disk = disk_of(FAILED)
    at, _ = written_at(disk, REGISTRY, datetime(2026, 12, 1, tzinfo=UTC))
    for ticks in (-1, 0, 2**63 - 1):
        assert disk.says((at, struct.pack("<q", ticks))).why.startswith("Sysprep failed at 2026")


def test_what_was_never_written_of_a_log_is_not_read() -> None:
    """If the end of a log was only reserved, its bytes belong to another file."""
    disk = disk_of(FAILED)
    path = "Windows/System32/Sysprep/Panther/setuperr.log"
    record = disk.files.get(path)
    (data,) = record.attributes[ATTRIBUTE_TYPE_CODE.DATA]
    lengths = disk.record(path) + data.header.offset + 0x30
    first_line = len("2026-11-24 10:00:00, Error                 SYSPRP A package.\r\n")
    says = disk.says((lengths + 8, struct.pack("<q", first_line)))
    assert "Sysprep failed at 2026-11-24 10:00: A package.\nWindows" in says.why


def test_a_folder_named_windows_is_no_installation() -> None:
    r"""Where `System32\config\SYSTEM` is missing, a volume is passed over like a data volume."""
    disk = disk_of(TWO, ANOTHER)
    hidden = [
        (at, b"".join(one.to_bytes(2, "little") for one in b"SYSTEA"))
        for at in names(disk, CONFIG, "SYSTEM")
    ]
    assert hidden
    another = disk.volumes(*hidden)[ANOTHER]
    assert another.file
    assert judge_volume(Ntfs(another.file)) is None
    assert disk.says(*hidden).proof is Proof.GENERALIZED


def names(disk: Changed, folder: str, name: str) -> list[int]:
    """Return where on the disk a folder's index has a name."""
    wanted = bytes([len(name)]) + b"?" + name.encode("utf-16-le")
    found = []
    for block in disk.blocks(folder):
        data = disk.source.read(block, BLOCK)
        at = data.find(wanted[2:])
        while at >= 0:
            if data[at - 2] == len(name):
                found.append(block + at)
            at = data.find(wanted[2:], at + 1)
    return found


@pytest.mark.parametrize(
    ("harm", "folder"),
    [
        *product(("zeros", "cut", "foreign", "empty"), (".", "Windows", SYSTEM32, CONFIG)),
        ("swapped", SYSTEM32),
    ],
)
def test_an_index_that_breaks_off_hides_no_windows(harm: str, folder: str) -> None:
    """Damage within the index of a folder of a second Windows never makes it vanish."""
    disk = disk_of(TWO, ANOTHER)
    blocks = disk.blocks(folder)
    other = disk.blocks("Windows/INF")[0]
    patches = []
    for block in blocks:
        data = disk.source.read(block, BLOCK)
        (first,) = struct.unpack_from("<I", data, 0x18)
        entry = block + 0x18 + first
        patches += {
            "zeros": [(block, bytes(BLOCK))],
            "cut": [(entry + 8, struct.pack("<H", 0))],
            "foreign": [(block, disk.source.read(other, BLOCK))],
            "empty": [(entry + 12, struct.pack("<H", 2))],
            "swapped": [(block, disk.source.read(blocks[-1 - blocks.index(block)], BLOCK))],
        }[harm]
    says = disk.says(*patches)
    assert says.proof is not Proof.GENERALIZED
    assert "partition 4" in says.why


def test_an_index_whose_end_is_cut_off_hides_no_windows() -> None:
    """A block that says it is shorter than it is has no end, which is not the end of its names."""
    disk = disk_of(TWO, ANOTHER)
    (block,) = disk.blocks(".")
    says = disk.says((block + 0x1C, struct.pack("<I", 0x80)))
    assert says.proof is Proof.CANNOT_TELL
    assert "is truncated" in says.why


def test_a_name_beyond_ascii_does_not_lead_astray() -> None:
    """A name that Python sorts after Windows' order is found at Windows' place."""
    disk = disk_of(TWO, ANOTHER)
    (block,) = disk.blocks(".")
    sharp = "ßßßßßßßßßßßß"
    at = disk.find(block, "WindowsAzure".encode("utf-16-le"), BLOCK)
    says = disk.says((at, sharp.encode("utf-16-le")))
    assert says.proof is Proof.NOT_GENERALIZED


def test_an_entry_that_leads_to_another_file_is_an_error() -> None:
    """A file that is no longer in use, or another file, is not read instead."""
    disk = disk_of(SUCCEEDED)
    number, flags = disk.record(STATE) + 0x10, disk.record(STATE) + 0x16
    for harm in ((number, b"\xee\xee"), (flags, b"\0\0")):
        says = disk.says(harm)
        assert says.proof is Proof.CANNOT_TELL
        assert "State.ini" in says.why


def test_a_folder_that_is_marked_as_a_file_is_an_error() -> None:
    """A folder whose record has lost the mark of one still hides no Windows."""
    disk = disk_of(TWO, ANOTHER)
    for path in ("Windows", SYSTEM32, CONFIG):
        says = disk.says((disk.record(path) + 0x16, b"\x01\x00"))
        assert says.proof is Proof.CANNOT_TELL
        assert "the file table have different files" in says.why


@pytest.mark.parametrize("path", [5, "Windows", SYSTEM32, CONFIG, REGISTRY])
def test_a_file_in_the_place_of_another_is_an_error(path: str | int) -> None:
    """A sound record of the file table that is in the wrong place hides no Windows."""
    disk = disk_of(TWO, ANOTHER)
    other = disk.source.read(disk.record("PerfLogs"), RECORD)
    says = disk.says((disk.record(path), other))
    assert says.proof is Proof.CANNOT_TELL
    assert "partition 4" in says.why
    assert "another file instead of" in says.why


def test_an_unknown_ntfs_cannot_tell() -> None:
    """A volume of an unknown version is not read like a known one."""
    disk = disk_of(SUCCEEDED)
    says = disk.says((version_of(disk), b"\x04\x00"))
    assert says.proof is Proof.CANNOT_TELL
    assert "NTFS 4.0 is not supported" in says.why


def version_of(disk: Changed) -> int:
    """Return where on the disk an NTFS says its version."""
    (attribute,) = disk.files.get(3).attributes[ATTRIBUTE_TYPE_CODE.VOLUME_INFORMATION]
    header = attribute.header
    return disk.record(3) + int(header.offset) + int(header.header.Form.Resident.ValueOffset) + 8


@pytest.mark.parametrize("flag", [b"\x01\x00", b"\x00\x40"])
def test_a_volume_that_waits_for_its_check_cannot_tell(flag: bytes) -> None:
    """A volume that is marked as damaged, or is being repaired, does not count as generalized."""
    disk = disk_of(SUCCEEDED)
    says = disk.says((version_of(disk) + 2, flag))
    assert says.proof is Proof.CANNOT_TELL
    assert "chkdsk" in says.why


def harmed(disk: Changed, volume: int) -> Patch:
    """Return a change by which a volume cannot be read at all."""
    start = Disk(Ranges(disk.source.read, disk.size)).partitions[volume].offset
    return start + 13, b"\0"


def test_a_damaged_recovery_volume_takes_nothing_back() -> None:
    """A volume too small for a Windows changes no verdict, but is named in it."""
    for guest in (SUCCEEDED, FAILED):
        disk = disk_of(guest)
        sound, says = disk.says(), disk.says(harmed(disk, RECOVERY))
        assert says.proof is sound.proof
        assert says.why.startswith(sound.why)
        assert "partition 4 cannot be read (ValueError: the boot" in says.warnings[Doubt.VOLUME]


def test_a_damaged_volume_that_may_be_a_windows_takes_a_yes_back() -> None:
    """The Windows that boots may be the one that cannot be read."""
    disk = disk_of(TWO)
    says = disk.says(harmed(disk, ANOTHER))
    assert says.proof is Proof.CANNOT_TELL
    assert says.why.startswith("another Windows may be on the OS disk: partition 4 cannot be read")


def test_a_damaged_volume_leaves_a_no() -> None:
    """A Windows that was not generalized forbids, whatever the other volume may be."""
    disk = disk_of(TWO)
    says = disk.says(harmed(disk, WINDOWS))
    assert says.proof is Proof.NOT_GENERALIZED
    assert "partition 3 cannot be read" in says.warnings[Doubt.VOLUME]


def test_a_damaged_windows_alone_cannot_tell() -> None:
    """If no Windows can be read, the unreadable volume is named, and why."""
    disk = disk_of(SUCCEEDED)
    says = disk.says(harmed(disk, WINDOWS))
    assert says.proof is Proof.CANNOT_TELL
    assert says.why.startswith(
        "the OS disk cannot be read: partition 3 cannot be read (ValueError: the boot sector"
    )


def test_a_second_windows_whose_first_sector_is_gone_takes_a_yes_back() -> None:
    """A volume of no known kind may be a Windows that is damaged; FAT it is not."""
    disk = disk_of(TWO)
    start = Disk(Ranges(disk.source.read, disk.size)).partitions[ANOTHER].offset
    assert disk.says((start, bytes(512))).proof is Proof.CANNOT_TELL
    assert disk.says((start, bytes(82) + b"FAT32".ljust(430))).proof is Proof.GENERALIZED


@pytest.mark.parametrize("kind", [Kind.BITLOCKER, Kind.REFS, Kind.DYNAMIC])
def test_a_volume_that_hides_what_is_on_it_takes_a_yes_back(kind: Kind) -> None:
    """Encrypted or of another kind, it might hold the Windows that starts, if that fits there."""
    sound = disk_of(SUCCEEDED).volumes()[WINDOWS]
    large = Volume(kind, zeros(SMALLEST), "partition 4")
    says = windows_of([sound, large])
    assert says
    assert says.proof is Proof.CANNOT_TELL
    assert f"partition 4 cannot be read (it is {kind})" in says.why
    small = windows_of([sound, Volume(kind, zeros(SMALLEST - 1), "partition 4")])
    assert small
    assert small.proof is Proof.GENERALIZED


def test_no_windows_is_nothing_to_say() -> None:
    """If there is no Windows, other readers judge the disk."""
    assert windows_of([]) is None
    assert windows_of([Volume(Kind.BITLOCKER, zeros(SMALLEST)), Volume(Kind.EXT, zeros(9))]) is None


def zeros(size: int) -> Any:  # noqa: ANN401 - a binary file, as a volume takes it
    """Return a volume of zeros."""
    return Ranges(lambda _offset, length: bytes(length), size)


def test_no_change_of_a_second_windows_makes_the_disk_generalized() -> None:
    """Chance changes to all that is read of the second one do not let it vanish."""
    disk = disk_of(TWO, ANOTHER)
    traced = Traced(disk.source.read, disk.size)
    found = windows_of(find_volumes(traced))
    assert found
    start = disk.partition.offset
    spans = [(at, length) for at, length in sorted(set(traced.spans)) if at >= start]
    for seed in range(40):
        chance = random.Random(seed)  # noqa: S311 - repeatable, not secret
        at, length = chance.choice(spans)
        piece = chance.choice((bytes(64), b"\xff" * 8, chance.randbytes(512), bytes(length)))
        where = at + chance.randrange(length)
        assert disk.says((where, piece)).proof is not Proof.GENERALIZED, seed
