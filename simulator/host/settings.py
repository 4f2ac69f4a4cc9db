"""The host's configuration: host.json, and the app settings that override it.

Takes the app's directory and its settings and gives the few values that are used here. As in
the real host all of it is first flattened to one table, with keys like `logging:loglevel:default`
and text values; the app setting `AzureFunctionsJobHost__logging__logLevel__default` overrides
the file. A value with which the real host does not start raises HostError, in its words.
"""

import json
import logging
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from simulator.host import bundles
from simulator.host.bundles import Bundle, HostError

HELP = "See https://aka.ms/functions-hostjson"

OVERRIDES = "azurefunctionsjobhost__"

# What is read here; a switch is only asked for its form. Whatever else host.json had would be
# without effect here, and could be wrong there.
READ = re.compile(
    r"\$schema|version|functiontimeout|functions:\d+|extensionbundle:(id|version)"
    r"|logging:loglevel:[^:]+|logging:applicationinsights:samplingsettings:isenabled"
)
SWITCH = "logging:applicationinsights:samplingsettings:isenabled"

DEFAULT_TIMEOUT = timedelta(minutes=30)
LEAST_TIMEOUT = timedelta(seconds=1)

LEVELS = {
    "trace": logging.DEBUG,
    "debug": logging.DEBUG,
    "information": logging.INFO,
    "warning": logging.WARNING,
    "error": logging.ERROR,
    "critical": logging.CRITICAL,
    "none": logging.CRITICAL + 1,
}

# What `TimeSpan.Parse` takes; more than 23 hours, which it reads as days, is refused here.
SPAN = re.compile(
    r"(?P<minus>-?)(?:(?P<only>\d{1,8})|(?:(?P<days>\d{1,8})\.)?(?P<hours>\d\d?):(?P<minutes>\d\d?)"
    r"(?::(?P<seconds>\d\d?)(?:\.\d{1,7})?)?)",
    re.ASCII,
)


class SettingsError(Exception):
    """A setting that a function cannot be started with; the text is the real host's."""


@dataclass(frozen=True)
class HostJson:
    """`function_timeout` None = none; `log_levels` by category in small letters.

    `functions` are the names that alone are loaded, None = all.
    """

    function_timeout: timedelta | None = DEFAULT_TIMEOUT
    log_levels: dict[str, int] = field(default_factory=dict)
    functions: frozenset[str] | None = None
    bundle: Bundle | None = None

    def level_of(self, category: str) -> int:
        """Give the least level that is shown: of the longest category that this one begins with."""
        low = category.lower()
        matching = [name for name in self.log_levels if low.startswith(name)]
        if matching:
            return self.log_levels[max(matching, key=len)]
        return self.log_levels.get("default", logging.INFO)


def host_json(app: Path, settings: Mapping[str, str]) -> HostJson:
    """Read the app's host.json and what overrides it; raises HostError."""
    table = _flat(_content(app / "host.json")) | _overrides(settings)
    _check_read(table)
    listed = frozenset(v.lower() for k, v in table.items() if re.fullmatch(r"functions:\d+", k))
    return HostJson(
        _timeout(table.get("functiontimeout", "")),
        _levels(table),
        listed or None,
        bundles.bundle(table),
    )


def resolved(text: str) -> str:
    """Replace each %NAME% with that setting's value; SettingsError if it is not set."""
    done, rest = "", text
    while "%" in rest:
        before, _, after = rest.partition("%")
        name, closing, rest = after.partition("%")
        if not closing:
            msg = f"The '%' at position {len(text) - len(after) - 1} does not have a closing '%'"
            raise SettingsError(msg)
        done += before + _setting(name)
    return done + rest


def _setting(name: str) -> str:
    value = os.environ.get(name.replace(":", "__"))
    if value is None:
        msg = f"'%{name}%' does not resolve to a value."
        raise SettingsError(msg)
    return value


def _content(path: Path) -> dict[str, Any]:
    """Read the file; without one, or with an empty object in it, the host uses its defaults.

    The default has no extension bundle here: the real host adds one only if it can write the
    file, and a deployed package is read-only.
    """
    if not path.exists():
        print("No host configuration file found. Creating a default host.json file.")
        return {"version": "2.0"}
    try:
        content = json.loads(path.read_text(encoding="utf-8-sig"))
    except ValueError as error:
        msg = f"Unable to parse host configuration file '{path}'. {error}."
        raise HostError(msg) from error
    if not isinstance(content, dict):
        msg = f"Unable to parse host configuration file '{path}'. It is not a JSON object."
        raise HostError(msg)
    if not content:
        print("Empty host configuration file found. Creating a default host.json file.")
        return {"version": "2.0"}
    _check_version(content.get("version"))
    return content


