"""Did Sysprep finish? An NTFS volume -> what Windows' own files on it say.

Windows keeps the state of its setup in `Windows/Setup/State/State.ini`
(https://learn.microsoft.com/windows-hardware/manufacture/desktop/windows-setup-states); Sysprep
leaves `Sysprep_succeeded.tag` beside itself when it has finished, and in `Panther/setuperr.log` the
reason when it has not.

A volume that was not shut down cleanly has its newest changes in the journal alone, so what it says
counts only against it.
"""

import re
import struct
from datetime import datetime, timedelta
from typing import BinaryIO

from dissect.ntfs import NTFS
from dissect.ntfs.mft import MftRecord

from shared.model import Proof, Verdict

GENERALIZED = "IMAGE_STATE_GENERALIZE_RESEAL_TO_OOBE"
AUDIT = "IMAGE_STATE_GENERALIZE_RESEAL_TO_AUDIT"

LOG_TAIL = 16 * 1024
"""Bytes read from the end of Sysprep's error log."""

LOG_LINES = 20
ONE_RUN = timedelta(minutes=5)
"""Errors of one run of Sysprep stand closer together in its log."""

_STATE = ("Setup", "State", "State.ini")
_SYSPREP = ("System32", "Sysprep")
_LOG = ("Panther", "setuperr.log")
_LOGFILE = 2
"""The journal's place in the master file table."""

_IMAGE_STATE = re.compile(r"^\s*ImageState\s*=\s*(\w+)", re.MULTILINE | re.IGNORECASE)
_LOG_LINE = re.compile(
    r"(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d), \w+\s+(?:\[[^\]]*\]\s*)?(?:SYSPRP )?(.+)"
)
_SMALLEST, _INDEX_LIMIT = 512, 64 * 1024
_RESTART_IS_CLEAN, _NO_CLIENT = 0x0002, 0xFFFF


def windows(file: BinaryIO) -> Verdict | None:
    """Return what the Windows on a volume says; None where there is none on it."""
    _check_boot_sector(file)
    volume = NTFS(file)
    root = _entry(volume.mft.root, "Windows")
    if root is None:
        return None
    state = image_state(_text(_walk(root, _STATE), 4096))
    sysprep = _walk(root, _SYSPREP)
    done = sysprep is not None and _entry(sysprep, "Sysprep_succeeded.tag") is not None
    if state == GENERALIZED and done:
        return _unless_dirty(volume)
    log = _text(_walk(sysprep, _LOG), LOG_TAIL) if sysprep else ""
    return Verdict(Proof.NOT_GENERALIZED, why_not(state, last_errors(log)))


def image_state(text: str) -> str | None:
    """Return the state in a `State.ini`; None where it names none."""
    found = _IMAGE_STATE.search(text)
    return found[1].upper() if found else None


def why_not(state: str | None, errors: list[str]) -> str:
    """Return in words why a Windows is not generalized, the cause first."""
    if state == GENERALIZED:
        return "Sysprep did not finish: it has not left its Sysprep_succeeded.tag"
    if state == AUDIT:
        return "Sysprep ran with /audit; run it with /generalize /oobe"
    says = f"its ImageState is {state}" if state else "it has no ImageState"
    if errors:
        return f"Sysprep failed: {'\n'.join(errors)}\n{says}"
    return f"Sysprep did not generalize it: {says}"


def last_errors(log: str) -> list[str]:
    """Return the errors of the last run in Sysprep's error log, in order, without their times."""
    lines = [found.groups() for line in log.splitlines() if (found := _LOG_LINE.match(line))]
    if not lines:
        return [line.strip() for line in log.splitlines() if line.strip()][-LOG_LINES:]
    ended = _time(lines[-1][0])
    return [words.strip() for at, words in lines if ended - _time(at) <= ONE_RUN][-LOG_LINES:]


def decode(data: bytes) -> str:
    """Return a text of Windows', which is UTF-8 or UTF-16; a tail of one has no byte order mark."""
    if data.count(b"\0") > len(data) // 4:
        data = data[len(data) % 2 :]
        return data.decode("utf-16-le", "replace").removeprefix("\ufeff")
    return data.decode("utf-8-sig", "replace")


def _time(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text)
    except ValueError:  # digits that are no date
        return datetime.min  # noqa: DTZ901 - only compared with its like


def _unless_dirty(volume: NTFS) -> Verdict:
    journal = volume.mft.get(_LOGFILE).open()
    if not is_clean(journal.read(8192)):
        why = "Windows was not shut down cleanly after Sysprep; start it and run Sysprep again"
        return Verdict(Proof.CANNOT_TELL, why)
    return Verdict(
        Proof.GENERALIZED, f"ImageState is {GENERALIZED} and Sysprep_succeeded.tag is there"
    )


def is_clean(journal: bytes) -> bool:
    """Whether an NTFS journal has nothing to replay, by the newer of its two restart pages.

    An empty one is all ones. Otherwise it is clean when it says so or has no client, which is what
    ntfs-3g goes by before it mounts.
    """
    pages = [page for at in (0, 4096) if (page := _restart(journal[at : at + 4096]))]
    if not pages:
        return journal.strip(b"\xff") == b""
    _, client, flags = max(pages)
    return client == _NO_CLIENT or bool(flags & _RESTART_IS_CLEAN)


def _restart(page: bytes) -> tuple[int, int, int] | None:
    """Return a restart page's log sequence number, first client and flags."""
    if page[:4] != b"RSTR":
        return None
    (area,) = struct.unpack_from("<H", page, 24)
    number, _, _, client, flags = struct.unpack_from("<QHHHH", page, area)
    return number, client, flags


def _walk(record: MftRecord | None, names: tuple[str, ...]) -> MftRecord | None:
    for name in names:
        if record is None:
            return None
        record = _entry(record, name)
    return record


def _entry(folder: MftRecord, name: str) -> MftRecord | None:
    """Return what lies in a folder under a name; links are not followed."""
    index = folder.index("$I30")
    if index.root.bytes_per_index_buffer > _INDEX_LIMIT:
        msg = "an index of the volume is out of all proportion"
        raise ValueError(msg)
    try:
        return index.search(name).dereference()
    except KeyError:
        return None


def _text(record: MftRecord | None, limit: int) -> str:
    """Return the end of a file, as far as the limit; nothing of one that is not there."""
    if record is None:
        return ""
    file = record.open()
    file.seek(max(0, record.size() - limit))
    return decode(file.read(limit))


def _check_boot_sector(file: BinaryIO) -> None:
    """Raise unless a volume's units are such as NTFS has: its parser takes them as they come."""
    file.seek(0)
    boot = file.read(512)
    sector, cluster = struct.unpack_from("<HB", boot, 11)
    record, index = struct.unpack_from("<b3xb", boot, 64)
    sound = sector in (512, 1024, 2048, 4096) and cluster and cluster & (cluster - 1) == 0
    if not (sound and _is_small(record, sector * cluster) and _is_small(index, sector * cluster)):
        msg = "the boot sector of the volume is unsound"
        raise ValueError(msg)


def _is_small(size: int, cluster: int) -> bool:
    """Whether a size, in clusters or as a negative power of two, is one that NTFS uses."""
    length = size * cluster if size > 0 else 1 << -size
    return _SMALLEST <= length <= _INDEX_LIMIT
