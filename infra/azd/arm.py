"""Azure Resource Manager for azd's hooks: one request, as whoever is signed in to azd.

Takes a method and a resource's id, gives the answer's status and JSON. The token is azd's own, so
no hook needs the Azure CLI. `ARM_ENDPOINT` names another cloud's Resource Manager.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import urllib.error
import urllib.request
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SECONDS = 60
OK = 200
CREATED = 201
MISSING = 404


class HookError(Exception):
    """A hook cannot go on; the text says why and what to do."""


class Arm:
    """Resource Manager, for as long as one token holds (an hour)."""

    def __init__(self) -> None:
        endpoint = os.environ.get("ARM_ENDPOINT") or "https://management.azure.com"
        self.endpoint = endpoint.rstrip("/")
        self._token = _token()

    def ask(
        self, method: str, path: str, api: str, body: dict[str, Any] | None = None
    ) -> tuple[int, dict[str, Any]]:
        """Send one request; an answer of any status is given back, with its JSON or {}."""
        return self._send(method, f"{self.endpoint}{path}?api-version={api}", body)

    def list(self, path: str, api: str) -> Iterator[dict[str, Any]]:
        """Yield what a list holds, page by page; raise `HookError` where Azure refuses it."""
        url: str | None = f"{self.endpoint}{path}?api-version={api}"
        while url:
            status, body = self._send("GET", url, None)
            if status != OK:
                msg = f"{path} cannot be listed: {words(body)}"
                raise HookError(msg)
            yield from body.get("value", [])
            url = body.get("nextLink")

    def _send(
        self, method: str, url: str, body: dict[str, Any] | None
    ) -> tuple[int, dict[str, Any]]:
        request = urllib.request.Request(  # noqa: S310 the URL is ARM's own
            url,
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Authorization": f"Bearer {self._token}", "Content-Type": "application/json"},
        )
        try:
            with urllib.request.urlopen(request, timeout=SECONDS) as answer:  # noqa: S310 the same
                return answer.status, _json(answer.read())
        except urllib.error.HTTPError as refused:
            return refused.code, _json(refused.read())
        except OSError as error:
            msg = f"{self.endpoint} cannot be reached: {error}"
            raise HookError(msg) from error


def setting(name: str) -> str:
    """Return a value of azd's environment; raise `HookError` where it is not set."""
    value = os.environ.get(name, "").strip()
    if not value:
        msg = f"{name} is not set in azd's environment: run this by `azd up`"
        raise HookError(msg)
    return value


def listed(name: str) -> list[str]:
    """Return a list of azd's environment; none where it is not set."""
    return [one.strip() for one in os.environ.get(name, "").split(",") if one.strip()]


def keep(name: str, value: str) -> None:
    """Write a value into azd's environment; raise `HookError` where azd does not take it."""
    ran = subprocess.run(["azd", "env", "set", name, value], check=False)  # noqa: S603, S607 azd runs this
    if ran.returncode:
        msg = f"azd did not take {name}"
        raise HookError(msg)


def say(text: str) -> None:
    """Print a line at once, so that long work is seen to go on."""
    print(text, flush=True)  # noqa: T201 a hook prints


def run(name: str, hook: Callable[[], None]) -> None:
    """Run a hook and end the process: with 0, or with 1 and why."""
    try:
        hook()
    except HookError as error:
        sys.exit(f"{name}: {error}")


def words(body: dict[str, Any]) -> str:
    """Return Azure's own words for a refusal."""
    error = body.get("error") or body
    return f"{error.get('code', 'no code')}: {error.get('message', 'no message')}"


def _token() -> str:
    asked = ["azd", "auth", "token", "--output", "json"]
    try:
        ran = subprocess.run(asked, capture_output=True, text=True, check=False)  # noqa: S603 azd runs this
        return str(json.loads(ran.stdout)["token"])
    except (OSError, ValueError, KeyError) as error:
        msg = "azd gave no token: run `azd auth login`"
        raise HookError(msg) from error


def _json(text: bytes) -> dict[str, Any]:
    try:
        content = json.loads(text or b"{}")
    except ValueError:
        return {}
    return content if isinstance(content, dict) else {"value": content}
