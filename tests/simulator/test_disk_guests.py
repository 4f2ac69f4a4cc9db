"""What guests leave on their disks, as it is read from them."""

import pytest

from simulator.client import SteeringError
from simulator.contents.disk import LAYOUTS, Guest, contents
from simulator.simulator import Simulator
from tests.simulator.conftest import Arms, Computes, Reads
from tests.simulator.disk_opening import granted, os_disk, revoked
from tests.simulator.test_arm_disks import copy_of

WHY = "SYSPRP Package Contoso.App was installed for a user."


@pytest.fixture
def end(at_once: Simulator, compute: Computes, read: Reads) -> "End":
    """Give a reader of the last bytes of the disk of a VM, or of any disk."""
    return End(at_once, compute, read)


class End:
    """The last 512 bytes of a disk: its footer, which is unique for each guest."""

    def __init__(self, sim: Simulator, compute: Computes, read: Reads) -> None:
        self._sim, self._compute, self._read = sim, compute, read

    def of_vm(self, vm: str) -> bytes:
        """Deallocate a VM as its owner and read its OS disk's last bytes."""
        client = self._compute("owner")
        client.virtual_machines.begin_deallocate(*_names(vm), polling=False)
        self._sim.client.advance(60)
        return self.of_disk(os_disk(self._sim, vm))

    def of_disk(self, disk: str) -> bytes:
        """Read a disk's last bytes."""
        client = self._compute("owner")
        url = granted(client, disk)
        size = int(self._read(url, method="HEAD").headers["Content-Length"])
        found = self._read(url, f"bytes={size - 512}-").content
        revoked(client, disk)
        return found


def _names(vm: str) -> tuple[str, str]:
    return vm.split("/")[4], vm.rsplit("/", 1)[1]


def footer_of(guest: Guest) -> bytes:
    """Return the footer of a guest's disk."""
    disk = contents(guest)
    return disk.read(disk.size - 512, 512)


@pytest.mark.parametrize(
    ("act", "guest"),
    [
        (None, Guest("Windows", "V2", 127, "never")),
        ("sysprep", Guest("Windows", "V2", 127, "succeeded")),
        ("sysprep-fails", Guest("Windows", "V2", 127, "failed", WHY)),
        ("sysprep-fails-and-shuts-down", Guest("Windows", "V2", 127, "failed", WHY)),
        (None, Guest("Linux", "V2", 30, "never")),
        ("deprovision", Guest("Linux", "V2", 30, "succeeded")),
        ("deprovision-fails", Guest("Linux", "V2", 30, "failed")),
    ],
)
def test_a_disk_holds_what_its_guest_did(
    at_once: Simulator, end: End, act: str | None, guest: Guest
) -> None:
    """Windows or Linux: done, failed or never begun."""
    vm = at_once.client.create_vm("web", os=guest.os_type)
    if act:
        at_once.client.guest(vm, act, WHY if guest.why else None)
        at_once.client.advance(60)
    assert end.of_vm(vm) == footer_of(guest)


def test_a_linux_guest_runs_on_after_it_was_deprovisioned(sim: Simulator) -> None:
    """Unlike a Windows guest; and a reboot gives it a new identity."""
    vm = sim.client.create_vm("web", os="Linux")
    sim.client.guest(vm, "deprovision")
    assert sim.client.vm(vm)["sysprep"] == "running"
    sim.client.advance(60)
    facts = sim.client.vm(vm)
    assert (facts["sysprep"], facts["power"], facts["guestAct"]) == ("succeeded", "running", None)
    sim.client.guest(vm, "reboot")
    sim.client.advance(60)
    assert sim.client.vm(vm)["sysprep"] == "never"


def test_what_was_cut_off_has_failed(at_once: Simulator, end: End) -> None:
    """A VM deallocated while its guest was generalizing."""
    vm = at_once.client.create_vm("web")
    at_once.client.guest(vm, "sysprep")
    at_once.client.advance(1)
    why = "Sysprep was cut off before it was done."
    assert end.of_vm(vm) == footer_of(Guest("Windows", "V2", 127, "failed", why))


@pytest.mark.parametrize(("os", "act"), [("Linux", "sysprep"), ("Windows", "deprovision")])
def test_a_system_knows_its_own_acts_only(sim: Simulator, os: str, act: str) -> None:
    """Sysprep is for Windows, deprovisioning for Linux."""
    vm = sim.client.create_vm("web", os=os)
    with pytest.raises(SteeringError, match=f"has no {act}"):
        sim.client.guest(vm, act)


