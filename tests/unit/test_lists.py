"""The listing of a subscription: two lists become one, side by side; one is enough if it can be."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import msgspec
import pytest

from shared.cloud import wire
from shared.cloud.lists import FIRST, list_subscription
from shared.model.errors import Transient
from shared.model.facts import Listing, PowerState, Provisioning

SUBSCRIPTION = "11111111-2222-3333-4444-555555555555"
PAGE = 20
ORDERED = {"stillframe-capture": "yes"}


def vm_id(name: str) -> str:
    """Return a VM's id, its group in upper case as Azure's lists have it."""
    group = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/RG"
    return f"{group}/providers/Microsoft.Compute/virtualMachines/{name}"


def row(name: str, tags: dict[str, str] | None = None, **properties: Any) -> wire.ListedVm:  # noqa: ANN401 JSON
    """Return a row as Azure sends it."""
    body = {"id": vm_id(name), "properties": properties}
    return msgspec.convert(body | ({"tags": tags} if tags else {}), wire.ListedVm)


def plain(name: str, tags: dict[str, str] | None = None) -> wire.ListedVm:
    """Return a row of the list that has tags."""
    return row(name, tags, hardwareProfile={"vmSize": "Standard_D4s_v5"}, vmId="1")


def view(power: str, *more: str) -> dict[str, Any]:
    """Return an instance view."""
    codes = ("ProvisioningState/succeeded", f"PowerState/{power}", *more)
    return {"statuses": [{"code": code} for code in codes]}


def state(name: str, power: str = "running", *more: str) -> wire.ListedVm:
    """Return a row of the list that has run states."""
    return row(name, instanceView=view(power, *more))


def whole(
    name: str,
    tags: dict[str, str] | None = None,
    power: str = "running",
    **other: Any,  # noqa: ANN401 JSON
) -> wire.ListedVm:
    """Return a row that has both."""
    body = {
        "id": vm_id(name),
        "location": "westeurope",
        "tags": tags,
        "properties": {
            "vmId": "1",
            "hardwareProfile": {"vmSize": "Standard_D4s_v5"},
            "storageProfile": {"osDisk": {"osType": "Linux", "managedDisk": {"id": "/d"}}},
            "instanceView": view(power),
        }
        | other,
    }
    return msgspec.convert(body, wire.ListedVm)


@dataclass
class Lists:
    """Azure's lists; `pages` has how many pages of each were asked for."""

    plain: list[wire.ListedVm]
    states: list[wire.ListedVm]
    fails: str = ""
    pages: dict[str, int] = field(default_factory=dict)

    def vms(self, subscription: str, strange: dict[str, str]) -> Iterator[wire.ListedVm]:
        """Yield the VMs with their tags."""
        strange["plain"] = subscription
        return self._paged("plain", self.plain)

    def vm_states(self, subscription: str, strange: dict[str, str]) -> Iterator[wire.ListedVm]:
        """Yield the run states."""
        strange["states"] = subscription
        return self._paged("states", self.states)

    def groups(self, _: str) -> Iterable[wire.Group]:
        """Return the resource groups: none."""
        return ()

    def disks(self, _: str) -> Iterable[wire.ListedDisk]:
        """Return the disks of a group: none."""
        return ()

    def _paged(self, name: str, rows: list[wire.ListedVm]) -> Iterator[wire.ListedVm]:
        for first in range(0, max(1, len(rows)), PAGE):
            self.pages[name] = self.pages.get(name, 0) + 1
            if name == self.fails:
                msg = "busy"
                raise Transient(msg)
            yield from rows[first : first + PAGE]


def listed(lists: Lists) -> Listing:
    """List the subscription."""
    return list_subscription(lists, SUBSCRIPTION)  # type: ignore[arg-type]


