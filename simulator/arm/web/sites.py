"""Function apps as stored by ARM: their properties, tags and app settings.

The running host is separate (`simulator/host`). Settings are read by a POST, because they contain
secrets: Reader does not have this action.
"""

from dataclasses import dataclass, field
from typing import ClassVar

from simulator.arm.core import ids
from simulator.arm.core.answer import Answer
from simulator.arm.core.call import Call, need, tags_in
from simulator.arm.core.errors import Json
from simulator.arm.core.resource import Resource
from simulator.arm.core.routing import Route


@dataclass(kw_only=True, eq=False)
class Site(Resource):
    """A function app as stored by ARM; its app settings include secrets."""

    settings: dict[str, str] = field(default_factory=dict)
    kind: ClassVar[str] = ids.SITES


def put_site(call: Call) -> Answer:
    """Create a function app, or replace its properties and tags; its app settings stay."""
    world, site_id = call.world, _id(call)
    world.need_group(site_id)
    location = ids.region_name(need(call.body, "location"))
    site = world.find(Site, site_id) or world.add(Site(id=site_id, location=location))
    site.properties, site.tags = call.body.get("properties") or {}, tags_in(call.body)
    return Answer(body=_head(site, site.id, site.name, Site.kind) | {"properties": site.properties})


def put_settings(call: Call) -> Answer:
    """Replace all app settings."""
    site = call.world.get(Site, _id(call))
    site.settings = dict(need(call.body, "properties"))
    return Answer(body=_settings(site))


def list_settings(call: Call) -> Answer:
    """Show all app settings."""
    return Answer(body=_settings(call.world.get(Site, _id(call))))


def _settings(site: Site) -> Json:
    head = _head(site, f"{site.id}/config/appsettings", "appsettings", f"{Site.kind}/config")
    return head | {"properties": site.settings}


def _head(site: Site, resource_id: str, name: str, kind: str) -> Json:
    return {
        "id": resource_id,
        "name": name,
        "type": kind,
        "location": site.location,
        "tags": site.tags,
    }


def _id(call: Call) -> str:
    return call.resource_id(Site.kind, "app")


_SITE = "/subscriptions/{subscription}/resourceGroups/{group}/providers/Microsoft.Web/sites/{app}"
ROUTES = (
    Route("PUT", _SITE, put_site),
    Route("PUT", f"{_SITE}/config/appsettings", put_settings),
    Route("POST", f"{_SITE}/config/appsettings/list", list_settings),
)
