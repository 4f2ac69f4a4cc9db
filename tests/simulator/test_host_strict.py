"""What the real host refuses, the local host refuses too, with the same messages.

Each row of a table is an error in an app, in its host.json or in its settings. If the local host
became too tolerant, a row's app would run, and the row would fail.
"""

from pathlib import Path
from typing import Any

import pytest

from tests.simulator.host_running import (
    APP,
    BUNDLE,
    HOST_JSON,
    STORAGE,
    Host,
    event,
    running,
    write_app,
)

BARE = {"version": "2.0"}
NOT_REGISTERED = (
    "The binding type(s) 'eventGridTrigger' are not registered. Please ensure the type is correct "
    "and the binding extension is installed."
)
NOT_IN_BUNDLE = (
    "The binding type(s) 'eventGridTrigger' were not found in the configured extension bundle. "
    "Please ensure the type is correct and the correct version of extension bundle is configured."
)
NO_SECRETS = (
    "Secret initialization from Blob storage failed due to missing both an Azure Storage connection"
    " string and a SAS connection uri."
)
NOT_STARTED = (
    "Microsoft.Azure.WebJobs.Host: The listener for function 'Functions.sweep' was unable to start."
    " Could not create BlobContainerClient for ScheduleMonitor."
)
BAD_ID = "The value of id property in extensionBundle section of host.json file is invalid"
BAD_VERSION = (
    "The value of version property in extensionBundle section of host.json file is invalid"
)
INDEXING = "Microsoft.Azure.WebJobs.Host: Error indexing method 'Functions.sweep'. "
RETRY = '@app.retry(strategy="fixed_delay", max_retry_count="3", delay_interval="00:00:01")'
NO_STORAGE: dict[str, str | None] = dict.fromkeys(STORAGE)


def bundled(version: object, name: object = BUNDLE["id"]) -> dict[str, Any]:
    """Return a host.json with a bundle."""
    return {"version": "2.0", "extensionBundle": {"id": name, "version": version}}


def sampled(value: object) -> dict[str, Any]:
    """Return a host.json with a value for the sampling switch."""
    return HOST_JSON | {
        "logging": {"applicationInsights": {"samplingSettings": {"isEnabled": value}}}
    }


def told(value: str, change: str = "") -> str:
    """Return the app with the timer's schedule, or the text `change`, replaced."""
    return APP.replace(change or '"%SCHEDULE%"', value)


@pytest.mark.parametrize(
    ("host_json", "words"),
    [
        (BARE, NOT_REGISTERED),
        (None, NOT_REGISTERED),
        ("{}", NOT_REGISTERED),
        ({"version": "2.0", "extensionBundle": {}}, NOT_REGISTERED),
        (bundled("[4.0.0, 5.0.0)", "My.Own.Bundle"), NOT_IN_BUNDLE),
    ],
)
def test_without_a_bundle_an_event_function_is_not_loaded(
    tmp_path: Path, host_json: object, words: str
) -> None:
    """It is in error, its webhook does not exist, and the timer runs anyway."""
    with running(write_app(tmp_path, host_json=host_json)) as host:
        assert f"The 'on_event' function is in error: {words}" in host.text
        assert host.errors("on_event") == [words]
        answer = host.send([event()])
        assert (answer.status_code, answer.text) == (404, "")
        assert host.ask("/admin/functions/on_event", "POST", json={}).status_code == 404
        assert host.run("sweep")["ok"] is True
        assert host.get("/admin/host/status")["state"] == "Running"


@pytest.mark.parametrize("version", ["[4.0.0, 5.0.0)", "[4.*, 5.0.0)", "[3.3.0, 4.0.0)", "4.0.0"])
def test_a_bundle_brings_event_grid(tmp_path: Path, version: str) -> None:
    """For the major versions that the host still supports; the notation is NuGet's."""
    with running(write_app(tmp_path, host_json=bundled(version))) as host:
        assert host.send([event()]).status_code == 202


