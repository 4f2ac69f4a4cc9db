"""The two web applications: ARM, Entra and steering over https, managed identities over http."""

from typing import NoReturn

from aiohttp import web
from cryptography.hazmat.primitives.asymmetric import rsa

from simulator.arm.core.errors import Json, not_simulated
from simulator.arm.core.rbac import Rbac
from simulator.arm.core.routing import Routes
from simulator.arm.core.world import World
from simulator.arm.entra import cloud_metadata
from simulator.arm.entra.entra import Entra
from simulator.arm.entra.identity import ManagedIdentity, Tokens
from simulator.arm.front.pipeline import Pipeline
from simulator.arm.routes import ROUTES
from simulator.blob.server import Blobs
from simulator.clock import Clock
from simulator.eventgrid.grid import EventGrid
from simulator.prices import server as price_list
from simulator.steering.disks import DiskSteering
from simulator.steering.events import EventSteering
from simulator.steering.routes import Steering

# An ARM request body may be 4 MB.
MAX_BODY = 4 * 1024 * 1024


class Arm:
    """The ARM side of the simulator, put together."""

    def __init__(  # noqa: PLR0913, PLR0917 the parts of a subscription
        self,
        clock: Clock,
        grid: EventGrid,
        roles: Json,
        key: rsa.RSAPrivateKey,
        subscription: str,
        tenant: str,
        *,
        check_answers: bool = False,
    ) -> None:
        self.world = World(clock, grid, subscription=subscription, tenant=tenant)
        self.rbac = Rbac(subscription, roles)
        self.tokens = Tokens(self.world, self.rbac, key)
        self.pipeline = Pipeline(
            self.world, self.rbac, self.tokens, Routes(ROUTES), check_answers=check_answers
        )
        self.blobs = Blobs(self.tokens)
        grid.authorize = self.pipeline.may_publish

    def app(self) -> web.Application:
        """Make the https application."""
        app = web.Application(middlewares=[self.pipeline.middleware], client_max_size=MAX_BODY)
        app.add_routes(Steering(self.pipeline, self.blobs).routes())
        app.add_routes(DiskSteering(self.blobs).routes())
        app.add_routes(EventSteering(self.world.grid).routes())
        app.add_routes(self.world.grid.routes())
        app.add_routes(self.blobs.routes())
        app.add_routes(cloud_metadata.routes(self.world.tenant))
        app.add_routes(price_list.routes(self.pipeline))
        app.add_routes(Entra(self.tokens).routes())
        app.router.add_route("*", "/{anything:.*}", _nothing_here)
        return app

    def identity_app(self) -> web.Application:
        """Make the plain-http application of the identity endpoints."""
        app = web.Application()
        app.add_routes(ManagedIdentity(self.tokens).routes())
        return app


async def _nothing_here(request: web.Request) -> NoReturn:
    msg = f"{request.method} {request.path}"
    raise not_simulated(msg)
