"""Azurite, Microsoft's emulator of storage, as a real blob server; and a credential for it.

It is installed by `npm ci --ignore-scripts --prefix tests/simulator/azurite`. It checks the claims
of a token, but no signature and no permission.
"""

import base64
import json
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import requests
from azure.core.credentials import AccessToken

FOLDER = Path(__file__).parent / "azurite"
MAIN = FOLDER / "node_modules" / "azurite" / "dist" / "src" / "blob" / "main.js"
ACCOUNT = "devstoreaccount1"
STARTS_WITHIN = 20.0


class Claims:
    """A credential whose token has the claims of an app's, valid for an hour of real time."""

    def get_token(self, *_: str, **__: Any) -> AccessToken:  # noqa: ANN401 - the SDK's own options
        """Return the token."""
        now = int(time.time())
        claims = {
            "aud": "https://storage.azure.com",
            "iss": "https://sts.windows.net/7e4a0000-0000-4000-8000-00000000d1e7/",
            "nbf": now - 60,
            "iat": now - 60,
            "exp": now + 3600,
        }
        parts = ({"alg": "none", "typ": "JWT"}, claims)
        text = ".".join(_coded(json.dumps(part).encode()) for part in parts)
        return AccessToken(f"{text}.", now + 3600)


def _coded(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).decode().rstrip("=")


@contextmanager
def azurite(folder: Path, certificate: Path, key: Path) -> Iterator[str | None]:
    """Run Azurite with a certificate; yield its account's URL, None if it is not installed."""
    node = shutil.which("node")
    if node is None or not MAIN.exists():
        yield None
        return
    port = _free_port()
    command = [node, str(MAIN), "--location", str(folder), "--silent", "--skipApiVersionCheck"]
    command += ["--blobHost", "127.0.0.1", "--blobPort", str(port), "--disableTelemetry"]
    command += ["--oauth", "basic", "--cert", str(certificate), "--key", str(key)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, cwd=folder) as process:  # noqa: S603 our own
        try:
            url = f"https://127.0.0.1:{port}/{ACCOUNT}"
            _await(url, process)
            yield url
        finally:
            process.kill()


def _await(url: str, process: "subprocess.Popen[bytes]") -> None:
    until = time.monotonic() + STARTS_WITHIN
    while time.monotonic() < until and process.poll() is None:
        try:
            requests.get(url, timeout=1)
        except requests.ConnectionError:
            time.sleep(0.1)
        else:
            return
    msg = f"Azurite does not answer at {url}"
    raise AssertionError(msg)


def _free_port() -> int:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        return int(listening.getsockname()[1])
