"""What Windows' own files say, and what is made of it for people."""

import struct

import pytest

from shared.disk.windows import (
    AUDIT,
    GENERALIZED,
    LOG_LINES,
    decode,
    image_state,
    is_clean,
    last_errors,
    why_not,
)

APPX = (
    "Package Contoso.App_1.0.0.0_x64__8wekyb3d8bbwe was installed for a user, but not provisioned "
    "for all users. This package will not function properly in the sysprep image."
)
LOG = f"""\
2026-03-01 08:00:00, Error                 SYSPRP An older failure
2026-05-04 09:40:11, Error                 SYSPRP {APPX}
2026-05-04 09:40:11, Error                 SYSPRP Failed to remove apps: 0x80073cf2.
2026-05-04 09:40:12, Error      [0x0f0082] SYSPRP ActionPlatform::LaunchModule: dwRet = 0x3cf2
"""


@pytest.mark.parametrize(
    ("text", "state"),
    [
        (f"[State]\r\nImageState={GENERALIZED}\r\n", GENERALIZED),
        (f"[STATE]\nimagestate = {GENERALIZED.lower()}", GENERALIZED),
        ("[State]\r\nImageState=IMAGE_STATE_COMPLETE\r\n", "IMAGE_STATE_COMPLETE"),
        ("[State]\r\n; ImageState=no", None),
        ("", None),
    ],
)
def test_the_state_is_read_from_the_ini(text: str, state: str | None) -> None:
    """In whatever case and with whatever spaces it is written."""
    assert image_state(text) == state


def test_only_the_last_run_counts() -> None:
    """Errors of a run of Sysprep long ago are not the reason of this one; the cause comes first."""
    assert last_errors(LOG) == [
        APPX,
        "Failed to remove apps: 0x80073cf2.",
        "ActionPlatform::LaunchModule: dwRet = 0x3cf2",
    ]


def test_a_log_of_another_form_is_told_as_it_is() -> None:
    """Lines without a time are given as they stand, the last ones."""
    log = "\n".join(f"line {n}" for n in range(LOG_LINES * 2))
    assert last_errors(log) == [f"line {n}" for n in range(LOG_LINES, LOG_LINES * 2)]
    assert last_errors("") == []


@pytest.mark.parametrize(
    ("log", "expected"),
    [
        ("2026-99-99 00:00:00, Error  SYSPRP odd", ["odd"]),
        ("half a line\n2026-05-04 09:40:11, Error  SYSPRP whole", ["whole"]),
    ],
)
def test_a_log_that_begins_anywhere_is_read(log: str, expected: list[str]) -> None:
    """The tail of a log begins in the middle of a line, and a time may be nonsense."""
    assert last_errors(log) == expected


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le"])
def test_a_log_is_utf_8_or_utf_16(encoding: str) -> None:
    """Both are read, with or without a byte order mark."""
    assert decode(LOG.encode(encoding)) == LOG


def test_the_tail_of_utf_16_may_begin_within_a_character() -> None:
    """A byte too many at its start loses one character and no more."""
    assert decode(LOG.encode("utf-16-le")[1:]) == LOG[1:]


def test_why_is_told_in_sysreps_own_words() -> None:
    """A failure shows its cause first, so that it stands in a tag that is cut."""
    assert why_not("IMAGE_STATE_COMPLETE", last_errors(LOG)).startswith(f"Sysprep failed: {APPX}")
    assert "IMAGE_STATE_COMPLETE" in why_not("IMAGE_STATE_COMPLETE", [])
    assert "no ImageState" in why_not(None, [])
    assert "Sysprep_succeeded.tag" in why_not(GENERALIZED, [])
    assert "/oobe" in why_not(AUDIT, [])


def restart_page(number: int, client: int, flags: int) -> bytes:
    """Make a restart page of an NTFS journal."""
    header = b"RSTR".ljust(24, b"\0") + struct.pack("<H", 48)
    area = struct.pack("<QHHHH", number, 1, 0xFFFF, client, flags)
    return (header.ljust(48, b"\0") + area).ljust(4096, b"\0")


@pytest.mark.parametrize(
    ("journal", "clean"),
    [
        (b"\xff" * 8192, True),
        (restart_page(5, 0xFFFF, 0) * 2, True),
        (restart_page(5, 0, 2) * 2, True),
        (restart_page(5, 0, 0) * 2, False),
        (restart_page(5, 0, 2) + restart_page(6, 0, 0), False),
        (restart_page(6, 0, 2) + restart_page(5, 0, 0), True),
        (b"CHKD".ljust(8192, b"\0"), False),
    ],
)
def test_a_journal_is_clean_by_its_newer_page(journal: bytes, clean: bool) -> None:  # noqa: FBT001
    """Empty, without a client or marked clean; what is neither is not taken for clean."""
    assert is_clean(journal) is clean
