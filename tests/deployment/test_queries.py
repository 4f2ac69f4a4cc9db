"""The deployed queries: accepted by Microsoft's own parser, each in an alert or the workbook.

Their results are tested in tests/stories/test_queries.py.
"""

import json
import re
import shutil
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from shared.costguard.bill import Rate
from shared.model.facts import Machine, Price
from shared.model.ids import VmRef
from shared.model.tags import Status
from shared.sweep.report import SHOWN, Flagged, SweepReport
from simulator.simulator import SUBSCRIPTION
from simulator.template import Known, evaluate
from tests.deployment.queries.traces import QUERIES, text

type Json = dict[str, Any]

INFRA = QUERIES.parent
PARSER = Path(__file__).parent / "queries"
NAMES = sorted(path.stem for path in QUERIES.glob("*.kql"))
# Application Insights truncates a line after this length.
LONGEST_LINE = 32_768
# The table as Application Insights shows it.
TABLES = {
    "traces": "(timestamp: datetime, message: string, severityLevel: int, itemType: string,"
    " customDimensions: dynamic, customMeasurements: dynamic, operation_Name: string,"
    " operation_Id: string, operation_ParentId: string, operation_SyntheticSource: string,"
    " session_Id: string, user_Id: string, user_AuthenticatedId: string, user_AccountId: string,"
    " application_Version: string, client_Type: string, client_Model: string, client_OS: string,"
    " client_IP: string, client_City: string, client_StateOrProvince: string,"
    " client_CountryOrRegion: string, client_Browser: string, cloud_RoleName: string,"
    " cloud_RoleInstance: string, appId: string, appName: string, iKey: string,"
    " sdkVersion: string, itemId: string, itemCount: int, _ResourceId: string)"
}


def resources(snapshot: str, kind: str) -> list[Json]:
    """Return what a snapshot deploys of a type."""
    deployed = json.loads((INFRA / "snapshots" / f"{snapshot}.snapshot.json").read_text())
    return [one for one in deployed["predictedResources"] if one["type"].lower() == kind.lower()]


def alerts() -> dict[str, Json]:
    """Return the conditions of all alert rules, by their queries' names."""
    rules = resources("wide", "Microsoft.Insights/scheduledQueryRules")
    return {
        one["name"].removeprefix("capture-"): one["properties"]["criteria"]["allOf"][0]
        for one in rules
    }


def workbook(snapshot: str) -> dict[str, str]:
    """Return the workbook's queries by name."""
    (one,) = resources(snapshot, "Microsoft.Insights/workbooks")
    items = json.loads(one["properties"]["serializedData"])["items"]
    return {item["name"]: item["content"]["query"] for item in items if item["type"] == 3}


@pytest.fixture(scope="module")
def parsed() -> dict[str, Json]:
    """Return the parser's diagnostics of each query, and its columns."""
    node = shutil.which("node")
    if not node:
        pytest.skip("no node: whether Microsoft's parser takes the queries is NOT checked")
    if not (PARSER / "node_modules").exists():
        pytest.skip("no parser (npm ci --prefix tests/deployment/queries): queries are NOT checked")
    said = subprocess.run(  # noqa: S603 our own script
        [node, PARSER / "check.js", *(QUERIES / f"{name}.kql" for name in NAMES)],
        input=json.dumps(TABLES),
        capture_output=True,
        text=True,
        check=True,
    )
    return {Path(file).stem: found for file, found in json.loads(said.stdout).items()}


@pytest.mark.parametrize("name", NAMES)
def test_microsofts_parser_takes_it(parsed: dict[str, Json], name: str) -> None:
    """Every name in a query is one of the table's columns, its own, or an existing function."""
    assert parsed[name]["against"] == []


@pytest.mark.parametrize("name", alerts())
def test_an_alert_names_columns_that_its_query_gives(parsed: dict[str, Json], name: str) -> None:
    """The columns that split an alert exist; so does the time in every row of an alert."""
    by = {one["name"] for one in alerts()[name]["dimensions"]}
    assert by | {"timestamp"} <= set(parsed[name]["columns"])


@pytest.mark.parametrize("name", NAMES)
def test_each_query_is_deployed_as_it_stands(name: str) -> None:
    """In an alert rule, in the workbook or in both; and its comment says its purpose."""
    rules = {alert: one["query"] for alert, one in alerts().items()}
    used = [found[name] for found in (rules, workbook("wide")) if name in found]
    assert used
    assert set(used) == {text(name)}
    assert text(name).startswith(("// Alert", "// Workbook"))


