"""What a sweep found -> the texts, numbers and shares that the report shows.

Pure. The template (`report.html.j2`) only places what is here. Texts of strangers (tags, names,
Azure's messages) are cut and without characters that do not print; the template escapes them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from types import MappingProxyType

from shared.costguard.alert import FIRST_SEEN, GRAPH
from shared.costguard.bill import HOURS_A_DAY, SECONDS_AN_HOUR, of_list_price
from shared.model.ids import VmRef
from shared.model.instants import read_instant
from shared.model.ledger import Entry, Ledger, amount
from shared.model.outcomes import OutcomeType
from shared.model.settings import Settings
from shared.model.version import VERSION
from shared.page.lanes import Orders, made_of, order_groups
from shared.page.names import SHOWN, Names, instant_text, printable
from shared.page.orders import Row, Turn
from shared.page.versions import Line, lines
from shared.sweep.left import LeftVm
from shared.sweep.report import Flagged, SweepReport

SILENT_AFTER = timedelta(hours=2)
"""Without a sweep for this long the app is taken to have stopped."""

UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class BilledRow:
    """A VM that is stopped and still billed; `share` is its hours of the longest's, in percent."""

    vm: str
    place: str
    owner: str
    size: str
    since: str
    known_by: str
    hours: str
    share: float
    day: str
    so_far: str
    command: str


@dataclass(frozen=True, slots=True)
class Cells:
    """A table of plain texts: its caption, its columns, its rows; `more` rows are not shown."""

    caption: str
    columns: tuple[str, ...]
    rows: Sequence[tuple[str, ...]]
    more: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """The whole report."""

    at: str
    version: str = VERSION
    alarm: bool = False
    sentence: str
    where: str
    billed: list[BilledRow]
    billed_more: int
    billed_sum: str
    orders: list[Orders]
    lines: list[Line]
    left: Cells
    left_versions: str
    ended: Cells
    ended_sum: str
    unseen: list[str]
    settings: list[tuple[str, str]] = field(default_factory=list)


def view(  # noqa: PLR0913 each is a source of its own
    report: SweepReport,
    rows: Sequence[Row],
    ledger: Ledger | str,
    settings: Settings,
    now: datetime,
    *,
    reported: datetime | None = None,
    pictures: Mapping[str, bytes] = MappingProxyType({}),
    names: Names,
) -> View:
    """Return what the report shows.

    `rows` are the orders; `ledger` is this month's, or why there is none; `reported` is when the
    app last kept a report, None if that is not known; `pictures` are small screenshots by URL.
    """
    dearest = report.dearest
    longest = max((_hours(vm, now) or 0.0 for vm in dearest), default=0.0)
    left = sorted(report.left_vms, key=lambda vm: -(vm.month or 0.0))
    silent = reported is not None and now - reported > SILENT_AFTER
    return View(
        at=instant_text(now),
        alarm=silent or bool(report.unlisted),
        sentence=_sentence(report, rows, len(settings.subscriptions), now, reported),
        where=_where(report),
        billed=[_billed(vm, longest, now, names) for vm in dearest[:SHOWN]],
        billed_more=max(0, len(dearest) - SHOWN),
        billed_sum=_billed_sum(report),
        orders=order_groups(rows, made_of(report.images, ledger, pictures), names, now),
        lines=lines(report.images, names, now),
        left=_left(left, report.currency, names),
        left_versions=_left_versions(report),
        ended=_ended(ledger, names),
        ended_sum=ledger if isinstance(ledger, str) else _ended_sum(ledger),
        unseen=_unseen(report, names),
        settings=_settings(settings),
    )


