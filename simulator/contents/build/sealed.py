"""Disks that cannot be read without a key, and empty disks.

Takes an image, its size and generation, makes the disk. Encrypted content is noise, after only
what identifies it: a boot sector's signature, a header's first fields.
"""

import random
import struct
from pathlib import Path
from uuid import UUID

from simulator.contents.build import partitions
from simulator.contents.build.partitions import MIB, Places, Wanted, partitioned
from simulator.contents.build.tools import empty

_NOISE = 64 * 1024
_BITLOCKER = b"-FVE-FS-"
_BITLOCKER_ID = UUID("4967d63b-2e29-4ad8-8399-f6a339e3d001")
# Where the three copies of what BitLocker keeps of a volume begin.
_METADATA = (32 * MIB, 64 * MIB, 96 * MIB)
_EFI = Wanted("EFI", partitions.ESP, 100)
_BOOT = Wanted("boot", partitions.LINUX_DATA, 500)


def blank(image: Path, size_gb: int, generation: str) -> Places:
    """Make a disk that was never written to."""
    del size_gb, generation  # zeros have neither
    empty(image, MIB)
    return {}


def bitlocker(image: Path, size_gb: int, generation: str) -> Places:
    """Make a disk whose Windows volume is encrypted by BitLocker."""
    if generation == "V2":
        wanted = (_EFI, Wanted("Windows", partitions.WINDOWS_DATA, None))
        places = partitioned(image, size_gb, "gpt", wanted)
    else:
        reserved = Wanted("System Reserved", partitions.MBR_NTFS, 500, active=True)
        wanted = (reserved, Wanted("Windows", partitions.MBR_NTFS, None))
        places = partitioned(image, size_gb, "dos", wanted)
    sector = struct.pack("<3s8sHBH", b"\xeb\x58\x90", _BITLOCKER, 512, 8, 0).ljust(160, b"\0")
    sector += struct.pack("<16sQQQ", _BITLOCKER_ID.bytes_le, *_METADATA)
    start = places["Windows"].start
    _write(image, start, sector.ljust(510, b"\0") + b"\x55\xaa")
    for at in _METADATA:
        _write(image, start + at, struct.pack("<8sHH", _BITLOCKER, 64, 2))
    return places


def luks(image: Path, size_gb: int, generation: str) -> Places:
    """Make a disk whose root is encrypted by LUKS, version 1."""
    del generation  # the partitions are those of a GPT
    wanted = (_EFI, _BOOT, Wanted("root", partitions.LINUX_DATA, None))
    places = partitioned(image, size_gb, "gpt", wanted)
    names = (b"aes", b"xts-plain64", b"sha256")
    header = struct.pack(">6sH32s32s32sII", b"LUKS\xba\xbe", 1, *names, 4096, 64)
    _write(image, places["root"].start, header.ljust(592, b"\0"))
    return places


def _write(image: Path, start: int, head: bytes) -> None:
    noise = random.Random("sealed").randbytes(_NOISE)  # noqa: S311 it has to be the same each time
    with image.open("r+b") as file:
        file.seek(start)
        file.write(head + noise[len(head) :])
