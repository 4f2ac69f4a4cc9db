"""Reports made up for the tests of the page, and the pages that a browser looks at."""

from collections import Counter
from dataclasses import replace
from typing import Any

from shared.costguard.alert import FIRST_SEEN, GRAPH
from shared.costguard.bill import Rate
from shared.model.facts import Machine, ObservedImage, Price, Provisioning
from shared.model.ids import VmRef
from shared.model.instants import write_instant
from shared.model.ledger import Entry, Ledger
from shared.model.tags import Status
from shared.page.html import report_html
from shared.page.names import Names
from shared.page.orders import Row, next_step
from shared.page.thumbnail import thumbnail
from shared.page.view import view
from shared.sweep.left import LeftVersions, LeftVm
from shared.sweep.report import Flagged, SweepReport
from tests.unit.making import NOW, REF, VERSION, ago, image, settings
from tests.unit.making import vm as a_vm

HOSTILE = (
    "<script>document.title='run'</script>",
    "<img src=https://example.com/x.png onerror=alert(1)>",
    '"><svg onload=alert(2)><style>*{display:none}</style>',
    "</bdi></p></main></body><iframe src=javascript:alert(3)></iframe>",
    "\u202egnp.exe \u2066abc\u2069 \u200f\u05d0\u05d1\u05d2",
    "&lt;b&gt; &amp; {{ 7 * 7 }} {% raw %} ${1+1}",
    "\x1b[31mred\x1b[0m \x00 \r\n\t end",
    "x" * 10_000,
    "\u0e47\u0301" * 200,
)
"""Texts that want to be more than text."""


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
    told = {"asOf": "2026-11-01T10:00:00Z", "image": "golden/web", "detail": None, "kept": None}
    told["powerState"] = "PowerState/deallocated"
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


def version(number: str, **said: Any) -> ObservedImage:  # noqa: ANN401 fields of ObservedImage
    """Return a version of the definition of `VERSION`, published a day ago."""
    return image(replace(VERSION, version=number), **{"published": ago(days=1), **said})


def empty() -> bytes:
    """Return the report of a subscription without VMs."""
    return shown(SweepReport(currency="EUR", left_versions=LeftVersions()), [], Ledger("2026-11"))


def large() -> bytes:
    """Return the report of 10,000 VMs with 400 flagged, 120 orders and their images."""
    long = "build-agent-pool-westeurope-production"
    vms = [
        replace(
            flagged(f"{long}-{number}", hours=400 - number, owner=f"team-{number % 7}"),
            known_by=FIRST_SEEN if number % 5 else GRAPH,
        )
        for number in range(400)
    ]
    statuses = [*Status] * 20
    detail = "Sysprep failed: a package was installed for a user, but not provisioned. " * 3
    rows = [
        row(f"{long}-{it}", statuses[it], detail=detail[:250], image=_number(it).ref.label)
        for it in range(120)
    ]
    states = Counter({"PowerState/running": 9_400, "PowerState/stopped": 600})
    images = [_number(number) for number in range(120)]
    refs = [VmRef(REF.subscription, REF.group, f"{long}-{number}") for number in range(60)]
    left = [LeftVm(ref, 2, 255, 40.2) for ref in refs]
    report = replace(found(*vms, images=images, left_vms=left), states=states)
    report.left_versions = LeftVersions()
    pictures = {_screen(number): thumbnail(_bitmap()) for number in (0, 9, 18)}
    return shown(report, rows, reported=ago(minutes=12), pictures=pictures)


def _screen(number: int) -> str:
    return f"https://storage.example/boot-tests/web-{number}.png"


def _number(number: int) -> ObservedImage:
    boot = "does-not-boot" if number % 9 == 0 else "booted"
    tags = {
        "stillframe-as-of": write_instant(ago(hours=number + 1)),
        "stillframe-started": write_instant(ago(hours=number + 0.9)),
        "stillframe-proof": "generalized",
        "stillframe-boot": boot,
        "stillframe-boot-minutes": "4",
        "stillframe-boot-picture": _screen(number),
    }
    definition = f"windows-{number % 10}"
    made = replace(VERSION, definition=definition, version=f"2026.{1200 - number}.0")
    state = Provisioning.SUCCEEDED
    published = ago(hours=number * 7)
    excluded = boot == "does-not-boot"
    return image(
        made, tags=tags, published=published, excluded=excluded, provisioning=state, source=REF
    )


def _bitmap() -> bytes:
    """Return a bitmap of a screen, as Azure gives it: 640 to 480 pixels, 24 bits."""
    row = b"\x98\x4e\x00" * 640
    head = bytes.fromhex("424d0000000000000000360000002800000080020000e00100000100180000000000")
    return head.ljust(54, b"\0") + row * 480


def hostile() -> bytes:
    """Return a report in which every text of a stranger wants to be more than text."""
    vms = [replace(flagged(f"vm-{it}"), owner=text) for it, text in enumerate(HOSTILE)]
    rows = [row(text[:90], detail=text, image=text) for text in HOSTILE]
    rows += [row("held", text) for text in HOSTILE[:3]]
    images = [
        version(f"1.{it}.0", tags={"stillframe-proof": text, "stillframe-boot": text})
        for it, text in enumerate(HOSTILE)
    ]
    failures = dict(zip(HOSTILE, reversed(HOSTILE), strict=True))
    report = found(*vms, images=images, failed=failures, unlisted=failures)
    line = {"id": "1", "type": "Stillframe.ImageCaptured", "time": "2026-11-01T10:00:00Z"}
    entries: list[Entry] = [{**line, "subject": text, "BillingCurrency": text} for text in HOSTILE]
    return shown(report, rows, Ledger("2026-11", entries))
