"""azd's hooks, run as azd runs them: by a plain interpreter, with azd's environment only.

A script replaces `azd`: it returns a token and records what is set. Azure's answers come from the
simulated subscription, and from a scripted server for what it does not have.
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
from urllib.parse import quote

import pytest

from simulator.simulator import SUBSCRIPTION, Simulator
from tests.simulator.conftest import Arm, token

HOOKS = Path(__file__).parents[2] / "infra" / "azd"
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
    """Return the values that azd was told to set."""
    notes = Path(environment["NOTES"])
    return notes.read_text().splitlines() if notes.exists() else []


@pytest.fixture
def azure(server: Simulator, given: dict[str, str]) -> Simulator:
    """Give the simulated subscription, with its owner signed in to azd."""
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
    """If none is named, `<environment>-images` is created, and azd gets its id."""
    group = f"{HOME}/resourceGroups/stillframe-images"
    first, second = run("image_group", given), run("image_group", given)
    assert (first.returncode, second.returncode) == (0, 0), first.stderr
    assert f"created the resource group of images, {group}" in first.stdout
    assert "created" not in second.stdout
    assert noted(given) == [f"STILLFRAME_IMAGE_RESOURCE_GROUP={group}"] * 2
    assert Arm(azure, "owner")("GET", group).json()["location"] == "westeurope"


@pytest.mark.parametrize("named", ["golden", f"{HOME}/resourceGroups/golden"])
def test_a_group_that_is_named_must_be_there(
    azure: Simulator, given: dict[str, str], named: str
) -> None:
    """A user's own group is never created here: without it nothing is deployed."""
    given["STILLFRAME_IMAGE_RESOURCE_GROUP"] = named
    missing = run("image_group", given)
    assert missing.returncode == 1
    assert "does not exist: create it" in missing.stderr
    assert "az group create" in missing.stderr
    azure.client.create_group("golden")
    assert run("image_group", given).returncode == 0
    assert noted(given) == []


def test_who_may_make_no_group_is_told_in_azures_words(
    azure: Simulator, given: dict[str, str]
) -> None:
    """Without the permission to create it the hook ends with Azure's own code."""
    given["TOKEN"] = token(azure, "reader")
    refused = run("image_group", given)
    assert refused.returncode == 1
    assert "AuthorizationFailed" in refused.stderr


def test_topics_that_are_there_are_found(azure: Simulator, given: dict[str, str]) -> None:
    """Somebody else's topic replaces one that is gone; ours is not written."""
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
    assert noted(given) == [f"STILLFRAME_SUBSCRIPTION_TOPICS={theirs}"]
    given["STILLFRAME_SUBSCRIPTION_TOPICS"] = theirs.upper()
    assert run("topics", given).returncode == 0
    assert len(noted(given)) == 1


type Answer = tuple[int, Any]


class Scripted:
    """Resource Manager by script: the answers to a method and path, the last one repeated."""

    def __init__(self, answers: dict[str, list[Answer]]) -> None:
        self.asked: list[str] = []
        self.answers = answers
        self.retry_after = ""
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
                if scripted.retry_after:
                    self.send_header("Retry-After", scripted.retry_after)
                self.end_headers()
                self.wfile.write(json.dumps(body).encode())

            do_GET = do_POST = do_PUT = do_DELETE = answer  # noqa: N815 as the library names them

            def log_message(self, *_: object) -> None:
                """Log nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        """Stop the server."""
        self._server.shutdown()
        self._server.server_close()


def error(code: str) -> dict[str, Any]:
    """Return a refusal as Azure words it."""
    return {"error": {"code": code, "message": "as it is"}}


@pytest.fixture
def scripted(given: dict[str, str]) -> Iterator[Scripted]:
    """Give a scripted Resource Manager, without answers yet."""
    arm = Scripted({})
    given["ARM_ENDPOINT"] = arm.url
    yield arm
    arm.close()


def host(state: str) -> Answer:
    """Return Azure's state of the app's host."""
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
    """Until Azure lists the function and the host has created its key; the key is not printed."""
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
    """Events without a deployed app end at once, and the message names `azd up`."""
    scripted.answers[f"GET {SITES}"] = [(200, {"value": []})]
    ran = run("functions", given)
    assert ran.returncode == 1
    assert "run `azd up`" in ran.stderr


def test_a_refusal_is_not_waited_out(scripted: Scripted, given: dict[str, str]) -> None:
    """Without permission to read the function the hook fails at once, with Azure's message."""
    deployed(scripted)
    scripted.answers[f"GET {APP}/functions/look"] = [(403, error("AuthorizationFailed"))]
    ran = run("functions", given)
    assert ran.returncode == 1
    assert "AuthorizationFailed" in ran.stderr


