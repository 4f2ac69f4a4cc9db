"""The rules of a boot test, what a test VM is like, and what is sent back to promote a version."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from shared.capture.targets import read_test
from shared.cloud.bodies import promoted_body
from shared.cloud.temporary import trial_body
from shared.model.facts import AttachedDisk, Boot, Missing, ObservedImage, Provisioning, TrialVm
from shared.model.ids import VmRef
from shared.model.instants import write_instant
from shared.model.settings import BootTest
from shared.model.tags import SourceTag
from shared.workshop.boot import (
    ATTEMPTS,
    DEADLINE,
    FIRST_PAUSE,
    BootStep,
    Judged,
    Start,
    Wait,
    boot_step,
    is_due,
    pause_ends,
    tags_of,
    trial_ref,
)
from shared.workshop.machine import machine_of, machine_tag
from tests.unit.making import NOW, REF, VERSION, vm

LEGACY = "OS Provisioning did not finish. However, the VM guest agent was detected running."
MINUTE = timedelta(minutes=1)


def image(**tags: str) -> ObservedImage:
    """Make a version that is to be booted; `tags` without their prefix."""
    named = {f"stillframe-{name.replace('_', '-')}": value for name, value in tags.items()}
    due = {SourceTag.BOOT.value: "due", SourceTag.VM_ID.value: "0a0b"}
    return ObservedImage(
        ref=VERSION,
        provisioning=Provisioning.SUCCEEDED,
        source=REF,
        tags=due | named,
        location="westeurope",
    )


def trial(state: Provisioning, age: timedelta = MINUTE, **words: Any) -> TrialVm:  # noqa: ANN401
    """Make a test VM of an age."""
    made = TrialVm(ref=REF, image=VERSION, provisioning=state, created=NOW - age)
    return replace(made, **words)


S, C, F = Provisioning.SUCCEEDED, Provisioning.CREATING, Provisioning.FAILED
TIMED_OUT: dict[str, Any] = {
    "code": "OSProvisioningTimedOut",
    "why": "did not finish in the allotted time",
}


@pytest.mark.parametrize(
    ("seen", "expected"),
    [
        (Missing.GONE, Start()),
        (trial(C), Wait()),
        (trial(Provisioning.DELETING), Wait()),
        (trial(C, DEADLINE), Boot.CANNOT_TELL),
        (trial(S, ready=True), Boot.BOOTED),
        (trial(S, 2 * DEADLINE, ready=True), Boot.BOOTED),
        (trial(S), Wait()),
        (trial(S, DEADLINE), Boot.CANNOT_TELL),
        (trial(F, **TIMED_OUT), Boot.DOES_NOT_BOOT),
        (trial(F, code="OSProvisioningTimedOut", why=LEGACY), Boot.NOT_PREPARED),
        (trial(F, code="OSProvisioningClientError", why=LEGACY), Boot.NOT_PREPARED),
        (trial(F, code="OSProvisioningClientError", why="failed"), Boot.NOT_PREPARED),
        (trial(F, code="OSProvisioningInternalError", why="internal"), Boot.CANNOT_TELL),
        (trial(F, code="AllocationFailed", why="no room"), Boot.CANNOT_TELL),
        (trial(F), Boot.CANNOT_TELL),
        (Missing.DENIED, Boot.CANNOT_TELL),
    ],
)
def test_what_is_next(seen: TrialVm | Missing, expected: BootStep | Boot) -> None:
    """By the test VM's state, its error and its age."""
    step = boot_step(image(), seen, NOW)
    assert (step.boot if isinstance(step, Judged) else step) == expected


def test_a_contradiction_is_no_verdict() -> None:
    """A disk that was proved to be generalized is not called not prepared; both are said."""
    seen = trial(F, code="OSProvisioningClientError", why=LEGACY)
    step = boot_step(image(proof="generalized"), seen, NOW)
    assert isinstance(step, Judged)
    assert step.boot is Boot.CANNOT_TELL
    assert "its disk was generalized" in step.why


def test_an_attempt_has_its_own_vm() -> None:
    """The name derives from the image and the attempt, and is a Windows computer's name."""
    first, second = (trial_ref(image(boot_attempts=str(n)), "w") for n in (0, 1))
    assert first
    assert second
    assert first.name[:-1] == second.name[:-1]
    assert (first.name[-1], second.name[-1]) == ("1", "2")
    assert trial_ref(replace(image(), source=None), "w") is None
    other = trial_ref(image(started="2026-01-01T00:00:00Z"), "w")
    assert other
    assert other.name != first.name


