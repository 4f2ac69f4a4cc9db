"""`azd up` works the first time, and `azd down` deletes what is ours and nothing else.

Each environment in `infra/snapshots/azd` is what `azd env set` would have written; beside it are
the snapshots of what both layers would deploy. The model in `azd.py` replaces azd.
"""

import json
import re
import shlex
from dataclasses import replace
from functools import cache
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest

from simulator.simulator import SUBSCRIPTION
from simulator.template import Template, read_template
from tests.deployment import azd
from tests.deployment.test_infra import INFRA, KNOWN, README, ROOT, SNAPSHOT_FOLDER

type Json = dict[str, Any]

FOLDER = SNAPSHOT_FOLDER / "azd"
ENVIRONMENTS = sorted(path.stem for path in FOLDER.glob("*.env"))
LAYERS = ("platform", "events")
OTHERS = {"images", "stillframe-images", "stillframe-test-images", "galleries", "network", "logs"}
"""The resource groups in those environments that are somebody's own."""

YAML = (ROOT / "azure.yaml").read_text()
READS = re.compile(r"readEnvironmentVariable\(\s*'(\w+)'")


@cache
def environment(name: str) -> dict[str, str]:
    """Return the values of an azd environment."""
    lines = (FOLDER / f"{name}.env").read_text().splitlines()
    pairs = (line.partition("=") for line in lines if line and not line.startswith("#"))
    given = {key: "".join(shlex.split(value)[:1]) for key, _, value in pairs}
    return {"AZURE_SUBSCRIPTION_ID": SUBSCRIPTION, "AZURE_LOCATION": "westeurope", **given}


@cache
def layer(name: str, which: str) -> Template:
    """Return what a layer of an environment would deploy."""
    return read_template(FOLDER / f"{name}.{which}.snapshot.json", KNOWN)


def everything(name: str) -> list[Json]:
    """Return what both layers of an environment would deploy."""
    return [one for which in LAYERS for one in layer(name, which).resources]


def group_of(name: str) -> str:
    """Return the platform's group, as the environment's first layer outputs it."""
    path = FOLDER / f"{name}.platform.snapshot.json"
    return str(json.loads(path.read_text())["outputs"]["AZURE_RESOURCE_GROUP"])


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_the_app_is_deployed_to_one_group_by_either_way_of_finding_it(name: str) -> None:
    """By output and by tag azd finds the same group, and one app in it."""
    platform, given = layer(name, "platform").resources, environment(name)
    assert given["AZURE_RESOURCE_GROUP"] == group_of(name)
    assert azd.deploys_to(platform, given) == [group_of(name)]
    assert azd.tagged_groups(everything(name), given) == [group_of(name)]
    assert len(azd.hosts(platform, group_of(name), "app")) == 1


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_down_deletes_the_platforms_group_and_no_other(name: str) -> None:
    """Whatever was deployed, into whichever groups: one group is deleted, and it is ours."""
    gone = set().union(*(azd.deletes(layer(name, which).resources) for which in LAYERS))
    assert gone == {group_of(name)}
    assert not gone & OTHERS


def test_somebodys_own_groups_are_deployed_into() -> None:
    """What the model calls a user's own group is at risk: an older azd would delete it."""
    touched = set().union(*(azd.deleted_before(everything(name)) for name in ENVIRONMENTS))
    assert touched & OTHERS == OTHERS - {"network", "logs"}


def test_the_azd_that_is_asked_for_is_right_in_all_of_these() -> None:
    """Older versions deploy an empty app, build in Azure, or delete groups that are not ours."""
    asked = re.search(r'azd: ">= (\d+)\.(\d+)\.(\d+)"', YAML)
    assert asked
    assert tuple(map(int, asked.groups())) >= (1, 31, 2)
    for page in (ROOT / "README.md", INFRA / "README.md"):
        assert f"azd {'.'.join(asked.groups())}" in page.read_text(), page


