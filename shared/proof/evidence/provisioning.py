"""Settings that personalize a Linux guest at its first boot, read from its configuration.

Pure. waagent's settings are lines of `Name=value` (https://github.com/Azure/WALinuxAgent). Those of
cloud-init are YAML in several files, of which the last one wins; only some settings at the top
level are read here (https://docs.cloud-init.io/en/latest/reference/modules.html#ssh).
"""

import re
from collections.abc import Iterable

_KEEPS_KEYS = re.compile(r"^ssh_deletekeys:\s*(\S+)", re.MULTILINE)
_KEEPS_CACHE = re.compile(r"^manual_cache_clean:\s*(\S+)", re.MULTILINE)
_LIST = r"^{}:[ \t]*(\[[^\]]*\]|(?:#.*)?\n(?:[ \t]*(?:-.*|#.*)?\n)*)"
_MODULES = re.compile(_LIST.format("cloud_init_modules"), re.MULTILINE)
_SOURCES = re.compile(_LIST.format("datasource_list"), re.MULTILINE)
_COMMENT = re.compile(r"#.*")
_WORD = re.compile(r"[\w-]*\w")
_YES, _NO = {"y", "yes", "true", "1", "on"}, {"n", "no", "false", "0", "off"}
FIRST_USER, LAST_USER = 1000, 59_999
"""User ids of people's accounts, by the defaults in every distribution's login.defs."""

_NO_LOGIN = ("nologin", "false")


def makes_keys(agent: str) -> bool:
    """Whether waagent is configured to create new host keys at the first boot."""
    found = re.findall(
        r"^\s*Provisioning\.RegenerateSshHostKeyPair\s*=\s*(\w+)", agent, re.MULTILINE
    )
    return bool(found) and found[-1].lower() in _YES


def replaces_keys(cloud: Iterable[str]) -> bool:
    """Whether cloud-init replaces host keys in each new instance, by its files in order.

    It does so in its module `ssh`, if it uses the Azure data source; unless it is configured not
    to (`ssh_deletekeys`), or to treat every machine as the known instance (`manual_cache_clean`).
    """
    texts = [text if text.endswith("\n") else f"{text}\n" for text in cloud]
    modules, sources = _listed(_MODULES, texts), _listed(_SOURCES, texts)
    runs = modules is not None and "ssh" in modules and (sources is None or "azure" in sources)
    return runs and _last(_KEEPS_KEYS, texts) not in _NO and _last(_KEEPS_CACHE, texts) not in _YES


def people(passwd: str) -> list[str]:
    """Return the user accounts in an /etc/passwd that belong to people and can log in."""
    accounts = (line.split(":") for line in passwd.splitlines())
    return [
        account[0]
        for account in accounts
        if len(account) == 7  # noqa: PLR2004 - the fields of a line
        and account[2].isdigit()
        and FIRST_USER <= int(account[2]) <= LAST_USER
        and not account[6].endswith(_NO_LOGIN)
    ]


def _listed(setting: re.Pattern[str], texts: Iterable[str]) -> set[str] | None:
    """Return the words of a list setting from the last text that has it; None if none does."""
    lists = [found for text in texts for found in setting.findall(text)]
    return {word.lower() for word in _WORD.findall(_COMMENT.sub("", lists[-1]))} if lists else None


def _last(setting: re.Pattern[str], texts: Iterable[str]) -> str | None:
    values = [value for text in texts for value in setting.findall(text)]
    return values[-1].strip("\"'").lower() if values else None
