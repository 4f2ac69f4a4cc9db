"""The operator's settings: environment variables -> one frozen `Settings`.

Takes a mapping of names to texts, raises `Misconfigured` with the setting and what it should be.
Each value is checked once, at start: a misconfigured function app does not start. An unknown name
that resembles a setting is an error too, because it is probably a typing mistake. What a VM's owner
decides is a tag, not a setting.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from shared.model.errors import Misconfigured
from shared.model.ids import VmRef
from shared.model.tags import Tag
from shared.model.values import (
    is_group_name,
    is_subscription,
    is_target_scope,
    read_currency,
    read_definition_id,
    read_duration,
    read_factor,
    read_flag,
    read_gallery_pair,
    read_https,
    read_list,
    read_schedule,
    read_scope,
    read_word,
)

APP_NAME = "WEBSITE_SITE_NAME"
"""The environment variable with the function app's name; App Service sets it."""

PUBLIC_ARM = "https://management.azure.com"
PUBLIC_PRICES = "https://prices.azure.com/api/retail/prices"
EVERY_FIVE_MINUTES = "0 */5 * * * *"
AN_HOUR = "PT1H"

_OURS = re.compile(
    r"SUBSCRIPTIONS?$|CAPTURE_|IMAGE_RESOURCE|PROOF(_|$)|COST_GUARD|PRICES?_END|OUTCOME_|SWEEP_"
    r"|LEDGER|REPORT$|WORKSHOP|BOOT_|KEEP_|DRY_?RUN|ARM_END"
)


class ProofPolicy(StrEnum):
    """What the OS disk must prove before its VM is generalized."""

    REQUIRED = "required"
    WHEN_READABLE = "when-readable"
    OFF = "off"


class MachineId(StrEnum):
    """Whether an /etc/machine-id on a Linux disk is a warning, or must not be there."""

    WARN = "warn"
    REQUIRED = "required"


class GuardAction(StrEnum):
    """What the cost guard does about a VM that is stopped but not deallocated."""

    FLAG = "flag"
    DEALLOCATE = "deallocate"


class BootTest(StrEnum):
    """Which images are booted in the workshop before they are captured."""

    OFF = "off"
    WHEN_ASKED = "when-asked"
    ALWAYS = "always"


class KeepSource(StrEnum):
    """Whether a copy is captured, in the workshop, and the VM itself left as it is."""

    OFF = "off"
    WHEN_ASKED = "when-asked"
    ALWAYS = "always"


class Tell(StrEnum):
    """How often the cost guard reports that a VM is still billed.

    Weekly: each VM once, then all of them together in the week's digest.
    """

    DAILY = "daily"
    WEEKLY = "weekly"
    ONCE = "once"


class Name(StrEnum):
    """The settings' names."""

    SUBSCRIPTIONS = "SUBSCRIPTIONS"
    CAPTURE_SCOPE = "CAPTURE_SCOPE"
    CAPTURE_TARGET = "CAPTURE_TARGET"
    CAPTURE_ALLOWED_TARGETS = "CAPTURE_ALLOWED_TARGETS"
    CAPTURE_ANY_VERSION = "CAPTURE_ANY_VERSION"
    IMAGE_RESOURCE_GROUP = "IMAGE_RESOURCE_GROUP"
    PROOF = "PROOF"
    PROOF_MACHINE_ID = "PROOF_MACHINE_ID"
    WORKSHOP = "WORKSHOP"
    BOOT_TEST = "BOOT_TEST"
    BOOT_DIAGNOSTICS = "BOOT_DIAGNOSTICS"
    KEEP_SOURCE = "KEEP_SOURCE"
    CAPTURE_IN_PLACE = "CAPTURE_IN_PLACE"
    CAPTURE_DISPOSES = "CAPTURE_DISPOSES"
    COST_GUARD_ACTION = "COST_GUARD_ACTION"
    COST_GUARD_GRACE = "COST_GUARD_GRACE"
    COST_GUARD_DEALLOCATE_AFTER = "COST_GUARD_DEALLOCATE_AFTER"
    COST_GUARD_OFF_MEANS_OFF = "COST_GUARD_OFF_MEANS_OFF"
    COST_GUARD_TELL = "COST_GUARD_TELL"
    COST_GUARD_PRICE_FACTOR = "COST_GUARD_PRICE_FACTOR"
    COST_GUARD_CURRENCY = "COST_GUARD_CURRENCY"
    PRICES_ENDPOINT = "PRICES_ENDPOINT"
    OUTCOME_TOPIC = "OUTCOME_TOPIC"
    LEDGER = "LEDGER"
    REPORT = "REPORT"
    SWEEP_SCHEDULE = "SWEEP_SCHEDULE"
    DRY_RUN = "DRY_RUN"
    ARM_ENDPOINT = "ARM_ENDPOINT"


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """All settings, checked; ids in `scopes` and `targets` are lower case and end in a slash.

    `app` is the function app's name from `WEBSITE_SITE_NAME`, empty if that is not set. `workshop`
    is the name of the resource group for temporary VMs, the same in each subscription.
    """

    subscriptions: tuple[str, ...]
    app: str = ""
    scopes: tuple[str, ...] = ()
    capture_target: str = ""
    targets: tuple[str, ...] = ()
    any_version: bool = False
    image_group: tuple[str, str] | None = None
    proof: ProofPolicy = ProofPolicy.REQUIRED
    machine_id: MachineId = MachineId.WARN
    workshop: str = ""
    boot_test: BootTest = BootTest.OFF
    boot_diagnostics: str = ""
    keep_source: KeepSource = KeepSource.OFF
    in_place: bool = True
    disposes: bool = False
    guard_action: GuardAction = GuardAction.FLAG
    guard_grace: timedelta = timedelta(hours=1)
    guard_deallocate_after: timedelta | None = None
    off_means_off: bool = False
    guard_tell: Tell = Tell.DAILY
    guard_price_factor: float = 1.0
    guard_currency: str = "USD"
    prices_endpoint: str = PUBLIC_PRICES
    outcome_topic: str = ""
    ledger: str = ""
    report: str = ""
    sweep_schedule: str = EVERY_FIVE_MINUTES
    dry_run: bool = False
    arm_endpoint: str = PUBLIC_ARM

    def in_scope(self, resource_id: str) -> bool:
        """Whether orders on that resource are carried out."""
        key = resource_id.lower()
        return not self.scopes or any(key.startswith(scope) for scope in self.scopes)

    def watches(self, subscription: str) -> bool:
        """Whether a subscription is one of `SUBSCRIPTIONS`."""
        return subscription.lower() in self.subscriptions

    def in_workshop(self, vm: VmRef) -> bool:
        """Whether a VM is in the resource group for temporary VMs."""
        return bool(self.workshop) and vm.group.lower() == self.workshop.lower()

    def owns(self, tags: Mapping[str, str]) -> bool:
        """Whether an order or image with these tags is this app's, not another app's."""
        by = tags.get(Tag.BY) or self.app
        return not self.app or by.lower() == self.app.lower()


