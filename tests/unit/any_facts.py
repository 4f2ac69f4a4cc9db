"""Facts for Hypothesis: a VM with any tags, in any state, and whatever else Azure may show."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Any

from hypothesis import strategies as st

from shared.capture.targets import names
from shared.model.facts import (
    AttachedDisk,
    Look,
    Missing,
    ObservedImage,
    ObservedVm,
    PowerState,
    Proof,
    Refusal,
    Region,
    Rights,
    Unread,
    Verdict,
)
from shared.model.ids import ImageRef
from shared.model.instants import write_instant
from shared.model.settings import ProofPolicy, Settings
from shared.model.tags import SourceTag, Status, Tag
from tests.unit.making import (
    DISKS,
    GALLERY,
    MANAGED,
    NOW,
    REF,
    RELEASED,
    Facts,
    definition,
    disk,
    image,
    rights,
    settings,
    vm,
)

PINNED = RELEASED - timedelta(days=1)
OWN_NUMBER = "7.0.0"
REFS: tuple[ImageRef, ...] = (
    *names(REF, GALLERY, RELEASED, None),
    *names(REF, MANAGED, RELEASED, None),
    *names(REF, GALLERY, PINNED, None),
    *names(REF, MANAGED, PINNED, None),
    GALLERY.version(OWN_NUMBER),
)
LABELS = ("", "managed-image", "gallery/windows", "nonsense", *(ref.label for ref in REFS))
ORDERS: tuple[dict[Tag, str], ...] = (
    *({Tag.CAPTURE: "gallery/windows"},) * 4,
    *({Tag.CAPTURE: "managed-image"},) * 4,
    *({Tag.CAPTURE: "gallery/windows", Tag.VERSION: OWN_NUMBER},) * 2,
    {Tag.CAPTURE: "Gallery/Windows", Tag.LATEST: "no"},
    {Tag.CAPTURE: "gallery/windows", Tag.LATEST: "maybe"},
    {Tag.CAPTURE: "managed-image", Tag.VERSION: OWN_NUMBER},
    {Tag.CAPTURE: GALLERY.scope},
    {Tag.CAPTURE: " yes "},
    {Tag.CAPTURE: "nonsense"},
)
INSTANTS = ("", "yesterday", *map(write_instant, (RELEASED, PINNED, NOW - timedelta(hours=1))))

FACTS = ("disk", "data_disks", "definition", "regions", "rights", "disk_rights", "verdict")

type Shown = ObservedImage | Missing


def _image(ref: ImageRef, provisioning: str, *, source: str = "", started: float = 0) -> Shown:
    tags = {SourceTag.STARTED.value: write_instant(NOW - timedelta(hours=started))}
    made_from = replace(REF, name="other") if source else REF
    return image(ref, provisioning=provisioning, source=made_from, tags=tags)


SHOWN: tuple[Callable[[ImageRef], Shown], ...] = (
    *(partial(_image, provisioning=one) for one in ("Succeeded", "Creating", "Failed", "Updating")),
    partial(_image, provisioning="Creating", started=7),
    partial(_image, provisioning="Failed"),
    partial(_image, provisioning="Succeeded", source="other"),
    lambda _: Missing.GONE,
    lambda _: Missing.DENIED,
)


def _images(states: dict[ImageRef, Callable[[ImageRef], Shown]]) -> dict[str, Shown]:
    return {ref.key: show(ref) for ref, show in states.items()}


def mostly[T](usual: T, *others: T) -> st.SearchStrategy[T]:
    """Draw the usual value ten times as often as all the others together."""
    return st.sampled_from([usual] * (10 * len(others)) + list(others))


RARELY = st.sampled_from([False] * 15 + [True])
PINNED_TAGS = st.fixed_dictionaries(
    {
        Tag.STATUS.value: st.sampled_from([*Status]).map(str),
        Tag.IMAGE.value: st.sampled_from(REFS).map(lambda ref: ref.label),
        Tag.AS_OF.value: st.sampled_from([RELEASED, PINNED]).map(write_instant),
        Tag.DETAIL.value: st.just("as it was"),
    }
)
ANY_TAGS = st.fixed_dictionaries(
    {},
    optional={
        Tag.STATUS.value: st.sampled_from([*Status, "nonsense"]).map(str),
        Tag.IMAGE.value: st.sampled_from(LABELS),
        Tag.AS_OF.value: st.sampled_from(INSTANTS),
        Tag.DETAIL.value: st.sampled_from(["", "as it was", "x" * 256]),
    },
)
ANSWER_TAGS = st.fixed_dictionaries(
    {
        Tag.STATUS.value: st.sampled_from([*Status]).map(str),
        Tag.IMAGE.value: st.sampled_from(["gallery/windows", "managed-image"]),
        Tag.AS_OF.value: st.sampled_from(INSTANTS),
        Tag.DETAIL.value: st.just("as it was"),
    }
)
OUR_TAGS = PINNED_TAGS | ANSWER_TAGS | ANY_TAGS
ORDERED_TAGS = st.builds(
    lambda order, ours: {**ours, **{name.value: value for name, value in order.items()}},
    st.sampled_from(ORDERS),
    OUR_TAGS,
)
BUSY_POWER = [
    PowerState.STARTING,
    PowerState.STOPPING,
    PowerState.DEALLOCATING,
    PowerState.UNKNOWN,
]
POWERS = st.sampled_from(
    [PowerState.DEALLOCATED] * 8
    + [PowerState.STOPPED] * 5
    + [PowerState.RUNNING] * 2
    + [*PowerState]
)
OS_DISKS = mostly(
    AttachedDisk(f"{DISKS}/os"),
    AttachedDisk(None),
    AttachedDisk(f"{DISKS}/os", ephemeral=True),
    AttachedDisk(f"{DISKS}/os", encrypted_by_guest=True),
)
DATA_DISKS = st.sampled_from(
    [
        (),
        (AttachedDisk(f"{DISKS}/data", "Premium_LRS", 64),),
        (AttachedDisk(f"{DISKS}/data"),),
        (AttachedDisk(f"{DISKS}/data", "UltraSSD_LRS", 64),),
    ]
)
DISKS_SEEN = st.one_of(
    st.builds(
        disk,
        released=mostly(RELEASED, NOW - timedelta(seconds=119), NOW, None),
        access_open=st.sampled_from([False] * 4 + [True]),
        sku=mostly("Premium_LRS", "UltraSSD_LRS"),
        network_access=mostly("AllowAll", None, "DenyAll"),
    ),
    mostly(disk(), Missing.GONE, Missing.DENIED),
)
DEFINITIONS = mostly(
    definition(), definition(generation="V1"), Missing.GONE, definition(os_type="Linux")
)
WHY = st.sampled_from(["", "State.ini says so", "0x80073cf2\r\n  in   setuperr.log"])
READ = st.builds(Verdict, st.sampled_from(Proof), WHY)
VERDICTS = st.one_of(READ, READ, READ, st.builds(Refusal, WHY), st.builds(Unread, WHY))
SETTINGS: st.SearchStrategy[Settings] = st.builds(
    settings,
    proof=st.sampled_from(ProofPolicy),
    capture_target=st.sampled_from(["", "gallery/windows"]),
)


def vms(tags: st.SearchStrategy[dict[str, str]]) -> st.SearchStrategy[ObservedVm]:
    """Draw VMs with such tags, in any state."""
    return st.builds(
        vm,
        tags=tags,
        provisioning=mostly("Succeeded", "Failed", "Updating", "creating", "Deleting", ""),
        power=POWERS,
        generalized=st.booleans(),
        hibernated=RARELY,
        hibernates=RARELY,
        in_scale_set=RARELY,
        os_disk=OS_DISKS,
        data_disks=DATA_DISKS,
    )


def any_facts(tags: st.SearchStrategy[dict[str, str]] = ORDERED_TAGS) -> st.SearchStrategy[Facts]:
    """Draw any_facts whose VM has such tags."""
    some = st.dictionaries(st.sampled_from(REFS), st.sampled_from(SHOWN), max_size=3)
    alike = st.sampled_from(SHOWN).map(lambda show: dict.fromkeys(REFS, show))
    return st.builds(
        Facts,
        vm=vms(tags),
        disk=DISKS_SEEN,
        data_disks=mostly((disk(),), (Missing.DENIED,)),
        definition=DEFINITIONS,
        regions=st.sampled_from([(), (Region("northeurope", 2, "Standard_ZRS"),)]),
        rights=mostly(rights(), rights("*/read"), Rights(None, None)),
        images=(some | alike).map(_images),
        verdict=VERDICTS,
    ).map(_as_ordered)


def _as_ordered(facts: Facts) -> Facts:
    """Give a VM whose order is a managed image the security type that allows one."""
    if facts.vm.tags.get(Tag.CAPTURE) != "managed-image":
        return facts
    return replace(facts, vm=replace(facts.vm, security_type=None))


@st.composite
def looks(draw: st.DrawFn, tags: st.SearchStrategy[dict[str, str]] = ORDERED_TAGS) -> Look:
    """Draw looks that have read some of it."""
    look = draw(any_facts(tags)).look()
    known = draw(st.sets(st.sampled_from(REFS)))
    seen = {ref.key: look.images.get(ref.key, Missing.GONE) for ref in known}
    unread: dict[str, Any] = dict.fromkeys(draw(st.sets(st.sampled_from(FACTS), max_size=2)))
    return replace(look, images=seen, **unread)
