"""The proof: verdicts from the disk, and what prevents reading it.

Azure does not document whether opening or closing a disk changes its LastOwnershipUpdateTime. Each
story has the same result in both cases.
"""

import pytest

from shared.model.settings import MachineId
from simulator.simulator import Simulator
from tests.stories.world import Hosted, Json, Spine, Vm

APPX = (
    "SYSPRP Package Contoso.App_1.0.0.0_x64__8wekyb3d8bbwe was installed for a user, but not "
    "provisioned for all users. This package will not function properly in the sysprep image."
)
GENERALIZED = ("deallocated", True)
STARTABLE = ("deallocated", False)
MOST_OF_PROOF = 8

pytestmark = pytest.mark.parametrize("moves", ["never", "both"])


@pytest.fixture(autouse=True)
def _moves(emptied: Simulator, moves: str) -> None:
    emptied.client.settings(access_moves_ownership=moves)


def ordered(world: Hosted, target: str = "managed-image", **words: object) -> Vm:
    """Make a running VM whose order is accepted."""
    vm = world.vm("web", **words)
    vm.order(target)
    world.settle()
    return vm


def ended(world: Hosted, vm: Vm, act: str) -> Vm:
    """Let its guest act, then wait until nothing is running."""
    vm.guest(act)
    world.settle()
    return vm


def failed(world: Hosted) -> Json:
    """Return the only outcome, of a capture that failed."""
    (outcome,) = world.outcomes
    assert outcome["type"] == "Stillframe.CaptureFailed"
    data: Json = outcome["data"]
    return data


@pytest.mark.parametrize("target", ["managed-image", "golden/windows"])
@pytest.mark.parametrize("generation", ["V1", "V2"])
def test_a_generalized_disk_is_captured_on_its_own_word(
    world: Hosted, target: str, generation: str
) -> None:
    """The image's tags have the evidence; the disk is closed; the cost is as documented."""
    world.definition(hyperVGeneration=generation)
    vm = ordered(world, target, generation=generation)
    world.forget_requests()
    ended(world, vm, "sysprep")
    assert (vm.status, vm.state) == ("captured", GENERALIZED)
    (image,) = vm.images
    assert image["tags"]["stillframe-proof"] == "generalized"
    assert "IMAGE_STATE_GENERALIZE_RESEAL_TO_OOBE" in image["tags"]["stillframe-proof-detail"]
    (outcome,) = world.outcomes
    assert outcome["data"]["proofDetail"] == image["tags"]["stillframe-proof-detail"]
    assert vm.facts["osDiskState"] == "Reserved"
    assert len(world.proofs) <= MOST_OF_PROOF
    assert [path(one) for one in world.proofs].count("beginGetAccess") == 1
    assert world.failures == []


@pytest.mark.parametrize("target", ["managed-image", "golden/windows"])
def test_a_vm_that_ran_no_sysprep_starts_again(world: Hosted, target: str) -> None:
    """It is deallocated, not generalized; that is reported, and the order waits for Sysprep."""
    world.definition()
    vm = ended(world, ordered(world, target), "shutdown")
    assert (vm.status, vm.state, vm.images) == ("not-generalized", STARTABLE, [])
    assert "IMAGE_STATE_COMPLETE" in str(vm.said("detail"))
    assert failed(world)["proof"] == "not-generalized"
    vm.power("start")
    world.settle()
    assert (vm.state[0], vm.status) == ("running", "waiting")
    ended(world, vm, "sysprep")
    assert (vm.status, len(vm.images)) == ("captured", 1)


def test_a_failed_sysprep_is_told_in_its_own_words(world: Hosted) -> None:
    """The tag has the line that names the package, the event the last run's whole log."""
    vm = ordered(world)
    world.client.guest(vm.id, "sysprep-fails-and-shuts-down", APPX)
    world.settle()
    assert (vm.status, vm.state) == ("not-generalized", STARTABLE)
    assert "Package Contoso.App_1.0.0.0_x64__8wekyb3d8bbwe" in str(vm.said("detail"))
    detail = failed(world)["detail"]
    assert "provisioned for all users" in detail
    assert len(detail) > len(str(vm.said("detail")))


def test_a_negative_verdict_is_read_once(world: Hosted) -> None:
    """Doubled events, users' tags and sweeps do not reopen a disk until the VM has run."""
    vm = ended(world, ordered(world), "shutdown")
    world.forget_requests()
    for word in ("one", "two"):
        vm.tag({"team": word})
        world.settle()
        world.sweep()
    assert world.writes == world.proofs == world.disk_reads == []
    assert vm.status == "not-generalized"


def test_what_ran_and_was_deallocated_unseen_is_found_within_the_hour(world: Hosted) -> None:
    """A sweep sees it deallocated as before; the disk's new release time shows that it ran."""
    vm = ended(world, ordered(world), "shutdown")
    assert vm.status == "not-generalized"
    world.sweep()
    world.events("lose")
    vm.power("start")
    world.let(600)
    vm.guest("sysprep")
    world.let(600)
    vm.power("deallocate")
    world.let(600)
    for _ in range(16):
        world.let(300)
        world.sweep()
    assert vm.status == "captured"


