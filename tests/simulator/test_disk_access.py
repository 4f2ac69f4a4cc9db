"""Disks opened for reading and closed: what ARM allows, and what it forbids meanwhile."""

from collections.abc import Callable
from typing import Any

import pytest
import requests

from simulator.simulator import Simulator
from tests.simulator.conftest import Arms, Computes, Reads
from tests.simulator.disk_opening import granted, os_disk, revoked

BODY = {"access": "Read", "durationInSeconds": 300}
GIB = 1024**3


@pytest.fixture
def vm(at_once: Simulator) -> str:
    """Give a deallocated VM."""
    return at_once.client.create_vm("web", power="deallocated", security_type="Standard")


@pytest.fixture
def disk(at_once: Simulator, vm: str) -> str:
    """Give its OS disk."""
    return os_disk(at_once, vm)


def refusal(answer: requests.Response) -> tuple[int, str]:
    """Return status and code."""
    return answer.status_code, answer.json()["error"]["code"]


def shown(arm: Arms, disk: str) -> dict[str, Any]:
    """Return a disk's properties."""
    return dict(arm("reader")("GET", disk).json()["properties"])


def begin(arm: Arms, disk: str) -> requests.Response:
    """Request access from ARM."""
    return arm("app")("POST", f"{disk}/beginGetAccess", BODY)


def test_a_deallocated_vms_disk_is_opened_read_and_closed(
    disk: str, compute: Computes, read: Reads
) -> None:
    """With a stopped clock: the SDK's result is a URL, which ends when access is revoked."""
    client = compute("app")
    url = granted(client, disk)
    answer = read(url, "bytes=0-511")
    assert (answer.status_code, len(answer.content)) == (206, 512)
    assert answer.headers["Content-Range"] == f"bytes 0-511/{127 * GIB + 512}"
    revoked(client, disk)
    assert read(url, "bytes=0-511").status_code == 403


def test_an_opened_disk_says_so(disk: str, compute: Computes, arm: Arms) -> None:
    """It is ActiveSAS while access is granted, Reserved before and after."""
    assert shown(arm, disk)["diskState"] == "Reserved"
    granted(compute("app"), disk)
    assert shown(arm, disk)["diskState"] == "ActiveSAS"
    revoked(compute("app"), disk)
    assert shown(arm, disk)["diskState"] == "Reserved"


def test_the_answer_on_the_wire(sim: Simulator, disk: str, arm: Arms) -> None:
    """202 without a body; the URL is in the poll's output and behind Location."""
    answer = begin(arm, disk)
    assert (answer.status_code, answer.content) == (202, b"")
    polls = [
        arm("app")("GET", answer.headers[name].removeprefix(sim.arm_endpoint)).json()
        for name in ("Azure-AsyncOperation", "Location")
    ]
    assert "/DiskOperations/" in answer.headers["Location"]
    assert polls[0]["status"] == "Succeeded"
    assert polls[0]["properties"]["output"] == polls[1]
    url = polls[1]["accessSAS"]
    assert url.startswith(f"{sim.arm_endpoint}/md-")
    assert {part.split("=")[0] for part in url.split("?")[1].split("&")} == {
        "sv",
        "sr",
        "si",
        "sig",
    }


def test_opening_takes_its_time(sim: Simulator, disk: str, arm: Arms) -> None:
    """Then nothing can come between, and the result comes when the clock is advanced."""
    sim.client.settings(durations={"access": 7})
    poll = begin(arm, disk).headers["Azure-AsyncOperation"].removeprefix(sim.arm_endpoint)
    assert arm("app")("GET", poll).json()["status"] == "InProgress"
    assert refusal(begin(arm, disk)) == (409, "Conflict")
    assert shown(arm, disk)["diskState"] == "ActiveSAS"
    sim.client.advance(7)
    assert "accessSAS" in arm("app")("GET", poll).json()["properties"]["output"]


@pytest.mark.parametrize("power", ["running", "stopped"])
def test_a_disk_that_a_vm_holds_is_not_opened(at_once: Simulator, arm: Arms, power: str) -> None:
    """Only a deallocated VM's disk is opened: a stopped VM still holds its disk."""
    vm = at_once.client.create_vm("busy", power=power)
    answer = begin(arm, os_disk(at_once, vm))
    assert refusal(answer) == (409, "Conflict")
    assert answer.json()["error"]["message"] == (
        f"Access not permitted because disk {os_disk(at_once, vm).rsplit('/', 1)[1]} is currently "
        f"attached to running VM {vm}."
    )


