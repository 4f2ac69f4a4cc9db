"""Valid settings, and settings with which the app does not start."""

from datetime import timedelta

import pytest

from shared.model.errors import Misconfigured
from shared.model.ids import GalleryTarget
from shared.model.settings import (
    EVERY_FIVE_MINUTES,
    PUBLIC_ARM,
    PUBLIC_PRICES,
    GuardAction,
    MachineId,
    Name,
    ProofPolicy,
    Settings,
    Tell,
    read_settings,
)
from shared.model.values import read_definition_id
from tests.unit.making import ELSEWHERE, GALLERY, REF, SUBSCRIPTION, settings

GROUP = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/golden"
SCOPE = GROUP.lower() + "/"
PRICES = "https://prices.test/list"
TOPIC = "https://t.westeurope-1.eventgrid.azure.net/api/events"


def read(**environment: str) -> Settings:
    """Read valid settings with these changes."""
    return read_settings({Name.SUBSCRIPTIONS.value: SUBSCRIPTION, **environment})


def test_the_subscriptions_are_enough() -> None:
    """All other settings have defaults: proof is required, billed VMs are only flagged."""
    assert read() == Settings(
        subscriptions=(SUBSCRIPTION,),
        scopes=(),
        capture_target="",
        image_group=None,
        proof=ProofPolicy.REQUIRED,
        guard_action=GuardAction.FLAG,
        guard_grace=timedelta(hours=1),
        guard_deallocate_after=None,
        guard_currency="USD",
        prices_endpoint=PUBLIC_PRICES,
        outcome_topic="",
        sweep_schedule=EVERY_FIVE_MINUTES,
        dry_run=False,
        arm_endpoint=PUBLIC_ARM,
    )


def test_an_empty_value_is_the_default() -> None:
    """An empty setting means the same as a missing one, except for the price list."""
    others = [name for name in Name if name not in (Name.SUBSCRIPTIONS, Name.PRICES_ENDPOINT)]
    assert read(**{name.value: "" for name in others}) == read()


@pytest.mark.parametrize("text", ["", "  "])
def test_without_a_price_list_no_money_is_told(text: str) -> None:
    """An empty endpoint turns prices off, for networks without outbound access."""
    assert not read(PRICES_ENDPOINT=text).prices_endpoint


@pytest.mark.parametrize(
    ("name", "text", "field", "value"),
    [
        ("CAPTURE_SCOPE", GROUP, "scopes", (SCOPE,)),
        ("CAPTURE_SCOPE", f"{GROUP}/ , {GROUP}", "scopes", (SCOPE, SCOPE)),
        ("CAPTURE_SCOPE", GROUP.upper(), "scopes", (SCOPE,)),
        ("CAPTURE_SCOPE", GROUP[:51], "scopes", (f"/subscriptions/{SUBSCRIPTION}/",)),
        ("CAPTURE_TARGET", "managed-image", "capture_target", "managed-image"),
        ("CAPTURE_TARGET", " gallery/windows ", "capture_target", "gallery/windows"),
        ("CAPTURE_TARGET", GALLERY.scope, "capture_target", GALLERY.scope),
        ("CAPTURE_ALLOWED_TARGETS", f"{GROUP};{GROUP.upper()}/", "targets", (SCOPE, SCOPE)),
        ("CAPTURE_ALLOWED_TARGETS", GALLERY.scope, "targets", (f"{GALLERY.scope.lower()}/",)),
        (
            "CAPTURE_ALLOWED_TARGETS",
            GALLERY.scope.partition("/images/")[0],
            "targets",
            (f"{GALLERY.scope.lower().partition('/images/')[0]}/",),
        ),
        ("CAPTURE_ANY_VERSION", "true", "any_version", True),
        ("IMAGE_RESOURCE_GROUP", GROUP, "image_group", (SUBSCRIPTION, "golden")),
        ("PROOF", "when-readable", "proof", ProofPolicy.WHEN_READABLE),
        ("PROOF", "off", "proof", ProofPolicy.OFF),
        ("PROOF_MACHINE_ID", "required", "machine_id", MachineId.REQUIRED),
        ("PROOF_MACHINE_ID", "warn", "machine_id", MachineId.WARN),
        ("COST_GUARD_ACTION", "flag", "guard_action", GuardAction.FLAG),
        ("COST_GUARD_GRACE", "PT90M", "guard_grace", timedelta(minutes=90)),
        ("COST_GUARD_GRACE", "P1DT2H3M", "guard_grace", timedelta(days=1, hours=2, minutes=3)),
        ("COST_GUARD_GRACE", "PT0M", "guard_grace", timedelta()),
        ("COST_GUARD_DEALLOCATE_AFTER", "PT1H", "guard_deallocate_after", timedelta(hours=1)),
        ("COST_GUARD_DEALLOCATE_AFTER", " P2D ", "guard_deallocate_after", timedelta(days=2)),
        ("COST_GUARD_OFF_MEANS_OFF", "true", "off_means_off", True),
        ("COST_GUARD_TELL", "weekly", "guard_tell", Tell.WEEKLY),
        ("COST_GUARD_PRICE_FACTOR", "0.82", "guard_price_factor", 0.82),
        ("COST_GUARD_PRICE_FACTOR", "", "guard_price_factor", 1.0),
        ("COST_GUARD_CURRENCY", "EUR", "guard_currency", "EUR"),
        ("PRICES_ENDPOINT", "https://prices.test/list/", "prices_endpoint", PRICES),
        ("OUTCOME_TOPIC", TOPIC, "outcome_topic", TOPIC),
        ("SWEEP_SCHEDULE", "0 0 * * * 1-5", "sweep_schedule", "0 0 * * * 1-5"),
        ("DRY_RUN", "True", "dry_run", True),
        ("DRY_RUN", "false", "dry_run", False),
        ("ARM_ENDPOINT", "https://127.0.0.1:8443/", "arm_endpoint", "https://127.0.0.1:8443"),
    ],
)
def test_a_good_value_is_kept(name: str, text: str, field: str, value: object) -> None:
    """Valid values of each setting are read; surrounding blanks are ignored."""
    assert getattr(read(**{name: text}), field) == value


