"""The two commands for people: what they show of a subscription, and that they change nothing."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from cli.orders import next_step
from shared.model import PowerState, Status
from simulator.simulator import Simulator

ROOT = Path(__file__).parent.parent
NOBODYS = "00000000-0000-4000-8000-00000000dead"


@pytest.fixture(scope="module")
def subscription(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Simulator]:
    """Give a subscription with an order that waits and a VM that is billed for nothing."""
    with Simulator(speed=1, state_dir=tmp_path_factory.mktemp("cli")) as simulator:
        order = {
            "stillframe-capture": "managed-image",
            "stillframe-status": "waiting",
            "stillframe-image": "managed-image",
        }
        simulator.client.create_vm("web", security_type="Standard", tags=order)
        simulator.client.create_vm("idle", power="stopped", stopped_since=7200.0)
        yield simulator


def run(simulator: Simulator, *said: str) -> subprocess.CompletedProcess[str]:
    """Run a command as the app's own identity."""
    mine = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    return subprocess.run(  # noqa: S603 - our own interpreter and command
        [sys.executable, "-m", "cli", *said],
        env=mine | simulator.environment(),
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_sweep_shows_who_is_billed_and_changes_nothing(subscription: Simulator) -> None:
    """The stopped VM is flagged with its price; no request of the command is a write."""
    shown = run(subscription, "sweep", "--subscription", subscription.subscription_id, "--json")
    assert (shown.returncode, shown.stderr) == (0, "")
    body = json.loads(shown.stdout)
    assert (body["vms"], body["orders"], body["flaggedCount"]) == (2, 1, 1)
    assert body["bills"] == {"would mark": 1}
    assert body["listPricePerDay"] > 0
    methods = {one["method"] for one in subscription.client.requests(caller="app")}
    assert methods == {"GET"}


def test_a_sweep_is_a_page_for_people(subscription: Simulator) -> None:
    """Without --json the same is shown in tables, with the VM's name and what it costs."""
    shown = run(subscription, "sweep", "--subscription", subscription.subscription_id)
    assert shown.returncode == 0
    assert "idle" in shown.stdout
    assert "Standard_D4s_v5" in shown.stdout


def test_status_shows_each_order_and_what_comes_next(subscription: Simulator) -> None:
    """An order that waits says what its owner is to do."""
    asked = ("status", "--subscription", subscription.subscription_id, "--json")
    shown = run(subscription, *asked)
    assert shown.returncode == 0
    (row,) = json.loads(shown.stdout)["orders"]
    assert (row["status"], row["image"]) == ("waiting", "managed-image")
    assert "run Sysprep" in row["next"]
    assert "web" in run(subscription, *asked[:-1]).stdout


def test_a_subscription_that_is_not_there_is_told(subscription: Simulator) -> None:
    """The command ends with 1 and says of which subscription it speaks."""
    shown = run(subscription, "status", "--subscription", NOBODYS)
    assert shown.returncode == 1
    assert NOBODYS in shown.stderr


def test_a_missing_subscription_is_asked_for(subscription: Simulator) -> None:
    """Without an id, or with one that is none, the command ends with 2 and asks for one."""
    for said in (("sweep",), ("sweep", "--subscription", "mine")):
        shown = run(subscription, *said)
        assert shown.returncode == 2
        assert "make sweep SUBSCRIPTION=<id>" in shown.stderr


@pytest.mark.parametrize("status", [None, *Status])
@pytest.mark.parametrize("power", PowerState)
def test_every_order_has_a_next_step(status: Status | None, power: PowerState) -> None:
    """Whatever the tags and the power state say, there are words for what comes next."""
    assert next_step(status, power)
