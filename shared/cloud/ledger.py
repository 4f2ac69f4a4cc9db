"""The ledger in blob storage: one append blob for each month, in a container of the app's own.

Takes the container's URL; without one nothing is kept. A line is appended after its outcome was
published, and before that is noted on the VM: if the process ends in between, both happen again,
and the reader drops the second line by its id. Appending is atomic, so any number of workers may.

A blob that cannot be appended to (leased, of another type, full) is left as it is, and the next
part of the month is used. If storage is unreachable this raises `Transient`, and the outcome is
published again; if it refuses for good, that is logged, and no order waits for it.
Source: https://learn.microsoft.com/rest/api/storageservices/append-block
"""

import logging
from collections import deque
from collections.abc import Iterator
from http import HTTPStatus

from azure.core.credentials import TokenCredential

from shared.cloud.container import Container, check
from shared.model.errors import Refused
from shared.model.ledger import KEPT, Ledger, line_of, month_of, read_ledger
from shared.model.outcomes import Outcome

PARTS = 9
"""The most blobs of one month; each takes 50,000 lines."""

REMEMBERED = 1000
"""How many ids of appended outcomes a process remembers."""

_NEXT_PART = {"LeaseIdMissing", "InvalidBlobType", "BlockCountExceedsLimit", "BlobArchived"}
"""Errors of one blob, which another does not have."""

log = logging.getLogger(__name__)


class LedgerStore:
    """The client of the ledger's container, one per process."""

    def __init__(self, container: str, credential: TokenCredential) -> None:
        self._container = Container(container, credential)
        self._appended: deque[str] = deque(maxlen=REMEMBERED)

    def keep(self, outcome: Outcome) -> None:
        """Append the line of an outcome, if it is one to keep."""
        if not self._container.url or outcome.type not in KEPT or outcome.id in self._appended:
            return
        try:
            self._append(month_of(outcome.time), line_of(outcome).encode())
        except Refused as refused:
            log.error("the ledger has no line of %s %s: %s", outcome.type, outcome.id, refused)  # noqa: TRY400 - the message is storage's
            return
        self._appended.append(outcome.id)

    def read(self, month: str) -> Ledger:
        """Return the ledger of a month, empty if there is none."""
        return read_ledger(month, self._lines(month))

    def _lines(self, month: str) -> Iterator[str]:
        for blob in _blobs(month):
            answer = self._container.send("GET", blob)
            if answer.status_code == HTTPStatus.NOT_FOUND:
                return
            check(answer)
            yield from answer.content.decode(errors="replace").splitlines()

    def _append(self, month: str, line: bytes) -> None:
        """Append a line to the first part of the month that takes it."""
        refusal: Refused | None = None
        for blob in _blobs(month):
            try:
                return self._append_to(blob, line)
            except Refused as refused:
                if refused.code not in _NEXT_PART:
                    raise
                refusal = refused
        raise refusal or Refused("LedgerFull", f"all {PARTS} parts of {month} are full", 409)

    def _append_to(self, blob: str, line: bytes) -> None:
        answer = self._container.send("PUT", f"{blob}?comp=appendblock", line)
        if answer.status_code == HTTPStatus.NOT_FOUND:
            self._create(blob)
            answer = self._container.send("PUT", f"{blob}?comp=appendblock", line)
        check(answer)

    def _create(self, blob: str) -> None:
        """Create a blob, and its container if that is missing; by now another worker may have."""
        created = self._container.put(blob, b"", _NEW)
        check(created, "BlobAlreadyExists")


_NEW = {"x-ms-blob-type": "AppendBlob", "If-None-Match": "*"}


def _blobs(month: str) -> Iterator[str]:
    """Yield the names of a month's blobs: `2026-11.jsonl`, `2026-11.2.jsonl` and so on."""
    yield f"{month}.jsonl"
    yield from (f"{month}.{part}.jsonl" for part in range(2, PARTS + 1))
