"""What people see: a `Say` -> the tags to write and the outcome event, if what they say is new.

Pure. An event's id derives from what happened, so that one told twice can be dropped by its id;
the tags on the VM tell whether it has been told at all.
"""

import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Any

from shared.memory import kept, signature
from shared.model import (
    BILLED_TAGS,
    ORDER_TAGS,
    ObservedImage,
    ObservedVm,
    Say,
    SourceTag,
    Status,
    Tag,
    VmRef,
    write_instant,
)
from shared.values import GUID

VALUE_LIMIT = 256
"""The longest value of a tag, in UTF-16 units, as Azure counts."""

_VARYING = re.compile(
    GUID.pattern  # ids of requests, operations
    + r"|\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:\.\d+)?Z?|[0-9a-f]{16,}",
    re.IGNORECASE,
)

EVENT_IDS = uuid.UUID("6d2c4b70-4f0e-5e0b-9f5a-3d1c5b7f8a10")
"""The namespace of our events' ids."""


class OutcomeType(StrEnum):
    """Types of the outcome events."""

    CAPTURED = "Stillframe.ImageCaptured"
    REFUSED = "Stillframe.CaptureRefused"
    FAILED = "Stillframe.CaptureFailed"
    STILL_BILLED = "Stillframe.VmStillBilled"
    NO_LONGER_BILLED = "Stillframe.VmNoLongerBilled"
    SWEPT = "Stillframe.SweepCompleted"


@dataclass(frozen=True, slots=True)
class Outcome:
    """An outcome event: CloudEvents' id, type, source, subject, time and data."""

    id: str
    type: OutcomeType
    source: str
    subject: str
    time: datetime
    data: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Telling:
    """What is new: tags to set, tags to take away with the values they have, and an event."""

    tags: Mapping[str, str]
    removed: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    outcome: Outcome | None = None


def telling(vm: ObservedVm, say: Say, now: datetime) -> Telling | None:
    """Return what to write and publish, or None where the VM's tags say it already."""
    wanted = _tags(say)
    new = {name: value for name, value in wanted.items() if vm.tags.get(name) != value}
    stale = {
        name.value: vm.tags[name] for name in ORDER_TAGS if name in vm.tags and name not in wanted
    }
    if not stale and (not new or (new.keys() == {Tag.DETAIL} and _alike(vm, wanted))):
        return None
    return Telling(new, stale, _outcome(vm, say, now) if new else None)


def pinned(vm: ObservedVm, say: Say) -> dict[str, str]:
    """Return all that is written on a VM's OS disk before the VM is generalized: its memory."""
    carried = {name: value for name, value in kept(vm.tags).items() if name in BILLED_TAGS}
    return {**signature(vm.ref, vm.vm_id), **carried, **_tags(say)}


def last_words(say: Say, disk_id: str) -> Say:
    """Return what a VM says for good once it is generalized: where to read on."""
    disk = disk_id.rpartition("/")[2]
    detail = f"generalized, so it takes no more tags; how it goes on stands on its OS disk, {disk}"
    return replace(say, detail=detail)


def withdrawal(vm: ObservedVm) -> Telling:
    """Return what takes every tag of an order off its VM."""
    return Telling({}, {name.value: vm.tags[name] for name in ORDER_TAGS if name in vm.tags})


def image_outcome(image: ObservedImage, vm: VmRef, now: datetime) -> Outcome | None:
    """Return the outcome of an image whose VM is gone; None of one that is not ours, or not done.

    An image of ours says so in its tags; those of others lie beside it in the same group.
    """
    said = {"Succeeded": OutcomeType.CAPTURED, "Failed": OutcomeType.FAILED}
    kind = said.get(image.provisioning)
    if kind is None or not (SourceTag.VM_ID in image.tags and SourceTag.AS_OF in image.tags):
        return None
    data = {
        "vm": {"id": vm.id, "vmId": image.tags.get(SourceTag.VM_ID), "gone": True},
        "reason": "captured" if kind is OutcomeType.CAPTURED else "failed",
        "image": _image(image),
        "asOf": image.tags.get(SourceTag.AS_OF),
        "proof": image.tags.get(SourceTag.PROOF),
        "proofDetail": image.tags.get(SourceTag.PROOF_DETAIL),
        "detail": "its VM is gone",
    }
    return _event(kind, vm, now, data)


