"""Where an order's image goes, its name, and which VM it was made from.

Takes tags and facts; returns `Order`, `Target` and `ImageRef`.

Pure. Names derive from the VM and the instant at which its OS disk was last released, so that any
number of workers choose the same name, and a later release gives a higher version number. Each
order has `ATTEMPTS` names: attempt n adds n to the last part. A version number set by the owner is
never changed, so it has one attempt.
"""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime

from shared.model.facts import ListedVm, ObservedImage, ObservedVm, Refusal
from shared.model.ids import (
    GalleryTarget,
    ImageRef,
    ManagedImageRef,
    ManagedImageTarget,
    Target,
    VersionRef,
    VmRef,
)
from shared.model.instants import read_instant
from shared.model.settings import BootTest, KeepSource, Name, Settings
from shared.model.steps import Order
from shared.model.tags import ORDER_TAGS, CloneTag, SourceTag, Tag
from shared.model.text import VALUE_LIMIT
from shared.model.values import read_definition_id, read_gallery_pair

ATTEMPTS = 3
IMAGE_NAME_LIMIT = 80
INT32_MAX = 2**31 - 1

_NOT_IN_IMAGE_NAMES = re.compile(r"[^A-Za-z0-9_.-]")
_NUMBER = re.compile(r"(0|[1-9][0-9]*)\.(0|[1-9][0-9]*)\.(0|[1-9][0-9]*)", re.ASCII)


def is_ordered(vm: ObservedVm | ListedVm, settings: Settings) -> bool:
    """Whether a VM has an order that is in scope."""
    in_scope = settings.in_scope(f"{vm.ref.id}/") or settings.in_workshop(vm.ref)
    return Tag.CAPTURE in vm.tags and in_scope


def is_left_over(vm: ObservedVm | ListedVm, settings: Settings) -> bool:
    """Whether a VM has status tags of an order that is withdrawn or out of scope.

    A generalized VM that is out of scope keeps them: they name its image.
    """
    if is_ordered(vm, settings) or (Tag.CAPTURE in vm.tags and vm.generalized):
        return False
    return any(tag in vm.tags for tag in ORDER_TAGS)


def read_order(
    tags: Mapping[str, str], settings: Settings, vm: VmRef, now: datetime
) -> Order | Refusal:
    """Return what a VM's tags ask for; they have the capture tag."""
    target = read_target(tags[Tag.CAPTURE], settings, vm)
    if isinstance(target, Refusal):
        return target
    version = read_owner_version(tags.get(Tag.VERSION), target)
    if isinstance(version, Refusal):
        return version
    latest = tags.get(Tag.LATEST, "yes").strip().lower()
    if latest not in ("yes", "no"):
        return Refusal(f"'{Tag.LATEST}: {_shorten(latest)}' is neither yes nor no")
    if version and latest == "yes" and not settings.any_version and _hides_dated(version, now):
        return Refusal(
            f"version {version} is higher than those named by date, YYYY.MMDD.HHMMSSmmm, which "
            f"would no longer become latest; use a lower number or '{Tag.LATEST}: no', or have "
            f"{Name.CAPTURE_ANY_VERSION} set"
        )
    test = read_test(tags.get(Tag.TEST), settings.boot_test)
    if isinstance(test, Refusal):
        return test
    keep = read_keep(tags, settings, vm, target)
    if isinstance(keep, Refusal):
        return keep
    os_only = tags.get(Tag.DISKS, "").strip().lower() == "os"
    dispose = read_after(tags, settings, keep=keep)
    if isinstance(dispose, Refusal):
        return dispose
    return Order(
        target,
        version,
        in_latest=latest == "yes",
        test=test,
        keep=keep,
        os_only=keep and os_only,
        dispose=dispose,
    )


def read_after(tags: Mapping[str, str], settings: Settings, *, keep: bool) -> bool | Refusal:
    """Return whether a captured VM is deleted: as its tag says, as far as it is allowed."""
    word = tags.get(Tag.AFTER, "nothing").strip().lower()
    if word not in ("nothing", "delete"):
        return Refusal(f"'{Tag.AFTER}: {_shorten(word)}' is neither delete nor nothing")
    if word == "delete" and not settings.disposes:
        return Refusal(
            f"'{Tag.AFTER}: delete' is not allowed: this app deletes no VM; remove the tag, or "
            f"have {Name.CAPTURE_DISPOSES} set"
        )
    if word == "delete" and keep:
        return Refusal(f"'{Tag.AFTER}: delete' contradicts '{Tag.KEEP}': its VM is kept")
    return word == "delete"