def test_subscriptions_are_a_list() -> None:
    """Ids are separated by commas or semicolons, in any case; duplicates are ignored."""
    both = read_settings({"SUBSCRIPTIONS": f" {ELSEWHERE};{SUBSCRIPTION.upper()},{SUBSCRIPTION} "})
    assert both.subscriptions == (ELSEWHERE, SUBSCRIPTION)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("SUBSCRIPTIONS", ""),
        ("SUBSCRIPTIONS", " , ;"),
        ("SUBSCRIPTIONS", "production"),
        ("SUBSCRIPTIONS", f"/subscriptions/{SUBSCRIPTION}"),
        ("SUBSCRIPTIONS", f"{SUBSCRIPTION},oops"),
        ("CAPTURE_SCOPE", " "),
        ("CAPTURE_SCOPE", ","),
        ("CAPTURE_SCOPE", "golden"),
        ("CAPTURE_SCOPE", "/subscriptions/production"),
        ("CAPTURE_SCOPE", "*"),
        ("CAPTURE_SCOPE", f"{GROUP},golden"),
        ("CAPTURE_SCOPE", f"/subscriptions/{SUBSCRIPTION}/resourceGroups/"),
        ("CAPTURE_SCOPE", REF.id),
        ("CAPTURE_ALLOWED_TARGETS", ","),
        ("CAPTURE_ALLOWED_TARGETS", "golden"),
        ("CAPTURE_ALLOWED_TARGETS", "managed-image"),
        ("CAPTURE_ALLOWED_TARGETS", GROUP[:51]),
        ("CAPTURE_ALLOWED_TARGETS", GALLERY.version("1.0.0").id),
        ("CAPTURE_ANY_VERSION", "1.2.3"),
        ("PROOF_MACHINE_ID", "off"),
        ("CAPTURE_TARGET", "yes"),
        ("CAPTURE_TARGET", "gallery"),
        ("CAPTURE_TARGET", "gallery/windows/1.0.0"),
        ("CAPTURE_TARGET", GALLERY.version("1.0.0").id),
        ("CAPTURE_TARGET", GALLERY.scope.replace(SUBSCRIPTION, "production")),
        ("CAPTURE_TARGET", "_gallery/windows"),
        ("IMAGE_RESOURCE_GROUP", "golden"),
        ("IMAGE_RESOURCE_GROUP", f"/subscriptions/{SUBSCRIPTION}"),
        ("IMAGE_RESOURCE_GROUP", "/subscriptions/production/resourceGroups/golden"),
        ("PROOF", "on"),
        ("PROOF", "REQUIRED"),
        ("COST_GUARD_ACTION", "delete"),
        ("COST_GUARD_GRACE", "1h"),
        ("COST_GUARD_GRACE", "PT1.5H"),
        ("COST_GUARD_GRACE", "P"),
        ("COST_GUARD_GRACE", "PT"),
        ("COST_GUARD_GRACE", "P1DT"),
        ("COST_GUARD_GRACE", "-PT1H"),
        ("COST_GUARD_DEALLOCATE_AFTER", "tomorrow"),
        ("COST_GUARD_DEALLOCATE_AFTER", "PT59M"),
        ("COST_GUARD_OFF_MEANS_OFF", "yes"),
        ("COST_GUARD_TELL", "monthly"),
        ("COST_GUARD_PRICE_FACTOR", "82%"),
        ("COST_GUARD_PRICE_FACTOR", "0"),
        ("COST_GUARD_PRICE_FACTOR", "-0.5"),
        ("COST_GUARD_PRICE_FACTOR", "11"),
        ("COST_GUARD_PRICE_FACTOR", "1e-3"),
        ("COST_GUARD_PRICE_FACTOR", "0,82"),
        ("COST_GUARD_PRICE_FACTOR", "nan"),
        ("COST_GUARD_CURRENCY", "eur"),
        ("COST_GUARD_CURRENCY", "Euro"),
        ("PRICES_ENDPOINT", "http://prices.test/list"),
        ("PRICES_ENDPOINT", "none"),
        ("OUTCOME_TOPIC", "http://t.eventgrid.azure.net/api/events"),
        ("OUTCOME_TOPIC", "https://"),
        ("SWEEP_SCHEDULE", "*/5 * * * *"),
        ("SWEEP_SCHEDULE", "often"),
        ("SWEEP_SCHEDULE", "a b c d e f"),
        ("DRY_RUN", "yes"),
        ("DRY_RUN", "1"),
        ("ARM_ENDPOINT", "management.azure.com"),
        ("ARM_ENDPOINT", "https://host/?code=1"),
    ],
)
def test_a_bad_value_starts_nothing(name: str, text: str) -> None:
    """An invalid value raises, and the message starts with the setting's name."""
    with pytest.raises(Misconfigured, match=rf"^{name}\b"):
        read(**{name: text})


