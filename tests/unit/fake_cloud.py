"""An in-memory `Cloud`, for tests of the spine, the sweep and the cost guard.

A test sets what reads return (a `Facts`) and which calls raise (by name), and checks what was
written. Operations that are started never complete.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from shared.model.errors import Withheld
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
from shared.model.memory import after
from shared.model.outcomes import Outcome
from shared.model.settings import Settings
from shared.model.steps import CloneStep, Create, Read
from shared.model.tags import Words
from tests.unit.making import Facts, settings


@dataclass
class FakeCloud:
    """One VM (a `Facts`) or a subscription's lists; `calls` are the writes: name and object."""

    facts: Facts | Missing = Missing.GONE
    settings: Settings = field(default_factory=settings)
    raises: dict[str, Exception] = field(default_factory=dict)
    listing: Listing = field(default_factory=Listing)
    locked: frozenset[str] = frozenset()
    groups: Mapping[str, str] | None = field(default_factory=dict)
    made: list[ObservedImage] = field(default_factory=list)
    targets: set[Target] = field(default_factory=set)
    stopped: datetime | None = None
    graph: Mapping[str, datetime] = field(default_factory=dict)
    trial: TrialVm | Missing = Missing.GONE
    left: list[LeftOver] = field(default_factory=list)
    copy_of: VmRef | None = None
    carried: dict[str, str] = field(default_factory=dict)
    costs: Price | None = None
    month: float | None = None
    currency: str = "EUR"
    requests: int = 0
    calls: list[tuple[str, str]] = field(default_factory=list)
    published: list[Outcome] = field(default_factory=list)
    pictures: dict[str, bytes] = field(default_factory=dict)
    pages: list[bytes] = field(default_factory=list)

    def look(self, ref: VmRef) -> Look | Missing:
        self._asked("look")
        found = self.facts
        return found if isinstance(found, Missing) else Look(vm=replace(found.vm, ref=ref))

    def read(self, look: Look, what: Read) -> Look:
        self._asked("read")
        assert isinstance(self.facts, Facts)
        return self.facts.show(look, what)

    def image(self, ref: ImageRef) -> ObservedImage | Missing:
        self._asked("image")
        return next((image for image in self.made if image.ref.key == ref.key), Missing.GONE)

    def stopped_at(self, ref: VmRef, now: datetime) -> datetime | None:
        self._asked("stopped_at")
        return self.stopped

    def stops(self, subscription: str) -> Mapping[str, datetime]:
        self._asked("stops")
        return self.graph

    def prices_unread(self, now: datetime) -> str:
        return ""

    def price(self, machine: Machine, now: datetime) -> Price | None:
        return self.costs

    def disk_price(self, disk: KeptDisk, now: datetime) -> float | None:
        return self.month

    def vms(self, subscription: str) -> Listing:
        self._asked("vms")
        return self.listing

    def group_tags(self, ref: VmRef) -> Mapping[str, str] | None:
        self._asked("group_tags")
        return self.groups

    def locks(self, subscription: str) -> frozenset[str]:
        self._asked("locks")
        return self.locked

    def ledger_of(self, month: str) -> Ledger:
        return Ledger(month)

    def images(self, targets: Iterable[Target]) -> list[ObservedImage]:
        self._asked("images")
        self.targets = set(targets)
        return self.made

    def prove(self, look: Look) -> Look:
        self._wrote("prove", look.vm.ref.id)
        assert isinstance(self.facts, Facts)
        return replace(look, images={}, verdict=self.facts.verdict)

    def deallocate(self, ref: VmRef) -> None:
        self._wrote("deallocate", ref.id)

    def generalize(self, ref: VmRef) -> None:
        self._wrote("generalize", ref.id)

    def create(self, vm: ObservedVm, step: Create, now: datetime) -> None:
        self._wrote("create", step.ref.id)

    def write(self, vm: ObservedVm, words: Words) -> ObservedVm:
        self._wrote("write", vm.memory.id)
        return after(vm, words)

    def tag_vm(self, ref: VmRef, tags: Mapping[str, str]) -> None:
        self._wrote("tag_vm", ref.id)

    def tag_image(self, ref: ImageRef, tags: Mapping[str, str]) -> None:
        self._wrote("tag_image", ref.id)

    def trial_vm(self, ref: VmRef) -> TrialVm | Missing:
        self._asked("trial_vm")
        return self.trial if isinstance(self.trial, Missing) else replace(self.trial, ref=ref)

    def workshop(self, subscription: str) -> list[LeftOver]:
        self._asked("workshop")
        return self.left

    def start_trial(self, image: ObservedImage, ref: VmRef, carried: Mapping[str, str]) -> None:
        self._wrote("start_trial", ref.id)
        self.carried = dict(carried)

    def picture(self, url: str) -> bytes:
        self._asked("picture")
        return self.pictures.get(url, b"")

    def page_kept(self) -> datetime | None:
        self._asked("page_kept")
        return None

    def keep_page(self, page: bytes) -> None:
        self._asked("keep_page")
        self.pages.append(page)

    def keep_picture(self, ref: VmRef, name: str) -> str:
        self._wrote("keep_picture", name)
        return f"https://pictures/{name}.png"

    def promote(self, image: ObservedImage, tags: Mapping[str, str]) -> None:
        self._wrote("promote", image.ref.id)

    def copied_vm(self, ref: CopyRef) -> VmRef | None:
        self._asked("copied_vm")
        return self.copy_of

    def make_clone(self, look: Look, step: CloneStep) -> None:
        self._wrote(step.name, step.ref.id)

    def prepare(self, vm: ObservedVm) -> None:
        self._wrote("prepare", vm.ref.id)

    def discard(self, vm: ObservedVm) -> None:
        self._wrote("discard", vm.ref.id)

    def dispose(self, vm: ObservedVm) -> None:
        self._wrote("dispose", vm.ref.id)

    def delete(self, left: LeftOver | VmRef) -> None:
        self._wrote("delete", left.id)

    def publish(self, outcome: Outcome) -> None:
        self._wrote("publish", outcome.type)
        self.published.append(outcome)

    def _asked(self, name: str) -> None:
        self.requests += 1
        if error := self.raises.get(name):
            raise error

    def _wrote(self, name: str, what: str) -> None:
        if self.settings.dry_run and what != "Stillframe.SweepCompleted":
            raise Withheld(f"{name} {what}")
        self._asked(name)
        self.calls.append((name, what))
