"""Orders as rows, and their images -> the stages of each: done, next, failed, how long they took.

Pure. The time of a stage is known once its order has an image, whose tags note the instants; when
an image was ready is in the ledger. An order that keeps its VM has stages of its own.
"""

import base64
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from shared.model.facts import Boot, ObservedImage, PowerState, Provisioning
from shared.model.ids import VmRef
from shared.model.instants import read_instant
from shared.model.ledger import Entry, Ledger
from shared.model.outcomes import OutcomeType
from shared.model.tags import SourceTag, Status
from shared.page.names import SHOWN, Names, instant_text, minutes_text
from shared.page.orders import STATUSES, TITLES, UNANSWERED, URGENT, Row, Turn, is_unbooted

PICTURES_LARGEST = 60_000
"""Bytes of all screenshots together, so that the file stays small enough to mail."""

_TAGGED, _WAITING, _STOPPED, _DEALLOCATED = "tagged", "waiting", "stopped", "deallocated"
_COPIED, _PROOF, _CAPTURING, _BOOTED, _CAPTURED = (
    "copied", "proof", "capturing", "booted", "captured",
)  # fmt: skip
_OF_VM = (_TAGGED, _WAITING, _STOPPED, _DEALLOCATED, _PROOF, _CAPTURING, _BOOTED, _CAPTURED)
_OF_COPY = (_TAGGED, _COPIED, _PROOF, _CAPTURING, _BOOTED, _CAPTURED)
_HERE, _FAILED = "here", "failed"


@dataclass(frozen=True, slots=True)
class Stage:
    """A stage of an order: its name; `done`, `here`, `failed` or `open`; its minutes, as text."""

    name: str
    state: str
    minutes: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderRow:
    """An order: whose VM, how far it is, what is next.

    `picture` is the screenshot of its boot test as a `data:` URL, `picture_at` where it is kept.
    """

    vm: str
    place: str
    status: str
    since: str
    lane: tuple[Stage, ...]
    next: str
    image: str
    detail: str
    picture: str
    picture_at: str


@dataclass(frozen=True, slots=True)
class Orders:
    """The orders of one turn."""

    title: str
    turn: Turn
    count: int
    rows: list[OrderRow]


@dataclass(frozen=True, slots=True)
class Made:
    """What orders led to: their images by label, when each was reported, screenshots by URL."""

    images: Mapping[str, ObservedImage]
    told: Mapping[str, datetime]
    pictures: Mapping[str, bytes]


def order_groups(rows: Sequence[Row], made: Made, names: Names, now: datetime) -> list[Orders]:
    """Return the orders of each turn: failures first, then the newest."""
    return [_orders(turn, rows, made, names, now) for turn in Turn]


def made_of(
    images: Iterable[ObservedImage], ledger: Ledger | str, pictures: Mapping[str, bytes]
) -> Made:
    """Return what orders led to; `pictures` are small screenshots by URL."""
    entries = [] if isinstance(ledger, str) else ledger.of_type(OutcomeType.CAPTURED)
    return Made({image.ref.label: image for image in images}, _told(entries), pictures)


def _told(entries: Iterable[Entry]) -> dict[str, datetime]:
    """Return when each image was reported as captured, by label."""
    found = {}
    for entry in entries:
        image, line = entry.get("image"), entry.get("timeline")
        if isinstance(image, Mapping) and isinstance(line, Mapping):
            told = read_instant(str(line.get("told")))
            if told:
                found[str(image.get("label"))] = told
    return found


def _orders(turn: Turn, rows: Iterable[Row], made: Made, names: Names, now: datetime) -> Orders:
    of_turn = [row for row in rows if row["turn"] == turn]
    newest = sorted(of_turn, key=lambda row: row["asOf"] or "", reverse=True)
    ranked = sorted(newest, key=lambda row: _rank(row["status"]))
    shown = [_order(row, made, names, now) for row in ranked[:SHOWN]]
    return Orders(TITLES[turn], turn, len(of_turn), shown)


def _rank(status: str | None) -> int:
    return URGENT.index(Status(status)) if status in URGENT else len(URGENT)


