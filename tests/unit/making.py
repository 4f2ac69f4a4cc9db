"""Builders for the tests: a VM that can be captured, and everything that can be read of it.

Each builder gives the good case; a test names only what differs.
"""

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any, assert_never

from shared.capture.decide import decide
from shared.model.facts import (
    AttachedDisk,
    Clone,
    Definition,
    Look,
    Machine,
    Missing,
    ObservedDisk,
    ObservedImage,
    ObservedVm,
    Permission,
    Plan,
    PowerState,
    Proof,
    Provisioning,
    Refusal,
    Region,
    Rights,
    Unread,
    Verdict,
)
from shared.model.ids import GalleryTarget, ImageRef, ManagedImageTarget, VmRef
from shared.model.settings import Settings
from shared.model.steps import (
    Decision,
    Order,
    Prove,
    Read,
    ReadClone,
    ReadDataDisks,
    ReadDefinition,
    ReadDisk,
    ReadDiskRights,
    ReadImage,
    ReadLocks,
    ReadRegions,
    ReadRights,
    Say,
)
from shared.model.tags import Memory, Status, Tag

SUBSCRIPTION = "11111111-2222-3333-4444-555555555555"
ELSEWHERE = "99999999-8888-7777-6666-555555555555"
NOW = datetime(2026, 5, 4, 10, 0, tzinfo=UTC)
RELEASED = datetime(2026, 5, 4, 9, 48, 7, 250_000, tzinfo=UTC)
REF = VmRef(SUBSCRIPTION, "golden", "web-01")
GALLERY = GalleryTarget(SUBSCRIPTION, "golden", "gallery", "windows")
MANAGED = ManagedImageTarget(SUBSCRIPTION, "golden")
VERSION = GALLERY.version("2026.504.94807250")
PLAN = Plan("contoso", "server", "hourly")
DISKS = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/golden/providers/Microsoft.Compute/disks"
ROUNDS = 20

TO_GALLERY: dict[str, str] = {Tag.CAPTURE: "gallery/windows"}
TO_MANAGED: dict[str, str] = {Tag.CAPTURE: "managed-image"}

GENERALIZED = Verdict(Proof.GENERALIZED, "State.ini says so")
NOT_GENERALIZED = Verdict(Proof.NOT_GENERALIZED, "Sysprep failed: 0x80073cf2")
CANNOT_TELL = Verdict(Proof.CANNOT_TELL, "the disk has no file system that is known")
NOT_READ = Verdict(Proof.NOT_READ, "nobody asked")


def settings(**changes: Any) -> Settings:  # noqa: ANN401 - fields of Settings
    """Make settings that watch one subscription and leave all else as it comes."""
    return replace(Settings(subscriptions=(SUBSCRIPTION,)), **changes)


def vm(**changes: Any) -> ObservedVm:  # noqa: ANN401 - fields of ObservedVm
    """Make a deallocated Trusted Launch VM with an order for a gallery."""
    good = ObservedVm(
        memory=Memory(REF.id),
        ref=REF,
        vm_id="0f0e0d0c-1111-2222-3333-444444444444",
        location="westeurope",
        tags=TO_GALLERY,
        provisioning=Provisioning.SUCCEEDED,
        power=PowerState.DEALLOCATED,
        generalized=False,
        hibernated=False,
        hibernates=False,
        in_scale_set=False,
        os_type="Windows",
        generation="V2",
        security_type="TrustedLaunch",
        plan=None,
        disk_controller="SCSI",
        encrypted_by_guest=False,
        os_disk=AttachedDisk(f"{DISKS}/os"),
        data_disks=(),
        machine=Machine("Standard_D4s_v5", "westeurope", "Windows"),
    )
    changes["provisioning"] = Provisioning(changes.get("provisioning", good.provisioning))
    return replace(good, **changes)


def disk(**changes: Any) -> ObservedDisk:  # noqa: ANN401 - fields of ObservedDisk
    """Make a managed disk that a VM released twelve minutes ago."""
    good = ObservedDisk(
        id=f"{DISKS}/os",
        sku="Premium_LRS",
        size_gb=127,
        released=RELEASED,
        access_open=False,
        generation="V2",
        security_type="TrustedLaunch",
        architecture="x64",
        accelerated_network=True,
        encrypted_by_guest=False,
        customer_key=False,
    )
    return replace(good, **changes)