def test_waiting_ends(scripted: Scripted, given: dict[str, str]) -> None:
    """If a host never answers the hook ends, and says what it waited for and where to look."""
    deployed(scripted)
    ran = run("functions", given | {"STILLFRAME_WAIT_SECONDS": "0"})
    assert ran.returncode == 1
    assert "still waiting for the host to index the function look" in ran.stderr
    assert f"the log of {APP}" in ran.stderr


IMAGES = f"{HOME}/resourceGroups/stillframe-images"
WORKSHOP = f"{OTHER}/resourceGroups/stillframe-workshop"
NETWORKS = f"{WORKSHOP}/providers/Microsoft.Network/virtualNetworks"
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


def topic(path: str, kind: str, owner: str | None = None) -> dict[str, Any]:
    """Return a system topic of its subscription."""
    tags = {"stillframe-platform": owner} if owner else None
    source = path.partition("/resourceGroups/")[0]
    return {"id": path, "tags": tags, "properties": {"topicType": kind, "source": source}}


def subscribed(path: str, name: str, to: str) -> dict[str, Any]:
    """Return an event subscription of a topic, to a function of the app in that group."""
    function = f"{to}/providers/Microsoft.Web/sites/app/functions/look"
    destination = {"endpointType": "AzureFunction", "properties": {"resourceId": function}}
    return {
        "id": f"{path}/eventSubscriptions/{name}",
        "properties": {"destination": destination},
    }


def several(*items: dict[str, Any]) -> list[Answer]:
    """Return the answer of a list."""
    return [(200, {"value": list(items)})]


THEIRS = f"{OTHER}/resourceGroups/stillframe"
"""Another deployment's group, of the same name in another subscription."""

ALL, HEALTH = "Microsoft.Resources.Subscriptions", "microsoft.resourcenotifications.healthresources"


@pytest.fixture
def left(scripted: Scripted, given: dict[str, str]) -> Scripted:
    """Script what two deployments of one name have left, in two subscriptions."""
    watch = role(HOME, f"Stillframe watch (stillframe of {SUBSCRIPTION.upper()} in 5a1e)")
    foreign = [
        role(HOME, f"Stillframe capture (stillframe-test of {SUBSCRIPTION} in 5a1e)"),
        role(HOME, f"Stillframe capture (stillframe of {OTHER.rsplit('/', 1)[1]} in 5a1e)"),
        role(HOME, f"Somebody else (stillframe of {SUBSCRIPTION} in x)"),
        role("/", f"Stillframe above (stillframe of {SUBSCRIPTION} in y)"),
        role(HOME, f"Stillframe built-in (stillframe of {SUBSCRIPTION} in z)", "BuiltInRole"),
    ]
    images = role(IMAGES, f"Stillframe images (stillframe of {SUBSCRIPTION} in images)")
    at_shared = f"{OTHER}/resourceGroups/shared/providers"
    at_theirs = f"{THEIRS}/providers/Microsoft.EventGrid/systemTopics/stillframe-health"
    given["STILLFRAME_SUBSCRIPTIONS"] = f"{SUBSCRIPTION}, {OTHER.rsplit('/', 1)[1]}"
    del given["AZURE_RESOURCE_GROUP"]  # an output of a layer: azd has deleted it by now
    systems = "providers/Microsoft.EventGrid/systemTopics"
    alerts = "Microsoft.Insights/metricAlerts"
    scripted.answers |= {
        f"GET {HOME}/{systems}": several(),
        f"GET {OTHER}/{systems}": several(
            topic(SHARED, ALL), topic(at_theirs, HEALTH, THEIRS), topic(OURS, HEALTH, GROUP)
        ),
        f"GET {at_shared}/{alerts}": several(
            {"id": f"{at_shared}/{alerts}/mine", "tags": {"stillframe-platform": GROUP}},
            {"id": f"{at_shared}/{alerts}/theirs", "tags": {"stillframe-platform": THEIRS}},
            {"id": f"{at_shared}/{alerts}/bare"},
        ),
        f"GET {THEIRS}/providers/{alerts}": several(),
        f"GET {OTHER}/resourceGroups/stillframe-events/providers/{alerts}": several(),
        f"GET {SHARED}/eventSubscriptions": several(
            subscribed(SHARED, "mine", GROUP), subscribed(SHARED, "stillframe-orders", THEIRS)
        ),
        f"GET {at_theirs}/eventSubscriptions": several(),
        f"GET {IMAGES}": [(200, {})],
        f"GET {WORKSHOP}": [(200, {})],
        f"GET {NETWORKS}": several(
            {"id": f"{NETWORKS}/stillframe-workshop-westeurope"},
            {"id": f"{NETWORKS}/somebodys"},
        ),
        f"GET {WORKSHOP}/providers/Microsoft.Network/networkSecurityGroups": several(),
        f"GET {HOME}{AUTHORIZATION}/roleDefinitions": several(watch, *foreign),
        f"GET {OTHER}{AUTHORIZATION}/roleDefinitions": several(),
        f"GET {IMAGES}{AUTHORIZATION}/roleDefinitions": several(images, *foreign),
        f"GET {HOME}{AUTHORIZATION}/roleAssignments": several(
            assignment(HOME, "one", watch["id"].upper()),
            assignment(f"{HOME}/resourceGroups/builds", "two", watch["id"]),
            assignment(HOME, "not", f"{foreign[0]['id']}-2"),
        ),
        f"GET {IMAGES}{AUTHORIZATION}/roleAssignments": several(
            assignment(IMAGES, "three", f"{HOME}{AUTHORIZATION}/roleDefinitions/images")
        ),
    }
    scripted.answers |= {f"DELETE {one}": [(200, {})] for one in LEFT}
    return scripted


