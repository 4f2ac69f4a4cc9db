"""The last run of Sysprep in its two logs: their bytes -> when it ran, and its errors.

Sysprep appends to both logs for the whole life of a Windows installation, and images inherit them,
so most lines are from other runs. `setupact.log` has everything, including a line where each run
begins; `setuperr.log` has only the errors. Times are in the guest's own time zone.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

LOG_LINES = 20
"""The most lines reported of one run: its first and its last lines."""

ONE_RUN = timedelta(minutes=15)
"""Errors belong to one run if they are closer together than this; used if its start is not read."""

BEGINS = "Beginning of a new sysprep run"
"""The text in `setupact.log` where a run begins."""

_OPTION = re.compile(r"Found supported command line option '(\w+)'", re.IGNORECASE)
_LINE = re.compile(r"(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d), (\w+)\s+(?:\[[^\]]*\]\s*)?(?:SYSPRP )?(.+)")
_WRONG = ("error", "fatal")
_UNKNOWN = datetime.min  # noqa: DTZ901 - only compared with its like

_NULS = re.compile(rb"\0{3,}")
"""What a hard stop leaves: no text has so many in a row, not even in UTF-16."""

_BYTES = re.compile(r"[\udc80-\udcff]+(?:[@-~][\udc80-\udcff]+)*")
"""Bytes that are not ASCII, with single letters between them: second bytes of a code page."""

_NO_LETTERS = re.compile("\ufffd+")
_WESTERN = frozenset(range(0xC0, 0x100)) - {0xD7, 0xF7}
"""The letters of code page 1252, which have the same places in most of Western Europe."""


@dataclass(frozen=True, slots=True)
class Run:
    """A run of Sysprep: when it began and when it first failed, its errors, its options.

    Fields which the logs do not contain are None or empty.
    """

    began: datetime | None = None
    failed: datetime | None = None
    errors: tuple[str, ...] = ()
    options: frozenset[str] = frozenset()

    @property
    def at(self) -> datetime | None:
        """The time of the run, as exactly as known: of its first failure, else of its start."""
        return self.failed or self.began


@dataclass(frozen=True, slots=True)
class _Line:
    at: datetime
    level: str
    words: str

    @property
    def is_wrong(self) -> bool:
        return self.level.lower().startswith(_WRONG)


def last_run(actions: str, errors: str) -> Run | None:
    """Return the last run in the ends of `setupact.log` and `setuperr.log`; None if there is none.

    The run begins at the last line in `setupact.log` that says so. If that line was not read, its
    errors are the last errors that are close together.
    """
    acted, wrong = list(_lines(actions)), list(_lines(errors))
    starts = [number for number, line in enumerate(acted) if BEGINS in line.words]
    if not starts:
        return _run(None, _close_together(wrong), errors)
    own = acted[starts[-1] :]
    began = own[0].at
    of_run = [line for line in wrong if line.at >= began] or [line for line in own if line.is_wrong]
    options = frozenset(found[1].upper() for line in own if (found := _OPTION.search(line.words)))
    return _run(began, of_run, "" if wrong else errors, options)


def _run(
    began: datetime | None,
    wrong: Sequence[_Line],
    text: str,
    options: frozenset[str] = frozenset(),
) -> Run | None:
    """Return a run with these errors; if there are none, with the last lines of the text."""
    words = [line.words.strip() for line in wrong]
    if not words:
        words = [line.strip() for line in text.splitlines() if line.strip()][-LOG_LINES:]
    failed = wrong[0].at if wrong and wrong[0].at != _UNKNOWN else None
    known = began if began != _UNKNOWN else None
    return Run(known, failed, tuple(_ends(words)), options) if words or began else None


def _ends(words: list[str]) -> list[str]:
    """Return the first and the last of many lines: the cause and the consequences."""
    half = LOG_LINES // 2
    return words if len(words) <= LOG_LINES else words[:half] + words[-half:]


def _close_together(lines: Sequence[_Line]) -> Sequence[_Line]:
    """Return the last lines, back to the first gap which is longer than one run."""
    first = len(lines) - 1
    while first > 0 and abs(lines[first].at - lines[first - 1].at) <= ONE_RUN:
        first -= 1
    return lines[max(first, 0) :]


def _lines(log: str) -> Iterator[_Line]:
    """Yield the lines that have a time; an invalid time is replaced by the previous one."""
    at = _UNKNOWN
    for line in log.splitlines():
        if found := _LINE.match(line):
            at = _time(found[1]) or at
            yield _Line(at, found[2], found[3])


def _time(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text)
    except ValueError:  # digits that are not a valid date
        return None


def decode(data: bytes) -> str:
    """Decode a text file of Windows, which is UTF-8, UTF-16 or in some code page.

    The data may begin within a character, and a hard stop leaves NUL bytes anywhere. The result has
    no NULs or other control characters. Bytes that are neither UTF-8 nor very likely code page 1252
    (Western Europe) become one question mark.
    """
    text = "\n".join(_text(piece) for piece in _NULS.split(data))
    text = _NO_LETTERS.sub("?", text).replace("\r\n", "\n")
    return "".join(char if char == "\n" or char.isprintable() else " " for char in text)


def _text(piece: bytes) -> str:
    """Decode a piece without NUL runs; UTF-16 is recognized by zeros in every second byte."""
    even, odd = piece[::2].count(0), piece[1::2].count(0)
    if max(even, odd) > len(piece) // 4:
        aligned = piece[1:] if even > odd else piece
        whole = aligned + b"\0" * (len(aligned) % 2)  # the NUL of the last letter was split off
        return whole.decode("utf-16-le", "replace").removeprefix("\ufeff")
    return "\n".join(map(_line, piece.split(b"\n"))).removeprefix("\ufeff")


def _line(data: bytes) -> str:
    """Decode a line: as UTF-8 if all of it is, else as ASCII with a code page."""
    try:
        return data.decode()
    except UnicodeDecodeError:
        return _BYTES.sub(_legible, data.decode("ascii", "surrogateescape"))


def _legible(found: re.Match[str]) -> str:
    """Return bytes that are not UTF-8 as code page 1252 if that is very likely, else as `?`."""
    data = found[0].encode("ascii", "surrogateescape")
    foreign = [byte for byte in data if byte >= 0x80]  # noqa: PLR2004 - the end of ASCII
    if len(foreign) * 2 <= len(data) + 1 and _WESTERN.issuperset(foreign):
        return data.decode("cp1252")
    return "?"