def read_settings(environment: Mapping[str, str]) -> Settings:
    """Return the settings of an environment; raise `Misconfigured` at the first invalid setting."""
    _refuse_unknown(environment)
    values = {name: environment.get(name, "").strip() for name in Name}
    action = read_word(Name.COST_GUARD_ACTION, values[Name.COST_GUARD_ACTION], GuardAction.FLAG)
    grace = read_duration(Name.COST_GUARD_GRACE, values[Name.COST_GUARD_GRACE] or AN_HOUR)
    return Settings(
        subscriptions=_subscriptions(values[Name.SUBSCRIPTIONS]),
        app=environment.get(APP_NAME, ""),
        scopes=_scopes(environment, values[Name.CAPTURE_SCOPE]),
        capture_target=_capture_target(values[Name.CAPTURE_TARGET]),
        targets=_targets(values[Name.CAPTURE_ALLOWED_TARGETS]),
        any_version=read_flag(Name.CAPTURE_ANY_VERSION, values[Name.CAPTURE_ANY_VERSION]),
        image_group=_image_group(values[Name.IMAGE_RESOURCE_GROUP]),
        proof=read_word(Name.PROOF, values[Name.PROOF], ProofPolicy.REQUIRED),
        machine_id=read_word(Name.PROOF_MACHINE_ID, values[Name.PROOF_MACHINE_ID], MachineId.WARN),
        workshop=_workshop(values[Name.WORKSHOP]),
        boot_test=_in_workshop(Name.BOOT_TEST, BootTest.OFF, values),
        boot_diagnostics=read_https(Name.BOOT_DIAGNOSTICS, values[Name.BOOT_DIAGNOSTICS]),
        keep_source=_in_workshop(Name.KEEP_SOURCE, KeepSource.OFF, values),
        in_place=read_flag(Name.CAPTURE_IN_PLACE, values[Name.CAPTURE_IN_PLACE] or "true"),
        disposes=read_flag(Name.CAPTURE_DISPOSES, values[Name.CAPTURE_DISPOSES]),
        guard_action=action,
        guard_grace=grace,
        guard_deallocate_after=_deallocate_after(
            action, grace, values[Name.COST_GUARD_DEALLOCATE_AFTER]
        ),
        off_means_off=read_flag(
            Name.COST_GUARD_OFF_MEANS_OFF, values[Name.COST_GUARD_OFF_MEANS_OFF]
        ),
        guard_tell=read_word(Name.COST_GUARD_TELL, values[Name.COST_GUARD_TELL], Tell.DAILY),
        guard_price_factor=read_factor(
            Name.COST_GUARD_PRICE_FACTOR, values[Name.COST_GUARD_PRICE_FACTOR] or "1"
        ),
        guard_currency=read_currency(
            Name.COST_GUARD_CURRENCY, values[Name.COST_GUARD_CURRENCY] or "USD"
        ),
        prices_endpoint=_prices(environment),
        outcome_topic=read_https(Name.OUTCOME_TOPIC, values[Name.OUTCOME_TOPIC]),
        ledger=read_https(Name.LEDGER, values[Name.LEDGER]),
        report=read_https(Name.REPORT, values[Name.REPORT]),
        sweep_schedule=read_schedule(
            Name.SWEEP_SCHEDULE, values[Name.SWEEP_SCHEDULE] or EVERY_FIVE_MINUTES
        ),
        dry_run=read_flag(Name.DRY_RUN, values[Name.DRY_RUN]),
        arm_endpoint=read_https(Name.ARM_ENDPOINT, values[Name.ARM_ENDPOINT] or PUBLIC_ARM),
    )