OURS = f"{OTHER}/resourceGroups/stillframe-events/providers/Microsoft.EventGrid/systemTopics/x"
LEFT = [
    f"{NETWORKS}/stillframe-workshop-westeurope",
    f"{OTHER}/resourceGroups/shared/providers/Microsoft.Insights/metricAlerts/mine",
    f"{SHARED}/eventSubscriptions/mine",
    OURS,
    f"{HOME}{AUTHORIZATION}/roleAssignments/one",
    f"{HOME}/resourceGroups/builds{AUTHORIZATION}/roleAssignments/two",
    f"{HOME}{AUTHORIZATION}/roleDefinitions/watch",
    f"{IMAGES}{AUTHORIZATION}/roleAssignments/three",
    f"{IMAGES}{AUTHORIZATION}/roleDefinitions/images",
]
"""All that is this deployment's."""


def removed(ran: subprocess.CompletedProcess[str]) -> list[str]:
    """Return what a hook reports as removed."""
    said = ran.stdout.splitlines()
    return sorted(line.removeprefix("removed ") for line in said if line.startswith("removed "))


def test_what_down_leaves_is_removed_and_nothing_else(
    left: Scripted, given: dict[str, str]
) -> None:
    """By what they belong to: a deployment of the same name elsewhere keeps all it has."""
    ran = run("leftovers", given)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert removed(ran) == sorted(LEFT)
    asked = {one.removeprefix("DELETE ") for one in left.asked if one.startswith("DELETE")}
    assert asked == set(LEFT)


def test_what_azure_keeps_is_named_and_the_rest_goes(left: Scripted, given: dict[str, str]) -> None:
    """With a lock and a refused list, all else is removed, and the hook ends with 1."""
    left.answers[f"DELETE {LEFT[-2]}"] = [(409, error("ScopeLocked"))]
    left.answers[f"GET {OTHER}/providers/Microsoft.EventGrid/systemTopics"] = [
        (403, error("AuthorizationFailed"))
    ]
    ran = run("leftovers", given)
    assert ran.returncode == 1
    assert f"NOT removed, do this by hand: {LEFT[-2]}: HTTP 409: ScopeLocked" in ran.stdout
    assert "NOT checked: " in ran.stdout
    assert "AuthorizationFailed" in ran.stdout
    assert removed(ran) == sorted([LEFT[0], *LEFT[4:7], LEFT[8]])


def test_nothing_is_removed_under_a_running_app(left: Scripted, given: dict[str, str]) -> None:
    """`azd down events` runs the hook too; while the platform exists it does nothing."""
    left.answers[f"GET {GROUP}"] = [(200, {})]
    ran = run("leftovers", given)
    assert (ran.returncode, removed(ran)) == (0, [])
    assert f"{GROUP} still exists" in ran.stdout
    assert not [one for one in left.asked if one.startswith("DELETE")]