def test_pauses_double_and_end() -> None:
    """Half an hour, an hour and so on; after the last attempt nothing is due."""
    at = write_instant(NOW)
    tried = [image(boot="cannot-tell", boot_attempts=str(n), boot_at=at) for n in (1, 2, 3)]
    ends = [pause_ends(one) for one in tried]
    assert ends == [NOW + FIRST_PAUSE * factor for factor in (1, 2, 4)]
    assert all(map(is_due, tried))
    assert not is_due(image(boot="cannot-tell", boot_attempts=str(ATTEMPTS)))
    assert pause_ends(image()) is None
    assert is_due(image(boot="nonsense"))


def test_only_an_attempt_without_a_verdict_is_counted() -> None:
    """The tags of a verdict have no attempt; those of none have one more, and when it was."""
    booted = tags_of(image(), Judged(Boot.BOOTED, "it booted", 3), "https://p", NOW)
    assert booted == {
        "stillframe-boot": "booted",
        "stillframe-boot-detail": "it booted",
        "stillframe-boot-minutes": "3",
        "stillframe-boot-picture": "https://p",
    }
    none = tags_of(image(boot_attempts="1"), Judged(Boot.CANNOT_TELL, "no room"), "", NOW)
    assert (none["stillframe-boot-attempts"], "stillframe-boot-at" in none) == ("2", True)


def test_a_machine_survives_its_tag() -> None:
    """What a source VM is like is on its image, within a tag's length, and is read back."""
    source = replace(
        vm(security_type="TrustedLaunch", disk_controller="NVMe"),
        secure_boot=True,
        vtpm=True,
        host_encryption=True,
        license_type="Windows_Server",
        data_disks=(AttachedDisk("/d", lun=0), AttachedDisk("/e", lun=7)),
    )
    text = machine_tag(source)
    assert len(text) <= 256
    made = machine_of(image(source_machine=text))
    assert (made.size, made.os_type) == (source.machine.size, "Windows")
    assert (made.security_type, made.secure_boot, made.vtpm) == ("TrustedLaunch", True, True)
    assert (made.controller, made.host_encryption) == ("NVMe", True)
    assert (made.license_type, made.luns) == ("Windows_Server", (0, 7))


@pytest.mark.parametrize(("os", "windows"), [("Windows", True), ("Linux", False)])
def test_the_body_of_a_test_vm(os: str, windows: bool) -> None:  # noqa: FBT001
    """All goes with it; a password that is never the same; a computer name that Windows takes."""
    ref = VmRef("s", "w", "boot-0123456789-1")
    plan = {"plan_publisher": "p", "plan_product": "o", "plan_name": "n"}
    of = image(source_machine=f"size=Standard_D2s_v5 os={os} luns=3", **plan)
    first, second = (trial_body(of, ref, {"a": "b"}) for _ in range(2))
    profile = first["properties"]["osProfile"]
    assert profile["adminPassword"] != second["properties"]["osProfile"]["adminPassword"]
    assert len(profile["computerName"]) <= 15
    assert ("windowsConfiguration" in profile) is windows
    storage = first["properties"]["storageProfile"]
    assert [one["lun"] for one in storage["dataDisks"]] == [3]
    for one in (storage["osDisk"], *storage["dataDisks"]):
        assert one["deleteOption"] == "Delete"
    assert first["plan"] == {"publisher": "p", "product": "o", "name": "n"}
    assert first["tags"] == {"a": "b"}
    assert "securityProfile" not in first["properties"]


def test_a_version_is_sent_back_as_it_was() -> None:
    """Only excludeFromLatest and the tags differ; what Azure only shows is left out."""
    body = {
        "location": "westeurope",
        "tags": {"kept": "yes"},
        "properties": {
            "provisioningState": "Succeeded",
            "replicationStatus": {"summary": []},
            "safetyProfile": {"allowDeletionOfReplicatedLocations": False},
            "storageProfile": {"source": {"virtualMachineId": "/v"}, "osDiskImage": {}},
            "publishingProfile": {
                "publishedDate": "2026-01-01",
                "excludeFromLatest": True,
                "replicaCount": 2,
                "targetRegions": [{"name": "West Europe", "excludeFromLatest": True}],
            },
        },
    }
    sent = promoted_body(body, {"stillframe-boot": "booted"})
    assert sent == {
        "location": "westeurope",
        "tags": {"kept": "yes", "stillframe-boot": "booted"},
        "properties": {
            "safetyProfile": {"allowDeletionOfReplicatedLocations": False},
            "storageProfile": {"source": {"virtualMachineId": "/v"}},
            "publishingProfile": {
                "excludeFromLatest": False,
                "replicaCount": 2,
                "targetRegions": [{"name": "West Europe"}],
            },
        },
    }


def test_no_tag_means_what_the_operator_says() -> None:
    """Without a tag only `always` tests."""
    assert [read_test(None, policy) for policy in BootTest] == [False, False, True]
