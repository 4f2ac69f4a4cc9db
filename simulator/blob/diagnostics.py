"""Serves a VM's screenshot and serial log, at the URLs of its boot diagnostics.

A real picture (PNG) and text; both show whether the guest started, and neither says more.
"""

import secrets
import struct
import zlib
from uuid import uuid4

from aiohttp import web

from simulator.arm.compute.boot_diagnostics import PREFIX, SCREENSHOT, Diagnostics
from simulator.arm.compute.records import Vm
from simulator.arm.entra.identity import Tokens
from simulator.blob import refusals
from simulator.blob.refusals import StorageError

WIDTH, HEIGHT = 320, 240
_BLACK, _GREY, _BLUE, _WHITE = (0, 0, 0), (168, 168, 168), (0, 78, 152), (255, 255, 255)

type Colour = tuple[int, int, int]
type Box = tuple[int, int, int, int, Colour]
"""Left, top, right, bottom in pixels, and the colour inside."""

_SIGN_IN: tuple[Box, ...] = ((120, 70, 200, 110, _WHITE), (90, 130, 230, 146, _GREY))
_STUCK: tuple[Box, ...] = ((8, 8, 180, 16, _GREY), (8, 24, 120, 32, _GREY), (8, 40, 16, 48, _WHITE))


class BootDiagnostics:
    """The screenshots and serial logs of all VMs."""

    def __init__(self, tokens: Tokens) -> None:
        self.tokens = tokens

    def routes(self) -> list[web.RouteDef]:
        """Return the routes."""
        return [web.get(f"{PREFIX}/{{vm}}/{{name}}", self._answer)]

    async def _answer(self, request: web.Request) -> web.Response:
        world = self.tokens.world
        try:
            opened = world.find(Diagnostics, request.path.rpartition("/")[0])
            if opened is None or world.find(Vm, opened.vm.id) is not opened.vm:
                raise refusals.not_found()
            if not secrets.compare_digest(request.query.get("sig", ""), opened.signature):
                raise refusals.not_signed()
            if opened.ends <= world.clock.now():
                raise refusals.out_of_time(opened.ends, opened.ends, world.clock.now())
        except StorageError as error:
            return refusals.response(error, str(uuid4()), world.clock.now(), request.method)
        if request.match_info["name"] == SCREENSHOT:
            return web.Response(body=screenshot(opened.vm), content_type="image/bmp")
        return web.Response(text=serial_log(opened.vm))


def screenshot(vm: Vm) -> bytes:
    """Return a PNG: a sign-in screen of a guest that runs, else a black screen with a cursor."""
    back, boxes = (_BLUE, _SIGN_IN) if vm.guest_runs else (_BLACK, _STUCK)
    rows = b"".join(b"\0" + _row(y, back, boxes) for y in range(HEIGHT))
    header = struct.pack(">IIBBBBB", WIDTH, HEIGHT, 8, 2, 0, 0, 0)
    parts = ((b"IHDR", header), (b"IDAT", zlib.compress(rows, 9)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(kind, data) for kind, data in parts)


def _row(y: int, back: Colour, boxes: tuple[Box, ...]) -> bytes:
    row = [bytes(back)] * WIDTH
    for left, top, right, bottom, colour in boxes:
        if top <= y < bottom:
            row[left:right] = [bytes(colour)] * (right - left)
    return b"".join(row)


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def serial_log(vm: Vm) -> str:
    """Return the serial console's log."""
    if vm.guest_runs:
        return f"{vm.name} login:\r\n"
    if vm.os_type == "Windows":
        return "BOOTMGR: the boot device is not accessible (0xc000000f)\r\n"
    return "dracut: FATAL: no root device found\r\ndracut: Refusing to continue\r\n"
