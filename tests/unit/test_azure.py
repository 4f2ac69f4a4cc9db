"""The Azure clients over a fake transport: the requests they send and how they read responses."""

import json
import logging
from dataclasses import replace
from typing import Any

import pytest
from requests import ConnectionError as ConnectionFailed

from shared.cloud.arm import Arm
from shared.cloud.azure import Azure
from shared.cloud.ledger import LedgerStore
from shared.cloud.pages import Pages
from shared.cloud.pictures import Pictures
from shared.cloud.prices import Prices
from shared.cloud.topic import Topic
from shared.model.errors import Refused, Transient, Withheld
from shared.model.facts import (
    Look,
    Missing,
    ObservedDisk,
    PowerState,
    Price,
    Proof,
    Provisioning,
    Refusal,
    Unread,
    Verdict,
)
from shared.model.ids import ManagedImageRef
from shared.model.instants import read_instant
from shared.model.outcomes import Outcome, OutcomeType
from shared.model.settings import PUBLIC_ARM
from shared.model.steps import (
    Create,
    ReadDataDisks,
    ReadDefinition,
    ReadDisk,
    ReadDiskRights,
    ReadImage,
    ReadRegions,
    ReadRights,
)
from shared.model.tags import Memory, Words
from tests.unit.fake_wire import Answer, Signedin, Wire, wire
from tests.unit.making import (
    DISKS,
    GALLERY,
    GENERALIZED,
    MANAGED,
    NOW,
    REF,
    RELEASED,
    VERSION,
    disk,
    order,
    say,
    settings,
    vm,
)

__all__ = ["wire"]

TOPIC = "https://topic.westeurope-1.eventgrid.azure.net/api/events"
PRICES = "https://prices.azure.com/api/retail/prices"
MANAGED_IMAGE = ManagedImageRef(REF.subscription, REF.group, "web-01")
DISK = f"{DISKS}/os"
OUTCOME = Outcome("id", OutcomeType.CAPTURED, REF.id, REF.name, NOW, {"reason": "captured"})
VM = {
    "id": REF.id,
    "location": "westeurope",
    "properties": {
        "provisioningState": "Succeeded",
        "vmId": "0a0b",
        "storageProfile": {"osDisk": {"osType": "Windows", "managedDisk": {"id": DISK}}},
        "instanceView": {"statuses": [{"code": "PowerState/deallocated"}]},
    },
}
OS_DISK = {"id": DISK, "properties": {"osType": "Windows", "diskSizeGB": 1}, "tags": {"A": "b"}}
STORAGE = "https://md-1.z1.blob.storage.azure.net/vhd?sig=secret"


def azure(topic: str = TOPIC, *, dry_run: bool = False) -> Azure:
    """Create the clients as `connect` does, with a credential that always has a token."""
    signed_in: Any = Signedin()
    return Azure(
        Arm(PUBLIC_ARM, signed_in, dry_run=dry_run),
        Topic(topic, signed_in, dry_run=dry_run),
        LedgerStore("", signed_in),
        Pictures("", signed_in),
        Pages("", signed_in, dry_run=dry_run),
        Prices(PRICES, "EUR"),
        settings(dry_run=dry_run),
    )


def create(ref: Any = VERSION) -> Create:  # noqa: ANN401 - either kind of reference
    """Make the step that starts to create an image."""
    return Create(
        say=say(),
        ref=ref,
        order=order(),
        as_of=RELEASED,
        verdict=GENERALIZED,
        generation="V2",
        regions=(),
    )


def test_a_look_is_one_request(wire: Wire) -> None:
    """Model and instance view are read with one request, and every request is counted."""
    wire.answer("GET virtualMachines/web-01", VM)
    cloud = azure()
    look = cloud.look(REF)
    assert isinstance(look, Look)
    assert (look.vm.power, look.disk) == (PowerState.DEALLOCATED, None)
    assert (len(wire.sent), cloud.requests, cloud.currency) == (1, 1, "EUR")


