"""The report in a private container of the app's own: one blob, `report.html`, written anew.

Whoever has Storage Blob Data Reader on the container can read it; nothing serves it on the web.
Source: https://learn.microsoft.com/rest/api/storageservices/put-blob
"""

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus

from azure.core.credentials import TokenCredential

from shared.cloud.container import Container, check
from shared.model.errors import Withheld

BLOB = "report.html"
_HEADERS = {
    "x-ms-blob-type": "BlockBlob",
    "x-ms-blob-content-type": "text/html; charset=utf-8",
    "x-ms-blob-cache-control": "no-cache",
}


class Pages:
    """The client of the container, one per process; without a container nothing is kept."""

    def __init__(self, container: str, credential: TokenCredential, *, dry_run: bool) -> None:
        self._container = Container(container, credential)
        self._dry_run = dry_run

    def keep(self, page: bytes) -> None:
        """Keep a report in place of the last one."""
        if self._dry_run:
            msg = "put the report"
            raise Withheld(msg)
        if self._container.url:
            check(self._container.put(BLOB, page, _HEADERS))

    def kept_at(self) -> datetime | None:
        """Return when the last report was kept; None if none is there."""
        if not self._container.url:
            return None
        answer = self._container.send("HEAD", BLOB)
        if answer.status_code == HTTPStatus.NOT_FOUND:
            return None
        check(answer)
        changed = answer.headers.get("Last-Modified", "")
        try:
            return parsedate_to_datetime(changed).astimezone(UTC)
        except ValueError:
            return None
