"""Was this OS disk generalized? A `Look` at a deallocated VM -> the disk's own `Verdict`.

Stillframe cannot read disks yet, so the verdict is "cannot tell", and with `PROOF=required` nothing
is generalized on it.
"""

from shared.model import Look, Missing, Proof, Verdict


def examine(look: Look) -> Verdict:
    """Return what the OS disk says of itself."""
    disk = look.disk
    instant = None if disk is None or isinstance(disk, Missing) else disk.released
    return Verdict(Proof.CANNOT_TELL, "its disk cannot be read yet", instant)