def test_a_failure_keeps_its_reason(sim: Simulator, arm: Arms) -> None:
    """After the VM is started again its log is still there, and is not another VM's."""
    vm = sim.client.create_vm("web")
    sim.client.guest(vm, "sysprep-fails", WHY)
    sim.client.advance(60)
    for act in ("deallocate", "start"):
        arm("owner")("POST", f"{vm}/{act}")
        sim.client.advance(60)
    facts = sim.client.vm(vm)
    assert (facts["boots"], facts["sysprep"], facts["sysprepError"]) == (2, "failed", WHY)


def test_a_vm_may_be_found_with_a_failure(at_once: Simulator, end: End) -> None:
    """Created in that state, with the given reason on its disk, or Sysprep's usual reason."""
    words = {"power": "deallocated", "sysprep": "failed"}
    vm = at_once.client.create_vm("web", why=WHY, **words)
    assert end.of_vm(vm) == footer_of(Guest("Windows", "V2", 127, "failed", WHY))
    other = at_once.client.create_vm("other", **words)
    assert "0x80073cf2" in at_once.client.vm(other)["sysprepError"]


def test_a_copy_holds_what_its_source_held(at_once: Simulator, arm: Arms, end: End) -> None:
    """Through a snapshot too, whatever happens to the source."""
    words = {"power": "deallocated", "sysprep": "failed", "why": WHY}
    disk = os_disk(at_once, at_once.client.create_vm("web", **words))
    owner, group = arm("owner"), disk.rsplit("/", 2)[0]
    for path, source in (("snapshots/kept", disk), ("disks/again", f"{group}/snapshots/kept")):
        owner("PUT", f"{group}/{path}", copy_of(source))
        at_once.client.advance(1)
    expected = footer_of(Guest("Windows", "V2", 127, "failed", WHY))
    assert end.of_disk(f"{group}/disks/again") == expected


def test_a_data_disk_reads_zero(at_once: Simulator, compute: Computes, read: Reads) -> None:
    """All its bytes are zero, up to the footer."""
    words = {"power": "deallocated", "data_disks": [{"diskSizeGB": 4}]}
    (disk,) = at_once.client.vm(at_once.client.create_vm("web", **words))["dataDisks"]
    url, size = granted(compute("app"), disk), 4 * 1024**3
    assert read(url, "bytes=0-4095").content == bytes(4096)
    last = read(url, f"bytes={size - 4}-").content
    assert (last[:4], last[4:12], len(last)) == (bytes(4), b"conectix", 516)


def test_a_layout_must_be_one_there_is(sim: Simulator) -> None:
    """An unknown layout is refused, before any read."""
    with pytest.raises(SteeringError, match="no such layout"):
        sim.client.create_vm("web", layout="punch-cards")


@pytest.mark.parametrize("layout", sorted(LAYOUTS))
def test_every_layout_can_be_read(at_once: Simulator, end: End, layout: str) -> None:
    """A VM is made with it, its disk is opened, and has that layout."""
    os = "Linux" if layout.startswith("linux") else "Windows"
    words = {"os": os, "power": "deallocated", "sysprep": "succeeded", "layout": layout}
    size = 127 if os == "Windows" else 30
    expected = footer_of(Guest(os, "V2", size, "succeeded", layout=layout))
    assert end.of_vm(at_once.client.create_vm("web", **words)) == expected


@pytest.mark.parametrize(
    "guest",
    [
        Guest("Windows", "V2", 127, "succeeded", layout="windows-bitlocker"),
        Guest("Linux", "V2", 30, "succeeded", layout="linux-luks"),
    ],
)
def test_azure_disk_encryption_leaves_ciphertext(
    at_once: Simulator, arm: Arms, end: End, guest: Guest
) -> None:
    """The disk is shown as encrypted, can be opened, and nothing on it can be read."""
    encrypted = {"encryptionSettings": {"enabled": True}}
    words = {"os": guest.os_type, "sysprep": "succeeded", "os_disk": encrypted}
    vm = at_once.client.create_vm("web", power="deallocated", **words)
    shown = arm("reader")("GET", os_disk(at_once, vm)).json()["properties"]
    assert shown["encryptionSettingsCollection"] == {"enabled": True}
    assert end.of_vm(vm) == footer_of(guest)
