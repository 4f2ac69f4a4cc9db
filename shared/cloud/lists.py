"""The listing of a subscription: counts every VM, keeps those that may need an action.

Joins Azure's two lists of VMs by id, one with tags and one with run states, which are read side by
side; reads the resource groups' tags if a VM is stopped. Keeps only VMs with a Stillframe tag,
stopped VMs and generalized VMs (whose tags may be on the OS disk), so memory does not grow with the
number of VMs.

If the list of run states has whole VMs, it is enough: then the other one is left after its first
page. It is not documented whether Azure sends them; each subscription's first rows show it.
"""

import logging
from array import array
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import dataclass, field, replace
from functools import lru_cache
from itertools import chain, islice
from threading import Event
from typing import NamedTuple

from shared.cloud import wire
from shared.cloud.arm import Arm
from shared.cloud.observe import (
    HIBERNATED,
    hibernates,
    is_hybrid,
    is_spot,
    kept_disk,
    lower_names,
    power_state,
)
from shared.costguard.alert import OWNER_TAGS
from shared.model.errors import Refused
from shared.model.facts import ListedVm, Listing, Machine, PowerState, Provisioning
from shared.model.ids import VmRef
from shared.model.memory import remembered
from shared.model.tags import SourceTag

log = logging.getLogger(__name__)

OURS = "stillframe-"
GENERALIZED = "OSState/generalized"
FIRST = 50
"""Rows by which it is judged whether the list of run states has whole VMs."""

_PROVISIONING = "provisioningstate/"


class _State(NamedTuple):
    """The run state of a VM."""

    power: PowerState
    provisioning: Provisioning
    generalized: bool
    hibernated: bool


class _Numbers[T]:
    """For each of many ids a value of which there are few different ones: 12 bytes each.

    Ids are known by their hashes; a dict of them would take ten times as much memory.
    """

    def __init__(self) -> None:
        self._hashes, self._which = array("q"), array("I")
        self._values: dict[T, int] = {}

    def add(self, resource_id: str, value: T) -> None:
        """Note the value of an id."""
        self._hashes.append(hash(resource_id.lower()))
        self._which.append(self._values.setdefault(value, len(self._values)))

    def of(self, keys: Iterable[str]) -> dict[str, T]:
        """Return the values of these ids, which are in lower case, as far as they were noted."""
        wanted = {hash(key): key for key in keys}
        values = list(self._values)
        return {
            wanted[number]: values[which]
            for number, which in zip(self._hashes, self._which, strict=True)
            if number in wanted
        }


@dataclass(slots=True)
class _States:
    """The run states of a subscription's VMs; `others` are those that may need an action.

    They have their ids, by these in lower case. Most VMs run or are deallocated.
    """

    others: dict[str, tuple[str, _State]] = field(default_factory=dict)
    usual: _Numbers[_State] = field(default_factory=_Numbers)

    def see(self, vm_id: str, state: _State) -> None:
        """Keep a VM's state."""
        if state.power is PowerState.STOPPED or state.generalized:
            self.others[vm_id.lower()] = vm_id, state
        else:
            self.others.pop(vm_id.lower(), None)  # a VM may be on two pages: the later one counts
            self.usual.add(vm_id, state)


def list_subscription(arm: Arm, subscription: str) -> Listing:
    """Return the listing of a subscription."""
    listing, enough = Listing(), Event()
    strange: dict[str, str] = {}
    beside = ThreadPoolExecutor(1)
    try:
        reading = beside.submit(copy_context().run, _plain, arm.vms(subscription, strange), enough)
        states, rows = _states(arm, subscription, listing, enough)
        if rows is None and enough.is_set():  # not all rows were whole: the other list was left
            rows = _plain(arm.vms(subscription, strange), Event())
        elif rows is None:
            rows = reading.result()
    finally:
        enough.set()
        beside.shutdown(wait=False)
    listing.vms = rows.tagged
    listing.strange |= strange
    _join(listing, states, rows)
    _remember(arm, listing)
    if any(vm.power is PowerState.STOPPED for vm in listing.vms.values()):
        listing.groups = _group_tags(arm, subscription)
    return listing