def test_two_environments_in_one_subscription_are_two_deployments() -> None:
    """They share no resource, except the topics of which Azure allows one."""
    for one, other in combinations(("first", "second"), 2):
        ids = [{each["id"] for each in everything(name)} for name in (one, other)]
        assert not ids[0] & ids[1]
    roles = [
        role["properties"]["roleName"]
        for name in ("first", "second")
        for role in layer(name, "platform").of("Microsoft.Authorization/roleDefinitions")
    ]
    assert len(set(roles)) == len(roles)


def test_the_second_environment_subscribes_to_the_topics_of_the_first() -> None:
    """It creates no system topic, and its event subscriptions are beside those of the first."""
    assert layer("second", "events").of("Microsoft.EventGrid/systemTopics") == []
    of_both = [layer(name, "events").event_subscriptions for name in ("first", "second")]
    topics = [{one["id"].rpartition("/eventSubscriptions/")[0] for one in each} for each in of_both]
    assert topics[0] == topics[1]


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_an_assignment_is_named_after_its_principal(name: str) -> None:
    """A recreated identity gets assignments with other names than the one before it."""
    path = FOLDER / f"{name}.platform.snapshot.json"
    later = replace(KNOWN, object_id="0c000000-0000-4000-8000-00000000000c", event_grid="0d")
    before, after = (
        {
            one["id"]
            for one in read_template(path, known).of("Microsoft.Authorization/roleAssignments")
        }
        for known in (KNOWN, later)
    )
    assert before
    assert not before & after


def parameters(which: str) -> set[str]:
    """Return the names of a layer's parameters."""
    text = (INFRA / which / "main.bicep").read_text()
    return set(re.findall(r"^param (\w+) ", text, re.MULTILINE))


def told_by_azd(which: str) -> dict[str, set[str]]:
    """Return, for each parameter that azd gives a layer, the variables that it is made from."""
    text = (INFRA / which / "main.bicepparam").read_text()
    shared = dict(re.findall(r"^var (\w+) = (.*)$", text, re.MULTILINE))
    found = {}
    for block in re.split(r"^param ", text, flags=re.MULTILINE)[1:]:
        name, _, value = block.partition(" = ")
        for variable in shared:
            value = re.sub(rf"\b{variable}\b", lambda at: shared[at[0]], value)
        found[name] = set(READS.findall(value))
    return found


def env_names() -> dict[str, str]:
    """Return the parameters of the page's table with the name that `azd env set` takes."""
    return dict(re.findall(r"^\| `(\w+)` \| `(\w+)` \|", README, re.MULTILINE))


NOT_ASKED = {"packageUri", "waitForApp", "groupTags", "platform", "alerts", "makeGroups"}
"""What azd gives by itself: the package, its tag, the other layer's output, whether there is an
address for alerts, the groups that a hook makes."""

WITH_PACKAGE = {"subscriptionTopics", "healthTopics", "deadLetters", "deadLettersOfExistingTopics"}
"""What the platform layer takes only for the events that it deploys itself, with a package."""


def test_every_parameter_can_be_set_by_azd() -> None:
    """Each parameter of both layers has its variable, and the page's table names it."""
    table = env_names()
    for which in LAYERS:
        told = told_by_azd(which)
        skipped = NOT_ASKED | (WITH_PACKAGE if which == "platform" else set())
        assert parameters(which) - set(told) <= skipped
        for name in parameters(which) - skipped:
            assert table[name] in told[name], name
    everywhere = parameters("platform") | parameters("events")
    assert set(table) == everywhere - NOT_ASKED


def test_a_pipeline_is_told_the_same() -> None:
    """`azd pipeline config` passes on each of those variables, which it does not do by default."""
    handed = re.findall(r"^    - (STILLFRAME_\w+)$", YAML, re.MULTILINE)
    assert handed == sorted(one for one in env_names().values() if one.startswith("STILLFRAME_"))


