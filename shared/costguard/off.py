"""Off means off: what the cost guard does at an event, without waiting for the next sweep.

Takes a VM that an event is about; gives an `Enforced`. Two things are done at once: a VM that its
owner wants off is deallocated, and the end of a bill is published. All else is the sweep's, so that
a VM which is stopped for a minute costs no writes. Facts beside the VM are read only if they
matter: its group's tags if it has no word of its own, the locks if it is to be deallocated.
"""

from dataclasses import replace
from datetime import datetime, timedelta

from shared.costguard.enforce import NOTHING, Enforced, enforce, locked_scopes
from shared.costguard.rules import Clear, Deallocate, Standing, judge, why_kept, wish_of
from shared.costguard.words import read_word
from shared.model.cloud import Cloud
from shared.model.facts import ObservedVm, PowerState
from shared.model.tags import Tag

_AT_REST = (PowerState.STOPPED, PowerState.DEALLOCATING, PowerState.DEALLOCATED)


def at_event(cloud: Cloud, vm: ObservedVm, now: datetime, *, stops: bool) -> Enforced:
    """Do what cannot wait; `stops`: whether the platform has just announced that the VM stops."""
    stops = stops and vm.power not in _AT_REST
    matters = cloud.settings.off_means_off and (stops or vm.power is PowerState.STOPPED)
    if not matters and vm.power is PowerState.STOPPED:
        return Enforced(vm, NOTHING)
    groups = _group_tags(cloud, vm, now) if matters else {}
    standing = Standing(vm.tags, groups, vm.power, vm.provisioning)
    if matters and stops and _off_at_once(standing, cloud, now):
        return Enforced(vm, NOTHING, again=f"{vm.ref.id} should have stopped and is {vm.power}")
    if isinstance(judge(standing, cloud.settings, now), Deallocate):
        kept = why_kept(vm.listed, locked_scopes(cloud, vm.ref.subscription))
        standing = replace(standing, kept=kept)
    if not isinstance(judge(standing, cloud.settings, now), Clear | Deallocate):
        return Enforced(vm, NOTHING)
    return enforce(cloud, vm, standing, now)


def _group_tags(cloud: Cloud, vm: ObservedVm, now: datetime) -> dict[str, str] | None:
    """Return the tags of the VM's group, unless they do not matter; None if unreadable."""
    if read_word(vm.tags, now) or Tag.CAPTURE in vm.tags:
        return {}
    tags = cloud.group_tags(vm.ref)
    return None if tags is None else dict(tags)


def _off_at_once(standing: Standing, cloud: Cloud, now: datetime) -> bool:
    """Whether a word deallocates the VM as soon as it is stopped."""
    wish = wish_of(standing, cloud.settings, now)
    return wish is not None and wish.after == timedelta(0) and Tag.CAPTURE not in standing.tags
