"""What is reported: a `Say` -> the tags to write and the outcome event, if anything is new.

Pure. An outcome is published at least once, even if the process ends between two requests; if it
is published again, it has the same id. The id of an outcome with an image derives from the image:
it is published first and noted afterwards, by the status on the VM and the tag `stillframe-told` on
the image. The id of any other outcome derives from an instant that is noted first: the tag
`stillframe-untold` is on the VM until the outcome is published, or for as long as the topic refuses
it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from shared.model.facts import Boot, ObservedDisk, ObservedImage, ObservedVm, Provisioning
from shared.model.ids import VmRef
from shared.model.instants import write_instant
from shared.model.memory import kept, signature
from shared.model.outcomes import Outcome, OutcomeType, event_id
from shared.model.steps import Say
from shared.model.tags import BILLED_TAGS, ORDER_TAGS, WORD_TAGS, SourceTag, Status, Tag, Words
from shared.model.text import VARYING, clean, cut
from shared.workshop.boot import is_due

NOTHING = Words()


@dataclass(frozen=True, slots=True)
class Telling:
    """What is new: an outcome, and the tags to write before and after it is published.

    `refused` are the tags to write if the topic refuses the outcome; `of` is the finished image.
    """

    before: Words = NOTHING
    outcome: Outcome | None = None
    after: Words = NOTHING
    refused: Words = NOTHING
    of: ObservedImage | None = None


def telling(vm: ObservedVm, say: Say, now: datetime) -> Telling | None:
    """Return what to write and publish; None if the VM's tags are up to date."""
    wanted = _tags(say)
    new = {name: value for name, value in wanted.items() if vm.tags.get(name) != value}
    stale = {
        name.value: vm.tags[name] for name in WORD_TAGS if name in vm.tags and name not in wanted
    }
    if not new or (new.keys() == {Tag.DETAIL} and _alike(vm, wanted)):
        return _once_more(vm, say, stale, now)
    return _news(vm, say, Words(new, stale), now)


def _once_more(vm: ObservedVm, say: Say, stale: Mapping[str, str], now: datetime) -> Telling | None:
    """Return what remains if the tags are up to date: an outcome that is not published yet."""
    noted = _noted(vm)
    outcome = _outcome(vm, say, now, noted[Tag.UNTOLD]) if noted else None
    if outcome:
        return Telling(Words({}, stale), outcome, Words({}, noted), of=_ended(say))
    gone = Words({}, {**stale, **noted})
    return Telling(gone) if gone else None


def _news(vm: ObservedVm, say: Say, words: Words, now: datetime) -> Telling:
    note = {Tag.UNTOLD.value: write_instant(now)}
    outcome = _outcome(vm, say, now, note[Tag.UNTOLD])
    told = replace(words, removed={**words.removed, **_noted(vm)})
    untold = replace(words, tags={**words.tags, **note})
    if outcome is None:
        return Telling(told)
    if say.of:
        return Telling(outcome=outcome, after=told, refused=untold, of=_ended(say))
    return Telling(untold, outcome, Words({}, note))


def _ended(say: Say) -> ObservedImage | None:
    return None if say.stuck else say.of


def _noted(vm: ObservedVm) -> dict[str, str]:
    """Return the tag that is present while the outcome is not published."""
    return {Tag.UNTOLD.value: vm.tags[Tag.UNTOLD]} if Tag.UNTOLD in vm.tags else {}


def pin(vm: ObservedVm, disk: ObservedDisk, say: Say) -> Words:
    """Return the tags to write on a VM's OS disk before the VM is generalized."""
    carried = {name: value for name, value in kept(vm.tags).items() if name in BILLED_TAGS}
    words = {**signature(vm.ref, vm.vm_id), **carried, **_tags(say)}
    return Words(
        {name: value for name, value in words.items() if disk.tags.get(name) != value},
        {name: value for name, value in kept(disk.tags).items() if name not in words},
    )


def last_words(say: Say, disk_id: str) -> Say:
    """Return the last status written on a VM before generalize: it names the disk with the tags."""
    disk = disk_id.rpartition("/")[2]
    detail = f"generalized, so it accepts no more tags; the status is now on its OS disk, {disk}"
    return replace(say, detail=detail)


def unanswerable(say: Say, why: str) -> Say:
    """Return the refusal of an order whose VM accepts no tags: no capture is started."""
    detail = f"the app cannot write tags on this VM, so the order is refused: {why}"
    return replace(say, status=Status.REFUSED, detail=detail, as_of=None)


def withdrawal(vm: ObservedVm) -> Words:
    """Return the removal of every tag of an order."""
    return Words({}, {name.value: vm.tags[name] for name in ORDER_TAGS if name in vm.tags})