@pytest.mark.parametrize(
    ("host_json", "words"),
    [
        ("{", "Unable to parse host configuration file"),
        ("[]", "Unable to parse host configuration file"),
        ('{"functionTimeout": "00:10:00"}', "missing the required 'version' property"),
        ({"version": 2.0}, "'2' is an invalid value for host.json 'version' property"),
        ({"version": "3.0"}, "This does not correspond to the function runtime version"),
        ({"Version": "2.0"}, "missing the required 'version' property"),
        (bundled("[4.0.0, 5.0.0)", ""), BAD_ID),
        (bundled("[4.0.0, 5.0.0)", None), BAD_ID),
        (bundled("[4.0.0, 5.0.0)", "no spaces"), BAD_ID),
        ({"version": "2.0", "extensionBundle": {"version": "[4.0.0, 5.0.0)"}}, BAD_ID),
        ({"version": "2.0", "extensionBundle": {"id": BUNDLE["id"]}}, BAD_VERSION),
        (bundled(""), BAD_VERSION),
        (bundled("newest"), BAD_VERSION),
        (bundled("[4.0.0, 5.0.0"), BAD_VERSION),
        (bundled("4.0.0)"), BAD_VERSION),
        (bundled("[4.0.0, five)"), BAD_VERSION),
        (bundled("(4.0.0)"), BAD_VERSION),
        (bundled("[,]"), BAD_VERSION),
        (bundled("[9.0.0, 10.0.0)"), "Value cannot be null. (Parameter 'version')"),
        (bundled("[1.*, 2.0.0)"), "does not meet the required minimum version of 2.6.1"),
        (bundled("[2.*, 3.0.0)"), "NotSimulated: the Event Grid extension"),
        (HOST_JSON | {"http": {"routePrefix": ""}}, "NotSimulated: this host does not read http"),
        (HOST_JSON | {"functionTimeouts": "00:10:00"}, "does not read functiontimeouts"),
        (sampled("perhaps"), "samplingSettings:isEnabled' to type 'System.Boolean'."),
        (HOST_JSON | {"functionTimeout": "10 minutes"}, "to type 'System.TimeSpan'"),
        (HOST_JSON | {"functionTimeout": "00:60:00"}, "to type 'System.TimeSpan'"),
        (HOST_JSON | {"functionTimeout": "00:00:00"}, "must be greater than 00:00:01"),
        (HOST_JSON | {"functionTimeout": "-00:01:00"}, "must be greater than 00:00:01"),
        (
            HOST_JSON | {"logging": {"logLevel": {"default": "Info"}}},
            "Configuration value 'Info' is not supported.",
        ),
        (
            HOST_JSON | {"logging": {"logLevel": {"default": True}}},
            "Configuration value 'True' is not supported.",
        ),
    ],
)
def test_a_host_json_that_the_host_does_not_start_with(
    tmp_path: Path, host_json: object, words: str
) -> None:
    """The host keeps running in error, shows why, and answers 503 for functions."""
    with running(write_app(tmp_path, host_json=host_json)) as host:
        _is_in_error(host, words)


def _is_in_error(host: Host, words: str) -> None:
    status = host.get("/admin/host/status")
    assert status["state"] == "Error"
    assert words in status["errors"][0]
    assert words in host.text
    answer = host.send([event()])
    assert (answer.status_code, answer.text) == (503, "Function host is not running.")
    assert host.ask("/admin/functions/sweep", "POST", json={}).status_code == 503
    assert host.get("/admin/functions") == []


def test_comments_of_host_json_are_not_taken(tmp_path: Path) -> None:
    """The real host would accept them; nothing that is accepted here is refused there."""
    text = '{"version": "2.0", // the schema\n"functions": ["sweep"]}'
    with running(write_app(tmp_path, host_json=text)) as host:
        _is_in_error(host, "Unable to parse host configuration file")


@pytest.mark.parametrize("text", ["-1", "00:10:00", "1.00:00:00", "", None])
def test_timeouts_that_flex_consumption_takes(tmp_path: Path, text: str | None) -> None:
    """None, any length from a second on, and the default."""
    app = write_app(tmp_path, host_json=HOST_JSON | {"functionTimeout": text})
    with running(app) as host:
        assert host.get("/admin/host/status")["state"] == "Running"


def test_an_app_setting_overrides_host_json(tmp_path: Path) -> None:
    """`AzureFunctionsJobHost__` and a path: a wrong value there is as fatal as in the file."""
    wrong = {"AzureFunctionsJobHost__logging__logLevel__Function": "loud"}
    with running(write_app(tmp_path), **wrong) as host:
        _is_in_error(host, "Configuration value 'loud' is not supported.")


