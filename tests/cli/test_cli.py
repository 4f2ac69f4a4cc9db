"""The commands: what they show of a subscription, and that they change nothing."""

import json
import os
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import certifi
import pytest
from rich.console import Console

from cli.advice import settings_unread
from cli.tables import naming, plan_page, sweep_page
from cli.words import in_the_apps_words
from shared.capture.decide import NOT_LATEST
from shared.capture.keep import OF_ITS_COPY
from shared.model.errors import Refused, StillframeError, Transient
from shared.model.facts import ListedVm, PowerState
from shared.model.tags import Status, Tag
from shared.model.version import VERSION
from shared.page.orders import next_step, orders
from shared.sweep.report import SweepReport
from simulator.simulator import Simulator
from tests.cli.commands import ROOT, run
from tests.unit.making import NOW, REF

NOBODYS = "00000000-0000-4000-8000-00000000dead"


@pytest.fixture(scope="module")
def subscription(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Simulator]:
    """Give a subscription with a waiting order, and a VM that is stopped but still billed."""
    with Simulator(speed=1, state_dir=tmp_path_factory.mktemp("cli")) as simulator:
        order = {
            "stillframe-capture": "managed-image",
            "stillframe-status": "waiting",
            "stillframe-image": "managed-image",
        }
        simulator.client.create_vm("web", security_type="Standard", tags=order)
        simulator.client.create_vm("idle", power="stopped", stopped_since=7200.0)
        yield simulator


def test_a_sweep_shows_who_is_billed_and_changes_nothing(subscription: Simulator) -> None:
    """The stopped VM is flagged with its price; no request of the command is a write."""
    shown = run(subscription, "sweep", "--subscription", subscription.subscription_id, "--json")
    assert (shown.returncode, shown.stderr) == (0, "")
    body = json.loads(shown.stdout)
    assert (body["vms"], body["orders"], body["flaggedCount"]) == (2, 1, 1)
    assert body["bills"] == {"would mark": 1}
    assert body["listCostPerDay"] > 0
    asked = subscription.client.requests(caller="app")
    changes = [one["path"] for one in asked if one["method"] != "GET"]
    assert set(changes) == {"/providers/Microsoft.ResourceGraph/resources"}


def test_a_sweep_is_a_page_for_people(subscription: Simulator) -> None:
    """Without --json the same is in tables, with the VM's name and cost."""
    shown = run(subscription, "sweep", "--subscription", subscription.subscription_id)
    assert shown.returncode == 0
    assert "idle" in shown.stdout
    assert "Standard_D4s_v5" in shown.stdout


def test_status_shows_each_order_and_what_comes_next(subscription: Simulator) -> None:
    """A waiting order shows what its owner must do."""
    asked = ("status", "--subscription", subscription.subscription_id, "--json")
    shown = run(subscription, *asked)
    assert shown.returncode == 0
    (row,) = json.loads(shown.stdout)["orders"]
    assert (row["status"], row["image"]) == ("waiting", "managed-image")
    assert "run Sysprep" in row["next"]
    assert "web" in run(subscription, *asked[:-1]).stdout


def test_a_subscription_that_is_not_there_is_told(subscription: Simulator) -> None:
    """The command exits with 1 and names the subscription."""
    shown = run(subscription, "status", "--subscription", NOBODYS)
    assert shown.returncode == 1
    assert NOBODYS in shown.stderr


def test_an_id_that_is_none_is_asked_for(subscription: Simulator) -> None:
    """If the id is not a subscription id, the command exits with 2 and asks for one."""
    shown = run(subscription, "sweep", "--subscription", "mine")
    assert shown.returncode == 2
    assert "stillframe sweep --subscription <id>" in shown.stderr


@pytest.mark.parametrize("command", ["sweep", "plan", "status"])
def test_without_a_name_every_visible_subscription_is_looked_at(
    subscription: Simulator, command: str
) -> None:
    """Azure lists those visible to the caller, and stderr shows how many they are."""
    shown = run(subscription, command, principal="reader")
    assert shown.returncode == 0, shown.stderr
    assert shown.stderr.startswith("No subscription given: reading all 1 ")
    assert "requests" in shown.stdout or "web" in shown.stdout


