"""What the operator decides: environment variables -> one frozen `Settings`.

Takes a mapping of names to texts, raises `Misconfigured` naming the setting and what it should be.
Each value is checked here, once, at start: a function app that would do the wrong thing does not
start. An unknown name that looks like ours is an error as well, because it is most likely a typing
mistake in one that matters. What a VM's owner decides is a tag, not a setting.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from shared.errors import Misconfigured
from shared.model import GalleryTarget

PUBLIC_ARM = "https://management.azure.com"
EVERY_FIVE_MINUTES = "0 */5 * * * *"
NCRONTAB_FIELDS = 6

_FIELD = re.compile(r"(\*|\d+|[a-z]{3})([-/,](\*|\d+|[a-z]{3}))*", re.IGNORECASE)
_GUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_SCOPE = re.compile(r"/subscriptions/([^/]+)(?:/resourceGroups/([^/]+))?/?", re.IGNORECASE)
_NAME = r"[A-Za-z0-9](?:[A-Za-z0-9_.-]{0,78}[A-Za-z0-9])?"
_PAIR = re.compile(rf"({_NAME})/({_NAME})")
_DEFINITION = re.compile(
    rf"/subscriptions/({_GUID.pattern})/resourceGroups/([\w.()-]{{0,89}}[\w()-])"
    rf"/providers/Microsoft\.Compute/galleries/({_NAME})/images/({_NAME})/?",
    re.IGNORECASE,
)
_OURS = re.compile(
    r"SUBSCRIPTIONS?$|CAPTURE_|IMAGE_RESOURCE|PROOF(_|$)|COST_GUARD|OUTCOME_|SWEEP_|DRY_?RUN|ARM_END"
)


class ProofPolicy(StrEnum):
    """How much a disk must say before its VM is generalized."""

    REQUIRED = "required"
    WHEN_READABLE = "when-readable"
    OFF = "off"


class Name(StrEnum):
    """The settings' names."""

    SUBSCRIPTIONS = "SUBSCRIPTIONS"
    CAPTURE_SCOPE = "CAPTURE_SCOPE"
    CAPTURE_TARGET = "CAPTURE_TARGET"
    IMAGE_RESOURCE_GROUP = "IMAGE_RESOURCE_GROUP"
    PROOF = "PROOF"
    OUTCOME_TOPIC = "OUTCOME_TOPIC"
    SWEEP_SCHEDULE = "SWEEP_SCHEDULE"
    DRY_RUN = "DRY_RUN"
    ARM_ENDPOINT = "ARM_ENDPOINT"


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """All settings, read and checked; ids in `scopes` are lower case and end in a slash."""

    subscriptions: tuple[str, ...]
    scopes: tuple[str, ...] = ()
    capture_target: str = ""
    image_group: tuple[str, str] | None = None
    proof: ProofPolicy = ProofPolicy.REQUIRED
    outcome_topic: str = ""
    sweep_schedule: str = EVERY_FIVE_MINUTES
    dry_run: bool = False
    arm_endpoint: str = PUBLIC_ARM

    def in_scope(self, resource_id: str) -> bool:
        """Whether an order on that resource counts."""
        key = resource_id.lower()
        return not self.scopes or any(key.startswith(scope) for scope in self.scopes)

    def watches(self, subscription: str) -> bool:
        """Whether a subscription is one of ours."""
        return subscription.lower() in self.subscriptions


def read_settings(environment: Mapping[str, str]) -> Settings:
    """Return the settings of an environment; raise `Misconfigured` at the first that is wrong."""
    _refuse_unknown(environment)
    values = {name: environment.get(name, "").strip() for name in Name}
    return Settings(
        subscriptions=_subscriptions(values[Name.SUBSCRIPTIONS]),
        scopes=_scopes(environment, values[Name.CAPTURE_SCOPE]),
        capture_target=_capture_target(values[Name.CAPTURE_TARGET]),
        image_group=_image_group(values[Name.IMAGE_RESOURCE_GROUP]),
        proof=_proof(values[Name.PROOF]),
        outcome_topic=_https(Name.OUTCOME_TOPIC, values[Name.OUTCOME_TOPIC]),
        sweep_schedule=_schedule(values[Name.SWEEP_SCHEDULE]),
        dry_run=_flag(Name.DRY_RUN, values[Name.DRY_RUN]),
        arm_endpoint=_https(Name.ARM_ENDPOINT, values[Name.ARM_ENDPOINT]) or PUBLIC_ARM,
    )


