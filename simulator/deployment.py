"""A function app deployed into the simulator: host process, permissions, event subscriptions.

Takes the app's directory, the snapshot of its template (see `template.py`) and settings that
override the template's; gives a running `Deployment`. It sends the requests that Azure would send
for a template: the site, its settings, system topics and event subscriptions are PUT to ARM. Role
assignments have no API here, so the permissions are set by steering. If the host or a function is
in error, the deployment fails: it raises with the host's whole output.
"""

import os
import re
import secrets
import shutil
import subprocess
import sys
import time
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import requests

from simulator.arm.core.ids import SITES
from simulator.owner import owner_session
from simulator.simulator import Simulator
from simulator.template import Known, Template, read_template

LISTENING = re.compile(r"Now listening on: (\S+)\n")
IN_ERROR = "function is in error: "
LOOK_SECONDS = 0.02
# A host that has not ended by then is killed: one of its functions may hang.
LAST_SECONDS = 10

# App settings that a Flex Consumption plan refuses: it has properties of its own for them, or no
# equivalent. Listed in Microsoft's reference of app settings.
NOT_ON_FLEX = frozenset(
    """
    ENABLE_ORYX_BUILD FUNCTIONS_WORKER_PROCESS_COUNT FUNCTIONS_WORKER_RUNTIME
    FUNCTIONS_WORKER_RUNTIME_VERSION SCM_DO_BUILD_DURING_DEPLOYMENT
    WEBSITE_CONTENTAZUREFILECONNECTIONSTRING WEBSITE_CONTENTOVERVNET WEBSITE_CONTENTSHARE
    WEBSITE_MAX_DYNAMIC_APPLICATION_SCALE_OUT WEBSITE_RUN_FROM_PACKAGE
    WEBSITE_SKIP_CONTENTSHARE_VALIDATION WEBSITE_TIME_ZONE WEBSITE_VNET_ROUTE_ALL
    """.split()  # noqa: SIM905 - a list would only add lines
)

# Members of a template's resource that a deployment does not send.
OF_TEMPLATES = frozenset({"apiVersion", "condition", "copy", "dependsOn", "scope"})


class DeploymentError(Exception):
    """The app did not start; the text is the output of its host."""