def test_what_azd_is_told_arrives() -> None:
    """Lists may have spaces, tags are merged with azd's own, and a group is found by its name."""
    platform = layer("everywhere", "platform")
    (group,) = platform.of(azd.GROUP)
    assert group["tags"] == {"owner": "image team", "azd-env-name": "production"}
    (app,) = platform.of("Microsoft.Web/sites")
    assert app["tags"] == {"owner": "image team", "azd-service-name": "app"}
    subscriptions = platform.settings["SUBSCRIPTIONS"].split(",")
    assert subscriptions == [SUBSCRIPTION, "5a1e0000-0000-4000-8000-00000000b0b5"]
    (locked,) = platform.of("Microsoft.Authorization/locks")
    assert locked["properties"]["level"] == "CanNotDelete"
    assert locked["id"].startswith(platform.settings["IMAGE_RESOURCE_GROUP"])
    private = layer("private", "platform").settings
    assert private["IMAGE_RESOURCE_GROUP"] == f"/subscriptions/{SUBSCRIPTION}/resourceGroups/images"


@pytest.mark.parametrize("name", ["first", "no-dead-letters"])
def test_a_topic_has_an_identity_only_where_it_is_wanted(name: str) -> None:
    """Without dead letters the property is not sent at all, because Azure has refused any."""
    topics = layer(name, "events").of("Microsoft.EventGrid/systemTopics")
    kept = [
        one["properties"].get("deadLetterWithResourceIdentity")
        for one in layer(name, "events").event_subscriptions
    ]
    assert len(topics) == 2
    if name == "first":
        assert {one["identity"]["type"] for one in topics} == {"SystemAssigned"}
        assert all(kept)
    else:
        assert not [one for one in topics if "identity" in one]
        assert not any(kept)


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_down_comes_to_its_end(name: str) -> None:
    """Each group exists when its layer is deleted; otherwise no later layer would be deleted."""
    layers = [layer(name, which).resources for which in LAYERS]
    assert azd.down(layers, SUBSCRIPTION) is None


@pytest.mark.parametrize("called", ["image-service", "image-service-events"])
def test_a_group_elsewhere_would_end_it(called: str) -> None:
    """A group that the events layer creates in another subscription: a hook creates it instead."""
    other = {"type": azd.GROUP, "name": called, "id": f"/subscriptions/x/resourceGroups/{called}"}
    layers = [layer("everywhere", "platform").resources, [other]]
    assert azd.down(layers, SUBSCRIPTION)
    topics = layer("everywhere", "events").of("Microsoft.EventGrid/systemTopics")
    assert {one["id"].split("/")[4] for one in topics} == {"image-service", "image-service-events"}


def test_deployments_of_one_name_in_two_subscriptions_share_nothing_but_topics() -> None:
    """Roles, event subscriptions and alerts elsewhere differ by platform."""
    (home,) = {one["id"].lower() for one in layer("everywhere", "platform").of(azd.GROUP)}
    roles = layer("everywhere", "platform").of("Microsoft.Authorization/roleDefinitions")
    assert all(f"(images of {SUBSCRIPTION} in " in one["properties"]["roleName"] for one in roles)
    events = layer("everywhere", "events")
    own = [one for one in events.resources if f"/{SUBSCRIPTION}/" not in one["id"]]
    for one in own:
        kind, called = one["type"].rpartition("/")[2], one["name"].rpartition("/")[2]
        if kind == "eventSubscriptions":
            to = one["properties"]["destination"]["properties"]["resourceId"]
            assert to.lower().startswith(f"{home}/")
            assert re.fullmatch(r"images-[a-z0-9]{13}-(orders|steps|workshop|health)", called)
        if kind in ("systemTopics", "metricAlerts"):
            assert one["tags"]["stillframe-platform"].lower() == home