def test_an_alert_fires_when_its_query_finds_something() -> None:
    """One row is enough, once."""
    for one in alerts().values():
        fires = (one["timeAggregation"], one["operator"], one["threshold"])
        assert fires == ("Count", "GreaterThan", 0)
        assert one["failingPeriods"]["numberOfEvaluationPeriods"] == 1


def test_what_is_asked_for_is_deployed() -> None:
    """With an address: a group with it, used by every rule; images only on request; else none."""
    (group,) = resources("wide", "Microsoft.Insights/actionGroups")
    sent = [one["emailAddress"] for one in group["properties"]["emailReceivers"]]
    assert sent == ["images@example.com"]
    for rule in resources("wide", "Microsoft.Insights/scheduledQueryRules"):
        assert rule["properties"]["actions"]["actionGroups"] == [group["id"]]
    for rule in resources("wide", "Microsoft.Insights/metricAlerts"):
        assert [one["actionGroupId"] for one in rule["properties"]["actions"]] == [group["id"]]
    assert set(alerts()) == {"no-heartbeat", "capture-failed", "still-billed", "captured"}
    for kind in ("actionGroups", "scheduledQueryRules", "metricAlerts"):
        assert resources("usual", f"Microsoft.Insights/{kind}") == []
    assert workbook("usual") == workbook("wide")


def test_each_alert_leads_to_the_workbook() -> None:
    """Its text ends with the address of the workbook that is deployed with it."""
    (book,) = resources("wide", "Microsoft.Insights/workbooks")
    shown = f"https://portal.azure.com/#resource{book['id']}/workbook"
    kinds = ("scheduledQueryRules", "metricAlerts")
    texts = [
        text_of(rule["properties"]["description"])
        for kind in kinds
        for rule in resources("wide", f"Microsoft.Insights/{kind}")
    ]
    assert len(texts) > 4
    assert all(one.endswith(f" {shown}") for one in texts)


def text_of(value: str) -> str:
    """Return a text of a snapshot, which may be an expression."""
    known = Known(SUBSCRIPTION, "app", "object")
    return evaluate(value, known) if value.startswith("[") else value


def test_the_workbook_has_the_sections_of_the_report() -> None:
    """In its order, by the same headings, after what the last sweep found; then the heartbeat."""
    (one,) = resources("usual", "Microsoft.Insights/workbooks")
    items = json.loads(one["properties"]["serializedData"])["items"]
    headings = [item["content"]["json"].removeprefix("## ") for item in items if item["type"] == 1]
    page = (INFRA.parent / "shared" / "page" / "report.html.j2").read_text()
    sections = re.findall(r'<h2 id="\w+">([^<]+)</h2>', page)
    of_report = [name.removesuffix(" this month") for name in sections if name != "Not seen"]
    assert headings == ["At the last sweep", *of_report, "Heartbeat"]


def test_each_topic_tells_what_it_could_not_deliver() -> None:
    """For every topic to which the app subscribes: dead letters, and dropped events."""
    subscriptions = resources("wide", "Microsoft.EventGrid/systemTopics/eventSubscriptions")
    topics = {one["id"].partition("/eventSubscriptions/")[0] for one in subscriptions}
    told = {
        (rule["properties"]["scopes"][0], rule["properties"]["criteria"]["allOf"][0]["metricName"])
        for rule in resources("wide", "Microsoft.Insights/metricAlerts")
    }
    lost = ("DeadLetteredCount", "DroppedEventCount")
    assert told == {(topic, metric) for topic in topics for metric in lost}


def test_a_sweeps_line_is_never_cut() -> None:
    """With as many VMs as it can name, the longest ids possible, and every kind of failure."""
    now = datetime(2026, 5, 4, tzinfo=UTC)
    vms = [f"{number:03}".ljust(266, "é") for number in range(1000)]
    machine = Machine(size="Standard_NC96ads_A100_v4", region="southafricanorth", os_type="Windows")
    since = now - timedelta(days=400)
    rate = Rate(price=Price(123.456789, 98.765432), currency="EUR", factor=0.812345)
    refs = [VmRef(SUBSCRIPTION, vm[:90], vm[:64]) for vm in vms]
    report = SweepReport(
        flagged=[
            Flagged(ref, since, machine, rate, past_grace=True, owner="é" * 256) for ref in refs
        ],
        untold=dict.fromkeys(vms, "no" * 500),
        unreached=vms,
        steps=dict.fromkeys(vms, ("deallocate",)),
    )
    report.statuses.update(Status)
    line = f"sweep {report.line(now, dry_run=True)}"
    assert len(line) < LONGEST_LINE
    said = json.loads(line.partition(" ")[2])
    assert (len(said["flagged"]), said["flaggedCount"]) == (SHOWN, 1000)
    assert (said["counts"]["untold"], said["counts"]["unreached"]) == (1000, 1000)