def _sentence(
    report: SweepReport,
    rows: Sequence[Row],
    subscriptions: int,
    now: datetime,
    reported: datetime | None,
) -> str:
    flagged, unlisted = len(report.flagged), len(report.unlisted)
    parts = []
    if unlisted:
        parts.append(f"{unlisted} of {_count(subscriptions, 'subscription')} could not be read")
    if flagged:
        verbs = "looks switched off and costs" if flagged == 1 else "look switched off and cost"
        cost = f"{report.cost_of_a_day} a day, {of_list_price(report.factor)}"
        parts.append(f"{_count(flagged, 'VM')} {verbs} {cost}")
    else:
        parts.append(f"no VM is stopped and still billed{_where(report)}")
    people = sum(row["turn"] == Turn.OWNER for row in rows)
    if people:
        parts.append(f"{_count(people, 'order')} {'needs' if people == 1 else 'need'} a person")
    going = sum(row["turn"] == Turn.STILLFRAME for row in rows)
    if going:
        parts.append(f"{_count(going, 'image')} {'is' if going == 1 else 'are'} on the way")
    watched = sum(report.states.values())
    seen = f"{_count(watched, 'VM')} in {_count(subscriptions - unlisted, 'subscription')}"
    parts.append(f"{_reported(now, reported)}, {seen}")
    text = "; ".join(parts)
    return f"{text[0].upper()}{text[1:]}."


def _where(report: SweepReport) -> str:
    """Return where a VM that is not shown is not, if that is not everywhere."""
    return " in what could be read" if report.unlisted else ""


def _reported(now: datetime, reported: datetime | None) -> str:
    if reported is None:
        return "read by a person just now"
    if now - reported > SILENT_AFTER:
        return f"the app has not swept since {instant_text(reported)}"
    minutes = int((now - reported) / timedelta(minutes=1))
    return f"last hourly sweep {_count(minutes, 'minute')} ago" if minutes > 0 else "swept just now"


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def _billed(flagged: Flagged, longest: float, now: datetime, names: Names) -> BilledRow:
    hours, hourly = _hours(flagged, now), flagged.rate.hourly
    currency = flagged.rate.currency
    known = hours is not None and hourly is not None
    return BilledRow(
        vm=names.vm(flagged.ref),
        place=names.place(flagged.ref),
        owner=names.shown("owner", flagged.owner) or UNKNOWN,
        size=flagged.machine.size if flagged.machine else UNKNOWN,
        since=instant_text(flagged.since) if flagged.since else "first seen now",
        known_by=_KNOWN_BY[flagged.known_by],
        hours="" if hours is None else f"{hours:,.1f}",
        share=100 * hours / longest if hours and longest else 0.0,
        day=UNKNOWN if hourly is None else f"{hourly * HOURS_A_DAY:,.2f} {currency}",
        so_far=f"{(hours or 0.0) * (hourly or 0.0):,.2f} {currency}" if known else UNKNOWN,
        command=names.text(f"az vm deallocate --ids {flagged.ref.id}"),
    )


_KNOWN_BY = {
    GRAPH: "by Azure Resource Health",
    FIRST_SEEN: "first seen then, may be longer",
    None: "",
}


def _hours(flagged: Flagged, now: datetime) -> float | None:
    return (now - flagged.since).total_seconds() / SECONDS_AN_HOUR if flagged.since else None


def _billed_sum(report: SweepReport) -> str:
    licences = report.licences_per_day * report.factor
    parts = [f"{report.cost_of_a_day} a day in all"]
    if licences:
        parts.append(f"{licences:,.2f} more if Azure bills Windows licences while stopped")
    if report.unpriced:
        parts.append(f"{report.unpriced} without a known price")
    return "; ".join(parts) + ". Reservations and savings plans are not counted."


def _left(left: Sequence[LeftVm], currency: str, names: Names) -> Cells:
    rows = [
        (
            names.vm(vm.ref),
            names.place(vm.ref),
            str(vm.disks),
            f"{vm.size_gb:,}",
            UNKNOWN if vm.month is None else f"{vm.month:,.2f}",
        )
        for vm in left[:SHOWN]
    ]
    columns = ("VM", "where", "disks", "GiB", f"{currency} a month")
    return Cells("Captured VMs, which never start again", columns, rows, len(left) - len(rows))