def test_functions_that_host_json_does_not_list_are_not_loaded(tmp_path: Path) -> None:
    """Only functions in the list `functions` are loaded."""
    with running(write_app(tmp_path, host_json=HOST_JSON | {"functions": ["sweep"]})) as host:
        assert [one["name"] for one in host.get("/admin/functions")] == ["sweep"]
        assert host.send([event()]).status_code == 404


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("import nothing_of_the_kind", "nothing_of_the_kind"),
        ("raise ValueError('SCOPE is malformed')", "SCOPE is malformed"),
        ("x = 1", "Could not find top level function app"),
        ("def (", "SyntaxError"),
        (told("int", "func.EventGridEvent"), "on_event"),
        (told("def on_event", "def sweep"), "does not have a unique function name"),
    ],
)
def test_an_app_that_cannot_be_imported_has_no_functions(
    tmp_path: Path, source: str, words: str
) -> None:
    """The worker's error is printed, no function of the app is loaded, the host keeps running."""
    with running(write_app(tmp_path, source)) as host:
        assert "Initializing worker process failed" in host.text
        assert words in host.text
        assert "No job functions found." in host.text
        assert host.get("/admin/functions") == []
        assert host.send([event()]).status_code == 404
        assert host.get("/admin/host/status")["state"] == "Running"


def test_an_app_without_its_module_has_no_functions(tmp_path: Path) -> None:
    """For the worker a missing function_app.py is not an error: there are no functions."""
    app = write_app(tmp_path)
    (app / "function_app.py").rename(app / "functions_app.py")
    with running(app) as host:
        assert "No job functions found." in host.text
        assert host.get("/admin/functions") == []


def named(name: str) -> str:
    """Return the app with its event function renamed."""
    return told(f'@app.function_name("{name}")\n@app.event_grid_trigger', "@app.event_grid_trigger")


@pytest.mark.parametrize(
    ("name", "source", "words"),
    [
        ("1st", named("1st"), "'1st' is not a valid function name."),
        ("on.event", named("on.event"), "'on.event' is not a valid function name."),
        ("host", named("host"), "'host' is not a valid function name."),
        ("e" * 129, named("e" * 129), "is not a valid function name."),
        (
            "on_event",
            APP.replace('arg_name="event"', 'arg_name="an_event"').replace("(event:", "(an_event:"),
            "The binding name an_event is invalid. Please assign a valid name to the binding.",
        ),
    ],
)
def test_a_function_that_the_host_does_not_take(
    tmp_path: Path, name: str, source: str, words: str
) -> None:
    """Its error is shown, its webhook does not exist, and the other function runs."""
    with running(write_app(tmp_path, source)) as host:
        assert f"The '{name}' function is in error: " in host.text
        assert words in host.text
        assert host.send([event()], function=name).status_code == 404
        assert host.run("sweep")["ok"] is True


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (
            '@app.queue_output(arg_name="out", queue_name="q", connection="C")\ndef sweep(out, ',
            "NotSimulated: this host runs no binding of type queue.",
        ),
        (
            f"{RETRY}\ndef sweep(",
            "NotSimulated: this host retries nothing.",
        ),
    ],
)
def test_what_would_silently_not_happen_here_is_an_error(
    tmp_path: Path, change: str, words: str
) -> None:
    """A binding or a policy that the real host supports and this host does not."""
    source = APP.replace("def sweep(", change).replace(
        "(out, timer:", "(out: func.Out[str], timer:"
    )
    with running(write_app(tmp_path, source)) as host:
        assert host.errors("sweep") == [words]
        assert host.ask("/_host/functions/sweep/run", "POST").status_code == 404


def test_of_names_that_differ_in_case_the_first_in_the_app_stays(tmp_path: Path) -> None:
    """Names are sorted without case, as in the host; ties are in the app's order."""
    with running(write_app(tmp_path, named("SWEEP"))) as host:
        (error,) = host.errors("sweep")
        assert error.endswith("There are multiple methods with the name 'Host.Functions.sweep'.")
        assert host.send([event(a=1)], function="SWEEP").status_code == 202
        assert host.get("/_host/counts") == {"SWEEP": {"succeeded": 1, "failed": 0, "running": 0}}


