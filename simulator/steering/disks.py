"""Steering of disk reads: `/_sim/disk-reads`, `/_sim/disk-faults`.

Takes faults for them, and lists the reads so far. Bodies, answers and errors are as in the
steering of ARM.
"""

from aiohttp import web

from simulator.blob.server import Blobs
from simulator.steering.answers import Answerer, guarded, in_json


class DiskSteering:
    """The steering routes of the storage that serves disks."""

    def __init__(self, blobs: Blobs) -> None:
        self._blobs = blobs

    def routes(self) -> list[web.RouteDef]:
        """Return the routes."""
        table: list[tuple[str, str, Answerer]] = [
            ("GET", "/_sim/disk-reads", self._reads),
            ("DELETE", "/_sim/disk-reads", self._clear_reads),
            ("GET", "/_sim/disk-faults", self._faults),
            ("POST", "/_sim/disk-faults", self._add_fault),
            ("DELETE", "/_sim/disk-faults", self._clear_faults),
        ]
        return [web.route(method, path, guarded(answer)) for method, path, answer in table]

    async def _reads(self, request: web.Request) -> web.Response:
        after = int(request.query.get("after", "0"))
        found = self._blobs.reads.matching(disk=request.query.get("disk"), after=after)
        return in_json({"value": [read.body() for read in found]})

    async def _clear_reads(self, _: web.Request) -> web.Response:
        self._blobs.reads.clear()
        return in_json({})

    async def _faults(self, _: web.Request) -> web.Response:
        return in_json({"value": [fault.body() for fault in self._blobs.faults.all]})

    async def _add_fault(self, request: web.Request) -> web.Response:
        return in_json(self._blobs.faults.add(await request.json()).body(), 201)

    async def _clear_faults(self, _: web.Request) -> web.Response:
        self._blobs.faults.clear()
        return in_json({})
