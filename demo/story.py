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

from demo.cast import CAST, IMAGES_GROUP, Actor, Ending
from demo.engineer import Engineer
from shared.model.memory import remembered
from shared.model.tags import GUARD_TAGS
from simulator.client import SimClient

PATIENCE = 90.0
"""Real seconds until the story counts as stuck."""

REFRESH = 0.1
"""Real seconds between two looks of the narrator."""

QUIET = timedelta(minutes=10)
"""How long nothing must have come to a VM, simulated, for it to count as left alone."""

CAPTURE, STATUS, DETAIL, IMAGE, ALERTED = (
    f"stillframe-{name}" for name in ("capture", "status", "detail", "image", "billed-alerted")
)
READY = {"waiting", "refused"}
type Done = Callable[[datetime], bool]

GUARD_MARKS = {tag.value for tag in GUARD_TAGS}
UNFLAGGED = {Ending.UNTOUCHED, Ending.EXEMPT}


@dataclass
class Course:
    """What has happened to a VM: an instant for each state first seen, and its current state.

    `details` has the text of its detail tag for each status.
    """

    actor: Actor
    vm_id: str
    instants: dict[str, datetime] = field(default_factory=dict)
    power: str = ""
    tags: dict[str, str] = field(default_factory=dict)
    details: dict[str, str] = field(default_factory=dict)

    @property
    def status(self) -> str:
        """The word of its status tag; without an order, what the cost guard has made of it."""
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
        return before != (self.power, self.status)

    def ended(self, now: datetime) -> bool:
        """Whether it has come to the end that its actor is cast for."""
        if self.actor.ending is Ending.OFF:
            return self.power == "deallocated" and not GUARD_MARKS & self.tags.keys()
        if self.actor.ending in UNFLAGGED:
            return not self.status and now - min(self.instants.values()) > QUIET
        return self.status == self.actor.ending


def set_the_scene(steering: SimClient, engineer: Engineer) -> list[Course]:
    """Make the gallery and the VMs, all of them running."""
    steering.create_group(IMAGES_GROUP)
    engineer.make_gallery()
    return [
        Course(actor, steering.create_vm(actor.name, group=actor.group, **actor.words))
        for actor in CAST
    ]


def tell(
    steering: SimClient, engineer: Engineer, courses: list[Course], show: Callable[[Course], None]
) -> bool:
    """Let it happen, showing each change; return whether all ended as told.

    The guests act when the orders have been answered. What a person does then: a deprovisioned
    Linux, which does not shut itself down, is deallocated, and so is one flagged VM when the flag
    is up; and a VM that ran no Sysprep is started again, because it can be.
    """

    def order(course: Course) -> None:
        course.instants["tagged"] = steering.now()
        engineer.tag(course.vm_id, {CAPTURE: str(course.actor.order)})

    def guest_acts(course: Course) -> None:
        steering.guest(course.vm_id, str(course.actor.act))

    def deallocate(course: Course) -> None:
        engineer.deallocate(course.vm_id)

    def start(course: Course) -> None:
        engineer.start(course.vm_id)

    ordered = [one for one in courses if one.actor.order]
    acting = [one for one in courses if one.actor.act]
    linux = [one for one in courses if one.actor.act == "deprovision"]
    wasteful = [one for one in courses if one.actor.ending is Ending.CLEARED]
    hasty = [one for one in ordered if one.actor.act == "shutdown"]
    acts: list[tuple[Callable[[Course], None], list[Course], Done]] = [
        (order, ordered, lambda _: all(one.status in READY for one in ordered)),
        (guest_acts, acting, lambda _: all(map(_deprovisioned(steering), linux))),
        (deallocate, linux, lambda _: all(one.status == Ending.FLAGGED for one in wasteful)),
        (deallocate, wasteful, lambda now: all(one.ended(now) for one in courses)),
        (start, hasty, lambda now: all(_runs_again(one, now) for one in hasty)),
    ]
    for act, whom, done in acts:
        for course in whom:
            act(course)
        if not _watch(steering, courses, show, done):
            return False
    return True


def _deprovisioned(steering: SimClient) -> Callable[[Course], bool]:
    """Whether waagent has finished: its guest keeps running."""
    return lambda course: steering.vm(course.vm_id)["sysprep"] == "succeeded"


def _runs_again(course: Course, now: datetime) -> bool:
    """Whether a VM runs and waits for Sysprep, as before its capture was tried."""
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
        facts = {one["id"]: one for one in steering.vms()}
        for course in courses:
            if course.see(facts[course.vm_id], now):
                show(course)
        if done(now):
            return True
    return False


def _instants(steering: SimClient) -> Iterator[datetime]:
    """Yield the simulated instant again and again, for as long as patience lasts."""
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        yield steering.now()
        time.sleep(REFRESH)