def definition(**changes: Any) -> Definition:  # noqa: ANN401 - fields of Definition
    """Make the image definition that the good VM fits into."""
    good = Definition(
        os_type="Windows",
        os_state="Generalized",
        generation="V2",
        architecture="x64",
        security_type="TrustedLaunch",
        disk_controllers=frozenset({"scsi"}),
        accelerated_network=False,
        plan=None,
    )
    return replace(good, **changes)


def rights(*actions: str) -> Rights:
    """Make the same grant on the VM and on the target; every action if none is named."""
    grant = (Permission(actions or ("*",)),)
    return Rights(vm=grant, target=grant)


def image(ref: ImageRef = VERSION, **changes: Any) -> ObservedImage:  # noqa: ANN401 - fields
    """Make an image that was made from the good VM."""
    good = ObservedImage(ref=ref, provisioning=Provisioning.SUCCEEDED, source=REF, tags={})
    changes["provisioning"] = Provisioning(changes.get("provisioning", good.provisioning))
    return replace(good, **changes)


def order(target: GalleryTarget | ManagedImageTarget = GALLERY, **changes: Any) -> Order:  # noqa: ANN401 - fields of Order
    """Make an order for the gallery."""
    return replace(Order(target), **changes)


def say(**changes: Any) -> Say:  # noqa: ANN401 - fields of Say
    """Make the status of an image in progress."""
    good = Say(status=Status.CAPTURING, detail="on its way", image=VERSION.label, as_of=RELEASED)
    return replace(good, **changes)


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """All that reading Azure could show of one VM; images that are not named are gone."""

    vm: ObservedVm = field(default_factory=vm)
    disk: ObservedDisk | Missing = field(default_factory=disk)
    data_disks: tuple[ObservedDisk | Missing, ...] = ()
    definition: Definition | Missing = field(default_factory=definition)
    regions: tuple[Region, ...] = ()
    rights: Rights = field(default_factory=rights)
    disk_rights: tuple[Permission, ...] | Missing = (Permission(("*",), (), ("*",)),)
    images: dict[str, ObservedImage | Missing] = field(default_factory=dict)
    verdict: Verdict | Refusal | Unread = GENERALIZED
    locked: bool = False
    clone: Clone = Clone(vm=Missing.GONE)  # noqa: RUF009 - frozen

    def show(self, look: Look, what: Read | Prove) -> Look:
        """Add the requested fact; fails if it has been read already."""
        name, value = self._fact(what)
        if isinstance(what, ReadImage):
            assert what.ref.key not in look.images, f"asked twice for {what.ref.key}"
            return replace(look, images={**look.images, what.ref.key: value})
        assert getattr(look, name) is None, f"asked twice for {name}"
        return replace(look, **{name: value})

    def look(self) -> Look:
        """Give a look that has read everything."""
        return Look(
            vm=self.vm,
            disk=self.disk,
            data_disks=self.data_disks,
            definition=self.definition,
            regions=self.regions,
            rights=self.rights,
            disk_rights=self.disk_rights,
            images=self.images,
            verdict=self.verdict,
            clone=self.clone,
            locked=self.locked,
        )

    def _fact(self, what: Read | Prove) -> tuple[str, Any]:  # noqa: C901 one line a fact
        match what:
            case ReadDisk():
                return "disk", self.disk
            case ReadDataDisks():
                return "data_disks", self.data_disks
            case ReadDefinition():
                return "definition", self.definition
            case ReadRegions():
                return "regions", self.regions
            case ReadRights():
                return "rights", self.rights
            case ReadDiskRights():
                return "disk_rights", self.disk_rights
            case Prove():
                return "verdict", self.verdict
            case ReadLocks():
                return "locked", self.locked
            case ReadClone():
                return "clone", self.clone
            case ReadImage(ref):
                return "images", self.images.get(ref.key, Missing.GONE)
            case _:
                assert_never(what)


READS = (
    ReadDisk,
    ReadDataDisks,
    ReadDefinition,
    ReadRegions,
    ReadRights,
    ReadDiskRights,
    ReadImage,
    Prove,
)


def decide_fully(facts: Facts, known: Settings, now: datetime = NOW) -> tuple[Look, Decision]:
    """Give the rules the facts that they ask for until they return a step."""
    look = Look(vm=facts.vm)
    for _ in range(ROUNDS):
        decision = decide(look, known, now)
        if not isinstance(decision, READS):
            return look, decision
        look = facts.show(look, decision)
    msg = f"the rules still ask after {ROUNDS} rounds"
    raise AssertionError(msg)


def ago(**units: float) -> datetime:
    """Make an instant before now."""
    return NOW - timedelta(**units)
