"""Images as listed -> for each definition its versions on a line of time: which one is `latest`.

Pure. `latest` is what Azure gives to who names no version: the highest number of those that
succeeded and are not excluded. Versions of others are shown too, because one may be `latest`.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from shared.model.facts import Boot, ObservedImage, Proof, Provisioning
from shared.model.ids import VersionRef, VmRef
from shared.model.instants import read_instant
from shared.model.tags import SourceTag
from shared.page.names import Names, instant_text, minutes_text

NEWEST = 12
"""Versions of a definition that are shown; the others are counted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionRow:
    """A version or managed image; `place` is where it is on the line of time, in percent.

    `state` is `latest`, `older`, `excluded`, `image`, `failed` or Azure's own word.
    """

    number: str
    state: str
    vm: str
    at: str
    age: str
    proof: str
    boot: str
    place: float | None


@dataclass(frozen=True, slots=True)
class Line:
    """The versions of a definition, or the managed images of a group, the newest first."""

    name: str
    rows: Sequence[VersionRow]
    more: int


def lines(images: Iterable[ObservedImage], names: Names, now: datetime) -> list[Line]:
    """Return the line of each definition and each group of managed images, by name."""
    found: dict[str, list[ObservedImage]] = {}
    for image in images:
        found.setdefault(_whose(image), []).append(image)
    return [_line(whose, found[whose], names, now) for whose in sorted(found)]


def _whose(image: ObservedImage) -> str:
    ref = image.ref
    if isinstance(ref, VersionRef):
        return ref.label.rpartition("/")[0]
    return f"managed images in {ref.group.lower()}"


def _line(whose: str, images: list[ObservedImage], names: Names, now: datetime) -> Line:
    newest = sorted(images, key=_order, reverse=True)
    latest = next((image for image in newest if _may_be_latest(image)), None)
    shown = newest[:NEWEST]
    first = min((at for image in shown if (at := made_at(image))), default=now)
    rows = [_row(image, names, first, now, is_latest=image is latest) for image in shown]
    return Line(names.shown("definition", whose), rows, len(newest) - len(shown))


def _order(image: ObservedImage) -> tuple[tuple[int, ...], str]:
    if isinstance(image.ref, VersionRef):
        parts = image.ref.version.split(".")
        return tuple(int(part) for part in parts if part.isdecimal()), ""
    at = made_at(image)
    return (), at.isoformat() if at else ""


def _may_be_latest(image: ObservedImage) -> bool:
    good = image.provisioning is Provisioning.SUCCEEDED and not image.excluded
    return good and isinstance(image.ref, VersionRef)


def made_at(image: ObservedImage) -> datetime | None:
    """Return when a version was published, else the instant that an image of ours is of."""
    return image.published or read_instant(image.tags.get(SourceTag.AS_OF))


def _row(
    image: ObservedImage, names: Names, first: datetime, now: datetime, *, is_latest: bool
) -> VersionRow:
    at = made_at(image)
    source = _source(image)
    boot = image.tags.get(SourceTag.BOOT, "")
    minutes = minutes_text(image.tags.get(SourceTag.BOOT_MINUTES, ""))
    number = image.ref.label.rpartition("/")[2]
    is_version = isinstance(image.ref, VersionRef)
    return VersionRow(
        number=number if is_version else names.shown("image", number),
        state=_state(image, is_latest=is_latest),
        vm=names.vm(source) if source else "",
        at=instant_text(at) if at else "",
        age=_age(now - at) if at else "",
        proof=names.word(image.tags.get(SourceTag.PROOF, ""), Proof),
        boot=f"{names.word(boot, Boot)}{f', {minutes} min' if minutes else ''}",
        place=_place(at, first, now),
    )


def _source(image: ObservedImage) -> VmRef | None:
    """Return the VM of an image; for that of a copy, the VM that is kept."""
    group, _, name = image.tags.get(SourceTag.COPY_OF, "").partition("/")
    if image.source and group and name:
        return replace(image.source, group=group, name=name)
    return image.source


def _state(image: ObservedImage, *, is_latest: bool) -> str:
    if image.provisioning is not Provisioning.SUCCEEDED:
        return image.provisioning.value.lower()
    if not isinstance(image.ref, VersionRef):
        return "image"
    return "latest" if is_latest else "excluded" if image.excluded else "older"


def _age(age: timedelta) -> str:
    if age < timedelta(hours=1):
        return f"{max(0, int(age / timedelta(minutes=1)))} min"
    if age < timedelta(days=2):
        return f"{int(age / timedelta(hours=1))} h"
    return f"{age.days} days"


def _place(at: datetime | None, first: datetime, now: datetime) -> float | None:
    """Return where an instant is between the first and now; 2 to 98 so that each dot is whole."""
    if at is None:
        return None
    whole = max(now - first, timedelta(minutes=1))
    share = min(max((at - first) / whole, 0.0), 1.0)
    return round(2 + 96 * share, 1)