def test_a_group_for_topics_elsewhere_is_made_by_the_hook(
    scripted: Scripted, given: dict[str, str]
) -> None:
    """If that subscription lacks one of the topics; one that has both gets no group."""
    given["STILLFRAME_SUBSCRIPTIONS"] = OTHER.rsplit("/", 1)[1]
    group = f"{OTHER}/resourceGroups/stillframe-events"
    scripted.answers |= {
        f"GET {OTHER}/providers/Microsoft.EventGrid/systemTopics": several(topic(SHARED, ALL)),
        f"PUT {group}": [(201, {})],
    }
    ran = run("topics", given)
    assert ran.returncode == 0, ran.stderr
    assert f"created {group}" in ran.stdout
    scripted.asked.clear()
    scripted.answers[f"GET {OTHER}/providers/Microsoft.EventGrid/systemTopics"] = several(
        topic(SHARED, ALL), topic(f"{SHARED}-2", HEALTH)
    )
    assert run("topics", given).returncode == 0
    assert not [one for one in scripted.asked if one.startswith("PUT")]


def test_workshops_get_their_groups_from_the_hook(
    scripted: Scripted, given: dict[str, str]
) -> None:
    """One in each watched subscription, if there are workshops; an existing one is left alone."""
    given["STILLFRAME_SUBSCRIPTIONS"] = f"{SUBSCRIPTION}, {OTHER.rsplit('/', 1)[1]}"
    assert run("workshops", given).returncode == 0
    assert scripted.asked == []
    given["STILLFRAME_WORKSHOP"] = "true"
    at_home = WORKSHOP.replace(OTHER, HOME)
    scripted.answers |= {f"GET {at_home}": [(200, {})], f"PUT {WORKSHOP}": [(201, {})]}
    ran = run("workshops", given)
    assert ran.returncode == 0, ran.stderr
    assert f"created {WORKSHOP}" in ran.stdout
    assert [one for one in scripted.asked if one.startswith("PUT")] == [f"PUT {WORKSHOP}"]


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ({"Code": "Forbidden", "Message": "not you"}, "HTTP 403: Forbidden: not you"),
        ({"error": "denied"}, "HTTP 403: denied"),
        ({}, "HTTP 403: no reason is given"),
    ],
)
def test_a_refusal_is_told_in_whatever_shape_it_comes(
    scripted: Scripted, given: dict[str, str], answer: dict[str, Any], words: str
) -> None:
    """Microsoft.Web has another error format, and a proxy's errors are not Azure's."""
    scripted.answers[f"GET {IMAGES}"] = [(403, answer)]
    ran = run("image_group", given)
    assert ran.returncode == 1
    assert words in ran.stderr
    assert "Traceback" not in ran.stderr


@pytest.mark.parametrize("name", ["my_env", "-abc", "abc-", "x" * 40, "ab"])
def test_a_name_that_nothing_can_have_is_refused_before_a_group_is_made(
    scripted: Scripted, given: dict[str, str], name: str
) -> None:
    """Nothing is requested from Azure, and the message says how to set another name."""
    ran = run("image_group", given | {"AZURE_ENV_NAME": name})
    assert ran.returncode == 1
    assert "azd env set STILLFRAME_NAME" in ran.stderr
    assert scripted.asked == []


@pytest.mark.parametrize("group", ["my group", "größe"])
def test_a_group_may_be_called_whatever_azure_allows(
    scripted: Scripted, given: dict[str, str], group: str
) -> None:
    """Spaces and letters beyond ASCII are quoted in the request."""
    ran = run("image_group", given | {"STILLFRAME_IMAGE_RESOURCE_GROUP": group})
    assert "does not exist: create it" in ran.stderr
    assert scripted.asked == [f"GET {HOME}/resourceGroups/{quote(group)}"]


def test_a_throttled_request_is_asked_again(scripted: Scripted, given: dict[str, str]) -> None:
    """After a 429 it is retried as Retry-After says."""
    scripted.retry_after = "0"
    scripted.answers[f"GET {IMAGES}"] = [(429, error("TooManyRequests")), (200, {})]
    ran = run("image_group", given)
    assert ran.returncode == 0, ran.stderr


def test_the_package_is_built_by_a_python_that_serves(tmp_path: Path) -> None:
    """If PATH has only an older Python, one sentence says what to install."""
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
    """The nearest project file is not Python's, for which azd would make an environment."""
    assert (HOOKS / "package.json").exists()
    for name in ("pyproject.toml", "requirements.txt"):
        assert not (HOOKS / name).exists()
