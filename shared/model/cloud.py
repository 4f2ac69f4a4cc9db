"""The interface to Azure, as a protocol: reads, steps, tags, events.

`shared/cloud` implements it; `connect` makes one instance per process. Unit tests have a fake.
Every method may raise `Transient` or `Refused`. In a dry run no write is sent: the methods under
"Writes" raise `Withheld`.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Protocol

from shared.model.facts import (
    KeptDisk,
    LeftOver,
    Listing,
    Look,
    Machine,
    Missing,
    ObservedImage,
    ObservedVm,
    Price,
    TrialVm,
)
from shared.model.ids import CopyRef, ImageRef, Target, VmRef
from shared.model.ledger import Ledger
from shared.model.outcomes import Outcome
from shared.model.settings import Settings
from shared.model.steps import CloneStep, Create, Read
from shared.model.tags import Words


class Cloud(Protocol):
    """Azure, as the app with these settings sees it."""

    @property
    def settings(self) -> Settings:
        """The app's settings."""

    @property
    def requests(self) -> int:
        """The number of requests that this process has sent."""

    @property
    def currency(self) -> str:
        """The currency of prices, an ISO 4217 code."""

    # Reads

    def look(self, ref: VmRef) -> Look | Missing:
        """Return a VM's model and instance view; for a generalized VM also its OS disk."""

    def read(self, look: Look, what: Read) -> Look:
        """Return the look with one more fact."""

    def image(self, ref: ImageRef) -> ObservedImage | Missing:
        """Return an image or gallery image version."""

    def stopped_at(self, ref: VmRef, now: datetime) -> datetime | None:
        """Return when a VM became unavailable by Resource Health; None if it does not tell."""

    def stops(self, subscription: str) -> Mapping[str, datetime]:
        """Return when VMs became unavailable by Resource Graph, by `VmRef.key`; {} if unreadable.

        What happened in the last minutes is not there yet.
        """

    def price(self, machine: Machine, now: datetime) -> Price | None:
        """Return the list price of an hour; None if unknown."""

    def disk_price(self, disk: KeptDisk, now: datetime) -> float | None:
        """Return the list price of a disk's month; None if unknown."""

    def prices_unread(self, now: datetime) -> str:
        """Return why the price list could not be read; empty if it could, or is not to be read."""

    def vms(self, subscription: str) -> Listing:
        """Return the VMs of a subscription."""

    def group_tags(self, ref: VmRef) -> Mapping[str, str] | None:
        """Return the tags of a VM's resource group, names in lower case; None if unreadable."""

    def locks(self, subscription: str) -> frozenset[str]:
        """Return the scopes that have a management lock: lower case, with a slash at the end."""

    def ledger_of(self, month: str) -> Ledger:
        """Return what ended in a month, `2026-11`."""

    def picture(self, url: str) -> bytes:
        """Return the screenshot that `keep_picture` has kept at a URL; empty if none is there."""

    def page_kept(self) -> datetime | None:
        """Return when the last report was kept; None if none was."""

    def images(self, targets: Iterable[Target]) -> list[ObservedImage]:
        """Return the images and versions of the targets that can be listed."""

    def trial_vm(self, ref: VmRef) -> TrialVm | Missing:
        """Return a VM in the workshop."""

    def workshop(self, subscription: str) -> list[LeftOver]:
        """Return the VMs, interfaces and disks in the workshop of a subscription."""

    def copied_vm(self, ref: CopyRef) -> VmRef | None:
        """Return the VM that a disk, snapshot or collection is part of a copy of, by its tags."""

    # Writes

    def prove(self, look: Look) -> Look:
        """Return the look with the OS disk's verdict: the disk is opened, read and closed."""

    def deallocate(self, ref: VmRef) -> None:
        """Start a VM's deallocation."""

    def generalize(self, ref: VmRef) -> None:
        """Mark a VM generalized; it can never start again."""

    def create(self, vm: ObservedVm, step: Create, now: datetime) -> None:
        """Start the creation of an image of a VM."""

    def write(self, vm: ObservedVm, words: Words) -> ObservedVm:
        """Change an order's tags where `vm.memory` says; return the VM with the new tags."""

    def tag_vm(self, ref: VmRef, tags: Mapping[str, str]) -> None:
        """Set tags of a VM; its other tags do not change."""

    def tag_image(self, ref: ImageRef, tags: Mapping[str, str]) -> None:
        """Set tags of an image; its other tags do not change."""

    def start_trial(self, image: ObservedImage, ref: VmRef, carried: Mapping[str, str]) -> None:
        """Start a VM from an image in the workshop, with these tags."""

    def keep_picture(self, ref: VmRef, name: str) -> str:
        """Keep a VM's screenshot and serial log; return the screenshot's URL, empty if not kept."""

    def promote(self, image: ObservedImage, tags: Mapping[str, str]) -> None:
        """Start to let a version count for `latest`, with these tags besides its own."""

    def make_clone(self, look: Look, step: CloneStep) -> None:
        """Start a step of the copy of a VM."""

    def prepare(self, vm: ObservedVm) -> None:
        """Start Sysprep, or waagent, in the guest of a copied VM, which then shuts itself down."""

    def discard(self, vm: ObservedVm) -> None:
        """Start to delete a copied VM, and what its disks were copied from."""

    def dispose(self, vm: ObservedVm) -> None:
        """Have a VM's disks and interfaces go with it; if they do already, start to delete it."""

    def delete(self, left: LeftOver | VmRef) -> None:
        """Start to delete a resource in the workshop; a VM's disks and interface go with it."""

    def keep_page(self, page: bytes) -> None:
        """Keep a report, an HTML file, in place of the last one."""

    def publish(self, outcome: Outcome) -> None:
        """Publish an outcome event."""