def _refuse_unknown(environment: Mapping[str, str]) -> None:
    for name in environment:
        if _OURS.match(name) and name not in set(Name):
            msg = f"{name} is not a setting of Stillframe; known are {', '.join(Name)}"
            raise Misconfigured(msg)


def _subscriptions(text: str) -> tuple[str, ...]:
    ids = read_list(text)
    if not ids:
        msg = f"{Name.SUBSCRIPTIONS} must be a comma-separated list of subscription ids to watch"
        raise Misconfigured(msg)
    for wrong in (part for part in ids if not is_subscription(part)):
        msg = f"{Name.SUBSCRIPTIONS}: {wrong!r} is not a subscription id (a GUID)"
        raise Misconfigured(msg)
    return tuple(dict.fromkeys(part.lower() for part in ids))


def _scopes(environment: Mapping[str, str], text: str) -> tuple[str, ...]:
    if not text and environment.get(Name.CAPTURE_SCOPE):
        msg = f"{Name.CAPTURE_SCOPE} is blank; remove it to allow orders everywhere"
        raise Misconfigured(msg)
    is_none = "is neither /subscriptions/<id> nor /subscriptions/<id>/resourceGroups/<name>"
    return _prefixes(Name.CAPTURE_SCOPE, text, lambda scope: read_scope(scope) is not None, is_none)


def _prefixes(
    name: Name, text: str, is_valid: Callable[[str], bool], is_none: str
) -> tuple[str, ...]:
    """Return a list of ids as prefixes; `is_none` completes the message about an invalid id."""
    ids = read_list(text)
    if text and not ids:
        msg = f"{name}: {text!r} contains no id"
        raise Misconfigured(msg)
    for wrong in (part for part in ids if not is_valid(part)):
        msg = f"{name}: {wrong!r} {is_none}"
        raise Misconfigured(msg)
    return tuple(part.rstrip("/").lower() + "/" for part in ids)


def _capture_target(text: str) -> str:
    if text in ("", "managed-image") or read_definition_id(text) or read_gallery_pair(text):
        return text
    msg = (
        f"{Name.CAPTURE_TARGET}: {text!r} is neither 'managed-image' nor <gallery>/<definition> "
        "nor an image definition's id"
    )
    raise Misconfigured(msg)


def _targets(text: str) -> tuple[str, ...]:
    is_none = "is not the id of a resource group, a gallery or an image definition"
    return _prefixes(Name.CAPTURE_ALLOWED_TARGETS, text, is_target_scope, is_none)


def _image_group(text: str) -> tuple[str, str] | None:
    if not text:
        return None
    match read_scope(text):
        case subscription, str(group):
            return subscription, group
    msg = f"{Name.IMAGE_RESOURCE_GROUP}: {text!r} is not a resource group's id"
    raise Misconfigured(msg)


def _workshop(text: str) -> str:
    if text and not is_group_name(text):
        msg = f"{Name.WORKSHOP}: {text!r} is not a resource group's name"
        raise Misconfigured(msg)
    return text


def _in_workshop[E: StrEnum](name: Name, off: E, values: Mapping[Name, str]) -> E:
    """Return the value of a setting that needs the workshop unless it is off."""
    word = read_word(name, values[name], off)
    if word is not off and not values[Name.WORKSHOP]:
        msg = f"{Name.WORKSHOP} must name a resource group, because {name} is {word}"
        raise Misconfigured(msg)
    return word


def _deallocate_after(action: GuardAction, grace: timedelta, text: str) -> timedelta | None:
    name = Name.COST_GUARD_DEALLOCATE_AFTER
    after = read_duration(name, text) if text else None
    if action is GuardAction.DEALLOCATE and after is None:
        msg = f"{name} must say after how long, because {Name.COST_GUARD_ACTION} is deallocate"
        raise Misconfigured(msg)
    if after is not None and after < grace:
        msg = f"{name}: {text!r} is shorter than {Name.COST_GUARD_GRACE}: no alert would precede it"
        raise Misconfigured(msg)
    return after


def _prices(environment: Mapping[str, str]) -> str:
    """Return the endpoint of the price list: the public one if not set, none if set empty."""
    text = environment.get(Name.PRICES_ENDPOINT, PUBLIC_PRICES).strip()
    return read_https(Name.PRICES_ENDPOINT, text)
