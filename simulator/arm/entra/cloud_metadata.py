"""`/metadata/endpoints`: the endpoints of a cloud, for clients that know only ARM's.

The format depends on the api-version: first a flat object, then a list of clouds, since 2022-09-01
a single cloud.
"""

from aiohttp import web

from simulator.arm.core import errors
from simulator.arm.core.errors import Json

OLD, LIST, SINGLE = "2015-01-01", "2019-05-01", "2022-09-01"


def routes(tenant: str) -> list[web.RouteDef]:
    """Return the route, for a cloud with one tenant."""

    async def answer(request: web.Request) -> web.Response:
        version = request.query.get("api-version")
        if not version:
            raise errors.missing_api_version()
        return web.json_response(_form(version, f"https://{request.host}", tenant))

    return [web.get("/metadata/endpoints", answer)]


def _form(version: str, base: str, tenant: str) -> Json | list[Json]:
    if version < LIST:
        return _old(base)
    return _cloud(base, tenant) if version >= SINGLE else [_cloud(base, tenant)]


def _old(base: str) -> Json:
    return {
        "galleryEndpoint": base,
        "graphEndpoint": base,
        "portalEndpoint": base,
        "authentication": {"loginEndpoint": base, "audiences": _audiences(base)},
    }


def _audiences(base: str) -> list[str]:
    return [base, f"{base}/", "https://management.azure.com/"]


def _cloud(base: str, tenant: str) -> Json:
    host = base.removeprefix("https://")
    return {
        "portal": base,
        "authentication": {
            "loginEndpoint": base,
            "audiences": _audiences(base),
            "tenant": tenant,
            "identityProvider": "AAD",
        },
        "media": base,
        "graphAudience": base,
        "graph": base,
        "name": "Simulated",
        "suffixes": {
            "storage": host,
            "keyVaultDns": f"vault.{host}",
            "sqlServerHostname": f"database.{host}",
            "acrLoginServer": f"azurecr.{host}",
        },
        "batch": base,
        "resourceManager": base,
        "vmImageAliasDoc": f"{base}/aliases.json",
        "activeDirectoryDataLake": base,
        "sqlManagement": base,
        "microsoftGraphResourceId": base,
        "appInsightsResourceId": base,
        "appInsightsTelemetryChannelResourceId": base,
        "attestationResourceId": base,
        "synapseAnalyticsResourceId": base,
        "logAnalyticsResourceId": base,
        "ossrDbmsResourceId": base,
        "gallery": base,
    }
