"""The extension bundle that host.json names, and which bindings there are then.

The host itself has timers and HTTP; every other binding comes out of a bundle, for an app that is
not .NET. Takes host.json as a flat table and gives the bundle, or raises HostError in the real
host's words. Versions and bindings are those of the release branches of Microsoft's bundles.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

ID = "Microsoft.Azure.Functions.ExtensionBundle"
PACKAGE_ID = re.compile(r"\w+([_.-]\w+)*")

type Version = tuple[int, ...]

LEAST: Version = (2, 6, 1)
SIMULATED: Version = (3, 0, 0)


def _types(text: str) -> frozenset[str]:
    return frozenset(text.split())


# In lower case, as the host compares them.
BUILT_IN = _types("timertrigger httptrigger http manualtrigger")
FIRST = _types(
    """
    blobtrigger blob queuetrigger queue table servicebustrigger servicebus eventhubtrigger eventhub
    sendgrid activitytrigger orchestrationtrigger orchestrationclient eventgridtrigger eventgrid
    cosmosdbtrigger cosmosdb twiliosms signalr signalrconnectioninfo signalrtrigger rabbitmqtrigger
    rabbitmq kafkatrigger kafka
    """
)
SECOND = FIRST | _types("entitytrigger durableclient signalrendpoints signalrnegotiation")
THIRD = SECOND | _types("webpubsub webpubsubconnection webpubsubrequest webpubsubtrigger")
FOURTH = THIRD | _types(
    """
    sql sqltrigger mysql mysqltrigger daprbinding daprbindingtrigger daprinvoke daprpublish
    daprsecret daprserviceinvocationtrigger daprstate daprtopictrigger redispubsubtrigger
    redisstreamtrigger redislisttrigger redis fabricitem udfproperty userdatafunctioncontext
    mcptooltrigger mcptoolproperty mcpresourcetrigger mcpprompttrigger
    """
)
RELEASES: dict[Version, frozenset[str]] = {
    (1, 8, 1): FIRST,
    (2, 36, 0): SECOND,
    (3, 41, 0): THIRD,
    (4, 38, 0): FOURTH,
}
"""The newest of each major; older ones are not known here, so a range must hold one of these."""


class HostError(Exception):
    """The host does not start: its state is Error, and the text is what its status tells."""


@dataclass(frozen=True)
class Bundle:
    """A bundle that was named, and the version that was found for it, None = none was."""

    id: str
    version: Version | None

    @property
    def text(self) -> str | None:
        """The version in its usual form."""
        return None if self.version is None else ".".join(map(str, self.version))

    @property
    def bindings(self) -> frozenset[str]:
        """The types of bindings that it brings, in lower case."""
        return RELEASES[self.version] if self.version else frozenset()


@dataclass(frozen=True)
class Range:
    """Versions from `low` to `high`, None = no bound; the flags: does a bound belong to it."""

    low: Version
    high: Version | None
    with_low: bool = True
    with_high: bool = False

    def has(self, version: Version) -> bool:
        """Whether a version is in the range."""
        above = version >= self.low if self.with_low else version > self.low
        if self.high is None:
            return above
        return above and (version <= self.high if self.with_high else version < self.high)


def bundle(table: Mapping[str, str]) -> Bundle | None:
    """Find the bundle that a flat host.json names, None when it names none; raises HostError."""
    section = {k: v for k, v in table.items() if k.startswith("extensionbundle:")}
    if not section:
        return None
    text = section.get("extensionbundle:version", "")
    wanted = version_range(text)
    if wanted is None:
        raise HostError(_invalid("version"))
    name = section.get("extensionbundle:id", "")
    if not PACKAGE_ID.fullmatch(name):
        raise HostError(_invalid("id"))
    found = max((one for one in RELEASES if name == ID and wanted.has(one)), default=None)
    if found is None:
        print(f"Bundle version matching the {text} was not found")
    if name == ID:
        _check_minimum(found)
    if found and found < SIMULATED:
        msg = f"NotSimulated: the Event Grid extension of {name} {text}."
        raise HostError(msg)
    return Bundle(name, found)


def unresolved(types: list[str], chosen: Bundle | None) -> str | None:
    """Say in the host's words which types of bindings there are not; None when there are all."""
    there = BUILT_IN | (chosen.bindings if chosen else frozenset())
    missing = ", ".join(dict.fromkeys(one for one in types if one.lower() not in there))
    if not missing:
        return None
    if chosen is None:
        return (
            f"The binding type(s) '{missing}' are not registered. Please ensure the type is "
            "correct and the binding extension is installed."
        )
    return (
        f"The binding type(s) '{missing}' were not found in the configured extension bundle. Please"
        " ensure the type is correct and the correct version of extension bundle is configured."
    )


def version_range(text: str) -> Range | None:
    """Read a range in NuGet's notation: `[4.0.0, 5.0.0)`, `[4.*, 5.0.0)`, `4.0.0`, `[4.1.0]`."""
    given = text.strip()
    if not given or given[0] not in "[(":
        low = _version(given, floating=True)
        return None if low is None else Range(low, None)
    if given[-1] not in "])":
        return None
    with_low, with_high = given[0] == "[", given[-1] == "]"
    first, comma, last = (part.strip() for part in given[1:-1].partition(","))
    if not comma:
        exact = _version(first, floating=True) if with_low and with_high else None
        return None if exact is None else Range(exact, exact, with_high=True)
    low = _version(first, floating=True) if first else (0,)
    high = _version(last) if last else None
    if low is None or (last and high is None) or not (first or last):
        return None
    return Range(low, high, with_low, with_high)


def _version(text: str, *, floating: bool = False) -> Version | None:
    star = r"|(?:[0-9]{1,9}\.){0,3}\*" if floating else ""
    if not re.fullmatch(rf"[0-9]{{1,9}}(?:\.[0-9]{{1,9}}){{0,3}}{star}", text):
        return None
    numbers = [int(part) for part in text.split(".") if part != "*"]
    return (*numbers, 0, 0, 0)[:3]


def _invalid(what: str) -> str:
    return (
        f"The value of {what} property in extensionBundle section of host.json file is invalid or "
        "missing. See https://aka.ms/functions-hostjson for more information"
    )


def _check_minimum(found: Version | None) -> None:
    if found is None:
        # The host looks up the least version of a bundle that it knows by name, and has none to
        # compare with.
        msg = "Value cannot be null. (Parameter 'version')"
        raise HostError(msg)
    if found < LEAST:
        least, version = (".".join(map(str, one)) for one in (LEAST, found))
        msg = (
            f"Referenced bundle {ID} of version {version} does not meet the required minimum "
            f"version of {least}. Update your extension bundle reference in host.json to reference "
            f"{least} or later. For more information see https://aka.ms/func-min-bundle-versions."
        )
        raise HostError(msg)