def test_neither_is_that_of_a_vm_on_its_way(at_once: Simulator, arm: Arms) -> None:
    """A VM that is deallocating is not yet deallocated, a VM that is starting no longer is."""
    vm = at_once.client.create_vm("busy")
    disk = os_disk(at_once, vm)
    for act in ("deallocate", "start"):
        arm("owner")("POST", f"{vm}/{act}")
        assert refusal(begin(arm, disk)) == (409, "Conflict")
        at_once.client.advance(30)


def test_a_disk_of_no_vm_is_opened(at_once: Simulator, arm: Arms, compute: Computes) -> None:
    """An unattached disk is opened, and is unattached again after it was closed."""
    disk = os_disk(at_once, at_once.client.create_vm("any")).rsplit("/", 1)[0] + "/free"
    properties = {"creationData": {"createOption": "Empty"}, "diskSizeGB": 4}
    arm("owner")("PUT", disk, {"location": "westeurope", "properties": properties})
    at_once.client.advance(1)
    granted(compute("app"), disk)
    assert shown(arm, disk)["diskState"] == "ActiveSAS"
    revoked(compute("app"), disk)
    assert shown(arm, disk)["diskState"] == "Unattached"


def test_an_open_disk_is_not_opened_again(disk: str, compute: Computes, arm: Arms) -> None:
    """409 by default."""
    granted(compute("owner"), disk)
    assert refusal(begin(arm, disk)) == (409, "Conflict")


def test_an_open_disk_may_be_shared(
    at_once: Simulator, disk: str, compute: Computes, read: Reads
) -> None:
    """If configured; and whoever closes it closes it for everybody."""
    at_once.client.settings(access_again="share")
    urls = [granted(compute(who), disk) for who in ("owner", "app")]
    assert urls[0] != urls[1]
    assert [read(url, "bytes=0-0").status_code for url in urls] == [206, 206]
    revoked(compute("app"), disk)
    assert [read(url, "bytes=0-0").status_code for url in urls] == [403, 403]


@pytest.mark.parametrize(
    "closed",
    [
        {"networkAccessPolicy": "DenyAll"},
        {"networkAccessPolicy": "AllowPrivate"},
        {"publicNetworkAccess": "Disabled"},
    ],
)
def test_a_disk_closed_to_the_network_is_not_opened(
    at_once: Simulator, arm: Arms, closed: dict[str, str]
) -> None:
    """Its own settings forbid it, and the refusal names the setting."""
    vm = at_once.client.create_vm("shut", power="deallocated", disk_properties=closed)
    answer = begin(arm, os_disk(at_once, vm))
    assert refusal(answer) == (409, "OperationNotAllowed")
    assert answer.json()["error"]["target"] in closed


def test_a_confidential_vms_disk_is_not_opened(at_once: Simulator, arm: Arms) -> None:
    """Whatever part of it is encrypted; the disk has the security type."""
    vm = at_once.client.create_vm("vault", power="deallocated", security_type="ConfidentialVM")
    disk = os_disk(at_once, vm)
    assert shown(arm, disk)["securityProfile"]["securityType"].startswith("ConfidentialVM_")
    assert refusal(begin(arm, disk)) == (409, "OperationNotAllowed")


@pytest.mark.parametrize("action", ["beginGetAccess", "endGetAccess"])
def test_it_takes_a_right_of_its_own(sim: Simulator, disk: str, arm: Arms, action: str) -> None:
    """A reader lacks the permission; the app has it by its role alone."""
    assert refusal(arm("reader")("POST", f"{disk}/{action}", BODY)) == (403, "AuthorizationFailed")
    assert arm("app")("POST", f"{disk}/{action}", BODY).status_code == 202
    roles = sim.client.roles()
    for role in roles["roleDefinitions"]:
        for permission in role["properties"]["permissions"]:
            permission["notActions"] = [f"Microsoft.Compute/disks/{action}/action"]
    sim.client.set_roles(roles)
    assert refusal(arm("app")("POST", f"{disk}/{action}", BODY)) == (403, "AuthorizationFailed")


def test_a_read_only_lock_forbids_it(disk: str, arm: Arms) -> None:
    """Azure counts both as writes."""
    lock = f"{disk}/providers/Microsoft.Authorization/locks/l"
    arm("owner")("PUT", lock, {"properties": {"level": "ReadOnly"}})
    assert refusal(begin(arm, disk)) == (409, "ScopeLocked")


