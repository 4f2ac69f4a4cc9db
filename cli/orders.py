"""A subscription's lists -> its orders as rows: the status of each, and the next step.

Pure. Rows depend only on the VM's tags, as the last sweep or event left them, and its power state;
the app's settings are not known here.
"""

from collections.abc import Mapping

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
        "next": next_step(status, vm.power),
        "image": vm.tags.get(Tag.IMAGE, vm.tags[Tag.CAPTURE]),
        "detail": vm.tags.get(Tag.DETAIL),
        "by": vm.tags.get(Tag.BY),
    }


def next_step(status: str | None, power: PowerState) -> str:
    """Return the next step: an imperative is for people, else the text names who does it."""
    return _NEXT.get((status, power)) or _NEXT.get((status, None), _ANSWERS)


_AT_THE_LATEST = "at its next sweep at the latest"
_ANSWERS = f"Stillframe answers the order, {_AT_THE_LATEST}"
_CAPTURES = f"Stillframe checks its disk and captures it, {_AT_THE_LATEST}"
_NEXT: Mapping[tuple[str | None, PowerState | None], str] = {
    (Status.WAITING, PowerState.RUNNING): "run Sysprep in the VM: /generalize /oobe /shutdown",
    (Status.WAITING, PowerState.STOPPED): f"Stillframe deallocates it, {_AT_THE_LATEST}",
    (Status.WAITING, PowerState.DEALLOCATED): _CAPTURES,
    (Status.DEALLOCATING, PowerState.DEALLOCATED): _CAPTURES,
    (Status.DEALLOCATING, None): "Azure deallocates it, then Stillframe captures it",
    (Status.CAPTURING, None): "Azure creates the image, then Stillframe reports it",
    (Status.CAPTURED, PowerState.RUNNING): _ANSWERS,  # a captured VM never runs: this is another VM
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
