"""The cost guard's rules: the state of a VM -> what is due about its bill.

Takes a `Standing`, made from the lists or from a look, so that one function decides which VMs the
sweep visits and what it does there. Gives one `Due`. Pure. The first matching rule wins:

| the VM                                                | due                              |
|-------------------------------------------------------|----------------------------------|
| running or deallocated, marked                        | remove the mark, publish the end |
| running or deallocated                                | nothing                          |
| power state unknown, or an operation in progress      | nothing                          |
| exempt, marked                                        | remove the mark, publish nothing |
| exempt, or a capture is in progress                   | nothing                          |
| stopped, without a readable mark                      | mark it with the time it stopped |
| marked longer than the grace period, no alert today   | alert                            |
| marked longer than the policy allows, not kept        | deallocate                       |
| marked                                                | nothing                          |

`PowerState/stopped` is the only state that is billed although the VM does not run.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from shared.capture.durations import is_under_way
from shared.model.facts import ListedVm, PowerState, Provisioning
from shared.model.instants import read_instant
from shared.model.settings import GuardAction, Settings
from shared.model.tags import BILLED_TAGS, Tag

DAY = timedelta(days=1)
SKEW = timedelta(minutes=5)
"""Clock skew that is tolerated: a mark further in the future counts as unreadable."""

_IGNORE = "ignore"
_UNTIL = "ignore-until-"
_OVER = {PowerState.RUNNING, PowerState.DEALLOCATED}


@dataclass(frozen=True, slots=True)
class Standing:
    """What the rules need to know of a VM; names of `tags` and `group_tags` are lower case.

    `kept` is why the policy must not deallocate it: an ephemeral disk, a lock. `ours` is whether
    its order, if it has one, belongs to this app.
    """

    tags: Mapping[str, str]
    group_tags: Mapping[str, str]
    power: PowerState
    provisioning: Provisioning
    kept: str | None = None
    ours: bool = True


class _Named:
    """A kind of `Due`, which logs and reports call by its name."""

    __slots__ = ()

    @property
    def name(self) -> str:
        """What is due, as a verb; `nothing` if nothing is."""
        return type(self).__name__.lower().removesuffix("bypolicy")


@dataclass(frozen=True, slots=True)
class Nothing(_Named):
    """Nothing is due; `since` is the time in the mark, if there is one."""

    since: datetime | None = None


@dataclass(frozen=True, slots=True)
class Mark(_Named):
    """Tag it with the time since when it is billed; `unreadable`: the tag's invalid old value."""

    unreadable: str | None = None


@dataclass(frozen=True, slots=True)
class Alert(_Named):
    """Publish that it is still billed; `number`: whole days since the grace period ended."""

    since: datetime
    number: int


@dataclass(frozen=True, slots=True)
class DeallocateByPolicy(_Named):
    """Deallocate it, because `COST_GUARD_ACTION` is `deallocate`."""

    since: datetime


@dataclass(frozen=True, slots=True)
class Clear(_Named):
    """Remove the mark; `since`: when billing began, None if no event is due."""

    since: datetime | None


type Due = Nothing | Mark | Alert | DeallocateByPolicy | Clear


def judge(standing: Standing, settings: Settings, now: datetime) -> Due:
    """Return what is due about a VM's bill."""
    tags = standing.tags
    written = tags.get(Tag.BILLED_SINCE)
    since = _since(written, now)
    marked = any(tag in tags for tag in BILLED_TAGS)
    if standing.power in _OVER:
        return Clear(since) if marked else Nothing()
    if standing.power is not PowerState.STOPPED or not standing.provisioning.settled:
        return Nothing(since)
    if is_exempt(tags, now) or is_exempt(standing.group_tags, now):
        return Clear(None) if marked else Nothing()
    if is_under_way(tags, now, ours=standing.ours):
        return Nothing(since)
    if since is None:
        return Mark(unreadable=written)
    return _of_marked(standing, since, settings, now)


def _of_marked(standing: Standing, since: datetime, settings: Settings, now: datetime) -> Due:
    alerted = read_instant(standing.tags.get(Tag.BILLED_ALERTED))
    billed, after = now - since, settings.guard_deallocate_after
    if billed >= settings.guard_grace and (alerted is None or now - alerted >= DAY):
        return Alert(since, (billed - settings.guard_grace) // DAY)
    by_policy = settings.guard_action is GuardAction.DEALLOCATE and not standing.kept
    if by_policy and after and billed >= after:
        return DeallocateByPolicy(since)
    return Nothing(since)


def is_exempt(tags: Mapping[str, str], now: datetime) -> bool:
    """Whether a tag exempts it from the cost guard, for good or until a day in the future (UTC)."""
    value = tags.get(Tag.COST_GUARD, "").strip().lower()
    if value == _IGNORE:
        return True
    until = _snoozed_until(value)
    return until is not None and now < datetime.combine(until, time.min, UTC)


def unreadable_exemption(tags: Mapping[str, str]) -> str | None:
    """Return the value of the opt-out tag if it is invalid."""
    value = tags.get(Tag.COST_GUARD, "").strip().lower()
    return value if value and value != _IGNORE and _snoozed_until(value) is None else None


def why_kept(vm: ListedVm, locked: frozenset[str] | None, *, groups_readable: bool) -> str | None:
    """Return why a VM must not be deallocated by policy; None if it may be.

    `locked` are the locked scopes, lower case with a slash at the end; None if unreadable.
    """
    if vm.ephemeral:
        return "its OS disk is ephemeral"
    if locked is None:
        return "the app has no permission to read its locks"
    if not groups_readable:
        return "the app has no permission to read its resource group's tags"
    is_locked = any(f"{vm.ref.key}/".startswith(scope) for scope in locked)
    return "it is locked" if is_locked else None


def _since(written: str | None, now: datetime) -> datetime | None:
    """Return the time in a mark; None if unreadable, or further in the future than `SKEW`."""
    since = read_instant(written)
    if since is None or since > now + SKEW:
        return None
    return min(since, now)


def _snoozed_until(value: str) -> date | None:
    try:
        return date.fromisoformat(value.removeprefix(_UNTIL)) if value.startswith(_UNTIL) else None
    except ValueError:
        return None
