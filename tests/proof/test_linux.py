"""What counts as deprovisioned, by the files of a guest."""

import io
from collections.abc import Mapping

import pytest
from dissect.volume.disk import Disk as DissectDisk

from shared.model.facts import Doubt, Proof, Verdict
from shared.proof.evidence import linux as rules
from shared.proof.evidence.linux import judge_linux
from shared.proof.filesystems.files import Broken
from shared.proof.filesystems.volumes import Kind, Volume
from shared.proof.ranges import Ranges
from shared.proof.verdict import judge
from simulator.contents.disk import Guest, contents
from simulator.contents.footer import LENGTH as FOOTER
from tests.proof.trees import Files, Tree

NO, YES, UNSURE = Proof.NOT_GENERALIZED, Proof.GENERALIZED, Proof.CANNOT_TELL
KEYS: Tree = {"ssh_host_rsa_key": "private", "ssh_host_rsa_key.pub": "public"}
CLOUD: Tree = {"cloud.cfg": "cloud_init_modules:\n - ssh\n", "cloud.cfg.d": {}}
UNIT: Tree = {"system": {"multi-user.target.wants": {"walinuxagent.service": "->/lib/x"}}}
INSTANCE: Tree = {"instance": "->instances/1", "instances": {"1": {"user-data.txt": ""}}}


def guest(etc: Tree | None = None, lib: Tree | None = None) -> Tree:
    """Make a guest that waagent has deprovisioned, with these in /etc and in /var/lib."""
    usual: Tree = {"systemd": UNIT, "hostname": "localhost.localdomain\n", "machine-id": ""}
    return {"etc": {**usual, **(etc or {})}, "var": {"lib": {"waagent": {}, **(lib or {})}}}


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> "Disk":
    """Give a disk whose volumes are trees."""
    return Disk(monkeypatch)


class Disk:
    """Volumes by their names: a tree, or an error that opening it raises."""

    def __init__(self, patched: pytest.MonkeyPatch) -> None:
        self._patched = patched

    def says(self, *others: Volume, clean: bool = True, **held: Tree | Exception) -> Verdict | None:
        """Judge the disk of these volumes, together with others."""
        opened: dict[int, Files | Exception] = {}
        volumes = []
        for name, tree in held.items():
            file = io.BytesIO()
            files = Files(tree, f"LABEL={name}", clean=clean) if isinstance(tree, dict) else tree
            opened[id(file)] = files
            volumes.append(Volume(Kind.EXT, file, name))

        def reader(file: object) -> Files:
            found = opened[id(file)]
            if isinstance(found, Exception):
                raise found
            return found

        self._patched.setattr(rules, "READERS", {Kind.EXT: reader})
        return judge_linux([*volumes, *others])


@pytest.mark.parametrize(
    ("etc", "lib", "proof", "words"),
    [
        ({}, {}, YES, "no /var/lib/waagent/provisioned, no host keys in /etc/ssh"),
        ({}, {"waagent": {"provisioned": "1"}}, NO, "provisioned exists; run waagent"),
        ({}, {"waagent": {"GoalState.3.xml": ""}}, NO, "waagent has run since"),
        ({}, {"waagent": {"ovf-env.xml": ""}}, YES, "no /var/lib/waagent/provisioned"),
        ({"ssh": KEYS}, {}, NO, "would have the same SSH host keys"),
        ({"ssh": KEYS, "cloud": CLOUD}, {}, YES, "host keys that cloud-init replaces"),
        ({"ssh": KEYS, "cloud": CLOUD}, {"cloud": INSTANCE}, YES, "cloud-init replaces"),
        (
            {"ssh": KEYS, "cloud": {**CLOUD, "cloud-init.disabled": ""}},
            {},
            NO,
            "neither cloud-init nor waagent replaces them",
        ),
        (
            {"ssh": KEYS, "cloud": {**CLOUD, "cloud.cfg.d": {"9.cfg": "ssh_deletekeys: no\n"}}},
            {},
            NO,
            "sudo rm /etc/ssh/ssh_host_",
        ),
        (
            {"ssh": KEYS, "cloud": CLOUD},
            {"cloud": {"instance": "->i/1", "i": {"1": {"manual-clean": ""}}}},
            NO,
            "sudo rm",
        ),
        (
            {"ssh": KEYS, "waagent.conf": "Provisioning.RegenerateSshHostKeyPair=y\n"},
            {},
            YES,
            "host keys that waagent replaces",
        ),
        ({"ssh": {"ssh_host_rsa_key.pub": ""}}, {}, YES, "no host keys"),
    ],
)
def test_evidence_is_what_the_agents_leave(
    disk: Disk, etc: Tree, lib: Tree, proof: Proof, words: str
) -> None:
    """Waagent's own mark, and host keys that nothing replaces; each is said in words."""
    says = disk.says(root=guest(etc, lib))
    assert says
    assert (says.proof, words in says.why) == (proof, True), says.why


