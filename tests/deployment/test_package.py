"""The deployed package: the right files, compiled, with everything they need.

The package is built as `make package` does, unpacked, and run: imported by an interpreter that sees
nothing else, and served by the local host against the simulator. A linter of function apps that is
not ours checks it too.
"""

import fcntl
import importlib.metadata
import json
import os
import platform
import re
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from infra.package import COMPILED, IGNORE, PYTHON, SITE, Package, PackageError, build, chosen
from simulator.deployment import Deployment
from simulator.simulator import Simulator

ROOT = Path(__file__).parents[2]
KEPT = ROOT / ".package"
UNCHECKED_HASH = (0b01).to_bytes(4, "little")
"""The second word of a compiled file that is taken without a look at its source."""

TAKEN_FROM = re.compile(r"^# code object from '?(/[^'\n]+?)'?$", re.MULTILINE)
"""How an interpreter in verbose mode says which file it took a module from."""

IMPORTS = "import sys; sys.path[:0] = sys.argv[1:]; import function_app, shared.proof.verdict"
RUNS_HERE = sys.platform == "linux" and platform.machine() == "x86_64"
ANSWERED = {
    "check_native_dependency_risk": "pip takes wheels for the app's own machine (infra/package.py)",
    "check_app_insights": "its connection string is an app setting, which the template sets",
    "check_unused_files": "what is compiled is deployed on purpose, see docs/decisions/0011",
    "check_funcignore": "it says what goes into the zip, and has no business in it",
}
"""What azure-functions-doctor warns of in the package, and why it is right as it is."""

