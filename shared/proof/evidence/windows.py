r"""Did Sysprep finish? A disk's volumes -> what the Windows on them say by their own files.

Windows keeps the state of its setup in `Windows\Setup\State\State.ini`
(https://learn.microsoft.com/windows-hardware/manufacture/desktop/windows-setup-states); Sysprep
deletes its `Sysprep_succeeded.tag` when it begins and leaves it anew when it has finished; and its
logs say when it ran last and what went wrong.

"Generalized" rests on what is there; but a Windows that is not found says nothing either, so what
is not found must surely be absent (`ntfs.py`).
"""

import io
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import BinaryIO

from dissect.ntfs.mft import MftRecord

from shared.model.facts import Doubt, Proof, Verdict
from shared.proof.evidence.sysprep_log import BEGINS, Run, decode, last_run
from shared.proof.evidence.words import cannot_tell, said, strictest
from shared.proof.filesystems.ntfs import Ntfs, tail, written
from shared.proof.filesystems.volumes import ENCRYPTED, FAT, Kind, Volume

GENERALIZED = "IMAGE_STATE_GENERALIZE_RESEAL_TO_OOBE"
AUDIT = "IMAGE_STATE_GENERALIZE_RESEAL_TO_AUDIT"
SPECIALIZED = ("IMAGE_STATE_SPECIALIZE_RESEAL_TO_OOBE", "IMAGE_STATE_SPECIALIZE_RESEAL_TO_AUDIT")
COMPLETE = "IMAGE_STATE_COMPLETE"

SMALLEST = 2 * 1024**3
"""Bytes of the smallest volume that a Windows could run from; one takes several times as many."""

STATE_LIMIT, ERRORS_TAIL = 4096, 64 * 1024
ACTIONS_TAILS = (64 * 1024, 256 * 1024)
"""Bytes read from the end of Sysprep's logs; of the long one more, if no run begins in those."""

SET_UP_ANEW, RAN_ON = timedelta(hours=1), timedelta(days=1)
"""So long after Sysprep's last words its run is over: when the state is written anew, as a setup
does, and when the registry is, as Windows does while it runs and when it shuts down."""

_ROOT = "Windows"
_STATE = ("Setup", "State", "State.ini")
_SYSPREP = ("System32", "Sysprep")
_TAG = "Sysprep_succeeded.tag"
_ACTIONS, _ERRORS = ("Panther", "setupact.log"), ("Panther", "setuperr.log")
_REGISTRY = ("System32", "config", "SYSTEM")
_STATE_INI = "\\".join((_ROOT, *_STATE))
_TAG_FILE = "\\".join((_ROOT, *_SYSPREP, _TAG))
_RUN_IT = "run it with /generalize /oobe /shutdown"

_IMAGE_STATE = re.compile(
    r"^[ \t]*ImageState[ \t]*=[ \t]*(.*?)[ \t]*$", re.MULTILINE | re.IGNORECASE
)
_MAY_HIDE_WINDOWS = {Kind.BITLOCKER, Kind.DYNAMIC, Kind.REFS, Kind.OTHER, Kind.UNKNOWN}
_FAT = (*FAT, (3, b"EXFAT   "))


def windows_of(volumes: Sequence[Volume]) -> Verdict | None:
    """Return what the Windows on a disk's volumes say together; None where none is to be seen.

    Which of several starts is not known, so the one that forbids most speaks, and the disk is
    generalized only if all are. A volume that cannot be read and might hold another Windows (NTFS
    that is damaged, BitLocker, a dynamic disk, ReFS, one of no known kind) turns "generalized" into
    "cannot tell": it may be the one that starts. A "not generalized" it leaves, for no further
    Windows can undo that. One that is too small for a Windows, as those for recovery and for
    starting are, changes nothing. What is damaged, and what might hold another, is named.
    """
    several = sum(one.kind is Kind.NTFS for one in volumes) > 1
    found: list[Verdict] = []
    unread: list[_Unread] = []
    for one in volumes:
        if one.file is None:
            continue
        if one.kind is not Kind.NTFS:
            if _may_hide_windows(one.kind, one.file):
                unread.append(_Unread(one, f"it is {one.kind}", has_room=True))
            continue
        try:
            says = windows(one.file, one.name if several else "")
        except Exception as error:  # noqa: BLE001 - a broken volume makes its parser raise anything
            unread.append(_Unread(one, said(error), has_room=_has_room(one.file)))
        else:
            found += [says] if says else []
    return _together(found, unread)


@dataclass(frozen=True, slots=True)
class _Unread:
    """A volume that cannot be read, and why; `has_room`: a Windows would fit on it."""

    volume: Volume
    why: str
    has_room: bool

    def __str__(self) -> str:
        return f"{self.volume.name or 'a volume'} cannot be read ({self.why})"


def _together(found: Sequence[Verdict], unread: Sequence[_Unread]) -> Verdict | None:
    if not found:
        broken = [one for one in unread if one.volume.kind is Kind.NTFS]
        encrypted = any(one.volume.kind in ENCRYPTED for one in unread)
        told = broken and not encrypted
        return cannot_tell(f"its OS disk cannot be read: {_listed(broken)}") if told else None
    first = strictest(found)
    doubtful = [one for one in unread if one.has_room]
    if first.proof is Proof.GENERALIZED and doubtful:
        why = f"another Windows may be on its OS disk: {_listed(doubtful)}; {first.why}"
        return cannot_tell(why)
    alike = [one.why for one in found if one.proof is first.proof]
    why = "; ".join(alike) if first.proof is Proof.GENERALIZED else first.why
    return Verdict(first.proof, why, {Doubt.VOLUME: _listed(unread)} if unread else {})


