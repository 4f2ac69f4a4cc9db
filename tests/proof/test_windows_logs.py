"""Which run of Sysprep counts, by its two logs, and what of their bytes gets into words."""

import unicodedata
from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.proof.evidence.sysprep_log import LOG_LINES, Run, decode, last_run

APPX = (
    "Package Contoso.App_1.0.0.0_x64__8wekyb3d8bbwe was installed for a user, but not provisioned "
    "for all users. This package will not function properly in the sysprep image."
)
OLD = "2025-01-02 03:04:05, Error                 SYSPRP An older failure\n"
ERRORS = f"""\
2026-05-04 09:31:11, Error                 SYSPRP {APPX}
2026-05-04 09:40:12, Error      [0x0f0082] SYSPRP ActionPlatform::LaunchModule: dwRet = 0x3cf2
"""


def begins(at: str, *options: str) -> str:
    """Write what Sysprep writes when it begins."""
    line = "=" * 56
    words = (
        line,
        "===          Beginning of a new sysprep run          ===",
        line,
        f"The time is now {at}",
        *(f"ParseCommands:Found supported command line option '{one}'" for one in options),
    )
    return "".join(f"{at}, Info                  SYSPRP {one}\n" for one in words)


def local(text: str) -> datetime:
    """Return a time as a log has it, without a zone."""
    return datetime.fromisoformat(text)


def test_only_the_last_run_counts() -> None:
    """Errors from before the last run's beginning are not that run's."""
    actions = begins("2025-01-02 03:00:00") + OLD + begins("2026-05-04 09:30:00", "GENERALIZE")
    run = last_run(actions, OLD + ERRORS)
    assert run == Run(
        began=local("2026-05-04 09:30:00"),
        failed=local("2026-05-04 09:31:11"),
        errors=(APPX, "ActionPlatform::LaunchModule: dwRet = 0x3cf2"),
        options=frozenset({"GENERALIZE"}),
    )


def test_a_last_run_without_errors_takes_none_from_the_one_before() -> None:
    """A run minutes after a failed one, which logs no error, has none."""
    actions = begins("2026-05-04 09:30:00") + ERRORS + begins("2026-05-04 09:45:00")
    assert last_run(actions, ERRORS) == Run(began=local("2026-05-04 09:45:00"))


def test_a_cause_long_before_the_last_line_is_kept() -> None:
    """A line more than five minutes before a run's last line is still its cause."""
    with_beginning = last_run(begins("2026-05-04 09:30:00"), ERRORS)
    without = last_run("", ERRORS)
    assert with_beginning
    assert without
    assert with_beginning.errors[0] == without.errors[0] == APPX


def test_a_gap_bounds_a_run_whose_beginning_is_not_read() -> None:
    """If the long log does not go back so far, errors long before are another run's."""
    run = last_run("2026-05-04 09:40:00, Info SYSPRP The middle of it\n", OLD + ERRORS)
    assert run == Run(
        failed=local("2026-05-04 09:31:11"),
        errors=(APPX, "ActionPlatform::LaunchModule: dwRet = 0x3cf2"),
    )


def test_errors_that_only_the_long_log_has_are_found() -> None:
    """Sysprep's long log has a run's errors too, and their order, whatever the clock did."""
    run = last_run(begins("2026-05-04 09:35:00") + ERRORS, "")
    assert run
    assert run.errors[0] == APPX
    assert run.failed == local("2026-05-04 09:31:11")


def test_of_many_errors_the_first_and_the_last_are_told() -> None:
    """The cause is first and its effect last, so the middle is left out."""
    lines = [f"2026-05-04 09:31:11, Error SYSPRP number {n}\n" for n in range(50)]
    run = last_run("", "".join(lines))
    half = LOG_LINES // 2
    numbers = [*range(half), *range(50 - half, 50)]
    assert run
    assert run.errors == tuple(f"number {n}" for n in numbers)


def test_no_log_is_no_run() -> None:
    """Without logs Sysprep has not run, as far as is known."""
    assert last_run("", "") is None


def test_nuls_at_a_logs_end_do_not_hide_it() -> None:
    """A hard stop leaves NULs, more of them than text, after UTF-8 as after UTF-16."""
    for encoding in ("utf-8", "utf-16-le"):
        assert decode(ERRORS.encode(encoding) + bytes(4096)).strip() == ERRORS.strip()


def test_nuls_within_a_log_end_a_line() -> None:
    """Windows continues after what a crash left, and both parts are read."""
    data = ERRORS.encode() + bytes(777) + OLD.encode()
    assert [one for one in decode(data).split("\n") if one] == (ERRORS + OLD).splitlines()


@pytest.mark.parametrize(
    ("encoding", "text", "read"),
    [
        ("cp1252", "Paket für Gerät fehlt: 0x5", "Paket für Gerät fehlt: 0x5"),
        ("cp932", "Package Contoso 漢字 failed: 0x5", "Package Contoso ? failed: 0x5"),
        ("cp1251", "Package Contoso не найден: 0x5", "Package Contoso ? ?: 0x5"),
        ("cp936", "Package Contoso 失败 failed: 0x5", "Package Contoso ? failed: 0x5"),
        ("utf-8", "Paket für 漢字 😀", "Paket für 漢字 😀"),
    ],
)
def test_a_foreign_code_page_leaves_what_is_legible(encoding: str, text: str, read: str) -> None:
    """Bytes that are not UTF-8 are read if they are unambiguous, else replaced by one mark."""
    assert decode(text.encode(encoding)) == read


@given(st.binary(max_size=300))
def test_no_bytes_become_control_characters(data: bytes) -> None:
    """Whatever a log holds, its words have no NUL, nothing unprintable, and no run of marks."""
    text = decode(data)
    kinds = {unicodedata.category(one) for one in text if one != "\n"}
    assert not kinds & {"Cc", "Cf", "Cs", "Co", "Zl", "Zp"}
    assert "\ufffd" not in text


def test_a_direction_mark_is_no_word() -> None:
    """A character that turns the text around it does not get into a tag."""
    assert decode("left \u202eright\x07".encode()) == "left  right "
