"""The report: what it says, that it is one small inert file, and whose texts are only text."""

import base64
import hashlib
import re
import unicodedata
from collections import Counter
from dataclasses import replace
from datetime import timedelta
from html.parser import HTMLParser

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from shared.costguard.bill import Rate
from shared.model.facts import ObservedImage, Price, Provisioning
from shared.model.ids import VmRef
from shared.model.ledger import Ledger
from shared.page.names import LONGEST, SHOWN, Names
from shared.page.orders import Turn
from shared.page.versions import NEWEST, lines
from shared.page.view import SILENT_AFTER
from shared.sweep.left import LeftVersions, LeftVm
from tests.page.making import flagged, found, large, row, shown, version
from tests.unit.making import NOW, REF, ago

LARGEST = 300_000
"""Bytes: what can still be mailed and opened on a phone."""

VOID = {"meta", "rect", "line", "circle", "img"}
INERT = {
    *("html", "head", "meta", "title", "style", "body", "header", "main", "footer", "section"),
    *("h1", "h2", "h3", "h4", "p", "bdi", "strong", "small", "code", "blockquote", "article"),
    *("div", "table", "caption", "thead", "tbody", "tr", "th", "td", "ol", "ul", "li", "dl"),
    *("dt", "dd", "details", "summary", "svg", "rect", "line", "circle"),
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


def test_the_first_sentence_is_the_whole_story() -> None:
    """How many VMs cost how much, whose turn orders are, when it was swept, how many were seen."""
    rows = [row(), row("sql", "capturing"), row("old", "captured")]
    page = shown(found(flagged(), flagged("build")), rows, reported=ago(minutes=2))
    assert (
        "2 VMs look switched off and cost 9.60 EUR a day, list price; 1 order needs a person; 1 "
        "image is on the way; last hourly sweep 2 minutes ago, 10 VMs in 1 subscription."
    ) in Reader(page).text


def test_an_empty_subscription_has_a_report_too() -> None:
    """It says that nothing is billed, and how an order begins."""
    text = Reader(shown(found(), [])).text
    assert "No VM is stopped and still billed" in text
    assert "No VM has an order: no VM has the tag stillframe-capture." in text


def test_what_could_not_be_read_is_not_taken_for_nothing() -> None:
    """The first sentence begins with it, and it is red."""
    page = Reader(shown(found(unlisted={"b": "AuthorizationFailed"}), []))
    assert "1 of 1 subscription could not be read; no VM is stopped" in page.text
    assert page.text.count("in what could be read") == 3
    assert "10 VMs in 0 subscriptions" in page.text
    assert ("p", "class", "lead alarm") in page.attributes


@pytest.mark.parametrize(
    ("prices", "cost"),
    [
        ((None, None), "an unknown amount a day"),
        ((None, 0.2), "at least 4.80 EUR a day"),
        ((0.2, 0.2), "9.60 EUR a day"),
    ],
)
def test_an_unknown_price_is_no_zero(prices: tuple[float | None, ...], cost: str) -> None:
    """The sum says that it is a lower bound, or that nothing is known; and why."""
    rates = [Rate(price=Price(one, None) if one else None, currency="EUR") for one in prices]
    vms = [replace(flagged(), rate=rate) for rate in rates]
    text = Reader(shown(found(*vms, prices_unread="prices.azure.com could not be read"), [])).text
    assert f"look switched off and cost {cost}, list price" in text.replace("\n", " ")
    assert f"{cost} in all" in text
    assert "No prices: prices.azure.com could not be read" in text


@pytest.mark.parametrize(
    ("swept", "alarm"),
    [(timedelta(minutes=5), False), (SILENT_AFTER + timedelta(minutes=1), True), (None, False)],
)
def test_it_is_red_only_if_the_app_has_stopped_sweeping(
    swept: timedelta | None, *, alarm: bool
) -> None:
    """Two hours without a sweep; a person's own reading knows nothing of it."""
    last = NOW - swept if swept is not None else None
    page = shown(found(flagged()), [row()], reported=last)
    leads = {value for tag, name, value in Reader(page).attributes if (tag, name) == ("p", "class")}
    assert ("lead alarm" in leads) is alarm


def test_it_is_small_with_more_than_anybody_reads() -> None:
    """With 400 flagged VMs and 120 orders; what is not shown is counted, dearest first."""
    page = large()
    assert len(page) <= LARGEST
    assert f"{400 - SHOWN} more VMs, which cost less, are not shown." in Reader(page).text


def unmarked(text: str) -> str:
    """Return a text without combining marks."""
    return "".join(char for char in text if not unicodedata.category(char).startswith("M"))


@given(st.text(max_size=300), st.text(min_size=1, max_size=80))
@example("</bdi></style><script>alert(1)</script>", '"><img src=x onerror=alert(1)>')
@example("{{ 7 * 7 }}{% raw %}", "\u202egnp.exe\x1b[31m")
@example("x" * 10_000, "y" * 10_000)
def test_a_strangers_text_is_shown_as_text(detail: str, owner: str) -> None:
    """Whatever tags, names and messages hold: no tag, attribute or direction is theirs."""
    made = version("1.0.0", tags={"stillframe-proof": detail, "stillframe-boot-minutes": owner})
    failures = {"failed": {detail: detail}, "unlisted": {owner: detail}}
    report = found(flagged(owner=owner), images=[made], **failures)
    page = Reader(shown(report, [row(detail=detail, image=owner, vm=owner)]))
    assert set(page.tags) <= INERT
    failures = {"failed": {"x": "y"}, "unlisted": {"x": "y"}}
    harmless = found(flagged(), images=[version("1.0.0")], **failures)
    allowed = Reader(shown(harmless, [row(detail="x")])).attributes
    assert page.attributes == allowed
    expected = "".join(char if char.isprintable() else " " for char in detail[: LONGEST - 1])
    assert unmarked(expected) in unmarked(page.text)
    assert "\u202e" not in page.text


def test_it_loads_and_runs_nothing() -> None:
    """Its policy permits one style sheet, by its hash, and pictures in it; no link, no script."""
    page = shown(found(flagged()), [row()]).decode()
    (style,) = re.findall(r"<style>(.*?)</style>", page, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    (policy,) = re.findall(r'Content-Security-Policy" content="([^"]*)"', page)
    assert policy == (
        f"default-src 'none'; style-src 'sha256-{digest}'; img-src data:; base-uri 'none'; "
        "form-action 'none'"
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


def test_a_strangers_word_on_an_image_is_masked_and_ours_is_not() -> None:
    """A tag that somebody else has written may hold a name."""
    tags = {"stillframe-proof": "ann did it", "stillframe-boot": "booted"}
    made = version("1.0.0", tags=tags | {"stillframe-boot-minutes": "ann"})
    page = shown(found(images=[made]), [], names=Names(masked=True)).decode()
    assert "ann" not in page.replace("and", "")
    assert "<bdi>booted</bdi>" in page


def test_a_masked_vm_has_the_same_number_everywhere() -> None:
    """In any case of its letters; another VM has another."""
    names = Names(masked=True)
    upper = VmRef(REF.subscription, REF.group.upper(), REF.name.upper())
    other = VmRef(REF.subscription, REF.group, "other")
    assert [names.vm(ref) for ref in (REF, upper, other)] == ["vm 1", "vm 1", "vm 2"]


def test_what_was_not_reached_is_told_with_when_it_will_be() -> None:
    """After how many sweeps like this one all VMs will have been visited."""
    left = [REF.id] * 250
    assert "and within 3 sweeps all" in Reader(shown(found(unreached=left, looked=100), [])).text
    assert "first next time</bdi>" in shown(found(unreached=left), []).decode()


def test_failures_come_first() -> None:
    """Among the orders that need a person."""
    rows = [row("a", "waiting", turn=Turn.OWNER), row("b", "refused"), row("c", "failed")]
    text = Reader(shown(found(), rows)).text
    places = [text.index(f"{status}, since") for status in ("failed", "refused", "waiting")]
    assert places == sorted(places)


def states(*images: ObservedImage) -> dict[str, str]:
    """Return the state of each version of the one definition."""
    (line,) = lines(images, Names(), NOW)
    return {one.number: one.state for one in line.rows}


def test_latest_is_the_highest_number_that_succeeded_and_is_not_excluded() -> None:
    """As numbers, not as text; at most one of a definition; the newest is shown first."""
    failed = {"provisioning": Provisioning.FAILED}
    found = states(
        version("1.9.0"),
        version("1.10.0"),
        version("1.11.0", excluded=True),
        version("1.12.0", **failed),
        version("1.13.0", provisioning=Provisioning.CREATING),
    )
    assert list(found.items()) == [
        ("1.13.0", "creating"),
        ("1.12.0", "failed"),
        ("1.11.0", "excluded"),
        ("1.10.0", "latest"),
        ("1.9.0", "older"),
    ]


def test_an_image_of_a_copy_is_from_the_vm_that_is_kept() -> None:
    """The copied VM is gone, and nobody knows its name."""
    copied = replace(REF, group="stillframe-workshop", name="keep-1b881e21a5")
    made = version("1.0.0", source=copied, tags={"stillframe-copy-of": f"{REF.group}/{REF.name}"})
    (line,) = lines([made], Names(), NOW)
    assert [one.vm for one in line.rows] == [REF.name]


def test_no_version_is_latest_if_all_are_excluded() -> None:
    """Azure then gives nobody an image without a number."""
    assert "latest" not in states(version("1.0.0", excluded=True)).values()


def test_versions_are_placed_in_time_and_only_the_newest_are_shown() -> None:
    """From the oldest shown, at the left, to now; the others are counted."""
    days = range(NEWEST + 3)
    found = [version(f"1.{100 - day}.0", published=ago(days=day)) for day in days]
    (line,) = lines(found, Names(), NOW)
    places = [one.place for one in line.rows if one.place is not None]
    assert (len(places), line.more) == (NEWEST, 3)
    assert places == sorted(places, reverse=True)
    assert (places[0], places[-1]) == (98, 2)


def test_the_report_has_the_versions_with_proof_and_boot_test() -> None:
    """From which VM, how old, and what its tests said."""
    tags = {"stillframe-proof": "generalized", "stillframe-boot": "booted"}
    made = version("1.0.0", source=REF, tags=tags | {"stillframe-boot-minutes": "3"})
    text = Reader(shown(found(images=[made]), [])).text
    for told in ("latest", REF.name, "24 h", "generalized", "booted, 3 min"):
        assert told in text
