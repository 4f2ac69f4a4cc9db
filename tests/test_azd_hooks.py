"""azd's hooks, run as azd runs them: by a plain interpreter, with azd's environment alone.

`azd` itself is stood in for by a script that gives a token and notes what is set. What Azure
answers comes from the simulated subscription, and from a scripted server for what that has not.
"""

import json
import os
import runpy
import shutil
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from simulator.simulator import SUBSCRIPTION, Simulator
from tests.simulator.conftest import Arm, token

HOOKS = Path(__file__).parent.parent / "infra" / "azd"
HOME = f"/subscriptions/{SUBSCRIPTION}"
OTHER = "/subscriptions/5a1e0000-0000-4000-8000-00000000b0b5"
GROUP = f"{HOME}/resourceGroups/stillframe"
SITES = f"{GROUP}/providers/Microsoft.Web/sites"
APP = f"{SITES}/stillframe-abc"
AZD = """#!/bin/sh
case "$1 $2" in
  "auth token") echo "{\\"token\\": \\"$TOKEN\\"}" ;;
  "env set") echo "$3=$4" >> "$NOTES" ;;
  *) exit 2 ;;
esac
"""


@pytest.fixture
def given(tmp_path: Path) -> dict[str, str]:
    """Give azd's environment, and an `azd` on PATH."""
    azd = tmp_path / "azd"
    azd.write_text(AZD)
    azd.chmod(azd.stat().st_mode | stat.S_IXUSR)
    return {
        "PATH": os.pathsep.join((str(tmp_path), os.environ["PATH"])),
        "NOTES": str(tmp_path / "notes"),
        "TOKEN": "any",
        "AZURE_ENV_NAME": "stillframe",
        "AZURE_LOCATION": "westeurope",
        "AZURE_SUBSCRIPTION_ID": SUBSCRIPTION,
        "AZURE_RESOURCE_GROUP": "stillframe",
    }


