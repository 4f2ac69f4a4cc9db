"""The contents of a disk, byte by byte.

Takes a disk, gives its contents as storage serves them: the guest's for an OS disk, zeros and a VHD
footer for any other. With Azure Disk Encryption an export gives ciphertext.
"""

from simulator.arm.compute.records import Disk, Sysprep
from simulator.arm.core.call import member
from simulator.contents.disk import Contents, Guest, contents

# The layouts of disks under Azure Disk Encryption: a BitLocker volume, or one of dm-crypt.
_ENCRYPTED = {"Windows": "windows-bitlocker", "Linux": "linux-luks"}


def contents_of(disk: Disk) -> Contents:
    """Return the disk's present contents."""
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
