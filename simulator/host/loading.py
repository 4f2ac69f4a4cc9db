"""Which of an app's functions run, and the errors of the others.

Takes the app's directory, host.json and the settings; gives the functions that the real host would
load, and for each of the others its error in the real host's words. An app that cannot be imported
has no functions; the host runs anyway.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from simulator.host import bundles, storage, timers, worker
from simulator.host.bundles import HostError
from simulator.host.settings import HostJson, SettingsError
from simulator.host.storage import Statuses
from simulator.host.timers import Timer
from simulator.host.worker import AppError, Function

FUNCTION_NAME = re.compile(r"(?!host$)[a-z][a-z0-9_-]{0,127}", re.ASCII | re.IGNORECASE)

# Python's own names may have underscores, the host's bindings may not.
BINDING_NAME = re.compile(r"[a-zA-Z][a-zA-Z0-9]{0,127}|\$return", re.ASCII)

SIMULATED = {"eventgridtrigger", "timertrigger", "httptrigger", "http"}

NO_FUNCTIONS = (
    "No job functions found. Try making your job classes and methods public. If you're using "
    "binding extensions (e.g. Azure Storage, ServiceBus, Timers, etc.) make sure you've called the "
    "registration method for the extension(s) in your startup code (e.g. builder.AddAzureStorage(),"
    " builder.AddServiceBus(), builder.AddTimers(), etc.)."
)


@dataclass
class Loaded:
    """`functions` can be invoked, `listed` are known, `errors` are of those that do not run.

    `idle` are the names of functions that nothing but the admin API starts: they are disabled, or
    their listener does not start.
    """

    functions: dict[str, Function] = field(default_factory=dict)
    listed: list[Function] = field(default_factory=list)
    errors: dict[str, list[str]] = field(default_factory=dict)
    timers: dict[str, Timer] = field(default_factory=dict)
    disabled: set[str] = field(default_factory=set)
    idle: set[str] = field(default_factory=set)

    @property
    def has_event_grid(self) -> bool:
        """Whether the Event Grid extension is loaded: a function has one of its bindings."""
        return any(_is_event_grid(one) for one in self.functions.values())

    def triggered(self, kind: str) -> dict[str, Function]:
        """Give the functions of a trigger that have a listener."""
        running = self.functions.items()
        return {name: f for name, f in running if f.kind == kind and name not in self.idle}

    def fail(self, name: str, error: str) -> None:
        """Note and print an error of a function."""
        self.errors.setdefault(name, []).append(error)
        print(f"The '{name}' function is in error: {error}")


async def load(
    app: Path, host_json: HostJson, settings: Mapping[str, str], statuses: Statuses
) -> Loaded:
    """Index the app and examine each function; HostError if the host itself cannot run."""
    loaded = Loaded()
    for function in await _indexed(app):
        if host_json.functions is None or function.name.lower() in host_json.functions:
            _take(loaded, function, host_json)
    print(f"{len(loaded.listed)} functions loaded")
    if loaded.has_event_grid:
        _check_keys(settings)
    for function in list(loaded.functions.values()):
        _index(loaded, function, statuses)
    if not loaded.functions:
        print(NO_FUNCTIONS)
    for name in loaded.functions:
        _listen(loaded, name, settings)
    return loaded


async def _indexed(app: Path) -> list[Function]:
    try:
        found = await worker.load(app)
    except AppError as error:
        print(f"Initializing worker process failed\n{error}")
        print("Failed to start language worker process for runtime: python.")
        return []
    return sorted(found, key=lambda function: function.name.lower())


def _take(loaded: Loaded, function: Function, host_json: HostJson) -> None:
    """Examine what the worker told of a function."""
    if error := unfit(function):
        loaded.fail(function.name, error)
        return
    loaded.listed.append(function)
    types = [str(binding["type"]) for binding in function.bindings]
    if error := bundles.unresolved(types, host_json.bundle) or _not_simulated(function, types):
        loaded.fail(function.name, error)
        return
    loaded.functions[function.name] = function


def _not_simulated(function: Function, types: list[str]) -> str | None:
    """Return what the real host would run and this one does not, so that it is not missed."""
    others = [one for one in types if one.lower() not in SIMULATED]
    if others:
        return f"NotSimulated: this host runs no binding of type {', '.join(others)}."
    if function.retries:
        return "NotSimulated: this host retries nothing."
    return None


def unfit(function: Function) -> str | None:
    """Say why a function's name or bindings are none that the host takes."""
    if not FUNCTION_NAME.fullmatch(function.name):
        return f"'{function.name}' is not a valid function name."
    names: set[str] = set()
    for binding in function.bindings:
        name = str(binding.get("name", ""))
        if not BINDING_NAME.fullmatch(name):
            return f"The binding name {name} is invalid. Please assign a valid name to the binding."
        if name.lower() in names:
            return f"Multiple bindings with name '{name}' discovered. Binding names must be unique."
        names.add(name.lower())
    if not function.kind:
        return "No trigger binding specified. A function must have a trigger input binding."
    return None


def _is_event_grid(function: Function) -> bool:
    return any(str(b["type"]).lower().startswith("eventgrid") for b in function.bindings)


def _check_keys(settings: Mapping[str, str]) -> None:
    """The Event Grid extension asks for its key as the host starts."""
    if not storage.has_keys(settings):
        raise HostError(storage.NO_SECRETS)


def _index(loaded: Loaded, function: Function, statuses: Statuses) -> None:
    """Index a function as the WebJobs SDK does, or take it out with its error."""
    name = function.name
    try:
        _check_overload(loaded, name)
        if function.kind == "timerTrigger":
            loaded.timers[name] = timers.timer_of(function, statuses)
    except SettingsError as error:
        del loaded.functions[name]
        print(f"Function 'Functions.{name}' failed indexing and will be disabled.")
        loaded.fail(
            name, f"Microsoft.Azure.WebJobs.Host: Error indexing method 'Functions.{name}'. {error}"
        )


def _check_overload(loaded: Loaded, name: str) -> None:
    """To the SDK, names that differ in nothing but case are one method twice; the first stays."""
    first = next(one for one in loaded.functions if one.lower() == name.lower())
    if first != name:
        msg = (
            "Microsoft.Azure.WebJobs.Host: Method overloads are not supported. There are multiple "
            f"methods with the name 'Host.Functions.{name}'."
        )
        raise SettingsError(msg)


def _listen(loaded: Loaded, name: str, settings: Mapping[str, str]) -> None:
    """Find who has no listener: the disabled, and a timer with nowhere to keep its status."""
    timer = loaded.timers.get(name)
    if _is_disabled(name, settings):
        print(f"Function 'Functions.{name}' is disabled")
        loaded.disabled.add(name)
        loaded.idle.add(name)
    elif timer is not None and timer.monitored and not storage.is_named(settings):
        loaded.idle.add(name)
        loaded.fail(
            name,
            "Microsoft.Azure.WebJobs.Host: The listener for function "
            f"'Functions.{name}' was unable to start. {storage.NO_SCHEDULES}",
        )


def _is_disabled(name: str, settings: Mapping[str, str]) -> bool:
    names = (f"AzureWebJobs.{name}.Disabled", f"AzureWebJobs_{name}_Disabled")
    return any(settings.get(one, "").lower() in {"1", "true"} for one in names)
