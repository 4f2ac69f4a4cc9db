"""The README's tables of routes match the routes that are served."""

import re
from pathlib import Path

from aiohttp import web

from simulator.clock import Clock
from simulator.eventgrid.grid import EventGrid
from simulator.steering.events import EventSteering
from tests.simulator.eventgrid_fixtures import SUBSCRIPTION, TENANT

README = Path(__file__).parents[2] / "simulator/eventgrid/README.md"
GROUP = "/subscriptions/{subscription}/resourceGroups/{group}/providers/Microsoft.EventGrid"


def _documented() -> set[tuple[str, str]]:
    rows = re.findall(r"^\| `([^`]+)` \| ([A-Z, ]+) \|", README.read_text(), re.MULTILINE)
    return {
        (method, path.replace("../", f"{GROUP}/"))
        for path, methods in rows
        for method in methods.split(", ")
    }


def _served() -> set[tuple[str, str]]:
    grid = EventGrid(Clock(speed=0), subscription_id=SUBSCRIPTION, tenant_id=TENANT)
    served = [*grid.routes(), *EventSteering(grid).routes()]
    routes = [route for route in served if isinstance(route, web.RouteDef)]
    return {(r.method, re.sub(r"\{_\d+:\(\?i:([^)]+)\)\}", _literal, r.path)) for r in routes}


def _literal(found: re.Match[str]) -> str:
    return found[1].replace("\\", "")


def test_the_readme_lists_every_route_and_no_other() -> None:
    """Fails for an undocumented route, or a documented route that no longer exists."""
    assert _documented() == _served()
