"""The report: what it says, that it is one small inert file, and whose texts are only text."""

import base64
import hashlib
import re
from collections import Counter
from datetime import timedelta
from html.parser import HTMLParser
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from shared.costguard.bill import Rate
from shared.model.facts import Machine, Price
from shared.model.ids import VmRef
from shared.model.ledger import Ledger
from shared.model.tags import Status
from shared.page.html import report_html
from shared.page.orders import Row, Turn, next_step
from shared.page.view import LONGEST, SHOWN, SILENT_AFTER, Names, lane, view
from shared.sweep.left import LeftVersions, LeftVm
from shared.sweep.report import Flagged, SweepReport
from tests.unit.making import NOW, REF, ago, settings
from tests.unit.making import vm as a_vm

LARGEST = 300_000
"""Bytes: what can still be mailed and opened on a phone."""

VOID = {"meta", "rect"}
INERT = {
    *("html", "head", "meta", "title", "style", "body", "header", "main", "footer", "section"),
    *("h1", "h2", "h3", "h4", "p", "bdi", "strong", "small", "code", "blockquote", "article"),
    *("div", "table", "caption", "thead", "tbody", "tr", "th", "td", "ol", "ul", "li", "dl"),
    *("dt", "dd", "details", "summary", "svg", "rect"),
}


class Reader(HTMLParser):
    """Reads a file: its tags, their attributes, its text; each tag must be closed in its turn."""

    def __init__(self, page: bytes) -> None:
        super().__init__()
        self.tags: Counter[str] = Counter()
        self.attributes: set[tuple[str, str, str]] = set()
        self.texts: list[str] = []
        self._open: list[str] = []
        self.feed(page.decode())
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note a tag that is opened."""
        self.tags[tag] += 1
        self.attributes |= {(tag, name, value or "") for name, value in attrs}
        if tag not in VOID:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        """Check that it is the one opened last."""
        if tag not in VOID:
            assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        """Note a text."""
        self.texts.append(data)

    @property
    def text(self) -> str:
        """All text of the file."""
        return "".join(self.texts)


def flagged(name: str = "idle", hours: float = 5, owner: str | None = "ann") -> Flagged:
    """Return a VM that is billed while stopped."""
    machine = a_vm().machine
    assert isinstance(machine, Machine)
    rate = Rate(price=Price(0.2, 0.1), currency="EUR")
    ref = VmRef(REF.subscription, REF.group, name)
    return Flagged(ref, ago(hours=hours), machine, rate, owner=owner)


def row(name: str = "web", status: str = "failed", **said: str | None) -> Row:
    """Return an order's row."""
    turn, text = next_step(status, a_vm().power)
    usual = {
        "vm": VmRef(REF.subscription, REF.group, name).id,
        "status": status,
        "turn": turn.value,
    }
    told = {"asOf": "2026-11-01T10:00:00Z", "image": "golden/web", "detail": None}
    return {**usual, "next": text, **told, **said}


def shown(
    report: SweepReport,
    rows: list[Row],
    ledger: Ledger | str = "No ledger.",
    **more: Any,  # noqa: ANN401 arguments of view
) -> bytes:
    """Return the file."""
    known = settings()
    return report_html(view(report, rows, ledger, known, NOW, **{"names": Names(), **more}))


def found(*vms: Flagged, **said: Any) -> SweepReport:  # noqa: ANN401 fields of SweepReport
    """Return a report of ten VMs."""
    states = Counter({"PowerState/running": 10})
    return SweepReport(currency="EUR", states=states, flagged=list(vms), **said)


def test_the_first_sentence_is_the_whole_story() -> None:
    """How many VMs cost how much, whose turn orders are, when it was swept, how many were seen."""
    rows = [row(), row("sql", "capturing"), row("old", "captured")]
    page = shown(found(flagged(), flagged("build")), rows, swept=ago(minutes=2))
    assert (
        "2 VMs look switched off and cost 9.60 EUR a day, list price; 1 order needs a person; 1 "
        "image is on the way; last sweep 2 minutes ago, 10 VMs in 1 subscription."
    ) in Reader(page).text


def test_an_empty_subscription_has_a_report_too() -> None:
    """It says that nothing is billed, and how an order begins."""
    text = Reader(shown(found(), [])).text
    assert "No VM is stopped and still billed" in text
    assert "No VM has an order: no VM has the tag stillframe-capture." in text


