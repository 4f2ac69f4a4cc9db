"""Was this OS disk generalized? A `Look` at a deallocated VM -> a `Verdict` on its disk.

Opens the disk, reads it, closes it. Raises `Transient` if that failed, for example because another
worker closed it: a disk that could not be read has no verdict. Neither has a disk that Azure does
not allow to be opened (a `Refusal` with Azure's message; it may be allowed an hour later), nor a
disk whose storage server cannot be reached (`Unread`; a firewall may have to be changed).
"""

import logging
from contextlib import closing

from shared.cloud.arm import Arm
from shared.cloud.blob import Blob, NoBytes
from shared.cloud.disk_access import opened
from shared.model.errors import Refused, Transient, Unreachable
from shared.model.facts import Look, Missing, ObservedDisk, Proof, Refusal, Unread, Verdict

log = logging.getLogger(__name__)


def examine(arm: Arm, look: Look) -> Verdict | Refusal | Unread:
    """Return the verdict on the OS disk, or why there is none."""
    disk = look.disk
    if disk is None or isinstance(disk, Missing):
        msg = f"the OS disk of {look.vm.ref.id} does not exist"
        raise Transient(msg)
    if disk.unreadable:
        return Verdict(Proof.CANNOT_TELL, disk.unreadable)
    try:
        with opened(arm, disk.id) as (url, until):
            token = arm.disk_token() if disk.entra_only else None
            with closing(Blob(url, until, token)) as blob:
                return _read(blob, disk, look.vm.os_type)
    except Unreachable as unreachable:
        return Unread(str(unreachable))
    except Refused as refused:
        return Refusal(f"the OS disk cannot be read: {refused.code}: {refused.message}")


def _read(blob: Blob, disk: ObservedDisk, os_type: str) -> Verdict:
    # The parsers take a fifth of a second to import, and most invocations do not need them.
    from shared.proof.verdict import judge  # noqa: PLC0415

    try:
        file = blob.disk(disk.size_gb)
        found = judge(file, os_type)
    except NoBytes as unread:
        raise unread.cause from None
    log.info(
        "disk read: %s says %s after %d ranges, %d bytes: %s",
        *(disk.id, found.proof, file.ranges, file.fetched, found.why),
    )
    return found
