"""Was this disk generalized? Its bytes and its VM's operating system -> the disk's own `Verdict`.

Pure but for the reading. "Generalized" is said only where every system found on the disk says so;
whatever cannot be read, for whatever reason, ends as "cannot tell", which permits nothing.
"""

from collections.abc import Sequence

from shared.disk.linux import linux
from shared.disk.ranges import Ranges
from shared.disk.volumes import ENCRYPTED, Kind, Volume, volumes
from shared.disk.watch import CPU_SECONDS, Endless, watched
from shared.disk.windows import windows
from shared.model import Proof, Verdict


def verdict(disk: Ranges, os_type: str, seconds: float = CPU_SECONDS) -> Verdict:
    """Return what a disk says of itself; `seconds` is the CPU time that it may take."""
    try:
        with disk.parsed(), watched(seconds):
            found = volumes(disk)
            return _windows(found) if os_type.lower() == "windows" else _linux(found)
    except Endless as endless:
        return _cannot(f"its OS disk cannot be read: {endless}")
    except Exception as error:  # noqa: BLE001 - a broken disk makes its parser raise anything
        return _cannot(f"its OS disk cannot be read: {type(error).__name__}: {error}")


def _windows(found: Sequence[Volume]) -> Verdict:
    systems = [windows(one.file) for one in found if one.kind is Kind.NTFS]
    verdicts = [one for one in systems if one]
    return min(verdicts, key=_caution) if verdicts else _nothing(found, "Windows")


def _linux(found: Sequence[Volume]) -> Verdict:
    return linux(found) or _nothing(found, "Linux")


def _caution(verdict: Verdict) -> int:
    """Of several systems the one that forbids most speaks for the disk."""
    return (Proof.NOT_GENERALIZED, Proof.CANNOT_TELL, Proof.GENERALIZED).index(verdict.proof)


def _nothing(found: Sequence[Volume], system: str) -> Verdict:
    """Return why no system was found: what lies there instead."""
    kinds = {one.kind for one in found}
    if locked := sorted(kinds & ENCRYPTED):
        return _cannot(f"its OS disk is encrypted by {', '.join(locked)}")
    seen = ", ".join(sorted(kinds - {Kind.OTHER}))
    instead = f"only {seen} that says nothing of it" if seen else "nor any known file system"
    return _cannot(f"no {system} was found on its OS disk, {instead}")


def _cannot(why: str) -> Verdict:
    return Verdict(Proof.CANNOT_TELL, why)
