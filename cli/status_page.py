"""Orders -> what people see of them: first what needs a person, then what goes on, then the images.

Pure. Tags are untrusted: they are shown as plain text. Every line folds to the terminal's width.
"""

from collections.abc import Iterable, Sequence

from rich.console import RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from cli.tables import Naming, plain
from shared.model.instants import read_instant
from shared.page.names import instant_text
from shared.page.orders import STATUSES, TITLES, URGENT, Row, Turn

_STYLES = {Turn.OWNER: "bold red", Turn.STILLFRAME: "bold", Turn.NOBODY: "bold green"}


def status_page(
    rows: Sequence[Row], name: Naming, *, whole: bool = False, filtered: bool = False
) -> list[RenderableType]:
    """Return the orders by whose turn it is; the captured ones as one line, unless `whole`.

    `filtered` is whether `rows` may be only some of the orders.
    """
    if not rows:
        none = "No order matches." if filtered else _NONE
        return [Text(none)]
    parts: list[RenderableType] = []
    for turn in Turn:
        of_turn = sorted((row for row in rows if row["turn"] == turn), key=_urgency)
        if not of_turn:
            continue
        parts.append(Text(f"{TITLES[turn]}: {len(of_turn)}", style=_STYLES[turn]))
        folded = turn is Turn.NOBODY and not whole
        parts += [_folded(of_turn, name)] if folded else [_order(row, name) for row in of_turn]
    return parts


_NONE = "No VM has an order: no VM has the tag stillframe-capture."


def _urgency(row: Row) -> tuple[int, str, str]:
    order = (*URGENT, *(status for status in STATUSES if status not in URGENT))
    status = row["status"] or ""
    rank = order.index(status) if status in order else len(order)
    return rank, row["asOf"] or "", row["vm"] or ""


def _order(row: Row, name: Naming) -> RenderableType:
    """Return an order: its VM and status, and below them the next step, the image, the detail."""
    head = plain(f"{name(row['vm'] or '')}  {row['status']}{_since(row)}")
    lines = (("next", row["next"]), ("image", row["image"]), ("detail", row["detail"]))
    grid = Table.grid(padding=(0, 1))
    grid.add_column(style="dim")
    grid.add_column(overflow="fold")
    for label, text in lines:
        if text:
            grid.add_row(label, plain(text))
    return _indented([head, Padding(grid, (0, 0, 0, 2), expand=False)])


def _folded(rows: Iterable[Row], name: Naming) -> RenderableType:
    """Return the newest captured order, and how to see the others."""
    newest = max(rows, key=lambda row: row["asOf"] or "")
    last = plain(f"last: {newest['image']} of {name(newest['vm'] or '')}{_since(newest)}")
    return _indented([last, Text("--all lists them", style="dim")])


def _indented(parts: Iterable[RenderableType]) -> RenderableType:
    grid = Table.grid()
    grid.add_column(overflow="fold")
    for part in parts:
        grid.add_row(part)
    return Padding(grid, (0, 0, 0, 2), expand=False)


def _since(row: Row) -> str:
    as_of = read_instant(row["asOf"])
    return f", since {instant_text(as_of)}" if as_of else ""
