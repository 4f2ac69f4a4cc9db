"""Was this OS disk generalized? A `Look` at a deallocated VM -> the disk's own `Verdict`.

Opens the disk, reads it, closes it. Raises `Transient` where that could not be done: another worker
may have closed it, and what could not be read is no verdict. Nor is what Azure does not allow, a
`Refusal` in its own words, which may be allowed an hour later; nor a server that does not answer,
`Unread`, which may need people to let the app through.
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
    """Return what the OS disk says of itself, or why it could not be asked."""
    disk = look.disk
    if disk is None or isinstance(disk, Missing):
        msg = f"the OS disk of {look.vm.ref.id} is not there to be read"
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
        return Refusal(f"its OS disk cannot be read: {refused.code}: {refused.message}")


def _read(blob: Blob, disk: ObservedDisk, os_type: str) -> Verdict:
    # Parsing disks is a fifth of a second of imports, which most wake-ups never need.
    from shared.proof.verdict import verdict  # noqa: PLC0415

    try:
        file = blob.disk(disk.size_gb)
        found = verdict(file, os_type)
    except NoBytes as unread:
        raise unread.cause from None
    log.info(
        "disk read: %s says %s after %d ranges, %d bytes: %s",
        *(disk.id, found.proof, file.ranges, file.fetched, found.why),
    )
    return found
