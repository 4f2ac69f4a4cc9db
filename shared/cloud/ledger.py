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

import requests
from azure.core.credentials import TokenCredential

from shared.cloud.errors import our_errors
from shared.model.errors import Refused, Transient
from shared.model.ledger import KEPT, Ledger, line_of, month_of, read_ledger
from shared.model.outcomes import Outcome

SCOPE = "https://storage.azure.com/.default"
PARTS = 9
"""The most blobs of one month; each takes 50,000 lines."""

TIMEOUTS = (3.0, 10.0)
"""Timeouts in seconds, to connect and to read."""

REMEMBERED = 1000
"""How many ids of appended outcomes a process remembers."""

_VERSION = "2023-11-03"
_NEXT_PART = {"LeaseIdMissing", "InvalidBlobType", "BlockCountExceedsLimit", "BlobArchived"}
"""Errors of one blob, which another does not have."""

log = logging.getLogger(__name__)


class LedgerStore:
    """The client of the ledger's container, one per process."""

    def __init__(self, container: str, credential: TokenCredential) -> None:
        self._container = container
        self._credential = credential
        self._session = requests.Session()
        self._appended: deque[str] = deque(maxlen=REMEMBERED)

    def keep(self, outcome: Outcome) -> None:
        """Append the line of an outcome, if it is one to keep."""
        if not self._container or outcome.type not in KEPT or outcome.id in self._appended:
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
            answer = self._send("GET", blob)
            if answer.status_code == HTTPStatus.NOT_FOUND:
                return
            _check(answer)
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
        answer = self._send("PUT", f"{blob}?comp=appendblock", line)
        if answer.status_code == HTTPStatus.NOT_FOUND:
            self._create(blob)
            answer = self._send("PUT", f"{blob}?comp=appendblock", line)
        _check(answer)

    def _create(self, blob: str) -> None:
        """Create a blob, and its container if that is missing; by now another worker may have."""
        created = self._send("PUT", blob, headers=_NEW)
        if _code(created) == "ContainerNotFound":
            _check(self._send("PUT", "?restype=container"), "ContainerAlreadyExists")
            created = self._send("PUT", blob, headers=_NEW)
        _check(created, "BlobAlreadyExists")

    def _send(
        self, method: str, path: str, body: bytes = b"", headers: dict[str, str] | None = None
    ) -> requests.Response:
        with our_errors():
            token = self._credential.get_token(SCOPE).token
        own = {"Authorization": f"Bearer {token}", "x-ms-version": _VERSION}
        url = f"{self._container}{path}" if path.startswith("?") else f"{self._container}/{path}"
        try:
            return self._session.request(
                method, url, data=body, headers=own | (headers or {}), timeout=TIMEOUTS
            )
        except requests.RequestException as error:
            msg = f"the ledger's storage could not be reached: {type(error).__name__}"
            raise Transient(msg) from error


_NEW = {"x-ms-blob-type": "AppendBlob", "If-None-Match": "*"}


def _blobs(month: str) -> Iterator[str]:
    """Yield the names of a month's blobs: `2026-11.jsonl`, `2026-11.2.jsonl` and so on."""
    yield f"{month}.jsonl"
    yield from (f"{month}.{part}.jsonl" for part in range(2, PARTS + 1))


def _check(answer: requests.Response, allowed: str = "") -> None:
    """Raise an answer's error, unless it is the allowed one."""
    code = _code(answer)
    if answer.ok or (allowed and code == allowed):
        return
    message = f"{answer.status_code} {code}"
    busy = (HTTPStatus.UNAUTHORIZED, HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_MANY_REQUESTS)
    if answer.status_code >= HTTPStatus.INTERNAL_SERVER_ERROR or answer.status_code in busy:
        msg = f"the ledger's storage: {message}"
        raise Transient(msg)
    raise Refused(code, message, answer.status_code)


def _code(answer: requests.Response) -> str:
    return answer.headers.get("x-ms-error-code", "")