def read_definition_id(text: str) -> GalleryTarget | None:
    """Return the image definition of a full resource id; None where it is none."""
    found = _DEFINITION.fullmatch(text)
    return GalleryTarget(*found.groups()) if found else None


def read_gallery_pair(text: str) -> tuple[str, str] | None:
    """Return the names in `<gallery>/<definition>`; None where it is none."""
    found = _PAIR.fullmatch(text)
    return (found[1], found[2]) if found else None


def _refuse_unknown(environment: Mapping[str, str]) -> None:
    for name in environment:
        if _OURS.match(name) and name not in set(Name):
            msg = f"{name} is not a setting of Stillframe; known are {', '.join(Name)}"
            raise Misconfigured(msg)


def _list(text: str) -> list[str]:
    return [part.strip() for part in text.replace(";", ",").split(",") if part.strip()]


def _subscriptions(text: str) -> tuple[str, ...]:
    ids = _list(text)
    if not ids:
        msg = f"{Name.SUBSCRIPTIONS} must name the subscriptions to watch: ids, commas between"
        raise Misconfigured(msg)
    for wrong in (part for part in ids if not _GUID.fullmatch(part)):
        msg = f"{Name.SUBSCRIPTIONS}: {wrong!r} is not a subscription id (a GUID)"
        raise Misconfigured(msg)
    return tuple(dict.fromkeys(part.lower() for part in ids))


def _scopes(environment: Mapping[str, str], text: str) -> tuple[str, ...]:
    if not text and environment.get(Name.CAPTURE_SCOPE):
        msg = f"{Name.CAPTURE_SCOPE} is blank; leave it out to mean everywhere"
        raise Misconfigured(msg)
    scopes = _list(text)
    for wrong in (scope for scope in scopes if not _is_scope(scope)):
        msg = (
            f"{Name.CAPTURE_SCOPE}: {wrong!r} is neither /subscriptions/<id> nor "
            "/subscriptions/<id>/resourceGroups/<name>"
        )
        raise Misconfigured(msg)
    if text and not scopes:
        msg = f"{Name.CAPTURE_SCOPE}: {text!r} names no scope"
        raise Misconfigured(msg)
    return tuple(scope.rstrip("/").lower() + "/" for scope in scopes)


def _is_scope(text: str) -> bool:
    found = _SCOPE.fullmatch(text)
    return bool(found and _GUID.fullmatch(found[1]))


def _capture_target(text: str) -> str:
    if text in ("", "managed-image") or read_definition_id(text) or read_gallery_pair(text):
        return text
    msg = (
        f"{Name.CAPTURE_TARGET}: {text!r} is neither 'managed-image' nor <gallery>/<definition> "
        "nor an image definition's id"
    )
    raise Misconfigured(msg)


def _image_group(text: str) -> tuple[str, str] | None:
    if not text:
        return None
    found = _SCOPE.fullmatch(text)
    if not found or not found[2] or not _GUID.fullmatch(found[1]):
        msg = f"{Name.IMAGE_RESOURCE_GROUP}: {text!r} is not a resource group's id"
        raise Misconfigured(msg)
    return found[1], found[2]


def _proof(text: str) -> ProofPolicy:
    try:
        return ProofPolicy(text or ProofPolicy.REQUIRED)
    except ValueError:
        msg = f"{Name.PROOF}: {text!r} is none of {', '.join(ProofPolicy)}"
        raise Misconfigured(msg) from None


def _https(name: Name, text: str) -> str:
    if text and not re.fullmatch(r"https://[^\s/?#]+(/[^\s?#]*)?", text):
        msg = f"{name}: {text!r} is not an https address"
        raise Misconfigured(msg)
    return text.rstrip("/")


def _flag(name: Name, text: str) -> bool:
    if text.lower() not in ("", "true", "false"):
        msg = f"{name}: {text!r} is neither true nor false"
        raise Misconfigured(msg)
    return text.lower() == "true"


def _schedule(text: str) -> str:
    fields = text.split()
    if text and (len(fields) != NCRONTAB_FIELDS or not all(map(_FIELD.fullmatch, fields))):
        msg = f"{Name.SWEEP_SCHEDULE}: {text!r} is no NCRONTAB expression of six fields"
        raise Misconfigured(msg)
    return text or EVERY_FIVE_MINUTES
