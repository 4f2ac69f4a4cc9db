"""The demo's story: VMs are tagged, their guests run Sysprep, and the app does the rest.

Takes a running simulator with the app deployed into it; gives the `Course` of each VM, and whether
all ended as the cast expects. Everything that happens to a tagged VM after its guest has
started Sysprep is done by the app.
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from demo.cast import CAST, IMAGES_GROUP, WORKSHOP_GROUP, Actor, Ending
from demo.engineer import Engineer
from shared.model.memory import remembered
from shared.model.tags import GUARD_TAGS
from simulator.client import SimClient

PATIENCE = 90.0
"""Real seconds until the story counts as stuck."""

REFRESH = 0.1
"""Real seconds between two polls of the simulator."""

GIVES_UP = 600.0
"""Simulated seconds until a VM that does not start has failed; in Azure 20 minutes or more."""

QUIET = timedelta(minutes=10)
"""Simulated time without a change after which a VM counts as left alone."""

CAPTURE, TEST, KEEP, STATUS, DETAIL, IMAGE, ALERTED = (
    f"stillframe-{name}"
    for name in ("capture", "test", "keep", "status", "detail", "image", "billed-alerted")
)
READY = {"waiting", "refused"}
type Done = Callable[[datetime], bool]

POWERS = {"starting", "stopping", "stopped", "deallocating", "deallocated"}
GUARD_MARKS = {tag.value for tag in GUARD_TAGS}
UNFLAGGED = {Ending.UNTOUCHED, Ending.EXEMPT}


@dataclass
class Course:
    """What has happened to a VM: an instant for each state first seen, and its current state.

    `changed` is when that last became another; `details` has its detail tag for each status.
    """

    actor: Actor
    vm_id: str
    instants: dict[str, datetime] = field(default_factory=dict)
    changed: datetime | None = None
    power: str = ""
    tags: dict[str, str] = field(default_factory=dict)
    details: dict[str, str] = field(default_factory=dict)

    @property
    def status(self) -> str:
        """The value of its status tag; without an order, the result of the cost guard."""
        if ALERTED in self.tags:
            return Ending.FLAGGED
        flagged = Ending.FLAGGED in self.instants
        return self.tags.get(STATUS, Ending.CLEARED if flagged else "")

    def see(self, facts: dict[str, Any], now: datetime) -> bool:
        """Record the current state; return whether it is new."""
        before = self.power, self.status
        self.power = str(facts["power"]).removeprefix("PowerState/")
        disk = facts["osDiskTags"] if facts["generalized"] else None
        self.tags = dict(remembered(facts["tags"], disk, facts["vmId"]))
        for thing in (self.power, self.status):
            if thing:
                self.instants.setdefault(thing, now)
        if self.status:
            self.details[self.status] = self.tags.get(DETAIL, "")
        if before == (self.power, self.status):
            return False
        self.changed = now
        return True

    def ended(self, now: datetime) -> bool:
        """Whether it has reached the ending that the cast defines for it."""
        if self.actor.ending is Ending.OFF:
            return self.power == "deallocated" and not GUARD_MARKS & self.tags.keys()
        if self.actor.ending in UNFLAGGED:
            return not self.status and now - min(self.instants.values()) > QUIET
        if self.actor.keep and POWERS & self.instants.keys():
            msg = f"{self.actor.name} should have run all the while"
            raise RuntimeError(msg)
        return self.status == self.actor.ending


def set_the_scene(steering: SimClient, engineer: Engineer) -> list[Course]:
    """Create the gallery, the workshop and the VMs."""
    steering.settings(durations={"osProvisioningTimeout": GIVES_UP})
    steering.create_group(IMAGES_GROUP)
    engineer.make_gallery()
    steering.create_group(WORKSHOP_GROUP)
    engineer.make_workshop()
    return [
        Course(actor, steering.create_vm(actor.name, group=actor.group, **actor.words))
        for actor in CAST
    ]


def tell(
    steering: SimClient, engineer: Engineer, courses: list[Course], show: Callable[[Course], None]
) -> bool:
    """Run the story, showing each change; return whether all ended as the cast expects.

    The guests act when the orders have been answered. A person then deallocates the deprovisioned
    Linux VM, which does not shut itself down, and one flagged VM; and starts the VM that ran no
    Sysprep again, because that is possible.
    """

    def order(course: Course) -> None:
        course.instants["tagged"] = steering.now()
        asked = {TEST: "yes"} if course.actor.test else {}
        asked |= {KEEP: "yes"} if course.actor.keep else {}
        engineer.tag(course.vm_id, {CAPTURE: str(course.actor.order)} | asked)

    def guest_acts(course: Course) -> None:
        steering.guest(course.vm_id, str(course.actor.act))

    def deallocate(course: Course) -> None:
        engineer.deallocate(course.vm_id)

    def start(course: Course) -> None:
        engineer.start(course.vm_id)

    ordered = [course for course in courses if course.actor.order]
    acting = [course for course in courses if course.actor.act]
    linux = [course for course in courses if course.actor.act == "deprovision"]
    wasteful = [course for course in courses if course.actor.ending is Ending.CLEARED]
    hasty = [course for course in ordered if course.actor.act == "shutdown"]
    acts: list[tuple[Callable[[Course], None], list[Course], Done]] = [
        (order, ordered, lambda _: all(map(_is_answered, ordered))),
        (guest_acts, acting, lambda _: all(map(_deprovisioned(steering), linux))),
        (deallocate, linux, lambda _: all(course.status == Ending.FLAGGED for course in wasteful)),
        (deallocate, wasteful, lambda now: all(course.ended(now) for course in courses)),
        (
            start,
            hasty,
            lambda now: (
                all(_runs_again(course, now) for course in hasty)
                and not engineer.left_in_workshop()
            ),
        ),
    ]
    for act, group, done in acts:
        for course in group:
            act(course)
        if not _watch(steering, courses, show, done):
            return False
    return True


def _is_answered(course: Course) -> bool:
    """Return whether an order is answered; one that keeps its VM has nothing to wait for."""
    return course.status in READY or (course.actor.keep and bool(course.status))


def _deprovisioned(steering: SimClient) -> Callable[[Course], bool]:
    """Return whether waagent has finished, as a function of a course: the guest keeps running."""
    return lambda course: steering.vm(course.vm_id)["sysprep"] == "succeeded"


def _runs_again(course: Course, now: datetime) -> bool:
    """Return whether a VM runs and waits for Sysprep, as before the attempt to capture it."""
    again = course.power == "running" and course.status == "waiting"
    if again:
        course.instants["started again"] = now
    return again


def _watch(
    steering: SimClient,
    courses: list[Course],
    show: Callable[[Course], None],
    done: Done,
) -> bool:
    for now in _instants(steering):
        facts = {vm["id"]: vm for vm in steering.vms()}
        for course in courses:
            if course.see(facts[course.vm_id], now):
                show(course)
        if done(now):
            return True
    return False


def _instants(steering: SimClient) -> Iterator[datetime]:
    """Yield the simulated time repeatedly, for `PATIENCE` seconds."""
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        yield steering.now()
        time.sleep(REFRESH)
