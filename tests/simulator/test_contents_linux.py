"""What readers of ext4, XFS and LVM find on the disks of Linux guests."""

import re
import struct

import pytest

from simulator.contents.disk import Guest, contents
from tests.simulator.contents_reading import Files, linux_on, names_in, partitions, text_of

PLAIN = [None, "linux-xfs"]
READABLE = [*PLAIN, "linux-separate-var", "linux-lvm", "linux-lvm-xfs"]
KEYS = {f"ssh_host_{kind}_key" for kind in ("rsa", "ecdsa", "ed25519")}
NEEDS_RECOVERY = 4
UNMOUNTED = 0x20


def root_of(guest: Guest) -> Files:
    """Return the file system that holds /etc."""
    return linux_on(guest)[0]


def var_of(guest: Guest) -> tuple[Files, str]:
    """Return the file system that holds /var, and the path of /var on it."""
    volumes = linux_on(guest)
    for files in volumes:
        if {"lib", "log", "spool"} <= names_in(files, ""):
            return files, ""
    return volumes[0], "var/"


def machine_id(files: Files) -> str:
    """Return the machine id with its line ending."""
    return text_of(files, "etc/machine-id")


@pytest.mark.parametrize("generation", ["V1", "V2"])
@pytest.mark.parametrize("size_gb", [8, 30])
@pytest.mark.parametrize("layout", READABLE)
def test_a_guest_that_runs_has_what_tells_it_from_others(
    layout: str | None, size_gb: int, generation: str
) -> None:
    """Before deprovisioning there are host keys, a machine id, a user and the agent's files."""
    guest = Guest("Linux", generation, size_gb, "never", layout=layout)
    root, (var, folder) = root_of(guest), var_of(guest)
    assert names_in(root, "etc/ssh") > KEYS | {f"{key}.pub" for key in KEYS}
    assert re.fullmatch(r"[0-9a-f]{32}\n", machine_id(root))
    assert "azureuser:" in text_of(root, "etc/passwd")
    assert names_in(var, f"{folder}lib/waagent") > {"provisioned", "ovf-env.xml"}


@pytest.mark.parametrize("generation", ["V1", "V2"])
@pytest.mark.parametrize("layout", READABLE)
def test_a_deprovisioned_guest_has_none_of_it(layout: str | None, generation: str) -> None:
    """The agent empties its folder, removes keys and user; something else the machine id."""
    guest = Guest("Linux", generation, 30, "succeeded", layout=layout)
    root, (var, folder) = root_of(guest), var_of(guest)
    assert not any("ssh_host" in name for name in names_in(root, "etc/ssh"))
    assert machine_id(root) == ""
    assert "azureuser" not in text_of(root, "etc/passwd")
    assert "azureuser" not in text_of(root, "etc/sudoers.d/waagent")
    assert names_in(var, f"{folder}lib/waagent") == set()
    assert names_in(var, f"{folder}lib/dhcp") == set()


@pytest.mark.parametrize("sysprep", ["running", "failed"])
@pytest.mark.parametrize("layout", READABLE)
def test_a_guest_that_is_half_done_is_not_done(layout: str | None, sysprep: str) -> None:
    """The keys are gone, but the machine id and the agent's marker are there."""
    guest = Guest("Linux", "V2", 30, sysprep, layout=layout)
    root, (var, folder) = root_of(guest), var_of(guest)
    assert not KEYS & names_in(root, "etc/ssh")
    assert machine_id(root)
    assert "provisioned" in names_in(var, f"{folder}lib/waagent")


@pytest.mark.parametrize(
    ("layout", "identity"),
    [
        ("linux-agent-only", r"[0-9a-f]{32}\n"),
        ("linux-cloud-init", r"uninitialized\n"),
        ("linux-dirty", ""),
        ("linux-xfs-dirty", ""),
    ],
)
def test_what_is_left_of_the_identity(layout: str, identity: str) -> None:
    """The agent alone leaves the machine id; otherwise it is empty, or written again."""
    root = root_of(Guest("Linux", "V2", 30, "succeeded", layout=layout))
    assert re.fullmatch(identity, machine_id(root))
    assert not KEYS & names_in(root, "etc/ssh")
    assert names_in(root, "var/lib/waagent") == set()


