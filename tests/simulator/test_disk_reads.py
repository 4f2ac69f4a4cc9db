"""Reads of an opened disk: ranges, refusals as Azure Storage words them, and the log."""

from urllib.parse import urlsplit
from xml.etree import ElementTree as ET

import pytest
import requests

from simulator.contents.disk import Guest, contents
from simulator.simulator import Simulator
from tests.simulator.conftest import Arms, Computes, Reads
from tests.simulator.disk_opening import granted, os_disk, token_for_disks, unsigned

SIZE = 127 * 1024**3 + 512
GUEST = Guest("Windows", "V2", 127, "succeeded")


@pytest.fixture
def disk(at_once: Simulator) -> str:
    """Give the disk of a deallocated VM that ran Sysprep."""
    vm = at_once.client.create_vm("web", power="deallocated", sysprep="succeeded")
    return os_disk(at_once, vm)


@pytest.fixture
def url(disk: str, compute: Computes) -> str:
    """Give the URL of that disk, open."""
    return granted(compute("app"), disk)


def said(answer: requests.Response) -> tuple[int, str | None]:
    """Return the status and the code in the XML, which a header repeats."""
    code = ET.fromstring(answer.content.decode("utf-8-sig")).findtext("Code")  # noqa: S314 our own
    assert answer.headers["x-ms-error-code"] == code
    return answer.status_code, code


@pytest.mark.parametrize(
    ("asked", "start", "length"),
    [
        ("bytes=0-511", 0, 512),
        ("bytes=510-513", 510, 4),
        ("bytes=1048576-1114111", 1048576, 65536),
        ("bytes=0-2999999", 0, 3_000_000),
        (f"bytes={SIZE - 512}-", SIZE - 512, 512),
        (f"bytes={SIZE - 10}-{SIZE + 10}", SIZE - 10, 10),
    ],
)
def test_a_range_is_served(url: str, read: Reads, asked: str, start: int, length: int) -> None:
    """Byte for byte what the disk holds, cut at its end, with matching headers."""
    answer = read(url, asked)
    assert answer.status_code == 206
    assert answer.headers["Content-Range"] == f"bytes {start}-{start + length - 1}/{SIZE}"
    assert answer.content == contents(GUEST).read(start, length)


def test_storages_own_header_goes_first(url: str, read: Reads) -> None:
    """`x-ms-range` takes precedence over `Range`."""
    answer = read(url, "bytes=0-0", x_ms_range="bytes=512-519")
    assert answer.content == contents(GUEST).read(512, 8) == b"EFI PART"


def test_the_headers_are_a_page_blobs(url: str, read: Reads) -> None:
    """The headers that clients read."""
    headers = read(url, "bytes=0-511", x_ms_client_request_id="mine").headers
    assert headers["x-ms-blob-type"] == "PageBlob"
    assert headers["Accept-Ranges"] == "bytes"
    assert headers["Content-Length"] == "512"
    assert headers["x-ms-client-request-id"] == "mine"
    assert {"ETag", "Last-Modified", "Date", "x-ms-request-id", "x-ms-version"} <= set(headers)


def test_head_tells_the_size(url: str, read: Reads) -> None:
    """The size of the whole disk with its footer, without a body."""
    answer = read(url, method="HEAD")
    assert (answer.status_code, answer.content) == (200, b"")
    assert answer.headers["Content-Length"] == str(SIZE)


def test_without_a_range_all_of_it_comes(sim: Simulator, url: str, read: Reads) -> None:
    """As a stream; a client can disconnect early, and the log has the number of bytes sent."""
    answer = read(url, stream=True)
    assert (answer.status_code, answer.headers["Content-Length"]) == (200, str(SIZE))
    assert next(answer.iter_content(1024)) == contents(GUEST).read(0, 1024)
    answer.close()
    (logged,) = sim.client.disk_reads()
    assert 1024 <= logged["bytes"] < SIZE


@pytest.mark.parametrize(
    ("asked", "status", "code"),
    [
        (f"bytes={SIZE}-", 416, "InvalidRange"),
        ("bytes=2-1", 416, "InvalidRange"),
        ("bytes=-512", 400, "InvalidHeaderValue"),
        ("bytes=0-1,5-6", 400, "InvalidHeaderValue"),
        ("pages=0-1", 400, "InvalidHeaderValue"),
    ],
)
def test_a_range_that_cannot_be_is_refused(
    url: str, read: Reads, asked: str, status: int, code: str
) -> None:
    """Outside the disk, or not in the only form that Azure Storage accepts."""
    assert said(read(url, asked)) == (status, code)


def test_without_its_signature_nothing_is_read(url: str, read: Reads) -> None:
    """Missing, wrong, of another policy: 403; an unknown path: 404."""
    other = url.replace("&si=", "&si=0")
    for wrong in (unsigned(url), url + "x", url.split("&sig=", maxsplit=1)[0], other):
        assert said(read(wrong, "bytes=0-0")) == (403, "AuthenticationFailed")
    assert said(read(url.replace("/md-", "/md-0"), "bytes=0-0")) == (404, "BlobNotFound")


