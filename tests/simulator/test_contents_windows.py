"""What a reader of NTFS finds on the disks of Windows guests."""

import struct

import pytest
from dissect.ntfs import NTFS
from dissect.ntfs.c_ntfs import ATTRIBUTE_TYPE_CODE
from hypothesis import example, given, settings
from hypothesis import strategies as st

from simulator.contents.disk import Guest, contents
from simulator.contents.sysprep_log import setuperr
from tests.simulator.contents_reading import Files, names_in, partitions, text_of, windows_on

STATE = "Windows/Setup/State/State.ini"
SYSPREP = "Windows/System32/Sysprep"
ERRORS = f"{SYSPREP}/Panther/setuperr.log"
TAG = "Sysprep_succeeded.tag"
JOURNAL = 2
ROOM = 16 * 1024
COMPLETE = "IMAGE_STATE_COMPLETE"
UNDEPLOYABLE = "IMAGE_STATE_UNDEPLOYABLE"
GENERALIZED = "IMAGE_STATE_GENERALIZE_RESEAL_TO_OOBE"
APPX = (
    "SYSPRP Package Contoso.App_1.0.0.0_x64__8wekyb3d8bbwe was installed for a user, but not "
    "provisioned for all users. This package will not function properly in the sysprep image."
)


def only_windows(guest: Guest) -> Files:
    """Return the files of the only Windows on a guest's disk."""
    (files,) = windows_on(guest)
    return files


def image_state(files: Files) -> str:
    """Return the image state in State.ini, after a check of its format."""
    text = text_of(files, STATE)
    assert text.startswith("[State]\r\nImageState=")
    assert text.endswith("\r\n")
    return text.strip().partition("ImageState=")[2]


def journal_is_clean(files: Files) -> bool:
    """Return whether both restart pages of the journal say that it was shut down cleanly."""
    pages = files.get(JOURNAL).open().read(8192)
    assert (pages[:4], pages[4096:4100]) == (b"RSTR", b"RSTR")
    flags = [struct.unpack_from("<H", pages, at + 48 + 14)[0] for at in (0, 4096)]
    clients = [struct.unpack_from("<H", pages, at + 48 + 12)[0] for at in (0, 4096)]
    assert [client == 0xFFFF for client in clients] == [flag == 2 for flag in flags]
    return flags == [2, 2]


@pytest.mark.parametrize("size_gb", [8, 127])
@pytest.mark.parametrize("generation", ["V1", "V2"])
@pytest.mark.parametrize(
    ("sysprep", "state", "tagged"),
    [
        ("never", COMPLETE, False),
        ("running", UNDEPLOYABLE, False),
        ("succeeded", GENERALIZED, True),
        ("failed", COMPLETE, False),
    ],
)
def test_each_state_has_its_files(
    generation: str, size_gb: int, sysprep: str, state: str, *, tagged: bool
) -> None:
    """State.ini and the tag file show how far Sysprep got; only a failure leaves errors."""
    files = only_windows(Guest("Windows", generation, size_gb, sysprep, "why"))
    assert image_state(files) == state
    assert (TAG in names_in(files, SYSPREP)) == tagged
    assert (text_of(files, ERRORS) != "") == (sysprep == "failed")
    assert journal_is_clean(files)


@pytest.mark.parametrize(
    ("layout", "sysprep", "state", "tagged"),
    [
        ("windows-from-image", "never", COMPLETE, True),
        ("windows-no-tag", "succeeded", GENERALIZED, False),
        ("windows-audit", "succeeded", "IMAGE_STATE_GENERALIZE_RESEAL_TO_AUDIT", True),
        ("windows-dirty", "succeeded", GENERALIZED, True),
        ("windows-specialize", "succeeded", "IMAGE_STATE_SPECIALIZE_RESEAL_TO_OOBE", True),
        ("windows-specialize-audit", "succeeded", "IMAGE_STATE_SPECIALIZE_RESEAL_TO_AUDIT", True),
        ("windows-undeployable", "failed", UNDEPLOYABLE, False),
        ("windows-utf16-log", "failed", COMPLETE, False),
        ("windows-ldm", "succeeded", COMPLETE, False),
    ],
)
def test_other_layouts_have_theirs(layout: str, sysprep: str, state: str, *, tagged: bool) -> None:
    """Each special layout differs from the usual one in what its name says."""
    files = only_windows(Guest("Windows", "V2", 30, sysprep, "why", layout))
    assert image_state(files) == state
    assert (TAG in names_in(files, SYSPREP)) == tagged
    assert journal_is_clean(files) == (layout != "windows-dirty")


def test_of_two_windows_only_the_first_was_generalized() -> None:
    """On a disk with two installations, Sysprep ran in only one."""
    guest = Guest("Windows", "V2", 127, "succeeded", layout="windows-two")
    first, second = windows_on(guest)
    assert (image_state(first), image_state(second)) == (GENERALIZED, COMPLETE)
    assert (TAG in names_in(first, SYSPREP), TAG in names_in(second, SYSPREP)) == (True, False)


@pytest.mark.parametrize("sysprep", ["never", "running", "succeeded", "failed"])
def test_a_data_volume_has_a_folder_of_that_name_and_no_windows(sysprep: str) -> None:
    """An installation is identified by its kernel and its registry, which every real one has."""
    guest = Guest("Windows", "V2", 8, sysprep, layout="windows-data-folder")
    real, data = windows_on(guest)
    assert "ntoskrnl.exe" in names_in(real, "Windows/System32")
    assert "SYSTEM" in names_in(real, "Windows/System32/config")
    assert names_in(data, "Windows/System32") == {"readme.txt"}


