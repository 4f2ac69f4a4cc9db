"""The footer of a fixed VHD: the last 512 bytes of an exported disk.

Takes the disk's size and what makes it itself, gives the footer with its checksum. Source:
Microsoft's Virtual Hard Disk Image Format Specification. Numbers are big-endian.
"""

import struct
from uuid import NAMESPACE_URL, uuid5

LENGTH = 512
_FORM = ">8sIIQI4sI4sQQIII16sB"
_CHECKSUM_AT = 64
_FEATURES_RESERVED = 2
_VERSION_1 = 0x0001_0000
_FIXED = 2
_NOWHERE = 0xFFFF_FFFF_FFFF_FFFF
# Seconds since 2000: always the same, so that a disk's bytes depend on nothing but its guest.
_MADE = 833_630_400
_SECTOR = 512
_MOST_CYLINDERS, _MOST_HEADS, _MOST_SECTORS = 65535, 16, 255


def footer(size: int, of: str) -> bytes:
    """Return the footer of a disk of so many bytes, `of` telling it from others."""
    fields = struct.pack(
        _FORM,
        b"conectix",
        _FEATURES_RESERVED,
        _VERSION_1,
        _NOWHERE,
        _MADE,
        b"win ",
        0x000A_0000,
        b"Wi2k",
        size,
        size,
        geometry(size // _SECTOR),
        _FIXED,
        0,
        uuid5(NAMESPACE_URL, of).bytes,
        0,
    ).ljust(LENGTH, b"\0")
    checksum = ~sum(fields) & 0xFFFF_FFFF
    return fields[:_CHECKSUM_AT] + checksum.to_bytes(4) + fields[_CHECKSUM_AT + 4 :]


def geometry(sectors: int) -> int:
    """Return cylinders, heads and sectors a track in one number, counted as specified."""
    sectors = min(sectors, _MOST_CYLINDERS * _MOST_HEADS * _MOST_SECTORS)
    if sectors >= _MOST_CYLINDERS * _MOST_HEADS * 63:
        heads, per_track = _MOST_HEADS, _MOST_SECTORS
    else:
        heads, per_track = _small(sectors)
    return sectors // per_track // heads << 16 | heads << 8 | per_track


def _small(sectors: int) -> tuple[int, int]:
    heads, per_track = max((sectors // 17 + 1023) // 1024, 4), 17
    if sectors // 17 >= heads * 1024 or heads > _MOST_HEADS:
        heads, per_track = _MOST_HEADS, 31
    if sectors // per_track >= heads * 1024:
        heads, per_track = _MOST_HEADS, 63
    return heads, per_track
