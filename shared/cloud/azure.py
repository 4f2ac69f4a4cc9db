"""The `Cloud` implementation for Azure: ARM, the outcome topic, the ledger and the price list.

`Azure` implements the protocol in `shared/model/cloud.py`; `connect` creates it, once per process.
Of what it reads, only prices are cached between invocations.
"""

import logging
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import assert_never

import msgspec

from shared.cloud import clones
from shared.cloud.arm import Arm
from shared.cloud.bodies import going_whole_body, managed_image_body, promoted_body, version_body
from shared.cloud.client import find_credential
from shared.cloud.examine import examine
from shared.cloud.images import list_images
from shared.cloud.ledger import LedgerStore
from shared.cloud.lists import list_subscription
from shared.cloud.observe import (
    granted,
    left_over,
    lower_names,
    newest_regions,
    observed_definition,
    observed_disk,
    observed_managed_image,
    observed_version,
    observed_vm,
    trial_vm,
)
from shared.cloud.pages import Pages
from shared.cloud.pictures import Pictures
from shared.cloud.prices import Prices
from shared.cloud.temporary import interface_body, interface_id, trial_body
from shared.cloud.topic import Topic
from shared.model.errors import Refused, Transient
from shared.model.facts import (
    Clone,
    KeptDisk,
    LeftOver,
    Listing,
    Look,
    Machine,
    Missing,
    ObservedDisk,
    ObservedImage,
    ObservedVm,
    Permission,
    Price,
    Rights,
    TrialVm,
)
from shared.model.ids import CopyRef, ImageRef, ManagedImageRef, Target, VersionRef, VmRef
from shared.model.instants import read_instant
from shared.model.ledger import Ledger
from shared.model.memory import after, frozen
from shared.model.outcomes import Outcome
from shared.model.settings import Settings
from shared.model.steps import (
    CloneStep,
    Create,
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
)
from shared.model.tags import Words

log = logging.getLogger(__name__)

TEMPORARY = {
    "microsoft.compute/virtualmachines",
    "microsoft.compute/disks",
    "microsoft.compute/snapshots",
    "microsoft.compute/restorepointcollections",
    "microsoft.network/networkinterfaces",
}
"""The types of what is temporary in a workshop."""

_LOCKS = "/providers/microsoft.authorization/locks/"


