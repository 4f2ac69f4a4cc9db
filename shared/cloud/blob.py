"""The bytes of an opened disk over https: its URL -> the disk as a file.

An exported disk is a page blob: a raw disk image followed by the 512-byte footer of a fixed VHD.
The URL contains a shared access signature, with which anyone can read the disk, so it must not get
into a log or a message: errors are reported by their type, and urllib3, which logs URLs at debug
level, stays at INFO. An error in this module tells nothing about the disk, so it is not a verdict.
"""

import logging
import time
from http import HTTPStatus
from urllib.parse import urlsplit

import requests

from shared.model.errors import Refused, Transient, Unreachable
from shared.proof.ranges import BLOCK, Ranges

FOOTER = 512
GIB = 1024**3
TIMEOUTS = (3.0, 5.0)
"""Timeouts in seconds, to connect and to read."""

RETRY_WAITS = (0.2, 0.5)
"""Seconds before a range is requested again."""

_FOR_GOOD = {
    "AuthorizationFailure",
    "AuthorizationPermissionMismatch",
    "InsufficientAccountPermissions",
    "PublicAccessNotPermitted",
}
"""Error codes of Azure Storage that a retry cannot change; a closed access has other codes."""

_VERSION = "2023-11-03"
logging.getLogger("urllib3").setLevel(logging.INFO)


class NoBytes(BaseException):
    """The bytes could not be read because of `cause`; no `Exception`, which parsers would catch."""

    def __init__(self, cause: Transient | Refused) -> None:
        super().__init__(str(cause))
        self.cause = cause


class Blob:
    """An opened disk over one https connection; `token` if it needs one, `until` is monotonic."""

    def __init__(self, url: str, until: float, token: str | None = None) -> None:
        self._url, self._until = url, until
        self._session = requests.Session()
        self._session.headers["x-ms-version"] = _VERSION
        if token:
            self._session.headers["Authorization"] = f"Bearer {token}"

    def disk(self, size_gb: int | None) -> Ranges:
        """Return the disk as a file, without the footer; the first range tells its size.

        Raises `NoBytes` if that differs by more than a GiB from the size in Azure's model.
        """
        head = self._get(0, BLOCK)
        total = head.headers.get("Content-Range", "").rpartition("/")[2]
        size = int(total) - FOOTER if total.isdecimal() else 0
        if size <= 0 or (size_gb and abs(size - size_gb * GIB) > GIB):
            why = f"storage reports {total or 'no'} bytes for the disk, Azure reports {size_gb} GiB"
            raise NoBytes(Transient(why))
        disk = Ranges(self.fetch, size)
        disk.keep(head.content)
        return disk

    def fetch(self, offset: int, length: int) -> bytes:
        """Return exactly those bytes."""
        content = self._get(offset, length).content
        if len(content) != length:
            raise NoBytes(Transient(f"received {len(content)} of {length} bytes of the disk"))
        return content

    def close(self) -> None:
        """Close the connection."""
        self._session.close()

    def _get(self, offset: int, length: int) -> requests.Response:
        """Request a range, with retries if they may help; urllib3's retries would log the URL."""
        for wait in RETRY_WAITS:
            try:
                return self._get_once(offset, length)
            except NoBytes as unread:
                if isinstance(unread.cause, Refused):
                    raise
                time.sleep(wait)
        return self._get_once(offset, length)

    def _get_once(self, offset: int, length: int) -> requests.Response:
        if time.monotonic() > self._until:
            raise NoBytes(Transient("reading the disk takes too long"))
        headers = {"Range": f"bytes={offset}-{offset + length - 1}"}
        try:
            answer = self._session.get(
                self._url, headers=headers, timeout=TIMEOUTS, allow_redirects=False
            )
        except requests.RequestException as error:
            host = urlsplit(self._url).hostname or ""
            raise NoBytes(Unreachable(host, type(error).__name__)) from None
        if answer.status_code != HTTPStatus.PARTIAL_CONTENT:
            raise NoBytes(_refusal(answer))
        return answer


def _refusal(answer: requests.Response) -> Transient | Refused:
    code = answer.headers.get("x-ms-error-code", str(answer.status_code))
    words = f"the disk's storage server answered {answer.status_code}"
    if code in _FOR_GOOD:
        return Refused(code, words, answer.status_code)
    return Transient(f"{words} {code}")