def test_home_is_gone_with_the_user() -> None:
    """The folder of a deprovisioned guest's user is removed."""
    for sysprep, homes in (("never", {"azureuser"}), ("succeeded", set())):
        assert names_in(root_of(Guest("Linux", "V2", 30, sysprep)), "home") == homes


@pytest.mark.parametrize(
    ("layout", "clean"), [(None, True), ("linux-separate-var", True), ("linux-dirty", False)]
)
def test_an_unclean_ext4_says_so(layout: str | None, *, clean: bool) -> None:
    """Only the disk of a guest that crashed needs recovery; only its journal has the new keys."""
    root = root_of(Guest("Linux", "V2", 30, "succeeded", layout=layout))
    assert bool(root.sb.s_feature_incompat & NEEDS_RECOVERY) != clean


@pytest.mark.parametrize(("layout", "clean"), [("linux-xfs", True), ("linux-xfs-dirty", False)])
def test_an_unclean_xfs_says_so(layout: str, *, clean: bool) -> None:
    """The log ends with an unmount record, except for a guest that crashed."""
    guest = Guest("Linux", "V2", 30, "succeeded", layout=layout)
    assert (last_operation(root_of(guest)) == UNMOUNTED) == clean


def last_operation(files: Files) -> int:
    """Return the flags of the newest record's first operation in an XFS log."""
    head = files.sb
    group, inside = divmod(head.sb_logstart, 1 << head.sb_agblklog)
    files.fh.seek((group * head.sb_agblocks + inside) * head.sb_blocksize)
    log = files.fh.read(head.sb_logblocks * head.sb_blocksize)
    records = [found.start() for found in re.finditer(b"\xfe\xed\xba\xbe\0", log)]
    newest = max(
        (at for at in records if at % 512 == 0),
        key=lambda at: struct.unpack_from(">Q", log, at + 16),
    )
    return int(log[newest + 512 + 9])


def test_volumes_of_lvm_are_those_of_red_hat_and_one_is_in_two_pieces() -> None:
    """Root, usr, home, var and tmp have their own volumes; var was extended later."""
    for layout in ("linux-lvm", "linux-lvm-xfs"):
        guest = Guest("Linux", "V2", 30, "never", layout=layout)
        assert len(linux_on(guest)) == 5
        group = contents(guest).read(partitions(guest)[3].offset, 1 << 20)
        assert re.findall(rb"\n(\w+)lv {", group) == [b"root", b"usr", b"home", b"var", b"tmp"]
        assert group.count(b"segment_count = 2") == 1


def test_the_second_piece_goes_on_where_the_first_one_ends() -> None:
    """The copy of the superblock at 1,152 MiB, in /var's second piece, is read there."""
    guest = Guest("Linux", "V2", 30, "never", layout="linux-lvm")
    var, _ = var_of(guest)
    var.fh.seek(9 * 128 * 1024**2)
    copy = var.fh.read(1024)
    assert copy[56:58] == b"\x53\xef"
    assert copy[104:120] == bytes(var.sb.s_uuid)


@pytest.mark.parametrize(
    ("layout", "at", "magic"),
    [("linux-luks", 0, b"LUKS\xba\xbe\x00\x01"), ("linux-btrfs", 0x10040, b"_BHRfS_M")],
)
def test_what_cannot_be_read_here_says_what_it_is(layout: str, at: int, magic: bytes) -> None:
    """An encrypted root and one of Btrfs are recognized by their first bytes."""
    guest = Guest("Linux", "V2", 30, "succeeded", layout=layout)
    volume = max(partitions(guest), key=lambda one: one.size).open()
    volume.seek(at)
    assert volume.read(len(magic)) == magic


def test_folders_are_indexed_as_the_kernel_would() -> None:
    """Large folders of an ext4 have a hash tree, which a reader may use or ignore."""
    root = root_of(Guest("Linux", "V2", 30, "never"))
    assert root.get("usr/bin").inode.i_flags & 0x1000
    assert len(names_in(root, "usr/bin")) == 1400
