"""What the demo cost, counted from the simulator's log of all ARM requests.

Gives the content of `.demo/summary.json`. A capture's requests are those by the app that name the
VM's resource group (each VM has its own) or its image definition; those of its proof are counted
separately.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from demo.cast import IMAGES_GROUP, Ending
from demo.story import DETAIL, IMAGE, Course
from simulator.client import SimClient
from simulator.disk_requests import Request, proof_requests

BILLED = {
    "Stillframe.VmStillBilled",
    "Stillframe.VmDeallocated",
    "Stillframe.VmNoLongerBilled",
}
WRITES = {"PUT", "POST", "PATCH", "DELETE"}


@dataclass(frozen=True)
class Bill:
    """The data of the cost guard's events about a VM; `word`: the tag that deallocated it."""

    since: str
    known_by: str | None
    seconds: int
    hourly: float
    licence: float
    money: float
    currency: str
    word: str | None = None

    def __str__(self) -> str:
        """Return it as text."""
        price = f"{self.hourly:.3f} {self.currency} an hour, list price"
        if self.licence:
            price += f";\n{self.licence:.3f} more if Azure bills Windows while stopped"
        if self.word:
            return (
                f"deallocated {self.seconds} s after its guest stopped, by its tag\nsaves {price}"
            )
        until = "so far" if self.known_by else "in all"
        since = f"{self.since[:10]} {self.since[11:16]}"
        so_far = f"{self.money:.2f} {self.currency} {until}"
        return f"stopped since {since}, but still billed:\n{so_far}, {price}"


def read_bills(steering: SimClient) -> dict[str, Bill]:
    """Return the newest bill of each VM that was published, by name."""
    published = steering.ask("GET", "topics/outcomes/events")
    bills: dict[str, Bill] = {}
    for event in published:
        if event["type"] in BILLED:
            before = bills.get(event["subject"])
            word = event["data"].get("word", before.word if before else None)
            bills[event["subject"]] = _bill(event["data"], word)
    return bills


def _bill(data: Mapping[str, Any], word: str | None) -> Bill:
    return Bill(
        since=data["ChargePeriodStart"],
        known_by=data.get("sinceKnownBy"),
        seconds=data["seconds"],
        hourly=data["ListUnitPrice"],
        licence=data["x_LicenseUnitPrice"],
        money=data["ListCost"],
        currency=data["BillingCurrency"],
        word=word,
    )


def summarize(
    steering: SimClient, courses: list[Course], bills: Mapping[str, Bill], seconds: float
) -> dict[str, Any]:
    """Return the summary; a capture's `seconds` are simulated, those of the whole demo are real."""
    requests = steering.requests(caller="app")
    reads = steering.disk_reads()
    published = steering.ask("GET", "topics/outcomes/events")
    return {
        "captures": [
            _capture(course, requests, reads) for course in _ending(courses, Ending.CAPTURED)
        ],
        "boot_tests": [_boot_test(course, published) for course in courses if course.actor.test],
        "not_generalized": [
            {
                "vm": course.actor.name,
                "reason": course.details[Ending.NOT_GENERALIZED],
                "started_again": "started again" in course.instants,
            }
            for course in _ending(courses, Ending.NOT_GENERALIZED)
        ],
        "refusals": [
            {"vm": course.actor.name, "reason": course.tags.get(DETAIL, "")}
            for course in _ending(courses, Ending.REFUSED)
        ],
        "flagged": _billed(courses, Ending.FLAGGED, bills),
        "cleared": _billed(courses, Ending.CLEARED, bills),
        "off": _billed(courses, Ending.OFF, bills),
        "exempt": [course.actor.name for course in _ending(courses, Ending.EXEMPT)],
        "untouched": [course.actor.name for course in _ending(courses, Ending.UNTOUCHED)],
        "events_delivered": steering.ask("GET", "eventgrid/counts")["delivered"],
        "seconds": round(seconds, 1),
    }


def _boot_test(course: Course, published: list[dict[str, Any]]) -> dict[str, Any]:
    """Return a boot test's verdict and screenshot, as the event has them."""
    told = [one["data"]["boot"] for one in published if one["subject"] == course.actor.name]
    return {"vm": course.actor.name, "image": course.tags.get(IMAGE, ""), **told[-1]}


def _ending(courses: list[Course], ending: Ending) -> list[Course]:
    return [course for course in courses if course.actor.ending is ending]


def _billed(
    courses: list[Course], ending: Ending, bills: Mapping[str, Bill]
) -> list[dict[str, Any]]:
    return [
        {"vm": course.actor.name, **asdict(bills[course.actor.name])}
        for course in _ending(courses, ending)
    ]


def _capture(course: Course, requests: list[Request], reads: list[Request]) -> dict[str, Any]:
    proofs = proof_requests(requests)
    opened = {request["requestId"] for request in proofs if _concerns(request["path"], course)}
    proof = [
        request
        for request in proofs
        if _concerns(request["path"], course) or request["path"].rsplit("/", 1)[1] in opened
    ]
    rest = [request for request in requests if request not in proofs]
    mine = [request for request in rest if _concerns(request["path"], course)]
    took = course.instants["captured"] - course.instants["tagged"]
    return {
        "vm": course.actor.name,
        "target": course.actor.order,
        "image": course.tags.get(IMAGE, ""),
        "seconds": round(took.total_seconds()),
        "arm_requests": len(mine),
        "arm_writes": sum(request["method"] in WRITES for request in mine),
        "polls": sum("operations/" in request["path"].lower() for request in rest),
        "proof_requests": len(proof),
        "disk_reads": sum(_concerns(request["disk"], course) for request in reads),
    }


def _concerns(path: str, course: Course) -> bool:
    """Return whether a request concerns this VM, its image, or the image's target."""
    gallery, _, definition = (course.actor.order or "").rpartition("/")
    image = course.tags[IMAGE].rpartition("/")[2]
    place = (
        f"images/{definition}" if gallery else f"{IMAGES_GROUP}/providers/Microsoft.Authorization"
    )
    marks = [f"/{mark}/" for mark in (course.actor.group, place, f"images/{image}")]
    if course.actor.keep:  # the one copy in the workshop
        marks.append("/keep-")
    return any(mark.lower() in f"{path}/".lower() for mark in marks)
