"""An account with append blobs: containers, blobs, appended blocks and leases, over https.

Takes requests as an app sends them with its own identity, path-style: `/{account}/{container}/..`;
refuses as storage does. What roles grant on blobs is not simulated: each principal may do all.
Source: https://learn.microsoft.com/rest/api/storageservices/append-block
"""

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import format_datetime
from uuid import uuid4

from aiohttp import web

from simulator.arm.core.errors import ArmError
from simulator.arm.entra.identity import Tokens
from simulator.blob import refusals
from simulator.blob.refusals import StorageError

ACCOUNT = "ledger-account"
AUDIENCES = ("https://storage.azure.com",)
BLOCKS = 50_000
"""The most blocks of an append blob."""

_BYTES = "application/octet-stream"
_NAME = re.compile(r"[a-z0-9](?:-?[a-z0-9]){2,62}")
_CONTAINER = f"/{ACCOUNT}/{{container}}"
_BLOB = f"{_CONTAINER}/{{blob}}"

type Handler = Callable[[web.Request], Awaitable[web.Response]]


@dataclass(slots=True)
class Blob:
    """A blob; `lease` is the id of the active lease."""

    kind: str
    changed: datetime
    content: bytearray = field(default_factory=bytearray)
    blocks: int = 0
    lease: str | None = None
    content_type: str = _BYTES


class AppendBlobs:
    """The containers of one account."""

    def __init__(self, tokens: Tokens) -> None:
        self.tokens = tokens
        self.most_blocks = BLOCKS
        self.containers: dict[str, dict[str, Blob]] = {}

    def routes(self) -> list[web.RouteDef]:
        """Return the routes."""
        return [
            web.put(_CONTAINER, self._answering(self._create_container)),
            web.put(_BLOB, self._answering(self._put)),
            web.get(_BLOB, self._answering(self._get)),
            web.delete(_BLOB, self._answering(self._delete)),
        ]

    def clear(self) -> None:
        """Delete all containers."""
        self.containers.clear()
        self.most_blocks = BLOCKS

    def _answering(self, handler: Handler) -> Handler:
        async def answer(request: web.Request) -> web.Response:
            try:
                self._check_caller(request)
                return await handler(request)
            except StorageError as error:
                now = self.tokens.world.clock.now()
                return refusals.response(error, str(uuid4()), now, request.method)

        return answer

    def _check_caller(self, request: web.Request) -> None:
        header = request.headers.get("Authorization")
        if not header:
            authority = f"https://{request.host}/{self.tokens.world.tenant}/oauth2/authorize"
            raise refusals.no_token(authority)
        try:
            self.tokens.reader(header, AUDIENCES)
        except ArmError as error:
            raise refusals.bad_token(error.message) from error

    async def _create_container(self, request: web.Request) -> web.Response:
        name = request.match_info["container"]
        if not _NAME.fullmatch(name):
            raise refusals.bad_name()
        if name in self.containers:
            raise refusals.container_exists()
        self.containers[name] = {}
        return web.Response(status=201)

    async def _put(self, request: web.Request) -> web.Response:
        match request.query.get("comp"):
            case "appendblock":
                return await self._append(request)
            case "lease":
                return self._lease(request)
            case _:
                return await self._create(request)

    async def _create(self, request: web.Request) -> web.Response:
        blobs = self._blobs(request)
        name = request.match_info["blob"]
        if name in blobs and request.headers.get("If-None-Match") == "*":
            raise refusals.blob_exists()
        if name in blobs:
            _check_lease(blobs[name], request)
        kind = request.headers.get("x-ms-blob-type", "")
        content = await request.read()
        blobs[name] = Blob(
            kind,
            self.tokens.world.clock.now(),
            bytearray(content if kind == "BlockBlob" else b""),
            content_type=request.headers.get("x-ms-blob-content-type", _BYTES),
        )
        return web.Response(status=201)

    async def _append(self, request: web.Request) -> web.Response:
        blob = self._blob(request)
        if blob.kind != "AppendBlob":
            raise refusals.other_type()
        _check_lease(blob, request)
        if blob.blocks >= self.most_blocks:
            raise refusals.too_many_blocks()
        blob.content += await request.read()
        blob.blocks += 1
        blob.changed = self.tokens.world.clock.now()
        return web.Response(status=201)

    def _lease(self, request: web.Request) -> web.Response:
        blob = self._blob(request)
        acquired = request.headers.get("x-ms-lease-action") == "acquire"
        blob.lease = str(uuid4()) if acquired else None
        headers = {"x-ms-lease-id": blob.lease} if blob.lease else {}
        return web.Response(status=201 if acquired else 200, headers=headers)

    async def _get(self, request: web.Request) -> web.Response:
        blob = self._blob(request)
        changed = format_datetime(blob.changed.astimezone(UTC), usegmt=True)
        headers = {"Last-Modified": changed, "x-ms-blob-type": blob.kind}
        headers |= {"Content-Type": blob.content_type}
        return web.Response(body=bytes(blob.content), headers=headers)

    async def _delete(self, request: web.Request) -> web.Response:
        _check_lease(self._blob(request), request)
        del self._blobs(request)[request.match_info["blob"]]
        return web.Response(status=202)

    def _blobs(self, request: web.Request) -> dict[str, Blob]:
        if not _NAME.fullmatch(request.match_info["container"]):
            raise refusals.bad_name()
        blobs = self.containers.get(request.match_info["container"])
        if blobs is None:
            raise refusals.no_container()
        return blobs

    def _blob(self, request: web.Request) -> Blob:
        blob = self._blobs(request).get(request.match_info["blob"])
        if blob is None:
            raise refusals.not_found()
        return blob


def _check_lease(blob: Blob, request: web.Request) -> None:
    if blob.lease and request.headers.get("x-ms-lease-id") != blob.lease:
        raise refusals.leased()