def test_a_policy_that_deallocates_says_after_how_long() -> None:
    """The time to deallocate is required, and must not be shorter than the grace period."""
    deallocates = {"COST_GUARD_ACTION": "deallocate", "COST_GUARD_GRACE": "PT6H"}
    with pytest.raises(Misconfigured, match=r"^COST_GUARD_DEALLOCATE_AFTER must say"):
        read(**deallocates)
    with pytest.raises(Misconfigured, match=r"^COST_GUARD_DEALLOCATE_AFTER: 'PT5H' is shorter"):
        read(**deallocates, COST_GUARD_DEALLOCATE_AFTER="PT5H")
    known = read(**deallocates, COST_GUARD_DEALLOCATE_AFTER="PT6H")
    assert known.guard_action is GuardAction.DEALLOCATE
    assert known.guard_deallocate_after == known.guard_grace == timedelta(hours=6)


def test_subscriptions_must_be_there() -> None:
    """The app does not start without the subscriptions to watch."""
    with pytest.raises(Misconfigured, match=r"^SUBSCRIPTIONS"):
        read_settings({})


@pytest.mark.parametrize(
    "name",
    [
        "SUBSCRIPTION",
        "CAPTURE_SCOPES",
        "CAPTURE_TARGETS",
        "IMAGE_RESOURCE_GROUPS",
        "PROOF_POLICY",
        "COST_GUARD",
        "COST_GUARD_GRACE_PERIOD",
        "PRICE_ENDPOINT",
        "PRICES_ENDPOINTS",
        "OUTCOME_TOPIC_ENDPOINT",
        "SWEEP_CRON",
        "DRYRUN",
        "DRY_RUNS",
        "ARM_ENDPOINTS",
    ],
)
def test_a_name_like_ours_is_taken_for_a_typing_mistake(name: str) -> None:
    """A misspelt setting keeps the app from starting, and is named: it could be the scope."""
    with pytest.raises(Misconfigured, match=rf"^{name} is not a setting"):
        read(**{name: ""})


def test_the_environment_is_full_of_other_names() -> None:
    """Variables of the platform and of other libraries are ignored."""
    others = ("WEBSITE_HOSTNAME", "AzureWebJobsStorage", "AZURE_CLIENT_ID", "PROOFREADER", "PATH")
    assert read(**dict.fromkeys(others, "x")) == read()


@pytest.mark.parametrize(
    ("app", "by", "owns"),
    [
        ("func-one", {"stillframe-by": "FUNC-ONE"}, True),
        ("func-one", {"stillframe-by": "func-two"}, False),
        ("func-one", {"stillframe-by": ""}, True),
        ("func-one", {}, True),
        ("", {"stillframe-by": "func-two"}, True),
    ],
)
def test_an_order_has_one_owner(
    app: str,
    by: dict[str, str],
    owns: bool,  # noqa: FBT001 - a row of a table
) -> None:
    """It is the app that its tag names; an app without a name owns every order."""
    assert read(WEBSITE_SITE_NAME=app).owns(by) is owns


def test_no_scope_is_everywhere() -> None:
    """Without a scope every order is carried out."""
    assert settings().in_scope(REF.id + "/")


def test_a_scope_is_a_whole_group() -> None:
    """A group's scope covers its VMs in any case, but not a group with a longer name."""
    golden = read(CAPTURE_SCOPE=GROUP)
    assert golden.in_scope(REF.id.upper() + "/")
    assert not golden.in_scope(REF.id.replace("/golden/", "/golden2/") + "/")
    assert not golden.in_scope(REF.id.replace(SUBSCRIPTION, ELSEWHERE) + "/")


def test_a_subscription_is_watched_in_any_case() -> None:
    """Azure shows subscription ids in upper or lower case."""
    assert settings(subscriptions=("ab",)).watches("AB")
    assert not settings().watches(ELSEWHERE)


def test_a_definition_is_read_from_its_id_alone() -> None:
    """The whole text must be a definition's id: with a suffix it is not one."""
    assert read_definition_id(GALLERY.scope) == GALLERY
    assert read_definition_id(GALLERY.scope.upper()) == GalleryTarget(
        SUBSCRIPTION, "GOLDEN", "GALLERY", "WINDOWS"
    )
    assert read_definition_id(GALLERY.version("1.0.0").id) is None
    assert read_definition_id(REF.id) is None
