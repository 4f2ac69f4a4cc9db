"""What Windows' own files contain, and how it is worded for people."""

import struct
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from shared.proof.evidence.sysprep_log import Run, decode
from shared.proof.evidence.windows import (
    AUDIT,
    COMPLETE,
    GENERALIZED,
    SPECIALIZED,
    image_state,
    is_over,
    why_not,
)
from shared.proof.filesystems.ntfs import is_clean, volume_flags

UNDEPLOYABLE = "IMAGE_STATE_UNDEPLOYABLE"
NOW = datetime(2026, 5, 4, 9, 31, 11, tzinfo=UTC)
LOCAL = datetime.fromisoformat("2026-05-04 09:31:11")
FAILED = Run(LOCAL - timedelta(minutes=1), LOCAL, ("A package.", "Hit failure"))
INI = r"Windows\Setup\State\State.ini"
RUN_IT = "run it with /generalize /oobe /shutdown"


@pytest.mark.parametrize(
    ("text", "state"),
    [
        (f"[State]\r\nImageState={GENERALIZED}\r\n", GENERALIZED),
        (f"[STATE]\nimagestate = {GENERALIZED.lower()}", GENERALIZED),
        ("[State]\r\nImageState=IMAGE_STATE_COMPLETE\r\n", COMPLETE),
        ("[State]\r\n; ImageState=no", ""),
        ("", ""),
    ],
)
def test_the_state_is_read_from_the_ini(text: str, state: str) -> None:
    """In whatever case and with whatever spaces it is written."""
    assert image_state(decode(text.encode())) == state


@pytest.mark.parametrize(
    "text",
    [
        f"ImageState={GENERALIZED} or so",
        f"ImageState={GENERALIZED[:-5]}\0{GENERALIZED[-5:]}",
        f"ImageState={GENERALIZED}\nImageState={COMPLETE}",
        f"ImageState=\n{GENERALIZED}",
    ],
)
def test_half_a_state_is_none(text: str) -> None:
    """Only a whole line that says one state, and no other one, says it."""
    assert image_state(decode(text.encode())) != GENERALIZED


def test_a_failure_says_when_and_why_first() -> None:
    """Time and cause are first, so that they are in a tag that is cut."""
    says = why_not(COMPLETE, FAILED)
    assert says == (
        "Sysprep failed at 2026-05-04 09:31: A package.\nHit failure\n"
        f"{INI} contains IMAGE_STATE_COMPLETE"
    )
    assert why_not(COMPLETE, Run(errors=("x",))).startswith("Sysprep failed: x\n")


def test_an_old_failure_is_not_this_stop_s() -> None:
    """Where Windows has run on since Sysprep failed, that is said, and when it was."""
    assert why_not(COMPLETE, FAILED, is_old=True) == (
        "Sysprep has not been run since 2026-05-04 09:31, when it failed; "
        f"{INI} contains IMAGE_STATE_COMPLETE"
    )
    assert why_not(COMPLETE, Run(errors=("x",)), is_old=True).startswith(
        "Sysprep has not been run since it failed;"
    )
    assert why_not(COMPLETE, Run(began=LOCAL), is_old=True).startswith(
        "Sysprep has not been run since 2026-05-04 09:31;"
    )


def test_a_run_without_errors_says_when_it_began() -> None:
    """A run without an end is described by its beginning; without any run, by the state alone."""
    says = f"did not generalize the VM: {INI} contains {UNDEPLOYABLE}"
    assert why_not(UNDEPLOYABLE, Run(LOCAL)) == f"Sysprep began at 2026-05-04 09:31 and {says}"
    assert why_not(UNDEPLOYABLE) == f"Sysprep {says}"


def test_a_state_file_that_says_nothing_is_named() -> None:
    """A file without a state differs from a missing file."""
    assert why_not("").endswith(f"{INI} has no ImageState")
    assert why_not(None).endswith(f"{INI} does not exist")
    assert len(why_not("x" * 4000)) < 300


@pytest.mark.parametrize("state", SPECIALIZED)
def test_a_run_without_generalize_is_named(state: str) -> None:
    """If Sysprep was run without /generalize, however it ended, the reason says what to do."""
    says = f"Sysprep ran without /generalize; {RUN_IT}; {INI} contains {state}"
    assert why_not(state, Run(began=LOCAL, options=frozenset({"OOBE"}))) == says
    assert why_not(state) == says


def test_a_run_that_had_generalize_is_not_said_to_lack_it() -> None:
    """If the log has the option, the actual error is given instead."""
    run = Run(LOCAL, LOCAL, ("An invalid state.",), frozenset({"GENERALIZE", "OOBE"}))
    assert why_not(SPECIALIZED[0], run).startswith("Sysprep failed at 2026-05-04 09:31: An invalid")
    of_image = replace(run, errors=())
    assert why_not(SPECIALIZED[0], of_image) == (
        "the setup of Windows has not finished; let it finish, then run Sysprep with "
        f"/generalize /oobe /shutdown; {INI} contains {SPECIALIZED[0]}"
    )


def test_other_states_say_what_is_missing() -> None:
    """Audit mode asks for the right options, a missing tag file is named by its path."""
    assert why_not(AUDIT) == f"Sysprep ran with /audit; {RUN_IT}; {INI} contains {AUDIT}"
    missing = r"Windows\System32\Sysprep\Sysprep_succeeded.tag does not exist"
    assert why_not(GENERALIZED) == (
        f"Sysprep did not finish: {missing}, although {INI} contains {GENERALIZED}"
    )
    assert missing in why_not(GENERALIZED, FAILED)


def test_the_volume_is_named() -> None:
    """If there are several volumes, the reason names the one it is about."""
    assert f"{INI} on partition 3 contains" in why_not(COMPLETE, FAILED, on=" on partition 3")


@pytest.mark.parametrize(
    ("logs", "state", "registry", "over"),
    [
        ([0, -9], -500, 2, False),
        ([-9, 0], None, None, False),
        ([0, None], -500, 23, False),
        ([0, None], -500, 25, True),
        ([0, None], 2, 2, True),
        ([0, 30], -500, 40, False),
        ([None, None], -500, 2, False),
    ],
)
def test_a_run_is_over_once_windows_was_set_up_or_ran_on(
    logs: list[int | None],
    state: int | None,
    registry: int | None,
    over: bool,  # noqa: FBT001
) -> None:
    """A setup after Sysprep's last word, or a day more of running, makes its run an old one.

    Numbers are hours.
    """

    def at(hours: int | None) -> datetime | None:
        return None if hours is None else NOW + timedelta(hours=hours)

    assert is_over([at(one) for one in logs], at(state), at(registry)) is over


@pytest.mark.parametrize(("major", "minor"), [(1, 2), (3, 2), (4, 0), (0, 0)])
def test_an_unknown_version_of_ntfs_is_an_error(major: int, minor: int) -> None:
    """Only 3.0 and 3.1 are read: what another one means by its bytes is not known."""
    with pytest.raises(ValueError, match="is not supported"):
        volume_flags(bytes(8) + bytes([major, minor, 1, 0]))


def test_flags_of_a_volume_are_read() -> None:
    """They follow the version."""
    assert volume_flags(bytes(8) + bytes([3, 1, 1, 0x40])) == 0x4001


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
        (b"", False),
    ],
)
def test_a_journal_is_clean_by_its_newer_page(journal: bytes, clean: bool) -> None:  # noqa: FBT001
    """Empty, without a client or marked clean; anything else does not count as clean."""
    assert is_clean(journal) is clean