def test_a_right_refused_for_a_moment_is_no_verdict(world: Hosted) -> None:
    """If Azure denies the access it is retried; only verdicts are remembered."""
    vm = ordered(world)
    world.refuse("POST", "/beginGetAccess", 403, "RequestDisallowedByPolicy", message="Not now.")
    ended(world, vm, "sysprep")
    assert (vm.status, vm.state) == ("refused", ("deallocated", False))
    assert "RequestDisallowedByPolicy: Not now." in str(vm.said("detail"))
    for _ in range(13):
        world.let(300)
        world.sweep()
    world.settle()
    assert (vm.status, vm.state) == ("captured", GENERALIZED)


LINUX = (
    *(None, "linux-xfs", "linux-lvm", "linux-lvm-xfs", "linux-btrfs", "linux-separate-var"),
    *("ubuntu-22.04", "ubuntu-24.04", "debian-12", "debian-13", "rhel-8", "rhel-9", "rhel-10"),
    *("sles-15", "azurelinux-3", "flatcar-keys-removed"),
)


@pytest.mark.parametrize("layout", LINUX)
@pytest.mark.parametrize("act", ["powerOff", "deallocate"])
def test_a_deprovisioned_linux_is_captured_when_its_owner_stops_it(
    world: Hosted, layout: str | None, act: str
) -> None:
    """Its guest keeps running after waagent, so the owner's stop starts the capture."""
    vm = ordered(world, os="Linux", layout=layout)
    ended(world, vm, "deprovision")
    assert vm.state == ("running", False)
    vm.power(act)
    world.settle()
    assert (vm.status, vm.state) == ("captured", GENERALIZED)


def test_a_linux_in_use_is_told_what_is_in_the_way(world: Hosted) -> None:
    """The report names waagent's mark and what removes it; the VM can be started again."""
    vm = ordered(world, os="Linux")
    vm.power("deallocate")
    world.settle()
    assert (vm.status, vm.state) == ("not-generalized", STARTABLE)
    detail = str(vm.said("detail"))
    for what in ("/var/lib/waagent/provisioned exists", "waagent -deprovision+user -force"):
        assert what in detail


def test_what_an_image_should_not_have_is_told_with_it(world: Hosted) -> None:
    """A machine id that is left is a warning on the image and in its event."""
    vm = ordered(world, os="Linux", layout="ubuntu-24.04-agent-only")
    ended(world, vm, "deprovision")
    vm.power("deallocate")
    world.settle()
    (image,) = vm.images
    warning = image["tags"]["stillframe-proof-warnings"]
    assert "truncate -s 0 /etc/machine-id" in warning
    (outcome,) = world.outcomes
    assert outcome["data"]["proofWarnings"] == warning


def test_the_operator_may_want_machines_without_an_id(spine: Spine) -> None:
    """With PROOF_MACHINE_ID=required such a disk is not captured; its VM can be fixed."""
    vm = spine.vm(
        power="deallocated", sysprep="succeeded", os="Linux", layout="ubuntu-24.04-agent-only"
    )
    vm.order("managed-image")
    spine.under(machine_id=MachineId.REQUIRED).carry(vm)
    assert (vm.status, vm.state, vm.images) == ("not-generalized", STARTABLE, [])
    assert "/etc/machine-id" in str(vm.said("detail"))
    assert vm.said("proof") == "generalized"
    spine.under(machine_id=MachineId.WARN).carry(vm)
    assert (vm.status, len(vm.images)) == ("captured", 1)


@pytest.mark.parametrize(
    ("layout", "os", "words"),
    [
        ("windows-bitlocker", "Windows", "BitLocker"),
        ("windows-dirty", "Windows", "not shut down cleanly"),
        ("windows-ldm", "Windows", "dynamic disk"),
        ("linux-luks", "Linux", "LUKS"),
        ("linux-inline-data", "Linux", "inline_data"),
        ("linux-var-elsewhere", "Linux", "/var is on UUID="),
        ("linux-lvm-root-missing", "Linux", "not on this disk"),
        ("linux-dirty", "Linux", "not shut down cleanly"),
        ("linux-xfs-dirty", "Linux", "not shut down cleanly"),
        ("blank", "Windows", "cannot be read"),
    ],
)
def test_what_cannot_be_told_permits_nothing(
    world: Hosted, layout: str, os: str, words: str
) -> None:
    """If a disk cannot be read this is reported, and its VM is not generalized."""
    vm = ordered(world, layout=layout, os=os)
    ended(world, vm, "sysprep" if os == "Windows" else "deprovision")
    if os == "Linux":
        vm.power("deallocate")
        world.settle()
    assert (vm.status, vm.state, vm.images) == ("not-generalized", STARTABLE, [])
    assert words in str(vm.said("detail"))
    assert failed(world)["proof"] == "cannot-tell"