@pytest.mark.parametrize(("status", "missing"), [(404, Missing.GONE), (403, Missing.DENIED)])
def test_a_vm_that_is_not_there_and_one_that_is_not_ours_to_read(
    wire: Wire, status: int, missing: Missing
) -> None:
    """404 and 403 are returned as `Missing`, not raised."""
    wire.answer("GET virtualMachines/web-01", {"error": {"code": "X", "message": "y"}}, status)
    assert azure().look(REF) is missing


def test_a_generalized_vm_is_looked_at_with_its_disk(wire: Wire) -> None:
    """Its current tags are on the OS disk."""
    statuses = [{"code": "PowerState/deallocated"}, {"code": "OSState/generalized"}]
    properties = {**VM["properties"], "instanceView": {"statuses": statuses}}  # type: ignore[dict-item]
    wire.answer("GET virtualMachines/web-01", {**VM, "properties": properties})
    wire.answer("GET disks/os", OS_DISK)
    look = azure().look(REF)
    assert isinstance(look, Look)
    assert isinstance(look.disk, ObservedDisk)
    assert look.vm.memory.id == DISK


def test_each_fact_is_read_where_it_is(wire: Wire) -> None:
    """Each read adds one fact; a resource that does not exist is `Missing`."""
    version = {
        "id": VERSION.id,
        "name": VERSION.version,
        "properties": {
            "provisioningState": "Succeeded",
            "publishingProfile": {"targetRegions": [{"name": "West Europe"}]},
        },
    }
    wire.answer("GET disks/os", OS_DISK)
    wire.answer("GET images/windows", {"properties": {"osType": "Windows", "osState": "G"}})
    wire.answer("GET images/windows/versions", {"value": [version]})
    wire.answer(f"GET versions/{VERSION.version}", version)
    wire.answer("GET providers/Microsoft.Authorization/permissions", {"value": []})
    cloud, look = azure(), Look(vm=vm(data_disks=(vm().os_disk,)))
    wants = (
        *(ReadDisk(), ReadDataDisks(), ReadDefinition(GALLERY), ReadRegions(GALLERY)),
        *(ReadRights(GALLERY), ReadDiskRights(), ReadImage(VERSION), ReadImage(MANAGED_IMAGE)),
    )
    for what in wants:
        look = cloud.read(look, what)
    assert isinstance(look.disk, ObservedDisk)
    assert look.data_disks == (look.disk,)
    assert look.regions
    assert (look.regions[0].name, look.disk_rights) == ("West Europe", ())
    made = look.images[VERSION.key]
    assert not isinstance(made, Missing)
    assert made.provisioning is Provisioning.SUCCEEDED
    assert look.images[MANAGED_IMAGE.key] is Missing.GONE
    bare = Look(vm=vm(os_disk=replace(vm().os_disk, id=None)))
    assert cloud.read(bare, ReadDisk()).disk is Missing.GONE
    assert cloud.read(bare, ReadDiskRights()).disk_rights is Missing.DENIED


@pytest.mark.parametrize(
    ("properties", "known"),
    [
        ({"availabilityState": "Unavailable", "occuredTime": "2026-05-04T08:00:00Z"}, True),
        ({"availabilityState": "Unavailable", "occurredTime": "2026-05-05T08:00:00Z"}, False),
        ({"availabilityState": "Available", "occuredTime": "2026-05-04T08:00:00Z"}, False),
    ],
)
def test_resource_health_says_when_a_vm_stopped(
    wire: Wire,
    properties: Any,  # noqa: ANN401 - JSON
    *,
    known: bool,
) -> None:
    """Either spelling of the property is read; a time in the future is ignored."""
    wire.answer("GET availabilityStatuses/current", {"properties": properties})
    stopped = azure().stopped_at(REF, NOW)
    assert stopped == (read_instant("2026-05-04T08:00:00Z") if known else None)


def test_a_subscription_is_read_by_its_lists(wire: Wire) -> None:
    """All pages are read and joined by id; groups without a Stillframe tag are dropped."""
    tagged = {**VM, "tags": {"stillframe-capture": "yes"}}
    more = f"{PUBLIC_ARM}/subscriptions/{REF.subscription}/next"
    wire.answer("GET Microsoft.Compute/virtualMachines", {"value": [], "nextLink": more})
    states = {"value": [_state("stopped")]}
    wire.answer("GET Microsoft.Compute/virtualMachines?statusOnly", states)
    wire.answer("GET /next", {"value": [tagged]})
    wire.answer("GET /resourcegroups", {"value": [{"id": REF.group_id, "tags": {"A": "b"}}]})
    listing = azure().vms(REF.subscription)
    (listed,) = listing.vms.values()
    assert (listed.power, listed.provisioning) == (PowerState.STOPPED, Provisioning.SUCCEEDED)
    assert listed.tags == {"stillframe-capture": "yes"}
    assert listing.groups == {}


