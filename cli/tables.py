"""Results -> tables for a terminal.

Pure. Takes a sweep's report, gives what rich prints. Tags and Azure's
messages are untrusted, so they are shown as plain text: no markup, no control characters.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from shared.costguard.bill import of_list_price
from shared.model.ids import VmRef
from shared.model.tags import Status
from shared.model.version import VERSION
from shared.page.names import instant_text
from shared.sweep.report import Flagged, SweepReport

type Naming = Callable[[str], str]
"""From a VM's id to its name in a table."""

UNKNOWN = "unknown"
_BILLS = {
    "would mark": "tag the VM with the time since when it is billed while stopped",
    "would alert": "alert that it is still billed (VmStillBilled)",
    "would clear": "remove the tags: no longer billed, or exempt",
    "would deallocate": "deallocate it, by a tag or by COST_GUARD_ACTION",
    "would retract": "remove the note that it is being deallocated",
}
_STEPS = {
    "would deallocate": "deallocate, to create its image",
    "would generalize": "mark generalized, then create its image",
    "would create": "create its image",
    **{f"would say {status}": f"set its status to {status}" for status in Status},
}


def naming(subscriptions: Sequence[str]) -> Naming:
    """Return how VMs are named: group/name, after the subscription if there are several."""

    def name(vm_id: str) -> str:
        ref = VmRef.find(vm_id)
        if ref is None:
            return vm_id
        prefix = f"{ref.subscription}/" if len(subscriptions) > 1 else ""
        return f"{prefix}{ref.group.lower()}/{ref.name}"  # Azure lists the group in upper case

    return name


def sweep_page(report: SweepReport, now: datetime, name: Naming) -> list[RenderableType]:
    """Return the figures of `SweepCompleted` but `untold`: a dry run writes nothing.

    `unsaid` orders are only counted, because the user's permissions are not the app's.
    """
    powers = {state.rpartition("/")[2]: count for state, count in report.states.items()}
    parts = [
        _counts("VMs by power state", powers),
        _counts("Orders by status", report.statuses),
        _flagged(report, now, name),
        _would(report, name),
        *_unjudged(report),
        _others(report, name),
        *_left_behind(report, name),
        _failures(report, name),
        _cost(report),
    ]
    return without_empty(parts)


def plan_page(report: SweepReport, name: Naming) -> list[RenderableType]:
    """Return what the app would do now, what this command cannot tell, and what failed."""
    would = _would(report, name)
    parts = [
        would if would.row_count else Text("Nothing would be done now."),
        *_unjudged(report),
        _failures(report, name),
        _cost(report),
    ]
    return without_empty(parts)


def without_empty(parts: Sequence[RenderableType]) -> list[RenderableType]:
    """Return the parts of a page without its empty tables."""
    return [part for part in parts if not isinstance(part, Table) or part.row_count]


def _cost(report: SweepReport) -> Text:
    requests = f"{report.requests} requests to Azure in {report.seconds:.1f} s"
    return Text(f"Stillframe {VERSION}: {requests}; nothing was changed.")


def _counts(title: str, counted: Mapping[str, int]) -> Table:
    """Return a table of counts, the largest first, and their sum."""
    table = table_of(title, "", "VMs")
    table.columns[1].justify = "right"
    for what, count in sorted(counted.items(), key=lambda item: -item[1]):
        table.add_row(plain(what), str(count))
    if counted:
        table.add_section()
        table.add_row("all", str(sum(counted.values())))
    return table


def _flagged(report: SweepReport, now: datetime, name: Naming) -> RenderableType:
    if not report.flagged:
        return Text("No VM is stopped and still billed.")
    table = table_of("Stopped, but still billed", "VM", "since", "size", "region")
    for amount in (f"{report.currency} an hour", "so far", "licence an hour"):
        table.add_column(amount, justify="right")
    filled(table, (_flagged_cells(vm, now, name) for vm in report.dearest))
    return Group(table, Text(_wasted(report)))


