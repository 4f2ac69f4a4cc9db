"""A container in blob storage, as the app's own identity reads and writes it.

Sends one request at a time, without retries. Raises `Transient` if storage cannot be reached or is
busy, `Refused` with its code if it refuses.
Source: https://learn.microsoft.com/rest/api/storageservices/blob-service-rest-api
"""

from http import HTTPStatus

import requests
from azure.core.credentials import TokenCredential

from shared.cloud.errors import our_errors
from shared.model.errors import Refused, Transient

SCOPE = "https://storage.azure.com/.default"

TIMEOUTS = (3.0, 10.0)
"""Timeouts in seconds, to connect and to read."""

_VERSION = "2023-11-03"


class Container:
    """The client of a container, by its URL; one per process."""

    def __init__(self, url: str, credential: TokenCredential) -> None:
        self.url = url
        self._credential = credential
        self._session = requests.Session()

    def send(
        self, method: str, path: str, body: bytes = b"", headers: dict[str, str] | None = None
    ) -> requests.Response:
        """Send a request for a blob, or for the container if the path begins with `?`."""
        with our_errors():
            token = self._credential.get_token(SCOPE).token
        own = {"Authorization": f"Bearer {token}", "x-ms-version": _VERSION}
        url = f"{self.url}{path}" if path.startswith("?") else f"{self.url}/{path}"
        try:
            return self._session.request(
                method, url, data=body, headers=own | (headers or {}), timeout=TIMEOUTS
            )
        except requests.RequestException as error:
            msg = f"storage could not be reached: {type(error).__name__}"
            raise Transient(msg) from error

    def put(self, blob: str, body: bytes, headers: dict[str, str]) -> requests.Response:
        """Create a blob, and the container if that is missing; return the last response."""
        created = self.send("PUT", blob, body, headers)
        if code_of(created) == "ContainerNotFound":
            check(self.send("PUT", "?restype=container"), "ContainerAlreadyExists")
            created = self.send("PUT", blob, body, headers)
        return created


def check(answer: requests.Response, allowed: str = "") -> None:
    """Raise a response's error, unless it is the allowed one."""
    code = code_of(answer)
    if answer.ok or (allowed and code == allowed):
        return
    message = f"{answer.status_code} {code}"
    busy = (HTTPStatus.UNAUTHORIZED, HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_MANY_REQUESTS)
    if answer.status_code >= HTTPStatus.INTERNAL_SERVER_ERROR or answer.status_code in busy:
        msg = f"storage: {message}"
        raise Transient(msg)
    raise Refused(code, message, answer.status_code)


def code_of(answer: requests.Response) -> str:
    """Return storage's code of an error; empty without one."""
    return answer.headers.get("x-ms-error-code", "")