class _Other(NamedTuple):
    """What is kept of a VM without our tags: the report has its price and owner if it stops."""

    machine: Machine | None
    owner: tuple[tuple[str, str], ...]


@dataclass(slots=True)
class _Rows:
    """What is kept of rows with tags: VMs with ours by `VmRef.key`, and a little of the others."""

    tagged: dict[str, ListedVm] = field(default_factory=dict)
    others: _Numbers[_Other] = field(default_factory=_Numbers)

    def see(self, row: wire.ListedVm) -> None:
        """Keep a row."""
        ours, owner = _sorted(row.tags)
        if ours and (ref := VmRef.find(row.id)):
            self.tagged[ref.key] = _listed(ref, row)
        else:
            self.others.add(row.id, _Other(_machine(row), owner))


def _plain(rows: Iterable[wire.ListedVm], enough: Event) -> _Rows:
    """Return what is kept of the list with tags; some of it after `enough`."""
    found = _Rows()
    for row in rows:
        found.see(row)
        if enough.is_set():
            break
    return found


def _states(
    arm: Arm, subscription: str, listing: Listing, enough: Event
) -> tuple[_States, _Rows | None]:
    """Count the run states, and return them; if all rows are whole VMs, also what is kept of these.

    Sets `enough` as soon as the first rows are.
    """
    states = _States()
    rows: Iterator[wire.ListedVm] = arm.vm_states(subscription, listing.strange)
    first = list(islice(rows, FIRST))
    whole = _Rows() if _are_whole(first) else None
    if whole is not None:
        enough.set()
    for row in chain(first, rows):
        state = _state_of(row)
        listing.states[state.power] += 1
        states.see(row.id, state)
        if whole is not None and _is_whole(row):
            whole.see(row)
        else:
            whole = None
    return states, whole


def _are_whole(rows: Iterable[wire.ListedVm]) -> bool:
    """Whether rows are VMs with all that each has; tags are only sent if a VM has some."""
    rows = list(rows)
    return any(row.tags for row in rows) and all(map(_is_whole, rows))


def _is_whole(row: wire.ListedVm) -> bool:
    properties, disk = row.properties, row.properties.storage_profile.os_disk
    needed = (row.location, properties.vm_id, properties.hardware_profile.vm_size, disk.os_type)
    return all(needed) and bool(disk.managed_disk and disk.managed_disk.id)


def _join(listing: Listing, states: _States, rows: _Rows) -> None:
    """Give each VM its run state; add those that are stopped or generalized without our tags.

    A VM whose row was missing or malformed in the list of run states has an unknown one.
    """
    usual = states.usual.of(listing.vms)
    for key, vm in listing.vms.items():
        _, state = states.others.get(key, ("", usual.get(key)))
        if state:
            listing.vms[key] = replace(vm, **state._asdict())
    known = rows.others.of(states.others)
    for key, (vm_id, state) in states.others.items():
        if key not in listing.vms and (ref := VmRef.find(vm_id)):
            other = known.get(key) or _Other(None, ())
            seen = ListedVm(ref, dict(other.owner), machine=other.machine)
            listing.vms[key] = replace(seen, **state._asdict())


def _remember(arm: Arm, listing: Listing) -> None:
    """Give generalized VMs the tags of their OS disks, and note their disks.

    Lists the disks of each resource group with such VMs, so that finished orders cost no look.
    """
    frozen = [vm for vm in listing.vms.values() if vm.generalized]
    groups = sorted({_group_of_disk(vm) for vm in frozen})
    disks = [disk for group in groups for disk in _disks(arm, group)]
    of_os = {key: disk for disk in disks if disk.properties.os_type for key in _keys(disk)}
    for vm in frozen:
        disk = of_os.get((vm.os_disk or vm.ref.id).lower())
        disk_tags = lower_names(disk.tags) if disk else {}
        # A VM without a Stillframe tag is known only from the run states, which have no vmId.
        vm_id = vm.vm_id or disk_tags.get(SourceTag.VM_ID, "")
        tags = remembered(vm.tags, disk_tags, vm_id)
        listing.vms[vm.ref.key] = replace(vm, tags=tags)
        listing.disks[vm.ref.key] = [
            kept_disk(each) for each in disks if (each.managed_by or "").lower() == vm.ref.key
        ]