def read_keep(
    tags: Mapping[str, str], settings: Settings, vm: VmRef, target: Target
) -> bool | Refusal:
    """Return whether a copy is captured and the VM kept: as its tag says, as far as allowed."""
    if settings.in_workshop(vm):
        return False
    word, policy = tags.get(Tag.KEEP, "").strip().lower(), settings.keep_source
    if word == "monthly":
        return Refusal(f"'{Tag.KEEP}: monthly' is not supported yet; use yes")
    if word not in ("", "yes", "no"):
        return Refusal(f"'{Tag.KEEP}: {_shorten(word)}' is neither yes nor no")
    if tags.get(Tag.DISKS, "all").strip().lower() not in ("os", "all"):
        return Refusal(f"'{Tag.DISKS}: {_shorten(tags[Tag.DISKS])}' is neither os nor all")
    keep = word == "yes" or (policy is KeepSource.ALWAYS and word != "no")
    if keep and policy is KeepSource.OFF:
        return Refusal(
            f"'{Tag.KEEP}: yes' needs a workshop for the copy, and this app has none; remove the "
            f"tag, or have {Name.KEEP_SOURCE} set"
        )
    if not keep and not settings.in_place:
        return Refusal(
            f"this app captures copies only ({Name.CAPTURE_IN_PLACE} is false); set "
            f"'{Tag.KEEP}: yes'"
        )
    if keep and isinstance(target, ManagedImageTarget) and settings.image_group is None:
        return Refusal(
            f"a managed image of a copy needs {Name.IMAGE_RESOURCE_GROUP}; use a gallery"
        )
    if keep and len(target.scope) > VALUE_LIMIT:
        return Refusal("the id of its image definition is longer than a tag; use shorter names")
    return keep


def read_test(text: str | None, policy: BootTest) -> bool | Refusal:
    """Return whether an order's image is booted: as its tag says, as far as it is allowed."""
    word = text.strip().lower() if text else None
    if word not in (None, "yes", "no"):
        return Refusal(f"'{Tag.TEST}: {_shorten(str(word))}' is neither yes nor no")
    if word == "yes" and policy is BootTest.OFF:
        return Refusal(
            f"'{Tag.TEST}: yes' needs a workshop, and this app has none; remove the tag, or have "
            f"{Name.BOOT_TEST} set"
        )
    if word == "no" and policy is BootTest.ALWAYS:
        return Refusal(f"'{Tag.TEST}: no' is not allowed: this app boots every image")
    return policy is BootTest.ALWAYS or word == "yes"


def read_target(order: str, settings: Settings, vm: VmRef) -> Target | Refusal:
    """Return the target that the value of the capture tag means for this VM."""
    order = order.strip()
    if order.lower() == "yes":
        if not settings.capture_target:
            return Refusal(
                f"'{Tag.CAPTURE}: yes' needs a default target and this app has none; "
                "name one: managed-image or <gallery>/<definition>"
            )
        return _target(settings.capture_target, settings, vm)
    target = _target(order, settings, vm)
    if isinstance(target, Refusal) or _may_be_named(target, settings, vm):
        return target
    return Refusal(
        f"orders cannot use the target '{_shorten(order)}'; an administrator of "
        f"Stillframe can allow it with {Name.CAPTURE_ALLOWED_TARGETS}"
    )


def _target(order: str, settings: Settings, vm: VmRef) -> Target | Refusal:
    home = _home(settings, vm)
    if order.lower() == "managed-image":
        return home
    if definition := read_definition_id(order):
        return definition
    if pair := read_gallery_pair(order):
        return GalleryTarget(home.subscription, home.group, *pair)
    return Refusal(
        f"'{_shorten(order)}' is not a valid target; use yes, managed-image, "
        "<gallery>/<definition> or an image definition's full id"
    )


def _may_be_named(target: Target, settings: Settings, vm: VmRef) -> bool:
    """Whether an order may name this target: permission to tag a VM gives none on galleries."""
    allowed = settings.targets or (f"{_home(settings, vm).scope}/".lower(),)
    if settings.capture_target:
        default = _target(settings.capture_target, settings, vm)
        assert not isinstance(default, Refusal)  # noqa: S101 the setting was read as a target
        allowed += (f"{default.scope}/".lower(),)
    return f"{target.scope}/".lower().startswith(allowed)


def _home(settings: Settings, vm: VmRef) -> ManagedImageTarget:
    """Return the default resource group of images."""
    return ManagedImageTarget(*(settings.image_group or (vm.subscription, vm.group)))


def read_owner_version(number: str | None, target: Target) -> str | Refusal | None:
    """Return the version number that the owner set; None if none is set."""
    if number is None:
        return None
    number = number.strip()
    if isinstance(target, ManagedImageTarget):
        return Refusal(f"'{Tag.VERSION}' needs a gallery; a managed image has no version")
    parts = _NUMBER.fullmatch(number)
    if parts is None or any(int(part) > INT32_MAX for part in parts.groups()):
        return Refusal(
            f"'{_shorten(number)}' is not a valid version; use three integers up to "
            f"{INT32_MAX} with dots between, without leading zeros"
        )
    return number


