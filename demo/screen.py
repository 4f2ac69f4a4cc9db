"""What the demo shows: live progress, then a table of the results.

On a terminal the table is updated in place; elsewhere (a log, CI) each change is a line.
"""

from collections.abc import Mapping
from datetime import datetime
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.live import Live
from rich.table import Table

from demo.cast import Ending
from demo.story import DETAIL, IMAGE, Course
from demo.summary import Bill

STYLES = {
    "captured": "green",
    "cleared": "green",
    "off": "green",
    "refused": "yellow",
    "flagged": "yellow",
    "failed": "red",
    "not-generalized": "red",
}


class Screen:
    """Shows courses as they change, while used as a context manager."""

    def __init__(self, console: Console, courses: list[Course]) -> None:
        self._console = console
        self._courses = courses
        self._live = Live(console=console, auto_refresh=False, transient=True)

    def __enter__(self) -> Self:
        if self._console.is_terminal:
            self._live.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._live.stop()

    def show(self, course: Course) -> None:
        """Show a VM's new state."""
        if self._console.is_terminal:
            self._live.update(progress(self._courses), refresh=True)
            return
        status = course.status or "no order"
        self._console.print(
            f"{course.changed:%H:%M:%S}  {course.actor.name:<10} {course.power:<13} {status}"
        )


def progress(courses: list[Course]) -> Table:
    """Return the current state of the VMs."""
    table = Table("VM", "ordered", "power", "status", "", title="Stillframe at work")
    for course in courses:
        table.add_row(
            course.actor.name,
            course.actor.order or "-",
            course.power,
            _styled(course.status),
            course.tags.get(DETAIL, ""),
        )
    return table


def results(courses: list[Course], bills: Mapping[str, Bill]) -> Table:
    """Return each VM's result: its time line (simulated UTC); its image, bill, or the reason."""
    table = Table("VM", "ordered", "time line", "outcome", title="What became of them")
    for course in courses:
        outcome = _outcome(course, bills.get(course.actor.name))
        table.add_row(course.actor.name, course.actor.order or "-", _timeline(course), outcome)
    return table


def _timeline(course: Course) -> str:
    moments = (
        "tagged", "stopped", "flagged", "deallocated", "capturing", "captured", "cleared",
        "refused", "failed", "not-generalized", "started again",
    )  # fmt: skip
    return "\n".join(
        f"{_clock(course.instants[moment])} {moment}"
        for moment in moments
        if moment in course.instants
    )


def _outcome(course: Course, bill: Bill | None) -> str:
    if course.actor.ending is Ending.UNTOUCHED:
        return "left alone: no tag, and not one change"
    if course.actor.ending is Ending.EXEMPT:
        return "stopped, and exempt by its owner's tag"
    if bill:
        return f"{_styled(course.status or course.actor.ending)}\n{bill}"
    ending = course.actor.ending
    shown = course.tags.get(IMAGE, "") if ending is Ending.CAPTURED else course.details[ending]
    if course.actor.keep:
        shown = f"{shown}\nof a copy; the VM itself has run all the while"
    if course.actor.test and ending is Ending.CAPTURED:
        shown = f"{shown}\n{course.details[ending].partition('; ')[2]}, and is latest"
    return f"{_styled(ending)}\n{shown}"


def _styled(status: str) -> str:
    style = STYLES.get(status)
    return f"[{style}]{status}[/{style}]" if style else status


def _clock(instant: datetime) -> str:
    return f"{instant:%H:%M:%S}"
