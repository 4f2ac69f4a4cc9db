"""What a reader finds on the disks of Azure's Linux distributions, running and deprovisioned."""

import re
from uuid import UUID

import pytest
from dissect.extfs import ExtFS

from simulator.contents.disk import Guest
from tests.simulator.contents_reading import Files, linux_on, names_in, partitions, text_of

# Whether the agent removes the host keys, and whether cloud-init is there.
FAMILIES = {
    "ubuntu-22.04": (False, True),
    "ubuntu-24.04": (False, True),
    "debian-12": (True, True),
    "debian-13": (True, True),
    "rhel-8": (True, True),
    "rhel-9": (True, True),
    "rhel-10": (True, True),
    "azurelinux-3": (True, True),
    "flatcar": (False, False),
}
KEYS = {f"ssh_host_{kind}_key" for kind in ("rsa", "ecdsa", "ed25519")}


def systems(layout: str, sysprep: str) -> tuple[Files, Files, str]:
    """Return the file systems of the root and of /var, and the path of /var on the latter."""
    guest = Guest("Linux", "V2", 8, sysprep, layout=layout)
    if layout == "flatcar":
        (root,) = (one.open() for one in partitions(guest) if one.name == "ROOT")
        return ExtFS(root), ExtFS(root), "var/"
    found = linux_on(guest)
    for files in found:
        if {"lib", "log", "spool"} <= names_in(files, ""):
            return found[0], files, ""
    return found[0], found[0], "var/"


@pytest.mark.parametrize("layout", FAMILIES)
def test_a_guest_that_runs_was_provisioned(layout: str) -> None:
    """It has an identity, keys, a user, and the marker files of the agent and cloud-init."""
    root, var, folder = systems(layout, "never")
    assert names_in(root, "etc/ssh") > KEYS
    assert re.fullmatch(r"[0-9a-f]{32}\n", text_of(root, "etc/machine-id"))
    assert "azureuser:x:1000:" in text_of(root, "etc/passwd")
    assert "provisioned" in names_in(var, f"{folder}lib/waagent")
    if FAMILIES[layout][1]:
        link = var.get(f"{folder}lib/cloud/instance").link
        assert link.rpartition("/")[2] in names_in(var, f"{folder}lib/cloud/instances")


@pytest.mark.parametrize("layout", FAMILIES)
def test_what_the_two_lines_leave(layout: str) -> None:
    """User, identity and the agent's files are gone; the keys only if the agent is set to."""
    root, var, folder = systems(layout, "succeeded")
    removed, cloud_init = FAMILIES[layout]
    assert (names_in(root, "etc/ssh") >= KEYS) != removed
    assert text_of(root, "etc/machine-id") == ""
    assert "azureuser" not in text_of(root, "etc/passwd")
    assert names_in(var, f"{folder}lib/waagent") == set()
    if cloud_init:
        assert "instance" in names_in(var, f"{folder}lib/cloud")
        assert "azureuser" in text_of(root, "etc/sudoers.d/90-cloud-init-users")


@pytest.mark.parametrize("layout", FAMILIES)
def test_half_done_is_told_two_ways(layout: str) -> None:
    """At first the agent's folder is unchanged, then only its mark is; user and identity are."""
    for sysprep, there in (("running", True), ("failed", False)):
        root, var, folder = systems(layout, sysprep)
        left = names_in(var, f"{folder}lib/waagent")
        assert "provisioned" in left
        assert ("ovf-env.xml" in left) == there
        assert "azureuser" in text_of(root, "etc/passwd")
        assert len(text_of(root, "etc/machine-id")) == 33


@pytest.mark.parametrize(
    ("layout", "begins"),
    [
        ("ubuntu-22.04", "UUID="),
        ("ubuntu-24.04", "LABEL=cloudimg-rootfs"),
        ("debian-12", "PARTUUID="),
        ("debian-13", "PARTUUID="),
        ("rhel-8", "/dev/mapper/rootvg-rootlv"),
        ("rhel-9", "UUID="),
        ("rhel-10", "UUID="),
        ("azurelinux-3", "PARTUUID="),
    ],
)
def test_fstab_names_file_systems_as_the_distribution_does(layout: str, begins: str) -> None:
    """By UUID, label, partition or device; the root it names is the root."""
    root, _, _ = systems(layout, "never")
    lines = [line.split() for line in text_of(root, "etc/fstab").splitlines()]
    (name,) = (line[0] for line in lines if line[1] == "/")
    assert name.startswith(begins)
    kind, _, identity = name.partition("=")
    if kind == "UUID":
        assert identity == identity_of(root)
    if kind == "PARTUUID":
        (here,) = (
            one.guid
            for one in partitions(Guest("Linux", "V2", 8, "never", layout=layout))
            if one.name == ""
        )
        assert identity == str(here)


def identity_of(files: Files) -> str:
    """Return a file system's UUID."""
    head = files.sb
    return str(UUID(bytes=bytes(head.s_uuid if hasattr(head, "s_uuid") else head.sb_uuid)))


@pytest.mark.parametrize(
    ("layout", "keys", "identity", "user"),
    [
        ("ubuntu-24.04-agent-only", True, 33, False),
        ("ubuntu-24.04-user-kept", True, 0, True),
        ("ubuntu-24.04-keys-kept", True, 0, False),
        ("debian-12-regenerate-n", True, 0, False),
        ("cloud-init-only", True, len("uninitialized\n"), True),
    ],
)
def test_variants_leave_what_they_are_named_for(
    layout: str, identity: int, *, keys: bool, user: bool
) -> None:
    """The remains of keys, identity and user, if they were removed in another way."""
    root, _, _ = systems(layout, "succeeded")
    assert (names_in(root, "etc/ssh") >= KEYS) == keys
    assert len(text_of(root, "etc/machine-id")) == identity
    assert ("azureuser" in text_of(root, "etc/passwd")) == user


def test_cloud_init_is_told_to_keep_keys() -> None:
    """Only one variant has this setting, in a separate file."""
    root, _, _ = systems("ubuntu-24.04-keys-kept", "succeeded")
    assert text_of(root, "etc/cloud/cloud.cfg.d/90-keep.cfg") == "ssh_deletekeys: false\n"


def test_cloud_init_without_an_agent() -> None:
    """There is no agent; cloud-init's own marker files are gone after a clean."""
    for sysprep, there in (("never", True), ("running", True), ("succeeded", False)):
        root, _, _ = systems("cloud-init-only", sysprep)
        assert "waagent" not in names_in(root, "usr/sbin")
        assert "waagent.conf" not in names_in(root, "etc")
        assert names_in(root, "var/lib/waagent") == {"ovf-env.xml"}
        assert ("instance" in names_in(root, "var/lib/cloud")) == there


def test_debian_without_cloud_init() -> None:
    """The agent alone provisions, and is configured to keep the host keys."""
    root, _, _ = systems("debian-12-regenerate-n", "succeeded")
    assert "cloud-init" not in names_in(root, "usr/bin")
    assert "RegenerateSshHostKeyPair=n" in text_of(root, "etc/waagent.conf")
