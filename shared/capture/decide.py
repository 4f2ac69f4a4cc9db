"""The rules of an order: what was read about a VM -> the next step, or the next fact to read.

Takes a `Look`, the settings and the current instant; returns one `Decision`. Pure. The first
matching rule wins:

| the VM                                         | next step                 | status          |
|------------------------------------------------|---------------------------|-----------------|
| another app's order                            | none                      | unchanged       |
| not in scope, or without an order              | none; remove our tags     | -               |
| hibernated, in a scale set, or invalid order   | none                      | refused         |
| its VM is kept                                 | as `keep.py` says         | as it says      |
| captured as asked, and its VM is to be deleted | delete it, unless kept    | captured        |
| already captured as the order asks             | none                      | captured        |
| generalized, its image name is pinned          | depends on the image      | the image's     |
| an Azure operation on it is in progress        | none, visit again         | unchanged       |
| a check of preflight fails                     | none                      | refused         |
| running                                        | none                      | waiting         |
| stopped longer than a start takes              | deallocate                | deallocating    |
| deallocated, its disk has an active SAS        | none, visit again         | deallocating    |
| deallocated, its disk has a negative verdict   | none                      | not-generalized |
| deallocated, its disk cannot be reached        | none, visit again         | deallocating    |
| deallocated, Azure refuses access to its disk  | none                      | refused         |
| deallocated, its disk is not generalized       | none                      | not-generalized |
| deallocated, its disk is generalized           | pin the name, generalize  | capturing       |
| the same, and the VM is marked generalized     | create the image          | capturing       |

A rule that needs a fact which has not been read returns a `Read` instead, so that a visit sends no
more requests than it needs. A stored verdict may stop a step but never permit it: the facts that
generalize is based on are read in the same visit.
"""

from dataclasses import replace
from datetime import datetime
from typing import assert_never

from shared.capture.dispose import disposal
from shared.capture.durations import (
    DEALLOCATION_LASTS,
    OURS_ENDS,
    START_LASTS,
    image_lasts,
)
from shared.capture.keep import kept
from shared.capture.preflight import generation, no_instant, preflight
from shared.capture.targets import (
    fits,
    is_left_over,
    is_ordered,
    made_from,
    named_after,
    names,
    read_order,
    speaks_of,
)
from shared.model.facts import (
    Boot,
    Doubt,
    Look,
    Missing,
    ObservedDisk,
    ObservedImage,
    ObservedVm,
    PowerState,
    Proof,
    Provisioning,
    Refusal,
    Unread,
    Verdict,
)
from shared.model.ids import GalleryTarget, ImageRef, ManagedImageRef, VersionRef
from shared.model.instants import read_instant, write_instant
from shared.model.settings import MachineId, ProofPolicy, Settings
from shared.model.steps import (
    Assemble,
    BootImage,
    Copy,
    Create,
    Deallocate,
    Decision,
    Dispose,
    Generalize,
    Order,
    Prove,
    ReadDisk,
    ReadImage,
    ReadRegions,
    Rest,
    Say,
    Take,
    Withdraw,
)
from shared.model.tags import SourceTag, Status, Tag
from shared.workshop.boot import is_due


def decide(look: Look, settings: Settings, now: datetime) -> Decision:
    """Return the next step of a VM's order, or what must be read to know it."""
    vm = look.vm
    if not settings.watches(vm.ref.subscription) or not settings.owns(vm.tags):
        return Rest()
    if not is_ordered(vm, settings):
        return Withdraw() if is_left_over(vm, settings) else Rest()
    order = read_order(vm.tags, settings, vm.ref, now)
    if isinstance(order, Refusal):
        return _signed(_refuse(vm, None, order.why), settings.app)
    return _signed(_ordered(look, order, settings, now), settings.app, order.target.group_id)


def _signed(decision: Decision, app: str, image_group: str = "") -> Decision:
    """Add the app's name and the resource group of the order's images to a status."""
    match decision:
        case (
            Rest(Say() as say)
            | Prove(say)
            | Deallocate(say)
            | Generalize(say)
            | BootImage(say)
            | Create(say=say)
            | Take(say=say)
            | Copy(say=say)
            | Assemble(say=say)
            | Dispose(say)
        ):
            return replace(decision, say=replace(say, by=app, image_group=image_group))
        case _:
            return decision


