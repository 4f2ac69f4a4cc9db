"""The commands, run next to the app by users with fewer and with more permissions."""

import json
from datetime import UTC, datetime

import pytest

from shared.model.instants import write_instant
from tests.cli.commands import run
from tests.stories.world import WRITES, Hosted, Json, Vm

LIST = "/config/appsettings/list"
SECRET = "AccountKey=c2VjcmV0IG9mIHRoZSBhcHA="


def swept(world: Hosted, principal: str, *said: str) -> Json:
    """Return the output of a sweep run by a principal."""
    shown = run(world.simulator, "sweep", *said, "--json", principal=principal)
    assert (shown.returncode, shown.stderr) == (0, "")
    body: Json = json.loads(shown.stdout)
    return body


def here(world: Hosted) -> tuple[str, str]:
    """Return the arguments that name the subscription."""
    return "--subscription", world.simulator.subscription_id


def site(world: Hosted) -> str:
    """Return the id of the function app."""
    return str(world.app.deployed.of("Microsoft.Web/sites")[0]["id"])


def give(world: Hosted, **settings: str) -> Json:
    """Add settings to those of the function app; return all."""
    properties = world.app.app_settings | settings
    config = f"{site(world)}/config/appsettings?api-version=2024-04-01"
    world.owner("PUT", config, {"properties": properties})
    return properties


def waiting(world: Hosted) -> Vm:
    """Return a VM whose order for the app's default target the app has accepted."""
    world.definition()
    vm = world.vm()
    vm.order("yes")
    world.settle()
    assert vm.status == "waiting"
    return vm


def test_a_reader_sees_orders_as_the_app_says_that_they_stand(world: Hosted) -> None:
    """No order is shown as `refused` because a reader lacks permissions or the settings."""
    waiting(world)
    unfit = world.vm("unfit")
    unfit.order("managed-image")
    world.settle()
    unfit.guest("shutdown")
    world.settle()
    assert unfit.status == "not-generalized"
    body = swept(world, "reader", *here(world))
    assert body["statuses"] == {"waiting": 1, "not-generalized": 1}
    assert body["steps"] == {}
    assert len(body["unjudged"]) == 2
    assert {one["method"] for one in world.client.requests(caller="reader")} == {"GET"}


def test_a_reader_is_told_what_they_cannot_judge(world: Hosted) -> None:
    """The page has a sentence instead of a refusal caused by their missing permissions."""
    waiting(world)
    page = run(world.simulator, "sweep", *here(world), principal="reader").stdout
    assert "1 order(s) cannot be judged from here" in page
    assert "refused │" not in page


def test_a_readers_refusal_flags_no_vm(world: Hosted) -> None:
    """A VM that is being captured is not shown as stopped but billed."""
    order = {
        "stillframe-capture": "managed-image",
        "stillframe-status": "deallocating",
        "stillframe-image": "managed-image",
        "stillframe-as-of": write_instant(datetime.now(UTC)),
    }
    world.vm(power="stopped", stopped_since=600.0, tags=order)
    body = swept(world, "reader", *here(world))
    assert (body["statuses"], body["flagged"]) == ({"deallocating": 1}, [])


@pytest.mark.parametrize(("principal", "steps"), [("owner", ["would say waiting"]), ("reader", [])])
def test_what_the_app_would_say_is_shown_to_those_who_can_know(
    world: Hosted, principal: str, steps: list[str]
) -> None:
    """A new order is shown as such to all; with the permissions, its answer is computed."""
    world.vm().order("managed-image")
    body = swept(world, principal, *here(world))
    assert body["statuses"] == {"unanswered": 1}
    assert [step for of_vm in body["steps"].values() for step in of_vm] == steps


def test_a_sweep_goes_by_the_settings_of_the_app(world: Hosted) -> None:
    """Its subscriptions and default target are used; the run is dry and sends no heartbeat.

    The app has `DRY_RUN` false and an outcome topic. One of its settings is a secret.
    """
    world.definition()
    vm = world.vm()
    vm.order("yes")
    given = give(world, AzureWebJobsStorage=SECRET, PASSWORD=SECRET)
    assert given["DRY_RUN"] == "False"
    assert given["OUTCOME_TOPIC"]
    world.client.clear_requests()
    shown = run(world.simulator, "sweep", "--app", site(world), "--json", principal="owner")
    assert (shown.returncode, shown.stderr) == (0, "")
    assert list(json.loads(shown.stdout)["steps"].values()) == [["would say waiting"]]
    assert SECRET not in shown.stdout
    asked = world.client.requests(caller="owner")
    assert [one["path"] for one in asked if one["method"] in WRITES] == [site(world) + LIST]
    assert (vm.told, world.heartbeats) == ({}, [])


def test_the_command_line_overrules_the_app(world: Hosted) -> None:
    """Subscriptions and currency on the command line take precedence over the app's."""
    given = give(world, SUBSCRIPTIONS="00000000-0000-4000-8000-00000000dead")
    assert given["COST_GUARD_CURRENCY"] == "USD"
    world.vm("idle", power="stopped", stopped_since=7200.0)
    said = ("--app", site(world), *here(world), "--currency", "EUR")
    body = swept(world, "owner", *said)
    assert (body["vms"], body["BillingCurrency"], body["unlisted"]) == (1, "EUR", {})


def test_no_token_goes_where_an_app_says(world: Hosted) -> None:
    """Requests go to the caller's own endpoint, whatever the app's `ARM_ENDPOINT` is."""
    give(world, ARM_ENDPOINT="https://stranger.invalid")
    world.vm()
    assert swept(world, "owner", "--app", site(world))["vms"] == 1


def test_status_asks_the_app_which_subscriptions(world: Hosted) -> None:
    """With only the app's id, every order in its subscriptions is shown."""
    vm = waiting(world)
    said = ("status", "--app", site(world), "--json")
    (row,) = json.loads(run(world.simulator, *said, principal="owner").stdout)["orders"]
    assert (row["vm"].lower(), row["status"]) == (vm.id.lower(), "waiting")


def test_a_reader_is_told_that_the_settings_could_not_be_read(world: Hosted) -> None:
    """One sentence names the missing permission; the sweep is shown, and the exit code is 1."""
    waiting(world)
    said = ("sweep", "--app", site(world), *here(world), "--json")
    shown = run(world.simulator, *said, principal="reader")
    assert shown.returncode == 1
    (line,) = shown.stderr.splitlines()
    assert "Microsoft.Web/sites/config/list/action" in line
    assert json.loads(shown.stdout)["statuses"] == {"waiting": 1}


def test_a_function_app_that_is_not_there_is_told(world: Hosted) -> None:
    """Without its settings no subscription is known: Azure's error is shown, then a hint."""
    shown = run(world.simulator, "sweep", "--app", f"{site(world)}-2", principal="owner")
    assert shown.returncode == 1
    assert "ResourceNotFound" in shown.stderr
    assert "make sweep SUBSCRIPTION=<id>" in shown.stderr