@pytest.mark.parametrize("sysprep", ["never", "succeeded"])
def test_a_second_volume_may_be_damaged(sysprep: str) -> None:
    """It has a boot sector but no file table; the Windows beside it is undamaged."""
    guest = Guest("Windows", "V2", 8, sysprep, layout="windows-damaged-second")
    windows, damaged = [one for one in partitions(guest) if one.size > 1 << 30]
    assert "ntoskrnl.exe" in names_in(NTFS(windows.open()).mft, "Windows/System32")
    boot = damaged.open().read(512)
    assert boot[3:7] == b"NTFS"
    table = struct.unpack_from("<Q", boot, 0x30)[0] * 4096
    volume = damaged.open()
    volume.seek(table)
    assert volume.read(4) != b"FILE"


def test_partitions_are_those_of_azure() -> None:
    """A Gen2 disk has EFI, reserved, Windows and recovery partitions, a Gen1 disk two of NTFS."""
    new = [one.name for one in partitions(Guest("Windows", "V2", 127, "never"))]
    old = [one.type for one in partitions(Guest("Windows", "V1", 127, "never"))]
    dynamic = partitions(Guest("Windows", "V1", 127, "never", layout="windows-ldm"))
    assert new == ["EFI system partition", "Microsoft reserved partition", "Windows", "Recovery"]
    assert old == [7, 7]
    assert dynamic[1].type == 0x42


@pytest.mark.parametrize("generation", ["V1", "V2"])
def test_bitlocker_shows_its_signature_and_noise(generation: str) -> None:
    """An encrypted volume has BitLocker's boot sector, and nothing readable after it."""
    guest = Guest("Windows", generation, 127, "never", layout="windows-bitlocker")
    volume = partitions(guest)[1].open()
    head = volume.read(8192)
    assert head[3:11] == b"-FVE-FS-"
    assert len(set(head[512:])) == 256


def test_a_volume_is_as_large_and_as_scattered_as_one_that_lived() -> None:
    """The folders are as full as real ones; they and the file table are in several pieces."""
    files = only_windows(Guest("Windows", "V2", 127, "never"))
    system32 = files.get("Windows/System32")
    runs = system32.dataruns("$I30", ATTRIBUTE_TYPE_CODE.INDEX_ALLOCATION)
    assert len(names_in(files, "Windows/System32")) > 4500
    assert len(names_in(files, "Windows/WinSxS")) > 6000
    assert len(runs) > 4
    assert len(files.get(0).dataruns()) > 4
    assert files.get(0).size() > 15_000 * 1024


@pytest.mark.parametrize("layout", [None, "windows-utf16-log", "windows-undeployable"])
@given(why=st.text(max_size=300))
@example(APPX)
@example("Paket Ä ist für einen Benutzer installiert 😀\nund nicht für alle\r\n")
@settings(max_examples=25, deadline=None)
def test_the_log_says_why(layout: str | None, why: str) -> None:
    """Each line of a reason is in the error log, after a time; the log contains nothing else."""
    files = only_windows(Guest("Windows", "V2", 30, "failed", why, layout))
    encoding = "utf-16" if layout == "windows-utf16-log" else "utf-8"
    text = files.get(ERRORS).open().read().decode(encoding)
    wanted = why.encode("utf-8", "replace").decode()
    lines = text.split("\r\n")
    for line in wanted.splitlines():
        if line.strip():
            assert any(one.endswith(line.removeprefix("SYSPRP ")) for one in lines)
    assert lines[-1] == ""
    assert "WinMain:Hit failure" in lines[-2]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16-le"])
@given(length=st.integers(0, 40_000), letter=st.sampled_from("aÄ€😀"))
@settings(max_examples=50, deadline=None)
def test_a_reason_of_any_length_fits(encoding: str, length: int, letter: str) -> None:
    """A text too long for the log is cut between characters; the lines of a failure are kept."""
    log = setuperr(letter * length, ROOM, encoding)
    lines = log.decode(encoding).split("\r\n")
    assert len(log) <= ROOM
    assert lines[0].endswith(letter * min(length, 100))
    assert len(lines) == (6 if length else 5)
    if length * len(letter.encode(encoding)) > ROOM:
        assert len(log) > ROOM - 8


def test_a_log_is_written_as_sysprep_writes_it() -> None:
    """The reason is after a time and `Error`, its code in the lines that follow."""
    first, *_, last, end = setuperr(f"{APPX}\n0x80073cf2", ROOM, "utf-8").decode().split("\r\n")
    assert first == f"2026-11-24 10:00:00, Error                 {APPX}"
    assert last.startswith("2026-11-24 10:00:00, Error      [0x0f00d8] SYSPRP WinMain:")
    assert last.endswith("hr = 0x80073cf2")
    assert end == ""


def test_lines_in_sysprep_s_form_stay_as_they_are() -> None:
    """A reason copied from a log gets no second timestamp."""
    line = "2025-01-02 03:04:05, Error                 SYSPRP Something else"
    assert setuperr(line, ROOM, "utf-8").decode().startswith(f"{line}\r\n")


def test_nothing_but_the_log_depends_on_the_reason() -> None:
    """Guests that failed for different reasons differ in the log, its lengths and the footer."""
    one, other = (contents(Guest("Windows", "V1", 8, "failed", why)) for why in ("a", "b" * 5000))
    differing = [
        offset
        for offset in range(0, one.size, 1 << 20)
        if one.read(offset, 1 << 20) != other.read(offset, 1 << 20)
    ]
    assert len(differing) == 3