WITHOUT_AGENT: Tree = {"systemd": {"system": {}}, "hostname": "web\n"}


@pytest.mark.parametrize(
    ("cloud", "lib", "proof", "words"),
    [
        ({}, {}, UNSURE, "nothing shows whether"),
        (CLOUD, {"cloud": INSTANCE}, NO, "/var/lib/cloud/instance exists; run cloud-init clean"),
        (CLOUD, {"cloud": {}}, YES, "no /var/lib/cloud/instance"),
        ({**CLOUD, "cloud-init.disabled": ""}, {"cloud": {}}, YES, "waagent/provisioned"),
    ],
)
def test_where_waagent_has_no_part_cloud_init_tells(
    disk: Disk, cloud: Tree, lib: Tree, proof: Proof, words: str
) -> None:
    """A folder of an agent that never ran is no evidence, unless nothing else provisions."""
    found = guest({**WITHOUT_AGENT, "cloud": cloud} if cloud else WITHOUT_AGENT, lib)
    if not cloud:
        assert isinstance(found["var"], dict)
        found["var"]["lib"] = {}
    says = disk.says(root=found)
    assert says
    assert (says.proof, words in says.why) == (proof, True), says.why


@pytest.mark.parametrize(
    ("etc", "lib", "doubt", "words"),
    [
        ({"machine-id": "4c4c4544\n"}, {}, Doubt.MACHINE_ID, "truncate -s 0 /etc/machine-id"),
        ({}, {"dbus": {"machine-id": "4c4c4544\n"}}, Doubt.MACHINE_ID, "/etc/machine-id"),
        ({"passwd": "ada:x:1000:1::/home/ada:/bin/sh\n"}, {}, Doubt.USER, "account ada"),
        (
            {},
            {"cloud": {"instances": {"1": {"user-data.txt": "#cloud-config\n"}}}},
            Doubt.CUSTOM_DATA,
            "custom data",
        ),
    ],
)
def test_what_an_image_should_not_have_is_a_warning(
    disk: Disk, etc: Tree, lib: Tree, doubt: Doubt, words: str
) -> None:
    """The image is created anyway, and the warning names what it contains."""
    says = disk.says(root=guest(etc, lib))
    assert says
    assert says.proof is YES
    assert set(says.warnings) == {doubt}
    assert words in says.warnings[doubt]


@pytest.mark.parametrize(
    ("etc", "lib"),
    [
        ({"machine-id": "uninitialized\n"}, {}),
        ({}, {"dbus": {"machine-id": "->/etc/machine-id"}}),
        ({}, {"cloud": INSTANCE}),
    ],
)
def test_what_a_new_machine_makes_anew_is_no_warning(disk: Disk, etc: Tree, lib: Tree) -> None:
    """An id that is to be made, a link to it, and an instance without data of its owner."""
    says = disk.says(root=guest(etc, lib))
    assert says == Verdict(YES, "no /var/lib/waagent/provisioned, no host keys in /etc/ssh")


def test_a_journal_that_waits_leaves_it_open(disk: Disk) -> None:
    """A journal that was not replayed may have the newest state; a negative verdict stays so."""
    says = disk.says(root=guest(), clean=False)
    assert says
    assert (says.proof, "not shut down cleanly" in says.why) == (UNSURE, True)
    live = disk.says(root=guest(lib={"waagent": {"provisioned": ""}}), clean=False)
    assert live
    assert live.proof is NO


@pytest.mark.parametrize(
    ("second", "proof"),
    [
        (guest(lib={"waagent": {"provisioned": ""}}), NO),
        ({"etc": {}, "var": {}}, UNSURE),
        (guest(), YES),
        ({"home": {}}, YES),
    ],
)
def test_of_several_roots_the_worst_word_counts(disk: Disk, second: Tree, proof: Proof) -> None:
    """And says of which of them it is; a volume without /etc and /var is no root."""
    says = disk.says(first=guest(), second=second)
    assert says
    assert says.proof is proof
    if "etc" in second:
        assert says.why.startswith("first: " if proof is YES else "second: ")


