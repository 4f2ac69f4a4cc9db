"""Entra for service principals: discovery and client credentials, over https.

For the Azure CLI (`az login --service-principal`), Terraform and other clients without managed
identity. Users, device codes and refresh tokens are not simulated.
"""

from typing import TYPE_CHECKING

from aiohttp import web

from simulator.arm.core import ids
from simulator.arm.core.rbac import Principal
from simulator.arm.entra.identity import Tokens

if TYPE_CHECKING:
    from simulator.arm.core.errors import Json

_TENANT = "/{tenant:[^/_][^/]*}"


class Entra:
    """The routes of the authority."""

    def __init__(self, tokens: Tokens) -> None:
        self._tokens = tokens

    def routes(self) -> list[web.RouteDef]:
        """Return the routes."""
        well_known = ".well-known/openid-configuration"
        return [
            web.get("/common/discovery/instance", self._instance),
            web.get(f"{_TENANT}/{well_known}", self._configuration),
            web.get(f"{_TENANT}/v2.0/{well_known}", self._configuration),
            web.get(f"{_TENANT}/discovery/v2.0/keys", self._keys),
            web.post(f"{_TENANT}/oauth2/v2.0/token", self._token),
            web.post(f"{_TENANT}/oauth2/token", self._token),
        ]

    async def _instance(self, request: web.Request) -> web.Response:
        tenant = f"https://{request.host}/{self._tokens.world.tenant}"
        clouds = [{"preferred_network": request.host, "preferred_cache": request.host}]
        body: Json = {
            "tenant_discovery_endpoint": f"{tenant}/v2.0/.well-known/openid-configuration",
            "api-version": "1.1",
            "metadata": [clouds[0] | {"aliases": [request.host]}],
        }
        return web.json_response(body)

    async def _configuration(self, request: web.Request) -> web.Response:
        tenant = request.match_info["tenant"]
        if not self._knows(tenant):
            message = f"AADSTS90002: Tenant '{tenant}' not found."
            return _refused(400, "invalid_tenant", message)
        base = f"https://{request.host}/{self._tokens.world.tenant}"
        version = "/v2.0" if "/v2.0/" in request.path else ""
        body: Json = {
            "token_endpoint": f"{base}/oauth2{version}/token",
            "token_endpoint_auth_methods_supported": ["client_secret_post", "client_secret_basic"],
            "jwks_uri": f"{base}/discovery/v2.0/keys",
            "issuer": f"https://sts.windows.net/{self._tokens.world.tenant}/",
            "authorization_endpoint": f"{base}/oauth2{version}/authorize",
            "device_authorization_endpoint": f"{base}/oauth2{version}/devicecode",
            "response_types_supported": ["code", "token"],
            "subject_types_supported": ["pairwise"],
            "id_token_signing_alg_values_supported": ["RS256"],
            "tenant_region_scope": "EU",
            "cloud_instance_name": request.host,
        }
        return web.json_response(body)

    async def _keys(self, _: web.Request) -> web.Response:
        return web.json_response(self._tokens.public_keys())

    async def _token(self, request: web.Request) -> web.Response:
        form = await request.post()
        if form.get("grant_type") != "client_credentials":
            message = "Not simulated: grant types other than client_credentials."
            return _refused(400, "unsupported_grant_type", message)
        principal = self._principal(str(form.get("client_id")), form.get("client_secret"))
        if not self._knows(request.match_info["tenant"]) or principal is None:
            message = "AADSTS7000215: Invalid client secret provided, or unknown application."
            return _refused(401, "invalid_client", message)
        scope = str(form.get("scope") or form.get("resource") or "")
        token, expires = self._tokens.issue(principal, scope.removesuffix("/.default"))
        seconds = int((expires - self._tokens.world.clock.now()).total_seconds())
        body: Json = {
            "token_type": "Bearer",
            "expires_in": seconds,
            "ext_expires_in": seconds,
            "access_token": token,
        }
        if request.path.endswith("/oauth2/token"):
            body |= {"expires_on": str(int(expires.timestamp())), "resource": scope}
        return web.json_response(body)

    def _knows(self, tenant: str) -> bool:
        known = (self._tokens.world.tenant, "common", "organizations", "adfs")
        return tenant.lower() in known or not ids.GUID.fullmatch(tenant)

    def _principal(self, client_id: str, secret: object) -> Principal | None:
        principal = self._tokens.rbac.principals.get(client_id.lower())
        return principal if principal and principal.secret == secret else None


def _refused(status: int, code: str, message: str) -> web.Response:
    body = {"error": code, "error_description": message, "error_codes": []}
    return web.json_response(body, status=status)
