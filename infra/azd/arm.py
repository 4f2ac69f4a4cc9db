"""Azure Resource Manager for azd's hooks: one request, as the account signed in to azd.

Takes a method and a resource's id, gives the response's status and JSON. The token is azd's own, so
no hook needs the Azure CLI. `ARM_ENDPOINT` names another cloud's Resource Manager.
"""

from __future__ import annotations

import http.client
import json
import os
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SECONDS = 60
OK = 200
CREATED = 201
MISSING = 404
THROTTLED = 429
TRIES = 4
LONGEST_PAUSE = 60.0
"""Seconds: the longest `Retry-After` of a 429 that is obeyed."""


class HookError(Exception):
    """A hook cannot continue; the text says why and what to do."""


class Unreachable(HookError):
    """No response came, or none from Resource Manager."""


class Arm:
    """Resource Manager, for as long as one token is valid (an hour)."""

    def __init__(self) -> None:
        endpoint = os.environ.get("ARM_ENDPOINT") or "https://management.azure.com"
        self.endpoint = endpoint.rstrip("/")
        self._token = _token()

    def ask(
        self, method: str, path: str, api: str, body: dict[str, Any] | None = None
    ) -> tuple[int, dict[str, Any]]:
        """Send one request; return the status, whatever it is, and the JSON or {}."""
        return self._send(method, self._url(path, api), body)

    def list(self, path: str, api: str) -> Iterator[dict[str, Any]]:
        """Yield the elements of a list, page by page; raise `HookError` if Azure refuses it."""
        url: str | None = self._url(path, api)
        while url:
            status, body = self._send("GET", url, None)
            if status != OK:
                msg = f"{path} cannot be listed: {words(status, body)}"
                raise HookError(msg)
            yield from body.get("value") or []
            url = body.get("nextLink")

    def _url(self, path: str, api: str) -> str:
        return f"{self.endpoint}{urllib.parse.quote(path, safe='/()')}?api-version={api}"

    def _send(
        self, method: str, url: str, body: dict[str, Any] | None
    ) -> tuple[int, dict[str, Any]]:
        for _ in range(TRIES - 1):
            status, answer, pause = self._once(method, url, body)
            if status != THROTTLED:
                return status, answer
            time.sleep(min(pause, LONGEST_PAUSE))
        status, answer, _ = self._once(method, url, body)
        return status, answer

    def _once(
        self, method: str, url: str, body: dict[str, Any] | None
    ) -> tuple[int, dict[str, Any], float]:
        request = urllib.request.Request(  # noqa: S310 the URL is ARM's own
            url,
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Authorization": f"Bearer {self._token}", "Content-Type": "application/json"},
        )
        try:
            with urllib.request.urlopen(request, timeout=SECONDS) as answer:  # noqa: S310 the same
                return answer.status, _json(answer.read()), 0.0
        except urllib.error.HTTPError as refused:
            after = refused.headers.get("Retry-After", "")
            return refused.code, _json(refused.read()), float(after) if after.isdigit() else 5.0
        except (OSError, http.client.HTTPException, ValueError) as error:
            msg = f"{self.endpoint} cannot be reached: {type(error).__name__}: {error}"
            raise Unreachable(msg) from error


def setting(name: str) -> str:
    """Return a value of azd's environment; raise `HookError` if it is not set."""
    value = os.environ.get(name, "").strip()
    if not value:
        msg = f"{name} is not set in azd's environment: run this by `azd up`"
        raise HookError(msg)
    return value


def listed(name: str) -> list[str]:
    """Return a list of azd's environment; empty if it is not set."""
    return [value.strip() for value in os.environ.get(name, "").split(",") if value.strip()]


def keep(name: str, value: str) -> None:
    """Write a value into azd's environment; raise `HookError` if azd rejects it."""
    try:
        ran = subprocess.run(["azd", "env", "set", name, value], check=False)  # noqa: S603, S607 azd runs this
    except OSError as error:
        msg = f"azd cannot be run: {error}"
        raise HookError(msg) from error
    if ran.returncode:
        msg = f"azd could not store {name}"
        raise HookError(msg)


def say(text: str) -> None:
    """Print a line at once, to show progress of long work."""
    print(text, flush=True)


def run(name: str, hook: Callable[[], None]) -> None:
    """Run a hook and end the process: with 0, or with 1 and the reason."""
    try:
        hook()
    except HookError as error:
        sys.exit(f"{name}: {error}")


def words(status: int, body: dict[str, Any]) -> str:
    """Return Azure's error as text, in whichever spelling Azure uses."""
    error = body.get("error") or body
    if not isinstance(error, dict):
        return f"HTTP {status}: {error}"
    code, message = (error.get(key) or error.get(key.title()) for key in ("code", "message"))
    reason = ": ".join(str(part) for part in (code, message) if part)
    return f"HTTP {status}: {reason or 'no reason is given'}"


def _token() -> str:
    asked = ["azd", "auth", "token", "--output", "json"]
    try:
        ran = subprocess.run(asked, capture_output=True, text=True, check=False)  # noqa: S603 azd runs this
    except OSError as error:
        msg = f"azd cannot be run: {error}"
        raise HookError(msg) from error
    try:
        return str(json.loads(ran.stdout)["token"])
    except (ValueError, KeyError, TypeError) as error:
        last = (ran.stderr.strip().splitlines() or ["no reason is given"])[-1]
        msg = f"azd gave no token (run `azd auth login`): {last}"
        raise HookError(msg) from error


def _json(text: bytes) -> dict[str, Any]:
    """Return a response's JSON; if it is not JSON (a proxy's page), its beginning as the error."""
    try:
        content = json.loads(text or b"{}")
    except ValueError:
        return {"error": " ".join(text[:200].decode(errors="replace").split())}
    return content if isinstance(content, dict) else {"value": content}
