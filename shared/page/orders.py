"""VMs as listed -> their orders as rows: the status of each, whose turn it is, what is next.

Pure. Rows depend only on the VM's tags, as the last sweep or event left them, and its power state;
the app's settings are not known here. So an order that keeps its VM is known by its tag, or by what
Stillframe has written since.
"""

from collections.abc import Collection, Iterable, Mapping
from enum import StrEnum
from fnmatch import fnmatchcase

from shared.capture.decide import NOT_LATEST
from shared.capture.keep import OF_ITS_COPY
from shared.model.facts import ListedVm, PowerState
from shared.model.ids import VmRef
from shared.model.tags import Status, Tag

type Row = dict[str, str | None]
"""vm (id), status, powerState, asOf (an instant), turn, next, image, detail, by (an app), kept.

`kept` is `yes` if the order keeps its VM, else None.
"""

UNANSWERED = "unanswered"
STATUSES = (UNANSWERED, *(status.value for status in Status))


class Turn(StrEnum):
    """Who does the next step of an order: Stillframe's turn is also Azure's."""

    OWNER = "owner"
    STILLFRAME = "stillframe"
    NOBODY = "nobody"


TITLES = {
    Turn.OWNER: "Needs a person",
    Turn.STILLFRAME: "In progress",
    Turn.NOBODY: "Captured",
}
URGENT = (Status.FAILED, Status.NOT_GENERALIZED, Status.REFUSED)
"""The statuses that come first."""


def orders(vms: Iterable[ListedVm]) -> list[Row]:
    """Return the orders among VMs, by VM id."""
    ordered = [vm for vm in vms if Tag.CAPTURE in vm.tags]
    return [_row(vm) for vm in sorted(ordered, key=lambda vm: vm.ref.key)]


def chosen(rows: Iterable[Row], statuses: Collection[str], patterns: Collection[str]) -> list[Row]:
    """Return the rows with one of the statuses, of a VM that matches one of the patterns.

    A pattern is a VM's name or `group/name`, in any case, with `*` and `?`. No statuses or no
    patterns: all.
    """
    return [
        row
        for row in rows
        if (not statuses or row["status"] in statuses)
        and (not patterns or any(_matches(row["vm"] or "", pattern) for pattern in patterns))
    ]


def _matches(vm_id: str, pattern: str) -> bool:
    ref = VmRef.find(vm_id)
    names = (ref.name, f"{ref.group}/{ref.name}") if ref else (vm_id,)
    return any(fnmatchcase(name.lower(), pattern.lower()) for name in names)


def _row(vm: ListedVm) -> Row:
    status = vm.tags.get(Tag.STATUS)
    unbooted = is_unbooted(status, vm.tags.get(Tag.DETAIL))
    kept = _kept(vm.tags)
    os_type = vm.machine.os_type if vm.machine else ""
    turn, text = _NOT_BOOTED if unbooted else next_step(status, vm.power, os_type, kept=kept)
    return {
        "vm": vm.ref.id,
        "status": status or UNANSWERED,
        "powerState": vm.power.value,
        "asOf": vm.tags.get(Tag.AS_OF),
        "turn": turn.value,
        "next": text,
        "image": vm.tags.get(Tag.IMAGE, vm.tags[Tag.CAPTURE]),
        "detail": vm.tags.get(Tag.DETAIL),
        "by": vm.tags.get(Tag.BY),
        "kept": "yes" if kept else None,
    }


def is_unbooted(status: str | None, detail: str | None) -> bool:
    """Whether an order has failed because its image does not boot."""
    return status == Status.FAILED and NOT_LATEST in (detail or "")


def _kept(tags: Mapping[str, str]) -> bool:
    """Whether an order keeps its VM, as far as its tags tell."""
    asked = tags.get(Tag.KEEP, "").strip().lower() == "yes"
    return asked or tags.get(Tag.DETAIL, "").startswith(OF_ITS_COPY)


