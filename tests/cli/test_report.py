"""`stillframe report`: one file of what a sweep finds, which changes nothing."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from simulator.simulator import Simulator
from tests.cli.commands import run

CAPTURED = {
    "stillframe-capture": "golden/windows",
    "stillframe-status": "captured",
    "stillframe-image": "golden/windows/1.0.0",
}


@pytest.fixture(scope="module")
def subscription(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Simulator]:
    """Give a subscription with a captured VM, and one that is stopped but still billed."""
    with Simulator(speed=1, state_dir=tmp_path_factory.mktemp("report")) as simulator:
        client = simulator.client
        client.create_vm("exchange", power="deallocated", generalized=True, tags=CAPTURED)
        client.create_vm("idle", power="stopped", stopped_since=7200.0, tags={"owner": "ann"})
        yield simulator


def report(simulator: Simulator, *said: str) -> tuple[int, str, str]:
    """Run the command; return its exit code, its output and its errors."""
    told = run(simulator, "report", "--subscription", simulator.subscription_id, *said)
    return told.returncode, told.stdout, told.stderr


def test_the_report_is_one_file_that_is_named(subscription: Simulator, tmp_path: Path) -> None:
    """The path is printed; the file has the VM, its owner and its price; no request is a write."""
    file = tmp_path / "report.html"
    told = report(subscription, "--output", str(file), "--currency", "EUR")
    assert told == (0, f"{file}\n", "")
    page = file.read_text()
    for text in ("1 VM looks switched off and costs", "idle", "ann", "EUR a day", "Captured: 1"):
        assert text in page
    asked = subscription.client.requests(caller="app")
    changes = {one["path"] for one in asked if one["method"] != "GET"}
    assert changes <= {"/providers/Microsoft.ResourceGraph/resources"}


def test_what_a_capture_left_is_shown_to_who_does_not_know_the_apps_settings(
    subscription: Simulator,
) -> None:
    """The target may be refused here, but the app has said that the VM is captured."""
    _, page, _ = report(subscription, "--output", "-")
    section = page.partition('id="left"')[2].partition("</section>")[0]
    assert "exchange" in section


def test_a_masked_report_goes_to_strangers(subscription: Simulator) -> None:
    """No name of a VM, group, owner, image or subscription is in it."""
    code, page, _ = report(subscription, "--mask", "--output", "-")
    assert code == 0
    for name in ("idle", "exchange", "ann<", "golden/", "rg-vms", subscription.subscription_id):
        assert name not in page.lower()


def test_a_file_that_cannot_be_written_is_told(subscription: Simulator, tmp_path: Path) -> None:
    """Exit code 2, the path, the reason, and what to do."""
    code, shown, why = report(subscription, "--output", str(tmp_path / "no" / "report.html"))
    assert (code, shown) == (2, "")
    assert "No such file or directory; name another: --output" in why


def test_no_file_is_made_of_nothing(subscription: Simulator, tmp_path: Path) -> None:
    """If no subscription can be read, an earlier file stays; what to do is told."""
    file, nobody = tmp_path / "report.html", "00000000-0000-4000-8000-000000000000"
    file.write_text("earlier")
    told = run(subscription, "report", "--subscription", nobody, "--output", str(file))
    assert (told.returncode, told.stdout) == (1, "")
    assert "the subscription does not exist" in told.stderr
    assert file.read_text() == "earlier"


def test_what_is_missing_from_a_report_is_its_first_sentence(subscription: Simulator) -> None:
    """One of two subscriptions cannot be read: exit code 1, and nobody takes it for all."""
    nobody = "00000000-0000-4000-8000-000000000000"
    code, page, _ = report(subscription, "--subscription", nobody, "--output", "-")
    assert code == 1
    assert "1 of 2 subscriptions could not be read; 1 VM looks switched off" in page


def test_a_price_list_that_does_not_answer_is_told(subscription: Simulator) -> None:
    """Exit code 1, and what to do; the sum is unknown, not zero. Without a list all is well."""
    said = ("sweep", "--subscription", subscription.subscription_id)
    told = run(subscription, *said, PRICES_ENDPOINT="https://127.0.0.1:9/prices")
    assert (told.returncode, "an unknown amount a day" in told.stdout) == (1, True)
    assert "No prices: 127.0.0.1 could not be read: ConnectionError" in told.stderr
    told = run(subscription, *said, PRICES_ENDPOINT="")
    assert (told.returncode, told.stderr) == (0, "")