def _ordered(look: Look, order: Order, settings: Settings, now: datetime) -> Decision:
    """Apply the rules to an order that can be read."""
    vm = look.vm
    if why := _unsupported(vm):
        return _refuse(vm, order, why)
    if order.keep:
        return kept(look, order, settings, now)
    if _captured(vm) and fits(vm.tags, order):
        return _retell(look, order) if Tag.UNTOLD in vm.tags else _done(look, order)
    pinned = _pinned(vm)
    if pinned and not isinstance(done := _follow(look, order, pinned, now), _FREE):
        return done
    return _prepare(look, order, settings, now)


def _captured(vm: ObservedVm) -> bool:
    """Whether the VM was captured; if it is not generalized, the tag is from another VM."""
    return vm.generalized and vm.tags.get(Tag.STATUS) == Status.CAPTURED


def _done(look: Look, order: Order) -> Decision:
    """Nothing is left of a captured order, unless its VM is to be deleted."""
    as_of = _pinned(look.vm)
    label = look.vm.tags.get(Tag.IMAGE, "").lower()
    if not order.dispose or as_of is None:
        return Rest()
    named = names(named_after(look.vm), order.target, as_of, order.version)
    ref = next((name for name in named if name.label.lower() == label), None)
    return disposal(look, ref, as_of) if ref else Rest()


def _retell(look: Look, order: Order) -> Decision:
    """Publish `captured` again if the topic has not accepted it; no image is created."""
    vm, as_of = look.vm, _pinned(look.vm)
    label = vm.tags[Tag.IMAGE]
    named = names(named_after(vm), order.target, as_of, order.version) if as_of else ()
    ref = next((name for name in named if name.label.lower() == label.lower()), None)
    if ref and ref.key not in look.images:
        return ReadImage(ref)
    seen = look.images.get(ref.key) if ref else None
    made = seen if isinstance(seen, ObservedImage) else None
    detail = vm.tags.get(Tag.DETAIL, "")
    return Rest(Say(status=Status.CAPTURED, detail=detail, image=label, as_of=as_of, of=made))


def _unsupported(vm: ObservedVm) -> str | None:
    if vm.hibernated:
        return "it is hibernated; start it, then shut it down"
    if vm.in_scale_set:
        return "it belongs to a scale set; capture a standalone VM"
    return None


def _prepare(look: Look, order: Order, settings: Settings, now: datetime) -> Decision:
    """Wait for Azure, run the preflight checks, then apply the rules of the power state."""
    vm = look.vm
    if not vm.provisioning.settled or not vm.power.settled:
        unseen = vm.power is not PowerState.DEALLOCATING
        return Rest(_stuck_deallocation(vm, order, now), unseen=unseen)
    answered = vm.power is PowerState.STOPPED and _waits_for(vm, order)
    if not answered and (finding := preflight(look, order, settings.proof)):
        return _refuse(vm, order, finding.why) if isinstance(finding, Refusal) else finding
    if vm.power is PowerState.RUNNING:
        ready = _READY.get(vm.os_type.lower(), _READY["windows"])
        return Rest(Say(status=Status.WAITING, detail=ready, image=order.label), unseen=True)
    if look.disk is None:
        return ReadDisk()
    if isinstance(look.disk, Missing):
        return _refuse(vm, order, no_instant(look.disk).why)
    if vm.power is PowerState.STOPPED:
        return _stopped(vm, order, look.disk.released, now)
    if look.disk.released is None:
        return _refuse(vm, order, no_instant(look.disk).why)
    return _deallocated(look, order, look.disk.released, settings, now)


def _stopped(vm: ObservedVm, order: Order, released: datetime | None, now: datetime) -> Decision:
    if released and now - released < START_LASTS:
        return Rest(unseen=True)
    if stuck := _stuck_deallocation(vm, order, now):
        return Deallocate(stuck)
    detail = "it is stopped and being deallocated; it is billed until then"
    since = _deallocating_since(vm) or now
    return Deallocate(
        Say(status=Status.DEALLOCATING, detail=detail, image=order.label, as_of=since)
    )


