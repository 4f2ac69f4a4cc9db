"""Screenshots: Azure's bitmaps become small PNGs; anything else becomes nothing, never an error."""

import random
import struct
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.page.thumbnail import LARGEST, thumbnail

BLUE, GREEN, RED = (200, 20, 10), (10, 220, 30), (5, 15, 240)
"""As a bitmap has them: blue, green, red."""


def bitmap(
    rows: list[list[tuple[int, int, int]]], *, bits: int = 24, from_top: bool = False
) -> bytes:
    """Return a bitmap as Windows writes it: from the bottom, each row a multiple of 4 bytes."""
    extra = b"\xff" * (bits // 8 - 3)
    lines = [b"".join(bytes(pixel) + extra for pixel in row) for row in rows]
    padded = [line + b"\0" * (-len(line) % 4) for line in lines]
    body = b"".join(padded if from_top else reversed(padded))
    height = -len(rows) if from_top else len(rows)
    head = struct.pack("<IiiHHIIiiII", 40, len(rows[0]), height, 1, bits, 0, 0, 0, 0, 0, 0)
    return b"BM" + struct.pack("<IHHI", 54 + len(body), 0, 0, 54) + head + body


def pixels(png: bytes) -> list[list[tuple[int, ...]]]:
    """Return the pixels of a PNG without filters."""
    width, height, _, colour = struct.unpack_from(">IIBB", png, 16)
    channels = 3 if colour == 2 else 1
    packed = png[png.index(b"IDAT") + 4 : png.index(b"IEND") - 8]
    raw = zlib.decompress(packed)
    stride = width * channels + 1
    rows = [raw[at * stride + 1 : (at + 1) * stride] for at in range(height)]
    return [[tuple(row[at : at + channels]) for at in range(0, len(row), channels)] for row in rows]


@pytest.mark.parametrize("bits", [24, 32])
@pytest.mark.parametrize("from_top", [False, True])
def test_a_small_bitmap_keeps_every_pixel(bits: int, *, from_top: bool) -> None:
    """In its place, red, green and blue; rows are padded, and may be upside down."""
    rows = [[BLUE, GREEN, RED], [RED, RED, BLUE]]
    found = pixels(thumbnail(bitmap(rows, bits=bits, from_top=from_top)))
    assert found == [[pixel[::-1] for pixel in row] for row in rows]


def test_a_large_one_is_made_small() -> None:
    """Azure's are 1024 pixels wide; the picture keeps its shape."""
    small = thumbnail(bitmap([[BLUE] * 1024] * 768))
    found = pixels(small)
    assert len(small) <= LARGEST
    assert (len(found[0]), len(found)) == (256, 192)


def test_a_picture_with_much_in_it_becomes_grey_and_smaller_or_nothing() -> None:
    """Noise cannot be packed: its size decides, not its shape."""
    noise = random.Random(1)  # noqa: S311 no secret
    loud = [[tuple(noise.randbytes(3)) for _ in range(640)] for _ in range(480)]
    assert len(thumbnail(bitmap(loud))) <= LARGEST  # type: ignore[arg-type]


def test_a_png_is_taken_as_it_is_or_not_at_all() -> None:
    """By its size alone."""
    small = b"\x89PNG\r\n\x1a\n" + b"x" * 100
    assert (thumbnail(small), thumbnail(small + b"x" * LARGEST)) == (small, b"")


@given(st.binary(max_size=200), st.integers(0, 200))
def test_rubbish_is_nothing(rubbish: bytes, cut: int) -> None:
    """Cut, of another format, with any header."""
    whole = bitmap([[BLUE] * 8] * 8)
    for picture in (rubbish, b"BM" + rubbish, whole[:cut], whole[:cut] + rubbish):
        found = thumbnail(picture)
        assert not found or (len(found) <= LARGEST and found.startswith(b"\x89PNG"))
