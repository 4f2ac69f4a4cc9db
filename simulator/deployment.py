"""A function app deployed into the simulator: its host as a process, its events subscribed.

Takes the app's directory, its settings and a file of event subscriptions (`${appId}` in it stands
for the app's own application id); gives a running `Deployment`. What Azure does with a template,
this does with the same requests: system topics and event subscriptions are PUT to ARM.
"""

import json
import os
import re
import subprocess
import sys
import time
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import requests

from simulator.arm import identity
from simulator.simulator import Simulator

GROUP = "stillframe"
API = "2025-02-15"
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
    event_subscriptions: Path
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
        return mine | self.simulator.environment() | self.settings

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

    def subscribe(self) -> None:
        """Put the topics and event subscriptions, as after a deployment; again after a reset."""
        app_id = self.simulator.environment()["AZURE_CLIENT_ID"]
        text = self.event_subscriptions.read_text().replace("${appId}", app_id)
        wanted = json.loads(text)
        self.simulator.client.create_group(GROUP)
        with self._owner() as owner:
            for topic, kind in wanted["topics"].items():
                source = f"/subscriptions/{self.simulator.subscription_id}"
                body = {"location": "global", "properties": {"source": source, "topicType": kind}}
                self._put(owner, f"systemTopics/{topic}", body)
            for one in wanted["eventSubscriptions"]:
                path = f"systemTopics/{one['topic']}/eventSubscriptions/{one['name']}"
                properties = {"destination": self._webhook(one["function"])} | _rest(one)
                self._put(owner, path, {"properties": properties})

    def _webhook(self, function: str) -> dict[str, Any]:
        url = f"{self.url}/runtime/webhooks/EventGrid?functionName={function}"
        return {"endpointType": "WebHook", "properties": {"endpointUrl": url}}

    def _put(self, owner: requests.Session, path: str, body: dict[str, Any]) -> None:
        group = f"/subscriptions/{self.simulator.subscription_id}/resourceGroups/{GROUP}"
        url = f"{self.simulator.arm_endpoint}{group}/providers/Microsoft.EventGrid/{path}"
        answer = owner.put(url, params={"api-version": API}, json=body, timeout=30)
        if not answer.ok:
            msg = f"PUT {path}: {answer.status_code} {answer.text}"
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


def _rest(subscription: dict[str, Any]) -> dict[str, Any]:
    return {"filter": subscription["filter"], "eventDeliverySchema": "EventGridSchema"}
