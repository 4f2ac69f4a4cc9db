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
from shared.model.errors import Refused, StillframeError, Withheld
from shared.model.ids import VmRef

LARGEST = 5 * 1024 * 1024
"""Bytes; a larger screenshot or log is not kept."""

PNG = b"\x89PNG"
_ENDINGS = ("png", "bmp")

log = logging.getLogger(__name__)


class Pictures:
    """The client of the container, one per process; without a container nothing is kept."""

    def __init__(self, container: str, credential: TokenCredential) -> None:
        self._container = Container(container, credential)

    def keep(self, arm: Arm, ref: VmRef, name: str) -> str:
        """Keep a VM's screenshot and log; return the screenshot's URL, empty if not kept.

        Another visit may have kept it, and deleted the VM since: then it is that one's.
        """
        if not self._container.url:
            return ""
        try:
            shown = self._copied(arm, ref, name) or self._kept(name)
        except Withheld:
            raise
        except StillframeError as error:
            log.warning("no screenshot of %s: %s", ref.id, error)
            return ""
        if not shown:
            log.warning("no screenshot of %s", ref.id)
        return shown

    def read(self, url: str) -> bytes:
        """Return a screenshot that was kept here; empty if it is not, or not any more."""
        folder, _, blob = url.rpartition("/")
        if not blob or folder != self._container.url:
            return b""
        answer = self._container.send("GET", blob)
        if answer.status_code == HTTPStatus.NOT_FOUND:
            return b""
        check(answer)
        return answer.content

    def _copied(self, arm: Arm, ref: VmRef, name: str) -> str:
        """Copy screenshot and log; return the screenshot's URL, empty if the VM has none now."""
        try:
            urls = arm.boot_diagnostics(ref)
        except Refused as refused:
            log.info("no boot diagnostics of %s: %s", ref.id, refused)
            return ""
        shown = self._copy(urls.console_screenshot_blob_uri, name)
        self._copy(urls.serial_console_log_blob_uri, name, "log")
        return shown

    def _kept(self, name: str) -> str:
        """Return the URL of a screenshot that is there already, empty if none is."""
        blobs = (f"{name}.{ending}" for ending in _ENDINGS)
        found = (blob for blob in blobs if self._container.send("HEAD", blob).ok)
        return next((f"{self._container.url}/{blob}" for blob in found), "")

    def _copy(self, url: str | None, name: str, ending: str = "") -> str:
        """Copy what a URL shows to a blob; return the blob's URL, empty if there is nothing."""
        content = _fetch(url) if url else b""
        if not content:
            return ""
        blob = f"{name}.{ending or _ENDINGS[not content.startswith(PNG)]}"
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
