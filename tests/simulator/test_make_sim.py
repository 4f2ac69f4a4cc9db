"""`make sim` as a process: what it writes for clients, and its errors if it cannot start."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests

from simulator.client import SimClient
from simulator.simulator import Simulator
from tests.cli.commands import ROOT

ANY_PORTS = ("--port", "0", "--identity-port", "0")


def command(*said: str) -> list[str]:
    """Return the command that `make sim` runs, with some arguments."""
    return [sys.executable, "-m", "simulator", *said]


def refused(*said: str) -> tuple[int, str]:
    """Start it with invalid settings; return its status and message."""
    done = subprocess.run(  # noqa: S603 - our own interpreter and command
        command(*said), cwd=ROOT, capture_output=True, text=True, check=False, timeout=60
    )
    assert done.stdout == ""
    return done.returncode, done.stderr


@contextmanager
def running(folder: Path, *said: str) -> Iterator["subprocess.Popen[str]"]:
    """Run it with its state in a folder, from when it has written that until Ctrl-C ends it."""
    with subprocess.Popen(  # noqa: S603 - our own interpreter and command
        command(*ANY_PORTS, *said, "--state-dir", os.path.relpath(folder, ROOT)),
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        until = time.monotonic() + 120
        while not (folder / "env").exists():
            assert process.poll() is None, process.communicate()[0]
            assert time.monotonic() < until
            time.sleep(0.05)
        yield process
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=60) == 0


@pytest.fixture(scope="module")
def state(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Run it without an app, its state in a folder whose name has a space; give that folder."""
    folder = tmp_path_factory.mktemp("a place")
    with running(folder, "--no-app") as process:
        printing = process.stdout
        yield folder
        process.send_signal(signal.SIGINT)
        assert printing
        printed = printing.read()
    assert (folder / "env").read_text() in printed
    assert json.loads((folder / "endpoints.json").read_text())["definition"] in printed


def test_the_report_is_live(tmp_path: Path) -> None:
    """A page of what the app finds now; other names of this machine, and other paths, get none."""
    with running(tmp_path, "--report-port", "0"):
        served = json.loads((tmp_path / "endpoints.json").read_text())
        url = served["report"]
        first = requests.get(url, timeout=60)
        SimClient(served["arm"], Path(served["ca"])).create_vm("idle", power="stopped")
        second = requests.get(url, timeout=60)
        elsewhere = requests.get(url, headers={"Host": "evil.example"}, timeout=60)
    assert "No VM is stopped and still billed" in first.text
    assert "idle" in second.text
    assert (second.headers["Refresh"], elsewhere.status_code) == ("15", 404)


def sourced(state: Path, folder: Path, said: str) -> str:
    """Run a command in a bare shell elsewhere that has sourced `env`; return its output."""
    script = f". '{state}/env' && {said}"
    done = subprocess.run(  # noqa: S603 - our own command
        ["/bin/sh", "-c", script],
        cwd=folder,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "PYTHON": sys.executable},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def test_the_environment_holds_in_any_folder(state: Path, tmp_path: Path) -> None:
    """Files are named by absolute paths and exist; the Azure CLI's folder is beside it."""
    told = sourced(state, tmp_path, "env").splitlines()
    environment = dict(line.split("=", 1) for line in told)
    for name in ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "NODE_EXTRA_CA_CERTS"):
        assert Path(environment[name]).is_absolute()
        assert Path(environment[name]).is_file()
    assert Path(environment["AZURE_CONFIG_DIR"]) == state / "azure"
    assert environment["AZURE_CLOUD_ENVIRONMENT"] == environment["ARM_ENDPOINT"]
    written = json.loads((state / "endpoints.json").read_text())["environment"]
    assert written == {name: environment[name] for name in written}


def test_the_commands_need_nothing_but_the_environment(state: Path, tmp_path: Path) -> None:
    """Sweep and status use the subscription in it, as its owner."""
    swept = json.loads(sourced(state, tmp_path, '"$PYTHON" -m cli sweep --json'))
    assert swept["vms"] == 0
    assert json.loads(sourced(state, tmp_path, '"$PYTHON" -m cli status --json'))["orders"] == []


def test_there_is_a_definition_to_order_into(state: Path, tmp_path: Path) -> None:
    """A Trusted Launch definition, at the printed id, as a client of Azure sees it."""
    definition = json.loads((state / "endpoints.json").read_text())["definition"]
    names = "resourceGroups/images/providers/Microsoft.Compute/galleries/golden/images/windows"
    assert definition.endswith(names)
    asked = (
        "import os; from azure.identity import ManagedIdentityCredential as Me; "
        "from azure.mgmt.compute import ComputeManagementClient as Compute; at = "
        "os.environ['ARM_ENDPOINT']; compute = Compute(Me(client_id=os.environ['AZURE_CLIENT_ID']),"
        " os.environ['AZURE_SUBSCRIPTION_ID'], base_url=at, credential_scopes=[at + '/.default']); "
        "print(compute.gallery_images.get('images', 'golden', 'windows').features[0].value)"
    )
    assert sourced(state, tmp_path, f'"$PYTHON" -c "{asked}"') == "TrustedLaunch\n"


@pytest.mark.parametrize("option", ["--port", "--identity-port"])
def test_a_port_that_is_taken(sim: Simulator, tmp_path: Path, option: str) -> None:
    """Its number, what may be using it, and what to do."""
    taken = sim.port if option == "--port" else sim.identity_port
    ports = (*ANY_PORTS, option, str(taken))
    status, said = refused(*ports, "--no-app", "--state-dir", str(tmp_path))
    assert (status, said.count("\n")) == (1, 1)
    assert f"port {taken} is taken" in said
    assert "another simulator may be running" in said
    assert "--port 0" in said


@pytest.mark.parametrize(
    ("said", "words"),
    [
        (["--set", "PROOF"], "--set PROOF: write NAME=VALUE"),
        (["--set", "=off"], "--set =off: write NAME=VALUE"),
        (["--set", "PROOF=off", "--no-app"], "name one with --app"),
        (["--template", "x.json", "--no-app"], "name one with --app"),
        (["--template", "nowhere.json"], "nowhere.json: not a template snapshot; name one with"),
        (["--template", "README.md"], "README.md: not a template snapshot; name one with"),
        (["--app", "docs"], "docs: not a function app (no host.json); --no-app starts"),
    ],
)
def test_arguments_that_cannot_be_meant(tmp_path: Path, said: list[str], words: str) -> None:
    """One line says what to write instead, and nothing has been started."""
    status, told = refused(*ANY_PORTS, "--state-dir", str(tmp_path / "state"), *said)
    assert (status, told.count("\n")) == (2, 1)
    assert words in told
    assert not (tmp_path / "state").exists()
