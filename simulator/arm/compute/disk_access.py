"""Access to read a disk from outside: granted, ended, expired.

Takes calls of beginGetAccess and endGetAccess, gives Azure's answers: an operation whose output is
a URL with a signature. The disk state is `ActiveSAS` from the moment the request is accepted, so
that nothing can intervene, until all access has ended. `simulator/blob` serves the contents.
"""

import base64
import secrets
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from urllib.parse import quote
from uuid import uuid4

from azure.mgmt.compute import models

from simulator.arm.compute import access_errors, disk_errors
from simulator.arm.compute.disks import DISK
from simulator.arm.compute.records import Access, Closed, Disk
from simulator.arm.core import errors
from simulator.arm.core.answer import Answer
from simulator.arm.core.call import Call, member, need
from simulator.arm.core.operations import Family, Operation
from simulator.arm.core.routing import Route
from simulator.arm.core.world import World

STORAGE_VERSION = "2018-03-28"
_SIGNATURE_BYTES = 32


def begin_access(call: Call) -> Answer:
    """Grant access to read a disk."""
    world, disk = call.world, _disk(call)
    seconds = _asked(call, disk)
    _check(disk, share=world.settings.access_again == "share")
    access = _opened(world, disk, seconds)
    url = f"{call.base}{access.id}?{_signed(access)}"

    def finish() -> None:
        disk.operation = None
        operation.output = {"accessSAS": url}
        _move(world, disk, "opening")

    def fail() -> None:
        disk.operation = None
        _close(access, Closed.REVOKED)

    operation = _start(call, disk, finish, fail)
    return call.accepted(operation, 202)


def end_access(call: Call) -> Answer:
    """End all access to a disk; succeeds if there is none, too."""
    world, disk = call.world, _disk(call)
    if disk.operation:
        raise errors.concurrent_operation()

    def finish() -> None:
        disk.operation = None
        if disk.access_open:
            _move(world, disk, "closing")
        for access in list(disk.accesses):
            _close(access, Closed.REVOKED)

    def fail() -> None:
        disk.operation = None

    return call.accepted(_start(call, disk, finish, fail), 202)


def _disk(call: Call) -> Disk:
    return call.world.get(Disk, call.resource_id(Disk.kind, "disk"))


def _asked(call: Call, disk: Disk) -> int:
    """Return the requested seconds of access; refuse what is invalid or not simulated."""
    access = need(call.body, "access")
    if access.lower() == "write":
        what = "writing to a disk from outside"
        raise errors.not_simulated(what)
    if access.lower() != "read":
        raise access_errors.bad_access(access)
    if (member(call.body, "fileFormat") or "VHD").upper() != "VHD":
        what = "access to a disk in another format than VHD"
        raise errors.not_simulated(what)
    if member(call.body, "getSecureVMGuestStateSAS"):
        if not disk.properties.get("securityProfile"):
            raise access_errors.no_guest_state()
        what = "access to a guest's state"
        raise errors.not_simulated(what)
    seconds: int = need(call.body, "durationInSeconds")
    if not 1 <= seconds <= access_errors.LONGEST_SECONDS:
        raise access_errors.bad_duration(seconds)
    return seconds


def _check(disk: Disk, *, share: bool) -> None:
    """Refuse a disk that is busy, in use, closed to the network, confidential or already open."""
    if disk.operation:
        raise errors.concurrent_operation()
    if disk.awaits_upload:
        raise disk_errors.nothing_uploaded(disk.name)
    if disk.owner and disk.owner.allocated:
        raise access_errors.attached_to_running(disk.name, disk.owner.id)
    for name, allowed in (("networkAccessPolicy", "AllowAll"), ("publicNetworkAccess", "Enabled")):
        value = str(disk.properties.get(name) or allowed)
        if value.lower() != allowed.lower():
            raise access_errors.forbidden_by_network(disk.name, name, value)
    security = str(member(disk.properties, "securityProfile", "securityType") or "")
    if security.lower().startswith("confidentialvm"):
        raise access_errors.confidential(disk.name, security)
    if disk.access_open and not share:
        raise access_errors.already_open(disk.name)


def _opened(world: World, disk: Disk, seconds: int) -> Access:
    """Record access to a disk, until it expires."""
    now = world.clock.now()
    access = world.add(
        Access(
            id=f"/md-{_label()}/{_label()}/abcd",
            disk=disk,
            policy=str(uuid4()),
            signature=base64.b64encode(secrets.token_bytes(_SIGNATURE_BYTES)).decode(),
            begins=now,
            ends=now + timedelta(seconds=seconds),
        )
    )
    disk.accesses.append(access)
    world.clock.after(seconds, partial(_expire, world, access))
    return access


async def _expire(world: World, access: Access) -> None:
    if access.closed is None:
        _move(world, access.disk, "closing")
        _close(access, Closed.EXPIRED)


def _close(access: Access, how: Closed) -> None:
    access.closed = how
    access.disk.accesses.remove(access)


def _move(world: World, disk: Disk, when: str) -> None:
    """Let access change the disk's ownership time, if the settings say so."""
    if world.settings.access_moves_ownership in (when, "both"):
        disk.moved = world.clock.now()


def _signed(access: Access) -> str:
    """Return the query of a shared access signature under a stored access policy."""
    signature = quote(access.signature, safe="")
    return f"sv={STORAGE_VERSION}&sr=b&si={access.policy}&sig={signature}"


def _label() -> str:
    """Return a random label of lower-case letters and digits, as in the names of blobs."""
    return secrets.token_hex(6)


def _start(
    call: Call, disk: Disk, finish: Callable[[], None], fail: Callable[[], None]
) -> Operation:
    disk.operation = call.world.operations.start(
        "access",
        disk.location,
        call.world.seconds("access"),
        finish,
        fail=fail,
        family=Family.DISK,
        doomed=call.doomed,
    )
    return disk.operation


ROUTES = (
    Route("POST", f"{DISK}/beginGetAccess", begin_access, takes=models.GrantAccessData),
    Route("POST", f"{DISK}/endGetAccess", end_access),
)