def _deallocated(
    look: Look, order: Order, released: datetime, settings: Settings, now: datetime
) -> Decision:
    """The disk is free: check whether Sysprep finished, then generalize or start the image."""
    vm = look.vm
    if isinstance(look.disk, ObservedDisk) and look.disk.access_open:
        since = read_instant(vm.tags.get(Tag.AS_OF)) or now
        again = _OPEN if now - since < OURS_ENDS else None
        if _pinned(vm):  # another status would unpin its name, and closing may change `released`
            return Rest(again=again)
        say = Say(status=Status.DEALLOCATING, detail=_OPEN, image=order.label, as_of=since)
        return Rest(say, again=again)
    if rejected := _still_rejected(vm, order, released, settings):
        return rejected
    verdict = _NOT_READ if settings.proof is ProofPolicy.OFF else look.verdict
    if verdict is None:
        detail = "it is deallocated; its OS disk is being read"
        say = Say(status=Status.DEALLOCATING, detail=detail, image=order.label, as_of=now)
        return Prove(say)
    if isinstance(verdict, Unread):
        return _unread(vm, order, verdict, now)
    if stop := _proof_stops(vm, order, verdict, released, settings):
        return stop
    as_of = _pinned(vm) or released
    ref = _follow(look, order, as_of, now)
    if not isinstance(ref, _FREE):
        return ref
    if not vm.generalized:
        return Generalize(_capturing(ref, as_of, order))
    allowed = Verdict(Proof.CANNOT_TELL, verdict.why) if isinstance(verdict, Refusal) else verdict
    return _start(look, order, ref, as_of, allowed)


def _unread(vm: ObservedVm, order: Order, unread: Unread, now: datetime) -> Rest:
    """Retry while it may be temporary; if it persists, report once which host must be reachable."""
    asked = _deallocating_since(vm) or _pinned(vm) or now
    lasts = now - asked > DEALLOCATION_LASTS
    again = unread.why if now - asked < OURS_ENDS else None
    why = f"{unread.why}; let the app reach *.blob.storage.azure.net over https (firewall, DNS)"
    if _pinned(vm):  # another status would unpin its name
        return _refuse(vm, order, why) if lasts else Rest(again=again)
    since = f" since {write_instant(asked)}" if lasts else ""
    say = Say(
        status=Status.DEALLOCATING,
        detail=f"its OS disk cannot be read{since}: {why}",
        image=order.label,
        as_of=asked,
        stuck=lasts,
    )
    return Rest(say, again=again)


def _proof_stops(
    vm: ObservedVm, order: Order, verdict: Verdict | Refusal, released: datetime, settings: Settings
) -> Rest | None:
    """Return why the capture stops at this verdict; None if it continues."""
    if isinstance(verdict, Refusal):  # not a verdict, so it is retried and not recorded
        required = settings.proof is ProofPolicy.REQUIRED
        return _refuse(vm, order, verdict.why) if required else None
    if _goes_on(verdict, settings):
        return None
    if _pinned(vm) and verdict.proof is Proof.CANNOT_TELL:
        return _refuse(vm, order, verdict.why)
    why = "; ".join((verdict.why, *verdict.warnings.values()))
    if verdict.proof is Proof.GENERALIZED:
        why = verdict.warnings[Doubt.MACHINE_ID]
    return Rest(_not_generalized(vm, order, why, released, verdict.proof))


def _start(look: Look, order: Order, ref: ImageRef, as_of: datetime, verdict: Verdict) -> Decision:
    if isinstance(order.target, GalleryTarget) and look.regions is None:
        return ReadRegions(order.target)
    return Create(
        say=_capturing(ref, as_of, order),
        ref=ref,
        order=order,
        as_of=as_of,
        verdict=verdict,
        generation=generation(look) or "",
        regions=look.regions or (),
    )