def test_who_sees_no_subscription_is_told(subscription: Simulator) -> None:
    """Without a role assignment Azure's list is empty: exit code 1, and what to do."""
    roles = subscription.client.roles()
    given = roles["roleAssignments"]
    (reader,) = (it["objectId"] for it in roles["principals"] if it["name"] == "reader")
    others = [grant for grant in given if grant["properties"]["principalId"] != reader]
    subscription.client.set_roles(roles | {"roleAssignments": others})
    shown = run(subscription, "sweep", principal="reader")
    subscription.client.set_roles(roles)
    assert (shown.returncode, shown.stdout) == (1, "")
    assert "You can see no enabled subscription" in shown.stderr
    assert "Next: " in shown.stderr


def test_a_plan_is_what_would_be_done_and_nothing_else(subscription: Simulator) -> None:
    """It has the mark on the stopped VM, not the figures of a sweep, and changes nothing."""
    asked = ("plan", "--subscription", subscription.subscription_id)
    page = run(subscription, *asked)
    assert (page.returncode, page.stderr) == (0, "")
    assert page.stdout.startswith("What would be done now")
    assert "VMs by power state" not in page.stdout
    body = json.loads(run(subscription, *asked, "--json").stdout)
    assert (body["steps"], body["bills"]) == ({}, {"would mark": 1})
    assert "states" not in body


def test_a_plan_of_nothing_says_so() -> None:
    """Without steps and bills there is a sentence instead of a table."""
    screen = Console(width=130)
    with screen.capture() as shown:
        screen.print(*plan_page(SweepReport(), naming([REF.subscription])))
    assert shown.get().startswith("Nothing would be done now.")


