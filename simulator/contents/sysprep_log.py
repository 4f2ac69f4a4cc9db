r"""Sysprep's error log, as `Panther\setuperr.log` after a failure.

Takes the reason as text, gives the log's bytes: the reason in lines of Sysprep's own form, then the
lines that follow when its validation fails. A text longer than the log's room on the disk is cut
in the reason, never in those lines. The form is that of logs people have shown; that the same lines
follow any reason is inferred.
"""

import re

WHEN = "2026-11-24 10:00:00"
_A_LINE_ALREADY = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d, ")
_CODE = re.compile(r"0x8[0-9a-f]{7}", re.IGNORECASE)
_ANY_FAILURE = "0x80004005"
# The number of the message where it has one, and its words.
_VALIDATE = (
    "SysprepSession::Validate: Error in validating actions from "
    r"C:\Windows\System32\Sysprep\ActionFiles\Generalize.xml; dwRet = {short}"
)
_SESSION = "RunPlatformActions:Failed while validating Sysprep session actions; dwRet = {short}"
_RUN = (
    "RunDlls:An error occurred while running registry sysprep DLLs, halting sysprep execution. "
    "dwRet = {short}"
)
_MAIN = "WinMain:Hit failure while pre-validate sysprep generalize internal providers; hr = {code}"
_AFTERWARDS = (("", _VALIDATE), ("", _SESSION), ("[0x0f0070]", _RUN), ("[0x0f00d8]", _MAIN))


def setuperr(why: str, room: int, encoding: str) -> bytes:
    """Return the log that gives the reason `why`, in at most `room` bytes."""
    mark = "\ufeff" if encoding == "utf-16-le" else ""
    code = found[0] if (found := _CODE.search(why)) else _ANY_FAILURE
    short = hex(int(code, 16) & 0xFFFF)
    reason = "".join(_line(line) for line in why.splitlines() if line.strip())
    after = "".join(
        _line(words.format(code=code, short=short), number) for number, words in _AFTERWARDS
    ).encode(encoding)
    return _cut((mark + reason).encode(encoding, "replace"), room - len(after), encoding) + after


def _line(words: str, number: str = "") -> str:
    if _A_LINE_ALREADY.match(words):
        return f"{words}\r\n"
    return f"{WHEN}, Error {'':<5}{number:<10} SYSPRP {words.removeprefix('SYSPRP ')}\r\n"


def _cut(text: bytes, room: int, encoding: str) -> bytes:
    """Return what fits, ended as a line and never in the middle of a character."""
    if len(text) <= room:
        return text
    end = "\r\n".encode(encoding)
    return text[: room - len(end)].decode(encoding, "ignore").encode(encoding) + end
