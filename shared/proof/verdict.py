"""Was this disk generalized? Its bytes and its VM's operating system -> the disk's own `Verdict`.

Pure but for the reading. "Generalized" is said only where every system found on the disk says so;
whatever cannot be read, for whatever reason, ends as "cannot tell", which permits nothing.
"""

from collections.abc import Sequence

from shared.model.facts import Verdict
from shared.proof.evidence.linux import linux
from shared.proof.evidence.windows import windows_of
from shared.proof.evidence.words import cannot_tell, said
from shared.proof.filesystems.volumes import ENCRYPTED, Kind, Volume, volumes
from shared.proof.ranges import Ranges
from shared.proof.watch import CPU_SECONDS, Endless, watched


def verdict(disk: Ranges, os_type: str, seconds: float = CPU_SECONDS) -> Verdict:
    """Return what a disk says of itself; `seconds` is the CPU time that it may take."""
    try:
        with disk.parsed(), watched(seconds):
            found = volumes(disk)
            if os_type.lower() == "windows":
                return windows_of(found) or _nothing(found, "Windows")
            return linux(found) or _nothing(found, "Linux")
    except Endless as endless:
        return cannot_tell(f"its OS disk cannot be read: {endless}")
    except Exception as error:  # noqa: BLE001 - a broken disk makes its parser raise anything
        return cannot_tell(f"its OS disk cannot be read: {said(error)}")


def _nothing(found: Sequence[Volume], system: str) -> Verdict:
    """Return why no system was found: what lies there instead."""
    kinds = {one.kind for one in found}
    if locked := sorted(kinds & ENCRYPTED):
        return cannot_tell(f"its OS disk is encrypted by {', '.join(locked)}")
    seen = ", ".join(sorted(kinds - {Kind.OTHER}))
    instead = f"only {seen} that says nothing of it" if seen else "nor any known file system"
    return cannot_tell(f"no {system} was found on its OS disk, {instead}")