def test_private_networking_leaves_two_endpoints_and_no_open_door() -> None:
    """Storage and topic are closed to the internet; each has its endpoint and its DNS name."""
    private = layer("private", "platform")
    for kind in ("Microsoft.Storage/storageAccounts", "Microsoft.EventGrid/topics"):
        (one,) = private.of(kind)
        assert one["properties"]["publicNetworkAccess"] == "Disabled", kind
    (storage,) = private.of("Microsoft.Storage/storageAccounts")
    trusted = {"bypass": "AzureServices", "defaultAction": "Deny"}  # for dead letters
    assert storage["properties"]["networkAcls"] == trusted
    given = environment("private")
    ways = private.of("Microsoft.Network/privateEndpoints")
    assert {one["properties"]["subnet"]["id"] for one in ways} == {
        given["STILLFRAME_ENDPOINT_SUBNET"]
    }
    zones = private.of("Microsoft.Network/privateEndpoints/privateDnsZoneGroups")
    assert {
        config["properties"]["privateDnsZoneId"]
        for one in zones
        for config in one["properties"]["privateDnsZoneConfigs"]
    } == {given["STILLFRAME_BLOB_DNS_ZONE"], given["STILLFRAME_TOPIC_DNS_ZONE"]}
    (app,) = private.of("Microsoft.Web/sites")
    assert app["properties"]["virtualNetworkSubnetId"] == given["STILLFRAME_APP_SUBNET"]
    assert app["properties"]["outboundVnetRouting"] == {"allTraffic": True}
    (public,) = layer("first", "platform").of("Microsoft.Web/sites")
    assert public["properties"]["virtualNetworkSubnetId"] is None


def test_logs_and_alerts_go_where_they_are_kept_already() -> None:
    """If a workspace and an action group are given, none is created, and both are used."""
    private, given = layer("private", "platform"), environment("private")
    assert private.of("Microsoft.OperationalInsights/workspaces") == []
    (insights,) = private.of("Microsoft.Insights/components")
    assert insights["properties"]["WorkspaceResourceId"] == given["STILLFRAME_LOG_WORKSPACE"]
    assert private.of("Microsoft.Insights/actionGroups") == []
    rules = private.of("Microsoft.Insights/scheduledQueryRules")
    groups = [given["STILLFRAME_ACTION_GROUPS"]]
    assert rules
    assert all(one["properties"]["actions"]["actionGroups"] == groups for one in rules)
    metric = layer("private", "events").of("Microsoft.Insights/metricAlerts")
    assert metric
    assert all(
        [each["actionGroupId"] for each in one["properties"]["actions"]] == groups for one in metric
    )


def test_zones_and_ready_instances_are_by_choice() -> None:
    """Three zones and an always-ready instance if requested, else neither."""
    for name, sku, zones, ready in (
        ("private", "Standard_ZRS", True, [{"name": "http", "instanceCount": 1}]),
        ("first", "Standard_LRS", False, []),
    ):
        platform = layer(name, "platform")
        (storage,) = platform.of("Microsoft.Storage/storageAccounts")
        (plan,) = platform.of("Microsoft.Web/serverfarms")
        (app,) = platform.of("Microsoft.Web/sites")
        assert storage["sku"]["name"] == sku
        assert plan["properties"]["zoneRedundant"] is zones
        scale = app["properties"]["functionAppConfig"]["scaleAndConcurrency"]
        assert scale["alwaysReady"] == ready


def test_steps_and_hooks_come_in_order() -> None:
    """The package needs no Azure and comes first; events come last; each hook is a file here."""
    steps = re.findall(r"- azd: (.+)", YAML)
    assert steps == ["package --all", "provision platform", "deploy --all", "provision events"]
    hooks = re.findall(r"run: (\S+)", YAML)
    found = [Path(one).name for one in hooks]
    assert found == [
        "image_group.py",
        "workshops.py",
        "functions.py",
        "topics.py",
        "package.py",
        "leftovers.py",
    ]
    assert all((INFRA / "azd" / name).exists() for name in found)
    assert YAML.count("kind: python") == len(hooks)
