"""How long a gallery version is to live, and what keeps it from being deleted before.

Takes requests and what a version has, gives its safetyProfile and the date of its end of life.
From 2026-03-03 on a request that is silent has a version stay for six months after it was
published; that is announced by Microsoft, not recorded.
"""

import calendar
from datetime import UTC, datetime

from simulator.arm.compute import capture_errors
from simulator.arm.compute.records import Version
from simulator.arm.core.call import Call, member
from simulator.arm.core.errors import Json
from simulator.arm.core.wire import stamp

_BLOCKED_BY_DEFAULT = "2026-03-03"
_MONTHS = 6
_BLOCK, _ALLOW = "blockDeletionBeforeEndOfLife", "allowDeletionOfReplicatedLocations"
_AT = "properties.publishingProfile.endOfLifeDate"


def safety_of(call: Call, stored: Json) -> Json:
    """Return the safetyProfile that a request leaves; what only Azure decides stays as it is.

    A PUT that says nothing blocks again what was set free before: inferred, as a PUT replaces.
    """
    given = member(call.body, "properties", "safetyProfile") or {}
    safety: Json = {"reportedForPolicyViolation": False}
    keeps = _BLOCK in stored and (call.method != "PUT" or not _by_default(call))
    if _BLOCK in given:
        safety[_BLOCK] = given[_BLOCK]
    elif keeps:
        safety[_BLOCK] = stored[_BLOCK]
    elif _by_default(call):
        safety[_BLOCK] = True
    return safety | {_ALLOW: given.get(_ALLOW, stored.get(_ALLOW, False))}


def end_of_life_of(call: Call, stored: str | None, published: datetime) -> Json:
    """Return `endOfLifeDate` as a request leaves it, if there is one; refuse one that was."""
    given = member(call.body, "properties", "publishingProfile", "endOfLifeDate")
    if given is not None and given != stored:
        date = _date(given)
        if date <= call.world.clock.now():
            raise capture_errors.end_of_life_is_past()
        return {"endOfLifeDate": stamp(date)}
    if stored is not None:
        return {"endOfLifeDate": stored}
    return {"endOfLifeDate": stamp(_later(published))} if _by_default(call) else {}


def check_deletable(version: Version, now: datetime) -> None:
    """Refuse to delete a version that is to stay; one without a date of its end stays for good.

    Words and status are inferred, and that a failed version stays as well.
    """
    if not version.properties["safetyProfile"].get(_BLOCK):
        return
    until = version.properties["publishingProfile"].get("endOfLifeDate")
    if until is None or now < _date(until):
        raise capture_errors.deletion_blocked(version.name, until)


def may_leave_regions(safety: Json) -> bool:
    """Whether a version may be taken from a region that it is replicated to."""
    return bool(safety[_ALLOW])


def _by_default(call: Call) -> bool:
    return call.api_version >= _BLOCKED_BY_DEFAULT


def _date(text: str) -> datetime:
    try:
        date = datetime.fromisoformat(text)
    except ValueError as wrong:
        raise capture_errors.no_date(text, _AT) from wrong
    return date if date.tzinfo else date.replace(tzinfo=UTC)


def _later(date: datetime) -> datetime:
    """Return the same day some months later, or the last one of that month."""
    years, month = divmod(date.month - 1 + _MONTHS, 12)
    year, month = date.year + years, month + 1
    last = calendar.monthrange(year, month)[1]
    return date.replace(year=year, month=month, day=min(date.day, last))
