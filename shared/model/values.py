"""Parse values of settings: a setting's name and its text -> the value.

Takes texts without surrounding blanks. Raises `Misconfigured` with the setting's name if a text is
invalid. Here are the formats of values, some of which tags share with settings; the settings and
how they depend on each other are in `settings.py`.
"""

import re
from datetime import timedelta
from enum import StrEnum

from shared.model.errors import Misconfigured
from shared.model.ids import GalleryTarget

NCRONTAB_FIELDS = 6
LARGEST_FACTOR = 10

_FIELD = re.compile(r"(\*|\d+|[a-z]{3})([-/,](\*|\d+|[a-z]{3}))*", re.IGNORECASE)
_DURATION = re.compile(
    r"P(?:(?P<days>\d{1,4})D)?(?:T(?!$)(?:(?P<hours>\d{1,5})H)?(?:(?P<minutes>\d{1,6})M)?)?"
)
_FACTOR = re.compile(r"\d{1,2}(\.\d{1,6})?")
_CURRENCY = re.compile(r"[A-Z]{3}")
_HTTPS = re.compile(r"https://[^\s/?#]+(/[^\s?#]*)?")
GUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_SCOPE = re.compile(
    rf"/subscriptions/({GUID.pattern})(?:/resourceGroups/([^/]+))?/?", re.IGNORECASE
)
_NAME = r"[A-Za-z0-9](?:[A-Za-z0-9_.-]{0,78}[A-Za-z0-9])?"
_PAIR = re.compile(rf"({_NAME})/({_NAME})")
_GROUP = r"[\w.()-]{0,89}[\w()-]"
_IN_GROUP = rf"/subscriptions/({GUID.pattern})/resourceGroups/({_GROUP})"
_GALLERY = rf"/providers/Microsoft\.Compute/galleries/({_NAME})"
_DEFINITION = re.compile(rf"{_IN_GROUP}{_GALLERY}/images/({_NAME})/?", re.IGNORECASE)
_TARGETS = re.compile(rf"{_IN_GROUP}(?:{_GALLERY}(?:/images/({_NAME}))?)?/?", re.IGNORECASE)


def is_subscription(text: str) -> bool:
    """Whether a text is a subscription id."""
    return GUID.fullmatch(text) is not None


def read_scope(text: str) -> tuple[str, str | None] | None:
    """Return subscription and resource group, if any, of a scope; None if the text is not one."""
    found = _SCOPE.fullmatch(text)
    return (found[1], found[2]) if found else None


def is_group_name(text: str) -> bool:
    """Whether a text is a valid name of a resource group."""
    return re.fullmatch(_GROUP, text) is not None


def read_definition_id(text: str) -> GalleryTarget | None:
    """Return the image definition of a full resource id; None if the text is not one."""
    found = _DEFINITION.fullmatch(text)
    return GalleryTarget(*found.groups()) if found else None


def is_target_scope(text: str) -> bool:
    """Whether a text is the id of a resource group, a gallery or an image definition."""
    return _TARGETS.fullmatch(text) is not None


def read_gallery_pair(text: str) -> tuple[str, str] | None:
    """Return the names in `<gallery>/<definition>`; None if the text is not of that form."""
    found = _PAIR.fullmatch(text)
    return (found[1], found[2]) if found else None


def read_list(text: str) -> list[str]:
    """Return the parts between commas or semicolons."""
    return [part.strip() for part in text.replace(";", ",").split(",") if part.strip()]


def read_word[E: StrEnum](name: str, text: str, default: E) -> E:
    """Return a value of an enum; the default if the text is empty."""
    kind = type(default)
    try:
        return kind(text or default)
    except ValueError:
        msg = f"{name}: {text!r} is not one of {', '.join(kind)}"
        raise Misconfigured(msg) from None


def read_duration(name: str, text: str) -> timedelta:
    """Return an ISO 8601 duration of days, hours and minutes."""
    found = _DURATION.fullmatch(text)
    parts = (
        {unit: int(count) for unit, count in found.groupdict().items() if count} if found else {}
    )
    if not parts:
        msg = (
            f"{name}: {text!r} is not an ISO 8601 duration of days, hours and minutes, "
            "for example PT1H or P2D"
        )
        raise Misconfigured(msg)
    return timedelta(**parts)


def read_factor(name: str, text: str) -> float:
    """Return a factor for prices, more than 0 and at most 10."""
    factor = float(text) if _FACTOR.fullmatch(text) else 0.0
    if not 0 < factor <= LARGEST_FACTOR:
        msg = f"{name}: {text!r} is not a number above 0 and at most 10, for example 0.82"
        raise Misconfigured(msg)
    return factor


def read_currency(name: str, text: str) -> str:
    """Return a currency code (ISO 4217)."""
    if not _CURRENCY.fullmatch(text):
        msg = f"{name}: {text!r} is not a currency code, for example EUR"
        raise Misconfigured(msg)
    return text


def read_https(name: str, text: str) -> str:
    """Return an https URL without a slash at its end; empty if the text is empty."""
    if text and not _HTTPS.fullmatch(text):
        msg = f"{name}: {text!r} is not an https URL"
        raise Misconfigured(msg)
    return text.rstrip("/")


def read_flag(name: str, text: str) -> bool:
    """Return a Boolean; False if the text is empty."""
    if text.lower() not in ("", "true", "false"):
        msg = f"{name}: {text!r} is neither true nor false"
        raise Misconfigured(msg)
    return text.lower() == "true"


def read_schedule(name: str, text: str) -> str:
    """Return an NCRONTAB expression, as the Functions host understands it."""
    fields = text.split()
    if len(fields) != NCRONTAB_FIELDS or not all(map(_FIELD.fullmatch, fields)):
        msg = f"{name}: {text!r} is not an NCRONTAB expression of six fields"
        raise Misconfigured(msg)
    return text
