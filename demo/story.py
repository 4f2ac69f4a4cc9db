"""The story: VMs are tagged, their guests run Sysprep, and nobody lifts a further hand.

Takes a running simulator with the app deployed into it; gives the `Course` of each VM, and says
whether all ended as the cast has it. Everything that happens to a tagged VM after its guest has
been started on Sysprep is done by the app.
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from demo.cast import CAST, IMAGES_GROUP, Actor, Ending
from demo.engineer import Engineer
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
UNFLAGGED = {Ending.UNTOUCHED, Ending.EXEMPT}


@dataclass
class Course:
    """What has happened to a VM: an instant for each thing first seen, and how it stands."""

    actor: Actor
    vm_id: str
    instants: dict[str, datetime] = field(default_factory=dict)
    power: str = ""
    tags: dict[str, str] = field(default_factory=dict)

    @property
    def status(self) -> str:
        """The word of its status tag; without an order, what the cost guard has made of it."""
        if ALERTED in self.tags:
            return Ending.FLAGGED
        flagged = Ending.FLAGGED in self.instants
        return self.tags.get(STATUS, Ending.CLEARED if flagged else "")

    def see(self, facts: dict[str, Any], now: datetime) -> bool:
        """Take in how it stands now; return whether that is new."""
        before = self.power, self.status
        self.power = str(facts["power"]).removeprefix("PowerState/")
        self.tags = dict(facts["tags"])
        for thing in (self.power, self.status):
            if thing:
                self.instants.setdefault(thing, now)
        return before != (self.power, self.status)

    def ended(self, now: datetime) -> bool:
        """Whether it has come to the end that its actor is cast for."""
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

    Two are acted upon once they are seen: the ordered VMs' guests run Sysprep when their orders
    have been answered, and one flagged VM is deallocated when the flag is up.
    """
    for course in courses:
        if course.actor.order:
            course.instants["tagged"] = steering.now()
            engineer.tag(course.vm_id, {CAPTURE: course.actor.order})
    ready = [course for course in courses if course.actor.order]
    if not _watch(steering, courses, show, lambda _: all(one.status in READY for one in ready)):
        return False
    for course in courses:
        if course.actor.ending is Ending.CAPTURED:
            steering.guest(course.vm_id, "sysprep")
        elif course.actor.ending is Ending.UNTOUCHED:
            steering.guest(course.vm_id, "reboot")
    wasteful = [one for one in courses if one.actor.ending is Ending.CLEARED]
    if not _watch(
        steering, courses, show, lambda _: all(one.status == Ending.FLAGGED for one in wasteful)
    ):
        return False
    for course in wasteful:
        engineer.deallocate(course.vm_id)
    return _watch(steering, courses, show, lambda now: all(one.ended(now) for one in courses))


def _watch(
    steering: SimClient,
    courses: list[Course],
    show: Callable[[Course], None],
    done: Callable[[datetime], bool],
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