def test_a_failed_state_may_have_its_reason(wire: Wire) -> None:
    """A list's `ProvisioningState/failed/AllocationFailed` is Failed."""
    wire.answer("GET Microsoft.Compute/virtualMachines", {"value": []})
    view = {"statuses": [{"code": "ProvisioningState/failed/AllocationFailed"}]}
    view["statuses"].append({"code": "PowerState/stopped"})
    state = {"id": REF.id, "properties": {"instanceView": view}}
    wire.answer("GET Microsoft.Compute/virtualMachines?statusOnly", {"value": [state]})
    wire.answer("GET /resourcegroups", {"value": []})
    (listed,) = azure().vms(REF.subscription).vms.values()
    assert listed.provisioning is Provisioning.FAILED


def _state(power: str, *more: str) -> dict[str, Any]:
    codes = [f"PowerState/{power}", "ProvisioningState/succeeded", *more]
    view = {"statuses": [{"code": code} for code in codes]}
    return {"id": REF.id, "properties": {"instanceView": view}}


def test_a_generalized_vms_disk_is_listed_with_it(wire: Wire) -> None:
    """The tags of its OS disk replace those on the VM."""
    remembered = {"stillframe-source-id": "0a0b", "stillframe-status": "captured"}
    listed = {"id": DISK, "managedBy": REF.id, "tags": remembered, "properties": {"osType": "W"}}
    frozen = _state("deallocated", "OSState/generalized")
    wire.answer("GET Microsoft.Compute/virtualMachines?statusOnly", {"value": [frozen]})
    wire.answer("GET Microsoft.Compute/virtualMachines", {"value": [VM]})
    wire.answer("GET Microsoft.Compute/disks", {"value": [listed]})
    (found,) = azure().vms(REF.subscription).vms.values()
    assert found.tags["stillframe-status"] == "captured"


def test_what_may_not_be_read_of_groups_does_not_count(
    wire: Wire, caplog: pytest.LogCaptureFixture
) -> None:
    """`groups` is None if groups cannot be listed, so that no VM is deallocated by policy."""
    denied = {"error": {"code": "AuthorizationFailed", "message": "no right"}}
    states = {"value": [_state("stopped")]}
    wire.answer("GET Microsoft.Compute/virtualMachines?statusOnly", states)
    wire.answer("GET Microsoft.Compute/virtualMachines", {"value": []})
    wire.answer("GET /resourcegroups", denied, 403)
    assert azure().vms(REF.subscription).groups is None
    assert "are ignored" in caplog.text


def test_locks_are_told_by_their_scopes(wire: Wire) -> None:
    """The locked scope is in lower case, with a trailing slash."""
    lock = f"{REF.group_id}/providers/Microsoft.Authorization/locks/keep"
    wire.answer("GET Microsoft.Authorization/locks", {"value": [{"id": lock}]})
    assert azure().locks(REF.subscription) == {f"{REF.group_id}/".lower()}


def test_images_are_listed_where_orders_send_them(wire: Wire) -> None:
    """A group's managed images and gallery versions are listed; denied ones are skipped."""
    image = {"id": MANAGED_IMAGE.id, "properties": {"provisioningState": "Succeeded"}}
    version = {"id": VERSION.id, "properties": {"provisioningState": "Failed"}}
    wire.answer("GET Microsoft.Compute/images", {"value": [image, {"id": "nonsense"}]})
    wire.answer("GET Microsoft.Compute/galleries", {"value": [{"name": "gallery"}]})
    wire.answer("GET galleries/gallery/images", {"value": [{"name": "windows"}]})
    wire.answer("GET images/windows/versions", {"value": [version]})
    wire.answer("GET images/secret/versions", {"error": {"code": "No", "message": "no"}}, 403)
    secret = replace(GALLERY, definition="secret")
    made = azure().images((GALLERY, secret, MANAGED))
    assert [seen.ref.key for seen in made] == [MANAGED_IMAGE.key, VERSION.key]