def _tags(say: Say) -> dict[str, str]:
    tags = {
        Tag.STATUS.value: say.status.value,
        Tag.DETAIL.value: cut(say.detail),
        Tag.IMAGE.value: cut(say.image),
    }
    return {**tags, Tag.AS_OF.value: write_instant(say.as_of)} if say.as_of else tags


def _alike(vm: ObservedVm, wanted: Mapping[str, str]) -> bool:
    """Whether a detail says what stands there already, but for ids and times in Azure's words."""
    said = (vm.tags.get(Tag.DETAIL, ""), wanted[Tag.DETAIL])
    before, now = (_VARYING.sub("", text).removesuffix("…") for text in said)
    return before == now


def cut(text: str) -> str:
    """Return a text in one line, short enough for a tag's value."""
    line = " ".join(clean(text).split())
    if _units(line) <= VALUE_LIMIT:
        return line
    while _units(line) > VALUE_LIMIT - 1:
        line = line[:-1]
    return line + "…"


def clean(text: str) -> str:
    """Return a text in its lines, without what would steer a terminal or turn its reading round.

    Names, tags and the lines of a guest's log are strangers' words.
    """
    lines = text.splitlines()
    shown = ("".join(one if one.isprintable() else " " for one in line) for line in lines)
    return "\n".join(" ".join(line.split()) for line in shown)


def _units(text: str) -> int:
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def _outcome(vm: ObservedVm, say: Say, now: datetime) -> Outcome | None:
    kind = _kind(say)
    if kind is None:
        return None
    data = {
        "vm": {"id": vm.ref.id, "vmId": vm.vm_id, "location": vm.location},
        "reason": "stuck" if say.stuck else say.status.value,
        "detail": clean(say.detail),
        "image": _image(say.of) if say.of else {"label": say.image},
        "asOf": write_instant(say.as_of) if say.as_of else None,
        **_proof(say),
        "timeline": _timeline(say, now),
    }
    return _event(kind, vm.ref, now, data)


def _kind(say: Say) -> OutcomeType | None:
    if say.stuck:
        return OutcomeType.FAILED
    return {
        Status.CAPTURED: OutcomeType.CAPTURED,
        Status.REFUSED: OutcomeType.REFUSED,
        Status.NOT_GENERALIZED: OutcomeType.FAILED,
        Status.FAILED: OutcomeType.FAILED,
    }.get(say.status)


def _timeline(say: Say, now: datetime) -> dict[str, str]:
    """Return what is known of when: the disk released, the image started, and told."""
    instants = {"released": say.as_of and write_instant(say.as_of), "told": write_instant(now)}
    if say.of:
        instants["started"] = say.of.tags.get(SourceTag.STARTED)
    return {name: instant for name, instant in instants.items() if instant}


def _proof(say: Say) -> dict[str, str | None]:
    """Return what the disk has said: now, or before the image was made of it."""
    tags = say.of.tags if say.of else {}
    return {
        "proof": say.proof or tags.get(SourceTag.PROOF),
        "proofDetail": clean(say.detail) if say.proof else tags.get(SourceTag.PROOF_DETAIL),
    }


def _image(image: ObservedImage) -> dict[str, str]:
    return {"id": image.ref.id, "label": image.ref.label}


def _event(kind: OutcomeType, vm: VmRef, now: datetime, data: Mapping[str, Any]) -> Outcome:
    told = {name: value for name, value in data.items() if name != "timeline"}
    happened = f"{kind} {sorted(told.items())}".lower()  # ids come in any case
    event_id = uuid.uuid5(EVENT_IDS, happened)
    return Outcome(str(event_id), kind, vm.id, vm.name, now, data)
