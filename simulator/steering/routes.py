"""Steering: what Azure has no API for. VMs that exist at once, guest actions, time, faults, log.

Everything is under `/_sim/`, on the https port, without a token. The steering of Event Grid and of
disk reads is in other modules.
"""

from dataclasses import asdict
from datetime import datetime

from aiohttp import web

from simulator.arm.compute.guest_acts import GuestAct, let
from simulator.arm.compute.records import Image, Version, Vm
from simulator.arm.core import ids
from simulator.arm.core.resource import Group
from simulator.arm.core.world import CHOICES
from simulator.arm.front.pipeline import Pipeline
from simulator.blob.server import Blobs
from simulator.steering.answers import Answerer, guarded, in_json
from simulator.steering.vms import create_vm, hidden_facts


class Steering:
    """The steering routes of ARM; `reset` also clears Event Grid and blobs."""

    def __init__(self, pipeline: Pipeline, blobs: Blobs) -> None:
        self._pipeline, self._world, self._blobs = pipeline, pipeline.world, blobs

    def routes(self) -> list[web.RouteDef]:
        """Return the routes."""
        table: list[tuple[str, str, Answerer]] = [
            ("POST", "/_sim/vms", self._create_vm),
            ("GET", "/_sim/vms", self._list_vms),
            ("GET", "/_sim/vm", self._show_vm),
            ("POST", "/_sim/vm/guest", self._guest),
            ("GET", "/_sim/captures", self._captures),
            ("POST", "/_sim/groups", self._create_group),
            ("GET", "/_sim/clock", self._clock),
            ("PUT", "/_sim/clock", self._set_clock),
            ("POST", "/_sim/clock/advance", self._advance),
            ("GET", "/_sim/settings", self._settings),
            ("PATCH", "/_sim/settings", self._change_settings),
            ("GET", "/_sim/faults", self._list_faults),
            ("POST", "/_sim/faults", self._add_fault),
            ("DELETE", "/_sim/faults", self._clear_faults),
            ("GET", "/_sim/requests", self._requests),
            ("DELETE", "/_sim/requests", self._clear_requests),
            ("GET", "/_sim/differences", self._differences),
            ("DELETE", "/_sim/differences", self._clear_differences),
            ("GET", "/_sim/roles", self._roles),
            ("PUT", "/_sim/roles", self._set_roles),
            ("POST", "/_sim/reset", self._reset),
        ]
        return [web.route(method, path, guarded(answer)) for method, path, answer in table]

    async def _create_vm(self, request: web.Request) -> web.Response:
        vm = create_vm(self._world, await request.json())
        return in_json(hidden_facts(vm), 201)

    async def _list_vms(self, _: web.Request) -> web.Response:
        return in_json({"value": [hidden_facts(vm) for vm in self._world.of(Vm)]})

    async def _show_vm(self, request: web.Request) -> web.Response:
        return in_json(hidden_facts(self._vm(request.query["id"])))

    async def _guest(self, request: web.Request) -> web.Response:
        body = await request.json()
        vm = self._vm(body["id"])
        let(self._world, vm, GuestAct(body["act"]), body.get("why"))
        return in_json(hidden_facts(vm))

    async def _captures(self, _: web.Request) -> web.Response:
        images: list[Image | Version] = [*self._world.of(Image), *self._world.of(Version)]
        shown = [
            {"id": image.id, "state": image.provisioning, "tags": image.tags} | image.capture.body()
            for image in images
        ]
        return in_json({"value": shown})

    async def _create_group(self, request: web.Request) -> web.Response:
        body = await request.json()
        group_id = ids.group_id(self._world.subscription, body["name"])
        group = self._world.find(Group, group_id) or self._world.add(
            Group(id=group_id, location=ids.region_name(body.get("location", "westeurope")))
        )
        group.tags = body.get("tags", {})
        return in_json({"id": group.id})

    async def _clock(self, _: web.Request) -> web.Response:
        clock = self._world.clock
        return in_json({"now": clock.now().isoformat(), "speed": clock.speed})

    async def _set_clock(self, request: web.Request) -> web.Response:
        self._world.clock.set_speed(float((await request.json())["speed"]))
        return await self._clock(request)

    async def _advance(self, request: web.Request) -> web.Response:
        await self._world.clock.advance(float((await request.json())["seconds"]))
        return await self._clock(request)

    async def _settings(self, _: web.Request) -> web.Response:
        throttling = {"throttling": self._pipeline.throttling.enabled}
        return in_json(asdict(self._world.settings) | throttling)

    async def _change_settings(self, request: web.Request) -> web.Response:
        change = await request.json()
        settings = self._world.settings
        durations = {name: float(s) for name, s in change.pop("durations", {}).items()}
        unknown = set(durations) - set(settings.durations)
        unknown |= set(change) - {"page_size", "retry_after", "throttling", *CHOICES}
        words = {name: change[name] for name in CHOICES if name in change}
        unknown |= {f"{name}={word}" for name, word in words.items() if word not in CHOICES[name]}
        if unknown:
            msg = f"no such setting: {sorted(unknown)}"
            raise ValueError(msg)
        settings.durations |= durations
        self._pipeline.throttling.enabled = bool(
            change.pop("throttling", self._pipeline.throttling.enabled)
        )
        for name, value in change.items():
            setattr(settings, name, value)
        return await self._settings(request)

    async def _list_faults(self, _: web.Request) -> web.Response:
        return in_json({"value": [fault.body() for fault in self._pipeline.faults.all]})

    async def _add_fault(self, request: web.Request) -> web.Response:
        return in_json(self._pipeline.faults.add(await request.json()).body(), 201)

    async def _clear_faults(self, _: web.Request) -> web.Response:
        self._pipeline.faults.clear()
        return in_json({})

    async def _requests(self, request: web.Request) -> web.Response:
        query = request.query
        caller, since = query.get("caller"), query.get("since")
        logged = self._pipeline.log.matching(
            caller=self._pipeline.rbac.named(caller).app_id if caller else None,
            since=datetime.fromisoformat(since) if since else None,
            after=int(query.get("after", "0")),
        )
        return in_json({"value": [entry.body() for entry in logged]})

    async def _clear_requests(self, _: web.Request) -> web.Response:
        self._pipeline.log.clear()
        return in_json({})

    async def _differences(self, _: web.Request) -> web.Response:
        return in_json(dict(self._pipeline.bodies.differences))

    async def _clear_differences(self, _: web.Request) -> web.Response:
        self._pipeline.bodies.differences.clear()
        return in_json({})

    async def _roles(self, _: web.Request) -> web.Response:
        return in_json(self._pipeline.rbac.file)

    async def _set_roles(self, request: web.Request) -> web.Response:
        self._pipeline.rbac.replace(await request.json())
        return in_json({})

    async def _reset(self, _: web.Request) -> web.Response:
        """Empty the subscription; clear the appointments too, so that none falls due later."""
        pipeline = self._pipeline
        self._world.clock.clear()
        self._world.clear()
        self._world.grid.reset()
        pipeline.log.clear()
        pipeline.faults.clear()
        self._blobs.clear()
        pipeline.throttling.clear()
        pipeline.throttling.enabled = False
        pipeline.rbac.replace(pipeline.rbac.started_with)
        return in_json({})

    def _vm(self, vm_id: str) -> Vm:
        vm = self._world.find(Vm, vm_id)
        if vm is None:
            msg = f"there is no VM {vm_id}"
            raise KeyError(msg)
        return vm