LUKS = Volume(Kind.LUKS, io.BytesIO(), "partition 3", frozenset({"PARTUUID=3"}))
THIN = Volume(Kind.CLOSED, None, "vg/data", frozenset({"/dev/vg/data"}), "it is thin")
LVM = Volume(Kind.LVM, None, "partition 4", why="its LVM cannot be read")


@pytest.mark.parametrize(
    ("other", "fstab", "proof", "warned"),
    [
        (LUKS, "", UNSURE, False),
        (LUKS, "PARTUUID=3 /srv ext4 defaults 0 2\n", YES, False),
        (LVM, "", UNSURE, False),
        (THIN, "", YES, True),
        (THIN, "/dev/vg/data /srv ext4 defaults 0 2\n", YES, False),
    ],
)
def test_what_cannot_be_read_may_be_another_system(
    disk: Disk,
    other: Volume,
    fstab: str,
    proof: Proof,
    warned: bool,  # noqa: FBT001 - a row of a table
) -> None:
    """Unless the guest mounts it; a logical volume that is closed only warns."""
    says = disk.says(other, root=guest({"fstab": fstab}))
    assert says
    assert (says.proof, Doubt.VOLUME in says.warnings) == (proof, warned), says
    if proof is UNSURE:
        assert other.name in says.why


def test_a_volume_that_is_broken_is_named(disk: Disk) -> None:
    """With its reason, whether it may be another system, or the only one."""
    beside = disk.says(root=guest(), data=Broken("a folder is damaged"))
    assert beside
    assert beside.why == "data may contain another system and cannot be read: a folder is damaged"
    alone = disk.says(data=KeyError("odd"))
    assert alone
    assert alone.why == "no Linux root can be read on the OS disk: data: KeyError: 'odd'"
    assert disk.says() is None


def test_what_cannot_be_listed_on_the_way_is_no_evidence(
    disk: Disk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever a parser raises there ends as that root's word."""

    def broken(_: Files, folder: int) -> Mapping[str, object]:
        if folder:
            msg = "a folder breaks off"
            raise Broken(msg)
        return listed(Files({"etc": {}, "var": {}}), 0)

    listed = Files.list
    monkeypatch.setattr(Files, "list", broken)
    assert disk.says(root=guest()) == Verdict(UNSURE, "a folder breaks off")


@pytest.mark.parametrize("file", ["fstab", "passwd"])
def test_a_text_with_nuls_is_no_text(disk: Disk, file: str) -> None:
    """Lines of a configuration that a crash overwrote with NULs do not count as absent."""
    assert disk.says(root=guest({file: "root:x:0\0\0"})) == Verdict(
        UNSURE, f"{file} is not a text file"
    )


def test_a_guest_without_its_folders_tells_nothing(disk: Disk) -> None:
    """Where even /var/lib is not found it is on a volume that no line of fstab has mounted."""
    found: Tree = {"etc": {"cloud": CLOUD, "hostname": "web\n"}, "var": {}}
    says = disk.says(root=found)
    assert says
    assert (says.proof, "nothing shows" in says.why) == (UNSURE, True)


@pytest.mark.parametrize("harm", ["superblock", "all"])
def test_a_second_system_does_not_vanish_with_its_first_block(harm: str) -> None:
    """A Linux volume with unknown content may be a system; an empty volume is not."""
    guest_ = Guest("Linux", "V2", 8, "succeeded", layout="linux-two-roots")
    source = contents(guest_)
    sound = Ranges(source.read, source.size - FOOTER)
    second = DissectDisk(sound).partitions[-1]
    length = 1024 if harm == "superblock" else second.size

    def fetch(offset: int, wanted: int) -> bytes:
        data = bytearray(source.read(offset, wanted))
        start = second.offset + (1024 if harm == "superblock" else 0)
        for at in range(max(start, offset), min(start + length, offset + len(data))):
            data[at - offset] = 0
        return bytes(data)

    says = judge(Ranges(fetch, source.size - FOOTER), "Linux")
    assert says.proof is (UNSURE if harm == "superblock" else YES), says.why
    if harm == "superblock":
        assert "partition 4 may contain another system" in says.why