def run(hook: str, environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """Run a hook."""
    return subprocess.run(  # noqa: S603 our own script
        [sys.executable, HOOKS / f"{hook}.py"],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


def noted(environment: dict[str, str]) -> list[str]:
    """Return what azd was told to set."""
    notes = Path(environment["NOTES"])
    return notes.read_text().splitlines() if notes.exists() else []


@pytest.fixture
def azure(server: Simulator, given: dict[str, str]) -> Simulator:
    """Give the simulated subscription, its owner signed in to azd."""
    server.client.reset()
    given |= {
        "ARM_ENDPOINT": server.arm_endpoint,
        "SSL_CERT_FILE": str(server.ca_path),
        "TOKEN": token(server, "owner"),
    }
    return server


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Simulator]:
    """Serve a simulated subscription."""
    with Simulator(state_dir=tmp_path_factory.mktemp("sim"), speed=0) as simulator:
        yield simulator


def test_the_group_of_images_is_made_once(azure: Simulator, given: dict[str, str]) -> None:
    """Where none is named, `<environment>-images` is made, and azd is told its id."""
    group = f"{HOME}/resourceGroups/stillframe-images"
    first, second = run("image_group", given), run("image_group", given)
    assert (first.returncode, second.returncode) == (0, 0), first.stderr
    assert f"made the group of images, {group}" in first.stdout
    assert "made" not in second.stdout
    assert noted(given) == [f"STILLFRAME_IMAGE_RESOURCE_GROUP={group}"] * 2
    assert Arm(azure, "owner")("GET", group).json()["location"] == "westeurope"


@pytest.mark.parametrize("named", ["golden", f"{HOME}/resourceGroups/golden"])
def test_a_group_that_is_named_must_be_there(
    azure: Simulator, given: dict[str, str], named: str
) -> None:
    """A group of somebody's own is never made here: without it nothing is deployed."""
    given["STILLFRAME_IMAGE_RESOURCE_GROUP"] = named
    missing = run("image_group", given)
    assert missing.returncode == 1
    assert "there is no group of images" in missing.stderr
    assert "az group create" in missing.stderr
    azure.client.create_group("golden")
    assert run("image_group", given).returncode == 0
    assert noted(given) == []


def test_who_may_make_no_group_is_told_in_azures_words(
    azure: Simulator, given: dict[str, str]
) -> None:
    """Without the right to make it the hook ends with Azure's own code."""
    given["TOKEN"] = token(azure, "reader")
    refused = run("image_group", given)
    assert refused.returncode == 1
    assert "AuthorizationFailed" in refused.stderr


def test_topics_that_are_there_are_found(azure: Simulator, given: dict[str, str]) -> None:
    """A topic of somebody else's is written down, beside those that are known; ours is not."""
    owner = Arm(azure, "owner")
    azure.client.create_group("shared")
    azure.client.create_group("stillframe")
    theirs = f"{HOME}/resourceGroups/shared/providers/Microsoft.EventGrid/systemTopics/all"
    ours = f"{GROUP}/providers/Microsoft.EventGrid/systemTopics/stillframe-health"
    for topic, kind in (
        (theirs, "Microsoft.Resources.Subscriptions"),
        (ours, "microsoft.resourcenotifications.healthresources"),
    ):
        body = {"location": "global", "properties": {"source": HOME, "topicType": kind}}
        assert owner("PUT", f"{topic}?api-version=2025-02-15", body).ok
    given["STILLFRAME_SUBSCRIPTION_TOPICS"] = f"{OTHER}/topics/x"
    assert run("topics", given).returncode == 0
    assert noted(given) == [f"STILLFRAME_SUBSCRIPTION_TOPICS={OTHER}/topics/x,{theirs}"]
    given["STILLFRAME_SUBSCRIPTION_TOPICS"] = theirs.upper()
    assert run("topics", given).returncode == 0
    assert len(noted(given)) == 1


type Answer = tuple[int, Any]


class Scripted:
    """Resource Manager by script: the answers to a method and path, the last one for good."""

    def __init__(self, answers: dict[str, list[Answer]]) -> None:
        self.asked: list[str] = []
        self.answers = answers
        scripted = self

        class Handler(BaseHTTPRequestHandler):
            def answer(self) -> None:
                path = self.path.partition("?")[0]
                asked = f"{self.command} {path}"
                scripted.asked.append(asked)
                self.rfile.read(int(self.headers.get("Content-Length") or 0))
                rest = scripted.answers.get(asked, [(404, error("ResourceNotFound"))])
                status, body = rest.pop(0) if len(rest) > 1 else rest[0]
                self.send_response(status)
                self.end_headers()
                self.wfile.write(json.dumps(body).encode())

            do_GET = do_POST = do_DELETE = answer  # noqa: N815 as the library names them

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        """End it."""
        self._server.shutdown()
        self._server.server_close()


def error(code: str) -> dict[str, Any]:
    """Return a refusal of Azure's."""
    return {"error": {"code": code, "message": "as it is"}}


@pytest.fixture
def scripted(given: dict[str, str]) -> Iterator[Scripted]:
    """Give a scripted Resource Manager, its answers still to be written."""
    arm = Scripted({})
    given["ARM_ENDPOINT"] = arm.url
    yield arm
    arm.close()


def host(state: str) -> Answer:
    """Return how Azure tells of the app's host."""
    return 200, {"properties": {"state": state}}


READY = (200, {"systemKeys": {"eventgrid_extension": "a-secret"}})


def deployed(scripted: Scripted) -> None:
    """Script the app that azd has deployed."""
    site = {"id": APP, "tags": {"azd-service-name": "app"}}
    scripted.answers[f"GET {SITES}"] = [(200, {"value": [{"id": "other"}, site]})]


def test_the_events_wait_for_the_function_and_its_key(
    scripted: Scripted,
    given: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Until Azure knows the function and the host has made its key; the key is not printed."""
    monkeypatch.syspath_prepend(str(HOOKS))
    monkeypatch.setattr(time, "sleep", lambda _: None)
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    deployed(scripted)
    scripted.answers |= {
        f"GET {APP}/functions/look": [(404, error("NotFound")), (503, {}), (200, {})],
        f"GET {APP}/host/default/properties/status": [(503, {}), *map(host, ("Error", "Running"))],
        f"POST {APP}/host/default/listkeys": [(400, error("BadRequest")), (200, {}), READY],
    }
    runpy.run_path(str(HOOKS / "functions.py"), run_name="__main__")
    said = [line.partition(" (")[0] for line in capsys.readouterr().out.splitlines()]
    assert said == [
        "waiting for the host to index the function look",
        "waiting for the host to run",
        "waiting for the host's Event Grid extension to make its key",
        "stillframe-abc is ready for its events",
    ]
    assert scripted.asked.count(f"POST {APP}/host/default/sync") == 2


def test_without_an_app_the_way_is_named(scripted: Scripted, given: dict[str, str]) -> None:
    """Events without a deployed app end at once, and the words name `azd up`."""
    scripted.answers[f"GET {SITES}"] = [(200, {"value": []})]
    ran = run("functions", given)
    assert ran.returncode == 1
    assert "run `azd up`" in ran.stderr


def test_a_refusal_is_not_waited_out(scripted: Scripted, given: dict[str, str]) -> None:
    """Who may not read the function is told so at once, in Azure's words."""
    deployed(scripted)
    scripted.answers[f"GET {APP}/functions/look"] = [(403, error("AuthorizationFailed"))]
    ran = run("functions", given)
    assert ran.returncode == 1
    assert "AuthorizationFailed" in ran.stderr


def test_waiting_ends(scripted: Scripted, given: dict[str, str]) -> None:
    """A host that never answers ends the hook, which says what it waited for and where to look."""
    deployed(scripted)
    ran = run("functions", given | {"STILLFRAME_WAIT_SECONDS": "0"})
    assert ran.returncode == 1
    assert "still waiting for the host to index the function look" in ran.stderr
    assert f"the log of {APP}" in ran.stderr


IMAGES = f"{HOME}/resourceGroups/stillframe-images"
SHARED = f"{OTHER}/resourceGroups/shared/providers/Microsoft.EventGrid/systemTopics/all"
AUTHORIZATION = "/providers/Microsoft.Authorization"


def role(scope: str, name: str, kind: str = "CustomRole") -> dict[str, Any]:
    """Return a role definition."""
    properties = {"roleName": name, "type": kind, "assignableScopes": [scope]}
    return {
        "id": f"{scope}{AUTHORIZATION}/roleDefinitions/{name.split(' ')[1]}",
        "properties": properties,
    }


def assignment(scope: str, name: str, role_id: str) -> dict[str, Any]:
    """Return a role assignment."""
    path = f"{scope}{AUTHORIZATION}/roleAssignments/{name}"
    return {"id": path, "properties": {"roleDefinitionId": role_id}}


def test_what_down_leaves_is_removed_and_nothing_else(
    scripted: Scripted, given: dict[str, str]
) -> None:
    """Roles of this deployment with their assignments, and what lies on topics: nothing more."""
    watch = role(HOME, "Stillframe watch (stillframe in 5a1e)")
    foreign = [
        role(HOME, "Stillframe capture (stillframe-test in 5a1e)"),
        role(HOME, "Somebody else (stillframe in x)"),
        role("/", "Stillframe above (stillframe in y)"),
        role(HOME, "Stillframe built-in (stillframe in z)", "BuiltInRole"),
    ]
    images = role(IMAGES, "Stillframe images (stillframe in images)")
    mine = [
        assignment(HOME, "one", watch["id"].upper()),
        assignment(f"{HOME}/resourceGroups/builds", "two", watch["id"]),
        assignment(IMAGES, "three", images["id"]),
    ]
    given |= {
        "STILLFRAME_IMAGE_RESOURCE_GROUP": IMAGES,
        "STILLFRAME_HEALTH_TOPICS": SHARED,
        "STILLFRAME_SUBSCRIPTIONS": f"{SUBSCRIPTION}, {OTHER.rsplit('/', 1)[1]}",
    }
    del given["AZURE_RESOURCE_GROUP"]  # an output of a layer: azd has forgotten it by now
    scripted.answers |= {
        f"GET {HOME}{AUTHORIZATION}/roleDefinitions": [(200, {"value": [watch, *foreign]})],
        f"GET {OTHER}{AUTHORIZATION}/roleDefinitions": [(200, {"value": []})],
        f"GET {IMAGES}{AUTHORIZATION}/roleDefinitions": [(200, {"value": [images, *foreign]})],
        f"GET {HOME}{AUTHORIZATION}/roleAssignments": [
            (200, {"value": [mine[0], mine[1], assignment(HOME, "not", foreign[0]["id"])]})
        ],
        f"GET {IMAGES}{AUTHORIZATION}/roleAssignments": [(200, {"value": [mine[2]]})],
        **{f"DELETE {one['id']}": [(200, {})] for one in (watch, images, *mine[:2])},
        f"DELETE {mine[2]['id']}": [(409, error("ScopeLocked"))],
        f"DELETE {SHARED}/eventSubscriptions/stillframe-health": [(202, {})],
    }
    ran = run("leftovers", given)
    assert ran.returncode == 0, ran.stderr
    gone = {line.removeprefix("removed ") for line in ran.stdout.splitlines() if "removed " in line}
    expected = {watch["id"].lower(), images["id"].lower(), mine[0]["id"], mine[1]["id"]}
    assert {one.lower() for one in gone} == {
        *(one.lower() for one in expected),
        f"{SHARED}/eventSubscriptions/stillframe-health".lower(),
    }
    assert f"NOT removed, do it by hand: {mine[2]['id']}: ScopeLocked" in ran.stdout


def test_nothing_but_leavings_can_be_deleted(scripted: Scripted, given: dict[str, str]) -> None:
    """Whatever the environment says, no group, VM, disk or image is asked to be deleted."""
    given |= {
        "STILLFRAME_IMAGE_RESOURCE_GROUP": IMAGES,
        "STILLFRAME_SUBSCRIPTION_TOPICS": SHARED,
        "STILLFRAME_HEALTH_TOPICS": SHARED,
        "STILLFRAME_SUBSCRIPTIONS": OTHER.rsplit("/", 1)[1],
    }
    nothing: list[Answer] = [(200, {"value": []})]
    for scope in (OTHER, IMAGES):
        scripted.answers[f"GET {scope}{AUTHORIZATION}/roleDefinitions"] = nothing
    assert run("leftovers", given).returncode == 0
    kinds = {one.split("/")[-2] for one in scripted.asked if one.startswith("DELETE")}
    assert kinds == {"eventSubscriptions", "metricAlerts", "systemTopics"}


def test_the_package_is_built_by_a_python_that_serves(tmp_path: Path) -> None:
    """With none on PATH but an older one, one sentence says what to install."""
    folder = tmp_path / "infra" / "azd"
    folder.mkdir(parents=True)
    shutil.copy(HOOKS / "package.py", folder)
    (folder.parent / "package.py").write_text("import sys; print(sys.version_info[:2])")
    here = subprocess.run(  # noqa: S603 our own script
        [sys.executable, folder / "package.py"], capture_output=True, text=True, check=False
    )
    assert here.stdout == "(3, 13)\n"
    older = tmp_path / "python3"
    older.write_text("#!/bin/sh\nexit 1\n")
    older.chmod(0o755)
    script = (folder / "package.py").read_text().replace("[sys.executable]", f'["{older}"]')
    (folder / "package.py").write_text(script)
    none = subprocess.run(  # noqa: S603 our own script
        [sys.executable, folder / "package.py"],
        env={"PATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert none.returncode == 1
    assert none.stderr.count("\n") == 1
    assert "install uv" in none.stderr


def test_azd_makes_no_virtual_environment_for_a_hook() -> None:
    """The project file nearest to the hooks is none of Python's, by which azd would make one."""
    assert (HOOKS / "package.json").exists()
    for name in ("pyproject.toml", "requirements.txt"):
        assert not (HOOKS / name).exists()