def _keys(disk: wire.ListedDisk) -> tuple[str, str]:
    """Return the ids by which an OS disk is found: its own and its VM's."""
    return disk.id.lower(), (disk.managed_by or "").lower()


def _group_of_disk(vm: ListedVm) -> str:
    """Return the resource group id of a VM's OS disk; the VM's own if the disk is unknown."""
    return (vm.os_disk or vm.ref.id).lower().partition("/providers/")[0]


def _disks(arm: Arm, group: str) -> list[wire.ListedDisk]:
    """Return a group's disks; if listing is refused, what was read until then, usually nothing."""
    found: list[wire.ListedDisk] = []
    try:
        found.extend(arm.disks(group))
    except Refused as refused:
        log.warning("tags on OS disks in %s are ignored: %s", group, refused)
    return found


def _group_tags(arm: Arm, subscription: str) -> dict[str, Mapping[str, str]] | None:
    """Return the tags of groups with a Stillframe tag; None if groups may not be listed."""
    try:
        groups = list(arm.groups(subscription))
    except Refused as refused:
        log.warning("opt-outs on resource groups of %s are ignored: %s", subscription, refused)
        return None
    return {group.id.lower(): lower_names(group.tags) for group in groups if _has_ours(group.tags)}


def _state_of(row: wire.ListedVm) -> _State:
    view = row.properties.instance_view
    return _state(tuple(status.code for status in view.statuses) if view else ())


@lru_cache(maxsize=1024)
def _state(codes: tuple[str, ...]) -> _State:
    """Return the run state in an instance view's codes, of which there are few different ones."""
    return _State(
        power_state(codes), _provisioning(codes), GENERALIZED in codes, HIBERNATED in codes
    )


def _listed(ref: VmRef, row: wire.ListedVm) -> ListedVm:
    properties = row.properties
    disk = properties.storage_profile.os_disk
    ephemeral = bool(disk.diff_disk_settings and disk.diff_disk_settings.option)
    managed = disk.managed_disk or wire.ManagedDisk()
    return ListedVm(
        ref,
        lower_names(row.tags),
        machine=_machine(row),
        ephemeral=ephemeral,
        vm_id=properties.vm_id,
        os_disk=managed.id,
        hibernates=hibernates(properties.additional_capabilities),
    )


def _machine(row: wire.ListedVm) -> Machine:
    """Return what the price of a VM depends on."""
    properties = row.properties
    return _machine_of(
        properties.hardware_profile.vm_size,
        row.location,
        properties.storage_profile.os_disk.os_type or "",
        properties.license_type,
        properties.priority,
    )


@lru_cache(maxsize=4096)
def _machine_of(
    size: str, region: str, os_type: str, license_type: str | None, priority: str | None
) -> Machine:
    """Return one object for all VMs that are priced alike: a subscription has few kinds."""
    return Machine(
        size=size,
        region=region,
        os_type=os_type,
        hybrid=is_hybrid(license_type),
        spot=is_spot(priority),
    )


def _provisioning(codes: Iterable[str]) -> Provisioning:
    """Return the state in a code, which may be followed by a reason: `failed/AllocationFailed`."""
    found = (code for code in codes if code.lower().startswith(_PROVISIONING))
    return Provisioning(next(found, "")[len(_PROVISIONING) :].partition("/")[0])


def _sorted(tags: Mapping[str, str] | None) -> tuple[bool, tuple[tuple[str, str], ...]]:
    """Return whether there are Stillframe's tags, and those that name an owner."""
    if not tags:
        return False, ()
    lower = {name.lower(): value for name, value in tags.items()}
    owner = tuple((name, lower[name]) for name in OWNER_TAGS if name in lower)
    return any(name.startswith(OURS) for name in lower), owner


def _has_ours(tags: Mapping[str, str] | None) -> bool:
    return bool(tags) and any(name.lower().startswith(OURS) for name in tags or ())