def _order(row: Row, made: Made, names: Names, now: datetime) -> OrderRow:
    ref = VmRef.find(row["vm"] or "")
    as_of = read_instant(row["asOf"])
    image = made.images.get(row["image"] or "")
    url = image.tags.get(SourceTag.BOOT_PICTURE, "") if image else ""
    return OrderRow(
        vm=names.vm(ref) if ref else names.text(row["vm"]),
        place=names.place(ref) if ref else "",
        status=names.word(row["status"] or "", STATUSES),
        since=instant_text(as_of) if as_of else "",
        lane=lane(row, image, made.told.get(row["image"] or ""), now),
        next=row["next"] or "",
        image=names.shown("image", row["image"]),
        detail=names.text(row["detail"]),
        picture=_data(made.pictures.get(url, b"")) if not names.masked else "",
        picture_at=names.text(url),
    )


def _data(picture: bytes) -> str:
    return f"data:image/png;base64,{base64.b64encode(picture).decode()}" if picture else ""


def lane(
    row: Row, image: ObservedImage | None, told: datetime | None, now: datetime
) -> tuple[Stage, ...]:
    """Return the stages of an order; none is reached if its status is not ours."""
    unbooted = is_unbooted(row["status"], row["detail"])
    tested = unbooted or (image is not None and image.boot is not None)
    known = _OF_COPY if row["kept"] else _OF_VM
    stages = [name for name in known if tested or name != _BOOTED]
    here, state = _position(row, image)
    at = stages.index(here) if here in stages else -1
    states = ["done"] * at + [state] + ["open"] * len(stages)
    spans = _spans(image, told, now) if image else {}
    return tuple(
        Stage(name, state, _minutes(spans.get(name)))
        for name, state in zip(stages, states, strict=False)
    )


def _position(row: Row, image: ObservedImage | None) -> tuple[str, str]:
    """Return the stage that an order has come to, and whether it has failed there."""
    kept = bool(row["kept"])
    match row["status"]:
        case word if word == UNANSWERED:
            return (_COPIED if kept else _WAITING), _HERE
        case Status.REFUSED:
            return (_COPIED if kept else _WAITING), _FAILED
        case Status.WAITING:
            return (_COPIED if kept else _after(row["powerState"])), _HERE
        case Status.DEALLOCATING:
            released = row["powerState"] == PowerState.DEALLOCATED
            return (_PROOF if released else _COPIED if kept else _DEALLOCATED), _HERE
        case Status.NOT_GENERALIZED:
            return _PROOF, _FAILED
        case Status.CAPTURING:
            ready = image is not None and image.provisioning is Provisioning.SUCCEEDED
            tests = ready and image is not None and image.boot is Boot.DUE
            return (_BOOTED if tests else _imaging(image, kept=kept)), _HERE
        case Status.FAILED:
            unbooted = is_unbooted(row["status"], row["detail"])
            return (_BOOTED if unbooted else _imaging(image, kept=kept)), _FAILED
        case Status.CAPTURED:
            return _CAPTURED, "done"
        case _:
            return "", "open"


def _after(power: str | None) -> str:
    """Return the next stage of a VM that waits for Sysprep."""
    after = {PowerState.STOPPED.value: _DEALLOCATED, PowerState.DEALLOCATED.value: _PROOF}
    return after.get(power or "", _STOPPED)


def _imaging(image: ObservedImage | None, *, kept: bool) -> str:
    return _COPIED if kept and image is None else _CAPTURING


def _spans(image: ObservedImage, told: datetime | None, now: datetime) -> dict[str, timedelta]:
    """Return how long stages took, or have taken so far, as far as that is known."""
    tags = image.tags
    released, started = (
        read_instant(tags.get(tag)) for tag in (SourceTag.AS_OF, SourceTag.STARTED)
    )
    spans = {}
    minutes = minutes_text(tags.get(SourceTag.BOOT_MINUTES, ""))
    boot = timedelta(minutes=int(minutes)) if minutes else None
    if boot is not None:
        spans[_BOOTED] = boot
    if released and started:
        spans[_PROOF] = started - released
    busy = image.provisioning is Provisioning.CREATING
    until = now if busy else told
    if started and until:
        spans[_CAPTURING] = until - started - (boot or timedelta())
    return spans


def _minutes(span: timedelta | None) -> str:
    if span is None or span < timedelta():
        return ""
    minutes = span / timedelta(minutes=1)
    return "< 1 min" if minutes < 1 else f"{minutes:.0f} min"
