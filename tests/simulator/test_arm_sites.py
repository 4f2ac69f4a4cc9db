"""Function apps in ARM: their settings are stored, and shown to callers with the permission."""

from simulator.arm.core import ids
from simulator.simulator import Simulator
from tests.simulator.conftest import Arms

SETTINGS = {"PROOF": "required", "AzureWebJobsStorage": "AccountKey=c2VjcmV0"}


def site(sim: Simulator) -> str:
    """Return the id of a function app in an existing group."""
    return f"{sim.client.create_group('apps')}/providers/{ids.SITES}/stillframe"


def test_app_settings_are_shown_as_they_were_set(sim: Simulator, arm: Arms) -> None:
    """By a POST, in a config's shape; a second PUT replaces them all, a PUT of the site none."""
    owner, app = arm("owner"), site(sim)
    assert owner("PUT", app, {"location": "West Europe"}).status_code == 200
    for settings in ({"OLD": "1"}, SETTINGS):
        owner("PUT", f"{app}/config/appsettings", {"properties": settings})
    owner("PUT", app, {"location": "West Europe", "tags": {"a": "b"}})
    shown = owner("POST", f"{app}/config/appsettings/list")
    assert shown.status_code == 200
    assert shown.json() == {
        "id": f"{app}/config/appsettings",
        "name": "appsettings",
        "type": "Microsoft.Web/sites/config",
        "location": "westeurope",
        "tags": {"a": "b"},
        "properties": SETTINGS,
    }


def test_a_reader_may_not_see_app_settings(sim: Simulator, arm: Arms) -> None:
    """403 AuthorizationFailed names the action and the config, and no setting."""
    app = site(sim)
    arm("owner")("PUT", app, {"location": "westeurope"})
    arm("owner")("PUT", f"{app}/config/appsettings", {"properties": SETTINGS})
    refused = arm("reader")("POST", f"{app}/config/appsettings/list")
    error = refused.json()["error"]
    assert (refused.status_code, error["code"]) == (403, "AuthorizationFailed")
    assert "'Microsoft.Web/sites/config/list/action'" in error["message"]
    assert f"'{app}/config/appsettings'" in error["message"]
    assert "c2VjcmV0" not in refused.text


def test_an_app_that_is_not_there_has_no_settings(sim: Simulator, arm: Arms) -> None:
    """Reads and writes are both 404 ResourceNotFound, which names the site."""
    app, owner = site(sim), arm("owner")
    for method, path in (("POST", "/config/appsettings/list"), ("PUT", "/config/appsettings")):
        answer = owner(method, app + path, {"properties": {}})
        error = answer.json()["error"]
        assert (answer.status_code, error["code"]) == (404, "ResourceNotFound")
        assert "'Microsoft.Web/sites/stillframe'" in error["message"]
