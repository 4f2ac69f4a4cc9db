"""What Stillframe asks of Azure, as a protocol: reads, steps, tags, events.

`shared/cloud` has the real one, made once per process by `connect`; in a dry run it sends no write.
Unit tests have a fake. Everything here may raise `Transient` or `Refused`, and everything under
"writes" raises `Withheld` in a dry run.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Protocol

from shared.model.facts import (
    Listing,
    Look,
    Machine,
    Missing,
    ObservedImage,
    ObservedVm,
)
from shared.model.ids import ImageRef, Target, VmRef
from shared.model.outcomes import Outcome
from shared.model.settings import Settings
from shared.model.steps import Create, Read
from shared.model.tags import Words


class Cloud(Protocol):
    """Azure, and the settings by which the app was connected to it."""

    @property
    def settings(self) -> Settings:
        """What the operator has set."""

    @property
    def requests(self) -> int:
        """The number of requests that this process has sent."""

    @property
    def currency(self) -> str:
        """The currency of prices."""

    # Reads

    def look(self, ref: VmRef) -> Look | Missing:
        """Return a VM's model and instance view; of a generalized VM its OS disk as well."""

    def read(self, look: Look, what: Read) -> Look:
        """Return the look with one more fact."""

    def image(self, ref: ImageRef) -> ObservedImage | Missing:
        """Return an image or gallery image version."""

    def stopped_at(self, ref: VmRef, now: datetime) -> datetime | None:
        """Return when a VM became unavailable by Resource Health; None where it does not say."""

    def hourly(self, machine: Machine, now: datetime) -> float | None:
        """Return the list price of an hour; None where it is unknown."""

    def vms(self, subscription: str) -> Listing:
        """Return the VMs of a subscription."""

    def locks(self, subscription: str) -> frozenset[str]:
        """Return the scopes that have a management lock: lower case, with a slash at the end."""

    def images(self, targets: Iterable[Target]) -> list[ObservedImage]:
        """Return the images and versions of targets, as far as they can be listed."""

    # Writes

    def prove(self, look: Look) -> Look:
        """Return the look with the OS disk's verdict: the disk is opened, read and closed."""

    def deallocate(self, ref: VmRef) -> None:
        """Start a VM's deallocation."""

    def generalize(self, ref: VmRef) -> None:
        """Mark a VM generalized; it can never start again."""

    def create(self, vm: ObservedVm, step: Create, now: datetime) -> None:
        """Start an image of a VM."""

    def write(self, vm: ObservedVm, words: Words) -> ObservedVm:
        """Change the tags of a VM where they are kept; return the VM as it is then."""

    def tag_image(self, ref: ImageRef, tags: Mapping[str, str]) -> None:
        """Set tags of an image; its other tags stay."""

    def publish(self, outcome: Outcome) -> None:
        """Publish an outcome event."""
