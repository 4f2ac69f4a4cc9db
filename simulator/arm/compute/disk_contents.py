"""What a disk holds, byte by byte.

Takes a disk, gives its contents as storage serves them: those of its guest for an OS disk, nothing
but a footer for any other. Azure Disk Encryption leaves ciphertext, which is what an export gives.
"""

from simulator.arm.compute.records import Disk, Sysprep
from simulator.arm.core.call import member
from simulator.contents.disk import Contents, Guest, contents

# What Azure Disk Encryption makes of a disk: BitLocker's volume, or one of dm-crypt.
_ENCRYPTED = {"Windows": "windows-bitlocker", "Linux": "linux-luks"}


def contents_of(disk: Disk) -> Contents:
    """Return what a disk holds now."""
    generation = str(disk.properties.get("hyperVGeneration", "V1"))
    if disk.os_type not in _ENCRYPTED:
        return contents(Guest("Linux", generation, disk.size_gb, Sysprep.NEVER, layout="blank"))
    encrypted = member(disk.properties, "encryptionSettingsCollection", "enabled")
    guest = Guest(
        os_type=disk.os_type,
        generation=generation,
        size_gb=disk.size_gb,
        sysprep=disk.sysprep,
        why=disk.sysprep_error,
        layout=disk.layout or (_ENCRYPTED[disk.os_type] if encrypted else None),
    )
    return contents(guest)