@pytest.mark.parametrize(
    ("swept", "alarm"),
    [(timedelta(minutes=5), False), (SILENT_AFTER + timedelta(minutes=1), True), (None, False)],
)
def test_it_is_red_only_if_the_app_has_stopped_sweeping(
    swept: timedelta | None, *, alarm: bool
) -> None:
    """Two hours without a sweep; a person's own reading knows nothing of it."""
    page = shown(found(flagged()), [row()], swept=NOW - swept if swept is not None else None)
    leads = {value for tag, name, value in Reader(page).attributes if (tag, name) == ("p", "class")}
    assert ("lead alarm" in leads) is alarm


def test_it_is_small_with_more_than_anybody_reads() -> None:
    """With 400 flagged VMs and 120 orders; what is not shown is counted, dearest first."""
    long = "n" * 60
    vms = [flagged(f"{long}-{number}") for number in range(400)]
    statuses = [*Status] * 20
    rows = [row(f"{long}-{it}", statuses[it], detail="d" * 250) for it in range(120)]
    page = shown(found(*vms), rows)
    assert len(page) <= LARGEST
    assert f"{400 - SHOWN} more VMs, which cost less, are not shown." in Reader(page).text


@given(st.text(max_size=300), st.text(min_size=1, max_size=80))
@example("</bdi></style><script>alert(1)</script>", '"><img src=x onerror=alert(1)>')
@example("{{ 7 * 7 }}{% raw %}", "\u202egnp.exe\x1b[31m")
@example("x" * 10_000, "y" * 10_000)
def test_a_strangers_text_is_shown_as_text(detail: str, owner: str) -> None:
    """Whatever tags, names and messages hold: no tag, attribute or direction is theirs."""
    report = found(flagged(owner=owner), failed={detail: detail}, unlisted={owner: detail})
    page = Reader(shown(report, [row(detail=detail, image=owner, vm=owner)]))
    assert set(page.tags) <= INERT
    allowed = Reader(shown(found(flagged(), failed={"x": "y"}), [row(detail="x")])).attributes
    assert page.attributes == allowed
    expected = "".join(char if char.isprintable() else " " for char in detail[: LONGEST - 1])
    assert expected in page.text
    assert "\u202e" not in page.text


def test_it_loads_and_runs_nothing() -> None:
    """Its policy permits one style sheet, by its hash; it has no link, image, form or script."""
    page = shown(found(flagged()), [row()]).decode()
    (style,) = re.findall(r"<style>(.*?)</style>", page, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    (policy,) = re.findall(r'Content-Security-Policy" content="([^"]*)"', page)
    assert policy == (
        f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    )
    assert "url(" not in style
    assert set(Reader(page.encode()).tags) <= INERT


def test_a_masked_report_has_no_name() -> None:
    """Of a VM, group, subscription, owner, image, nor a text that may hold one; counts stay."""
    report = found(
        flagged(owner="ann@example.com"),
        failed={REF.id: f"{REF.name} refused"},
        unlisted={REF.subscription: f"{REF.subscription} refused"},
        left_vms=[LeftVm(REF, 2, 256, 30.0)],
        left_versions=LeftVersions(),
    )
    entry = {"id": "1", "type": "Stillframe.ImageCaptured", "time": "2026-11-01T10:00:00Z"}
    ledger = Ledger("2026-11", [entry | {"subject": REF.id}])
    page = shown(report, [row(detail="of web")], ledger, names=Names(masked=True)).decode()
    for name in (REF.subscription, "idle", "ann@", "golden/web", "of web", "refused"):
        assert name not in page
    for name in (REF.name, REF.group):
        assert f">{name}<" not in page
    assert all(name in page for name in ("vm 1", "group 1", "subscription 1", "owner 1", "image 1"))


def test_a_masked_vm_has_the_same_number_everywhere() -> None:
    """In any case of its letters; another VM has another."""
    names = Names(masked=True)
    upper = VmRef(REF.subscription, REF.group.upper(), REF.name.upper())
    other = VmRef(REF.subscription, REF.group, "other")
    assert [names.vm(ref) for ref in (REF, upper, other)] == ["vm 1", "vm 1", "vm 2"]


@pytest.mark.parametrize("status", Status)
def test_an_orders_lane_shows_how_far_it_is(status: Status) -> None:
    """Five stages: those done, at most one that is next or failed, the rest open."""
    states = "".join(stage.state[0] for stage in lane(status))
    assert re.fullmatch(r"d*[hf]?o*", states)
    assert len(states) == 5
    assert ("f" in states) == (status in (Status.FAILED, Status.NOT_GENERALIZED, Status.REFUSED))


def test_failures_come_first() -> None:
    """Among the orders that need a person."""
    rows = [row("a", "waiting", turn=Turn.OWNER), row("b", "refused"), row("c", "failed")]
    text = Reader(shown(found(), rows)).text
    places = [text.index(f"{status}, since") for status in ("failed", "refused", "waiting")]
    assert places == sorted(places)
