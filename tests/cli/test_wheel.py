"""The wheel: one folder in site-packages, and commands that work without a checkout."""

import os
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from shared.model.version import VERSION
from simulator.simulator import Simulator

ROOT = Path(__file__).parents[2]
PIP = (sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet")
HIDDEN = """
import sys

class Hidden:
    @staticmethod
    def find_spec(name, path=None, target=None):
        if name.partition(".")[0] in {names!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)

sys.meta_path.insert(0, Hidden)
"""
"""Makes imports of modules fail, as if they were not installed."""


def ran(*command: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a command outside this checkout, with a minimal environment."""
    mine = {name: os.environ[name] for name in ("PATH", "HOME", "TMPDIR") if name in os.environ}
    return subprocess.run(  # noqa: S603 the command is our own
        command, env=mine | environment, cwd="/", capture_output=True, text=True, check=False
    )


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the wheel of this checkout, without an index."""
    out = tmp_path_factory.mktemp("dist")
    offline = ("--no-deps", "--no-build-isolation", "--no-index", "--wheel-dir")
    built = ran(*PIP, "wheel", *offline, out, ROOT)
    assert built.returncode == 0, built.stderr
    (path,) = out.glob("*.whl")
    return path


@pytest.fixture(scope="module")
def commands(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Install only the wheel, in an environment that also sees this one's requirements."""
    home = tmp_path_factory.mktemp("venv")
    made = ran(sys.executable, "-m", "venv", "--without-pip", home)
    assert made.returncode == 0, made.stderr
    (site,) = home.glob("lib/*/site-packages")
    installed = ran(*PIP, "--python", home, "install", "--no-deps", "--no-index", wheel)
    assert installed.returncode == 0, installed.stderr
    (here,) = (path for path in sys.path if path.endswith("site-packages"))
    (site / "requirements.pth").write_text(here + "\n")
    return home / "bin"


@pytest.fixture(scope="module")
def simulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Simulator]:
    """Give a subscription with a VM that is stopped but still billed."""
    with Simulator(speed=1, state_dir=tmp_path_factory.mktemp("sim")) as running:
        running.client.create_vm("idle", power="stopped", stopped_since=7200.0)
        yield running


def hide(commands: Path, *names: str) -> str:
    """Return a folder for PYTHONPATH that makes imports of these modules fail."""
    folder = commands.parent / "-".join(names)
    folder.mkdir(exist_ok=True)
    (folder / "sitecustomize.py").write_text(HIDDEN.format(names=set(names)))
    return str(folder)


def test_nothing_of_it_lies_loose_in_a_site(wheel: Path) -> None:
    """Everything is in `stillframe/`, except the wheel's dist-info."""
    names = zipfile.ZipFile(wheel).namelist()
    assert {name.partition("/")[0] for name in names} == {
        "stillframe",
        f"stillframe-{VERSION}.dist-info",
    }


def test_it_has_each_module_and_what_these_read(wheel: Path) -> None:
    """It has all of `cli`, `shared` and `simulator` but pages and the code that builds disks."""
    names = set(zipfile.ZipFile(wheel).namelist())
    left_out = ROOT / "simulator" / "contents" / "build"
    for package in ("cli", "shared", "simulator"):
        for path in (ROOT / package).rglob("*"):
            known = path.suffix in {".py", ".json", ".xz"} and not path.is_relative_to(left_out)
            if known and path.is_file():
                assert f"stillframe/{path.relative_to(ROOT).as_posix()}" in names
    assert not [name for name in names if name.endswith((".md", ".pyc"))]


def test_it_brings_its_licence_and_asks_for_nothing_of_dissect(wheel: Path) -> None:
    """It contains the licence and the notice, and does not require dissect, which is AGPL."""
    packed = zipfile.ZipFile(wheel)
    texts = f"stillframe-{VERSION}.dist-info/licenses"
    assert packed.read(f"{texts}/LICENSE") == (ROOT / "LICENSE").read_bytes()
    assert packed.read(f"{texts}/NOTICE") == (ROOT / "NOTICE").read_bytes()
    metadata = packed.read(f"stillframe-{VERSION}.dist-info/METADATA").decode()
    head = metadata.partition("\n\n")[0]
    assert "Requires-Dist: azure-identity" in head
    assert "dissect" not in head


def test_the_installed_command_says_its_version(commands: Path) -> None:
    """`stillframe --version` needs no Azure."""
    shown = ran(commands / "stillframe", "--version")
    assert (shown.returncode, shown.stdout) == (0, f"stillframe {VERSION}\n")


@pytest.mark.parametrize("command", ["sweep", "plan", "status"])
def test_the_installed_commands_work_without_dissect(
    commands: Path, simulator: Simulator, command: str
) -> None:
    """They show a subscription even if dissect cannot be imported."""
    environment = simulator.environment("reader") | {"PYTHONPATH": hide(commands, "dissect")}
    shown = ran(commands / "stillframe", command, **environment)
    assert shown.returncode == 0, shown.stderr
    assert f"Stillframe {VERSION}" in shown.stdout


def test_the_simulator_says_what_it_lacks(commands: Path) -> None:
    """Without the extra `sim` it exits with 1 and one sentence that says what to install."""
    for lacking in ("trustme", "aiohttp"):
        shown = ran(commands / "stillframe-sim", "--help", PYTHONPATH=hide(commands, lacking))
        assert shown.returncode == 1
        assert shown.stderr.count("\n") == 1
        assert "pip install 'stillframe[sim]'" in shown.stderr


def test_the_installed_simulator_runs_an_app(commands: Path, tmp_path: Path) -> None:
    """It starts the Functions host, a separate module, and the given app."""
    ports = ("--port", "0", "--identity-port", "0", "--report-port", "0")
    kept = (*ports, "--state-dir", tmp_path, "--app", ROOT)
    with subprocess.Popen(  # noqa: S603 the command is our own
        [commands / "stillframe-sim", *kept], cwd="/", stdout=subprocess.PIPE, text=True
    ) as process:
        shown = ""
        for line in process.stdout or ():
            shown += line
            if line.startswith("The environment of a client"):
                break
        process.terminate()
    assert "    app  http" in shown
    assert "steering" in shown