@dataclass(frozen=True, slots=True)
class Azure:
    """The clients of one process and the settings they were created from."""

    arm: Arm
    topic: Topic
    ledger: LedgerStore
    pictures: Pictures
    pages: Pages
    prices: Prices
    settings: Settings

    @property
    def requests(self) -> int:
        """The number of requests to ARM that this process has sent."""
        return self.arm.requests

    @property
    def currency(self) -> str:
        """The currency of prices."""
        return self.prices.currency

    def look(self, ref: VmRef) -> Look | Missing:
        """Return a VM, read with one GET; if it is generalized, its OS disk as well."""
        vm = self.arm.vm(ref)
        return vm if isinstance(vm, Missing) else self._remembered(Look(vm=observed_vm(ref, vm)))

    def read(self, look: Look, what: Read) -> Look:
        """Return the look with one more fact."""
        match what:
            case ReadDisk():
                return replace(look, disk=self._disk(look.vm.os_disk.id))
            case ReadDataDisks():
                disks = tuple(self._disk(disk.id) for disk in look.vm.data_disks)
                return replace(look, data_disks=disks)
            case ReadDefinition(target):
                found = self.arm.definition(target)
                seen = found if isinstance(found, Missing) else observed_definition(found)
                return replace(look, definition=seen)
            case ReadRegions(target):
                return replace(look, regions=newest_regions(self.arm.versions(target)))
            case ReadRights(target):
                return replace(look, rights=self._rights(look.vm.ref, target))
            case ReadDiskRights():
                return replace(look, disk_rights=self._disk_rights(look.vm.os_disk.id))
            case ReadImage(ref):
                return replace(look, images={**look.images, ref.key: self.image(ref)})
            case ReadLocks():
                return replace(look, locked=self._is_locked(look.vm))
            case ReadClone(ref):
                return replace(look, clone=self._clone(look, ref))
            case _:
                assert_never(what)

    def image(self, ref: ImageRef) -> ObservedImage | Missing:
        """Return a managed image or gallery image version."""
        match ref:
            case ManagedImageRef():
                image = self.arm.managed_image(ref)
                return image if isinstance(image, Missing) else observed_managed_image(ref, image)
            case VersionRef():
                version = self.arm.version(ref)
                return version if isinstance(version, Missing) else observed_version(ref, *version)
            case _:
                assert_never(ref)

    def stopped_at(self, ref: VmRef, now: datetime) -> datetime | None:
        """Return when a VM became unavailable according to Resource Health; None if unknown."""
        health = self.arm.health(ref)
        if isinstance(health, Missing) or health.properties.availability_state != "Unavailable":
            return None
        occurred = health.properties.occurred_time or health.properties.occured_time
        known = occurred is not None and occurred.tzinfo is not None and occurred <= now
        return occurred if known else None

    def stops(self, subscription: str) -> Mapping[str, datetime]:
        """Return when VMs became unavailable by Resource Graph; empty if it cannot be read."""
        try:
            found = {stop.id.lower(): stop.occurred for stop in self.arm.stops(subscription)}
        except (Refused, Transient) as error:
            log.info("Resource Graph cannot be read in %s: %s", subscription, error)
            return {}
        instants = {key: read_instant(occurred) for key, occurred in found.items()}
        return {key: instant for key, instant in instants.items() if instant}

    def price(self, machine: Machine, now: datetime) -> Price | None:
        """Return the list price of an hour; None if it is unknown."""
        return self.prices.price(machine, now)

    def disk_price(self, disk: KeptDisk, now: datetime) -> float | None:
        """Return the list price of a disk's month; None if it is unknown."""
        return self.prices.disk_price(disk, now)

    def prices_unread(self, now: datetime) -> str:
        """Return why the price list could not be read; empty if it could."""
        return self.prices.unread(now)

    def vms(self, subscription: str) -> Listing:
        """Return the listing of a subscription: VMs, run states and group tags."""
        return list_subscription(self.arm, subscription)

    def group_tags(self, ref: VmRef) -> Mapping[str, str] | None:
        """Return the tags of a VM's resource group, names in lower case; None if unreadable."""
        group = self.arm.group(ref)
        return None if isinstance(group, Missing) else lower_names(group.tags)

    def locks(self, subscription: str) -> frozenset[str]:
        """Return the scopes with a management lock: in lower case, with a trailing slash."""
        ids = [(lock.id or "").lower() for lock in self.arm.locks(subscription)]
        return frozenset(f"{lock.partition(_LOCKS)[0]}/" for lock in ids)

    def ledger_of(self, month: str) -> Ledger:
        """Return what ended in a month, `2026-11`."""
        return self.ledger.read(month)

    def picture(self, url: str) -> bytes:
        """Return a screenshot that was kept; empty if it is not there."""
        return self.pictures.read(url)

    def page_kept(self) -> datetime | None:
        """Return when the last report was kept; None if none was."""
        return self.pages.kept_at()

    def images(self, targets: Iterable[Target]) -> list[ObservedImage]:
        """Return the images and versions in these targets, as far as they can be listed."""
        return list_images(self.arm, targets)

    def trial_vm(self, ref: VmRef) -> TrialVm | Missing:
        """Return a VM in the workshop."""
        vm = self.arm.vm(ref)
        return vm if isinstance(vm, Missing) else trial_vm(ref, vm)

    def workshop(self, subscription: str) -> list[LeftOver]:
        """Return the VMs, interfaces and disks in the workshop of a subscription."""
        group = f"/subscriptions/{subscription}/resourceGroups/{self.settings.workshop}"
        rows = self.arm.resources(group)
        return [left_over(row) for row in rows if row.type.lower() in TEMPORARY]

    def copied_vm(self, ref: CopyRef) -> VmRef | None:
        """Return the VM that a disk, snapshot or collection is part of a copy of, by its tags."""
        return clones.copied_vm(self.arm, ref)

    def prove(self, look: Look) -> Look:
        """Return the look with the disk's verdict, and VM and disk read again after the close.

        Reading takes seconds, in which VM and disk may change, including the time of release.
        Raises `Transient` if the VM was deleted or its OS disk replaced.
        """
        verdict = examine(self.arm, look)
        vm = self.arm.vm(look.vm.ref)
        if isinstance(vm, Missing):
            msg = f"{look.vm.ref.id} was deleted while its disk was read"
            raise Transient(msg)
        seen = observed_vm(look.vm.ref, vm)
        if (seen.os_disk.id or "").lower() != (look.vm.os_disk.id or "").lower():
            msg = f"{look.vm.ref.id} was given another OS disk while its disk was read"
            raise Transient(msg)
        disk = self._disk(seen.os_disk.id)
        found = replace(look, vm=seen, disk=disk, images={}, verdict=verdict)
        return self._remembered(replace(found, proven=time.monotonic()))

    def deallocate(self, ref: VmRef) -> None:
        """Start to deallocate a VM."""
        self.arm.deallocate(ref)

    def generalize(self, ref: VmRef) -> None:
        """Mark a VM as generalized; it can never be started again."""
        self.arm.generalize(ref)

    def create(self, vm: ObservedVm, step: Create, now: datetime) -> None:
        """Start to create an image of a VM."""
        match step.ref:
            case ManagedImageRef():
                self.arm.create_managed_image(step.ref, managed_image_body(vm, step, now))
            case VersionRef():
                self.arm.put_version(step.ref, version_body(vm, step, now))
            case _:
                assert_never(step.ref)

    def write(self, vm: ObservedVm, words: Words) -> ObservedVm:
        """Change a VM's tags, on the VM or on its OS disk; return the VM with the new tags.

        Merges first, then deletes: if the delete is refused, the merged tags stay.
        """
        change = vm.memory.changed(words)
        if change.tags:
            self.arm.merge_tags(vm.memory.id, change.tags)
        if change.removed:
            self.arm.delete_tags(vm.memory.id, change.removed)
        return after(vm, words)

    def tag_vm(self, ref: VmRef, tags: Mapping[str, str]) -> None:
        """Set tags on a VM; its other tags are unchanged."""
        self.arm.merge_tags(ref.id, tags)

    def tag_image(self, ref: ImageRef, tags: Mapping[str, str]) -> None:
        """Set tags on an image; its other tags are unchanged."""
        self.arm.merge_tags(ref.id, tags)

    def start_trial(self, image: ObservedImage, ref: VmRef, carried: Mapping[str, str]) -> None:
        """Start a VM from an image in the workshop."""
        self.arm.put_interface(interface_id(ref), interface_body(image.location, ref, carried))
        self.arm.create_vm(ref, trial_body(image, ref, carried))

    def keep_picture(self, ref: VmRef, name: str) -> str:
        """Keep a VM's screenshot and serial log; return the screenshot's URL, empty if not kept."""
        return self.pictures.keep(self.arm, ref, name)

    def promote(self, image: ObservedImage, tags: Mapping[str, str]) -> None:
        """Start to let a version count for `latest`; the version is sent back as it was read."""
        assert isinstance(image.ref, VersionRef)  # noqa: S101 - only versions count for latest
        self.arm.put_version(image.ref, promoted_body(msgspec.json.decode(image.body), tags))

    def make_clone(self, look: Look, step: CloneStep) -> None:
        """Start a step of the copy of a VM."""
        clones.make(self.arm, look, step, self.settings.app)

    def prepare(self, vm: ObservedVm) -> None:
        """Start Sysprep, or waagent, in the guest of a copied VM."""
        clones.prepare(self.arm, vm)

    def discard(self, vm: ObservedVm) -> None:
        """Start to delete a copied VM, and what its disks were copied from."""
        clones.discard(self.arm, vm)

    def dispose(self, vm: ObservedVm) -> None:
        """Have a VM's disks and interfaces go with it; if they do already, start to delete it."""
        if vm.goes_whole:
            self.arm.delete_vm(vm.ref, force=False)
        else:
            self.arm.change_vm(vm.ref, going_whole_body(vm))

    def delete(self, left: LeftOver | VmRef) -> None:
        """Start to delete a resource in the workshop."""
        if isinstance(left, VmRef):
            self.arm.delete_vm(left)
        else:
            self.arm.delete(left.id)

    def keep_page(self, page: bytes) -> None:
        """Keep a report in place of the last one."""
        self.pages.keep(page)

    def publish(self, outcome: Outcome) -> None:
        """Publish an outcome event, then append it to the ledger."""
        self.topic.publish(outcome)
        self.ledger.keep(outcome)

    def _remembered(self, look: Look) -> Look:
        """Return the look with the current tags: those of a generalized VM are on its OS disk."""
        vm, disk_id = look.vm, look.vm.os_disk.id
        if not vm.generalized or disk_id is None:
            return look
        disk = self._disk(disk_id) if look.disk is None else look.disk
        return replace(look, vm=frozen(vm, None if isinstance(disk, Missing) else disk), disk=disk)

    def _is_locked(self, vm: ObservedVm) -> bool:
        """Whether a management lock covers a VM, or anything that would go with it."""
        disks = [disk.id for disk in (vm.os_disk, *vm.data_disks)]
        ids = [f"{each.lower()}/" for each in (vm.ref.id, *disks, *vm.interfaces) if each]
        locked = self.locks(vm.ref.subscription)
        return any(each.startswith(scope) for each in ids for scope in locked)

    def _clone(self, look: Look, ref: VmRef) -> Clone:
        """Return how far the copy of a VM has come; what comes later is read only if need be."""
        vm = self.arm.vm(ref)
        if not isinstance(vm, Missing):
            seen = self._remembered(Look(vm=observed_vm(ref, vm))).vm
            return Clone(vm=seen, made=trial_vm(ref, vm))
        disks = clones.disks_of(self.arm, look, ref, None)
        taken, way = clones.taken(self.arm, ref)
        if way:
            disks = clones.disks_of(self.arm, look, ref, way)
        return Clone(vm=vm, disks=disks, taken=taken, way=way)

    def _disk(self, disk_id: str | None) -> ObservedDisk | Missing:
        disk = self.arm.disk(disk_id) if disk_id else Missing.GONE
        return disk if isinstance(disk, Missing) else observed_disk(disk)

    def _rights(self, vm: VmRef, target: Target) -> Rights:
        return Rights(
            vm=granted(self.arm.permissions(vm.id)),
            target=granted(self.arm.permissions(target.scope)),
        )

    def _disk_rights(self, disk_id: str | None) -> tuple[Permission, ...] | Missing:
        if not disk_id:
            return Missing.DENIED
        grants = granted(self.arm.permissions(disk_id))
        return Missing.DENIED if grants is None else grants


def connect(settings: Settings) -> Azure:
    """Return the clients for these settings; no request is sent yet.

    In a dry run they send no request that could change a resource.
    """
    credential, dry_run = find_credential(), settings.dry_run
    return Azure(
        Arm(settings.arm_endpoint, credential, dry_run=dry_run),
        Topic(settings.outcome_topic, credential, dry_run=dry_run),
        LedgerStore(settings.ledger, credential),
        Pictures(settings.boot_diagnostics, credential),
        Pages(settings.report, credential, dry_run=dry_run),
        Prices(settings.prices_endpoint, settings.guard_currency),
        settings,
    )