@pytest.mark.parametrize(
    ("asked", "status", "code"),
    [
        ({"access": "Read"}, 400, "InvalidParameter"),
        ({"durationInSeconds": 300}, 400, "InvalidParameter"),
        (BODY | {"durationInSeconds": 0}, 400, "InvalidParameter"),
        (BODY | {"durationInSeconds": 5_184_001}, 400, "InvalidParameter"),
        (BODY | {"durationInSeconds": "long"}, 400, "BadRequest"),
        (BODY | {"access": "None"}, 400, "InvalidParameter"),
        (BODY | {"getSecureVMGuestStateSAS": True}, 400, "BadRequest"),
        (BODY | {"access": "Write"}, 501, "NotSimulated"),
        (BODY | {"fileFormat": "VHDX"}, 501, "NotSimulated"),
        (BODY | {"fileFormat": "VHD", "getSecureVMGuestStateSAS": False}, 202, None),
    ],
)
def test_what_may_be_asked_for(
    disk: str, arm: Arms, asked: dict[str, object], status: int, code: str | None
) -> None:
    """Read access, for one second to sixty days; the rest is refused."""
    answer = arm("app")("POST", f"{disk}/beginGetAccess", asked)
    assert answer.status_code == status
    assert code is None or answer.json()["error"]["code"] == code


def test_there_must_be_a_disk(disk: str, arm: Arms) -> None:
    """A missing disk is 404, for both actions."""
    for act in ("beginGetAccess", "endGetAccess"):
        answer = arm("app")("POST", f"{disk}x/{act}", BODY)
        assert refusal(answer) == (404, "ResourceNotFound")


def test_access_runs_out(sim: Simulator, disk: str, compute: Computes, read: Reads) -> None:
    """The URL ends when its duration is over, and not before."""
    url = granted(compute("app"), disk, seconds=300)
    sim.client.advance(299)
    assert read(url, "bytes=0-0").status_code == 206
    sim.client.advance(1)
    answer = read(url, "bytes=0-0")
    assert answer.status_code == 403
    assert "Signature not valid in the specified time frame" in answer.text


def test_what_has_run_out_is_in_nobodys_way(
    sim: Simulator, vm: str, disk: str, compute: Computes, arm: Arms
) -> None:
    """The disk is Reserved again, and its VM starts."""
    granted(compute("app"), disk, seconds=300)
    sim.client.advance(300)
    assert shown(arm, disk)["diskState"] == "Reserved"
    assert arm("owner")("POST", f"{vm}/start").status_code == 202


def test_closing_what_nobody_has_open_succeeds(disk: str, compute: Computes, arm: Arms) -> None:
    """The operation succeeds without effect."""
    before = shown(arm, disk)
    revoked(compute("app"), disk)
    assert shown(arm, disk) == before


def test_what_an_open_disk_stands_in_the_way_of(
    at_once: Simulator, vm: str, disk: str, compute: Computes, arm: Arms
) -> None:
    """Its VM can neither start nor be deleted, nor can the disk itself, until it is closed."""
    owner, name = arm("owner"), disk.rsplit("/", 1)[1]
    words = f"There is an active shared access signature outstanding for disk {name}. "
    granted(compute("app"), disk)
    for method, path in (("POST", f"{vm}/start"), ("DELETE", vm)):
        answer = owner(method, path)
        assert refusal(answer) == (409, "OperationNotAllowed")
        assert answer.json()["error"]["message"].startswith(words)
    revoked(compute("app"), disk)
    assert owner("POST", f"{vm}/start").status_code == 202
    at_once.client.advance(30)
    assert at_once.client.vm(vm)["power"] == "running"


def test_an_open_disk_is_neither_deleted_nor_attached(
    at_once: Simulator, disk: str, vm: str, compute: Computes, arm: Arms
) -> None:
    """A disk that is attached to no VM, blocked by its SAS alone."""
    owner = arm("owner")
    owner("DELETE", vm)
    at_once.client.advance(15)
    granted(compute("app"), disk)
    assert refusal(owner("DELETE", disk)) == (409, "OperationNotAllowed")
    storage = {"osDisk": {"createOption": "Attach", "managedDisk": {"id": disk}}}
    properties = {"hardwareProfile": {"vmSize": "Standard_D2s_v5"}, "storageProfile": storage}
    body = {"location": "westeurope", "properties": properties}
    assert refusal(owner("PUT", vm, body)) == (409, "OperationNotAllowed")
    revoked(compute("app"), disk)
    assert owner("DELETE", disk).status_code == 202


