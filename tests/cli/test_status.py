"""`stillframe status`: whose turn an order is, which orders are shown, on which terminals."""

import json
import os
import pty
import select
import signal
import subprocess
import sys
import termios
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.console import Console

from cli.status_page import status_page
from cli.tables import naming
from shared.page.orders import STATUSES, Row, Turn, chosen
from simulator.simulator import Simulator
from tests.cli.commands import ROOT, run
from tests.unit.making import REF

WIDTH = 80
PATIENCE = 60.0
"""Seconds in which a terminal must show something, or its process end."""

TAGGED = {
    "done": "captured",
    "broken": "failed",
    "sysprep": "waiting",
    "underway": "capturing",
    "denied": "refused",
}


def row(status: str, turn: Turn, **said: str | None) -> Row:
    """Return an order's row."""
    usual = {"vm": REF.id, "status": status, "asOf": "2026-11-01T10:00:00Z", "turn": turn.value}
    return {**usual, "next": "do it", "image": "golden/web", "detail": None, **said}


def shown(rows: list[Row], *, whole: bool = False, width: int = WIDTH) -> str:
    """Return the page as text."""
    screen = Console(width=width)
    with screen.capture() as text:
        screen.print(*status_page(rows, naming([REF.subscription]), whole=whole), sep="\n")
    return text.get()


def test_what_needs_a_person_comes_first_and_failures_before_all() -> None:
    """Then what is in progress; then the captured ones."""
    page = shown(
        [
            row("captured", Turn.NOBODY),
            row("capturing", Turn.STILLFRAME),
            row("waiting", Turn.OWNER),
            row("failed", Turn.OWNER),
        ]
    )
    wanted = ("Needs a person: 2", "failed", "waiting", "In progress: 1", "Captured: 1")
    places = [page.index(text) for text in wanted]
    assert places == sorted(places)


def test_captured_orders_are_one_line_until_they_are_asked_for() -> None:
    """The newest is named; with --all each is shown with its next step."""
    days = (3, 9, 5)
    rows = [
        row("captured", Turn.NOBODY, image=f"image-{day}", asOf=f"2026-11-{day:02}T10:00:00Z")
        for day in days
    ]
    assert [f"image-{day}" in shown(rows) for day in days] == [False, True, False]
    assert all(f"image-{day}" in shown(rows, whole=True) for day in days)


@given(st.text(max_size=400), st.text(max_size=300), st.sampled_from(list(Turn)))
def test_every_line_fits_the_terminal(detail: str, image: str, turn: Turn) -> None:
    """Whatever the tags say, at 80 columns; no control character reaches the terminal."""
    page = shown([row("refused", turn, detail=detail, image=image)], whole=True)
    assert all(cell_len(line) <= WIDTH for line in page.split("\n"))
    assert all(char.isprintable() or char == "\n" for char in page)


def test_orders_are_chosen_by_status_and_by_name() -> None:
    """A pattern is a name or group/name in any case; both filters apply together."""
    rows = [row("refused", Turn.OWNER), row("failed", Turn.OWNER)]
    assert chosen(rows, [], []) == rows
    assert chosen(rows, ["failed"], []) == rows[1:]
    for pattern in (REF.name.upper(), f"{REF.group}/*", f"*/{REF.name}"):
        assert chosen(rows, [], ["no-such-vm", pattern]) == rows
    assert chosen(rows, ["failed"], ["no-such-vm"]) == []


@pytest.fixture(scope="module")
def subscription(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Simulator]:
    """Give a subscription with orders of several statuses."""
    with Simulator(speed=1, state_dir=tmp_path_factory.mktemp("status")) as simulator:
        for name, status in TAGGED.items():
            tags = {"stillframe-capture": "managed-image", "stillframe-status": status}
            simulator.client.create_vm(name, tags=tags)
        yield simulator


def test_the_command_takes_the_filters(subscription: Simulator) -> None:
    """The same rows as JSON and as a page; an unknown status is a usage error."""
    named = ("status", "--subscription", subscription.subscription_id)
    told = run(subscription, *named, "--status", "failed", "--status", "refused", "--json")
    names = [one["vm"].rpartition("/")[2] for one in json.loads(told.stdout)["orders"]]
    assert (told.returncode, sorted(names)) == (0, ["broken", "denied"])
    page = run(subscription, *named, "--vm", "BRO*").stdout
    assert [name in page for name in TAGGED] == [name == "broken" for name in TAGGED]
    assert "No order matches." in run(subscription, *named, "--vm", "nothing").stdout
    wrong = run(subscription, *named, "--status", "lost")
    assert wrong.returncode == 2
    assert all(status in wrong.stderr for status in STATUSES)


def test_a_watch_shows_the_orders_until_ctrl_c(subscription: Simulator) -> None:
    """On a terminal; Ctrl-C ends it with 0 and without a traceback."""
    ours, terminal = pty.openpty()
    termios.tcsetwinsize(terminal, (50, WIDTH))
    command = [sys.executable, "-m", "cli", "status", "--watch"]
    named = ["--subscription", subscription.subscription_id]
    with subprocess.Popen(  # noqa: S603 our own interpreter and command
        [*command, *named],
        env=os.environ | subscription.environment("app") | {"TERM": "xterm"},
        cwd=ROOT,
        stdin=terminal,
        stdout=terminal,
        stderr=terminal,
        preexec_fn=_own_terminal,  # noqa: PLW1509 the child has no threads yet
    ) as watching:
        os.close(terminal)
        try:
            page = read_until(ours, "Ctrl-C ends it")
            os.write(ours, b"\x03")
            rest = read_until(ours, None)
            assert watching.wait(PATIENCE) == 0
        finally:
            watching.kill()
    os.close(ours)
    assert "Needs a person: 3" in page
    assert "Traceback" not in rest


def _own_terminal() -> None:
    """Make the terminal that is the process's input its controlling one, with Ctrl-C as usual.

    A shell has a job that it starts in the background ignore SIGINT, and so do all below it.
    """
    os.login_tty(0)
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def read_until(terminal: int, text: str | None) -> str:
    """Return what a terminal shows until a text, or until its process ends; it must go on."""
    told = ""
    while text is None or text not in told:
        assert select.select([terminal], [], [], PATIENCE)[0], told
        try:
            told += os.read(terminal, 4096).decode(errors="replace")
        except OSError:  # the process has ended
            break
    return told


def test_a_watch_needs_a_terminal(subscription: Simulator) -> None:
    """In a pipe it ends at once, with 2, and says why."""
    named = ("--subscription", subscription.subscription_id)
    told = run(subscription, "status", "--watch", *named)
    assert (told.returncode, told.stdout) == (2, "")
    assert "--watch needs a terminal" in told.stderr
