"""The contents of Linux disks that are hard to judge."""

import re
from itertools import pairwise

import pytest
from dissect.extfs import ExtFS

from simulator.contents.disk import Guest, contents
from tests.simulator.contents_reading import Files, linux_on, names_in, partitions, text_of

LIVE, EMPTY = 33, 0


def guest(layout: str, sysprep: str) -> Guest:
    """Return a guest of a layout."""
    return Guest("Linux", "V2", 8, sysprep, layout=layout)


def identity(files: Files) -> int:
    """Return the length of the machine id."""
    return len(text_of(files, "etc/machine-id"))


def group_of(layout: str, sysprep: str) -> str:
    """Return the volume group text of the first physical volume."""
    (first, *_) = (one for one in partitions(guest(layout, sysprep)) if one.name == "group")
    head = contents(guest(layout, sysprep)).read(first.offset, 1 << 20)
    return head.decode("latin-1")


@pytest.mark.parametrize(("sysprep", "found"), [("never", LIVE), ("succeeded", EMPTY)])
@pytest.mark.parametrize("layout", ["linux-two-roots", "linux-two-lvs"])
def test_of_two_systems_only_the_first_is_deprovisioned(
    layout: str, sysprep: str, found: int
) -> None:
    """The second has an identity, keys and a user in either state."""
    first, second = linux_on(guest(layout, sysprep))
    assert (identity(first), identity(second)) == (found, LIVE)
    assert "ssh_host_rsa_key" in names_in(second, "etc/ssh")


def test_an_old_root_lies_beside_a_live_one() -> None:
    """The first partition's system is deprovisioned, the second's is Btrfs and runs."""
    *_, old, new = partitions(guest("linux-old-beside-btrfs", "never"))
    assert identity(ExtFS(old.open())) == EMPTY
    assert new.open().read(0x10048)[0x10040:] == b"_BHRfS_M"


@pytest.mark.parametrize(("sysprep", "there"), [("never", True), ("succeeded", False)])
def test_what_var_hides_is_older(sysprep: str, *, there: bool) -> None:
    """The agent never ran below /var's mount point; the separate volume counts."""
    root, var = linux_on(guest("linux-hidden-var", sysprep))
    assert names_in(root, "var/lib/waagent") == {"events"}
    assert ("provisioned" in names_in(var, "lib/waagent")) == there
    assert f"UUID={uuid_of(var)} /var " in text_of(root, "etc/fstab")


def test_var_is_on_no_partition() -> None:
    """The file system that fstab has for /var is not on the disk."""
    (root,) = linux_on(guest("linux-var-elsewhere", "never"))
    (named,) = re.findall(r"UUID=(\S+) /var ", text_of(root, "etc/fstab"))
    assert named != uuid_of(root)
    assert names_in(root, "var/lib/waagent") == {"events"}


def uuid_of(files: Files) -> str:
    """Return a file system's UUID as an fstab has it."""
    digits = bytes(files.sb.s_uuid).hex()
    ends = (0, 8, 12, 16, 20, 32)
    return "-".join(digits[start:end] for start, end in pairwise(ends))


@pytest.mark.parametrize("sysprep", ["never", "succeeded"])
def test_folders_lie_in_inodes(sysprep: str) -> None:
    """/etc has no block of its own, which dissect does not support."""
    (root,) = linux_on(guest("linux-inline-data", sysprep))
    for path in ("etc", "home", "root"):
        assert root.get(path).inode.i_flags & 0x1000_0000


@pytest.mark.parametrize("sysprep", ["never", "succeeded"])
@pytest.mark.parametrize(
    ("layout", "words"),
    [
        ("linux-lvm-two-pvs", [r'"pv1", 200', r'"pv0", 0', r'"pv0", 400']),
        ("linux-lvm-thin-home", [r'type = "thin-pool"', r"homelv {", r'thin_pool = "pool00"']),
        ("linux-lvm-thin-root", [r'type = "thin-pool"', r"rootlv {", r'thin_pool = "pool00"']),
        ("linux-lvm-missing-pv", [r"/dev/sdb1|pv1", r"datalv {", r'"pv1", 0']),
        ("linux-lvm-root-missing", [r"segment_count = 2", r'"pv0", 0', r'"pv1", 0']),
        ("linux-lvm-no-lvs", [r"rootvg {"]),
    ],
)
def test_groups_are_what_they_are_named_for(layout: str, sysprep: str, words: list[str]) -> None:
    """The text of the volume group has what makes the layout hard."""
    group = group_of(layout, sysprep)
    for word in words:
        assert re.search(word, group), word
    if layout == "linux-lvm-no-lvs":
        assert "logical_volumes" not in group


def test_a_physical_volume_may_have_no_group() -> None:
    """It has its label, and no text of a group."""
    text = group_of("linux-lvm-empty", "never")
    assert "LABELONE" in text
    assert "rootvg" not in text