def _follow(look: Look, order: Order, as_of: datetime, now: datetime) -> Decision | ImageRef:
    """Go through the names from the pinned name on; return the image's state or a free name."""
    candidates = names(named_after(look.vm), order.target, as_of, order.version)
    labels = [ref.label.lower() for ref in candidates]
    label = look.vm.tags.get(Tag.IMAGE, "").lower()
    why, last = "", None
    for ref in candidates[labels.index(label) if label in labels else 0 :]:
        image = look.images.get(ref.key)
        if image is None:
            return ReadImage(ref)
        if image is Missing.GONE:
            return ref
        if isinstance(image, Missing):
            return _refuse(look.vm, order, f"the app cannot read {ref.label}")
        if not made_from(image, look.vm):
            why, last = f"all image names of this order are taken, the last is {ref.label}", None
            continue
        if image.provisioning is not Provisioning.FAILED:
            return _made(look, image, as_of, now)
        why, last = f"Azure could not create {ref.label}: {image.why or 'no reason given'}", image
    label = candidates[-1].label
    return Rest(Say(status=Status.FAILED, detail=why, image=label, as_of=as_of, of=last))


def _made(look: Look, image: ObservedImage, as_of: datetime, now: datetime) -> Decision:
    """Return an image's state; one that is to be booted is captured only when it has booted."""
    label, boot = image.ref.label, image.boot
    if boot is None or image.provisioning is not Provisioning.SUCCEEDED or boot is Boot.BOOTED:
        return Rest(_progress(image, as_of, now))
    say = Say(status=Status.CAPTURING, detail=_MAKING_AND_BOOTING, image=label, as_of=as_of)
    if not is_due(image):
        why = f"{_VERDICTS[boot]}{NOT_LATEST}{image.tags.get(SourceTag.BOOT_DETAIL, '')}"
        return Rest(replace(say, status=Status.FAILED, detail=why, of=image))
    if look.awaited is None:
        return BootImage(say, image)
    if look.awaited:
        say = replace(say, detail=f"{_VERDICTS[boot]}: {look.awaited}")
    return Rest(say)


def _progress(image: ObservedImage, as_of: datetime, now: datetime) -> Say:
    label = image.ref.label
    started = read_instant(image.tags.get(SourceTag.STARTED)) or now
    detail = _MAKING if image.boot is None else _MAKING_AND_BOOTING
    status, stuck = Status.CAPTURING, False
    if image.provisioning is Provisioning.SUCCEEDED and image.boot is Boot.BOOTED:
        status, detail = Status.CAPTURED, f"{label} is ready; {image.tags[SourceTag.BOOT_DETAIL]}"
    elif image.provisioning is Provisioning.SUCCEEDED:
        status, detail = Status.CAPTURED, f"{label} is ready"
    elif now - started > image_lasts(label):
        detail = f"{label} has been {image.provisioning} since {write_instant(started)}, too long"
        stuck = True
    return Say(status=status, detail=detail, image=label, as_of=as_of, of=image, stuck=stuck)


def _stuck_deallocation(vm: ObservedVm, order: Order, now: datetime) -> Say | None:
    since = _deallocating_since(vm)
    if since is None or now - since <= DEALLOCATION_LASTS:
        return None
    detail = f"deallocation was requested at {write_instant(since)} and has not finished"
    return Say(
        status=Status.DEALLOCATING, detail=detail, image=order.label, as_of=since, stuck=True
    )


def _deallocating_since(vm: ObservedVm) -> datetime | None:
    """Return when the deallocation of this stopped VM was first requested."""
    asked = vm.tags.get(Tag.STATUS) == Status.DEALLOCATING
    return read_instant(vm.tags.get(Tag.AS_OF)) if asked else None


def _pinned(vm: ObservedVm) -> datetime | None:
    """Return the instant in the pinned name of a generalized VM's image; None if there is none.

    A generalized VM can never run again, so the pin is permanent.
    """
    named = vm.tags.get(Tag.STATUS) in _PINNED
    return read_instant(vm.tags.get(Tag.AS_OF)) if vm.generalized and named else None


def is_pinned(vm: ObservedVm, say: Say) -> bool:
    """Whether the image's name is pinned already, so that nothing needs to be written."""
    pinned = _pinned(vm)
    names = {Tag.IMAGE: say.image, Tag.IMAGE_GROUP: say.image_group}
    named = all(vm.tags.get(tag, "").lower() == value.lower() for tag, value in names.items())
    return named and pinned is not None and pinned == say.as_of