@pytest.mark.parametrize("marked", [True, False])
@pytest.mark.parametrize("sysprep", ["never", "failed"])
def test_a_mark_of_somebody_else_proves_nothing(
    world: Hosted, sysprep: str, *, marked: bool
) -> None:
    """A waiting VM that was generalized by hand is not captured, and this is reported."""
    order = {"stillframe-capture": "managed-image"}
    vm = world.vm(power="deallocated", generalized=marked, sysprep=sysprep, tags=order)
    world.sweep()
    world.settle()
    assert (vm.status, vm.images) == ("not-generalized", [])
    assert ("is marked generalized" in str(vm.said("detail"))) is marked


def test_a_disk_that_somebody_reads_is_left_alone(world: Hosted) -> None:
    """Access that a backup opened is not closed; the capture continues when it has ended.

    For ten minutes the event is redelivered, because it may be our own access; then sweeps look.
    """
    vm = world.vm(power="deallocated", sysprep="succeeded")
    disk = f"{vm.facts['osDisk']}/beginGetAccess?api-version=2026-03-02"
    world.owner("POST", disk, {"access": "Read", "durationInSeconds": 7200})
    vm.order("managed-image")
    world.let(3600)
    assert (vm.status, vm.state) == ("deallocating", STARTABLE)
    assert world.proofs == []
    assert 0 < len(world.failures) < 8
    failures = len(world.failures)
    world.let(3601)
    assert len(world.failures) == failures
    world.sweep()
    world.settle()
    assert (vm.status, vm.state) == ("captured", GENERALIZED)


@pytest.mark.parametrize(
    "fault", [{"error": {"status": 500, "code": "ServerError", "message": "Busy."}}, {"cut": 100}]
)
def test_an_error_while_reading_is_no_verdict(world: Hosted, fault: Json) -> None:
    """The disk is closed, nothing is reported, and the event is redelivered.

    Of the ranges that are read at the same time at least one fails at every attempt.
    """
    vm = ordered(world)
    world.client.disk_fault(**fault, nth=2, count=12)
    ended(world, vm, "sysprep")
    assert (vm.status, vm.state) == ("captured", GENERALIZED)
    assert len(vm.images) == 1
    assert [outcome["type"] for outcome in world.outcomes] == ["Stillframe.ImageCaptured"]
    opened = [path(one) for one in world.proofs]
    assert opened.count("beginGetAccess") == opened.count("endGetAccess") > 1


def test_what_could_not_be_opened_is_not_closed(world: Hosted) -> None:
    """If opening failed, a close could only revoke the access of somebody else."""
    vm = ordered(world)
    world.fault("POST", "/beginGetAccess", operation={"code": "Internal", "message": "No."})
    ended(world, vm, "sysprep")
    assert vm.status == "captured"
    opened = [path(one) for one in world.proofs]
    assert (opened.count("beginGetAccess"), opened.count("endGetAccess")) == (2, 1)


@pytest.mark.parametrize(
    "closed",
    [
        {"networkAccessPolicy": "DenyAll"},
        {"networkAccessPolicy": "AllowPrivate"},
        {"publicNetworkAccess": "Disabled"},
    ],
)
def test_a_disk_closed_to_the_network_is_refused_while_the_vm_runs(
    world: Hosted, closed: dict[str, str]
) -> None:
    """It could not be read later, so this is reported before Sysprep."""
    vm = ordered(world, disk_properties=closed)
    assert (vm.status, vm.state) == ("refused", ("running", False))
    assert next(iter(closed)) in str(vm.said("detail"))


@pytest.mark.parametrize("act", ["beginGetAccess", "endGetAccess"])
def test_a_missing_right_is_refused_while_the_vm_runs(world: Hosted, act: str) -> None:
    """Opening and closing need separate permissions; the missing permission is named."""
    action = f"Microsoft.Compute/disks/{act}/action"
    world.forbid(action)
    vm = ordered(world)
    assert (vm.status, vm.state) == ("refused", ("running", False))
    assert action in str(vm.said("detail"))


def test_a_disk_for_entra_alone_is_read_with_a_token(world: Hosted) -> None:
    """It needs a token as well as the URL; a missing permission for that is named."""
    entra = {"dataAccessAuthMode": "AzureActiveDirectory"}
    download = "Microsoft.Compute/disks/download/action"
    vm = ordered(world, disk_properties=entra)
    assert (vm.status, vm.state[0]) == ("refused", "running")
    assert download in str(vm.said("detail"))
    world.grant(download)
    vm.tag({"team": "images"})
    world.settle()
    assert vm.status == "waiting"
    ended(world, vm, "sysprep")
    assert (vm.status, vm.state) == ("captured", GENERALIZED)


def test_the_url_of_a_disk_stands_in_no_log_and_no_message(world: Hosted) -> None:
    """This holds for a successful read and for a storage server that does not respond."""
    vm = ordered(world)
    world.client.disk_fault(drop=True, nth=1, count=3)
    ended(world, vm, "sysprep")
    assert vm.status == "captured"
    said = [line for one in world.invocations for line in one["lines"]]
    assert any("disk read" in line for line in said)
    assert [line for line in said if "sig=" in line or "/md-" in line] == []
    assert "sig=" not in str(vm.tags) + str(world.outcomes)


def path(request: Json) -> str:
    """Return the last part of a request's path."""
    return str(request["path"].rsplit("/", 1)[1])
