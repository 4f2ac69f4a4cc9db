"""Every layout in every state is judged for what its guest did, at a small cost."""

import pytest

from shared.model.facts import Doubt, Proof
from tests.proof.matrix import PAGE, Row, page, rows

MOST = {"Windows": (40, 4 * 1024**2), "Linux": (60, 6 * 1024**2)}
"""The most ranges and bytes of a verdict."""

NO, YES, UNSURE = Proof.NOT_GENERALIZED, Proof.GENERALIZED, Proof.CANNOT_TELL
OTHERWISE: dict[tuple[str, str | None], Proof] = {
    ("windows-no-tag", "succeeded"): NO,
    ("windows-audit", "succeeded"): NO,
    ("windows-dirty", "succeeded"): UNSURE,
    ("windows-two", "succeeded"): NO,
    ("windows-ldm", None): UNSURE,
    ("windows-bitlocker", None): UNSURE,
    ("blank", None): UNSURE,
    ("linux-luks", None): UNSURE,
    ("linux-dirty", "succeeded"): UNSURE,
    ("linux-xfs-dirty", "succeeded"): UNSURE,
    ("flatcar", "succeeded"): NO,  # nothing replaces its host keys
    ("ubuntu-24.04-keys-kept", "succeeded"): NO,
    ("debian-12-regenerate-n", "succeeded"): NO,
    ("windows-specialize", "succeeded"): NO,
    ("windows-specialize-audit", "succeeded"): NO,
    ("linux-two-roots", "succeeded"): NO,
    ("linux-two-lvs", "succeeded"): NO,
    **{
        (layout, state): UNSURE
        for state in ("never", "succeeded")
        for layout in (
            "linux-var-elsewhere",
            "linux-inline-data",
            "linux-lvm-thin-root",
            "linux-lvm-root-missing",
        )
    },
}
"""Where a disk does not simply say whether its guest has finished."""

WARNED: dict[tuple[str, str | None], set[Doubt]] = {
    ("linux-agent-only", "succeeded"): {Doubt.MACHINE_ID},
    ("linux-lvm-missing-pv", "succeeded"): {Doubt.VOLUME},
    ("windows-damaged-second", "succeeded"): {Doubt.VOLUME},
    ("ubuntu-24.04-agent-only", "succeeded"): {Doubt.MACHINE_ID},
    ("ubuntu-24.04-user-kept", "succeeded"): {Doubt.USER},
    ("cloud-init-only", "succeeded"): {Doubt.USER},
}
ROWS = list(rows())


def named(row: Row) -> str:
    """Name a row in a test's id."""
    return f"{row.layout}-{row.generation}-{row.size_gb}-{row.state}"


def due(row: Row) -> Proof:
    """Return what a row's disk must say."""
    usual = YES if row.state == "succeeded" else NO
    return OTHERWISE.get((row.layout, row.state), usual)


@pytest.mark.parametrize("row", ROWS, ids=named)
def test_a_disk_says_what_its_guest_did(row: Row) -> None:
    """Generalized exactly if Sysprep has finished, in every system on the disk."""
    assert row.says.proof is due(row), row.says.why


@pytest.mark.parametrize("row", [row for row in ROWS if due(row) is YES], ids=named)
def test_what_an_image_should_not_have_is_a_warning(row: Row) -> None:
    """What stays of the guest is named; on a disk without any such thing nothing is."""
    assert set(row.says.warnings) == WARNED.get((row.layout, row.state), set())


@pytest.mark.parametrize("row", ROWS, ids=named)
def test_a_verdict_reads_little(row: Row) -> None:
    """On every layout, whatever its size."""
    ranges, fetched = MOST[row.os_type]
    assert row.ranges <= ranges
    assert row.fetched <= fetched


def test_the_page_shows_what_is_read() -> None:
    """`python -m tests.proof.matrix` has been run since the reader or the disks changed."""
    assert PAGE.read_text() == page(ROWS)
    assert len(ROWS) >= 60
