"""The rules of a boot test: an image and its test VM -> what is next, or the verdict.

Pure. The first matching rule wins:

| the test VM                                         | next                                     |
|-----------------------------------------------------|------------------------------------------|
| (the last attempt had no verdict, not yet its time) | none                                     |
| is not there                                        | create it from the image                 |
| cannot be read                                      | cannot-tell                              |
| is being created or deleted, for less than an hour  | none                                     |
| was created, its agent reports                      | booted                                   |
| was created, its agent does not report yet          | none, for less than an hour              |
| failed: guest agent detected, not prepared          | not-prepared; cannot-tell with a proof   |
| failed: its OS did not report in time               | does-not-boot                            |
| failed for another reason, or is older              | cannot-tell                              |

The image is excluded from `latest` until the verdict is `booted`. Its tags are the only memory, and
names derive from it: a process that ends anywhere leaves what the next visit continues. An attempt
without a verdict is repeated with a new VM, later each time, `ATTEMPTS` times in all.
"""

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil

from shared.model.facts import Boot, Missing, ObservedImage, Proof, Provisioning, TrialVm
from shared.model.ids import VmRef
from shared.model.instants import read_instant, write_instant
from shared.model.tags import SourceTag
from shared.model.text import cut

DEADLINE = timedelta(minutes=60)
"""After this time a test VM is deleted, whatever it does."""

ATTEMPTS = 5
FIRST_PAUSE = timedelta(minutes=30)
"""The pause after the first attempt without a verdict; it doubles each time."""

PREFIX = "boot-"
"""What the name of every temporary resource begins with."""

_NOT_PREPARED = "guest agent was detected running"
_OS_PROVISIONING = ("OSProvisioningTimedOut", "OSProvisioningClientError")


@dataclass(frozen=True, slots=True)
class Start:
    """The test VM is to be created."""


@dataclass(frozen=True, slots=True)
class Wait:
    """Nothing is due: the VM is being created, or its agent is starting."""


@dataclass(frozen=True, slots=True)
class Judged:
    """The verdict of an attempt, and why."""

    boot: Boot
    why: str
    minutes: int | None = None


type BootStep = Start | Wait | Judged


def is_due(image: ObservedImage) -> bool:
    """Whether an image waits for the verdict of its boot test."""
    again = image.boot is Boot.CANNOT_TELL and attempts(image) < ATTEMPTS
    return image.boot is Boot.DUE or again


def attempts(image: ObservedImage) -> int:
    """Return how many attempts ended without a verdict."""
    text = image.tags.get(SourceTag.BOOT_ATTEMPTS, "")
    return int(text) if text.isdecimal() else 0


def trial_ref(image: ObservedImage, workshop: str) -> VmRef | None:
    """Return the VM of the next attempt at an image; None if its source VM is not known."""
    if image.source is None:
        return None
    tags = image.tags
    facts = (image.ref.key, tags.get(SourceTag.VM_ID), tags.get(SourceTag.STARTED))
    digest = hashlib.sha256(" ".join(map(str, facts)).encode()).hexdigest()[:10]
    return VmRef(image.source.subscription, workshop, f"{PREFIX}{digest}-{attempts(image) + 1}")


def pause_ends(image: ObservedImage) -> datetime | None:
    """Return when an image without a verdict is tested again; None: at once."""
    at = read_instant(image.tags.get(SourceTag.BOOT_AT))
    return at + FIRST_PAUSE * 2 ** (attempts(image) - 1) if at and attempts(image) else None


def boot_step(image: ObservedImage, vm: TrialVm | Missing, now: datetime) -> BootStep:
    """Return what is next; the image's pause has ended."""
    if vm is Missing.GONE:
        return Start()
    if isinstance(vm, Missing):
        return Judged(Boot.CANNOT_TELL, "the app may not read VMs in the workshop")
    age = now - vm.created if vm.created else timedelta()
    minutes = max(1, ceil(age / timedelta(minutes=1)))
    if vm.provisioning is Provisioning.FAILED:
        return _failed(image, vm)
    if vm.provisioning is Provisioning.SUCCEEDED and vm.ready:
        return Judged(Boot.BOOTED, f"it booted and was ready after {minutes} minutes", minutes)
    if age < DEADLINE:
        return Wait()
    state = "its agent does not report" if vm.provisioning.settled else f"it is {vm.provisioning}"
    return Judged(Boot.CANNOT_TELL, f"no result after {minutes} minutes: {state}")


def _failed(image: ObservedImage, vm: TrialVm) -> Judged:
    said = f"{vm.code}: {vm.why}" if vm.code else "Azure gives no reason"
    if vm.code not in _OS_PROVISIONING:
        return Judged(Boot.CANNOT_TELL, said)
    if _NOT_PREPARED not in vm.why and vm.code == "OSProvisioningTimedOut":
        return Judged(Boot.DOES_NOT_BOOT, said)
    if image.tags.get(SourceTag.PROOF) == Proof.GENERALIZED:
        return Judged(Boot.CANNOT_TELL, f"its disk was generalized, but Azure says {said}")
    return Judged(Boot.NOT_PREPARED, said)


def tags_of(image: ObservedImage, judged: Judged, picture: str, now: datetime) -> dict[str, str]:
    """Return the tags with which an image keeps the result of an attempt."""
    tags = {SourceTag.BOOT.value: judged.boot.value, SourceTag.BOOT_DETAIL.value: cut(judged.why)}
    if judged.minutes:
        tags[SourceTag.BOOT_MINUTES.value] = str(judged.minutes)
    if picture:
        tags[SourceTag.BOOT_PICTURE.value] = picture
    if judged.boot is Boot.CANNOT_TELL:
        tags[SourceTag.BOOT_ATTEMPTS.value] = str(attempts(image) + 1)
        tags[SourceTag.BOOT_AT.value] = write_instant(now)
    return tags


def promotes(image: ObservedImage, judged: Judged) -> bool:
    """Whether a verdict lets a version count for `latest`: its owner has not excluded it."""
    return judged.boot is Boot.BOOTED and SourceTag.EXCLUDED not in image.tags