@dataclass
class Deployment:
    """A function app running against a simulator; its host's output goes to `log`.

    Its storage is a folder beside the log; it is empty at first and outlives the host, so the
    timers' state survives a stop and start of the app.
    """

    simulator: Simulator
    app: Path
    settings: dict[str, str]
    template: Path
    log: Path
    timers: bool = True
    url: str = field(default="", init=False)
    key: str = field(default_factory=secrets.token_urlsafe, init=False)
    master: str = field(default_factory=secrets.token_urlsafe, init=False)

    def __post_init__(self) -> None:
        shutil.rmtree(self.storage, ignore_errors=True)

    @property
    def storage(self) -> Path:
        """The folder that is the host's storage account."""
        return self.log.with_suffix(".storage")

    def start(self) -> Self:
        """Start the host, then subscribe its functions; raise `DeploymentError` on failure."""
        _check_settings(self.deployed.settings | self.settings)
        self.log.parent.mkdir(parents=True, exist_ok=True)
        with ExitStack() as begun:
            with self.log.open("w") as log:
                process = subprocess.Popen(  # noqa: S603 the command is our own
                    self._command(), env=self._environment(), stdout=log, stderr=subprocess.STDOUT
                )
            begun.callback(_end, process)
            self.url = self._await_listening(process)
            self._check_loaded()
            self.subscribe()
            self._running = begun.pop_all()
        return self

    def stop(self) -> None:
        """End the host; returns once it has."""
        self._running.close()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def _command(self) -> list[str]:
        timers = "on" if self.timers else "off"
        host = [sys.executable, "-m", "simulator.host", "--port", "0"]
        keys = [f"--code={self.key}", f"--master={self.master}", f"--storage={self.storage}"]
        return [*host, "--app", str(self.app), "--timers", timers, *keys, *self._clock()]

    def _clock(self) -> list[str]:
        """Return the argument for the simulator's clock, unless that runs at real speed."""
        clock = f"{self.simulator.arm_endpoint}/_sim/clock"
        return [] if self.simulator.speed == 1 else ["--clock", clock]

    def _environment(self) -> dict[str, str]:
        mine = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
        named = {"WEBSITE_SITE_NAME": self.deployed.app}  # the platform tells each app its name
        # The host is a module of this package, which an installed command finds in its own folder.
        mine["PYTHONPATH"] = str(Path(__file__).resolve().parents[1])
        return mine | self.simulator.environment() | named | self.app_settings

    def _await_listening(self, process: "subprocess.Popen[bytes]") -> str:
        """Return the URL that the host writes into its log once it answers."""
        while True:
            ended = process.poll() is not None
            said = self.log.read_text()
            found = LISTENING.search(said)
            if found:
                return found[1]
            if ended:
                raise DeploymentError(said)
            time.sleep(LOOK_SECONDS)

    def _check_loaded(self) -> None:
        """Ask the host, as the portal does, whether it runs and has its functions.

        A function with an error may not be listed at all, so the host's own output is read as well.
        """
        state = self.ask("/admin/host/status")["state"]
        names = {function["name"] for function in self.ask("/admin/functions")}
        said = self.log.read_text()
        if state != "Running" or not names >= self.deployed.functions or IN_ERROR in said:
            raise DeploymentError(said)

    def ask(self, path: str) -> Any:  # noqa: ANN401 - JSON
        """Get JSON from the host's admin API."""
        headers = {"x-functions-key": self.master}
        answer = requests.get(self.url + path, headers=headers, timeout=30)
        answer.raise_for_status()
        return answer.json()

    @cached_property
    def deployed(self) -> Template:
        """What the template deploys into this subscription."""
        return deployed_into(self.simulator, self.template)

    @property
    def app_settings(self) -> dict[str, str]:
        """The template's settings, with the simulator's addresses, overridden by `settings`."""
        here = self.simulator.environment()
        template = self.deployed.settings
        return {name: here.get(name, value) for name, value in template.items()} | self.settings

    def subscribe(self) -> None:
        """Grant the app its permissions, store its settings, subscribe its functions.

        Call it again after a reset.
        """
        steering, template = self.simulator.client, self.deployed
        steering.set_roles(template.roles(steering.roles()))
        steering.ask("PUT", "eventgrid/functions", {template.app: f"{self.url}?code={self.key}"})
        for group in template.groups:
            steering.create_group(group)
        with owner_session(self.simulator) as owner:
            (config,) = template.of("Microsoft.Web/sites/config")
            app = [*template.of(SITES), config | {"properties": self.app_settings}]
            topics = template.of("Microsoft.EventGrid/systemTopics")
            for resource in app + topics + template.event_subscriptions:
                self._put(owner, resource)

    def _put(self, owner: requests.Session, resource: dict[str, Any]) -> None:
        url = f"{self.simulator.arm_endpoint}{resource['id']}"
        api = {"api-version": resource["apiVersion"]}
        body = {name: value for name, value in resource.items() if name not in OF_TEMPLATES}
        answer = owner.put(url, params=api, json=body, timeout=30)
        if not answer.ok:
            msg = f"PUT {resource['id']}: {answer.status_code} {answer.text}"
            raise DeploymentError(msg)


def _check_settings(settings: dict[str, str]) -> None:
    """Refuse the app settings that Azure's request to set them refuses."""
    for name in sorted(settings):
        if name in NOT_ON_FLEX or ":" in name:
            msg = (
                f"The following app setting (Site.SiteConfig.AppSettings.{name}) for Flex "
                "Consumption sites is invalid. Please remove or rename it before retrying."
            )
            raise DeploymentError(msg)


def _end(process: "subprocess.Popen[bytes]") -> None:
    process.terminate()
    try:
        process.wait(timeout=LAST_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def deployed_into(simulator: Simulator, template: Path) -> Template:
    """Return what a template's snapshot deploys into a simulator, for its principal `app`."""
    app = simulator.arm.rbac.named("app")
    known = Known(
        subscription=simulator.subscription_id,
        app_id=app.app_id,
        object_id=app.object_id,
        arm_endpoint=simulator.arm_endpoint,
        outcome_topic=simulator.environment()["OUTCOME_TOPIC"],
    )
    return read_template(template, known)
