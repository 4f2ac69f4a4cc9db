"""`make sim`: the simulator, and the local Functions host beside it, until interrupted.

Prints the endpoints, the CA's path, a gallery definition for orders and the environment that a
client needs, and writes the same to `endpoints.json` and `env` in the state directory. If it cannot
start, it prints why and what to do: exit status 2 for invalid arguments, 1 for anything else.
"""

import argparse
import json
import shlex
import signal
import sys
import threading
from contextlib import ExitStack
from pathlib import Path

from simulator.arm.core.rbac import DEFAULT_ROLES
from simulator.deployment import Deployment, DeploymentError
from simulator.live_report import live_report
from simulator.simulator import PortTaken, Simulator
from simulator.template import TemplateError
from simulator.trial import TrialError, client_environment, forget_clouds, stock

TEMPLATE = Path("infra/snapshots/usual.snapshot.json")
FAILED, USAGE = 1, 2
_INSTALLED = "stillframe-sim"
_COMMAND = _INSTALLED if Path(sys.argv[0]).stem == _INSTALLED else ".venv/bin/python -m simulator"
_ELSEWHERE = (
    "another simulator may be running. Stop it, or start this one beside it: "
    f"{_COMMAND} --port 0 --identity-port 0 --report-port 0 --state-dir .sim-2"
)


class UsageError(Exception):
    """Invalid arguments; the text says what to write instead."""


def main() -> int:
    """Run until SIGINT or SIGTERM; return the process's status."""
    try:
        _run(_arguments())
    except UsageError as error:
        print(error, file=sys.stderr)
        return USAGE
    except PortTaken as error:
        print(f"The simulator could not start: {error}; {_ELSEWHERE}", file=sys.stderr)
        return FAILED
    except (DeploymentError, TemplateError, TrialError, OSError) as error:
        print(f"The simulator could not start: {error}", file=sys.stderr)
        return FAILED
    return 0


def _run(said: argparse.Namespace) -> None:
    settings = _settings(said)
    template = _template(said)
    simulator = Simulator(
        port=said.port,
        identity_port=said.identity_port,
        speed=said.speed,
        state_dir=said.state_dir,
        roles=said.roles,
    )
    stopped = threading.Event()
    for interruption in (signal.SIGINT, signal.SIGTERM):
        signal.signal(interruption, lambda *_: stopped.set())
    with ExitStack() as running:
        running.enter_context(simulator)
        forget_clouds(simulator)
        order_into = stock(simulator)
        app, report = None, None
        if template:
            deployment = _deployment(simulator, said.app, settings, template)
            app = running.enter_context(deployment).url
            report = running.enter_context(live_report(simulator, app, said.report_port))
        if said.throttling:
            simulator.client.settings(throttling=True)
        _announce(simulator, app, report, order_into)
        stopped.wait()


def _arguments() -> argparse.Namespace:
    here = Path() if Path("host.json").exists() else None
    parser = argparse.ArgumentParser(
        prog=_INSTALLED,
        description="A simulated Azure subscription, and a function app in it, until interrupted.",
        epilog="simulator/README.md in Stillframe's repository says what it simulates.",
    )
    parser.add_argument("--port", type=int, default=10443, help="https; 0 takes any")
    parser.add_argument("--identity-port", type=int, default=10080, help="http; 0 takes any")
    parser.add_argument("--report-port", type=int, default=10081, help="http; 0 takes any")
    parser.add_argument("--speed", type=float, default=1.0, help="simulated seconds per second")
    parser.add_argument("--state-dir", type=Path, default=Path(".sim"), help="CA, keys, endpoints")
    parser.add_argument("--roles", type=Path, default=DEFAULT_ROLES, help="the role file")
    parser.add_argument("--throttling", action="store_true", help="enforce rate limits")
    parser.add_argument("--app", type=Path, default=here, help="a function app's directory")
    parser.add_argument("--template", type=Path, help="the snapshot to deploy the app from")
    parser.add_argument("--no-app", dest="app", action="store_const", const=None)
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", dest="settings")
    return parser.parse_args()


def _settings(said: argparse.Namespace) -> dict[str, str]:
    """Return the app settings given by `--set`; `UsageError` if malformed or without an app."""
    for setting in said.settings:
        if not setting.partition("=")[0] or "=" not in setting:
            msg = f"--set {setting}: write NAME=VALUE, as in --set PROOF=off"
            raise UsageError(msg)
    if said.settings and said.app is None:
        msg = f"--set {said.settings[0]}: no app is started that could use it; name one with --app"
        raise UsageError(msg)
    return dict(setting.split("=", 1) for setting in said.settings)


def _template(said: argparse.Namespace) -> Path | None:
    """Return the snapshot that the app is deployed from; None without an app."""
    if said.app is None:
        if said.template:
            msg = f"--template {said.template}: no app to deploy from it; name one with --app"
            raise UsageError(msg)
        return None
    if not (said.app / "host.json").is_file():
        msg = f"--app {said.app}: not a function app (no host.json); --no-app starts without one"
        raise UsageError(msg)
    template: Path = said.template or said.app / TEMPLATE
    if not _is_snapshot(template):
        msg = (
            f"{template}: not a template snapshot; name one with --template (this app's is "
            f"{TEMPLATE}, bicep snapshot makes others), or start without the app: --no-app"
        )
        raise UsageError(msg)
    return template


def _is_snapshot(path: Path) -> bool:
    try:
        return isinstance(json.loads(path.read_text())["predictedResources"], list)
    except (OSError, ValueError, LookupError, TypeError):
        return False


def _deployment(
    simulator: Simulator, app: Path, settings: dict[str, str], template: Path
) -> Deployment:
    here = {"SUBSCRIPTIONS": simulator.subscription_id}
    log = simulator.state_dir / "host.log"
    return Deployment(simulator, app.resolve(), here | settings, template, log)


def _announce(simulator: Simulator, app: str | None, report: str | None, order_into: str) -> None:
    environment = client_environment(simulator)
    endpoints = simulator.endpoints() | {"environment": environment, "definition": order_into}
    endpoints |= {"app": app} if app else {}
    endpoints |= {"report": report} if report else {}
    (simulator.state_dir / "endpoints.json").write_text(json.dumps(endpoints, indent=2) + "\n")
    exported = "".join(f"export {n}={shlex.quote(v)}\n" for n, v in environment.items())
    sourced = (simulator.state_dir / "env").resolve()
    sourced.write_text(exported)
    for name in ("arm", "identity", "steering", "ca", "app", "report"):
        if name in endpoints:
            print(f"{name:>9}  {endpoints[name]}")
    if app is None:
        print("   no app  orders are not answered; start it in a clone, or name an app: --app DIR")
    print(f"\nThe value of the tag stillframe-capture for an image:\n\n{order_into}")
    print(f"\nThe environment of a client, the owner (. {shlex.quote(str(sourced))}):\n")
    print(exported, flush=True)


if __name__ == "__main__":
    sys.exit(main())