def named_after(vm: ObservedVm) -> VmRef:
    """Return the VM that images are named after: of a copied VM that which it is a copy of."""
    name = vm.tags.get(CloneTag.VM)
    return replace(vm.ref, name=name) if name else vm.ref


def names(
    vm: VmRef, target: Target, instant: datetime, owner_version: str | None
) -> tuple[ImageRef, ...]:
    """Return the possible names of an order's image, by attempt."""
    match target:
        case ManagedImageTarget(subscription, group):
            return tuple(
                ManagedImageRef(subscription, group, managed_image_name(vm.name, instant, attempt))
                for attempt in range(ATTEMPTS)
            )
        case GalleryTarget():
            numbers = [owner_version] if owner_version else version_numbers(instant)
            return tuple(target.version(number) for number in numbers)


def later_names(image: ObservedImage, vm: VmRef) -> tuple[ImageRef, ...]:
    """Return the names of the attempts after an image of this VM."""
    as_of = read_instant(image.tags.get(SourceTag.AS_OF))
    if as_of is None:
        return ()
    candidates = names(vm, _target_of(image.ref), as_of, None)
    keys = [ref.key for ref in candidates]
    return candidates[keys.index(image.ref.key) + 1 :] if image.ref.key in keys else ()


def _target_of(ref: ImageRef) -> Target:
    match ref:
        case ManagedImageRef(subscription, group):
            return ManagedImageTarget(subscription, group)
        case VersionRef(subscription, group, gallery, definition):
            return GalleryTarget(subscription, group, gallery, definition)


def version_numbers(instant: datetime) -> list[str]:
    """Return `YYYY.MMDD.HHMMSSmmm` as three integers, one for each attempt."""
    at = instant.astimezone(UTC)
    return [f"{at.year}.{at.month * 100 + at.day}.{_clock(at) + n}" for n in range(ATTEMPTS)]


def managed_image_name(vm_name: str, instant: datetime, attempt: int) -> str:
    """Return `<vm>-YYYYMMDD-HHMMSSmmm`; a VM name that is too long is cut, with a hash."""
    at = instant.astimezone(UTC)
    suffix = f"-{at:%Y%m%d}-{_clock(at) + attempt:09d}"
    room = IMAGE_NAME_LIMIT - len(suffix)
    stem = _NOT_IN_IMAGE_NAMES.sub("-", vm_name).lstrip("_.-")
    if stem == vm_name and len(stem) <= room:
        return stem + suffix
    digest = hashlib.sha256(vm_name.lower().encode()).hexdigest()[:8]
    return "-".join(part for part in (stem[: room - 9], digest) if part) + suffix


def speaks_of(tags: Mapping[str, str], order: Order) -> bool:
    """Whether the status tags belong to this order, whose image has no name yet."""
    label = tags.get(Tag.IMAGE, "").lower()
    return _same_group(tags, order) and label == order.label.lower()


def fits(tags: Mapping[str, str], order: Order) -> bool:
    """Whether the image named by the tags matches the order."""
    if not _same_group(tags, order):
        return False
    head, _, version = tags.get(Tag.IMAGE, "").lower().rpartition("/")
    if isinstance(order.target, ManagedImageTarget):
        return not head and version not in ("", order.label)
    return head == order.target.label.lower() and order.version in (None, version)


def _same_group(tags: Mapping[str, str], order: Order) -> bool:
    """Whether the tags refer to the order's resource group: names are unique in one group."""
    group_id = tags.get(Tag.IMAGE_GROUP, order.target.group_id)
    return group_id.lower() == order.target.group_id.lower()


def made_from(image: ObservedImage, vm: ObservedVm) -> bool:
    """Whether an image was made from this VM, not from an earlier VM with the same name."""
    if vm_id := image.tags.get(SourceTag.VM_ID):
        return vm_id.lower() == vm.vm_id.lower()
    return image.source is not None and image.source.key == vm.ref.key


def _hides_dated(version: str, now: datetime) -> bool:
    """Whether a version is higher than the version named after this instant."""
    dated = version_numbers(now)[0]
    return _parts(version) > _parts(dated)


def _parts(version: str) -> tuple[int, ...]:
    return tuple(map(int, version.split(".")))


def _clock(at: datetime) -> int:
    return ((at.hour * 100 + at.minute) * 100 + at.second) * 1000 + at.microsecond // 1000


def _shorten(text: str) -> str:
    return text if len(text) <= 60 else text[:57] + "..."  # noqa: PLR2004 - keeps room in a tag
