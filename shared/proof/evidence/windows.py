r"""Did Sysprep finish? A disk's volumes -> a verdict from the files of each Windows on them.

Windows keeps the state of its setup in `Windows\Setup\State\State.ini`
(https://learn.microsoft.com/windows-hardware/manufacture/desktop/windows-setup-states). Sysprep
deletes its `Sysprep_succeeded.tag` when it begins and creates it again when it has finished; its
logs show when it ran last and what failed.

"Generalized" requires files that exist. But a second Windows that is overlooked would not be
judged, so a file must be reported as absent only if that is certain (`ntfs.py`).
"""

import io
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import BinaryIO

from shared.model.facts import Doubt, Proof, Verdict
from shared.proof.evidence.sysprep_log import BEGINS, Run, decode, last_run
from shared.proof.evidence.words import cannot_tell, describe_error, strictest
from shared.proof.filesystems.files import read_at
from shared.proof.filesystems.ntfs import Ntfs, tail, written
from shared.proof.filesystems.volumes import ENCRYPTED, FAT, Kind, Volume
from shared.proof.ranges import read_ahead

GENERALIZED = "IMAGE_STATE_GENERALIZE_RESEAL_TO_OOBE"
AUDIT = "IMAGE_STATE_GENERALIZE_RESEAL_TO_AUDIT"
SPECIALIZED = ("IMAGE_STATE_SPECIALIZE_RESEAL_TO_OOBE", "IMAGE_STATE_SPECIALIZE_RESEAL_TO_AUDIT")
COMPLETE = "IMAGE_STATE_COMPLETE"

SMALLEST = 2 * 1024**3
"""Bytes of the smallest volume that could contain Windows, which needs several times as many."""

STATE_LIMIT, ERRORS_TAIL = 4096, 64 * 1024
ACTIONS_TAILS = (64 * 1024, 256 * 1024)
"""Bytes read from the end of Sysprep's long log; the second only if no run begins in the first."""

SET_UP_ANEW, RAN_ON = timedelta(hours=1), timedelta(days=1)
"""Sysprep's last run is outdated if this long after its last log line the state was written (by a
setup), or the registry was (Windows writes it while it runs and when it shuts down)."""

_STATE = ("Windows", "Setup", "State", "State.ini")
_SYSPREP = ("Windows", "System32", "Sysprep")
_TAG = (*_SYSPREP, "Sysprep_succeeded.tag")
_ACTIONS = (*_SYSPREP, "Panther", "setupact.log")
_ERRORS = (*_SYSPREP, "Panther", "setuperr.log")
_REGISTRY = ("Windows", "System32", "config", "SYSTEM")
_STATE_INI, _TAG_FILE = "\\".join(_STATE), "\\".join(_TAG)
_RUN_IT = "run it with /generalize /oobe /shutdown"
_THEN = "then run Sysprep with /generalize /oobe /shutdown"

_IMAGE_STATE = re.compile(
    r"^[ \t]*ImageState[ \t]*=[ \t]*(.*?)[ \t]*$", re.MULTILINE | re.IGNORECASE
)
_MAY_HIDE_WINDOWS = {Kind.BITLOCKER, Kind.DYNAMIC, Kind.REFS, Kind.OTHER, Kind.UNKNOWN}
_FAT = (*FAT, (3, b"EXFAT   "))