@pytest.mark.parametrize("said", [("sweep", "--json"), ("sweep",), ("status",), ("plan",)])
def test_output_that_nobody_reads_to_its_end_is_no_error(
    subscription: Simulator, said: tuple[str, ...]
) -> None:
    """As in `stillframe sweep --json | head -1`: exit code 0, and nothing on stderr."""
    read, write = os.pipe()
    os.close(read)
    named = ("--subscription", subscription.subscription_id)
    with os.fdopen(write) as closed:
        shown = subprocess.run(  # noqa: S603 our own interpreter and command
            [sys.executable, "-m", "cli", *said, *named],
            env=os.environ | subscription.environment("app"),
            cwd=ROOT,
            stdout=closed,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert (shown.returncode, shown.stderr) == (0, "")


def test_the_version_is_shown(subscription: Simulator) -> None:
    """By `--version`, below each page, and in each JSON."""
    assert run(subscription, "--version").stdout == f"stillframe {VERSION}\n"
    named = ("--subscription", subscription.subscription_id)
    for command in ("sweep", "plan", "status"):
        assert f"Stillframe {VERSION}" in run(subscription, command, *named).stdout
        assert json.loads(run(subscription, command, *named, "--json").stdout)["version"] == VERSION


@pytest.mark.parametrize("status", [None, *Status])
@pytest.mark.parametrize("power", PowerState)
@pytest.mark.parametrize("kept", [True, False])
def test_every_order_has_a_next_step(
    status: Status | None, power: PowerState, *, kept: bool
) -> None:
    """For every status and power state there is a text; none is another operating system's."""
    for os_type, other in (("Windows", "waagent"), ("Linux", "run Sysprep")):
        turn, text = next_step(status, power, os_type, kept=kept)
        assert turn
        assert text
        assert other not in text.replace("do not run Sysprep", "")


@pytest.mark.parametrize(
    "by", [{Tag.KEEP: " Yes"}, {Tag.DETAIL: f"{OF_ITS_COPY}Sysprep failed: 0x80073cf2"}]
)
@pytest.mark.parametrize("power", PowerState)
def test_nobody_is_told_to_run_sysprep_in_a_vm_that_is_kept(
    by: dict[str, str], power: PowerState
) -> None:
    """It is known by its tag, or by the detail where the app keeps every VM."""
    tags = {Tag.CAPTURE.value: "golden/web", Tag.STATUS.value: "not-generalized", **by}
    (row,) = orders([ListedVm(REF, tags, power)])
    assert row["next"] == (
        "fix what the detail says in the VM, but do not run Sysprep in it; then remove the tag "
        "stillframe-capture and set it again"
    )


@pytest.mark.parametrize("kept", ["yes", "no"])
def test_who_ordered_an_image_that_does_not_boot_is_shown_to_its_screenshot(kept: str) -> None:
    """Nothing failed in Azure, so no failed version is to be deleted."""
    detail = f"the image does not boot{NOT_LATEST}OSProvisioningTimedOut"
    tags = {Tag.CAPTURE: "golden/web", Tag.STATUS: "failed", Tag.DETAIL: detail, Tag.KEEP: kept}
    (row,) = orders([ListedVm(REF, {tag.value: text for tag, text in tags.items()})])
    assert str(row["next"]).startswith("see the screenshot that the event names")


def test_orders_are_counted_by_the_apps_own_words() -> None:
    """Each counts once, by its tag, not by this run's result; a count of zero is left out."""
    unsaid = {"a": ("waiting", "refused"), "b": ("unanswered", "waiting")}
    report = SweepReport(statuses=Counter(waiting=3, refused=1), unsaid=unsaid)
    assert in_the_apps_words(report).statuses == {"waiting": 3, "unanswered": 1}
    assert "refused" not in in_the_apps_words(report).statuses


def test_another_word_is_a_step_unless_it_hangs_on_rights() -> None:
    """A changed status is shown as a step, unless either status is `refused`."""
    unsaid = {
        "new": ("unanswered", "waiting"),
        "done": ("capturing", "captured"),
        "refused here": ("waiting", "refused"),
        "refused there": ("refused", "waiting"),
    }
    report = SweepReport(steps={"stopped": ("would deallocate",)}, unsaid=unsaid)
    shown = in_the_apps_words(report)
    assert shown.steps == {
        "stopped": ("would deallocate",),
        "new": ("would say waiting",),
        "done": ("would say captured",),
    }
    assert set(shown.unsaid) == {"refused here", "refused there"}


def test_what_is_left_to_others_and_what_is_left_out_is_named() -> None:
    """By VM: the app that its order belongs to; why its entry in Azure's list is malformed."""
    vm = REF.id
    report = SweepReport(others={vm: "func-one"}, strange={f"{vm}2": "Expected `str`, got `null`"})
    screen = Console(width=130)
    with screen.capture() as shown:
        screen.print(*sweep_page(report, NOW, naming([REF.subscription])))
    assert re.search(r"golden/web-01 +│? *func-one", shown.get())
    assert re.search(r"golden/web-012 .*left out of Azure's list .*got `null`", shown.get())


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (Refused("AuthorizationFailed", "No.", 403), "Microsoft.Web/sites/config/list/action"),
        (Refused("ResourceNotFound", "It is not there.", 404), "ResourceNotFound: It is not there"),
        (Transient("503 Busy: Later.\nMuch later."), "503 Busy: Later."),
    ],
)
def test_settings_that_cannot_be_read_are_one_sentence(error: StillframeError, reason: str) -> None:
    """It has the reason, the missing permission by name, and which settings are used instead."""
    said = settings_unread(error)
    assert reason in said
    assert "defaults" in said
    assert "\n" not in said


@pytest.mark.parametrize(
    "app",
    [
        "stillframe",
        f"/subscriptions/{NOBODYS}/resourceGroups/g",
        f"/subscriptions/{NOBODYS}/resourceGroups/../providers/Microsoft.Web/sites/app",
        f"/subscriptions/{NOBODYS}/resourceGroups/g/providers/Microsoft.Web/sites/a?b",
    ],
)
def test_what_is_no_function_apps_id_is_not_asked_for(subscription: Simulator, app: str) -> None:
    """The command exits with 2, shows the form of an id, and sends Azure no request."""
    subscription.client.clear_requests()
    shown = run(subscription, "sweep", "--app", app)
    assert shown.returncode == 2
    assert "providers/Microsoft.Web/sites/<name>" in shown.stderr
    assert subscription.client.requests() == []


