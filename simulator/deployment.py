"""A function app deployed into the simulator: its host as a process, its rights, its events.

Takes the app's directory, the snapshot of its template (see `template.py`) and settings that are to
be other than there; gives a running `Deployment`. What Azure does with a template, this does with
the same requests: system topics and event subscriptions are PUT to ARM. Role assignments have no
API here, so the rights are steered.
"""

import os
import re
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

from simulator.arm import identity
from simulator.simulator import Simulator
from simulator.template import Known, Template, read_template

LISTENING = re.compile(r"Now listening on: (\S+)\n")
LOOK_SECONDS = 0.02
# A host that has not ended by then is killed: a function of its app may be stuck.
LAST_SECONDS = 10


class DeploymentError(Exception):
    """The app would not start; the text is its host's own output."""


@dataclass
class Deployment:
    """A function app running against a simulator; its host's output goes to `log`."""

    simulator: Simulator
    app: Path
    settings: dict[str, str]
    template: Path
    log: Path
    timers: bool = True
    url: str = field(default="", init=False)

    def start(self) -> Self:
        """Start the host, then subscribe its functions; raise `DeploymentError` if it ends."""
        self.log.parent.mkdir(parents=True, exist_ok=True)
        with ExitStack() as begun:
            with self.log.open("w") as log:
                process = subprocess.Popen(  # noqa: S603 the command is our own
                    self._command(), env=self._environment(), stdout=log, stderr=subprocess.STDOUT
                )
            begun.callback(_end, process)
            self.url = self._await_listening(process)
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
        return [*host, "--app", str(self.app), "--timers", timers, *self._clock()]

    def _clock(self) -> list[str]:
        """Return what lets the host live in the simulator's time, where that is not the real."""
        clock = f"{self.simulator.arm_endpoint}/_sim/clock"
        return [] if self.simulator.speed == 1 else ["--clock", clock]

    def _environment(self) -> dict[str, str]:
        mine = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
        return mine | self.deployed.settings | self.simulator.environment() | self.settings

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

    @cached_property
    def deployed(self) -> Template:
        """What the template deploys into this subscription."""
        return deployed_into(self.simulator, self.template)

    def subscribe(self) -> None:
        """Grant the app its rights and subscribe its functions; again after a reset."""
        steering, template = self.simulator.client, self.deployed
        steering.set_roles(template.roles(steering.roles()))
        steering.ask("PUT", "eventgrid/functions", {template.app: self.url})
        for group in template.groups:
            steering.create_group(group)
        with self._owner() as owner:
            topics = template.of("Microsoft.EventGrid/systemTopics")
            for one in topics + template.event_subscriptions:
                self._put(owner, one)

    def _put(self, owner: requests.Session, resource: dict[str, Any]) -> None:
        url = f"{self.simulator.arm_endpoint}{resource['id']}"
        api = {"api-version": resource["apiVersion"]}
        answer = owner.put(url, params=api, json=resource, timeout=30)
        if not answer.ok:
            msg = f"PUT {resource['id']}: {answer.status_code} {answer.text}"
            raise DeploymentError(msg)

    def _owner(self) -> requests.Session:
        session = requests.Session()
        session.trust_env = False
        session.verify = str(self.simulator.ca_path)
        session.headers["Authorization"] = f"Bearer {self._owner_token()}"
        return session

    def _owner_token(self) -> str:
        owner = self.simulator.environment("owner")
        answer = requests.get(
            owner["IDENTITY_ENDPOINT"],
            params={
                "api-version": "2019-08-01",
                "resource": self.simulator.arm_endpoint,
                "client_id": owner["AZURE_CLIENT_ID"],
            },
            headers={"X-IDENTITY-HEADER": identity.HEADER_SECRET},
            timeout=10,
        )
        return str(answer.json()["access_token"])


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