def test_what_is_written_and_how(wire: Wire) -> None:
    """Each step sends one request and does not poll; tags are merged or deleted, not replaced."""
    for what in ("POST /deallocate", "POST /generalize", "PATCH tags/default"):
        wire.answer(what, {}, 200)
    wire.answer("PUT images/web-01", {}, 201)
    wire.answer(f"PUT versions/{VERSION.version}", {}, 201)
    wire.answer("POST /api/events", None, 200)
    cloud, seen = azure(), vm(memory=Memory(REF.id))
    cloud.deallocate(REF)
    cloud.generalize(REF)
    cloud.create(seen, create(), NOW)
    cloud.create(seen, create(MANAGED_IMAGE), NOW)
    after = cloud.write(seen, Words({"a": "b"}, {"stillframe-capture": "gallery/windows"}))
    cloud.tag_image(VERSION, {"told": "now"})
    cloud.publish(OUTCOME)
    cloud.publish(OUTCOME)  # not published again by the same process
    assert after.tags == {"a": "b"}
    assert [sent.partition(" ")[0] for sent in wire.sent] == [
        *("POST", "POST", "PUT", "PUT", "PATCH", "PATCH", "PATCH", "POST"),
    ]
    operations = [json.loads(wire.bodies[number])["operation"] for number in (4, 5, 6)]
    assert operations == ["Merge", "Delete", "Merge"]


def test_a_dry_run_sends_no_write(wire: Wire, caplog: pytest.LogCaptureFixture) -> None:
    """No client sends anything but reads, except the heartbeat."""
    caplog.set_level("INFO")
    wire.answer("GET virtualMachines/web-01", VM)
    cloud, seen = azure(dry_run=True), vm()
    assert isinstance(cloud.look(REF), Look)
    acts = (
        lambda: cloud.deallocate(REF),
        lambda: cloud.generalize(REF),
        lambda: cloud.create(seen, create(), NOW),
        lambda: cloud.create(seen, create(MANAGED_IMAGE), NOW),
        lambda: cloud.write(seen, Words({"a": "b"})),
        lambda: cloud.write(seen, Words({}, {"a": "b"})),
        lambda: cloud.tag_image(VERSION, {"a": "b"}),
        lambda: cloud.prove(Look(vm=seen, disk=disk())),
        lambda: cloud.publish(OUTCOME),
    )
    for act in acts:
        with pytest.raises(Withheld):
            act()
    assert [sent.partition(" ")[0] for sent in wire.sent] == ["GET"]
    wire.answer("POST /api/events", None, 200)
    cloud.publish(replace(OUTCOME, type=OutcomeType.SWEPT))
    assert wire.sent[-1] == "POST /api/events"


def test_without_a_topic_outcomes_are_logged(caplog: pytest.LogCaptureFixture) -> None:
    """Each outcome is one line of JSON."""
    caplog.set_level(logging.INFO)
    azure(topic="").publish(OUTCOME)
    line = caplog.messages[0].removeprefix("outcome ")
    assert json.loads(line) == {"type": OUTCOME.type, "id": "id", "reason": "captured"}


def test_a_topic_that_refuses_is_told_as_ours(wire: Wire) -> None:
    """The SDK's error is converted to `Refused`."""
    wire.answer("POST /api/events", {"error": {"code": "Forbidden", "message": "no"}}, 403)
    with pytest.raises(Refused, match="Forbidden"):
        azure().publish(OUTCOME)


def opens(wire: Wire, **answer: Any) -> None:  # noqa: ANN401 - JSON
    """Set responses that open and close the disk without polling."""
    done = {"status": "Succeeded", "properties": {"output": {"accessSAS": STORAGE}}}
    wire.answer("POST /beginGetAccess", {**done, **answer})
    wire.answer("POST /endGetAccess", {"status": "Succeeded"})
    wire.answer("GET virtualMachines/web-01", VM)
    wire.answer("GET disks/os", OS_DISK)


