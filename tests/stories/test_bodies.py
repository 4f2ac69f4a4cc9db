"""Responses of Azure with one member null or missing: no look and no sweep may fail on it.

The requests and members are those recorded in a run without faults. Clients of Azure have failed
on each of: tags, statuses, a list's own `value`.
"""

from collections.abc import Iterator
from typing import Any

import pytest

from shared.model.errors import Refused, Transient
from tests.stories.world import Json, Spine, Vm

DEEPEST = 6


def members(body: Any, at: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:  # noqa: ANN401 JSON
    """Yield the path of every member of a body; in a list, only of its first row."""
    if len(at) > DEEPEST:
        return
    if isinstance(body, dict):
        for name, value in body.items():
            if "." not in name:
                yield (*at, name)
                yield from members(value, (*at, name))
    elif isinstance(body, list) and body:
        yield (*at, "0")
        yield from members(body[0], (*at, "0"))


def spoilings(spine: Spine, asked: list[Json]) -> list[tuple[str, str, str]]:
    """Return each way in which a response to these requests can lack a member."""
    found = {}
    for one in asked:
        query = f"?{one['query']}" if one["query"] else ""
        if one["method"] == "GET" and "/operations/" not in one["path"].lower():
            found[one["path"]] = spine.owner("GET", one["path"] + query)
    return [
        (path, ".".join(member), how)
        for path, body in found.items()
        for member in members(body)
        for how in ("null", "missing")
    ]


def ordered(spine: Spine) -> tuple[Vm, Vm]:
    """Return a VM that waits for its capture and a VM that is stopped but billed."""
    spine.definition()
    waiting, idle = spine.vm("waiting"), spine.vm("idle", power="stopped", stopped_since=7200)
    waiting.order("golden/windows")
    return waiting, idle


def spoil(spine: Spine, path: str, member: str, how: str) -> None:
    """Make one member of the responses at a path null or missing, until changed."""
    spine.client.clear_faults()
    where = f"^{path}$"
    spine.fault("GET", where, count=None, spoil={"member": member, "as": how})


def test_no_sweep_breaks_on_a_member_that_is_not_there(spine: Spine) -> None:
    """Whatever is missing in a list or row, a sweep completes and changes no power state."""
    waiting, idle = ordered(spine)
    spine.forget_requests()
    spine.sweep()
    spine.let(300)
    for path, member, how in spoilings(spine, spine.requests):
        spoil(spine, path, member, how)
        spine.sweep()
        assert (waiting.state, idle.state) == (("running", False), ("stopped", False)), member
    spine.client.clear_faults()


@pytest.mark.parametrize("order", ["managed-image", "golden/windows"])
def test_no_look_breaks_on_a_member_that_is_not_there(spine: Spine, order: str) -> None:
    """A look reports what is missing, or is retried; nothing is captured without proof."""
    spine.definition()
    vm = spine.vm(power="stopped", sysprep="never")
    vm.order(order)
    spine.forget_requests()
    spine.carry(vm, looks=2)
    asked = spine.requests
    for path, member, how in spoilings(spine, asked):
        spoil(spine, path, member, how)
        try:
            spine.look(vm)
        except (Refused, Transient):
            continue
        finally:
            assert not vm.facts["generalized"], (path, member)
            assert vm.images == [], (path, member)
    spine.client.clear_faults()