def _check_version(given: object) -> None:
    version = _text(given)
    if not version:
        msg = (
            "The host.json file is missing the required 'version' property. "
            f"{HELP} for steps to migrate the configuration file."
        )
        raise HostError(msg)
    if version != "2.0":
        confused = (
            "This does not correspond to the function runtime version, only to the schema version "
            "of the host.json file. "
        )
        msg = (
            f"'{version}' is an invalid value for host.json 'version' property. We recommend you "
            f"set the 'version' property to '2.0'. {confused if version.startswith('3') else ''}"
            f"{HELP} for more information on this configuration file."
        )
        raise HostError(msg)


def _flat(value: object, path: str = "") -> dict[str, str]:
    """Make `{"a": {"B": [1]}}` `{"a:b:0": "1"}`: keys have no case, empty objects leave nothing."""
    if isinstance(value, dict):
        parts = [(str(name).lower(), inner) for name, inner in value.items()]
    elif isinstance(value, list):
        parts = [(str(n), inner) for n, inner in enumerate(value)]
    else:
        return {path: _text(value)}
    table: dict[str, str] = {}
    for name, inner in parts:
        table |= _flat(inner, f"{path}:{name}" if path else name)
    return table


def _text(value: object) -> str:
    """Write a value of JSON as .NET does: 2.0 is `2`, true is `True`, null is empty."""
    if value is None:
        return ""
    return f"{value:g}" if isinstance(value, float) else str(value)


def _overrides(settings: Mapping[str, str]) -> dict[str, str]:
    lowered = {name.lower(): value for name, value in settings.items()}
    return {
        name.removeprefix(OVERRIDES).replace("__", ":"): value
        for name, value in lowered.items()
        if name.startswith(OVERRIDES)
    }


def _check_read(table: Mapping[str, str]) -> None:
    """Reject what is not supported here, and a switch that is neither on nor off."""
    if others := [name for name in table if not READ.fullmatch(name)]:
        msg = f"NotSimulated: this host does not read {', '.join(others)} of host.json."
        raise HostError(msg)
    if table.get(SWITCH, "true").lower() not in {"true", "false"}:
        msg = (
            "Failed to convert configuration value at 'AzureFunctionsJobHost:logging:"
            "applicationInsights:samplingSettings:isEnabled' to type 'System.Boolean'."
        )
        raise HostError(msg)


def _levels(table: Mapping[str, str]) -> dict[str, int]:
    prefix = "logging:loglevel:"
    found = {k.removeprefix(prefix): v for k, v in table.items() if k.startswith(prefix)}
    return {category: _level(word) for category, word in found.items() if word}


def _level(word: str) -> int:
    """Read a level's word in any case, or its number from 0 for Trace to 6 for None."""
    names = dict(enumerate(LEVELS))
    name = names.get(int(word)) if re.fullmatch(r"[0-9]", word) else word.lower()
    if name not in LEVELS:
        msg = f"Configuration value '{word}' is not supported."
        raise HostError(msg)
    return LEVELS[name]


def _timeout(text: str) -> timedelta | None:
    """Read functionTimeout; -1 is none, which Flex Consumption allows as it allows any length."""
    if not text:
        return DEFAULT_TIMEOUT
    span = time_span(text)
    if span is None:
        msg = (
            "Failed to convert configuration value at 'AzureFunctionsJobHost:functionTimeout' "
            f"to type 'System.TimeSpan'. String '{text}' was not recognized as a valid TimeSpan."
        )
        raise HostError(msg)
    if span == timedelta(days=-1):
        return None
    if span < LEAST_TIMEOUT:
        most = "10675199.02:48:05.4775807"
        msg = f"FunctionTimeout must be greater than 00:00:01 and less than {most}."
        raise HostError(msg)
    return span


def time_span(text: str) -> timedelta | None:
    """Read `d`, `hh:mm`, `hh:mm:ss` or `d.hh:mm:ss`; None for anything else."""
    found = SPAN.fullmatch(text.strip())
    if not found:
        return None
    days, hours, minutes, seconds = (
        int(found[name] or 0) for name in ("days", "hours", "minutes", "seconds")
    )
    if hours > 23 or minutes > 59 or seconds > 59:  # noqa: PLR2004 - of a day, hour and minute
        return None
    span = timedelta(days=int(found["only"] or days), hours=hours, minutes=minutes, seconds=seconds)
    return -span if found["minus"] else span
