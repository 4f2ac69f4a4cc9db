"""Tokens: the identity of a caller, and the endpoints that issue its tokens.

Takes requests in three forms (the App Service managed-identity endpoint, the virtual machines'
IMDS, Entra's client credentials) and gives signed JWTs; takes such a token and gives its principal.
The key is stored with the CA in the state directory, so that a client's cached token remains valid
after a restart. Tokens expire by the simulated clock.
"""

import base64
import uuid
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import NamedTuple

import jwt
from aiohttp import web
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from simulator.arm.core import errors
from simulator.arm.core.errors import Json
from simulator.arm.core.rbac import Principal, Rbac
from simulator.arm.core.world import World

HEADER_SECRET = "a-secret-of-this-simulator"


class Bearer(NamedTuple):
    """The claims of a token: its principal, its audience, its expiry."""

    app_id: str
    audience: str
    expires: datetime


@dataclass
class Tokens:
    """Issues and verifies tokens; each token is verified only once."""

    world: World
    rbac: Rbac
    key: rsa.RSAPrivateKey
    _seen: dict[str, Bearer] = field(default_factory=dict)

    def issue(self, principal: Principal, audience: str) -> tuple[str, datetime]:
        """Return a token and its expiry."""
        now = self.world.clock.now()
        expires = now + timedelta(seconds=self.world.seconds("token"))
        claims = self._claims(principal, audience) | {
            "iat": int(now.timestamp()),
            "nbf": int(now.timestamp()),
            "exp": int(expires.timestamp()),
        }
        token = jwt.encode(claims, self.key, algorithm="RS256", headers={"kid": KEY_ID})
        self._seen[token] = Bearer(principal.app_id.lower(), _bare(audience), expires)
        return token, expires

    def reader(self, authorization: str | None, audiences: Collection[str]) -> Principal:
        """Return the principal of an Authorization header for one of the audiences, or refuse."""
        if not authorization:
            raise errors.missing_token()
        scheme, _, token = authorization.partition(" ")
        if scheme.lower() != "bearer":
            msg = "The authentication scheme of the header must be 'Bearer'."
            raise errors.invalid_token(msg)
        bearer = self._seen.get(token) or self._verified(token)
        if bearer.expires <= self.world.clock.now():
            raise errors.expired_token()
        if bearer.audience not in audiences:
            raise errors.wrong_audience(bearer.audience, audiences)
        principal = self.rbac.principals.get(bearer.app_id)
        if principal is None:
            msg = "The access token is from an unknown application."
            raise errors.invalid_token(msg)
        return principal

    def public_keys(self) -> Json:
        """Return the JSON web keys for verifying the tokens."""
        numbers = self.key.public_key().public_numbers()
        modulus = numbers.n.to_bytes((numbers.n.bit_length() + 7) // 8)
        key = {"kty": "RSA", "use": "sig", "kid": KEY_ID, "alg": "RS256"}
        return {"keys": [key | {"n": _b64(modulus), "e": _b64(numbers.e.to_bytes(3))}]}

    def _verified(self, token: str) -> Bearer:
        unchecked: jwt.types.Options = {
            "verify_exp": False,
            "verify_aud": False,
            "verify_nbf": False,
            "verify_iat": False,
        }
        try:
            claims = jwt.decode(
                token, self.key.public_key(), algorithms=["RS256"], options=unchecked
            )
        except jwt.InvalidTokenError as error:
            msg = "The access token is invalid."
            raise errors.invalid_token(msg) from error
        expires = datetime.fromtimestamp(claims["exp"], self.world.clock.now().tzinfo)
        self._seen[token] = Bearer(claims["appid"].lower(), _bare(claims["aud"]), expires)
        return self._seen[token]

    def _claims(self, principal: Principal, audience: str) -> Json:
        return {
            "aud": audience,
            "iss": f"https://sts.windows.net/{self.world.tenant}/",
            "appid": principal.app_id,
            "appidacr": "2",
            "idp": f"https://sts.windows.net/{self.world.tenant}/",
            "idtyp": "app",
            "oid": principal.object_id,
            "sub": principal.object_id,
            "tid": self.world.tenant,
            "uti": uuid.uuid4().hex[:22],
            "ver": "1.0",
            "xms_mirid": self._resource_of(principal),
        }

    def _resource_of(self, principal: Principal) -> str:
        group = f"/subscriptions/{self.world.subscription}/resourcegroups/identities"
        kind = "Microsoft.ManagedIdentity/userAssignedIdentities"
        return f"{group}/providers/{kind}/{principal.name}"


def _bare(audience: str) -> str:
    return audience.rstrip("/").lower()


KEY_ID = "simulated-signing-key"


def signing_key(path: Path) -> rsa.RSAPrivateKey:
    """Return the key stored in a file, created if missing."""
    if not path.exists():
        made = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        pem = made.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        path.write_bytes(pem)
    key = serialization.load_pem_private_key(path.read_bytes(), password=None)
    if not isinstance(key, rsa.RSAPrivateKey):
        msg = f"{path} holds no RSA key; delete it, and a new key is created"
        raise TypeError(msg)
    return key


def _b64(number: bytes) -> str:
    return base64.urlsafe_b64encode(number).rstrip(b"=").decode()


class ManagedIdentity:
    """The two plain-http endpoints of managed identities; `default` answers unnamed requests."""

    def __init__(self, tokens: Tokens, default: str = "app") -> None:
        self._tokens, self._default = tokens, default

    def routes(self) -> list[web.RouteDef]:
        """Return the routes of the identity endpoint."""
        return [
            web.get("/msi/token", self._app_service),
            web.get("/metadata/identity/oauth2/token", self._imds),
        ]

    async def _app_service(self, request: web.Request) -> web.Response:
        if request.headers.get("X-IDENTITY-HEADER") != HEADER_SECRET:
            return _identity_error(401, "The X-IDENTITY-HEADER is missing or wrong.")
        if request.query.get("api-version") != "2019-08-01":
            return _identity_error(400, "The api-version is not supported: use 2019-08-01.")
        return self._answer(request, {})

    async def _imds(self, request: web.Request) -> web.Response:
        if request.headers.get("Metadata", "").lower() != "true":
            body = {
                "error": "invalid_request",
                "error_description": "Required metadata header not specified",
            }
            return web.json_response(body, status=400)
        return self._answer(request, {"refresh_token": ""})

    def _answer(self, request: web.Request, extra: Json) -> web.Response:
        resource = request.query.get("resource")
        principal = self._asked_for(request)
        if not resource or principal is None:
            what = "the resource parameter" if not resource else "the identity asked for"
            return _identity_error(400, f"Bad request: {what} is missing or unknown.")
        token, expires = self._tokens.issue(principal, resource)
        now = self._tokens.world.clock.now()
        body = extra | {
            "access_token": token,
            "client_id": principal.app_id,
            "expires_in": str(int((expires - now).total_seconds())),
            "expires_on": str(int(expires.timestamp())),
            "not_before": str(int(now.timestamp())),
            "resource": resource,
            "token_type": "Bearer",
        }
        return web.json_response(body)

    def _asked_for(self, request: web.Request) -> Principal | None:
        names = ("client_id", "object_id", "principal_id", "mi_res_id", "msi_res_id")
        asked = next((request.query[n] for n in names if n in request.query), self._default)
        try:
            return self._tokens.rbac.named(asked.rsplit("/", 1)[-1])
        except KeyError:
            return None


def _identity_error(status: int, message: str) -> web.Response:
    return web.json_response(
        {"statusCode": status, "message": message, "correlationId": str(uuid.uuid4())},
        status=status,
    )