def examined(cloud: Azure | None = None, **changes: Any) -> Look:  # noqa: ANN401 - ObservedDisk
    """Examine a disk of 1 GiB."""
    look = Look(vm=vm(), disk=disk(**{"size_gb": 1, **changes}))
    return (cloud or azure()).prove(look)


def test_an_empty_disk_is_read_judged_and_closed(wire: Wire) -> None:
    """A disk of zeros gets a verdict; VM and disk are read again after the close."""
    opens(wire)
    size = 1024**3 + 512
    ranges = {"Content_Range": f"bytes 0-65535/{size}"}
    wire.answer("GET /vhd", bytes(65536), 206, **ranges)
    look = examined()
    assert isinstance(look.verdict, Verdict)
    assert (look.verdict.proof, look.proven is not None) == (Proof.CANNOT_TELL, True)
    paths = [sent.rpartition("/")[2] for sent in wire.sent]
    assert paths[0] == "beginGetAccess"
    assert paths[-3:] == ["endGetAccess", "web-01", "os"]


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        (403, "AuthorizationFailure", Refusal),
        (403, "AuthorizationPermissionMismatch", Refusal),
    ],
)
def test_bytes_that_are_refused_for_good_are_no_verdict(
    wire: Wire, status: int, code: str, kind: type
) -> None:
    """If storage denies access the result is a `Refusal`, and the disk is closed."""
    opens(wire)
    wire.answer("GET /vhd", b"", status, x_ms_error_code=code)
    assert isinstance(examined().verdict, kind)
    assert any(sent.endswith("endGetAccess") for sent in wire.sent)