def _left_versions(report: SweepReport) -> str:
    versions = report.left_versions
    if versions is None:
        return "Gallery versions were not listed."
    failed = _count(len(versions.failed), "gallery version")
    old = _count(versions.superseded, "version")
    replicas = _count(versions.replicas, "replica")
    return (
        f"{failed} failed, which block their numbers; {old} superseded by a newer one, "
        f"with {replicas}."
    )


_ENDS = {
    OutcomeType.NO_LONGER_BILLED: "no longer billed",
    OutcomeType.DEALLOCATED: "deallocated by Stillframe",
    OutcomeType.CAPTURED: "captured",
}


def _ended(ledger: Ledger | str, names: Names) -> Cells:
    columns = ("what", "VM", "at", "cost")
    if isinstance(ledger, str):
        return Cells("Ended this month", columns, [])
    newest = list(reversed(ledger.entries))
    rows = [_ended_row(entry, names) for entry in newest[:SHOWN]]
    return Cells(f"Ended in {ledger.month}", columns, rows, len(newest) - len(rows))


def _ended_row(entry: Entry, names: Names) -> tuple[str, ...]:
    at = read_instant(str(entry.get("time")))
    cost = amount(entry, "ContractedCost")
    ref = VmRef.find(str(entry.get("subject")))
    return (
        _ENDS.get(OutcomeType(str(entry["type"])), ""),
        names.vm(ref) if ref else names.text(str(entry.get("subject"))),
        instant_text(at) if at else UNKNOWN,
        "" if cost is None else f"{cost:,.2f} {printable(str(entry.get('BillingCurrency')))}",
    )


def _ended_sum(ledger: Ledger) -> str:
    hours = ledger.seconds() / SECONDS_AN_HOUR
    costs = ", ".join(f"{cost:,.2f} {printable(code)}" for code, cost in ledger.costs().items())
    return f"{hours:,.1f} hours were billed while stopped: {costs or 'nothing'}."


def _unseen(report: SweepReport, names: Names) -> list[str]:
    """Return what the report cannot show, and why."""
    told = [
        f"{names.shown('subscription', subscription)} could not be listed: {names.text(why)}"
        for subscription, why in report.unlisted.items()
    ]
    for what, of in (
        ("could not be read", report.failed),
        ("is malformed in Azure's list", report.strange),
    ):
        told += [f"{_named(vm, names)} {what}: {names.text(why)}" for vm, why in of.items()]
    if report.prices_unread:
        told.append(f"No prices: {names.text(report.prices_unread)}")
    if report.unreached:
        told.append(_unreached(len(report.unreached), report.looked))
    return told[:SHOWN]


def _unreached(left: int, looked: int) -> str:
    """Return how many VMs were not reached, and after how many sweeps all will have been."""
    first = f"{_count(left, 'VM')} not reached in time: they come first next time"
    return f"{first}, and within {_count(-(-left // looked), 'sweep')} all" if looked else first


def _named(vm_id: str, names: Names) -> str:
    ref = VmRef.find(vm_id)
    return f"{names.vm(ref)} ({names.place(ref)})" if ref else names.text(vm_id)


def _settings(settings: Settings) -> list[tuple[str, str]]:
    """Return the settings without which the report cannot be judged; none is secret."""
    after = settings.guard_deallocate_after
    return [
        ("subscriptions", str(len(settings.subscriptions))),
        ("orders", "in some scopes" if settings.scopes else "everywhere"),
        ("proof", str(settings.proof)),
        ("boot test", str(settings.boot_test)),
        ("keep the VM", str(settings.keep_source)),
        ("cost guard", f"{settings.guard_action}{f' after {_span(after)}' if after else ''}"),
        ("off means off", "yes" if settings.off_means_off else "no"),
        ("grace period", _span(settings.guard_grace)),
        ("price factor", f"{settings.guard_price_factor:g}"),
        ("sweep", settings.sweep_schedule),
        ("dry run", "yes" if settings.dry_run else "no"),
    ]


def _span(span: timedelta) -> str:
    hours, minutes = divmod(int(span / timedelta(minutes=1)), 60)
    return f"{hours} h {minutes} min" if minutes else f"{hours} h"
