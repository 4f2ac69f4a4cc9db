"""The simulator's README matches its routes, settings and acts."""

import re
from pathlib import Path

from aiohttp import web

from simulator.arm.compute.guest_acts import GuestAct
from simulator.arm.core.world import CHOICES, DURATIONS
from simulator.arm.entra.cloud_metadata import routes as cloud_routes
from simulator.arm.entra.entra import Entra
from simulator.arm.entra.identity import ManagedIdentity
from simulator.arm.routes import ROUTES
from simulator.prices.server import routes as price_routes
from simulator.simulator import Simulator
from simulator.steering.disks import DiskSteering
from simulator.steering.routes import Steering
from simulator.steering.vms import DEFAULTS

README = (Path(__file__).parents[2] / "simulator" / "README.md").read_text()
ROW = re.compile(r"^\| ((?:[A-Z]+(?:, )?)+) \| `([^`]+)` \|", re.MULTILINE)


def plain(route: web.RouteDef) -> tuple[str, str]:
    """Return method and path, without the pattern of a name in the path."""
    return route.method, re.sub(r"\{(\w+):.*?\}(?=/)", r"{\1}", route.path)


def test_every_route_is_listed_and_nothing_else(sim: Simulator) -> None:
    """The table of routes matches the server's, method by method."""
    listed = {
        (method, path) for methods, path in ROW.findall(README) for method in methods.split(", ")
    }
    arm = sim.arm
    own = [
        *Steering(arm.pipeline, arm.blobs).routes(),
        *DiskSteering(arm.blobs).routes(),
        *arm.blobs.routes(),
        *ManagedIdentity(arm.tokens).routes(),
        *Entra(arm.tokens).routes(),
        *cloud_routes(sim.tenant_id),
        *price_routes(arm.pipeline),
    ]
    served = {(route.method, route.template) for route in ROUTES} | {plain(route) for route in own}
    assert listed == served


def test_every_word_of_steering_is_explained() -> None:
    """Durations, settings, guests' acts and the settings of a VM are all in the README."""
    for word in (*DURATIONS, *GuestAct, *DEFAULTS, *CHOICES):
        assert f"`{word}`" in README, word
