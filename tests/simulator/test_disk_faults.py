"""Faults that can be injected into reads of a disk."""

import pytest
import requests

from simulator.client import SteeringError
from simulator.simulator import Simulator
from tests.simulator.conftest import Computes, Reads
from tests.simulator.disk_opening import granted, os_disk

FIRST = "bytes=0-65535"
LENGTH = 65536


@pytest.fixture
def disk(at_once: Simulator) -> str:
    """Give the disk of a deallocated VM."""
    return os_disk(at_once, at_once.client.create_vm("web", power="deallocated"))


@pytest.fixture
def url(disk: str, compute: Computes) -> str:
    """Give the URL of that disk, open."""
    return granted(compute("app"), disk)


def test_the_nth_read_is_refused(sim: Simulator, disk: str, url: str, read: Reads) -> None:
    """That read and as many more as requested, of that disk, with the requested status."""
    error = {"status": 503, "code": "ServerBusy", "headers": {"Retry-After": "3"}}
    sim.client.disk_fault(disk=disk, nth=3, count=2, error=error)
    answers = [read(url, "bytes=0-0") for _ in range(5)]
    assert [answer.status_code for answer in answers] == [206, 206, 503, 503, 206]
    assert answers[2].headers["Retry-After"] == "3"
    assert [r["code"] for r in sim.client.disk_reads()][2] == "ServerBusy"


def test_another_disks_reads_go_on(sim: Simulator, url: str, read: Reads) -> None:
    """A fault affects only what it names, and only until it is cleared."""
    error = {"status": 500, "code": "InternalError"}
    sim.client.disk_fault(disk="/disks/other$", count=None, error=error)
    assert read(url, FIRST).status_code == 206
    sim.client.disk_fault(count=None, error=error)
    assert read(url, FIRST).status_code == 500
    sim.client.clear_disk_faults()
    assert read(url, FIRST).status_code == 206


def test_a_body_is_cut(sim: Simulator, url: str, read: Reads) -> None:
    """The header promises all of it; the connection ends after the configured bytes."""
    sim.client.disk_fault(cut=1000)
    answer = read(url, FIRST, stream=True)
    assert answer.headers["Content-Length"] == str(LENGTH)
    with pytest.raises(requests.exceptions.ChunkedEncodingError):
        answer.content  # noqa: B018 reading it is what fails
    assert [r["bytes"] for r in sim.client.disk_reads()] == [1000]


def test_an_answer_is_lost(sim: Simulator, url: str, read: Reads) -> None:
    """The client sees the connection close before the first byte."""
    sim.client.disk_fault(drop=True)
    with pytest.raises(requests.exceptions.ConnectionError):
        read(url, FIRST)
    assert [r["bytes"] for r in sim.client.disk_reads()] == [0]
    assert read(url, FIRST).status_code == 206


def test_an_answer_is_too_short(sim: Simulator, url: str, read: Reads) -> None:
    """It is valid, but has fewer bytes than its range."""
    sim.client.disk_fault(short=100)
    answer = read(url, FIRST)
    assert len(answer.content) == LENGTH - 100
    assert answer.headers["Content-Range"].startswith("bytes 0-65535/")


def test_a_size_is_a_lie(sim: Simulator, url: str, read: Reads) -> None:
    """In the answers to GET and to HEAD."""
    sim.client.disk_fault(size=123, count=None)
    assert read(url, FIRST).headers["Content-Range"].endswith("/123")
    assert read(url, method="HEAD").headers["Content-Length"] == "123"


@pytest.mark.parametrize("slowly", [{"latency": 0.01}, {"drip": 0.001}])
def test_a_slow_answer_is_whole(
    sim: Simulator, url: str, read: Reads, slowly: dict[str, float]
) -> None:
    """Late or in small pieces, the whole answer arrives."""
    sim.client.disk_fault(**slowly)
    slow, quick = read(url, FIRST), read(url, FIRST)
    assert slow.content == quick.content


@pytest.mark.parametrize(
    "nonsense", [{}, {"nth": 2}, {"late": 1}, {"disk": "(", "drop": True}, {"error": {}}]
)
def test_a_fault_that_makes_no_sense_is_refused(
    sim: Simulator, nonsense: dict[str, object]
) -> None:
    """The refusal names what is wrong."""
    with pytest.raises(SteeringError):
        sim.client.disk_fault(**nonsense)


def test_faults_are_listed_and_reset(sim: Simulator, url: str, read: Reads) -> None:
    """With the number of reads that remain; a reset clears them and the log."""
    sim.client.disk_fault(count=2, short=1)
    read(url, FIRST)
    (fault,) = sim.client.ask("GET", "disk-faults")["value"]
    assert (fault["short"], fault["left"]) == (1, 1)
    sim.client.reset()
    assert not sim.client.ask("GET", "disk-faults")["value"]
    assert not sim.client.disk_reads()