@pytest.mark.parametrize(
    ("schedule", "settings", "words"),
    [
        ("%MISSING%", {}, "'%MISSING%' does not resolve to a value."),
        ("%schedule%", {}, "'%schedule%' does not resolve to a value."),
        ("%%", {}, "'%%' does not resolve to a value."),
        ("0 % * * * *", {}, "The '%' at position 2 does not have a closing '%'"),
        ("", {}, "The schedule expression '' was not recognized as a valid cron expression or"),
        ("%SCHEDULE%", {"SCHEDULE": ""}, "The schedule expression '' was not recognized"),
        ("%SCHEDULE%", {"SCHEDULE": "0 0 0 ? * *"}, "'0 0 0 ? * *' was not recognized"),
        ("00:05:00", {}, "The schedule expression '00:05:00' was not recognized"),
        ("@hourly", {}, "The schedule expression '@hourly' was not recognized"),
    ],
)
def test_a_schedule_that_is_none_takes_its_function_out(
    tmp_path: Path, schedule: str, settings: dict[str, str], words: str
) -> None:
    """The timer fails indexing and never runs; events are still received."""
    with running(write_app(tmp_path, told(f'"{schedule}"')), **settings) as host:
        assert "Function 'Functions.sweep' failed indexing and will be disabled." in host.text
        assert host.errors("sweep")[0].startswith(INDEXING)
        assert words in host.errors("sweep")[0]
        assert host.ask("/_host/functions/sweep/run", "POST").status_code == 404
        assert host.send([event()]).status_code == 202


@pytest.mark.parametrize(
    "settings",
    [
        NO_STORAGE,
        {"AzureWebJobsStorage__accountName": None},
        {"AzureWebJobsStorage__accountName": "Not-A-Name"},
        {"AzureWebJobsStorage__credential": None},
        {"AzureWebJobsStorage__credential": "managed identity"},
        {"AzureWebJobsStorage__blobServiceUri": "account.blob.core.windows.net"},
        {"AzureWebJobsStorage": ""},
        {"AzureWebJobsStorage": "AccountName=account"},
        {"AzureWebJobsStorage": "https://account.blob.core.windows.net"},
    ],
)
def test_without_storage_there_are_no_keys_and_no_host(
    tmp_path: Path, settings: dict[str, str | None]
) -> None:
    """The Event Grid extension needs its key when the host starts, and has nowhere to read it."""
    with running(write_app(tmp_path), **settings) as host:
        _is_in_error(host, NO_SECRETS)


@pytest.mark.parametrize("extra", [{}, {"AzureWebJobsSecretStorageType": "Files"}])
def test_without_storage_a_timer_is_not_started(tmp_path: Path, extra: dict[str, str]) -> None:
    """The listener of a timer with a stored status fails; the host and the rest run."""
    host_json = HOST_JSON if extra else BARE
    with running(write_app(tmp_path, host_json=host_json), **NO_STORAGE, **extra) as host:
        assert host.errors("sweep") == [NOT_STARTED]
        assert host.get("/admin/host/status")["state"] == "Running"
        assert host.send([event()]).status_code == (202 if extra else 404)


@pytest.mark.parametrize(
    "settings",
    [
        {"AzureWebJobsStorage": "UseDevelopmentStorage=true"},
        {"AzureWebJobsStorage": "DefaultEndpointsProtocol=https;AccountName=a;AccountKey=b=="},
        {
            "AzureWebJobsStorage__blobServiceUri": "https://account.blob.core.windows.net",
            "AzureWebJobsStorage__credential": "managedidentity",
        },
    ],
)
def test_other_ways_to_name_the_storage(tmp_path: Path, settings: dict[str, str]) -> None:
    """A connection string, or the URL of the blobs with a managed identity."""
    with running(write_app(tmp_path), **(NO_STORAGE | settings)) as host:
        assert host.errors("sweep") == []
        assert host.send([event()]).status_code == 202


@pytest.mark.parametrize(
    "name", ["AzureWebJobs.on_event.Disabled", "AzureWebJobs_on_event_Disabled"]
)
@pytest.mark.parametrize(("value", "disabled"), [("true", True), ("1", True), ("0", False)])
def test_a_function_can_be_disabled(
    tmp_path: Path, name: str, value: str, *, disabled: bool
) -> None:
    """Its webhook is not found; the admin API lists it as disabled, and can still start it."""
    with running(write_app(tmp_path), **{name: value}) as host:
        assert host.get("/admin/functions/on_event")["isDisabled"] is disabled
        assert host.send([event()]).status_code == (404 if disabled else 202)
        start = host.ask("/admin/functions/on_event", "POST", json={"input": "{}"})
        assert start.status_code == 202


def test_local_settings_are_not_read(tmp_path: Path) -> None:
    """A deployed app has no local.settings.json: its settings are app settings."""
    app = write_app(tmp_path, told('"%ONLY_LOCAL%"'))
    (app / "local.settings.json").write_text('{"Values": {"ONLY_LOCAL": "0 0 0 1 1 *"}}')
    with running(app) as host:
        assert "'%ONLY_LOCAL%' does not resolve to a value." in host.text
