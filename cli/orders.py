"""A subscription's lists -> its orders as rows: the status of each, and the next step.

Pure. Rows depend only on the VM's tags, as the last sweep or event left them, and its power state;
the app's settings are not known here. So an order that keeps its VM is known by its tag, or by what
Stillframe has written since.
"""

from collections.abc import Mapping

from shared.capture.keep import OF_ITS_COPY
from shared.model.facts import ListedVm, Listing, PowerState
from shared.model.tags import Status, Tag

type Row = dict[str, str | None]
"""vm (id), status, powerState, asOf (an instant), next, image, detail, by (a function app)."""

UNANSWERED = "unanswered"


def orders(listing: Listing) -> list[Row]:
    """Return the orders in a subscription, by VM id."""
    ordered = [vm for vm in listing.vms.values() if Tag.CAPTURE in vm.tags]
    return [_row(vm) for vm in sorted(ordered, key=lambda vm: vm.ref.key)]


def _row(vm: ListedVm) -> Row:
    status = vm.tags.get(Tag.STATUS)
    return {
        "vm": vm.ref.id,
        "status": status or UNANSWERED,
        "powerState": vm.power.value,
        "asOf": vm.tags.get(Tag.AS_OF),
        "next": next_step(status, vm.power, kept=_kept(vm.tags)),
        "image": vm.tags.get(Tag.IMAGE, vm.tags[Tag.CAPTURE]),
        "detail": vm.tags.get(Tag.DETAIL),
        "by": vm.tags.get(Tag.BY),
    }


def _kept(tags: Mapping[str, str]) -> bool:
    """Whether an order keeps its VM, as far as its tags tell."""
    asked = tags.get(Tag.KEEP, "").strip().lower() == "yes"
    return asked or tags.get(Tag.DETAIL, "").startswith(OF_ITS_COPY)


def next_step(status: str | None, power: PowerState, *, kept: bool = False) -> str:
    """Return the next step: an imperative is for people, else the text names who does it.

    `kept` is whether the order keeps its VM: then nobody runs Sysprep in it, or starts it for us.
    """
    if kept and status in _NEXT_OF_KEPT:
        return _NEXT_OF_KEPT[status]
    return _NEXT.get((status, power)) or _NEXT.get((status, None), _ANSWERS)


_AT_THE_LATEST = "at its next sweep at the latest"
_ANSWERS = f"Stillframe answers the order, {_AT_THE_LATEST}"
_CAPTURES = f"Stillframe checks its disk and captures it, {_AT_THE_LATEST}"
_ORDER_AGAIN = f"for the next one, remove the tag {Tag.CAPTURE} and set it again"
_NEXT: Mapping[tuple[str | None, PowerState | None], str] = {
    (Status.WAITING, PowerState.RUNNING): "run Sysprep in the VM: /generalize /oobe /shutdown",
    (Status.WAITING, PowerState.STOPPED): f"Stillframe deallocates it, {_AT_THE_LATEST}",
    (Status.WAITING, PowerState.DEALLOCATED): _CAPTURES,
    (Status.DEALLOCATING, PowerState.DEALLOCATED): _CAPTURES,
    (Status.DEALLOCATING, None): "Azure deallocates it, then Stillframe captures it",
    (Status.CAPTURING, None): "Azure creates the image, then Stillframe reports it",
    # A captured VM never runs: its copy was captured, or this is another VM of that name.
    (Status.CAPTURED, PowerState.RUNNING): f"use the image; {_ORDER_AGAIN}",
    (Status.CAPTURED, None): "use the image; the VM never starts again, delete it if not needed",
    (
        Status.NOT_GENERALIZED,
        PowerState.RUNNING,
    ): "fix what the detail says, then run Sysprep again",
    (Status.NOT_GENERALIZED, None): "start it, fix what the detail says, then run Sysprep again",
    (Status.REFUSED, None): "fix what the detail says; Stillframe checks again within the hour",
    (
        Status.FAILED,
        None,
    ): "fix what the detail says and delete the failed versions; the capture then continues",
}
"""By status and power state; None is any other power state."""

_NEXT_OF_KEPT: Mapping[str | None, str] = {
    None: f"Stillframe copies it, {_AT_THE_LATEST}",
    Status.WAITING: "end the access that the detail names; Stillframe then copies it",
    Status.CAPTURING: "none; its copy is being captured, the VM may be used",
    Status.CAPTURED: f"use the image; {_ORDER_AGAIN}",
    Status.NOT_GENERALIZED: f"fix what the detail says in the VM, but do not run Sysprep in it; "
    f"then remove the tag {Tag.CAPTURE} and set it again",
    Status.FAILED: f"fix what the detail says, then remove the tag {Tag.CAPTURE} and set it again",
}
"""By status, for an order that keeps its VM; other statuses have the same next step as any."""