def test_tags_and_run_states_come_together() -> None:
    """By id in any case; a stopped VM is kept without our tags, a running one only with them."""
    lists = Lists(
        [plain("Web", ORDERED), plain("other"), plain("off", {"Owner": "ann", "a": "b"})],
        [state("WEB", "deallocated"), state("other"), state("off", "stopped")],
    )
    found = listed(lists)
    names = {vm.ref.name: vm.power for vm in found.vms.values()}
    assert names == {"Web": PowerState.DEALLOCATED, "off": PowerState.STOPPED}
    sizes = {vm.machine.size for vm in found.vms.values() if vm.machine}
    assert sizes == {"Standard_D4s_v5"}
    assert all(vm.machine for vm in found.vms.values())
    assert [vm.tags for vm in found.vms.values() if vm.ref.name == "off"] == [{"owner": "ann"}]
    assert sum(found.states.values()) == 3
    assert set(found.strange) == {"plain", "states"}


def test_a_running_vm_with_an_order_runs() -> None:
    """Although only a number is kept of VMs that run."""
    (vm,) = listed(Lists([plain("web", ORDERED)], [state("web")])).vms.values()
    assert (vm.power, vm.provisioning) == (PowerState.RUNNING, Provisioning.SUCCEEDED)


def test_a_vm_without_a_run_state_has_an_unknown_one() -> None:
    """Its row was malformed, or it was created between the two lists: the sweep then visits it."""
    (vm,) = listed(Lists([plain("web", ORDERED)], [state("other")])).vms.values()
    assert vm.power is PowerState.UNKNOWN


@pytest.mark.parametrize("count", [FIRST, 5 * FIRST])
def test_one_list_is_enough_if_its_rows_are_whole(count: int) -> None:
    """Then the other one is left after a page or two; what is found is the same."""
    tags = {f"vm-{number}": ORDERED if number % 10 == 0 else {} for number in range(count)}
    powers = {name: "stopped" if name.endswith("7") else "running" for name in tags}
    plains = [plain(name, tags[name] or {"env": "prod"}) for name in tags]
    states = [state(name, powers[name]) for name in tags]
    both = listed(Lists(plains, states))
    wholes = [whole(name, tags[name] or {"env": "prod"}, powers[name]) for name in tags]
    lists = Lists(plains, wholes)
    one = listed(lists)
    assert {key: (vm.tags, vm.power) for key, vm in one.vms.items()} == {
        key: (vm.tags, vm.power) for key, vm in both.vms.items()
    }
    assert one.states == both.states
    assert lists.pages["plain"] <= 1 + count // PAGE


def test_rows_without_tags_prove_nothing() -> None:
    """None of the first VMs may have a tag, or Azure may leave tags out: both lists are read."""
    lists = Lists([plain("web", ORDERED)], [whole("web"), whole("other")])
    assert next(iter(listed(lists).vms.values())).tags == ORDERED


def test_rows_that_lack_something_prove_nothing() -> None:
    """With tags, but without what else is read of a VM: both lists are read."""
    lists = Lists([plain("web", ORDERED)], [row("web", {"a": "b"}, instanceView=view("running"))])
    assert next(iter(listed(lists).vms.values())).tags == ORDERED


@pytest.mark.parametrize("fails", ["plain", "states"])
def test_an_error_of_either_list_is_the_listings(fails: str) -> None:
    """A listing is whole, or there is none."""
    lists = Lists([plain("web", ORDERED)], [state("web")], fails=fails)
    with pytest.raises(Transient, match="busy"):
        listed(lists)


def test_a_state_that_is_new_is_counted_as_unknown() -> None:
    """Azure may add power states."""
    assert listed(Lists([], [state("web", "sleeping")])).states == {PowerState.UNKNOWN: 1}


def test_one_row_that_is_not_whole_has_the_other_list_read() -> None:
    """From its beginning: it was left when the first rows were whole."""
    tags = {f"vm-{number}": ORDERED for number in range(FIRST + 1)}
    plains = [plain(name, tags[name]) for name in tags]
    mixed = [whole(name, tags[name]) for name in list(tags)[:-1]] + [state(f"vm-{FIRST}")]
    found = listed(Lists(plains, mixed))
    assert len(found.vms) == FIRST + 1
    assert all(vm.tags == ORDERED for vm in found.vms.values())


def test_of_two_rows_of_a_vm_the_later_counts() -> None:
    """It was started while the list was read, and came again on a later page."""
    found = listed(Lists([plain("web", ORDERED)], [state("web", "stopped"), state("web")]))
    assert [vm.power for vm in found.vms.values()] == [PowerState.RUNNING]
