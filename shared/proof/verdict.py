"""Was this disk generalized? Its bytes and its VM's operating system -> a `Verdict`.

Pure except for reading. A disk is generalized only if every operating system found on it is;
whatever cannot be read, for whatever reason, ends as "cannot tell", which permits nothing.
"""

from collections.abc import Sequence

from shared.model.facts import Verdict
from shared.proof.evidence.linux import judge_linux
from shared.proof.evidence.windows import windows_of
from shared.proof.evidence.words import cannot_tell, describe_error
from shared.proof.filesystems.volumes import ENCRYPTED, Kind, Volume, find_volumes
from shared.proof.ranges import Ranges
from shared.proof.watch import CPU_SECONDS, Endless, watched


def judge(disk: Ranges, os_type: str, seconds: float = CPU_SECONDS) -> Verdict:
    """Return the verdict on a disk; `seconds` limits the CPU time."""
    try:
        with disk.parsed(), watched(seconds):
            found = find_volumes(disk)
            if os_type.lower() == "windows":
                return windows_of(found) or _nothing(found, "Windows")
            return judge_linux(found) or _nothing(found, "Linux")
    except Endless as endless:
        return cannot_tell(f"the OS disk cannot be read: {endless}")
    except Exception as error:  # noqa: BLE001 - on a damaged disk the parser can raise anything
        return cannot_tell(f"the OS disk cannot be read: {describe_error(error)}")


def _nothing(found: Sequence[Volume], system: str) -> Verdict:
    """Return why no operating system was found: what the disk has instead."""
    kinds = {volume.kind for volume in found}
    if locked := sorted(kinds & ENCRYPTED):
        return cannot_tell(f"the OS disk is encrypted with {', '.join(locked)}")
    seen = ", ".join(sorted(kinds - {Kind.OTHER}))
    instead = f"only {seen}" if seen else "nor any known file system"
    return cannot_tell(f"no {system} was found on the OS disk, {instead}")