def windows_of(volumes: Sequence[Volume]) -> Verdict | None:
    """Return the verdict on every Windows on a disk's volumes; None if there is no Windows.

    If there are several, it is not known which of them boots, so the strictest verdict counts: the
    disk is generalized only if all are. A volume that cannot be read and might contain another
    Windows (damaged NTFS, BitLocker, a dynamic disk, ReFS, an unknown kind) turns "generalized"
    into "cannot tell", because it may be the one that boots. It does not change "not generalized".
    A volume that is too small for a Windows, such as a recovery or boot partition, has no effect.
    Volumes that are damaged or might contain another Windows are named.
    """
    readable = [(volume, volume.file, Ntfs(volume.file)) for volume in volumes if volume.file]
    opened = [ntfs for volume, _, ntfs in readable if volume.kind is Kind.NTFS]
    read_ahead(*(partial(_rehearse, ntfs) for ntfs in opened))
    found: list[Verdict] = []
    unread: list[_Unread] = []
    for volume, file, ntfs in readable:
        if volume.kind is not Kind.NTFS:
            if _may_hide_windows(volume.kind, file):
                unread.append(_Unread(volume, f"it is {volume.kind}", has_room=True))
            continue
        try:
            verdict = judge_volume(ntfs, volume.name if len(opened) > 1 else "")
        except Exception as error:  # noqa: BLE001 - on a damaged volume the parser can raise anything
            unread.append(_Unread(volume, describe_error(error), has_room=_has_room(file)))
        else:
            found += [verdict] if verdict else []
    return _together(found, unread)


@dataclass(frozen=True, slots=True)
class _Unread:
    """A volume that cannot be read, and why; `has_room`: it is large enough for a Windows."""

    volume: Volume
    why: str
    has_room: bool

    def __str__(self) -> str:
        return f"{self.volume.name or 'a volume'} cannot be read ({self.why})"


def _together(found: Sequence[Verdict], unread: Sequence[_Unread]) -> Verdict | None:
    if not found:
        broken = [each for each in unread if each.volume.kind is Kind.NTFS]
        encrypted = any(each.volume.kind in ENCRYPTED for each in unread)
        damaged = broken and not encrypted
        return cannot_tell(f"the OS disk cannot be read: {_listed(broken)}") if damaged else None
    first = strictest(found)
    doubtful = [each for each in unread if each.has_room]
    if first.proof is Proof.GENERALIZED and doubtful:
        why = f"another Windows may be on the OS disk: {_listed(doubtful)}; {first.why}"
        return cannot_tell(why)
    alike = [verdict.why for verdict in found if verdict.proof is first.proof]
    why = "; ".join(alike) if first.proof is Proof.GENERALIZED else first.why
    return Verdict(first.proof, why, {Doubt.VOLUME: _listed(unread)} if unread else {})


def _listed(unread: Sequence[_Unread]) -> str:
    return ", ".join(map(str, unread))


def _may_hide_windows(kind: Kind, file: BinaryIO) -> bool:
    """Whether a volume that does not look like NTFS might still contain a Windows.

    A volume of an unknown kind may be NTFS whose first sector is lost, unless it is FAT.
    """
    if kind not in _MAY_HIDE_WINDOWS or not _has_room(file):
        return False
    head = read_at(file, 0, 512)
    return not any(head[at:].startswith(magic) for at, magic in _FAT)


def _has_room(file: BinaryIO) -> bool:
    """Whether a volume is large enough for a Windows."""
    return file.seek(0, io.SEEK_END) >= SMALLEST


def _rehearse(volume: Ntfs) -> None:
    """Do at the same time what nearly every verdict needs."""
    paths = (_REGISTRY, _STATE, _TAG)
    read_ahead(*(partial(volume.find, *path) for path in paths), volume.is_clean)


def judge_volume(volume: Ntfs, name: str = "") -> Verdict | None:
    r"""Return the verdict on the Windows on a volume; None if there is none.

    A volume has Windows if it has the registry (`config\SYSTEM`), without which Windows cannot
    boot. A folder named Windows is not enough. `name` is the volume's, for messages. Raises what
    the parser raises if the volume is damaged or of an unknown kind.
    """
    registry = volume.find(*_REGISTRY)
    if registry is None:
        return None
    state_ini = volume.find(*_STATE)
    state = None if state_ini is None else image_state(decode(tail(state_ini, STATE_LIMIT)))
    on = f" on {name}" if name else ""
    if state == GENERALIZED and volume.find(*_TAG):
        return _unless_dirty(volume, on)
    read_ahead(partial(_actions, volume), partial(_errors, volume))
    run = last_run(_actions(volume), _errors(volume))
    logged = [written(volume.find(*log)) for log in (_ACTIONS, _ERRORS)]
    ran_until = written(registry) if state == COMPLETE else None
    is_old = is_over(logged, written(state_ini), ran_until)
    return Verdict(Proof.NOT_GENERALIZED, why_not(state, run, is_old=is_old, on=on))


