"""Serves disks: GET and HEAD of the URL that beginGetAccess returns.

Takes requests for a blob's bytes, by range or whole, gives them as storage serves a page blob, and
logs what was sent. On the https port of ARM, because the simulator has only one.
"""

import asyncio
import hashlib
import time
from datetime import UTC, datetime
from email.utils import format_datetime
from uuid import uuid4

from aiohttp import web

from simulator.arm.compute.disk_access import STORAGE_VERSION
from simulator.arm.compute.disk_contents import contents_of
from simulator.arm.compute.records import Access, Disk
from simulator.arm.core.errors import ArmError, not_simulated
from simulator.arm.entra.identity import Tokens
from simulator.arm.front.envelope import plain
from simulator.blob import refusals
from simulator.blob.admission import check_caller, check_signature
from simulator.blob.append import AppendBlobs
from simulator.blob.diagnostics import BootDiagnostics
from simulator.blob.faults import Fault, Faults
from simulator.blob.ranges import Span, asked_range, span_of
from simulator.blob.reads import Read, Reads
from simulator.blob.refusals import StorageError
from simulator.contents.disk import Contents

PATH = r"/{account:md-[a-z0-9]+}/{container:[a-z0-9]+}/abcd"
# The bytes sent at once: normally, and with the fault `drip`.
_PIECE, _DROP = 1024 * 1024, 4096
_BEYOND = (
    "If-None-Match", "If-Modified-Since", "If-Unmodified-Since",
    "x-ms-range-get-content-md5", "x-ms-range-get-content-crc64",
)  # fmt: skip


class Blobs:
    """All disks that are open to be read, with their log and faults; and the append blobs."""

    def __init__(self, tokens: Tokens) -> None:
        self.tokens, self.reads, self.faults = tokens, Reads(), Faults()
        self.append = AppendBlobs(tokens)
        self.diagnostics = BootDiagnostics(tokens)

    def routes(self) -> list[web.RouteDef]:
        """Give the routes."""
        disks = [web.get(PATH, self._answer, allow_head=False), web.head(PATH, self._answer)]
        return [*disks, *self.append.routes(), *self.diagnostics.routes()]

    def clear(self) -> None:
        """Forget the log, end the faults, delete the append blobs."""
        self.append.clear()
        self.reads.clear()
        self.faults.clear()

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        begun = time.perf_counter()
        read = self._noted(request)
        try:
            return await self._served(request, read)
        except StorageError as error:
            read.status, read.code = error.status, error.code
            now = self.tokens.world.clock.now()
            return refusals.response(error, str(uuid4()), now, request.method)
        except ArmError as error:
            read.status, read.code = error.status, error.code
            return plain(error)
        finally:
            read.milliseconds = round((time.perf_counter() - begun) * 1000, 3)

    async def _served(self, request: web.Request, read: Read) -> web.StreamResponse:
        access = self._access(request)
        read.disk = access.disk.id
        fault = self.faults.strike(access.disk.id)
        if fault and fault.latency:
            await asyncio.sleep(fault.latency)
        if fault and fault.error:
            raise fault.error
        check_signature(request, access, self.tokens)
        read.caller = check_caller(request, access.disk, self.tokens)
        _check_simulated(request)
        contents = contents_of(access.disk)
        if request.headers.get("If-Match", _etag(access.disk)) not in ("*", _etag(access.disk)):
            raise refusals.changed()
        span = span_of(request.headers, contents.size)
        read.status = 206 if span else 200
        if fault and fault.drop and request.transport:
            request.transport.abort()
            return web.Response(status=read.status)
        response = _begun(request, access.disk, contents.size, span, fault)
        await _send(request, response, contents, span or Span(0, contents.size), read, fault)
        return response

    def _access(self, request: web.Request) -> Access:
        """Return the access at a path; 404 if there is none or its disk was deleted."""
        world = self.tokens.world
        access = world.find(Access, request.path)
        if access is None or world.find(Disk, access.disk.id) is not access.disk:
            raise refusals.not_found()
        return access

    def _noted(self, request: web.Request) -> Read:
        asked = asked_range(request.headers)
        read = Read(
            number=self.reads.next_number(),
            at=self.tokens.world.clock.now(),
            method=request.method,
            range=asked[1] if asked else None,
        )
        self.reads.add(read)
        return read


def _check_simulated(request: web.Request) -> None:
    beyond = [name for name in _BEYOND if name in request.headers]
    beyond += [name for name in ("comp", "snapshot") if name in request.query]
    if beyond:
        what = f"reading a disk with {', '.join(beyond)}"
        raise not_simulated(what)


def _begun(
    request: web.Request, disk: Disk, size: int, span: Span | None, fault: Fault | None
) -> web.StreamResponse:
    """Return a response without its body."""
    reported = fault.size if fault and fault.size is not None else size
    length = span.length if span else reported
    response = web.StreamResponse(status=206 if span else 200, headers=_headers(request, disk))
    response.content_length = max(0, length - (fault.short if fault else 0))
    if span:
        last = span.start + span.length - 1
        response.headers["Content-Range"] = f"bytes {span.start}-{last}/{reported}"
    return response


def _headers(request: web.Request, disk: Disk) -> dict[str, str]:
    headers = {
        "Content-Type": "application/octet-stream",
        "Accept-Ranges": "bytes",
        "ETag": _etag(disk),
        "Last-Modified": format_datetime(_changed(disk), usegmt=True),
        "Server": "Windows-Azure-Blob/1.0 Microsoft-HTTPAPI/2.0",
        "x-ms-request-id": str(uuid4()),
        "x-ms-version": request.headers.get("x-ms-version", STORAGE_VERSION),
        "x-ms-blob-type": "PageBlob",
        "x-ms-blob-sequence-number": "0",
        "x-ms-lease-status": "unlocked",
        "x-ms-lease-state": "available",
        "x-ms-server-encrypted": "true",
    }
    asked = request.headers.get("x-ms-client-request-id")
    return headers | ({"x-ms-client-request-id": asked} if asked else {})


async def _send(  # noqa: PLR0913, PLR0917 request, response, contents, log, fault
    request: web.Request,
    response: web.StreamResponse,
    contents: Contents,
    span: Span,
    read: Read,
    fault: Fault | None,
) -> None:
    """Send the bytes in pieces, logging each first; close the connection if some are missing."""
    await response.prepare(request)
    if request.method == "HEAD":
        return
    drip = fault.drip if fault else 0.0
    end = span.start + min(span.length, response.content_length or 0)
    if fault and fault.cut is not None:
        end = min(end, span.start + fault.cut)
    at = span.start
    while at < end:
        await asyncio.sleep(drip)
        piece = contents.read(at, min(_DROP if drip else _PIECE, end - at))
        at += len(piece)
        read.sent += len(piece)
        await response.write(piece)
    if at < span.start + (response.content_length or 0) and request.transport:
        request.transport.close()


def _etag(disk: Disk) -> str:
    """Return an ETag that changes whenever the disk's contents may have changed."""
    seen = f"{disk.id} {_changed(disk).isoformat()}"
    return f'"0x8D{hashlib.sha256(seen.encode()).hexdigest()[:13].upper()}"'


def _changed(disk: Disk) -> datetime:
    """Return when a VM last could write to the disk: its ownership time, or its creation."""
    return (disk.moved or disk.created).astimezone(UTC)