def _waits_for(vm: ObservedVm, order: Order) -> bool:
    """Whether this order passed preflight while the VM was running."""
    return vm.tags.get(Tag.STATUS) == Status.WAITING and speaks_of(vm.tags, order)


def _still_rejected(
    vm: ObservedVm, order: Order, released: datetime, settings: Settings
) -> Rest | None:
    """Return the verdict from the tags, if the disk is unchanged and the settings still forbid."""
    judged = vm.tags.get(Tag.STATUS) == Status.NOT_GENERALIZED
    if not judged or vm.tags.get(Tag.AS_OF) != write_instant(released):
        return None
    why, named = vm.tags.get(Tag.DETAIL, ""), vm.tags.get(Tag.PROOF, "")
    proof = Proof(named) if named in Proof else None
    doubts = {Doubt.MACHINE_ID: why} if proof is Proof.GENERALIZED else {}
    if _goes_on(Verdict(proof or Proof.NOT_GENERALIZED, why, doubts), settings):
        return None
    return Rest(_not_generalized(vm, order, why, released, proof))


def _goes_on(verdict: Verdict, settings: Settings) -> bool:
    """Whether the settings allow a capture of a disk with this verdict."""
    if settings.proof is ProofPolicy.OFF:
        return True
    match verdict.proof:
        case Proof.GENERALIZED:
            must_be_gone = settings.machine_id is MachineId.REQUIRED
            return not (must_be_gone and Doubt.MACHINE_ID in verdict.warnings)
        case Proof.NOT_GENERALIZED:
            return False
        case Proof.CANNOT_TELL:
            return settings.proof is ProofPolicy.WHEN_READABLE
        case Proof.NOT_READ:
            return False
        case _:
            assert_never(verdict.proof)


def _not_generalized(
    vm: ObservedVm, order: Order, why: str, as_of: datetime, proof: Proof | None = None
) -> Say:
    if vm.generalized and _MARKED not in why:
        why = f"{_MARKED}; {why}"
    return Say(
        status=Status.NOT_GENERALIZED, detail=why, image=order.label, as_of=as_of, proof=proof
    )


def _capturing(ref: ImageRef, as_of: datetime, order: Order) -> Say:
    detail = _MAKING_AND_BOOTING if order.test else _MAKING
    return Say(status=Status.CAPTURING, detail=detail, image=ref.label, as_of=as_of)


def _refuse(vm: ObservedVm, order: Order | None, why: str) -> Rest:
    """Refuse the order; the pinned name of a generalized VM is kept if this order pinned it."""
    pinned = _pinned(vm)
    label = order.label if order else vm.tags[Tag.CAPTURE]
    kept = pinned and (order is None or fits(vm.tags, order))
    image = vm.tags.get(Tag.IMAGE, label) if kept else label
    return Rest(Say(status=Status.REFUSED, detail=why, image=image, as_of=pinned))


_FREE = (ManagedImageRef, VersionRef)
_PINNED = {Status.CAPTURING, Status.CAPTURED, Status.FAILED, Status.REFUSED}
_NOT_READ = Verdict(Proof.NOT_READ, "PROOF is off")
_READY = {
    "windows": "ready; run Sysprep with /generalize /oobe /shutdown; the capture then starts "
    "automatically",
    "linux": "ready; run waagent -deprovision+user -force and truncate -s 0 /etc/machine-id, then "
    "deallocate the VM; the capture then starts automatically",
}
_MAKING = "Azure is creating the image"
_MAKING_AND_BOOTING = "Azure is creating the image, which is then booted to test it"
NOT_LATEST = "; it is not latest: "
"""What the detail of an order has in it if its image was created, but has not booted."""

_VERDICTS = {
    Boot.DUE: "the image is not tested yet",
    Boot.NOT_PREPARED: "the image is not prepared",
    Boot.DOES_NOT_BOOT: "the image does not boot",
    Boot.CANNOT_TELL: "whether the image boots is not known",
}
_OPEN = "its OS disk has an active SAS, perhaps of a backup; the capture continues when it ends"
_MARKED = "it is marked generalized, so it cannot start again"