def image(arm: Arms, vm: str) -> requests.Response:
    """Make a managed image of a VM."""
    source = {"sourceVirtualMachine": {"id": vm}, "hyperVGeneration": "V2"}
    path = vm.replace("virtualMachines", "images")
    return arm("owner")("PUT", path, {"location": "westeurope", "properties": source})


def version(arm: Arms, vm: str) -> requests.Response:
    """Make a gallery version of a VM."""
    owner, gallery = arm("owner"), vm.rsplit("/", 2)[0] + "/galleries/g"
    definition: dict[str, object] = {
        "osType": "Windows",
        "osState": "Generalized",
        "hyperVGeneration": "V2",
        "identifier": {"publisher": "p", "offer": "o", "sku": "s"},
        "features": [{"name": "SecurityType", "value": "Standard"}],
    }
    for path, properties in ((gallery, {}), (f"{gallery}/images/d", definition)):
        owner("PUT", path, {"location": "westeurope", "properties": properties})
    storage = {"storageProfile": {"source": {"virtualMachineId": vm}}}
    path = f"{gallery}/images/d/versions/1.0.0"
    return owner("PUT", path, {"location": "westeurope", "properties": storage})


def generalize(arm: Arms, vm: str) -> requests.Response:
    """Mark a VM generalized."""
    return arm("owner")("POST", f"{vm}/generalize")


@pytest.mark.parametrize("act", [generalize, image, version])
def test_what_nobody_knows_of_an_open_disk_is_refused_loudly(
    at_once: Simulator, compute: Computes, arm: Arms, act: Callable[[Arms, str], requests.Response]
) -> None:
    """Generalize and captures fail while the disk is open, and work after it is closed."""
    vm = at_once.client.create_vm(
        "old", power="deallocated", generalized=act is not generalize, security_type="Standard"
    )
    granted(compute("app"), os_disk(at_once, vm))
    assert refusal(act(arm, vm)) == (409, "NotSimulated")
    revoked(compute("app"), os_disk(at_once, vm))
    assert act(arm, vm).ok


def test_an_opening_that_fails_opens_nothing(sim: Simulator, disk: str, arm: Arms) -> None:
    """The operation ends Failed, the disk is unchanged."""
    failure = {"code": "InternalExecutionError", "message": "An internal error."}
    sim.client.fault(path="beginGetAccess", operation=failure)
    poll = begin(arm, disk).headers["Azure-AsyncOperation"].removeprefix(sim.arm_endpoint)
    assert arm("app")("GET", poll).json()["error"]["code"] == "InternalExecutionError"
    assert shown(arm, disk)["diskState"] == "Reserved"


def test_a_closing_that_fails_closes_nothing(
    sim: Simulator, disk: str, compute: Computes, arm: Arms, read: Reads
) -> None:
    """The disk stays open, and can be closed later."""
    url = granted(compute("app"), disk)
    sim.client.fault(path="endGetAccess", operation={"code": "InternalExecutionError"})
    arm("app")("POST", f"{disk}/endGetAccess")
    assert read(url, "bytes=0-0").status_code == 206
    revoked(compute("app"), disk)
    assert read(url, "bytes=0-0").status_code == 403


MOVES = {
    "never": (False, False),
    "opening": (True, False),
    "closing": (False, True),
    "both": (True, True),
}


@pytest.mark.parametrize("setting", MOVES)
def test_access_may_move_ownership(
    sim: Simulator, disk: str, compute: Computes, arm: Arms, setting: str
) -> None:
    """LastOwnershipUpdateTime changes at the opening, at the closing, at both, or not at all."""
    sim.client.settings(access_moves_ownership=setting)
    before = shown(arm, disk)["LastOwnershipUpdateTime"]
    sim.client.advance(10)
    granted(compute("app"), disk)
    opened = shown(arm, disk)["LastOwnershipUpdateTime"]
    sim.client.advance(10)
    revoked(compute("app"), disk)
    closed = shown(arm, disk)["LastOwnershipUpdateTime"]
    assert (opened != before, closed != opened) == MOVES[setting]


def test_running_out_is_closing_too(
    sim: Simulator, disk: str, compute: Computes, arm: Arms
) -> None:
    """If revoking changes the ownership time, so does expiry."""
    sim.client.settings(access_moves_ownership="closing")
    before = shown(arm, disk)["LastOwnershipUpdateTime"]
    granted(compute("app"), disk, seconds=60)
    sim.client.advance(60)
    assert shown(arm, disk)["LastOwnershipUpdateTime"] != before
