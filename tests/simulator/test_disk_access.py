"""Disks read from outside: opened, read by ranges, closed, with what is refused meanwhile."""

from simulator.simulator import Simulator
from tests.simulator.conftest import Arms, Computes, Reads
from tests.simulator.disk_opening import granted, os_disk, revoked

GIB = 1024**3


def test_a_deallocated_vms_disk_is_opened_read_and_closed(
    at_once: Simulator, compute: Computes, read: Reads
) -> None:
    """With the clock standing: the SDK's result is a URL, which ends when access is revoked."""
    disk = os_disk(at_once, at_once.client.create_vm("web", power="deallocated"))
    client = compute("app")
    url = granted(client, disk)
    answer = read(url, "bytes=0-511")
    assert (answer.status_code, len(answer.content)) == (206, 512)
    assert answer.headers["Content-Range"] == f"bytes 0-511/{127 * GIB + 512}"
    revoked(client, disk)
    assert read(url, "bytes=0-511").status_code == 403


def test_an_opened_disk_says_so(at_once: Simulator, compute: Computes, arm: Arms) -> None:
    """It reads ActiveSAS while it is open, Reserved before and after."""
    disk = os_disk(at_once, at_once.client.create_vm("web", power="deallocated"))

    def state() -> str:
        return str(arm("reader")("GET", disk).json()["properties"]["diskState"])

    assert state() == "Reserved"
    granted(compute("app"), disk)
    assert state() == "ActiveSAS"
    revoked(compute("app"), disk)
    assert state() == "Reserved"
