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
| its owner wants it off, stopped that long, not kept   | deallocate                       |
| noted as being deallocated, and that is not due       | remove the note                  |
| stopped, without a readable mark                      | mark it with the time it stopped |
| its owner wants it off, not kept                      | nothing                          |
| marked longer than the grace period, an alert is due  | alert                            |
| marked longer than the policy allows, not kept        | deallocate                       |
| marked                                                | nothing                          |

`PowerState/stopped` is the only state that is billed although the VM does not run. The owner's word
is that of the VM's tag, else that of its group's tag; the policy applies where neither has a word.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from shared.capture.durations import is_under_way
from shared.costguard.words import Exempt, Invalid, Off, Word, read_word
from shared.model.facts import ListedVm, PowerState, Provisioning
from shared.model.ids import VmRef
from shared.model.instants import read_instant
from shared.model.settings import GuardAction, Name, Settings, Tell
from shared.model.tags import GUARD_TAGS, Tag

DAY = timedelta(days=1)
SKEW = timedelta(minutes=5)
"""Clock skew that is tolerated: a mark further in the future counts as unreadable."""

_EVERY = {Tell.DAILY: DAY, Tell.WEEKLY: timedelta.max, Tell.ONCE: timedelta.max}
_OVER = {PowerState.RUNNING, PowerState.DEALLOCATED}


@dataclass(frozen=True, slots=True)
class Standing:
    """What the rules need to know of a VM; names of `tags` and `group_tags` are lower case.

    `group_tags` is None if they may not be read. `kept` is why it must not be deallocated: an
    ephemeral disk, a lock. `ours` is whether its order, if it has one, belongs to this app.
    `stopped` is when it stopped, as far as Resource Graph was read.
    """

    tags: Mapping[str, str]
    group_tags: Mapping[str, str] | None
    power: PowerState
    provisioning: Provisioning
    kept: str | None = None
    ours: bool = True
    stopped: datetime | None = None


class Whose(StrEnum):
    """Whose word it is that a VM is deallocated: its own tag's, its group's, or the policy's."""

    VM = "vm"
    GROUP = "group"
    POLICY = "policy"


@dataclass(frozen=True, slots=True)
class Wish:
    """The word that applies to a VM, and whose it is."""

    word: Word
    whose: Whose

    @property
    def after(self) -> timedelta | None:
        """After how long a stopped VM is to be deallocated; None if it is not."""
        return self.word.after if isinstance(self.word, Off) else None

    @property
    def text(self) -> str:
        """Who wants what, as the tag `stillframe-deallocated-by` has it."""
        return f"{self.whose} {self.word.text}" if isinstance(self.word, Off) else self.whose


class _Named:
    """A kind of `Due`, which logs and reports call by its name."""

    __slots__ = ()

    @property
    def name(self) -> str:
        """What is due, as a verb; `nothing` if nothing is."""
        return type(self).__name__.lower()


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
    """Publish that it is still billed; `number`: whole days since the grace period ended.

    `kept` is why it is not deallocated, although somebody wants that.
    """

    since: datetime
    number: int
    kept: str | None = None


@dataclass(frozen=True, slots=True)
class Deallocate(_Named):
    """Deallocate it, because of `wish`; `since` is None without a mark.

    `alert` is what is due if Azure refuses.
    """

    since: datetime | None
    wish: Wish
    alert: Alert | None = None


@dataclass(frozen=True, slots=True)
class Retract(_Named):
    """Remove the note that it is being deallocated: nobody wants that any more, or it is kept."""


@dataclass(frozen=True, slots=True)
class Clear(_Named):
    """Remove the mark; `since`: when billing began, None if no event is due."""

    since: datetime | None


type Due = Nothing | Mark | Alert | Deallocate | Retract | Clear


def judge(standing: Standing, settings: Settings, now: datetime) -> Due:
    """Return what is due about a VM's bill."""
    tags = standing.tags
    since = _since(tags.get(Tag.BILLED_SINCE), now)
    marked = any(tag in tags for tag in GUARD_TAGS)
    if standing.power in _OVER:
        return Clear(since) if marked else Nothing()
    if standing.power is not PowerState.STOPPED or not standing.provisioning.settled:
        return Nothing(since)
    wish = wish_of(standing, settings, now)
    if wish and isinstance(wish.word, Exempt):
        return Clear(None) if marked else Nothing()
    noted = Tag.DEALLOCATED_BY in tags
    if is_under_way(tags, now, ours=standing.ours):
        return Retract() if noted else Nothing(since)
    kept = _kept(standing, wish, settings)
    due = _Stopped(standing, since, _off(wish, kept), kept, settings, now).due()
    return Retract() if noted and not isinstance(due, Deallocate) else due