def image_state(text: str) -> str:
    """Return the state in a `State.ini`; empty if it has none or several."""
    found = {state.upper() for state in _IMAGE_STATE.findall(text)}
    return found.pop() if len(found) == 1 else ""


def is_over(
    logs: Sequence[datetime | None], state: datetime | None, registry: datetime | None
) -> bool:
    """Whether Sysprep's last run is outdated, so that it did not precede the shutdown.

    Arguments are when its logs, `State.ini` and the registry were last written. The run is outdated
    if a setup ran after it, as on a VM created from an image, or if Windows has run long after it.
    The latter counts only if the setup is complete; otherwise pass None as `registry`. These are
    file system times in UTC, unlike the times within the logs.
    """
    ran = max((time for time in logs if time), default=None)
    if ran is None:
        return False
    set_up_anew = state is not None and state - ran > SET_UP_ANEW
    return set_up_anew or (registry is not None and registry - ran > RAN_ON)


def why_not(
    state: str | None, run: Run | None = None, *, is_old: bool = False, on: str = ""
) -> str:
    """Return why a Windows is not generalized: the cause, then the content of `State.ini`.

    `state` is None if that file does not exist, and empty if it has no state. `is_old`: the run is
    outdated (`is_over`). Times are in the guest's time zone.
    """
    says = f"{_STATE_INI}{on} {_words_of(state)}"
    if state == AUDIT:
        return f"Sysprep ran with /audit; {_RUN_IT}; {says}"
    if state in SPECIALIZED and not (run and "GENERALIZE" in run.options):
        return f"Sysprep ran without /generalize; {_RUN_IT}; {says}"
    if state == GENERALIZED:
        says = f"{_TAG_FILE} does not exist, although {says}"
    at = f"{run.at:%Y-%m-%d %H:%M}" if run and run.at else ""
    if run and run.errors and not is_old:
        return f"Sysprep failed{at and f' at {at}'}: {'\n'.join(run.errors)}\n{says}"
    if state == GENERALIZED:
        return f"Sysprep did not finish: {says}"
    if state in SPECIALIZED:
        return f"the setup of Windows has not finished; let it finish, {_THEN}; {says}"
    if run and is_old:
        return f"Sysprep has not been run since {_since(run, at)}; {says}"
    began = f"Sysprep began at {at} and" if at else "Sysprep"
    return f"{began} did not generalize the VM: {says}"


def _since(run: Run, at: str) -> str:
    if not run.errors:
        return at or "Windows was set up"
    return f"{at}, when it failed" if at else "it failed"


def _words_of(state: str | None) -> str:
    if state is None:
        return "does not exist"
    return f"contains {state[:80]}" if state else "has no ImageState"


def _unless_dirty(volume: Ntfs, on: str) -> Verdict:
    """Return "generalized", unless the files read may not be the newest state of the volume.

    If the volume was not unmounted cleanly, its newest changes are only in the journal; if a check
    is due, chkdsk may change it.
    """
    if volume.is_damaged:
        why = f"the volume of Windows{on} is marked as damaged; start it, run chkdsk, then Sysprep"
        return cannot_tell(why)
    if not volume.is_clean():
        why = f"Windows{on} was not shut down cleanly after Sysprep; start it and run Sysprep again"
        return cannot_tell(why)
    why = f"{_STATE_INI}{on} contains {GENERALIZED}, and {_TAG_FILE} exists"
    return Verdict(Proof.GENERALIZED, why)


def _actions(volume: Ntfs) -> str:
    """Return the end of Sysprep's long log, including the start of its last run if that is near."""
    text = ""
    for length in ACTIONS_TAILS:
        text = decode(tail(volume.find(*_ACTIONS), length))
        if BEGINS in text:
            break
    return text


def _errors(volume: Ntfs) -> str:
    """Return the end of Sysprep's log of errors."""
    return decode(tail(volume.find(*_ERRORS), ERRORS_TAIL))