def next_step(
    status: str | None, power: PowerState, os_type: str = "", *, kept: bool = False
) -> tuple[Turn, str]:
    """Return whose turn it is, and the next step: an imperative is for the owner.

    `kept` is whether the order keeps its VM: then nobody runs Sysprep in it, or starts it for us.
    """
    if kept and status in _NEXT_OF_KEPT:
        return _NEXT_OF_KEPT[status]
    turn, text = _NEXT.get((status, power)) or _NEXT.get((status, None), _ANSWERS)
    return turn, text.format(**_LINUX if os_type.lower() == "linux" else _WINDOWS)


_AT_THE_LATEST = "at its next sweep at the latest"
_WINDOWS = {
    "generalize": "run Sysprep in the VM: /generalize /oobe /shutdown",
    "again": "run Sysprep again",
}
_LINUX = {
    "generalize": "run waagent -deprovision+user -force in the VM, then deallocate it",
    "again": "run waagent -deprovision+user -force again, and deallocate it",
}
_ORDER_AGAIN = f"remove the tag {Tag.CAPTURE} and set it again"
_NOT_BOOTED = (
    Turn.OWNER,
    "see the screenshot that the event names; to look further, create a VM from this exact version",
)
_ANSWERS = (Turn.STILLFRAME, f"Stillframe answers the order, {_AT_THE_LATEST}")
_CAPTURES = (Turn.STILLFRAME, f"Stillframe checks its disk and captures it, {_AT_THE_LATEST}")
_NEXT: Mapping[tuple[str | None, PowerState | None], tuple[Turn, str]] = {
    (Status.WAITING, PowerState.RUNNING): (Turn.OWNER, "{generalize}"),
    (Status.WAITING, PowerState.STOPPED): (
        Turn.STILLFRAME,
        f"Stillframe deallocates it, {_AT_THE_LATEST}",
    ),
    (Status.WAITING, PowerState.DEALLOCATED): _CAPTURES,
    (Status.DEALLOCATING, PowerState.DEALLOCATED): _CAPTURES,
    (Status.DEALLOCATING, None): (
        Turn.STILLFRAME,
        "Azure deallocates it, then Stillframe captures it",
    ),
    (Status.CAPTURING, None): (
        Turn.STILLFRAME,
        "Azure creates the image, then Stillframe reports it",
    ),
    # A captured VM never runs: its copy was captured, or this is another VM of that name.
    (Status.CAPTURED, PowerState.RUNNING): (
        Turn.NOBODY,
        f"use the image; for the next one, {_ORDER_AGAIN}",
    ),
    (Status.CAPTURED, None): (
        Turn.NOBODY,
        "use the image; the VM never starts again, delete it if not needed",
    ),
    (Status.NOT_GENERALIZED, PowerState.RUNNING): (
        Turn.OWNER,
        "fix what the detail says, then {again}",
    ),
    (Status.NOT_GENERALIZED, None): (
        Turn.OWNER,
        "start it, fix what the detail says, then {again}",
    ),
    (Status.REFUSED, None): (
        Turn.OWNER,
        "fix what the detail says; Stillframe checks again within the hour",
    ),
    (Status.FAILED, None): (
        Turn.OWNER,
        "fix what the detail says and delete the failed versions; the capture then continues",
    ),
}
"""By status and power state; None is any other power state."""

_NEXT_OF_KEPT: Mapping[str | None, tuple[Turn, str]] = {
    None: (Turn.STILLFRAME, f"Stillframe copies it, {_AT_THE_LATEST}"),
    Status.WAITING: (
        Turn.OWNER,
        "end the access that the detail names; Stillframe then copies it",
    ),
    Status.CAPTURING: (Turn.STILLFRAME, "its copy is being captured; the VM may be used"),
    Status.CAPTURED: (Turn.NOBODY, f"use the image; for the next one, {_ORDER_AGAIN}"),
    Status.NOT_GENERALIZED: (
        Turn.OWNER,
        f"fix what the detail says in the VM, but do not run Sysprep in it; then {_ORDER_AGAIN}",
    ),
    Status.FAILED: (Turn.OWNER, f"fix what the detail says, then {_ORDER_AGAIN}"),
}
"""By status, for an order that keeps its VM; other statuses have the same next step as any."""