def _listed(unread: Sequence[_Unread]) -> str:
    return ", ".join(map(str, unread))


def _may_hide_windows(kind: Kind, file: BinaryIO) -> bool:
    """Whether a volume that is not NTFS might hold a Windows all the same.

    One of no known kind may be NTFS whose first sector is gone; FAT it is not.
    """
    if kind not in _MAY_HIDE_WINDOWS or not _has_room(file):
        return False
    file.seek(0)
    head = file.read(512)
    return not any(head[at:].startswith(magic) for at, magic in _FAT)


def _has_room(file: BinaryIO) -> bool:
    """Whether a Windows would fit on a volume."""
    return file.seek(0, io.SEEK_END) >= SMALLEST


def windows(file: BinaryIO, name: str = "") -> Verdict | None:
    r"""Return what the Windows on a volume says; None where none is on it.

    A Windows is where its registry is (`config\SYSTEM`): nothing starts without. A folder of the
    name alone is none. `name` is the volume's, for the words. Raises what the parser raises where
    the volume is damaged or of a kind that is not known.
    """
    volume = Ntfs(file)
    root = volume.find(_ROOT)
    registry = root and volume.find(*_REGISTRY, below=root)
    if root is None or registry is None:
        return None
    state_ini, sysprep = volume.find(*_STATE, below=root), volume.find(*_SYSPREP, below=root)
    state = None if state_ini is None else image_state(decode(tail(state_ini, STATE_LIMIT)))
    on = f" on {name}" if name else ""
    if state == GENERALIZED and sysprep and volume.find(_TAG, below=sysprep):
        return _unless_dirty(volume, on)
    actions = sysprep and volume.find(*_ACTIONS, below=sysprep)
    errors = sysprep and volume.find(*_ERRORS, below=sysprep)
    run = last_run(_actions(actions), decode(tail(errors, ERRORS_TAIL)))
    ran_until = written(registry) if state == COMPLETE else None
    is_old = is_over([written(actions), written(errors)], written(state_ini), ran_until)
    return Verdict(Proof.NOT_GENERALIZED, why_not(state, run, is_old=is_old, on=on))


def image_state(text: str) -> str:
    """Return the state that a `State.ini` names; nothing where it names none, or several."""
    found = {state.upper() for state in _IMAGE_STATE.findall(text)}
    return found.pop() if len(found) == 1 else ""


def is_over(
    logs: Sequence[datetime | None], state: datetime | None, registry: datetime | None
) -> bool:
    """Whether Sysprep's last run is not what this Windows was stopped for.

    By when its logs, `State.ini` and the registry were written last: a setup came after it, as on a
    machine made from an image, or Windows has run on long since, which counts only where a setup is
    complete: what a failed one left stays its. Those are the file system's times, and all of them
    UTC, which the times within the logs are not.
    """
    ran = max((one for one in logs if one), default=None)
    if ran is None:
        return False
    set_up_anew = state is not None and state - ran > SET_UP_ANEW
    return set_up_anew or (registry is not None and registry - ran > RAN_ON)


def why_not(
    state: str | None, run: Run | None = None, *, is_old: bool = False, on: str = ""
) -> str:
    """Return in words why a Windows is not generalized: the cause, then what `State.ini` says.

    `state` is None where that file is not there, and empty where it names no state. `is_old`: the
    run is not what this Windows was stopped for. Times are the guest's own.
    """
    says = f"{_STATE_INI}{on} {_words_of(state)}"
    if state == AUDIT:
        return f"Sysprep ran with /audit; {_RUN_IT}; {says}"
    if state in SPECIALIZED and not (run and "GENERALIZE" in run.options):
        return f"Sysprep ran without /generalize; {_RUN_IT}; {says}"
    if state == GENERALIZED:
        says = f"it has not left {_TAG_FILE}, though {says}"
    at = f"{run.at:%Y-%m-%d %H:%M}" if run and run.at else ""
    if run and run.errors and not is_old:
        return f"Sysprep failed{at and f' at {at}'}: {'\n'.join(run.errors)}\n{says}"
    if state == GENERALIZED:
        return f"Sysprep did not finish: {says}"
    if state in SPECIALIZED:
        return f"Windows was started anew and its setup has not finished; then {_RUN_IT}; {says}"
    if run and is_old:
        return f"Sysprep was not run since {_since(run, at)}; {says}"
    began = f"Sysprep began at {at} and" if at else "Sysprep"
    return f"{began} did not generalize it: {says}"


def _since(run: Run, at: str) -> str:
    if not run.errors:
        return at or "it was set up"
    return f"{at}, when it failed" if at else "it failed"


def _words_of(state: str | None) -> str:
    if state is None:
        return "is not there"
    return f"says {state[:80]}" if state else "has no ImageState"


def _unless_dirty(volume: Ntfs, on: str) -> Verdict:
    """Return "generalized", unless what the volume says may not be its newest word.

    A volume that was not shut down cleanly has its newest changes in the journal alone, and one
    that waits for its check may change by that.
    """
    if volume.is_damaged:
        why = f"the volume of Windows{on} is marked as damaged; start it and run chkdsk and Sysprep"
        return cannot_tell(why)
    if not volume.is_clean():
        why = f"Windows{on} was not shut down cleanly after Sysprep; start it and run Sysprep again"
        return cannot_tell(why)
    why = f"{_STATE_INI}{on} says {GENERALIZED}, and {_TAG_FILE} is there"
    return Verdict(Proof.GENERALIZED, why)


def _actions(record: MftRecord | None) -> str:
    """Return the end of Sysprep's long log, back to where its last run begins if that is near."""
    text = ""
    for length in ACTIONS_TAILS:
        text = decode(tail(record, length))
        if BEGINS in text:
            break
    return text