only_where_it_runs = pytest.mark.skipif(
    not RUNS_HERE, reason="the package is for Linux on x86-64, this machine is not"
)


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Package:
    """Build the package of this checkout; one process at a time installs the cached part."""
    KEPT.mkdir(exist_ok=True)
    with (KEPT / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        return build(ROOT, tmp_path_factory.mktemp("package"), KEPT)


@pytest.fixture(scope="module")
def unpacked(package: Package, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Unpack the zip, as an instance of the function app does at its start."""
    folder = tmp_path_factory.mktemp("wwwroot")
    with zipfile.ZipFile(package.zip) as packed:
        packed.extractall(folder)
    return folder


def own(package: Package) -> list[Path]:
    """Return the package's files without requirements and compiled files."""
    files = (path for path in package.files() if not path.is_relative_to(SITE))
    return [path for path in files if COMPILED not in path.parts]


def test_it_holds_the_app_and_nothing_else(package: Package) -> None:
    """From the checkout it has the app, `host.json`, all of `shared`, and the licence, no more."""
    ours = (path for kind in ("py", "j2", "css") for path in (ROOT / "shared").rglob(f"*.{kind}"))
    modules = {path.relative_to(ROOT) for path in ours}
    others = ("function_app.py", "host.json", "requirements.txt", "LICENSE", "NOTICE")
    assert set(own(package)) == modules | set(map(Path, others))


def test_the_zip_is_the_folder(package: Package, unpacked: Path) -> None:
    """The zip holds exactly the folder's files."""
    found = {path.relative_to(unpacked) for path in unpacked.rglob("*") if path.is_file()}
    assert found == set(package.files())


def test_azd_leaves_nothing_out(package: Package) -> None:
    """It contains an ignore file, without which azd omits compiled files; it ignores nothing.

    So it does not matter how an azd reads patterns: up to 1.23.12 negations excluded as well.
    """
    lines = (package.folder / IGNORE).read_text().splitlines()
    assert [line for line in lines if line.strip() and not line.startswith("#")] == []


def test_every_module_is_compiled_and_taken_as_it_is(package: Package) -> None:
    """Each module has its bytecode file, marked as not to be compared with its source."""
    tag = f".cpython-{PYTHON[0]}{PYTHON[1]}.pyc"
    files = set(package.files())
    for path in (one for one in files if one.suffix == ".py"):
        compiled = path.parent / COMPILED / (path.stem + tag)
        assert compiled in files
        assert (package.folder / compiled).read_bytes()[4:8] == UNCHECKED_HASH, compiled
    assert not [path for path in files if path.suffix == ".pyc" and not path.name.endswith(tag)]


def test_the_same_checkout_gives_the_same_zip(package: Package, tmp_path: Path) -> None:
    """Built again elsewhere, with other file times, it is identical to the last byte."""
    checkout = tmp_path / "checkout"
    for path in chosen(ROOT):
        (checkout / path).parent.mkdir(parents=True, exist_ok=True)
        (checkout / path).write_bytes((ROOT / path).read_bytes())
    again = build(checkout, tmp_path / "out", KEPT)
    assert again.zip.read_bytes() == package.zip.read_bytes()


def test_all_that_the_requirements_require_is_pinned(package: Package) -> None:
    """The installed distributions are those of requirements.txt, and need no others."""
    pinned = {
        canonicalize_name(name): version
        for name, version in re.findall(
            r"^([\w.-]+)==(\S+) \\$", (ROOT / "requirements.txt").read_text(), re.MULTILINE
        )
    }
    found = list(importlib.metadata.distributions(path=[str(package.folder / SITE)]))
    assert {canonicalize_name(one.name): one.version for one in found} == pinned
    needs = [Requirement(text) for one in found for text in one.requires or ()]
    wanted = [one for one in needs if not one.marker or one.marker.evaluate({"extra": ""})]
    assert wanted
    for one in wanted:
        assert one.specifier.contains(pinned[canonicalize_name(one.name)]), one


def test_what_cannot_be_installed_is_told_in_pips_words(tmp_path: Path) -> None:
    """A requirement without a build for the app's platform ends in an error that names it."""
    for name in ("function_app.py", "host.json"):
        (tmp_path / name).write_bytes((ROOT / name).read_bytes())
    (tmp_path / "shared").mkdir()
    (tmp_path / "requirements.txt").write_text("./no-such-distribution\n")
    with pytest.raises(PackageError, match="no-such-distribution"):
        build(tmp_path, tmp_path / "out", tmp_path / "out")
    assert not (tmp_path / "out" / "app.zip").exists()


def warnings(app: Path) -> set[str]:
    """Return the rules of azure-functions-doctor that an app breaks, with an error or a warning."""
    command = [str(Path(sys.executable).parent / "azure-functions-doctor"), "doctor", "--path"]
    about = ["--hosting-plan", "flex-consumption", "--deployment-mode", "local-prebuilt"]
    ran = subprocess.run(  # noqa: S603 the command is our own
        [*command, str(app), *about, "--profile", "deploy", "--format", "json"],
        capture_output=True,
        text=True,
        check=False,
    )
    found = [one for group in json.loads(ran.stdout)["results"] for one in group["items"]]
    assert len(found) > 20, ran.stderr
    assert not [one for one in found if one["status"] not in {"pass", "skip", "warn"}]
    assert ran.returncode == 0
    return {one["rule_id"] for one in found if one["status"] == "warn"}


def test_another_linter_finds_nothing_that_has_no_answer(unpacked: Path) -> None:
    """azure-functions-doctor has no error, and only the warnings that are explained here."""
    assert warnings(unpacked) == set(ANSWERED)


def test_that_linter_sees_a_missing_extension_bundle(unpacked: Path, tmp_path: Path) -> None:
    """For that linter it is only a warning, so each warning counts."""
    host_json = json.loads((unpacked / "host.json").read_text())
    del host_json["extensionBundle"]
    (tmp_path / "host.json").write_text(json.dumps(host_json))
    for name in ("function_app.py", "requirements.txt"):
        (tmp_path / name).write_bytes((unpacked / name).read_bytes())
    assert "check_extension_bundle" in warnings(tmp_path)


@only_where_it_runs
def test_it_is_imported_alone_and_compiles_nothing(unpacked: Path) -> None:
    """With nothing else on the path all imports are found, and each uses its bytecode."""
    site = unpacked / SITE
    command = [sys.executable, "-I", "-S", "-B", "-v", "-c", IMPORTS, str(unpacked), str(site)]
    environment = {"SUBSCRIPTIONS": "5a1e0000-0000-4000-8000-00000000a2e5"}
    ran = subprocess.run(  # noqa: S603 the command is our own
        command, env=environment, capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stderr
    taken = [Path(name) for name in TAKEN_FROM.findall(ran.stderr)]
    ours = [path for path in taken if path.is_relative_to(unpacked)]
    assert {"shared", "azure", "dissect", "msal"} <= {first_name(path, unpacked) for path in ours}
    assert [path for path in ours if path.suffix != ".pyc"] == []
    library = Path(os.__file__).parent
    assert [path for path in taken if path not in ours and library not in path.parents] == []


def first_name(path: Path, unpacked: Path) -> str:
    """Return the top-level name that a module of the package has."""
    base = unpacked / SITE if path.is_relative_to(unpacked / SITE) else unpacked
    return path.relative_to(base).parts[0]


@pytest.fixture(scope="module")
def hosted(
    unpacked: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Deployment, Simulator]]:
    """Serve the unpacked package; the host finds itself apart from the checkout's modules."""
    apart = tmp_path_factory.mktemp("host")
    (apart / "simulator").symlink_to(ROOT / "simulator")
    with Simulator(state_dir=apart / "state", speed=0) as simulator:
        settings = {
            "SUBSCRIPTIONS": simulator.subscription_id,
            "PYTHONPATH": os.pathsep.join(map(str, (unpacked / SITE, unpacked, apart))),
            "PYTHONSAFEPATH": "1",  # otherwise the current folder, the checkout, comes first
            "PYTHONVERBOSE": "1",
        }
        template = ROOT / "infra" / "snapshots" / "usual.snapshot.json"
        log = apart / "host.log"
        with Deployment(simulator, unpacked, settings, template, log, timers=False) as app:
            yield app, simulator


@only_where_it_runs
def test_the_host_loads_all_of_its_functions(hosted: tuple[Deployment, Simulator]) -> None:
    """Microsoft's worker library indexes it, and a host as strict as Azure's loads both."""
    app, _ = hosted
    assert app.ask("/admin/host/status")["state"] == "Running"
    kinds = {
        one["name"]: one["config"]["bindings"][0]["type"] for one in app.ask("/admin/functions")
    }
    assert kinds == {"look": "eventGridTrigger", "sweep": "timerTrigger"}
    assert [app.ask(f"/admin/functions/{name}/status") for name in kinds] == [{}, {}]


@only_where_it_runs
def test_the_local_host_runs_it(hosted: tuple[Deployment, Simulator], unpacked: Path) -> None:
    """A sweep, events and a proof run in it, and create an image, with nothing from outside."""
    app, simulator = hosted
    azure = simulator.client
    azure.settings(durations={"access": 0}, retry_after=0)
    tags = {"stillframe-capture": "managed-image"}
    vm = azure.create_vm("web", generation="V1", security_type="Standard", tags=tags)
    swept = requests.post(f"{app.url}/_host/functions/sweep/run", timeout=60).json()
    assert swept["ok"], swept
    assert azure.vm(vm)["tags"]["stillframe-status"] == "waiting"
    azure.guest(vm, "sysprep")
    for _ in range(30):
        azure.advance(60)
    assert azure.vm(vm)["osDiskTags"]["stillframe-status"] == "captured"
    assert [image["sysprep"] for image in azure.captures()] == ["succeeded"]
    taken = {Path(name) for name in TAKEN_FROM.findall(app.log.read_text())}
    looked = unpacked / "shared" / "proof" / COMPILED / "verdict.cpython-313.pyc"
    assert looked in taken
    others = {path for path in taken if not path.is_relative_to(unpacked)}
    assert [path for path in others if path.is_relative_to(ROOT / "shared")] == []
    installed = (str(path).partition("/site-packages/")[2] for path in others)
    assert [name for name in installed if name and (unpacked / SITE / name).exists()] == []
    ours = {first_name(one, unpacked) for one in taken - others}
    assert {"shared", "azure", "dissect", "msal"} <= ours
