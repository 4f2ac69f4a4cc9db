"""What the template deploys: fresh snapshots, no open access, settings that the app understands."""

import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from shared.model.settings import GuardAction, Name, ProofPolicy, read_settings
from simulator.simulator import SUBSCRIPTION
from simulator.template import ONLY_AZURE_KNOWS, Known, Template, TemplateError, read_template

ROOT = Path(__file__).parents[2]
INFRA = ROOT / "infra"
SNAPSHOT_FOLDER = INFRA / "snapshots"
SNAPSHOTS = [
    path.name.partition(".")[0] for path in sorted(SNAPSHOT_FOLDER.glob("*.snapshot.json"))
]
"""What is deployed by way of trial: each says on its first line what it stands for."""

EVERY_SNAPSHOT = sorted(SNAPSHOT_FOLDER.rglob("*.snapshot.json"))

WITH_APP = [name for name in SNAPSHOTS if name != "another"]
README = (INFRA / "README.md").read_text()
# Settings of the host and the SDKs, beside Stillframe's own.
HOST_SETTINGS = {
    "APPLICATIONINSIGHTS_AUTHENTICATION_STRING",
    "APPLICATIONINSIGHTS_CONNECTION_STRING",
    "AZURE_CLIENT_ID",
    "AzureWebJobsStorage__accountName",
    "AzureWebJobsStorage__clientId",
    "AzureWebJobsStorage__credential",
}
BLOB_DATA_OWNER = "b7e6dc6d-f1e8-4753-8033-0f276bb0955b"
KNOWN = Known(
    subscription=SUBSCRIPTION,
    app_id="0a000000-0000-4000-8000-000000000002",
    object_id="0b000000-0000-4000-8000-000000000002",
)


def template(name: str) -> Template:
    """Return what a snapshot deploys."""
    return read_template(SNAPSHOT_FOLDER / f"{name}.snapshot.json", KNOWN)