@pytest.mark.parametrize(
    ("said", "settings", "words"),
    [
        (("sweep",), {"COST_GUARD_GRACE": "1h"}, "COST_GUARD_GRACE: '1h' is not an ISO 8601"),
        (("sweep", "--currency", "euros"), {}, "argument --currency: --currency: 'EUROS' is not a"),
        (("sweep", "--csv", "--json"), {}, "--csv and --json are two formats"),
        (("report", "--json", "--output", "x"), {}, "leave out --output, --open and --mask"),
    ],
)
def test_what_is_wrong_is_named_and_nothing_else(
    subscription: Simulator, said: tuple[str, ...], settings: dict[str, str], words: str
) -> None:
    """Exit code 2; nobody is asked for a subscription who has named one."""
    named = {"SUBSCRIPTIONS": subscription.subscription_id}
    shown = run(subscription, *said, **(named | settings))
    assert (shown.returncode, shown.stdout) == (2, "")
    assert words in shown.stderr
    assert "Give a subscription" not in shown.stderr


def test_a_wrong_setting_is_told_before_azure_is_asked(subscription: Simulator) -> None:
    """Also if the subscriptions are still to be listed."""
    subscription.client.clear_requests()
    shown = run(subscription, "sweep", PROOF="maybe")
    assert (shown.returncode, shown.stderr[:13]) == (2, "PROOF: 'maybe")
    assert subscription.client.requests() == []


@pytest.mark.parametrize(
    ("endpoint", "words"),
    [
        ("foo", "ARM_ENDPOINT: 'foo' is not an https URL"),
        ("https://127.0.0.1:9", "Azure does not answer.\n  Next: check the network"),
    ],
)
def test_an_error_on_the_way_to_azure_is_not_azures(
    subscription: Simulator, endpoint: str, words: str
) -> None:
    """It says what to do about it, and that Azure said nothing."""
    shown = run(subscription, "sweep", ARM_ENDPOINT=endpoint)
    assert shown.returncode in (1, 2)
    assert words in shown.stderr
    assert "Azure says" not in shown.stderr


def test_a_certificate_that_is_not_trusted_is_told(subscription: Simulator) -> None:
    """As behind a proxy that replaces it."""
    trusted = dict.fromkeys(("REQUESTS_CA_BUNDLE", "SSL_CERT_FILE"), certifi.where())
    named = {"SUBSCRIPTIONS": subscription.subscription_id}
    shown = run(subscription, "sweep", **(named | trusted))
    assert shown.returncode == 1
    assert "set REQUESTS_CA_BUNDLE" in shown.stderr


def test_a_full_disk_is_told(subscription: Simulator) -> None:
    """Exit code 1 and the reason, no traceback."""
    command = [sys.executable, "-m", "cli", "sweep", "--json"]
    with Path("/dev/full").open("w") as full:
        shown = subprocess.run(  # noqa: S603 our own command
            command,
            env=os.environ
            | subscription.environment("app")
            | {"SUBSCRIPTIONS": subscription.subscription_id},
            cwd=ROOT,
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert shown.returncode == 1
    assert shown.stderr == "The output cannot be written: No space left on device\n"


def test_an_app_that_cannot_be_read_is_not_taken_for_one(subscription: Simulator) -> None:
    """Its name may be mistyped: orders of the real one are not called another app's."""
    scope = f"/subscriptions/{subscription.subscription_id}/resourceGroups/rg-vms"
    app = f"{scope}/providers/Microsoft.Web/sites/mistyped"
    alone = run(subscription, "sweep", "--app", app)
    assert (alone.returncode, alone.stdout) == (1, "")
    assert "settings could not be read" in alone.stderr
    assert "SUBSCRIPTIONS must be" not in alone.stderr
    named = ("--subscription", subscription.subscription_id)
    shown = run(subscription, "sweep", "--app", app, *named)
    assert "Orders of other function apps" not in shown.stdout
