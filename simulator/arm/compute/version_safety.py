"""The end of life of a gallery image version, and the protection from deletion before that date.

Takes requests and a version, gives its safetyProfile and its end of life date. From 2026-03-03 on
the default is that a version cannot be deleted for six months after publication: announced by
Microsoft, not recorded.
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
    """Return the safetyProfile after a request; the members that Azure sets stay as they are.

    A PUT without the member blocks deletion again: inferred, because a PUT replaces.
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
    """Return `endOfLifeDate` after a request, if there is one; refuse a date in the past."""
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
    """Refuse to delete a version before its end of life; one without a date is blocked forever.

    Message and status are inferred, and that a failed version is blocked as well.
    """
    if not version.properties["safetyProfile"].get(_BLOCK):
        return
    until = version.properties["publishingProfile"].get("endOfLifeDate")
    if until is None or now < _date(until):
        raise capture_errors.deletion_blocked(version.name, until)


def may_leave_regions(safety: Json) -> bool:
    """Say whether a version may be removed from a region that it is replicated to."""
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
    """Return the same day some months later, or the last day of that month."""
    years, month = divmod(date.month - 1 + _MONTHS, 12)
    year, month = date.year + years, month + 1
    last = calendar.monthrange(year, month)[1]
    return date.replace(year=year, month=month, day=min(date.day, last))