def test_what_is_kept_is_fresh(tmp_path: Path) -> None:
    """`make infra` would change nothing: no template's format, not main.json, no snapshot."""
    bicep = os.environ.get("BICEP") or shutil.which("bicep")
    if not bicep:
        pytest.skip("no Bicep compiler (put bicep on PATH or set BICEP): infra/ is taken as it is")
    made_by = json.loads((INFRA / "main.json").read_text())["metadata"]["_generator"]["version"]
    version = subprocess.run([bicep, "--version"], capture_output=True, text=True, check=True)  # noqa: S603 the developer's own compiler
    if not re.search(rf"\b{made_by.rpartition('.')[0]}\b", version.stdout):
        pytest.skip(f"infra/ was made by Bicep {made_by}, here is {version.stdout.strip()}")
    here = tmp_path / "infra"
    shutil.copytree(INFRA, here)
    built = subprocess.run(  # noqa: S603 our own script
        [here / "build.sh"],
        env=os.environ | {"BICEP": bicep},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (built.returncode, built.stdout, built.stderr) == (0, "", "")
    kept = [path.relative_to(INFRA) for path in INFRA.rglob("*") if path.is_file()]
    assert [
        name for name in kept if (INFRA / name).read_bytes() != (here / name).read_bytes()
    ] == []


@pytest.mark.parametrize("path", EVERY_SNAPSHOT, ids=lambda path: path.name.partition(".snap")[0])
def test_nothing_in_a_snapshot_is_left_open(path: Path) -> None:
    """Each expression that only Azure can evaluate is in the list of those."""
    assert json.loads(path.read_text())["diagnostics"] == []
    assert read_template(path, KNOWN).resources


def test_the_list_of_what_only_azure_knows_has_nothing_needless() -> None:
    """Each expression in it is in some snapshot."""
    texts = "".join(path.read_text() for path in EVERY_SNAPSHOT)
    assert [one for one in ONLY_AZURE_KNOWS if not re.search(one, texts)] == []


def test_what_nobody_knows_is_an_error(tmp_path: Path) -> None:
    """A snapshot with another expression is refused, and so is one that deploys nothing."""
    odd = json.loads((SNAPSHOT_FOLDER / "usual.snapshot.json").read_text())
    odd["predictedResources"][0]["tags"] = {"when": "[utcNow()]"}
    path = tmp_path / "odd.json"
    path.write_text(json.dumps(odd, indent=2))
    with pytest.raises(TemplateError, match=r"\[utcNow\(\)\]"):
        read_template(path, KNOWN)
    path.write_text("{}")
    with pytest.raises(TemplateError, match="deploys nothing"):
        read_template(path, KNOWN)


@pytest.mark.parametrize("name", WITH_APP)
def test_the_apps_settings_are_those_it_reads(name: str) -> None:
    """Each setting of the app is deployed, no other, and the app starts with them."""
    settings = template(name).settings
    assert set(settings) - HOST_SETTINGS == set(Name)
    assert read_settings(settings).arm_endpoint == KNOWN.arm_endpoint.rstrip("/")


def test_parameters_arrive_as_settings() -> None:
    """Each parameter becomes the app setting that it is for."""
    wide = read_settings(template("wide").settings)
    assert len(wide.subscriptions) == 2
    assert wide.in_scope(f"/subscriptions/{SUBSCRIPTION}/resourceGroups/any/x")
    assert not wide.in_scope(f"/subscriptions/{wide.subscriptions[1]}/resourceGroups/any/x")
    assert wide.in_scope(f"/subscriptions/{wide.subscriptions[1]}/resourceGroups/Builds/x")
    assert wide.image_group == (SUBSCRIPTION, "images")
    assert (wide.proof, wide.guard_action) == (ProofPolicy.WHEN_READABLE, GuardAction.DEALLOCATE)
    narrow = read_settings(template("narrow").settings)
    assert narrow.image_group == (SUBSCRIPTION, "stillframe-images")
    assert (narrow.proof, narrow.capture_target) == (ProofPolicy.OFF, "managed-image")


@pytest.mark.parametrize("name", SNAPSHOTS)
def test_events_go_to_functions_that_exist(name: str) -> None:
    """Each event subscription names an existing function of the app."""
    functions = template(name).functions
    app = (ROOT / "function_app.py").read_text()
    assert functions <= set(re.findall(r'@app\.function_name\("(\w+)"\)', app))


def test_no_key_opens_anything() -> None:
    """Storage, topic and logs accept identities only, over TLS, and the template reads no key."""
    usual = template("usual")
    storage = usual.of("Microsoft.Storage/storageAccounts")[0]["properties"]
    assert not storage["allowSharedKeyAccess"]
    assert not storage["allowBlobPublicAccess"]
    assert storage["supportsHttpsTrafficOnly"]
    assert usual.of("Microsoft.EventGrid/topics")[0]["properties"]["disableLocalAuth"]
    assert usual.of("Microsoft.Insights/components")[0]["properties"]["DisableLocalAuth"]
    assert usual.of("Microsoft.Web/sites")[0]["properties"]["httpsOnly"]
    policies = usual.of("Microsoft.Web/sites/basicPublishingCredentialsPolicies")
    assert [one["properties"]["allow"] for one in policies] == [False, False]
    text = (INFRA / "main.json").read_text()
    assert not re.search(r"listKeys|listAccountSas|AccountKey|[?&](sig|code)=", text)


@pytest.mark.parametrize("name", WITH_APP)
def test_the_host_may_keep_its_keys_and_its_timers(name: str) -> None:
    """The storage account in its settings is deployed, and the app's identity may write its blobs.

    Without it there is no webhook and no timer, and no deployment reports that.
    """
    deployed = template(name)
    (account,) = deployed.of("Microsoft.Storage/storageAccounts")
    assert deployed.settings["AzureWebJobsStorage__accountName"] == account["name"]
    assert deployed.settings["AzureWebJobsStorage__clientId"] == KNOWN.app_id
    grants = deployed.of("Microsoft.Authorization/roleAssignments")
    written = [one["properties"] for one in grants if one["id"].startswith(account["id"] + "/")]
    held = {
        one["roleDefinitionId"].rpartition("/")[2]
        for one in written
        if one["principalId"] == KNOWN.object_id
    }
    assert BLOB_DATA_OWNER in held


def test_undelivered_events_are_kept() -> None:
    """Each event subscription has a dead-letter container, to which only its topic may write."""
    usual = template("usual")
    for one in usual.event_subscriptions:
        kept = one["properties"]["deadLetterWithResourceIdentity"]
        container = kept["deadLetterDestination"]["properties"]["blobContainerName"]
        assert container == "dead-letters"
        assert kept["identity"] == {"type": "SystemAssigned"}
    assert {one["identity"]["type"] for one in usual.of("Microsoft.EventGrid/systemTopics")} == {
        "SystemAssigned"
    }
    assignments = usual.of("Microsoft.Authorization/roleAssignments")
    on = [one for one in assignments if "/containers/dead-letters/" in one["id"]]
    assert {one["properties"]["principalId"] for one in on} == {KNOWN.event_grid}
    assert len(on) == 2


def test_topics_that_exist_are_used() -> None:
    """A subscription that has its topics gets only the event subscriptions, no second topics."""
    wide = template("wide")
    made = {one["properties"]["source"] for one in wide.of("Microsoft.EventGrid/systemTopics")}
    assert made == {f"/subscriptions/{SUBSCRIPTION}"}
    theirs = [one["id"] for one in wide.event_subscriptions if "/shared/" in one["id"]]
    assert len(theirs) == 4


@pytest.mark.parametrize("layer", ["platform", "events"])
def test_each_parameter_is_described(layer: str) -> None:
    """The page on infra/ describes each parameter of both layers."""
    text = (INFRA / layer / "main.bicep").read_text()
    names = re.findall(r"^param (\w+) ", text, re.MULTILINE)
    assert names
    assert [name for name in names if f"`{name}`" not in README] == []


def test_one_deployment_waits_between_package_and_events() -> None:
    """With a package a script waits for the app before its events, and may read only the app."""
    usual = template("usual")
    (script,) = usual.of("Microsoft.Resources/deploymentScripts")
    assert script["properties"]["cleanupPreference"] == "Always"
    told = {one["name"]: one["value"] for one in script["properties"]["environmentVariables"]}
    assert told["APP"].endswith(f"/sites/{usual.app}")
    assert told["FUNCTION"] in usual.functions
    main = json.loads((INFRA / "main.json").read_text())["resources"]
    assert {"package", "wait"} <= set(main["events"]["dependsOn"])
    assert "package" in main["wait"]["dependsOn"]
    assert template("narrow").of("Microsoft.Resources/deploymentScripts") == []


@pytest.mark.parametrize(("refusals", "limit", "status"), [(2, 900, 0), (99, -1, 1)])
def test_the_script_waits_and_gives_up(
    tmp_path: Path, refusals: int, limit: int, status: int
) -> None:
    """It polls until Azure knows the function; if it never does, it says so and where to look."""
    az = tmp_path / "az"
    az.write_text(
        f'#!/bin/bash\ncd {tmp_path}\n[[ "$*" != *sync* ]] || exit 1\n'
        '[[ "$*" != *status* ]] || { echo Running; exit; }\n'
        f"echo x >> calls\necho no such function\n[[ $(wc -l < calls) -gt {refusals} ]]\n"
    )
    az.chmod(0o755)
    script = (INFRA / "modules" / "wait.sh").read_text()
    quick = script.replace("sleep 10", "sleep 0").replace("SECONDS + 900", f"SECONDS + {limit}")
    ran = subprocess.run(  # noqa: S603 our own script
        ["/bin/bash", "-c", quick],
        env={"PATH": f"{tmp_path}:{os.environ['PATH']}", "APP": "x", "FUNCTION": "x"},
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )
    assert (ran.returncode, ran.stdout.count("waiting for")) == (status, refusals * (1 - status))
    assert ("no such function" in ran.stderr) is bool(status)
    assert ("deploy again" in ran.stderr) is bool(status)
