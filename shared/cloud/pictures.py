"""A test VM's screenshot and serial log, kept in a private container of the app's own.

Azure gives URLs that anybody may read for a while, and they end with the VM. They are secrets, so
they get into no log and no message. A picture is worth no failure: without one the test goes on.
"""

import logging
from http import HTTPStatus

import requests
from azure.core.credentials import TokenCredential

from shared.cloud.arm import Arm
from shared.cloud.container import TIMEOUTS, Container, check
from shared.model.errors import StillframeError, Withheld
from shared.model.ids import VmRef

LARGEST = 5 * 1024 * 1024
"""Bytes; a larger screenshot or log is not kept."""

PNG = b"\x89PNG"

log = logging.getLogger(__name__)


class Pictures:
    """The client of the container, one per process; without a container nothing is kept."""

    def __init__(self, container: str, credential: TokenCredential) -> None:
        self._container = Container(container, credential)

    def keep(self, arm: Arm, ref: VmRef, name: str) -> str:
        """Keep a VM's screenshot and log; return the screenshot's URL, empty if not kept."""
        if not self._container.url:
            return ""
        try:
            urls = arm.boot_diagnostics(ref)
            shown = self._copy(urls.console_screenshot_blob_uri, name)
            self._copy(urls.serial_console_log_blob_uri, name, "log")
        except Withheld:
            raise
        except StillframeError as error:
            log.warning("no screenshot of %s: %s", ref.id, error)
            return ""
        return shown

    def _copy(self, url: str | None, name: str, ending: str = "") -> str:
        """Copy what a URL shows to a blob; return the blob's URL, empty if there is nothing."""
        content = _fetch(url) if url else b""
        if not content:
            return ""
        blob = f"{name}.{ending or ('png' if content.startswith(PNG) else 'bmp')}"
        check(self._container.put(blob, content, {"x-ms-blob-type": "BlockBlob"}))
        return f"{self._container.url}/{blob}"


def _fetch(url: str) -> bytes:
    """Return what is at a URL, nothing if it cannot be read or is too large."""
    try:
        answer = requests.get(url, timeout=TIMEOUTS, allow_redirects=False)
    except requests.RequestException as error:
        log.info("boot diagnostics could not be read: %s", type(error).__name__)
        return b""
    good = answer.status_code == HTTPStatus.OK and len(answer.content) <= LARGEST
    return answer.content if good else b""
