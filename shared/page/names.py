"""Texts of strangers and names -> as the report shows them: cut, printable, or masked.

Pure. A masked report is for people who must learn no name: each becomes a kind and a number.
"""

import re
import unicodedata
from collections.abc import Container
from datetime import datetime

from shared.model.ids import VmRef

SHOWN = 100
"""Rows of a table, orders of one turn; the others are counted, so that a file can be mailed."""

LONGEST = 400
"""Characters of a text of a stranger."""

MARKS = 4
"""Combining marks of one character."""

HIDDEN = "hidden"
_MINUTES = re.compile(r"[0-9]{1,4}")


class Names:
    """From ids and names to what the report shows: themselves, or `vm 1`, `owner 2` if masked."""

    def __init__(self, *, masked: bool = False) -> None:
        self.masked = masked
        self._known: dict[tuple[str, str], str] = {}

    def shown(self, kind: str, text: str | None) -> str:
        """Return a name as the report shows it: one that is masked gets the same number again."""
        if not text:
            return ""
        if not self.masked:
            return printable(text)
        same = [key for key in self._known if key[0] == kind]
        return self._known.setdefault((kind, text.lower()), f"{kind} {len(same) + 1}")

    def text(self, text: str | None) -> str:
        """Return a text that may hold names: hidden if masked."""
        return HIDDEN if text and self.masked else printable(text or "")

    def word(self, text: str, known: Container[str]) -> str:
        """Return a tag's value: one of ours as it is; another may hold a name."""
        return text if text in known else self.text(text)

    def vm(self, ref: VmRef) -> str:
        """Return a VM's name."""
        return self.shown("vm", ref.name) if not self.masked else self.shown("vm", ref.key)

    def place(self, ref: VmRef) -> str:
        """Return its resource group and subscription."""
        group = self.shown("group", ref.group.lower())
        return f"{group}, {self.shown('subscription', ref.subscription)}"


def printable(text: str) -> str:
    """Return a text cut to `LONGEST`, with a space for each character that does not print.

    Those that change the direction of writing are among them. Of combining marks only the first
    `MARKS` in a row are shown: a browser cannot break a line within them.
    """
    shown = text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"
    if shown.isascii():
        return "".join(char if char.isprintable() else " " for char in shown)
    kept, marks = [], 0
    for char in shown:
        marks = marks + 1 if unicodedata.category(char).startswith("M") else 0
        if marks <= MARKS:
            kept.append(char if char.isprintable() else " ")
    return "".join(kept)


def instant_text(at: datetime) -> str:
    """Return an instant to the minute."""
    return f"{at:%Y-%m-%d %H:%M} UTC"


def minutes_text(text: str) -> str:
    """Return a number of minutes as a tag has it; empty if it is none."""
    return text if _MINUTES.fullmatch(text) else ""