def _flagged_cells(flagged: Flagged, now: datetime, name: Naming) -> tuple[str, ...]:
    return (
        name(flagged.ref.id),
        instant_text(flagged.since) if flagged.since else "first seen now",
        flagged.machine.size if flagged.machine else UNKNOWN,
        flagged.machine.region if flagged.machine else UNKNOWN,
        money_text(flagged.rate.hourly, 4),
        money_text(flagged.row(now).get("ContractedCost")),
        money_text(flagged.rate.licence, 4),
    )


def _wasted(report: SweepReport) -> str:
    """Return the sum of a day: what is sure, the licences beside it, and what is not counted."""
    unpriced = f" ({report.unpriced} without a known price)" if report.unpriced else ""
    licences = report.licences_per_day * report.factor
    more = (
        f" {licences:.2f} more if Azure bills Windows licences while stopped." if licences else ""
    )
    return (
        f"Together {report.cost_of_a_day} a day, {of_list_price(report.factor)}{unpriced}.{more} "
        "Reservations and savings plans are not counted."
    )


def _would(report: SweepReport, name: Naming) -> Table:
    """Return what the app would do now: by VM for orders, as counts for bills."""
    rows = [
        (", ".join(_STEPS.get(step, step) for step in steps), name(vm))
        for vm, steps in report.steps.items()
    ]
    rows += [(_BILLS.get(what, what), f"{count} VM(s)") for what, count in report.bills.items()]
    return filled(table_of("What would be done now", "what", "to"), rows)


def _unjudged(report: SweepReport) -> list[Text]:
    if not report.unsaid:
        return []
    return [
        Text(
            f"{len(report.unsaid)} order(s) cannot be judged from here: whether they are refused "
            "depends on the app's permissions and settings. The status on their tags applies."
        )
    ]


def _others(report: SweepReport, name: Naming) -> Table:
    rows = [(name(vm), app) for vm, app in report.others.items()]
    return filled(table_of("Orders of other function apps", "VM", "function app"), rows)


def _left_behind(report: SweepReport, name: Naming) -> list[RenderableType]:
    """Return what captures have left behind: VMs by name with their disks, and versions."""
    table = table_of("Left behind: captured VMs, which never start again", "VM", "disks", "GiB")
    table.add_column(f"{report.currency} a month", justify="right")
    dearest = sorted(report.left_vms, key=lambda vm: -(vm.month or 0.0))
    cells = ((name(vm.ref.id), vm.disks, vm.size_gb, money_text(vm.month)) for vm in dearest)
    filled(table, (map(str, row) for row in cells))
    versions = report.left_versions
    counts = table_of("Left behind: gallery versions", "what", "how many")
    if versions and (versions.failed or versions.superseded):
        counts.add_row("failed, which block their numbers", str(len(versions.failed)))
        counts.add_row("superseded by a newer one", str(versions.superseded))
        counts.add_row("replicas of those", str(versions.replicas))
    return [table, counts]


def _failures(report: SweepReport, name: Naming) -> Table:
    rows = [(name(vm), "visit failed", why) for vm, why in report.failed.items()]
    rows += [(name(vm), "not reached", "time ran out") for vm in report.unreached]
    rows += [(name(vm), "invalid tag", value) for vm, value in report.unreadable.items()]
    rows += [(name(vm), "left out of Azure's list", why) for vm, why in report.strange.items()]
    rows += [
        (subscription, "not listed", why.partition("\n")[0])
        for subscription, why in report.unlisted.items()
    ]
    return filled(table_of("Failures", "where", "what", "why"), rows)


def table_of(title: str, *columns: str) -> Table:
    """Return an empty table."""
    table = Table(title=title, title_justify="left")
    for column in columns:
        table.add_column(column, overflow="fold")
    return table


def filled(table: Table, rows: Iterable[Iterable[str | None]]) -> Table:
    """Add rows to a table, with untrusted texts made safe; return the table."""
    for row in rows:
        table.add_row(*map(plain, row))
    return table


def plain(text: str | None) -> Text:
    """Return a text unchanged, but with spaces for terminal control characters."""
    return Text("".join(char if char.isprintable() else " " for char in text or "-"))


def money_text(amount: float | None, digits: int = 2) -> str:
    """Return an amount of money without its currency."""
    return UNKNOWN if amount is None else f"{amount:.{digits}f}"
