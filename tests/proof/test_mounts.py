"""Where a Linux guest's paths lead: by its fstab, through links, to the right volume."""

from pathlib import PurePosixPath

import pytest

from shared.proof.evidence.mounts import Mount, NotRead, Opened, System, fstab_of, spec_of
from shared.proof.filesystems.volumes import Kind, Volume
from tests.proof.trees import Files, Tree


def opened(files: Files | None, name: str = "partition 2", why: str = "") -> Opened:
    """Make a volume with these files, or an unreadable one."""
    return Opened(Volume(Kind.EXT, None, name), files, why)


def system(tree: Tree, *others: Opened) -> System:
    """Make the system whose root has these files, with other volumes."""
    root = opened(Files(tree, "UUID=root"), "partition 1")
    assert root.files
    return System(root.volume, root.files, root.files.root, [root, *others])


def text(found: System, path: str) -> str | None:
    """Read the file at a path; None if there is none."""
    place = found.find(path)
    return place.read(99).decode() if place else None


HIDDEN: Tree = {"lib": {"waagent": {"old": "hidden"}}}


def test_what_is_mounted_hides_what_lies_beneath() -> None:
    """The copy under the mount point is not looked at."""
    fstab = "UUID=ROOT / ext4 defaults 0 1\nUUID=VAR /var ext4 defaults 0 2\n"
    var = opened(Files({"lib": {"waagent": {"new": "seen"}}}, "UUID=var"))
    found = system({"etc": {"fstab": fstab}, "var": HIDDEN}, var)
    assert text(found, "/var/lib/waagent/new") == "seen"
    assert text(found, "/var/lib/waagent/old") is None
    assert found.used == [found.files, var.files]
    assert found.claims(var)
    assert not found.claims(opened(Files({}, "UUID=other")))


@pytest.mark.parametrize(
    ("others", "why"),
    [
        ([], "/var is on UUID=var, which is not a readable volume of this disk"),
        ([opened(Files(HIDDEN, "UUID=var"))] * 2, "which names several volumes of this disk"),
        (
            [
                Opened(
                    Volume(Kind.CLOSED, None, "vg/var", frozenset({"UUID=var"})), None, "it is thin"
                )
            ],
            "/var is on vg/var: it is thin",
        ),
    ],
)
def test_what_cannot_be_read_where_it_is_mounted_is_not_looked_for_elsewhere(
    others: list[Opened], why: str
) -> None:
    """The error names the volume that is missing; other paths can still be read."""
    fstab = "UUID=VAR /var ext4 defaults 0 2\n"
    found = system({"etc": {"fstab": fstab, "name": "web"}, "var": HIDDEN}, *others)
    assert text(found, "/etc/name") == "web"
    with pytest.raises(NotRead, match=why):
        found.find("/var/lib/waagent")


def test_a_mount_unit_of_systemd_is_not_read() -> None:
    """The error names the unit; nothing is assumed about the files below it."""
    units: Tree = {"system": {"var.mount": "[Mount]\nWhat=/dev/sdb1\n"}}
    found = system({"etc": {"systemd": units}, "var": HIDDEN})
    with pytest.raises(NotRead, match=r"/var is on /etc/systemd/system/var\.mount"):
        found.find("/var/lib")


def test_links_are_followed_as_the_guest_does() -> None:
    """Relative to their folder, or from the root; across mounts, and without loops."""
    fstab = "LABEL=data /srv ext4 defaults 0 2\n"
    tree: Tree = {
        "etc": {"fstab": fstab, "conf": "->../srv/conf", "cloud": "->/srv", "on": "->on"},
        "srv": {},
    }
    found = system(tree, opened(Files({"conf": "here"}, "LABEL=data")))
    assert text(found, "/etc/conf") == text(found, "/etc/cloud/conf") == "here"
    assert found.find("/etc/cloud/none") is None
    with pytest.raises(NotRead, match="too many symbolic links"):
        found.find("/etc/on")


def test_a_file_is_no_folder() -> None:
    """A path through a file does not exist."""
    assert system({"etc": {"name": "web"}}).find("/etc/name/more") is None


def test_an_fstab_is_read_as_the_guest_reads_it() -> None:
    """Comments, swap and what is not mounted at boot are ignored."""
    lines = r"""
# /etc/fstab
UUID=AA-BB  /            ext4  defaults        0 1
LABEL=a\040b /mnt/x\040y xfs   noatime,nofail  0 2
/dev/mapper/rootvg-varlv /var/ xfs defaults 0 0
UUID=CC     none         swap  sw              0 0
UUID=DD     /media/usb   vfat  noauto,user     0 0
UUID=FF     /var/log     ext4  noauto,x-systemd.automount 0 2
UUID=EE     /home        btrfs subvol=/@/home,ro 0 0
short /line
"""
    assert fstab_of(lines) == [
        Mount("UUID=aa-bb", PurePosixPath("/"), ("defaults",)),
        Mount("LABEL=a b", PurePosixPath("/mnt/x y"), ("noatime", "nofail")),
        Mount("/dev/mapper/rootvg-varlv", PurePosixPath("/var"), ("defaults",)),
        Mount("UUID=ff", PurePosixPath("/var/log"), ("noauto", "x-systemd.automount")),
        Mount("UUID=ee", PurePosixPath("/home"), ("subvol=/@/home", "ro")),
    ]
    assert fstab_of(lines)[-1].subvolume == "@/home"


@pytest.mark.parametrize(
    ("written", "spec"),
    [
        ('UUID="AA-BB"', "UUID=aa-bb"),
        ("/dev/disk/by-uuid/AA-bb", "UUID=aa-bb"),
        ("/dev/disk/by-partuuid/AA-bb", "PARTUUID=aa-bb"),
        (r"/dev/disk/by-label/my\x20disk", "LABEL=my disk"),
        ("PARTLABEL='Root'", "PARTLABEL=Root"),
        ("/dev/sda1", "/dev/sda1"),
    ],
)
def test_a_volume_is_named_in_one_form(written: str, spec: str) -> None:
    """By udev's links and by label or UUID, in either case if case is ignored there."""
    assert spec_of(written) == spec