def test_bytes_that_do_not_come_are_tried_again_later(
    wire: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A revoked access or a wrong size is `Transient`."""
    monkeypatch.setattr("shared.cloud.blob.RETRY_WAITS", (0.0,))
    opens(wire)
    wire.answer("GET /vhd", b"", 403, x_ms_error_code="AuthenticationFailed")
    with pytest.raises(Transient, match="answered 403"):
        examined()
    wire.answers["GET /vhd"] = [(206, bytes(65536), {"Content-Range": "bytes 0-9/99"})]
    with pytest.raises(Transient, match="storage reports 99 bytes"):
        examined()


def test_a_server_that_does_not_answer_is_named(
    wire: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The message names the host to allow in a firewall, but not the URL's secret."""
    monkeypatch.setattr("shared.cloud.blob.RETRY_WAITS", ())
    opens(wire)
    real = wire.send

    def refuse(request: Any) -> Any:  # noqa: ANN401 - of requests
        if "blob" in request.url:
            msg = f"no route to {request.url}"
            raise ConnectionFailed(msg)
        return real(request)

    monkeypatch.setattr(wire, "send", refuse)
    verdict = examined().verdict
    assert isinstance(verdict, Unread)
    assert "md-1.z1.blob.storage.azure.net" in verdict.why
    assert "secret" not in verdict.why


def test_a_disk_that_azure_does_not_open_is_told_in_its_words(wire: Wire) -> None:
    """For a policy or missing permission the result is a `Refusal` with Azure's message."""
    opens(wire)
    denied = {"error": {"code": "AuthorizationFailed", "message": "no right"}}
    wire.answers["POST /beginGetAccess"] = [(403, denied, {})]
    verdict = examined().verdict
    assert isinstance(verdict, Refusal)
    assert "AuthorizationFailed: no right" in verdict.why


def test_an_operation_that_fails_may_pass(wire: Wire) -> None:
    """If opening fails the error is `Transient`, and the disk is not closed."""
    opens(wire, status="Failed", error={"code": "Busy", "message": "later"})
    with pytest.raises(Transient, match="Busy: later"):
        examined()
    assert not any(sent.endswith("endGetAccess") for sent in wire.sent)


def test_an_operation_under_way_is_polled(wire: Wire) -> None:
    """At the URL that Azure returns, until it has ended; without an https URL it raises."""
    opens(wire, status="InProgress")
    at = f"{PUBLIC_ARM}/subscriptions/{REF.subscription}/providers/x/diskoperations/1"
    waits = {"Azure-AsyncOperation": at, "Retry-After": "0"}
    begun = wire.answers["POST /beginGetAccess"][0]
    wire.answers["POST /beginGetAccess"] = [(202, begun[1], waits)]
    wire.answer("GET /diskoperations/1", {"status": "Succeeded"})
    with pytest.raises(Transient, match="returned no https URL"):
        examined()
    assert any(sent.endswith("diskoperations/1") for sent in wire.sent)


def test_a_disk_that_cannot_be_read_is_not_opened(wire: Wire) -> None:
    """A disk encrypted with Azure Disk Encryption gets `cannot-tell` without being opened."""
    opens(wire)
    look = examined(encrypted_by_guest=True)
    assert isinstance(look.verdict, Verdict)
    assert look.verdict.proof is Proof.CANNOT_TELL
    assert not any(sent.startswith("POST") for sent in wire.sent)


@pytest.mark.parametrize("seen", [None, {**VM, "properties": {}}])
def test_a_vm_that_changed_while_its_disk_was_read_is_looked_at_again(
    wire: Wire,
    seen: Any,  # noqa: ANN401 - JSON
) -> None:
    """If it was deleted or has another OS disk, the verdict does not apply to it."""
    opens(wire)
    gone = {"error": {"code": "X", "message": "y"}}
    answer: Answer = (200, seen, {}) if seen else (404, gone, {})
    wire.answers["GET virtualMachines/web-01"] = [answer]
    with pytest.raises(Transient, match="while its disk was read"):
        examined(encrypted_by_guest=True)
    with pytest.raises(Transient, match="does not exist"):
        azure().prove(Look(vm=vm(), disk=Missing.GONE))


def test_a_token_opens_a_disk_that_wants_one(wire: Wire) -> None:
    """If the disk requires Entra ID, a denied read is a `Refusal` like that of other disks."""
    opens(wire)
    wire.answer("GET /vhd", b"", 403, x_ms_error_code="AuthorizationFailure")
    assert isinstance(examined(entra_only=True).verdict, Refusal)


def test_prices_are_asked_for_once_a_day(wire: Wire, caplog: pytest.LogCaptureFixture) -> None:
    """After a failure the API is not called again for a while."""
    row = {
        "retailPrice": 0.2,
        "type": "Consumption",
        "unitOfMeasure": "1 Hour",
        "isPrimaryMeterRegion": True,
        "productName": "Virtual Machines Dsv5 Series",
    }
    windows = row | {"retailPrice": 0.5, "productName": "Virtual Machines Dsv5 Series Windows"}
    wire.answer("GET /api/retail/prices", {"Items": [row, windows], "NextPageLink": None})
    cloud, machine = azure(), vm().machine
    assert cloud.price(machine, NOW) == cloud.price(machine, NOW) == Price(0.2, 0.3)
    assert len(wire.sent) == 1
    failing = azure()
    wire.answers["GET /api/retail/prices"] = [(503, None, {})]
    assert failing.price(machine, NOW) is failing.price(machine, NOW) is None
    assert len(wire.sent) == 2
    assert "no price for" in caplog.text


def test_a_long_retry_after_is_left_to_redelivery(wire: Wire) -> None:
    """The SDK would sleep that long; here the request fails, and the error has the seconds."""
    busy = {"error": {"code": "TooManyRequests", "message": "slow down"}}
    wire.answer("GET virtualMachines/web-01", busy, 429, Retry_After="1200")
    with pytest.raises(Transient, match="429") as raised:
        azure().look(REF)
    assert (raised.value.retry_after, len(wire.sent)) == (1200, 1)


def test_a_garbled_answer_may_pass(wire: Wire) -> None:
    """A response that is not JSON is `Transient`."""
    wire.answer("GET virtualMachines/web-01", b"<html>")
    with pytest.raises(Transient):
        azure().look(REF)


def test_an_apps_settings_are_read_by_a_post(wire: Wire) -> None:
    """It is the only read that is not a GET; the commands use it, with their own clients."""
    wire.answer("POST appsettings/list", {"properties": {"PROOF": "off"}})
    app = f"{REF.group_id}/providers/Microsoft.Web/sites/app"
    assert azure().arm.app_settings(app) == {"PROOF": "off"}