def test_a_refusal_of_head_has_no_body(url: str, read: Reads) -> None:
    """Its code is in the header."""
    answer = read(unsigned(url), method="HEAD")
    assert (answer.status_code, answer.content) == (403, b"")
    assert answer.headers["x-ms-error-code"] == "AuthenticationFailed"


def test_a_disk_that_is_gone_is_not_found(
    sim: Simulator, url: str, read: Reads, arm: Arms, disk: str
) -> None:
    """Its group was deleted during the reads."""
    arm("owner")("DELETE", disk.split("/providers/", maxsplit=1)[0])
    sim.client.advance(60)
    assert said(read(url, "bytes=0-0")) == (404, "BlobNotFound")


def test_a_condition_must_hold(url: str, read: Reads) -> None:
    """If-Match with the disk's own ETag succeeds, with another it is 412."""
    etag = read(url, "bytes=0-0").headers["ETag"]
    assert read(url, "bytes=0-0", If_Match=etag).status_code == 206
    assert said(read(url, "bytes=0-0", If_Match='"0x8D"')) == (412, "ConditionNotMet")


@pytest.mark.parametrize("beyond", ["comp=pagelist", "snapshot=2026-01-01T00:00:00Z"])
def test_what_storage_could_do_besides_is_not_simulated(url: str, read: Reads, beyond: str) -> None:
    """It is refused as not simulated; so is writing."""
    assert read(f"{url}&{beyond}").status_code == 501
    assert read(url, "bytes=0-0", If_None_Match="*").status_code == 501
    assert read(url, method="PUT").status_code == 501


class TestEntra:
    """A disk only for principals of Entra with a role."""

    @pytest.fixture
    def url(self, at_once: Simulator, compute: Computes) -> str:
        """Give such a disk, open: granting access needs no additional permission."""
        mode = {"dataAccessAuthMode": "AzureActiveDirectory"}
        vm = at_once.client.create_vm("safe", power="deallocated", disk_properties=mode)
        return granted(compute("app"), os_disk(at_once, vm))

    def test_the_signature_alone_is_not_enough(self, url: str, read: Reads) -> None:
        """401, with a challenge that names the audience."""
        answer = read(url, "bytes=0-0")
        assert said(answer) == (401, "NoAuthenticationInformation")
        assert "resource_id=https://disk.azure.com" in answer.headers["WWW-Authenticate"]

    def test_a_token_for_another_audience_is_refused(
        self, sim: Simulator, url: str, read: Reads
    ) -> None:
        """A token for ARM is refused."""
        token = token_for_disks(sim, "app", "https://management.azure.com//.default")
        answer = read(url, "bytes=0-0", Authorization=f"Bearer {token}")
        assert said(answer) == (401, "InvalidAuthenticationInfo")

    @pytest.mark.parametrize("who", ["reader", "owner"])
    def test_one_without_the_right_is_refused(
        self, sim: Simulator, url: str, read: Reads, who: str
    ) -> None:
        """It is a data action, which even the owner of a subscription lacks."""
        token = token_for_disks(sim, who)
        answer = read(url, "bytes=0-0", Authorization=f"Bearer {token}")
        assert said(answer) == (403, "AuthorizationPermissionMismatch")

    def test_one_with_the_right_reads(self, sim: Simulator, url: str, read: Reads) -> None:
        """The log has the caller; without the SAS the token is not enough."""
        bearer = {"Authorization": f"Bearer {token_for_disks(sim, 'app')}"}
        assert read(url, "bytes=0-511", **bearer).status_code == 206
        assert sim.client.disk_reads()[0]["caller"] == sim.environment("app")["AZURE_CLIENT_ID"]
        assert said(read(unsigned(url), "bytes=0-0", **bearer)) == (403, "AuthenticationFailed")


def test_every_read_is_logged(sim: Simulator, disk: str, url: str, read: Reads) -> None:
    """The range and the disk, the result, and the bytes sent."""
    read(url, "bytes=0-65535")
    read(url, f"bytes={SIZE}-")
    read(url, method="HEAD")
    read(unsigned(url))
    seen = [
        (r["disk"], r["method"], r["range"], r["status"], r["bytes"], r["code"])
        for r in sim.client.disk_reads(disk=disk.upper())
    ]
    assert seen == [
        (disk, "GET", "bytes=0-65535", 206, 65536, None),
        (disk, "GET", f"bytes={SIZE}-", 416, 0, "InvalidRange"),
        (disk, "HEAD", None, 200, 0, None),
        (disk, "GET", None, 403, 0, "AuthenticationFailed"),
    ]
    assert not sim.client.disk_reads(disk=disk + "x")
    sim.client.clear_disk_reads()
    assert not sim.client.disk_reads()


def test_a_signature_is_in_no_log(sim: Simulator, url: str, read: Reads) -> None:
    """Neither in the log of reads nor in ARM's; and the reads are not in ARM's log."""
    read(url, "bytes=0-0")
    signature = urlsplit(url).query.split("&sig=")[1]
    logged = sim.client.requests()
    assert signature not in f"{sim.client.disk_reads()} {logged}"
    assert not [one for one in logged if "/md-" in one["path"]]
