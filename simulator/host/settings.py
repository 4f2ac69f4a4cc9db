"""What the host is told by files: host.json and local.settings.json.

Takes the app's directory and gives the few settings of host.json that mean something here, and the
environment as `func start` would set it: the file's values, unless the environment has its own.
"""

import json
import logging
import os
import re
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

LEVELS = {
    "trace": logging.DEBUG,
    "debug": logging.DEBUG,
    "information": logging.INFO,
    "warning": logging.WARNING,
    "error": logging.ERROR,
    "critical": logging.CRITICAL,
    "none": logging.CRITICAL + 1,
}


class SettingsError(Exception):
    """A settings file that the host cannot use; the text names it and says why."""


@dataclass(frozen=True)
class HostJson:
    """`function_timeout` None = none; `log_levels` by category, in Python's numbers."""

    function_timeout: timedelta | None = None
    log_levels: dict[str, int] = field(default_factory=dict)

    def level_of(self, category: str) -> int:
        """Give the least level that is shown: of the longest category that this one begins with."""
        matching = [name for name in self.log_levels if category.startswith(name)]
        if matching:
            return self.log_levels[max(matching, key=len)]
        return self.log_levels.get("default", logging.INFO)


def host_json(app: Path) -> HostJson:
    """Read the app's host.json; SettingsError when it is missing or of another version."""
    path = app / "host.json"
    if not path.exists():
        msg = f"{path}: no host.json, so this is no function app"
        raise SettingsError(msg)
    content = _json_of(path)
    if content.get("version") != "2.0":
        msg = f'{path}: version must be "2.0", is {json.dumps(content.get("version"))}'
        raise SettingsError(msg)
    levels = content.get("logging", {}).get("logLevel", {})
    return HostJson(
        _timeout(content.get("functionTimeout", "00:30:00"), path),
        {category: _level(word, path) for category, word in levels.items()},
    )


def local_settings(app: Path) -> dict[str, str]:
    """Read the Values of local.settings.json, those that the environment does not set already."""
    path = app / "local.settings.json"
    values = _json_of(path).get("Values", {}) if path.exists() else {}
    return {name: str(value) for name, value in values.items() if name not in os.environ}


def resolved(text: str) -> str:
    """Replace %NAME% by that setting's value; SettingsError when there is none, as in Azure."""
    return re.sub(r"%([^%]+)%", lambda found: _setting(found[1]), text)


def _setting(name: str) -> str:
    if name not in os.environ:
        msg = f"'%{name}%' does not resolve to a value"
        raise SettingsError(msg)
    return os.environ[name]


def _json_of(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text())
    except ValueError as error:
        msg = f"{path}: {error}"
        raise SettingsError(msg) from error
    if not isinstance(content, dict):
        msg = f"{path}: not a JSON object"
        raise SettingsError(msg)
    return content


def _level(word: str, path: Path) -> int:
    if word.lower() not in LEVELS:
        msg = f"{path}: unknown log level {word}"
        raise SettingsError(msg)
    return LEVELS[word.lower()]


def _timeout(text: str, path: Path) -> timedelta | None:
    """Read `hh:mm:ss`; -1 means none."""
    if text == "-1":
        return None
    found = re.fullmatch(r"(\d+):(\d\d):(\d\d)", text)
    if not found:
        msg = f"{path}: functionTimeout must be hh:mm:ss or -1, is {text}"
        raise SettingsError(msg)
    hours, minutes, seconds = map(int, found.groups())
    return timedelta(hours=hours, minutes=minutes, seconds=seconds)
