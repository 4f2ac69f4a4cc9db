"""A screenshot as Azure gives it -> a small PNG for the report, or nothing.

Pure. Azure's screenshots are bitmaps (BMP) of some MB, uncompressed, with 24 or 32 bits a pixel:
they are made smaller by leaving pixels out. A PNG is taken as it is, if it is small enough. Other
formats, and whatever is malformed, give nothing: then the report names where the screenshot is.
Source: https://learn.microsoft.com/windows/win32/api/wingdi/ns-wingdi-bitmapinfoheader
"""

import struct
import zlib

LARGEST = 20_000
"""Bytes of a thumbnail."""

_PNG = b"\x89PNG\r\n\x1a\n"
_SIZES = ((320, 3), (240, 1), (160, 1))
"""Widths and channels, tried in this order until the picture is small enough."""

_SIDE = 8192
"""The longest side of a screenshot that is read, in pixels."""


def thumbnail(picture: bytes) -> bytes:
    """Return a PNG of at most `LARGEST` bytes; empty if the picture gives none."""
    if picture.startswith(_PNG):
        return picture if len(picture) <= LARGEST else b""
    try:
        tries = (_smaller(picture, width, channels) for width, channels in _SIZES)
        return next((png for png in tries if len(png) <= LARGEST), b"")
    except (struct.error, ValueError):
        return b""


def _smaller(bitmap: bytes, width: int, channels: int) -> bytes:
    """Return a bitmap as a PNG of about that width; 1 channel is grey."""
    start, across, down, bits = _header(bitmap)
    step, pixel = max(1, -(-across // width)), bits // 8
    stride = -(-across * pixel // 4) * 4
    rows = []
    for y in range(0, abs(down), step):
        from_top = y if down < 0 else abs(down) - 1 - y
        begins = start + from_top * stride
        line = bitmap[begins : begins + across * pixel]
        blue, green, red = (line[channel :: pixel * step] for channel in range(3))
        if len(blue) != -(-across // step):
            msg = "the bitmap is cut"
            raise ValueError(msg)
        row = bytearray(len(blue) * channels)
        if channels == 1:
            row[:] = green
        else:
            row[0::3], row[1::3], row[2::3] = red, green, blue
        rows.append(b"\0" + bytes(row))
    return _png(rows, channels)


def _header(bitmap: bytes) -> tuple[int, int, int, int]:
    """Return where the pixels start, width, height (below 0 if from the top), bits a pixel."""
    magic, start, across, down, planes, bits, packed = struct.unpack_from("<2s8xI4xiiHHI", bitmap)
    good = magic == b"BM" and planes == 1 and bits in (24, 32) and packed in (0, 3)
    if not good or not 0 < across <= _SIDE or not 0 < abs(down) <= _SIDE:
        msg = "no bitmap that is read here"
        raise ValueError(msg)
    return start, across, down, bits


def _png(rows: list[bytes], channels: int) -> bytes:
    width = (len(rows[0]) - 1) // channels
    header = struct.pack(">IIBBBBB", width, len(rows), 8, 2 if channels == 3 else 0, 0, 0, 0)  # noqa: PLR2004 RGB
    parts = ((b"IHDR", header), (b"IDAT", zlib.compress(b"".join(rows), 9)), (b"IEND", b""))
    return _PNG + b"".join(_chunk(kind, data) for kind, data in parts)


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