@dataclass(frozen=True, slots=True)
class _Stopped:
    """A stopped VM that the cost guard does not leave alone; `off` is whose word turns it off."""

    standing: Standing
    since: datetime | None
    off: Wish | None
    kept: str | None
    settings: Settings
    now: datetime

    def due(self) -> Due:
        """Return what is due: first by the owner's word, then by mark, grace period and policy."""
        since, off = self.since, self.off
        by_owner = off is not None and off.whose is not Whose.POLICY
        if off and by_owner and self._is_time(off):
            return Deallocate(since, off, self._alert())
        if since is None:
            return Mark(unreadable=self.standing.tags.get(Tag.BILLED_SINCE))
        if by_owner:
            return Nothing(since)
        if alert := self._alert():
            return alert
        return Deallocate(since, off) if off and self._is_time(off) else Nothing(since)

    def _is_time(self, off: Wish) -> bool:
        if self.since is None or off.after is None:
            return off.after == timedelta(0)
        return self.now - self.since >= off.after

    def _alert(self) -> Alert | None:
        """Return the alert, if the grace period has passed and the last alert is old enough."""
        if self.since is None:
            return None
        billed, grace = self.now - self.since, self.settings.guard_grace
        alerted = read_instant(self.standing.tags.get(Tag.BILLED_ALERTED))
        every = _EVERY[self.settings.guard_tell]
        if billed < grace or (alerted is not None and self.now - alerted < every):
            return None
        return Alert(self.since, (billed - grace) // every, self.kept)


def wish_of(standing: Standing, settings: Settings, now: datetime) -> Wish | None:
    """Return the word that applies: the VM's, else its group's, else the policy's.

    An invalid word on the VM is overruled by a group that is exempt, and by nothing else.
    """
    own, groups = read_word(standing.tags, now), read_word(standing.group_tags or {}, now)
    if own is not None and not (isinstance(own, Invalid) and isinstance(groups, Exempt)):
        return Wish(own, Whose.VM)
    if groups is not None:
        return Wish(groups, Whose.GROUP)
    after = settings.guard_deallocate_after
    if settings.guard_action is GuardAction.DEALLOCATE and after is not None:
        return Wish(Off(after, Name.COST_GUARD_ACTION), Whose.POLICY)
    return None


def may_be_off(standing: Standing, settings: Settings, now: datetime) -> bool:
    """Whether a VM that is stopped is, or will be, deallocated by a word or by the policy."""
    wish = wish_of(standing, settings, now)
    return _off(wish, _kept(standing, wish, settings)) is not None


def _off(wish: Wish | None, kept: str | None) -> Wish | None:
    """Return the word that deallocates a VM; None if none does, or it is kept."""
    return wish if wish and wish.after is not None and not kept else None


def _kept(standing: Standing, wish: Wish | None, settings: Settings) -> str | None:
    """Return why a VM is not deallocated although there is a word; None if it may be."""
    if wish is None:
        return None
    if isinstance(wish.word, Invalid):
        return f"the tag {Tag.COST_GUARD} of the {wish.whose} is invalid: {wish.word.text}"
    if Tag.CAPTURE in standing.tags:
        return f"it has an order (the tag {Tag.CAPTURE})"
    if wish.whose is not Whose.VM and standing.group_tags is None:
        return "the app has no permission to read its resource group's tags"
    if wish.whose is not Whose.POLICY and not settings.off_means_off:
        return f"{Name.COST_GUARD_OFF_MEANS_OFF} is not true"
    return standing.kept


def invalid_word(tags: Mapping[str, str], now: datetime) -> str | None:
    """Return the value of the tag `stillframe-cost-guard` if it is invalid."""
    word = read_word(tags, now)
    return word.text if isinstance(word, Invalid) else None


def why_kept(vm: ListedVm, locked: frozenset[str] | None) -> str | None:
    """Return why a VM must not be deallocated; None if it may be.

    `locked` are the locked scopes, lower case with a slash at the end; None if unreadable.
    """
    if vm.ephemeral:
        return "its OS disk is ephemeral"
    if vm.hibernated:
        return "it is hibernated"
    if vm.hibernates:
        return "hibernation is enabled on it, and its guest may have hibernated"
    if locked is None:
        return "the app has no permission to read its locks"
    return "it is locked" if is_locked(vm.ref, locked) else None


def is_locked(ref: VmRef, locked: frozenset[str]) -> bool:
    """Whether a lock on the VM, its group or its subscription holds for it."""
    return any(f"{ref.key}/".startswith(scope) for scope in locked)


def _since(written: str | None, now: datetime) -> datetime | None:
    """Return the time in a mark; None if unreadable, or further in the future than `SKEW`."""
    since = read_instant(written)
    if since is None or since > now + SKEW:
        return None
    return min(since, now)