def image_outcome(image: ObservedImage, vm: VmRef, now: datetime) -> Outcome | None:
    """Return the outcome of an image whose VM is gone; None if not ours, not done, or published.

    Our images are recognized by their tags; other images are in the same resource group.
    """
    if not {SourceTag.VM_ID, SourceTag.AS_OF} <= image.tags.keys() or SourceTag.TOLD in image.tags:
        return None
    kind = _kind_of_image(image)
    if kind is None:
        return None
    data = {
        "vm": {"id": vm.id, "vmId": image.tags[SourceTag.VM_ID], "gone": True},
        "reason": "captured" if kind is OutcomeType.CAPTURED else "failed",
        "image": _image(image),
        "asOf": image.tags[SourceTag.AS_OF],
        "proof": image.tags.get(SourceTag.PROOF),
        "proofDetail": image.tags.get(SourceTag.PROOF_DETAIL),
        "proofWarnings": image.tags.get(SourceTag.PROOF_WARNINGS),
        **_boot(image),
        "detail": "the VM was deleted",
    }
    return _event(kind, vm, now, data, _occasion(image))


def _kind_of_image(image: ObservedImage) -> OutcomeType | None:
    """Return how an image ended; one that is to be booted has not ended before its verdict."""
    if image.provisioning is Provisioning.FAILED:
        return OutcomeType.FAILED
    if image.provisioning is not Provisioning.SUCCEEDED or is_due(image):
        return None
    return OutcomeType.CAPTURED if image.boot in (None, Boot.BOOTED) else OutcomeType.FAILED


def _boot(image: ObservedImage | None) -> dict[str, dict[str, str]]:
    """Return the result of an image's boot test, as the member `boot`; nothing without a test."""
    if image is None or image.boot is None:
        return {}
    named = {
        "verdict": SourceTag.BOOT,
        "detail": SourceTag.BOOT_DETAIL,
        "minutes": SourceTag.BOOT_MINUTES,
        "screenshot": SourceTag.BOOT_PICTURE,
    }
    return {"boot": {name: image.tags[tag] for name, tag in named.items() if tag in image.tags}}


def _tags(say: Say) -> dict[str, str]:
    tags = {
        Tag.STATUS.value: say.status.value,
        Tag.DETAIL.value: cut(say.detail),
        Tag.IMAGE.value: cut(say.image),
    }
    if say.as_of:
        tags[Tag.AS_OF.value] = write_instant(say.as_of)
    if say.proof:
        tags[Tag.PROOF.value] = say.proof.value
    if say.image_group:
        tags[Tag.IMAGE_GROUP.value] = say.image_group
    if say.by:
        tags[Tag.BY.value] = say.by
    return tags


def _alike(vm: ObservedVm, wanted: Mapping[str, str]) -> bool:
    """Whether a detail is the same as before, except for ids and times in Azure's message."""
    texts = (vm.tags.get(Tag.DETAIL, ""), wanted[Tag.DETAIL])
    before, now = (VARYING.sub("", text).removesuffix("…") for text in texts)
    return before == now


def _outcome(vm: ObservedVm, say: Say, now: datetime, noted: str) -> Outcome | None:
    """Return the outcome of a status, if it has one; `noted`: its occasion, without an image."""
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
        **_boot(say.of),
        "timeline": _timeline(say, now),
    }
    return _event(kind, vm.ref, now, data, _occasion(say.of) if say.of else noted)


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
    """Return the known instants: disk released, image started, outcome published."""
    instants = {"released": say.as_of and write_instant(say.as_of), "told": write_instant(now)}
    if say.of:
        instants["started"] = say.of.tags.get(SourceTag.STARTED)
    return {name: instant for name, instant in instants.items() if instant}


def _proof(say: Say) -> dict[str, str | None]:
    """Return the verdict on the disk: the current one, or that noted on the image."""
    tags = say.of.tags if say.of else {}
    return {
        "proof": say.proof or tags.get(SourceTag.PROOF),
        "proofDetail": clean(say.detail) if say.proof else tags.get(SourceTag.PROOF_DETAIL),
        "proofWarnings": tags.get(SourceTag.PROOF_WARNINGS),
    }


def _image(image: ObservedImage) -> dict[str, str]:
    return {"id": image.ref.id, "label": image.ref.label}


def _occasion(image: ObservedImage) -> str:
    """Return what distinguishes an image from a later image with the same name."""
    return f"{image.ref.key} {image.tags.get(SourceTag.STARTED)}"


def _event(
    kind: OutcomeType, vm: VmRef, now: datetime, data: Mapping[str, Any], occasion: str
) -> Outcome:
    happened = event_id(kind, vm.id, data["vm"]["vmId"], data["reason"], occasion)
    return Outcome(happened, kind, vm.id, vm.name, now, data)
